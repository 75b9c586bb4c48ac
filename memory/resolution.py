"""A resolution: how one past break was closed, when a later one may lean on it, and what several of them agree on."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from memory.embedding import Features
from recon.case import BreakRow, Similar
from recon.ids import short_id

OUTCOME_WEIGHT: Final = {"resolved": 1.0, "unknown": 0.9, "reopened": 0.45, "rejected": 0.3}
"""A precedent that was reopened or rejected weighs against itself."""


@dataclass(frozen=True)
class Resolution:
    """How one past break was closed."""

    id: str
    recon: str
    business_date: date | None
    """The date of the break that it closed."""
    recorded_on: date | None
    """When it was written down; it is not used for anything before."""
    comment: str
    features: Features
    action: str = ""
    """What was done besides: a ticket's project, a mail, a write-off; empty when only commented."""
    outcome: str = "unknown"
    """`resolved`, `reopened`, `rejected` or `unknown`."""
    source: str = "comment"
    """`comment` (a column of a file), `learned` (tieout learn), `decision` (made here)."""
    series_id: str | None = None
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One resolution that resembles what was asked, and why."""

    resolution: Resolution
    score: float
    """0 to 1; the outcome is weighed in."""
    why: str

    def as_similar(self) -> Similar:
        """The form a case keeps."""
        r = self.resolution
        day = r.business_date.isoformat() if r.business_date else ""
        return Similar(r.id, round(self.score, 4), r.outcome, r.comment, day, self.why)


@dataclass(frozen=True)
class Consensus:
    """What most of the alike were closed with."""

    comment: str
    count: int
    total: int
    last: date | None
    ids: tuple[str, ...]

    def statement(self) -> str:
        """«8 of 9 like this closed with this comment, last on 2026-03-03»."""
        last = f", last on {self.last.isoformat()}" if self.last else ""
        noun = "break" if self.total == 1 else "breaks"
        return f"{self.count} of {self.total} {noun} like this closed with this comment{last}"


def features_of_break(brk: BreakRow, mechanism: str = "", comment: str | None = None) -> Features:
    """What a break is like, from the row the screen shows."""
    try:
        difference = Decimal(brk.difference)
    except InvalidOperation:
        difference = Decimal(0)
    missing = "left" if brk.left is None else "right" if brk.right is None else ""
    return Features(
        pattern=brk.pattern,
        cause=brk.cause,
        mechanism=mechanism,
        pair=brk.pair,
        sign=(difference > 0) - (difference < 0),
        size=float(abs(difference).log10()) if difference else None,
        missing=missing,
        columns={**brk.key, **brk.columns},
        comment=brk.comment if comment is None else comment,
    )


def same_wording(comment: str) -> str:
    """Comments that differ only in numbers, case, spacing or punctuation are one wording.

    >>> same_wording("Booked on 3 March, ref 77") == same_wording("booked on 9 March ref 81.")
    True
    """
    return " ".join(re.sub(r"\W+|\d+|_", " ", comment.casefold()).split())


def consensus(matches: Sequence[Match]) -> Consensus | None:
    """The wording with most weight among the matches; None when none has a comment."""
    spoken = [m for m in matches if m.resolution.comment.strip()]
    if not spoken:
        return None
    weights: Counter[str] = Counter()
    for m in spoken:
        weights[same_wording(m.resolution.comment)] += m.score  # type: ignore[assignment]
    best = max(weights, key=lambda wording: (weights[wording], wording))
    chosen = [m for m in spoken if same_wording(m.resolution.comment) == best]
    newest = max(chosen, key=lambda m: (m.resolution.business_date or date.min, m.score))
    dates = [m.resolution.business_date for m in chosen if m.resolution.business_date]
    return Consensus(
        comment=newest.resolution.comment.strip(),
        count=len(chosen),
        total=len(spoken),
        last=max(dates) if dates else None,
        ids=tuple(m.resolution.id for m in chosen),
    )


def usable(resolution: Resolution, before: date | None, as_of: date | None) -> bool:
    """True when a break of `before` may lean on it: it closed no newer break, and was known by then.

    A comment in a file was known on the day it was recorded. A decision made here is known from `as_of` on, the
    day on which the desk asks: today for live work, the replayed day in a backtest.
    """
    if before is None:
        return True
    if resolution.business_date is not None and resolution.business_date > before:
        return False
    known = resolution.recorded_on
    if known is None:
        return True
    horizon = max(before, as_of) if as_of is not None and resolution.source == "decision" else before
    return known <= horizon


def resolution_id(recon: str, break_id: str, comment: str) -> str:
    """The same break closed with the same words is the same resolution."""
    return short_id("R", recon, break_id, same_wording(comment))
