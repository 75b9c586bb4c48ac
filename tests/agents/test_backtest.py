"""A backtest judges each day by what was known on it, says what it flagged, and counts right."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.backtest import Backtest, backtest
from detectors.assess import Question, assess
from recon.calendar import BusinessCalendar, to_day
from recon.panels import build_panels
from recon.reading import read
from recon.recon_file import ReconFile
from recon.rows import take

FIRST = date(2025, 1, 6)
SPIKE = 40
TODAY = date(2026, 1, 1)
COLUMNS = ("As of Date", "Account", "Desk", "GL", "IHub", "Match Status", "Comments", "Anomaly")

Change = Callable[[int, int, float], float]


def written(path: Path, change: Change = lambda day, key, amount: amount, days: int = 50) -> Path:
    """40 keys over 50 days: noise of one unit, key 3 is off by 900 on day 40, and said to be so."""
    rng = np.random.default_rng(5)
    noise = np.round(rng.normal(0, 1, (50, 40)), 2)
    with path.open("w", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(COLUMNS)
        for day in range(days):
            for key in range(40):
                off = 900.0 if (day, key) == (SPIKE, 3) else float(noise[day, key])
                off = change(day, key, off)
                status = "Break" if abs(off) > 1 else "Match"
                words = ("late feed", "timing")[key % 2] if status == "Break" else ""
                when = FIRST + timedelta(days=day)
                truth = "Yes" if abs(off) > 100 else "No"
                lines.writerow([when, f"A{key}", f"D{key % 3}", f"{1000 + off:.2f}", "1000.00", status, words, truth])
    return path


def replay(file: Path) -> Backtest:
    return backtest(file, ReconFile(), FIRST + timedelta(days=36), None, today=TODAY)


def test_what_was_planted_is_flagged_on_its_day_and_counted(tmp_path: Path) -> None:
    found = replay(written(tmp_path / "h.csv"))
    day = next(d for d in found.days if d["date"] == "2025-02-15")
    assert day["flagged"][0]["key"]["Account"] == "A3"
    assert day["flagged"][0]["difference"] == "900"
    said = found.to_json()
    assert (said["true_labels"], said["recall"]) == (1, 1.0)
    assert said["precision"] == 1 / said["alerts"]
    assert said["comments_right"] > 0.9 * said["comments_known"] > 0
    assert "recall 100%" in found.text()


@pytest.mark.parametrize("what", ["amounts", "rows"])
def test_changing_the_future_changes_nothing_before_it(tmp_path: Path, what: str) -> None:
    before = replay(written(tmp_path / "h.csv")).days
    if what == "amounts":
        file = written(tmp_path / "f.csv", lambda day, key, amount: amount if day < 44 else -7000.0 * (key + 1))
    else:
        file = written(tmp_path / "f.csv", days=44)
    after = replay(file).days
    same = [d for d in before if d["date"] < (FIRST + timedelta(days=44)).isoformat()]
    assert len(same) == 8
    assert list(after[:8]) == same
    assert what == "rows" or after[8:] != before[8:]


def test_a_day_is_judged_as_a_run_of_that_day_would(tmp_path: Path) -> None:
    file = written(tmp_path / "h.csv")
    reading = read([file], ReconFile(), today=TODAY)
    day = to_day(FIRST + timedelta(days=SPIKE))
    current = take(reading, np.flatnonzero(reading.rows.day == day))
    panels = build_panels(current, take(reading, np.flatnonzero(reading.rows.day < day)), ReconFile())
    run = assess(Question(panels, current.layout, ReconFile(), BusinessCalendar.of(ReconFile().calendar)))
    line = next(d for d in replay(file).days if d["date"] == "2025-02-15")
    assert line["alerts"] == sum(int((j.anomaly == 1).sum()) for j in run.judgements)
    assert line["insufficient"] == 0
