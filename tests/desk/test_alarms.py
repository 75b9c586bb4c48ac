"""A file that is late, short, empty, repeated, older or restated says so before anybody trusts its rows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from memory.alarms import AlarmStore, FileSeen, judge_file, late
from memory.database import Database
from memory.recons import RunRow, RunStore
from recon.calendar import BusinessCalendar
from recon.recon_file import CalendarSaid
from tests.desk.deskkit import CALENDAR, Workspace


def file(day: int, rows: int = 1000, total: str = "5000000") -> FileSeen:
    of = date(2026, 6, day)
    control = {"Balance|USD|left": total}
    return FileSeen("gl", f"gl-{of}.csv", f"hash-{day}-{rows}-{total}", rows, of, of, control)


PAST = [file(day) for day in (4, 3, 2, 1)]


def kinds(seen: FileSeen, past: list[FileSeen] = PAST) -> list[str]:
    return [alarm.kind for alarm in judge_file(seen, past)]


def test_an_ordinary_file_raises_nothing() -> None:
    assert kinds(file(5, rows=1100)) == []
    assert kinds(file(5, rows=3), []) == []


def test_few_rows_no_rows_and_odd_totals_are_alarms_with_the_numbers() -> None:
    (short,) = judge_file(file(5, rows=400, total="2000000"), PAST)
    assert short.kind == "short"
    assert "400" in short.statement
    assert "1,000" in short.statement
    assert kinds(file(5, rows=0)) == ["empty"]
    (odd,) = judge_file(file(5, total="50000000"), PAST)
    assert odd.kind == "control"
    assert "10.0 times" in odd.statement


def test_a_currency_whose_market_rests_is_not_missed() -> None:
    calendar = BusinessCalendar.of(CalendarSaid(by_currency={"JPY": [date(2026, 6, 5)]}))
    past = [replace(p, control={"rows|USD|": "300", "rows|JPY|": "700"}) for p in PAST]
    without_yen = replace(file(5, rows=300), control={"rows|USD|": "300"})
    assert [a.kind for a in judge_file(without_yen, past)] == ["short"]
    assert judge_file(without_yen, past, calendar) == []
    half = replace(file(5, rows=100), control={"rows|USD|": "100"})
    assert [a.kind for a in judge_file(half, past, calendar)] == ["short"]


def test_the_same_bytes_an_older_date_and_a_date_run_before_are_told_apart() -> None:
    assert kinds(PAST[2]) == ["repeated"]
    assert kinds(file(4, rows=1001)) == ["restated"]
    gap = [file(day) for day in (4, 3, 1)]
    assert kinds(file(2), gap) == ["older"]


def test_going_back_to_a_file_that_was_restated_is_a_restatement_too() -> None:
    corrected = file(4, rows=1001)
    assert kinds(PAST[0], [corrected, *PAST]) == ["restated"]


def test_a_file_is_late_once_its_business_date_is_over_at_the_cut_off() -> None:
    calendar = BusinessCalendar.of(CalendarSaid(cut_off="18:00"))
    monday_noon = datetime(2026, 6, 8, 12, tzinfo=UTC)
    assert late("gl", date(2026, 6, 5), monday_noon, calendar) is None
    evening = datetime(2026, 6, 8, 19, tzinfo=UTC)
    alarm = late("gl", date(2026, 6, 5), evening, calendar)
    assert alarm is not None
    assert alarm.business_date == date(2026, 6, 8)
    assert late("gl", None, evening, calendar) is None


def test_a_weekend_makes_no_file_late() -> None:
    assert late("gl", date(2026, 6, 5), datetime(2026, 6, 7, 23, tzinfo=UTC), CALENDAR) is None


@pytest.fixture
def store(db: Database) -> AlarmStore:
    made = Workspace(db)
    ticking = count()
    return AlarmStore(made.db, lambda: made.now + timedelta(seconds=next(ticking)))


def test_an_alarm_is_raised_once_and_stays_until_somebody_has_seen_to_it(store: AlarmStore) -> None:
    for seen in reversed(PAST):
        assert store.take_in(seen, "r1") == []
    for _ in range(2):
        store.take_in(PAST[0], "r2")
    (alarm,) = store.open("gl")
    assert alarm.kind == "repeated"
    store.seen_to(alarm.id, "anna")
    assert store.open("gl") == []


def test_a_restated_file_is_the_newest_word_on_its_date(store: AlarmStore) -> None:
    store.take_in(file(1), "r1")
    store.take_in(file(1, rows=1001), "r2")
    assert [a.kind for a in store.take_in(file(1), "r3")] == ["restated"]


def test_a_file_whose_run_was_killed_may_come_again(store: AlarmStore) -> None:
    killed = RunRow("r9", "gl", datetime(2026, 6, 1, tzinfo=UTC), None, (), {}, None, "anna")
    runs = RunStore(store._db, store._clock)
    runs.start(killed)
    store.take_in(file(1), "r9")
    assert store.take_in(file(1), "r9") == []
    runs.finish("r9", "done", {}, None)
    assert [a.kind for a in store.take_in(file(1), "r10")] == ["repeated"]
