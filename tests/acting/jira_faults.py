"""Forty and more ways in which Jira fails, with the state and the sentence that each must come to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from memory.payloads import attachment
from recon.words import ActionKind, ActionState
from tests.acting.jira_server.server import JiraServer

POST = r"POST .*/issue$"
SEARCH = r"GET .*/search"
INFO = r"GET .*/serverInfo$"
COMMENT = r"POST .*/comment$"
MOVE = r"POST .*/transitions$"
ATTACH = r"POST .*/attachments$"
ASSIGN = r"PUT .*/assignee$"
USERS = r"GET .*/user/search$"
FILES = {"attachments": [attachment("rows.csv", "a,b\n1,2\n")]}

Plant = Callable[[JiraServer], None]


@dataclass(frozen=True)
class JiraFault:
    """What goes wrong, how the action stands right after, and how it ends when time passes and nothing else fails."""

    name: str
    plant: Plant
    state: ActionState
    says: str
    ends: ActionState
    arrives: int
    """How many tickets, comments or moves there are in the end."""
    kind: ActionKind = "jira.create"
    payload: dict[str, Any] = field(default_factory=dict)
    door_says: bool = False
    """True: the sentence is the shut door's."""


def on(route: str, what: str, **also: Any) -> Plant:
    return lambda jira: jira.fault(route, what, **also)


def status(route: str, code: int, **also: Any) -> Plant:
    return on(route, "status", status=code, **also)


def has(**what: Any) -> Plant:
    def plant(jira: JiraServer) -> None:
        for name, value in what.items():
            setattr(jira.state if hasattr(jira.state, name) else jira, name, value)

    return plant


def waits(name: str, plant: Plant, says: str, **also: Any) -> JiraFault:
    """Nothing left; the door is shut for a while, then it goes through."""
    return JiraFault(name, plant, "approved", says, "done", 1, door_says=True, **also)


def looks(name: str, plant: Plant, says: str, **also: Any) -> JiraFault:
    """The answer was lost; it is found or sent once more."""
    return JiraFault(name, plant, "checking", says, "done", 1, **also)


def fails(name: str, plant: Plant, says: str, **also: Any) -> JiraFault:
    return JiraFault(name, plant, "failed", says, "failed", 0, **also)


def stands(name: str, plant: Plant, says: str, **also: Any) -> JiraFault:
    """The ticket stands; what is missing is said."""
    return JiraFault(name, plant, "done", says, "done", 1, **also)


def _date(jira: JiraServer) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    jira.fault(POST, "status", status=429, headers={"Retry-After": later})


QUOTA = {"RateLimit-Reason": "jira-quota"}
SEEN = {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}
WRONG_FIELD = b'{"errorMessages":[],"errors":{"priority":"The priority selected is invalid."}}'
ONTO: dict[str, Any] = {"kind": "jira.comment", "payload": {"ticket": "REC-1"}}
TO: dict[str, Any] = {"kind": "jira.transition", "payload": {"ticket": "REC-1", "to": "Done"}}
NOWHERE: dict[str, Any] = {"kind": "jira.transition", "payload": {"ticket": "REC-1", "to": "Nowhere"}}
ELSEWHERE: dict[str, Any] = {"kind": "jira.comment", "payload": {"ticket": "REC-99"}}
NOBODY: dict[str, Any] = {"payload": {"assignee": "x"}}
HUGE = {"description": "{" * 20_000}

