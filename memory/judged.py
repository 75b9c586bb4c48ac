"""Breaks that earlier runs judged: what a tag's preview looks at, and the days that a person called out of pattern."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from memory.cases import break_from_body
from memory.database import Database
from memory.feedback import Feedback
from memory.schema import case_breaks, cases, items
from recon.case import BreakRow


@dataclass(frozen=True)
class JudgedBreak:
    """One break as it was last judged."""

    case_id: str
    case_state: str
    brk: BreakRow
    confirmed: bool
    """A person called it, or its case, real."""


def judged_breaks(db: Database, recon: str, said: list[Feedback], limit: int) -> list[JudgedBreak]:
    """At most `limit` breaks of a reconciliation, each once. `said`: the tags in force, which tell what is real."""
    real = {f.target_id for f in said if f.verdict in ("true", "missed")}
    query = (
        sa.select(case_breaks.c.case_id, case_breaks.c.break_id, case_breaks.c.body, cases.c.state)
        .join(cases, cases.c.id == case_breaks.c.case_id)
        .where(cases.c.recon == recon)
        .order_by(case_breaks.c.business_date.desc(), case_breaks.c.break_id, case_breaks.c.run_id.desc())
        .limit(limit)
    )
    found: dict[str, JudgedBreak] = {}
    with db.read() as connection:
        for row in connection.execute(query):
            confirmed = row.case_id in real or row.break_id in real
            found.setdefault(row.break_id, JudgedBreak(row.case_id, row.state, break_from_body(row.body), confirmed))
    return list(found.values())


def confirmed_days(db: Database, said: Sequence[Feedback]) -> set[tuple[int, date]]:
    """(series id, business date) of what the tags `said` call true or missed: no baseline should learn from it.

    A tag on a day that is no row of any case names its series itself.
    """
    real = [f for f in said if f.verdict in ("true", "missed")]
    points = [p for f in real for p in [f.features.get("point")] if p]
    found = {(int(p["series"]), date.fromisoformat(p["day"])) for p in points}
    targets = sorted({f.target_id for f in real})
    for first in range(0, len(targets), 500):
        some = targets[first : first + 500]
        query = (
            sa.select(items.c.series_id, case_breaks.c.business_date)
            .join(items, items.c.id == case_breaks.c.item_id)
            .where(
                sa.or_(case_breaks.c.case_id.in_(some), case_breaks.c.break_id.in_(some)),
                case_breaks.c.business_date.is_not(None),
            )
        )
        with db.read() as connection:
            found |= {(int(row.series_id), row.business_date) for row in connection.execute(query)}
    return found
