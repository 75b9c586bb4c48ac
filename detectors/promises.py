"""Promises: what a comment says will happen to a break and by when, and whether it did, checked on the day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from detectors.when import Anchor, When, anchor, times
from recon.calendar import BusinessCalendar, to_date, to_day
from recon.rows import NO_DAY

PromiseState = Literal["open", "kept", "broken"]

_DONE: Final = (
    r"clear|settl|drop|correct|fix|resolv|match|post|book|revers|adjust|arriv|receiv|pay|paid|net|reconcil|clos|updat|"
    r"amend|writ|written|roll|fall|fell|disappear|releas|process|tru|catch|caught|load|flow|fed|feed|remov|go|gone|"
    r"come|repair|rectif|balanc|align|sync|complet|deliver|credit|debit|refund|wash|ag(?:e|ing) o|unwind|unwound|"
    r"resend|re-?send|re-?book|re-?post|follow|transfer|mov|offset|auto|be done|be sorted|sort|address|investigat"
)
PROMISING: Final = re.compile(
    rf"\b(?:will|shall|'ll|going to|to be|to (?:{_DONE})|is to|are to|expected|expects?|expecting|should|due|"
    r"scheduled|planned|plan to|waiting|^by|"
    r"anticipat\w*|estimated|eta|target\w*|pending|awaiting|aim\w*|hopefully|promis\w*|"
    rf"intend\w*|would|(?:{_DONE})\w* by|(?:clears|settles|drops|posts|books|matures|arrives|reverses|closes|rolls))\b"
)
"""Words that look ahead."""
ABOUT: Final = re.compile(rf"\b(?:{_DONE})|\b(?:eta|due|expected|pending|(?:a)?waiting)\b|^by\b")
"""Words for a break going away."""
PAST: Final = re.compile(
    r"\b(?:was|were|had|has been|have been|been (?:cleared|resolved|fixed|settled)|should have|would have|"
    r"(?:cleared|settled|resolved|corrected|fixed|posted|booked|reversed|closed|received|paid|matched|dropped|"
    r"amended|updated|written) (?:\w+ )?(?:on|in|at|yesterday|last))\b"
)
"""Words that look back; they lose against a promising word in the same clause, unless it is their own."""
DENIED: Final = re.compile(
    r"\b(?:will not|won't|wont|shall not|not going to|not expected|not due|unlikely|no eta|cannot|can't|"
    r"should not|shouldn't|no expected|not be|never|unless)\b"
)
LOOKING_BACK: Final = re.compile(r"\b(?:was|were|had) (?:expected|due|scheduled|to|planned|supposed)\b|\bshould have\b")
ASKING: Final = re.compile(r"\?\s*$|^\s*(?:will|can|could|should|is|does|when|did) (?:it|this|the|we|you|they)\b")
CLAUSES: Final = re.compile(r"(?:[;\n!]|\.(?=\s|$)|(?<=\?))+|\b(?:but|however)\b|, (?=(?:will|to|should|expected)\b)")
ABBREVIATED: Final = re.compile(
    r"\b(jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|bus|approx|est|ref|no)\.(?=\s)", re.IGNORECASE
)


@dataclass(frozen=True)
class Promise:
    """One thing that a comment says will happen."""

    text: str
    """The clause as written."""
    made_on: date
    due_on: date | None
    """None when only a condition says when."""
    condition: dict[str, Any] = field(default_factory=dict)
    """`age_days` (with `age_working`): due when the item is so old. `event`: due when something happens."""

    def due(self, onset: date | None, calendar: BusinessCalendar | None = None) -> date | None:
        """The day it falls due; an age is counted from the item's onset. None: no day can be said.

        >>> Promise("drop off at 7 days age", date(2025, 3, 6), None, {"age_days": 7}).due(date(2025, 3, 4))
        datetime.date(2025, 3, 11)
        """
        age = self.condition.get("age_days")
        if self.due_on is not None or age is None or onset is None:
            return self.due_on
        if self.condition.get("age_working") and calendar is not None:
            return calendar.add_business_days(onset, int(age))
        return onset + timedelta(int(age))


@dataclass(frozen=True)
class Checked:
    """How a promise stands on a day, and the row that decided it."""

    state: PromiseState
    statement: str
    due_on: date | None
    decided_on: date | None
    """The business date of the row that decided; None while open."""


def parse(
    comment: str,
    made_on: date,
    calendar: BusinessCalendar | None = None,
    dayfirst: bool | None = None,
) -> list[Promise]:
    """The promises of a comment, in its order. Reports of what has happened, questions and denials are none.

    >>> [p.due_on.isoformat() for p in parse("Will be corrected by month end.", date(2025, 5, 7))]
    ['2025-05-31']
    >>> parse("Break to drop off from report at 7 days Age", date(2025, 5, 7))[0].condition
    {'age_days': 7}
    >>> parse("resolved on 3 March", date(2025, 5, 7))
    []
    """
    at = anchor(made_on, calendar, dayfirst)
    text = ABBREVIATED.sub(r"\1", " ".join(_bare(comment).split(" ")))
    found: list[Promise] = []
    for clause in CLAUSES.split(text):
        found += _of_clause(clause.strip(" ,:-"), at)
    return list({(p.due_on, str(p.condition)): p for p in found}.values())


def _bare(comment: str) -> str:
    """The prose without the JSON that some systems wrap around it."""
    return re.sub(r"\\n", "\n", re.sub(r'[\[\]{}"]', " ", comment)).strip()


def _of_clause(clause: str, at: Anchor) -> list[Promise]:
    low = clause.lower()
    if not _promises(low):
        return []
    named = [w for w in times(low, at) if _still_ahead(w, at.day)]
    dated = [w for w in named if w.due is not None or w.age_days is not None]
    chosen = dated or named
    return [_promise(clause, at.day, w) for w in chosen[-1:]]


def _promises(low: str) -> bool:
    if DENIED.search(low) or ASKING.search(low) or LOOKING_BACK.search(low):
        return False
    if PROMISING.search(low) is None or ABOUT.search(low) is None:
        return False
    return (
        PAST.search(low) is None or re.search(r"\b(?:will|shall|to be|expected to|should|going to)\b", low) is not None
    )


def _still_ahead(when: When, made_on: date) -> bool:
    """A day long before the comment is no promise's day."""
    return when.due is None or when.due >= made_on - timedelta(7)


