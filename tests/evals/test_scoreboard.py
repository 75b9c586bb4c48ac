"""The scoreboard fails when a figure falls below its bound, and every bound names a suite there is."""

from pathlib import Path

import pytest

from evals import scoreboard
from evals.fuzz import parts_of
from evals.fuzz import run as fuzz
from evals.fuzz_desk import run_desk
from evals.fuzz_runs import run_whole
from evals.scoreboard import SUITES, Bound, Score, bounds, broken, run
from recon.errors import BadInput


def test_a_bound_is_broken_on_the_wrong_side_only() -> None:
    assert Bound("s", "f", "at least", 0.9).broken_by(0.89)
    assert not Bound("s", "f", "at least", 0.9).broken_by(0.9)
    assert Bound("s", "f", "at most", 0.0).broken_by(1)


def test_every_committed_bound_names_a_suite() -> None:
    assert bounds()
    assert {b.suite for b in bounds()} <= set(SUITES)


def test_a_promised_figure_that_is_no_longer_told_is_a_regression_unless_the_suite_was_skipped() -> None:
    promised = [Bound("s", "f", "at most", 1), Bound("s", "g", "at least", 0.5), Bound("other", "h", "at least", 1)]
    assert broken(Score("s", {"g": 0.4}, 0.0, 0.0, "", {}), promised) == [
        "s: f was not measured, promised at most 1",
        "s: g is 0.4, promised at least 0.5",
    ]
    assert broken(Score("s", {}, 0.0, 0.0, "", {}), promised) == []


def test_bounds_are_read_from_the_table(tmp_path: Path) -> None:
    rows = (
        "| a | b | at most 0.5 | 0.1 | 0.2 |",
        "| --- | --- | --- | --- | --- |",
        "| a | c | at least 1 in full | | 2 |",
    )
    (tmp_path / "S.md").write_text("\n".join((*rows, "prose")))
    assert bounds(tmp_path / "S.md") == [Bound("a", "b", "at most", 0.5), Bound("a", "c", "at least", 1, in_full=True)]


@pytest.mark.slow
def test_what_only_the_full_board_measures_is_not_missed_by_the_quick_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        scoreboard, "bounds", lambda: [Bound("cost", "a figure of the full board", "at least", 1, True)]
    )
    assert run("cost", quick=True).regressions == ()
    assert len(run("cost").regressions) == 1


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(BadInput, match="no suite"):
        run("nothing")


def test_hostile_files_end_in_rows_or_one_sentence() -> None:
    assert [fault for fault in fuzz(60, 5) if not fault.startswith("took")] == []


def test_odd_cells_end_in_rows_or_one_sentence_by_the_whole_main_job() -> None:
    assert [fault for fault in run_whole(24, 5) if not fault.startswith("took")] == []


def test_no_case_is_lost_between_the_parts_of_the_fuzz() -> None:
    sizes = parts_of(100_003, 5_000, 2_000, 1)
    assert sum(sizes.values()) == 107_003
    assert len({name.split()[1] for name in sizes if name.startswith("files")}) == 8


def test_hostile_requests_and_workbooks_end_in_an_answer_and_nothing_goes_out() -> None:
    assert [fault for fault in run_desk(100, 5) if ": took" not in fault] == []


@pytest.mark.slow
def test_suites_side_by_side_say_what_they_say_alone_in_the_order_asked_for() -> None:
    names = ["mimicry", "cost"]
    beside = scoreboard._beside(names, quick=True)
    assert [score.suite for score in beside] == names
    assert [score.figures for score in beside] == [run(name, quick=True).scores[0].figures for name in names]
