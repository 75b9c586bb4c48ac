"""Promises: what comments promise, by when, and whether it was kept."""

from datetime import date

import numpy as np
import pytest

from detectors.promises import Promise, check, parse
from recon.calendar import BusinessCalendar, to_day
from recon.recon_file import CalendarSaid

WEDNESDAY = date(2025, 5, 7)


@pytest.mark.parametrize(
    ("comment", "due"),
    [
        ("will be corrected by month end", "2025-05-31"),
        ("Will be reversed next month end", "2025-06-30"),
        ("will be trued up at quarter end", "2025-06-30"),
        ("expected to settle on 5 May", "2025-05-05"),
        ("Trade expected to settle 9-May-25", "2025-05-09"),
        ("Settlement expected May 12th, 2025", "2025-05-12"),
        ("Break expected to close Dec. 5", "2025-12-05"),
        ("Posting due 2025-05-12", "2025-05-12"),
        ("Will clear on 12/05/2025", "2025-05-12"),
        ("to be booked by 05/31/2025", "2025-05-31"),
        ("by EOD tomorrow", "2025-05-08"),
        ("Ops to correct by EOD tomorrow", "2025-05-08"),
        ("should clear next week", "2025-05-16"),
        ("Fix ETA Friday", "2025-05-09"),
        ("Awaiting wire, expected by COB Monday", "2025-05-12"),
        ("will be posted by next Tuesday", "2025-05-13"),
        ("pending settlement, will clear T+2", "2025-05-09"),
        ("clears within 48 hours", "2025-05-09"),
        ("Should roll off after 3 business days", "2025-05-12"),
        ("IT to fix in two weeks", "2025-05-21"),
        ("Adjustment will be posted by mid June", "2025-06-15"),
        ("will self-correct by next cycle", "2025-05-08"),
        ("Entry reversed on 5 May, should clear on 8 May", "2025-05-08"),
        ('[{"Correction booked. Will match today\\n"}]', "2025-05-07"),
    ],
)
def test_a_promised_day_is_read_from_the_prose(comment: str, due: str) -> None:
    assert [p.due_on and p.due_on.isoformat() for p in parse(comment, WEDNESDAY)] == [due]


@pytest.mark.parametrize(
    ("comment", "condition"),
    [
        ("Break to drop off from report at 7 days Age", {"age_days": 7}),
        ("Will be written off when aged 30 days", {"age_days": 30}),
        ("to drop off at 5 business days age", {"age_days": 5, "age_working": True}),
        ("To be fixed once settled", {"event": "settlement"}),
        ("Will be resolved upon receipt of funds", {"event": "receipt of funds"}),
    ],
)
def test_a_promise_without_a_day_keeps_its_condition(comment: str, condition: dict[str, object]) -> None:
    (promise,) = parse(comment, WEDNESDAY)
    assert promise.condition == condition
    assert promise.due_on is None


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "resolved on 3 March",
        "Settled on 3 March",
        "Matched today",
        "was expected to clear on 5 May",
        "should have cleared by 5 May",
        "will not clear by Friday",
        "Will this clear by Friday?",
        "Reconciled in April month end",
        "Aged 7 days",
        "Timing difference in trade posting",
        "Outstanding balances are in line with previous months",
        "Inconsistent variations in outstanding balances",
        "price break driven by rounding because quantity is less than 1,000. total money still matches",
        "Factor rounding is causing minor delta in qty., OF is same and systems are in line",
        "As discussed on Monday, ledger was corrected",
    ],
)
def test_ordinary_comments_promise_nothing(comment: str) -> None:
    assert parse(comment, WEDNESDAY) == []


def test_day_first_decides_an_ambiguous_date() -> None:
    assert parse("to clear by 06/08/2025", WEDNESDAY, dayfirst=False)[0].due_on == date(2025, 6, 8)
    assert parse("to clear by 06/08/2025", WEDNESDAY, dayfirst=True)[0].due_on == date(2025, 8, 6)


def test_holidays_count_in_business_days() -> None:
    calendar = BusinessCalendar.of(CalendarSaid(holidays=[date(2025, 5, 8)]))
    (promise,) = parse("will clear within 2 business days", WEDNESDAY, calendar)
    assert promise.due_on == date(2025, 5, 12)


MADE = Promise("will clear by 9 May", WEDNESDAY, date(2025, 5, 9))


def checked(breaks: dict[date, bool], on: date, promise: Promise = MADE, seen: tuple[date, ...] = ()) -> str:
    days = sorted(breaks)
    day = np.array([to_day(d) for d in days], dtype=np.int32)
    is_break = np.array([breaks[d] for d in days], dtype=np.bool_)
    return check(promise, day, is_break, on, onset=date(2025, 5, 5), seen=seen).state


def test_a_promise_is_kept_when_the_break_is_matched_on_the_day() -> None:
    assert checked({WEDNESDAY: True, date(2025, 5, 9): False}, date(2025, 5, 9)) == "kept"


def test_a_promise_is_broken_when_the_break_stands_on_the_day() -> None:
    assert checked({WEDNESDAY: True, date(2025, 5, 9): True}, date(2025, 5, 9)) == "broken"


def test_a_promise_is_open_before_its_day() -> None:
    assert checked({WEDNESDAY: True, date(2025, 5, 8): True}, date(2025, 5, 8)) == "open"


def test_later_rows_are_not_looked_at() -> None:
    assert checked({WEDNESDAY: True, date(2025, 5, 9): True}, date(2025, 5, 8)) == "open"


def test_an_absent_key_keeps_the_promise_only_when_the_file_came() -> None:
    assert checked({WEDNESDAY: True}, date(2025, 5, 9)) == "open"
    assert checked({WEDNESDAY: True}, date(2025, 5, 9), seen=(date(2025, 5, 9),)) == "kept"


def test_an_early_match_keeps_the_promise() -> None:
    assert checked({WEDNESDAY: True, date(2025, 5, 8): False}, date(2025, 5, 8)) == "kept"


def test_an_age_falls_due_counted_from_the_onset() -> None:
    (promise,) = parse("to drop off at 7 days age", WEDNESDAY)
    assert checked({WEDNESDAY: True, date(2025, 5, 11): True}, date(2025, 5, 11), promise) == "open"
    assert checked({WEDNESDAY: True, date(2025, 5, 12): True}, date(2025, 5, 12), promise) == "broken"


def test_a_due_day_without_data_is_decided_by_the_next_one() -> None:
    promise = Promise("by Saturday", WEDNESDAY, date(2025, 5, 10))
    assert checked({WEDNESDAY: True}, date(2025, 5, 11), promise) == "open"
    assert checked({WEDNESDAY: True, date(2025, 5, 12): True}, date(2025, 5, 12), promise) == "broken"


def test_a_day_and_month_without_a_year_are_read() -> None:
    assert parse("will clear by 3/12", WEDNESDAY, dayfirst=True)[0].due_on == date(WEDNESDAY.year, 12, 3)
    assert parse("3/40 of the rows are done", WEDNESDAY) == []
