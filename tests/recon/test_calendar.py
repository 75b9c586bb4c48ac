"""The business calendar agrees with a naive day-by-day twin, holidays and currencies included."""

import pickle
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.calendar import BusinessCalendar, to_date, to_day
from recon.errors import BadReconFile
from recon.recon_file import CalendarSaid
from recon.rows import NO_DAY, NO_STAMP

HOLIDAYS = [date(2026, 12, 25), date(2026, 1, 1), date(2026, 4, 3)]
CALENDAR = BusinessCalendar.of(
    CalendarSaid(zone="Europe/London", cut_off="17:00", holidays=HOLIDAYS, by_currency={"jpy": [date(2026, 1, 2)]})
)
some_days = st.dates(date(2025, 6, 1), date(2027, 6, 1))


def test_a_calendar_that_was_used_can_be_sent_to_another_process() -> None:
    assert CALENDAR.is_business_day(date(2026, 1, 5))
    sent = pickle.loads(pickle.dumps(CALENDAR))
    assert sent == CALENDAR
    assert not sent.is_business_day(date(2026, 1, 2), "JPY")


def naive_open(day: date, currency: str | None = None) -> bool:
    off = [*HOLIDAYS, date(2026, 1, 2)] if currency == "JPY" else HOLIDAYS
    return day.weekday() < 5 and day not in off


@given(some_days, st.sampled_from([None, "JPY", "jpy", "USD"]))
def test_a_business_day_is_a_weekday_that_is_no_holiday(day: date, currency: str | None) -> None:
    expected = naive_open(day, "JPY" if currency in ("JPY", "jpy") else None)
    assert CALENDAR.is_business_day(day, currency) == expected
    assert CALENDAR.open_days(np.array([to_day(day)], dtype=np.int32), currency)[0] == expected


@given(some_days, st.integers(0, 200))
def test_business_days_between_counts_each_open_day_once(start: date, length: int) -> None:
    days = [start + timedelta(days=i) for i in range(length)]
    assert CALENDAR.business_days_between(start, start + timedelta(days=length)) == sum(map(naive_open, days))


@given(some_days)
def test_month_end_begins_on_the_last_open_day_of_the_month(day: date) -> None:
    later = [day + timedelta(days=i) for i in range(1, 32)]
    naive = not any(naive_open(d) for d in later if (d.year, d.month) == (day.year, day.month))
    days = np.array([to_day(day)], dtype=np.int32)
    assert CALENDAR.is_month_end(days)[0] == naive
    assert CALENDAR.is_quarter_end(days)[0] == (naive and day.month % 3 == 0)
    assert CALENDAR.weekday(days)[0] == day.weekday()
    first = day.replace(day=1)
    opened = sum(naive_open(first + timedelta(days=i)) for i in range(day.day))
    assert CALENDAR.business_day_of_month(days)[0] == opened


def test_age_counts_from_the_business_date_and_is_never_negative() -> None:
    friday = date(2026, 11, 20)
    assert CALENDAR.age(friday, date(2026, 11, 23)) == 1
    assert CALENDAR.age(date(2026, 11, 23), friday) == 0


@pytest.mark.parametrize(
    ("moment", "business_date"),
    [
        (datetime(2026, 7, 1, 15, 30, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 7, 1, 16, 30, tzinfo=UTC), date(2026, 7, 2)),
        (datetime(2026, 7, 3, 23, 30, tzinfo=UTC), date(2026, 7, 6)),
        (datetime(2026, 12, 24, 18, 0, tzinfo=UTC), date(2026, 12, 28)),
    ],
)
def test_a_moment_after_the_local_cut_off_belongs_to_the_next_business_day(
    moment: datetime, business_date: date
) -> None:
    assert CALENDAR.today(moment) == business_date
    stamps = np.array([int(moment.timestamp() * 1e6), NO_STAMP])
    days = CALENDAR.business_dates(stamps)
    assert to_date(int(days[0])) == business_date
    assert days[1] == NO_DAY


def test_local_and_utc_agree_over_the_change_of_clocks() -> None:
    stamps = np.arange(0, 400 * 86_400_000_000, 7_200_000_000, dtype=np.int64)
    back = CALENDAR.to_utc(CALENDAR.to_local(stamps))
    assert (np.abs(back - stamps) <= 3_600_000_000).all()
    assert (back == stamps).mean() > 0.99


@pytest.mark.parametrize("said", [CalendarSaid(zone="Mars/Base"), CalendarSaid(cut_off="late")])
def test_a_calendar_that_cannot_be_meant_is_refused(said: CalendarSaid) -> None:
    with pytest.raises(BadReconFile, match=r"calendar\."):
        BusinessCalendar.of(said)
