"""When: spells, what began together, calendar habits, and what changed since the date before."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from two_sides import Line, panel

from detectors.onset import changes, co_onset, persistence, regular, spells
from recon.calendar import BusinessCalendar
from recon.recon_file import CalendarSaid

CALENDAR = BusinessCalendar.of(CalendarSaid())


def test_each_kind_of_change_is_told_apart() -> None:
    lines: list[Line] = []
    for key, then, now in (
        ("new", 0, 50),
        ("gone", 50, 0),
        ("aged", 50, 50),
        ("grew", 50, 80),
        ("shrank", 50, 20),
        ("flipped", 50, -50),
        ("quiet", 0, 0),
    ):
        lines += [(key, "2024-05-30", 100.0 + then, 100.0), (key, "2024-05-31", 100.0 + now, 100.0)]
    lines.append(("left", "2024-05-30", 7.0, 9.0))
    lines.append(("came", "2024-05-31", 7.0, 9.0))
    built = panel(lines)
    names = sorted({line[0] for line in lines})
    found = changes(built)
    assert {change: [names[s] for s in found.of(change)] for change in found.counts()} == {
        "new": ["came", "new"],
        "gone": ["gone", "left"],
        "aged": ["aged"],
        "grew": ["grew"],
        "shrank": ["shrank"],
        "flipped": ["flipped"],
    }


def test_without_an_earlier_date_every_break_is_new() -> None:
    found = changes(panel([("a", "2024-05-31", 5.0, 1.0), ("b", "2024-05-31", 1.0, 1.0)]))
    assert found.counts()["new"] == 1
    assert len(found.series) == 1


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=12), min_size=1, max_size=6))
def test_spells_agree_with_a_walk_through_each_series(breaks: list[list[bool]]) -> None:
    lines: list[Line] = []
    for key, series in enumerate(breaks):
        for k, broke in enumerate(series):
            day = (date(2024, 1, 1) + timedelta(k)).isoformat()
            lines.append((f"{key:02d}", day, 2.0 if broke else 1.0, 1.0))
    built = panel(lines)
    found = spells(built)
    at = 0
    for series in breaks:
        begun = -1
        for k, broke in enumerate(series):
            begun = -1 if not broke else (at + k if begun < 0 else begun)
            assert found.onset[at + k] == begun
            assert found.length[at + k] == (at + k - begun + 1 if broke else 0)
        at += len(series)


def test_breaks_that_began_together_are_counted_against_a_usual_date() -> None:
    lines: list[Line] = []
    for key in range(20):
        for k in range(10):
            broke = (k >= 7 and key < 12) or (key == 15 and k == 3)
            lines.append((f"{key:02d}", f"2024-05-{10 + k}", 5.0 if broke else 1.0, 1.0))
    built = panel(lines)
    found = co_onset(built, int(np.flatnonzero(built.is_break)[-1]) if False else 9)
    assert found.together == 11
    assert found.chance < 1e-6
    assert "11 other breaks began on 2024-05-17" in found.statement()


def test_a_month_end_habit_is_named() -> None:
    lines: list[Line] = []
    day = date(2024, 1, 1)
    while day <= date(2024, 5, 31):
        if CALENDAR.is_business_day(day):
            last = CALENDAR.add_business_days(day + timedelta(1), 0).month != day.month
            lines.append(("a", day.isoformat(), 9.0 if last else 1.0, 1.0))
        day += timedelta(1)
    built = panel(lines)
    found = regular(built, built.n - 1, CALENDAR)
    assert found is not None
    assert found.habit == "month_end"
    assert found.hits == 4
    assert regular(built, built.n - 2, CALENDAR) is None


def test_persistence_says_since_when() -> None:
    built = panel([("a", f"2024-05-{d}", 5.0 if d > 28 else 1.0, 1.0) for d in (27, 28, 29, 30, 31)])
    assert persistence(built, 4) == "It has stood since 2024-05-29: 2 days, 3 dates in a row."
    assert persistence(built, 2) == "It began on 2024-05-29."
    assert persistence(built, 0) == ""
