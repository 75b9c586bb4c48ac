"""What the test Jira knows: projects, people, issues; and its search index, which may lag behind them."""

import itertools
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["cloud", "dc"]

STATUSES: dict[str, dict[str, Any]] = {
    "To Do": {"id": "1", "name": "To Do", "statusCategory": {"id": 2, "key": "new", "name": "To Do"}},
    "In Progress": {
        "id": "2",
        "name": "In Progress",
        "statusCategory": {"id": 4, "key": "indeterminate", "name": "In Progress"},
    },
    "Done": {"id": "3", "name": "Done", "statusCategory": {"id": 3, "key": "done", "name": "Done"}},
}
TYPES = [
    {"id": "10001", "name": "Task", "subtask": False},
    {"id": "10002", "name": "Sub-task", "subtask": True},
]
TRANSITIONS = [("11", "To Do"), ("21", "In Progress"), ("31", "Done")]


class Answer(Exception):
    """An answer that is not the usual one."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        super().__init__(str(status))


def no(status: int, *messages: str, **errors: str) -> Answer:
    return Answer(status, {"errorMessages": list(messages), "errors": errors})


@dataclass
class Issue:
    id: str
    key: str
    fields: dict[str, Any]
    created: float
    status: str = "To Do"
    assignee: str | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class JiraState:
    """Thread-safe by one lock; `clock` tells seconds, so that a test can let the index catch up."""

    mode: Mode
    clock: Callable[[], float]
    index_lag: float = 0.0
    projects: dict[str, str] = field(default_factory=lambda: {"REC": "Reconciliation", "TREAS": "Treasury"})
    people: tuple[str, ...] = ("fx.ops", "fx.ops.lead")
    labels_on_screen: bool = True
    forbidden: bool = False
    lacking: tuple[str, ...] = ()
    """Rights that our user does not have."""
    base: str = ""
    issues: dict[str, Issue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._numbers: dict[str, itertools.count[int]] = {}
        self._ids = itertools.count(10000)

    def create(self, fields: dict[str, Any]) -> Issue:
        with self.lock:
            project = (fields.get("project") or {}).get("key")
            if project not in self.projects:
                raise no(400, project="valid project is required")
            if (fields.get("issuetype") or {}).get("name") not in {kind["name"] for kind in TYPES}:
                raise no(400, issuetype="Specify a valid issue type")
            if "labels" in fields and not self.labels_on_screen:
                raise no(400, labels="Field 'labels' cannot be set. It is not on the appropriate screen, or unknown.")
            summary = fields.get("summary") or ""
            if not summary or len(summary) > 255 or "\n" in summary:
                raise no(400, summary="Summary must be one line of at most 255 characters.")
            if len(fields.get("description") or "") > 32767:
                raise no(400, description="The entered text is too long. It exceeds the allowed limit.")
            number = next(self._numbers.setdefault(project, itertools.count(1)))
            issue = Issue(str(next(self._ids)), f"{project}-{number}", fields, self.clock())
            self.issues[issue.key] = issue
            return issue

    def find(self, key: str) -> Issue:
        with self.lock:
            for issue in self.issues.values():
                if key in (issue.key, issue.id):
                    return issue
        raise no(404, "Issue does not exist or you do not have permission to see it.")

    def search(self, jql: str) -> list[Issue]:
        """Only what the index has caught up with."""
        match = re.fullmatch(r"labels in \(([^)]*)\)", jql.strip())
        if match is None:
            raise no(400, f"Error in the JQL Query: {jql}")
        wanted = {word.strip().strip('"') for word in match[1].split(",")}
        with self.lock:
            return [
                issue
                for issue in self.issues.values()
                if wanted & set(issue.fields.get("labels") or []) and self.clock() - issue.created >= self.index_lag
            ]

    def labelled(self, label: str) -> list[Issue]:
        """What really stands there, whatever the index says: for asserting."""
        with self.lock:
            return [issue for issue in self.issues.values() if label in (issue.fields.get("labels") or [])]
