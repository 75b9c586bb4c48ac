"""How long a case may wait: severity, due date and escalation, as pure rules on business calendars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from memory.cases import OPEN_STATES, CaseRecord
from recon.calendar import BusinessCalendar
from recon.errors import BadReconFile
from recon.recon_file import ReconFile, Sla
from recon.words import Severity

_TERM = re.compile(r"(\d{1,3})\s*([dwh])")
_STEPS: Final[tuple[Severity, ...]] = ("low", "medium", "high")

OLD_AFTER: Final = 30
"""Business days after which age alone makes a case one step more severe."""


@dataclass(frozen=True)
class Standing:
    """What else than money makes a case severe."""

    age: int = 0
    """Business days since its onset."""
    promise_broken: bool = False
    repeated: bool = False
    """The same key keeps breaking, or the case came back."""


@dataclass(frozen=True)
class Escalation:
    """A case that waited too long, and whom that is told."""

    case_id: str
    to: str | None
    """The recon file's `escalate_to`; None: nobody is named, it only shows in the queue."""
    days_over: int
    """Business days past the due date."""
    why: str


def term_days(text: str, where: str = "sla") -> int:
    """Business days of a term: `3d`, `1w` (five days); hours are rounded up to days. Raises BadReconFile.

    >>> term_days("1w"), term_days("36h")
    (5, 2)
    """
    match = _TERM.fullmatch(text.strip().lower())
    if match is None:
        msg = f"{where}: {text!r} is no term; write days like 3d, weeks like 1w or hours like 24h"
        raise BadReconFile(msg)
    count = int(match[1])
    return {"d": count, "w": 5 * count, "h": -(-count // 24)}[match[2]]


def limits(sla: Sla) -> tuple[int, ...]:
    """Ages that are told when an item passes them: the longest term of the recon file, then 30, 60 and 90."""
    longest = max(term_days(sla.high), term_days(sla.medium), term_days(sla.low))
    return tuple(sorted({longest, 30, 60, 90}))


def severity(by_money: Severity, standing: Standing) -> Severity:
    """The severity that money gives, one step up for each of: old, a broken promise, repeated; `high` is the top.

    >>> severity("low", Standing(age=31, promise_broken=True))
    'high'
    """
    steps = (standing.age > OLD_AFTER) + standing.promise_broken + standing.repeated
    return _STEPS[min(_STEPS.index(by_money) + steps, len(_STEPS) - 1)]


def due_on(level: Severity, opened: date, currency: str, said: ReconFile, calendar: BusinessCalendar) -> date:
    """The business day by which a case of this severity, opened on that business date, must be settled."""
    term = {"high": said.sla.high, "medium": said.sla.medium, "low": said.sla.low}[level]
    return calendar.add_business_days(opened, term_days(term, f"sla.{level}"), currency or None)


def escalations(
    records: Sequence[CaseRecord], today: date, said: ReconFile, calendar: BusinessCalendar
) -> list[Escalation]:
    """The cases to escalate today: open, not escalated yet, and over their due date by `escalate_after`."""
    patience = term_days(said.sla.escalate_after, "sla.escalate_after") if said.sla.escalate_after else 1
    found = []
    for record in records:
        case = record.case
        waiting = case.state in OPEN_STATES and case.state not in ("escalated", "snoozed")
        if not waiting or record.due_on is None or record.due_on >= today:
            continue
        over = calendar.business_days_between(record.due_on, today, case.currency or None)
        if over >= patience:
            found.append(Escalation(case.id, said.sla.escalate_to, over, why_late(record, over)))
    return found


def why_late(record: CaseRecord, days_over: int) -> str:
    """The sentence for an overdue case; a case that nobody owns says so, since that is why it aged."""
    days = "1 business day" if days_over == 1 else f"{days_over} business days"
    owner = f"{record.owner} owns it" if record.owner else "aged because nobody owns it"
    return f"{days} over its due date {record.due_on}; {owner}"
