"""A desk on a folder of its own, and cases to put on it: what every agents' test starts from."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.desk import Desk
from agents.offline import OfflineModel
from memory.action import Person
from memory.actions import Ledger
from memory.audit import AuditLog
from memory.cases import CaseStore, CaseWrite
from memory.database import Database
from memory.feedback import FeedbackStore
from memory.resolutions import Resolutions
from memory.schema import metadata, recons
from memory.vectors import Vectors
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart
from recon.ids import case_id
from recon.lake import Lake
from recon.settings import Settings

OPERATOR = Person("olga", "operator")
APPROVER = Person("amir", "approver")
NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_desk(home: Path, *, model: Any = None, watch: Watch | None = None, **settings: Any) -> Desk:
    watch = watch or Watch()
    said = Settings(_env_file=None, home=home, **settings)  # type: ignore[call-arg]
    db = Database(said.sqlalchemy_url())
    with db.begin() as connection:
        metadata.create_all(connection)
    audit = AuditLog(db, watch)
    return Desk(
        settings=said,
        clock=watch,
        new_id=lambda: "x",
        db=db,
        lake=Lake(str(home / "lake")),
        cases=CaseStore(db, watch),
        ledger=Ledger(db, audit, watch),
        audit=audit,
        resolutions=Resolutions(db, Vectors(home / "chroma"), watch),
        feedback=FeedbackStore(db, watch),
        make_model=lambda: model or OfflineModel(),
        doors={},
    )


def say(desk: Desk, recon: str, body: dict[str, Any], left: str = "GL", right: str = "IHub") -> None:
    """Stores a recon file."""
    full = {"name": recon, "sources": {"left": left, "right": right}, **body}
    with desk.db.begin() as connection:
        connection.execute(
            recons.insert().values(name=recon, body=full, layout=None, updated_at=desk.clock(), updated_by=None)
        )


def make_break(n: int = 1, **changes: Any) -> BreakRow:
    base = BreakRow(
        break_id=f"B{n:016x}",
        item_id=f"I{n:016x}",
        row=n,
        business_date=date(2026, 3, 9),
        pair="Balance",
        key={"Account": f"16192{n:02d}", "Currency": "USD"},
        columns={"Desk": "Rates"},
        left="20000",
        right="35000",
        difference="-15000",
        currency="USD",
        is_break=True,
        anomaly="yes",
        score=0.9,
        pvalue=0.001,
        expected=0.0,
        low=-200.0,
        high=200.0,
        pattern="spike",
        cause="fx_rate",
        reason="-15,000 against an expected 0 (band -200 to 200).",
    )
    return replace(base, **changes)


def make_case(breaks: Sequence[BreakRow], **changes: Any) -> Case:
    first = breaks[0]
    scope = changes.pop("scope", tuple(ScopePart(c, v) for c, v in first.key.items()))
    cause = changes.get("cause", first.cause)
    recon = changes.get("recon", "gl-vs-ihub")
    total = sum((abs(Decimal(b.difference)) for b in breaks), Decimal(0))
    base = Case(
        id=case_id(recon, cause, [(p.column, p.value) for p in scope], "2026-03-09"),
        kind="anomaly",
        state="open",
        title=f"Balance off by {total:,f} USD",
        recon=recon,
        pattern=first.pattern,
        cause=cause,
        cause_detail="",
        confidence=0.9,
        severity="high",
        scope=scope,
        break_count=len(breaks),
        amount=total,
        currency="USD",
        onset=date(2026, 3, 9),
        rows=tuple(b.row for b in breaks),
        evidence=(
            Evidence(
                "E1",
                "break",
                "Balance on 2026-03-09: GL 20000 USD, IHub 35000 USD, difference -15000 USD",
                {
                    "left": "20000",
                    "left_source": "GL",
                    "right": "35000",
                    "right_source": "IHub",
                    "difference": "-15000",
                    "currency": "USD",
                    "date": "2026-03-09",
                    "pair": "Balance",
                    "key": dict(first.key),
                },
                (first.row,),
            ),
            Evidence(
                "E2",
                "band",
                "-15,000 is outside the band from -200 to 200 that 24 past points give",
                {"difference": "-15000", "low": "-200", "high": "200", "support": 24},
            ),
            Evidence(
                "E3",
                "proof",
                "35000 is 20000 at yesterday's rate of 1.75",
                {"mechanism": "yesterdays_rate", "left": "20000", "right": "35000", "rate": "1.75"},
            ),
        ),
        hypotheses=(Hypothesis("fx_rate", "IHub used yesterday's rate", 0.9, ("E3",)),),
        suspect_side="right",
        pair="Balance",
        key=dict(first.key),
        amount_base=float(total),
        last_date=date(2026, 3, 9),
        family="fam",
    )
    return replace(base, **changes)


def put_case(desk: Desk, *breaks: BreakRow, **changes: Any) -> str:
    """One case into the store; gives back its id."""
    rows = breaks or (make_break(),)
    case = make_case(rows, **changes)
    desk.cases.upsert_many([CaseWrite(case, tuple(rows))], "run-1")
    return case.id