FAULTS: tuple[JiraFault, ...] = (
    looks("create: dropped before the work", on(POST, "drop"), "the connection broke"),
    looks("create: dropped after the work", on(POST, "drop", after=True), "the connection broke"),
    looks("create: no answer in time", on(POST, "delay", seconds=0.8), "no answer in time"),
    looks("create: dropped twice, then found", on(POST, "drop", after=True, times=2), "the connection broke"),
    JiraFault("create: dropped twice, never there", on(POST, "drop", times=2), "checking", "broke", "unknown", 0),
    fails("create: a field is wrong", status(POST, 400, body=WRONG_FIELD), "The priority selected is invalid"),
    fails("create: Labels is not on the screen", has(labels_on_screen=False), "not on the project's create screen"),
    waits("create: token refused", status(POST, 401), "put a new one into TIEOUT_JIRA_TOKEN"),
    waits("create: no right", status(POST, 403, headers=SEEN), "sign in by hand first"),
    fails("create: forbidden", has(forbidden=True), "may not do this"),
    fails("create: not found", status(POST, 404), "does not know"),
    JiraFault("create: conflict", status(POST, 409), "approved", "just changing", "done", 1),
    fails("create: gone", status(POST, 410), "no longer offers"),
    fails("create: too large", status(POST, 413), "too large"),
    waits("create: slow down, in seconds", status(POST, 429, headers={"Retry-After": "30"}), "slow down"),
    waits("create: slow down, until a date", _date, "slow down"),
    waits("create: slow down, no word", status(POST, 429), "slow down"),
    waits("create: slow down, with a reason", status(POST, 429, headers=QUOTA), "jira-quota"),
    looks("create: 500", status(POST, 500), "failed while doing creating the ticket (500)"),
    looks("create: 502", status(POST, 502, body=b"<html>Bad Gateway</html>"), "(502)"),
    looks("create: 503 with Retry-After", status(POST, 503, headers={"Retry-After": "5"}), "(503)"),
    looks("create: 504 after the work", status(POST, 504, after=True), "(504)"),
    looks("create: 500 after the work", status(POST, 500, after=True), "(500)"),
    looks("create: a sign-in page with 200", on(POST, "html"), "sign-in page"),
    looks("create: a sign-in page after the work", on(POST, "html", after=True), "sign-in page"),
    looks("create: empty body", on(POST, "empty"), "cannot be read"),
    looks("create: empty body after the work", on(POST, "empty", after=True), "cannot be read"),
    looks("create: half a JSON", on(POST, "truncated"), "cannot be read"),
    looks("create: half a JSON after the work", on(POST, "truncated", after=True), "cannot be read"),
    fails("create: no such project", on("nothing", "drop"), "valid project is required", payload={"project": "TREAS"}),
    fails("create: too long once escaped", on("nothing", "drop"), "shorten it", payload=HUGE),
    waits("search: dropped", on(SEARCH, "drop"), "out of reach"),
    waits("search: 500", status(SEARCH, 500), "out of order (500)"),
    waits("search: 429", status(SEARCH, 429, headers={"Retry-After": "7"}), "slow down"),
    waits("search: a sign-in page", on(SEARCH, "html"), "sign-in page instead of data"),
    waits("search: empty body is not nothing found", on(SEARCH, "empty"), "is no JSON"),
    waits("search: half a JSON", on(SEARCH, "truncated"), "is no JSON"),
    waits("search: token expired", status(SEARCH, 401), "does not accept our token"),
    fails("search: gone", status(SEARCH, 410), "no longer offers"),
    waits("version: dropped", on(INFO, "drop"), "out of reach"),
    waits("version: a sign-in page", on(INFO, "html"), "sign-in page instead of data"),
    waits("version: 503", status(INFO, 503), "out of order (503)"),
    stands("assignee: nobody has that name", on("nothing", "drop"), "Nobody in Jira is exactly", **NOBODY),
    stands("assignee: the search fails", status(USERS, 500), "could not be assigned"),
    stands("assignee: forbidden", status(ASSIGN, 403), "could not be assigned"),
    stands("evidence: too large", status(ATTACH, 413), "may be missing", payload=FILES),
    stands("evidence: dropped", on(ATTACH, "drop"), "may be missing", payload=FILES),
    fails("comment: no such ticket", on("nothing", "drop"), "does not know", **ELSEWHERE),
    looks("comment: dropped before the work", on(COMMENT, "drop"), "the connection broke", **ONTO),
    looks("comment: dropped after the work", on(COMMENT, "drop", after=True), "broke", **ONTO),
    looks("comment: 500 after the work", status(COMMENT, 500, after=True), "(500)", **ONTO),
    fails("move: no way there", on("nothing", "drop"), "cannot go to Nowhere", **NOWHERE),
    JiraFault("move: conflict", status(MOVE, 409), "approved", "just changing", "done", 1, **TO),
    looks("move: dropped after the work", on(MOVE, "drop", after=True), "broke", **TO),
    looks("move: dropped before the work", on(MOVE, "drop"), "the connection broke", **TO),
)  # fmt: skip
