"""The desk tells every planted event of a simulated fortnight once, on its day, of the right item."""

import pytest

from evals.month import run
from evals.scenarios.lives import is_open, month_days, open_at_end, plant_lives, truth


def test_the_truth_itself_is_consistent() -> None:
    days = month_days()
    lives = plant_lives(3, 2)
    told = truth(lives, days)
    assert len(set(told)) == len(told), "nothing is planted twice"
    assert {t.kind for t in told} == {"new", "cleared", "aged", "grew", "shrank", "flipped", "moved", "returned"}
    opened = sum(t.kind in ("new", "returned") for t in told)
    cleared = sum(t.kind == "cleared" for t in told)
    assert opened - cleared == len(open_at_end(lives, days))
    assert all(is_open(day, life.currency) for life in lives for day in life.amounts)


@pytest.mark.slow
def test_a_fortnight_with_late_short_repeated_and_corrected_files_is_told_right() -> None:
    score = run(quick=True, days=month_days()[:13])
    assert score["events_planted"] > 60
    wrong = {name: score[name] for name in ("events_missed", "events_false", "ages_wrong", "alarms_false")}
    assert wrong == {"events_missed": 0, "events_false": 0, "ages_wrong": 0, "alarms_false": []}, score["examples"]
    assert score["open_equal"]
    assert score["promises_right"] == score["promises_planted"] > 0
    assert (score["items_without_open_case"], score["open_cases_without_items"]) == (0, 0)
    assert score["alarms_missing"] == []
