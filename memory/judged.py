"""Breaks that earlier runs judged, newest first: what a tag's preview looks at."""

from dataclasses import dataclass

import sqlalchemy as sa

from memory.cases import break_from_body
from memory.database import Database
from memory.feedback import Feedback
from memory.schema import case_breaks, cases
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
