"""When: where each break's spell began and how long it has lasted, what began with it, and what changed since."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from detectors.digits import Mask, Units
from recon.calendar import BusinessCalendar, to_date
from recon.panel import Panel
from recon.rows import NO_DAY

Change = Literal["new", "gone", "aged", "grew", "shrank", "flipped"]
CHANGES: Final[tuple[Change, ...]] = ("new", "gone", "aged", "grew", "shrank", "flipped")
NEW, GONE, AGED, GREW, SHRANK, FLIPPED = range(len(CHANGES))
TIMES: Final = 3
"""A calendar habit needs so many earlier breaks on its days."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Spells:
    """For every panel row, the unbroken spell of breaks that it stands in; arrays of length n."""

    onset: Units
    """The panel row at which the spell began; -1 where the row is no break."""
    length: Units
    """Rows of the spell so far, this one included; 0 where the row is no break."""


def spells(panel: Panel) -> Spells:
    """A spell ends with a row that is no break, or with its series. Vectorised; length n."""
    index = np.arange(panel.n)
    starts = np.zeros(panel.n, dtype=np.bool_)
    starts[panel.offsets[:-1][np.diff(panel.offsets) > 0]] = True
    calm = ~panel.is_break
    after_calm = np.maximum.accumulate(np.where(calm, index + 1, np.where(starts, index, 0)))
    onset = np.where(panel.is_break, after_calm, -1)
    return Spells(onset, np.where(panel.is_break, index - after_calm + 1, 0))


@dataclass(frozen=True)
class Changes:
    """What changed for each series between two dates; arrays of equal length, only series that broke on either."""

    day: int
    before: int
    """The panel's business date before `day`; NO_DAY where there is none: then every break is new."""
    series: Units
    kind: npt.NDArray[np.int8]
    """Index into CHANGES."""
    row: Units
    """The series' panel row on `day`, the last one where there are several; -1: absent."""
    row_before: Units
    """Its row on the date before; -1: absent."""

    def of(self, change: Change) -> Units:
        """The series with this change, ascending."""
        return np.asarray(self.series[self.kind == CHANGES.index(change)], dtype=np.int64)

    def counts(self) -> dict[Change, int]:
        found = Counter(self.kind.tolist())
        return {change: found.get(k, 0) for k, change in enumerate(CHANGES)}


def changes(panel: Panel, day: int | None = None) -> Changes:
    """Every series that breaks on `day` (the newest date by default) or on the panel's date before it.

    A side's difference is summed over the rows of one key and date. Grown or shrunk is by more than the tolerance.
    """
    dated = panel.day[panel.day != NO_DAY]
    today = int(dated.max()) if day is None and len(dated) else int(NO_DAY if day is None else day)
    earlier = dated[dated < today]
    before = int(earlier.max()) if len(earlier) else int(NO_DAY)
    now_row, now_diff, now_broke = _on(panel, today)
    then_row, then_diff, then_broke = _on(panel, before)
    which = np.flatnonzero(now_broke | then_broke)
    tolerance = np.zeros(panel.s, dtype=np.int64)
    tolerance[now_row >= 0] = panel.tolerance[now_row[now_row >= 0]]
    kind = _kinds(now_diff, then_diff, now_broke, then_broke, tolerance)[which]
    return Changes(today, before, which, kind, now_row[which], then_row[which])


def _on(panel: Panel, day: int) -> tuple[Units, Units, Mask]:
    """Per series: its last row on the day (-1: none), the sum of its differences, whether any of them breaks."""
    rows = np.flatnonzero(panel.day == day) if day != int(NO_DAY) else np.zeros(0, dtype=np.int64)
    series = panel.series_at(rows)
    last = np.full(panel.s, -1, dtype=np.int64)
    last[series] = rows
    total = np.zeros(panel.s, dtype=np.int64)
    np.add.at(total, series, panel.diff[rows])
    broke = np.zeros(panel.s, dtype=np.bool_)
    np.logical_or.at(broke, series, panel.is_break[rows])
    return last, total, broke


def _kinds(now: Units, then: Units, now_broke: Mask, then_broke: Mask, tolerance: Units) -> npt.NDArray[np.int8]:
    size_now, size_then = np.abs(now), np.abs(then)
    flipped = (now > 0) != (then > 0)
    conditions = [
        now_broke & ~then_broke,
        then_broke & ~now_broke,
        flipped & (now != 0) & (then != 0),
        size_now > size_then + tolerance,
        size_now < size_then - tolerance,
    ]
    return np.select(conditions, [NEW, GONE, FLIPPED, GREW, SHRANK], default=AGED).astype(np.int8)


