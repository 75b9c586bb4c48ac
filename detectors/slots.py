"""Calendar slots: which weekday, which place in the month, or which time of day each row falls on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.calendar import MICROSECONDS_A_DAY, BusinessCalendar
from recon.groups import rows_a_day
from recon.panel import Panel
from recon.rows import NO_DAY, NO_STAMP

MONTH_PLACES = 7
"""0 in between, 1 month end, 2 quarter end, 3 and 4 the first two business days, 5 and 6 the two before the end."""
MOST_TIMES = 288


@dataclass(frozen=True)
class Slots:
    """Two calendars a series may follow; each row has its slot in both."""

    first: npt.NDArray[np.int16]
    second: npt.NDArray[np.int16]
    n_first: int
    n_second: int
    rows_a_day: float = 1.0


def slots(panel: Panel, calendar: BusinessCalendar) -> Slots:
    """Weekday and place in the month; for rows with times of day, time of day and weekday by hour."""
    if panel.stamp is not None:
        pace = panel.rows_a_day
        pace = rows_a_day(np.unique(panel.stamp[panel.stamp != NO_STAMP])) if pace is None else pace
        if pace > 0.0:
            return _by_time(panel.stamp, calendar, pace)
    return _by_day(panel.day, calendar)


def _by_time(stamp: npt.NDArray[np.int64], calendar: BusinessCalendar, pace: float) -> Slots:
    local = calendar.to_local(np.where(stamp == NO_STAMP, 0, stamp))
    day, time = np.divmod(local, MICROSECONDS_A_DAY)
    width = MICROSECONDS_A_DAY // MOST_TIMES
    first = (time // width).astype(np.int16)
    weekday = calendar.weekday(day.astype(np.int32)).astype(np.int64)
    second = (weekday * 24 + time // (MICROSECONDS_A_DAY // 24)).astype(np.int16)
    return Slots(first, second, MOST_TIMES, 168, pace)


def _by_day(day: npt.NDArray[np.int32], calendar: BusinessCalendar) -> Slots:
    known = day[day != NO_DAY]
    if not len(known):
        zero = np.zeros(len(day), np.int16)
        return Slots(zero, zero, 7, MONTH_PLACES)
    low, high = int(known.min()), int(known.max())
    if high - low < 200_000:
        days = np.arange(low, high + 1, dtype=np.int32)
        at = np.where(day == NO_DAY, low, day) - low
    else:
        days, at = np.unique(np.where(day == NO_DAY, low, day), return_inverse=True)
    return Slots(calendar.weekday(days).astype(np.int16)[at], _month_places(days, calendar)[at], 7, MONTH_PLACES)


def _month_places(days: npt.NDArray[np.int32], calendar: BusinessCalendar) -> npt.NDArray[np.int16]:
    place = np.zeros(len(days), np.int16)
    number = calendar.business_day_of_month(days)
    place[number == 1] = 3
    place[number == 2] = 4
    end = calendar.is_month_end(days)
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    last = ((month + 1).astype("datetime64[D]") - 1).astype(np.int64).astype(np.int32)
    to_end = calendar.count_between(days, last + 1) - calendar.open_days(days)
    place[(to_end == 1) & ~end] = 5
    place[(to_end == 2) & ~end] = 6
    place[end] = 1
    place[calendar.is_quarter_end(days)] = 2
    return place
