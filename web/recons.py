"""What the pages need to know of a reconciliation: its words, its money, its calendar."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.database import Database
from memory.schema import recons
from recon.calendar import BusinessCalendar
from recon.errors import TieoutError
from recon.recon_file import ReconFile, parse_recon_file
from web.shown import cause_label, pattern_label, pattern_short

KEPT_SECONDS: Final = 3.0
_kept: dict[tuple[int, str], tuple[float, "ReconWords"]] = {}


@dataclass(frozen=True)
class ReconWords:
    """A reconciliation as the pages speak of it."""

    name: str
    said: ReconFile
    left: str
    right: str
    labels: dict[str, str]
    """Renamed and own buckets."""
    base: str
    """The materiality currency."""
    calendar: BusinessCalendar

    def pattern(self, pattern: str) -> str:
        return pattern_label(pattern, self.labels)

    def pattern_short(self, pattern: str) -> str:
        return pattern_short(pattern, self.labels)

    def cause(self, cause: str, detail: str = "") -> str:
        if cause == "new" and detail:
            return detail
        return cause_label(cause, self.labels, self.left, self.right)

    def age(self, onset: date | None, now: datetime, currency: str | None = None) -> int | None:
        """Business days outstanding."""
        return None if onset is None else self.calendar.age(onset, self.calendar.today(now), currency)


def words_of(desk: Desk, recon: str) -> ReconWords:
    """The words of a reconciliation; one that nobody configured speaks in the defaults."""
    key = (id(desk.db), recon)
    found = _kept.get(key)
    if found and time.monotonic() - found[0] < KEPT_SECONDS:
        return found[1]
    words = _words(recon, *_stored(desk.db, recon))
    if len(_kept) > 500:
        _kept.clear()
    _kept[key] = (time.monotonic(), words)
    return words


def forget(recon: str) -> None:
    """After a change: the next page reads anew."""
    for key in [k for k in _kept if k[1] == recon]:
        del _kept[key]


def _stored(db: Database, recon: str) -> tuple[ReconFile, dict[str, object]]:
    with db.read() as connection:
        row = connection.execute(sa.select(recons.c.body, recons.c.layout).where(recons.c.name == recon)).one_or_none()
    if row is None:
        return ReconFile(), {}
    try:
        return parse_recon_file(row.body, recon), row.layout or {}
    except TieoutError:
        return ReconFile(), row.layout or {}


def _words(name: str, said: ReconFile, layout: dict[str, object]) -> ReconWords:
    left = said.sources.left if said.sources else str(layout.get("left_source") or "left")
    right = said.sources.right if said.sources else str(layout.get("right_source") or "right")
    labels = {str(k): v for k, v in said.buckets.labels.items()} | said.buckets.patterns | said.buckets.causes
    return ReconWords(name, said, left, right, labels, said.materiality.currency, BusinessCalendar.of(said.calendar))


def over_limit(words: ReconWords, amount_base: float) -> bool:
    """Whether the amount asks for a second pair of eyes."""
    limit = words.said.approval.four_eyes_over
    return limit is not None and Decimal(str(amount_base)) > limit


def names(db: Database) -> list[str]:
    """Every configured or once run reconciliation."""
    with db.read() as connection:
        return list(connection.execute(sa.select(recons.c.name).order_by(recons.c.name)).scalars())