@dataclass(frozen=True)
class CoOnset:
    """What else began on the day that a break began."""

    day: int
    together: int
    """Spells of the panel that began on the day, this one not counted."""
    usual: float
    """Spells that began on a usual date."""
    chance: float
    """The chance of so many on a usual date."""

    def statement(self) -> str:
        began = to_date(self.day)
        if began is None or self.together == 0:
            return "Nothing else began on the same date."
        others = f"{self.together:,} other break{'s' if self.together > 1 else ''}"
        return f"{others} began on {began.isoformat()} too; on a usual date {self.usual:.1f} begin."


def co_onset(panel: Panel, row: int, found: Spells | None = None) -> CoOnset:
    """How many spells began with this row's, against the panel's other dates but the first."""
    found = found or spells(panel)
    onset = int(found.onset[row])
    day = int(panel.day[onset if onset >= 0 else row])
    begun = panel.day[np.unique(found.onset[found.onset >= 0])]
    days = np.unique(panel.day[panel.day != NO_DAY])
    together = max(0, int(np.count_nonzero(begun == day)) - (1 if onset >= 0 else 0))
    others = days[1:][days[1:] != day] if len(days) > 1 else days[:0]
    usual = float(np.isin(begun, others).sum() / len(others)) if len(others) else 0.0
    chance = float(pdtrc(together, max(usual, 0.5 / max(len(days), 1)))) if together else 1.0
    return CoOnset(day, together, usual, chance)


Habit = Literal["month_end", "month_start", "weekday", "day_of_month"]


@dataclass(frozen=True)
class Regular:
    """A calendar habit of a series' breaks."""

    habit: Habit
    hits: int
    """Earlier breaks on such days."""
    elsewhere: int
    """Earlier breaks on other days."""
    statement: str


def regular(panel: Panel, row: int, calendar: BusinessCalendar) -> Regular | None:
    """The calendar habit that this break follows: at least three earlier breaks on such days, hardly any on others."""
    series = int(panel.series_at(row))
    past = np.arange(int(panel.offsets[series]), row)
    past = past[(panel.day[past] != NO_DAY) & (panel.day[past] < panel.day[row])]
    today = to_date(int(panel.day[row]))
    if today is None or len(past) < 2 * TIMES:
        return None
    dates = [to_date(int(d)) for d in panel.day[past]]
    broke = panel.is_break[past]
    for habit, label, holds in _habits(calendar):
        mine = holds(today)
        if mine is None:
            continue
        on = np.array([d is not None and holds(d) == mine for d in dates])
        hits, elsewhere = int((on & broke).sum()), int((~on & broke).sum())
        rare = np.count_nonzero(on) <= len(past) / 2
        if hits >= TIMES and hits >= 0.75 * np.count_nonzero(on) and rare and elsewhere <= 0.1 * np.count_nonzero(~on):
            said = f"It breaks {label.format(_named(habit, mine))}: {hits} of {np.count_nonzero(on)} times before, "
            said += f"{elsewhere} elsewhere."
            return Regular(habit, hits, elsewhere, said)
    return None


def _habits(calendar: BusinessCalendar) -> Iterator[tuple[Habit, str, Callable[[date], int | None]]]:
    """Each habit with its words and the class that a day falls in; None: the day is no such day."""

    def month_end(day: date) -> int | None:
        return day.month if calendar.add_business_days(day + timedelta(1), 0).month != day.month else None

    def month_start(day: date) -> int | None:
        return day.month if calendar.add_business_days(day, -1).month != day.month else None

    yield "month_end", "on the last business day of the month", lambda day: month_end(day) and 1
    yield "month_start", "on the first business day of the month", lambda day: month_start(day) and 1
    yield "weekday", "on {}s", lambda day: day.weekday()
    yield "day_of_month", "on day {} of the month", lambda day: day.day


def _named(habit: Habit, mine: int) -> str:
    return WEEKDAYS[mine] if habit == "weekday" else str(mine)


def persistence(panel: Panel, row: int, calendar: BusinessCalendar | None = None) -> str:
    """How long the break has stood, as a sentence; business days with a calendar."""
    found = spells(panel)
    onset = int(found.onset[row])
    began, today = to_date(int(panel.day[onset])) if onset >= 0 else None, to_date(int(panel.day[row]))
    if began is None or today is None:
        return ""
    if onset == row:
        return f"It began on {began.isoformat()}."
    age = calendar.age(began, today) if calendar else (today - began).days
    unit = "business days" if calendar else "days"
    return f"It has stood since {began.isoformat()}: {age} {unit}, {int(found.length[row])} dates in a row."
