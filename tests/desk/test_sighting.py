"""What a run saw of each key and day: duplicates added up, onsets from history, the cadence of monthly keys."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from memory.sighting import Sighting, sighted
from recon.calendar import BusinessCalendar, to_date, to_day
from recon.panel import Panel
from recon.panels import build_panels
from recon.reading import read, read_both
from recon.recon_file import CalendarSaid, ReconFile

SAID = ReconFile.model_validate(
    {
        "columns": {
            "key": ["Account"],
            "criteria": [{"left": "GL", "right": "Sub", "tolerance": 1, "name": "Balance"}],
            "date": "Date",
        },
        "currency": "Currency",
    }
)
CALENDAR = BusinessCalendar.of(CalendarSaid())


def write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join(["Date,Account,Currency,GL,Sub", *lines]) + "\n")
    return path


def panel(folder: Path, history: list[str], current: list[str]) -> Panel:
    paths = [write(folder, "current.csv", current)], [write(folder, "history.csv", history)]
    now, past = read_both(*paths, SAID, today=date(2026, 7, 1))
    (found,) = build_panels(now, past, SAID)
    return found


@pytest.fixture
def seen(tmp_path: Path) -> Sighting:
    history = [
        "2026-06-01,A,USD,100,100",
        "2026-06-02,A,USD,150,100",
        "2026-06-03,A,USD,150,100",
        "2026-05-05,M,EUR,7,7",
        "2026-05-29,M,EUR,7,7",
        "2026-06-03,B,USD,9,90",
    ]
    current = [
        "2026-06-04,A,USD,150,100",
        "2026-06-04,B,USD,100,100",
        "2026-06-04,D,USD,130,100",
        "2026-06-04,D,USD,80,100",
        "2026-06-04,D,USD,100,100",
    ]
    return sighted(panel(tmp_path, history, current), ["Account"], "Currency", CALENDAR)


def line(seen: Sighting, account: str) -> int:
    return [seen.key(i)["Account"] for i in range(seen.n)].index(account)


def test_there_is_one_line_for_each_key_and_current_day(seen: Sighting) -> None:
    assert sorted(seen.keys.column("Account").to_pylist()) == ["A", "B", "D"]
    assert set(seen.day.tolist()) == {to_day(date(2026, 6, 4))}
    assert (np.diff(seen.series.astype(object)) > 0).all()


def test_an_onset_is_the_first_day_of_the_unbroken_run_history_included(seen: Sighting) -> None:
    assert to_date(int(seen.onset[line(seen, "A")])) == date(2026, 6, 2)
    assert to_date(int(seen.onset[line(seen, "B")])) is None


def test_duplicates_are_one_line_with_their_breaking_differences_added_up(seen: Sighting) -> None:
    i = line(seen, "D")
    assert seen.is_break[i]
    assert int(seen.difference[i]) == 10 * 10**seen.scale
    assert not seen.is_break[line(seen, "B")]


def test_a_monthly_keys_cadence_is_known_from_its_past(tmp_path: Path) -> None:
    days = ("2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29")
    history = [f"{day},M,EUR,7,7" for day in days]
    found = sighted(
        panel(tmp_path, history, ["2026-06-30,M,EUR,70,7", "2026-06-30,N,EUR,7,7"]), ["Account"], "Currency", CALENDAR
    )
    every = dict(zip(found.keys.column("Account").to_pylist(), found.every.tolist(), strict=True))
    assert 20 <= every["M"] <= 23
    assert every["N"] == 1


def test_a_restated_day_has_the_only_word_on_itself_and_later_days_follow(tmp_path: Path) -> None:
    known = ["2026-06-01,A,USD,9,9", "2026-06-02,A,USD,150,100", "2026-06-02,GONE,USD,150,100", "2026-06-03,A,USD,1,9"]
    corrected, lake = write(tmp_path, "c.csv", ["2026-06-02,A,USD,160,100"]), write(tmp_path, "l.csv", known)
    now = read([corrected], SAID, today=date(2026, 7, 1))
    past = read([lake], SAID, today=date(2026, 7, 1), layout=now.layout)
    (found,) = build_panels(now, past, SAID)
    told = sighted(found, ["Account"], "Currency", CALENDAR, since=to_day(date(2026, 6, 2)))
    lines = [(str(to_date(int(d))), told.key(i)["Account"]) for i, d in enumerate(told.day)]
    assert lines == [("2026-06-02", "A"), ("2026-06-03", "A")]
    assert told.difference.tolist() == [60 * 10**told.scale, -8 * 10**told.scale]


LOG = ["2026-06-01,T1,USD,100,100", "2026-06-02,T2,USD,150,100", "2026-06-03,T3,USD,1,1", "2026-06-03,T4,USD,2,9"]


def test_transactions_that_are_told_once_do_not_come_back_and_balances_and_standing_breaks_do(tmp_path: Path) -> None:
    today = ["2026-06-04,T5,USD,100,100"]
    assert not sighted(panel(tmp_path, LOG, today), ["Account"], None, CALENDAR).come_back
    standing = [*LOG, "2026-06-03,T2,USD,150,100"]
    assert sighted(panel(tmp_path, standing, today), ["Account"], None, CALENDAR).come_back
    balances = [line.replace("T1", "A").replace("T2", "A").replace("T3", "A").replace("T4", "B") for line in LOG]
    assert sighted(panel(tmp_path, balances, ["2026-06-04,A,USD,1,1"]), ["Account"], None, CALENDAR).come_back
