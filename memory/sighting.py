"""What one run saw of one criteria pair, day by day: what items are followed on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.rows import NO_DAY, Codes

Days = npt.NDArray[np.int32]
Units = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Series = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Sighting:
    """One line per series and business date of the run's current rows, matches too; sorted by day, then series.

    Several rows of one key on one date (duplicates) are one line: their differences added up. All arrays have
    equal length n.
    """

    pair: str
    scale: int
    series: Series
    day: Days
    difference: Units
    """Units: value * 10**scale; added up over the breaking rows, 0 where the key matches."""
    is_break: Flags
    onset: Days
    """First day of the unbroken run of breaks that the line ends, history included; NO_DAY for a match."""
    every: npt.NDArray[np.int32]
    """Business days between two dates of the key, by its own past; 1 where it has none."""
    tolerance: Units
    currency: npt.NDArray[np.object_]
    keys: pa.Table
    """The key columns as text."""
    row: Units
    """Position of the line's first row in the current reading."""
    come_back: bool = True
    """Whether keys are seen again on later days. Where they are not (a log of transactions, each told once on its
    own day), that a key is absent says nothing about its break."""

    @property
    def n(self) -> int:
        return len(self.day)

    def on(self, day: int) -> "Sighting":
        """Only the lines of one day."""
        low, high = np.searchsorted(self.day, (day, day + 1))
        return self.part(np.arange(low, high))

    def part(self, take: npt.NDArray[np.int64]) -> "Sighting":
        """The lines at these positions."""
        arrays = ("series", "day", "difference", "is_break", "onset", "every", "tolerance", "currency", "row")
        return replace(
            self, keys=self.keys.take(pa.array(take)), **{name: getattr(self, name)[take] for name in arrays}
        )

    def find(self, series: Series, day: Days) -> tuple[npt.NDArray[np.int64], Flags]:
        """The line of each (series, day), and whether there is one; in one search over all days."""
        names = np.unique(self.series)
        rank = np.searchsorted(names, series)
        known = names[np.minimum(rank, len(names) - 1)] == series
        lines = self.day.astype(np.int64) * len(names) + np.searchsorted(names, self.series)
        wanted = day.astype(np.int64) * len(names) + rank
        place = np.minimum(np.searchsorted(lines, wanted), self.n - 1)
        return place, known & (lines[place] == wanted)

    def key(self, i: int) -> dict[str, str]:
        """The key columns of line i."""
        return {name: str(self.keys.column(name)[i].as_py()) for name in self.keys.column_names}


def sighted(
    panel: Panel, key: Sequence[str], currency: str | None, calendar: BusinessCalendar, since: int | None = None
) -> Sighting:
    """The sighting of a panel's current rows. With `since` (days since 1970) also of the rows known of other days
    from it on: a restated file is followed together with the days after it, and has the only word on its own days.
    Rows without a business date are left out.
    """
    first = _first_of_day(panel)
    line = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    broken = np.logical_or.reduceat(panel.is_break, starts) if len(starts) else np.zeros(0, np.bool_)
    units = np.add.reduceat(np.where(panel.is_break, panel.diff, 0), starts) if len(starts) else np.zeros(0, np.int64)
    series_of = panel.series_of_rows()[starts]
    day = panel.day[starts]
    current = np.zeros(len(starts), np.bool_)
    wanted = panel.current
    if since is not None:
        restated = np.unique(panel.day[panel.current])
        wanted = wanted | ((panel.day >= since) & ~np.isin(panel.day, restated))
    current[line[wanted]] = True
    row = np.full(len(starts), -1, np.int64)
    at = np.flatnonzero(panel.current)[::-1]
    row[line[at]] = panel.source[at]
    onset = _onsets(series_of, day, broken)
    every = _every(series_of, day, panel.s, calendar)[series_of]
    keep = np.flatnonzero(current & (day != NO_DAY))
    keep = keep[np.lexsort((panel.series_id[series_of[keep]], day[keep]))]
    place = starts[keep]
    return Sighting(
        pair=panel.pair.name,
        scale=panel.scale,
        series=panel.series_id[series_of[keep]],
        day=day[keep],
        difference=units[keep],
        is_break=broken[keep],
        onset=np.where(broken[keep], onset[keep], NO_DAY).astype(np.int32),
        every=every[keep],
        tolerance=panel.tolerance[place],
        currency=_texts(panel.columns.get(currency) if currency else None, place),
        keys=pa.table({name: pa.array(_texts(panel.columns[name], place), pa.string()) for name in key}),
        row=row[keep],
        come_back=keys_come_back(series_of, day, broken),
    )


