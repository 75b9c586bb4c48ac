"""Builders for the desk's tests: a workspace whose clock can be set, people, cases and their breaks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from memory.action import Person
from memory.actions import Ledger
from memory.audit import AuditLog
from memory.cases import CaseStore, CaseWrite
from memory.database import Database
from memory.items import ItemStore
from memory.lives import Rules
from memory.schema import people
from memory.work import Work
from recon.calendar import BusinessCalendar
from recon.case import BreakRow, Case
from recon.recon_file import CalendarSaid, ReconFile

MON, TUE, WED, THU, FRI = (date(2026, 6, day) for day in (1, 2, 3, 4, 5))
ANNA = Person("anna", "operator")
BEN = Person("ben", "operator")
EVA = Person("eva", "approver")
CALENDAR = BusinessCalendar.of(CalendarSaid())
SAID = ReconFile.model_validate(
    {
        "name": "gl",
        "allow": {"email_domains": ["bank.example"], "jira_projects": ["REC"]},
        "sla": {"high": "1d", "medium": "3d", "low": "5d", "escalate_to": "boss@bank.example", "escalate_after": "2d"},
        "materiality": {"amount": 10000, "currency": "USD", "rates": {"EUR": "1.08"}},
        "write_off": {"under": 5, "currency": "USD", "account": "7999"},
    }
)


@dataclass
class Workspace:
    """Every store of the desk over one database, and a clock that a test moves."""

    db: Database
    now: datetime = datetime(2026, 6, 1, 9, tzinfo=UTC)
    cases: CaseStore = field(init=False)
    items: ItemStore = field(init=False)
    work: Work = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.cases = CaseStore(self.db, self.clock)
        self.items = ItemStore(self.db, self.clock)
        self.work = Work(self.db, self.cases, self.clock)
        self.ledger = Ledger(self.db, AuditLog(self.db, self.clock), self.clock)

    def clock(self) -> datetime:
        return self.now

    def at(self, day: date, hour: int = 9) -> None:
        """Moves the clock."""
        self.now = datetime.combine(day, time(hour), UTC)

    def know(self, *names: str) -> None:
        """Adds colleagues with a mail address each."""
        with self.db.begin() as connection:
            connection.execute(
                sa.insert(people),
                [{"name": n, "role": "operator", "email": f"{n}@bank.example", "created_at": self.now} for n in names],
            )

    def open_case(self, identity: str = "C1", **changes: Any) -> str:
        """Writes one case with one break per item id given."""
        held: Sequence[str] = changes.pop("items", ("I1",))
        due = changes.pop("due_on", None)
        run_id = changes.pop("run_id", "r1")
        case = made_case(id=identity, **changes)
        breaks = tuple(made_break(item_id=item, break_id=f"B{identity}{item}") for item in held)
        self.cases.upsert_many([CaseWrite(case, breaks, due_on=due)], run_id)
        return identity


def rules(**changes: Any) -> Rules:
    """Rules for the reconciliation `gl`."""
    return Rules("gl", CALENDAR, **changes)


def made_case(**changes: Any) -> Case:
    """A plain case; any field can be said otherwise."""
    values: dict[str, Any] = {
        "id": "C1",
        "kind": "anomaly",
        "state": "open",
        "title": "Sign reversed: Account 1619205",
        "recon": "gl",
        "pattern": "spike",
        "cause": "sign_flip",
        "cause_detail": "",
        "confidence": 0.9,
        "severity": "medium",
        "scope": (),
        "break_count": 1,
        "amount": Decimal("15000.00"),
        "currency": "USD",
        "onset": MON,
        "rows": (1,),
        "evidence": (),
        "hypotheses": (),
        "suspect_side": "right",
        "amount_base": 15000.0,
        "last_date": MON,
    }
    return Case(**{**values, **changes})


def made_break(**changes: Any) -> BreakRow:
    """A plain break; any field can be said otherwise."""
    values: dict[str, Any] = {
        "break_id": "B1",
        "item_id": "I1",
        "row": 1,
        "business_date": MON,
        "pair": "Balance",
        "key": {"Account": "1619205"},
        "columns": {},
        "left": "100.00",
        "right": "85.00",
        "difference": "15.00",
        "currency": "USD",
        "is_break": True,
        "anomaly": "yes",
        "score": 0.9,
        "pvalue": 0.001,
        "expected": 0.0,
        "low": -1.0,
        "high": 1.0,
        "pattern": "spike",
        "cause": "sign_flip",
        "reason": "",
    }
    return BreakRow(**{**values, **changes})
