"""Business days for made-up books: each currency with holidays of its own."""

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.datetime64]

_FIXED: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "USD": ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)),
    "EUR": ((1, 1), (5, 1), (12, 25), (12, 26)),
    "GBP": ((1, 1), (12, 25), (12, 26)),
    "JPY": ((1, 1), (1, 2), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)),
    "CHF": ((1, 1), (1, 2), (5, 1), (8, 1), (12, 25), (12, 26)),
}

CLOSED_EVERYWHERE: Final = ((1, 1), (12, 25))


def holidays(currency: str, years: range) -> list[date]:
    """The fixed-date holidays of a currency that fall on weekdays. A sketch: movable feasts are left out."""
    found = [date(year, month, day) for year in years for month, day in _FIXED[currency]]
    return [day for day in found if day.weekday() < 5]


def business_days(last: date, count: int) -> Days:
    """The `count` weekdays up to and with `last`, oldest first, without those when every market rests."""
    years = range(last.year - 1 - count // 250, last.year + 1)
    closed = [date(year, month, day) for year in years for month, day in CLOSED_EVERYWHERE]
    end = np.datetime64(last, "D")
    span = np.arange(end - np.timedelta64(count * 2 + 20, "D"), end + np.timedelta64(1, "D"))
    return np.asarray(span[np.is_busday(span, holidays=np.asarray(closed, dtype="datetime64[D]"))][-count:])


def month_ends(days: Days) -> npt.NDArray[np.bool_]:
    """Length of `days`: True on the last business day of each month. The last day given counts as one
    when the next weekday is in another month."""
    month = days.astype("datetime64[M]")
    following = np.append(days[1:], np.busday_offset(days[-1], 1)).astype("datetime64[M]")
    return np.asarray(month != following)


def cycle_days(days: Days) -> npt.NDArray[np.bool_]:
    """Length of `days`: True once a month, on the same business day of the month as the last day given."""
    month = days.astype("datetime64[M]")
    place = np.array([int((month[: i + 1] == month[i]).sum()) for i in range(len(days))])
    cycle = place[-1]
    last_of_month = np.append(month[1:] != month[:-1], True)
    return np.asarray((place == cycle) | (last_of_month & (place < cycle)))


def weekday_before(day: date) -> date:
    """The newest weekday before a date on which some market works: what last night's files are dated."""
    day -= timedelta(days=1)
    while day.weekday() > 4 or (day.month, day.day) in CLOSED_EVERYWHERE:
        day -= timedelta(days=1)
    return day


def next_business_day(day: date, steps: int = 1) -> date:
    """`steps` weekdays later."""
    while steps:
        day += timedelta(days=1)
        steps -= day.weekday() < 5
    return day