def _promise(clause: str, made_on: date, when: When) -> Promise:
    condition: dict[str, Any] = {}
    if when.age_days is not None:
        condition["age_days"] = when.age_days
        if when.age_working:
            condition["age_working"] = True
    if when.event:
        condition["event"] = when.event
    return Promise(" ".join(clause.split()), made_on, when.due, condition)


def check(
    promise: Promise,
    day: npt.NDArray[np.int32],
    is_break: npt.NDArray[np.bool_],
    on: date,
    *,
    onset: date | None = None,
    seen: Sequence[date] = (),
    calendar: BusinessCalendar | None = None,
) -> Checked:
    """How the promise stands on the day `on`, from its series' rows (days ascending) known by then.

    Kept: by its due day the series no longer breaks, or its rows are gone while the file came. Broken: on the first
    data of the due day or after it, it still breaks. Open: not yet due and still breaking, or no data since.
    `seen`: business dates on which a file of this reconciliation came, so that absence can count.
    """
    due = promise.due(onset, calendar)
    known = (day != NO_DAY) & (day <= to_day(on))
    days, breaks = day[known].astype(np.int64), is_break[known]
    later = days > to_day(promise.made_on)
    cleared = _cleared_on(days[later], breaks[later], seen, on, promise.made_on)
    if due is None:
        return _undated(promise, cleared)
    at = _first_data(days, seen, due, on)
    if at is None:
        early = cleared is not None and cleared <= min(due, on)
        return _checked("kept", promise, due, cleared) if early else _checked("open", promise, due, None)
    standing = bool(breaks[days == to_day(at)].any())
    return _checked("broken" if standing else "kept", promise, due, at)


def _first_data(days: npt.NDArray[np.int64], seen: Sequence[date], due: date, on: date) -> date | None:
    """The first business date at or after the due day, and not after `on`, of which anything is known."""
    own = [to_date(int(d)) for d in days if d >= to_day(due)]
    dates = [d for d in [*own, *seen] if d is not None and due <= d <= on]
    return min(dates) if dates else None


def _cleared_on(
    days: npt.NDArray[np.int64], breaks: npt.NDArray[np.bool_], seen: Sequence[date], on: date, made_on: date
) -> date | None:
    """The newest known day if the series does not break on it: absent from a file that came, or matched."""
    last_row = to_date(int(days[-1])) if len(days) else None
    last_file = max((d for d in seen if made_on < d <= on), default=None)
    if last_file is not None and (last_row is None or last_file > last_row):
        return last_file
    if last_row is None:
        return None
    return None if bool(breaks[days == days[-1]].any()) else last_row


def _undated(promise: Promise, cleared: date | None) -> Checked:
    return _checked("open" if cleared is None else "kept", promise, None, cleared)


def _checked(state: PromiseState, promise: Promise, due: date | None, decided: date | None) -> Checked:
    by = f"due on {due.isoformat()}" if due else f"due on {promise.condition.get('event', 'a condition')}"
    told = {
        "kept": f"the break is gone on {decided.isoformat()}" if decided else "the break is gone",
        "broken": f"it still breaks on {decided.isoformat()}" if decided else "it still breaks",
        "open": "not yet decided",
    }[state]
    statement = f"Promised on {promise.made_on.isoformat()}: «{promise.text}», {by}; {told}."
    return Checked(state, statement, due, decided)
