"""Builds a small acting desk: a database, a ledger, doors and a clock that a test moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from memory.action import Action, Draft, Outcome, Person
from memory.actions import Ledger
from memory.audit import AuditLog
from memory.database import Database
from memory.policy import Policy
from recon.settings import Settings
from recon.words import ActionKind
from tools.actions.door import Door

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN = Person("ann", "approver")
BOB = Person("bob", "approver")
OPAL = Person("opal", "operator")
VIC = Person("vic", "viewer")
POLICY = Policy(
    email_domains=("bank.example",),
    jira_projects=("REC", "TREAS"),
    webhooks=("https://api.bank.example/hooks/",),
    four_eyes_over=Decimal(100000),
    undo_seconds=10,
)

PAYLOADS: dict[ActionKind, dict[str, Any]] = {
    "jira.create": {
        "project": "REC",
        "issuetype": "Task",
        "summary": "GL and IHub differ by 20,000.00 USD on account 1607",
        "description": "E1: GL shows 20,000 more than IHub.",
        "priority": "High",
        "assignee": "fx.ops",
        "labels": ["recon"],
        "case_id": "C1",
    },
    "jira.comment": {"ticket": "REC-1", "body": "The break is gone since 2026-03-01."},
    "jira.transition": {"ticket": "REC-1", "to": "Done"},
    "email.send": {
        "to": ["fx.ops@bank.example"],
        "cc": [],
        "subject": "FX rate on 2026-02-27",
        "body": "Please check the rate.\n",
        "in_reply_to": None,
    },
    "webhook.call": {
        "url": "https://api.bank.example/hooks/breaks",
        "event": "break.explained",
        "body": {"case": "C1", "amount": "20000.00"},
    },
    "recon.comment": {"recon": "gl", "breaks": ["B1", "B2"], "rows": [1, 2], "comment": "FX rate, ticket raised."},
    "task.create": {"title": "Call the custodian", "body": "Ask for the missing confirmation."},
}


@dataclass
class Hands:
    """A clock that stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return (self.now - START).total_seconds()


@dataclass
class TestDesk:
    """The ports that the executor needs; doors are put in by the test."""

    __test__ = False

    db: Database
    clock: Hands
    settings: Settings
    doors: dict[str, Door] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.db, self.clock)
        self.ledger = Ledger(self.db, self.audit, self.clock)

    def put(self, door: Door) -> None:
        for kind in door.kinds:
            self.doors[kind] = door


def open_desk(url: str, home: Path, clock: Hands | None = None) -> TestDesk:
    db = Database(url)
    return TestDesk(db, clock or Hands(), Settings(home=home, _env_file=None))  # type: ignore[call-arg]


def wanted(kind: ActionKind = "jira.create", payload: Mapping[str, Any] | None = None, **also: Any) -> Draft:
    given: dict[str, Any] = {
        "case_id": "C1",
        "recon": "gl",
        "kind": kind,
        "payload": {**PAYLOADS[kind], **(payload or {})},
        "rationale": "E1 shows it.",
        "scope_key": "a" * 64,
        "source_hash": "s1",
        "policy": POLICY,
    }
    return Draft(**{**given, **also})


def approve(desk: TestDesk, action: Action, by: Person = ANN) -> Outcome:
    return desk.ledger.decide(action.id, "approve", action.payload_hash, by)


def approved(desk: TestDesk, kind: ActionKind = "jira.create", **also: Any) -> Action:
    """Drafted, approved, and past its undo window."""
    action = desk.ledger.draft(wanted(kind, **also))
    out = approve(desk, action)
    desk.clock.move(POLICY.undo_seconds)
    return out.action