SEEN_AGAIN: Final = 0.5
"""Share of keys seen again from which on they come back as a rule: balances, positions."""
BROKEN_AGAIN: Final = 0.1
"""The same for keys that broke: a trade that matches is told once, one that breaks until it does not."""


def keys_come_back(series: npt.NDArray[np.int64], day: Days, broken: Flags) -> bool:
    """Whether a key of this panel is expected again on a later day; lines in order of series and day.

    Only keys first seen, or broken, before the newest day can tell; where none can, they are expected.

    >>> series, day = np.array([0, 1, 2, 3]), np.array([1, 1, 2, 3], np.int32)
    >>> keys_come_back(series, day, np.array([True, False, True, False]))
    False
    >>> keys_come_back(np.array([0, 0, 1, 2]), np.array([1, 2, 1, 2], np.int32), np.array([True, False, False, False]))
    True
    """
    early = (day != NO_DAY) & (day < day.max(initial=NO_DAY))
    last = np.append(series[1:] != series[:-1], True)[: len(series)]
    first = np.append(True, series[1:] != series[:-1])[: len(series)]
    asked, broke = early & first, early & broken
    if not asked.any():
        return True
    again = 1.0 - float(np.mean(last[asked]))
    return again >= SEEN_AGAIN or bool(broke.any() and 1.0 - float(np.mean(last[broke])) >= BROKEN_AGAIN)


def _first_of_day(panel: Panel) -> Flags:
    """True at the first row of each series and day; rows of one day stand together."""
    first = np.ones(panel.n, np.bool_)
    if panel.n:
        first[1:] = panel.day[1:] != panel.day[:-1]
        first[panel.offsets[:-1]] = True
    return first


def _onsets(series: npt.NDArray[np.int64], day: Days, broken: Flags) -> Days:
    """For each line the day at which its unbroken run of breaks began; meaningless where it does not break."""
    n = len(day)
    if not n:
        return day
    begins = broken.copy()
    begins[1:] &= ~(broken[:-1] & (series[1:] == series[:-1]))
    at = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    return day[at]


def _every(series: npt.NDArray[np.int64], day: Days, count: int, calendar: BusinessCalendar) -> npt.NDArray[np.int32]:
    """Length `count`: the median number of business days between two dates of each series; 1 without a past."""
    every = np.ones(count, np.int32)
    if len(day) < 2:
        return every
    same = (series[1:] == series[:-1]) & (day[:-1] != NO_DAY)
    gaps = calendar.count_between(day[:-1][same], day[1:][same])
    owner = series[1:][same]
    if not len(gaps):
        return every
    order = np.lexsort((gaps, owner))
    owner, gaps = owner[order], gaps[order]
    begin = np.searchsorted(owner, np.arange(count), side="left")
    end = np.searchsorted(owner, np.arange(count), side="right")
    has = end > begin
    every[has] = gaps[(begin + (end - begin - 1) // 2)[has]]
    return np.maximum(every, 1)


def _texts(codes: Codes | None, place: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    if codes is None:
        return np.full(len(place), "", np.object_)
    words = np.asarray([word or "" for word in codes.vocabulary.to_pylist()] or [""], dtype=np.object_)
    taken: npt.NDArray[np.object_] = words[codes.codes[place]]
    return taken
