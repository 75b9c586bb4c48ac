"""A tag counts from the next run on, is explained there, and can be taken back."""

from pathlib import Path

import pytest
from test_main_job import files, rows_of, tieout, told

__all__ = ["files"]


def test_a_false_positive_is_quiet_in_the_next_run_and_says_why(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, history = files
    told("run", current, "--history", history, "--out", tmp_path / "one", "--no-agents")
    (spike,) = [r for r in rows_of(tmp_path / "one" / "breaks.csv") if r["tieout_pattern"] == "spike"]
    preview = told("feedback", spike["tieout_case"], "false_positive", "--preview")
    assert not preview["saved"]
    told("run", current, "--history", history, "--out", tmp_path / "same", "--no-agents")
    assert rows_of(tmp_path / "same" / "breaks.csv")[2]["tieout_anomaly"] == "yes"
    saved = told("feedback", spike["tieout_case"], "false_positive", "--note", "booked late every May")
    assert saved["saved"]
    told("run", current, "--history", history, "--out", tmp_path / "two", "--no-agents")
    quiet = rows_of(tmp_path / "two" / "breaks.csv")
    assert [r["tieout_anomaly"] for r in quiet] == ["yes", "no", "no", "no"]
    assert "since you said so" in quiet[2]["tieout_reason"]
    assert quiet[2]["tieout_pvalue"] == spike["tieout_pvalue"]


def test_words_that_are_no_tag_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    run = told("run", current, "--history", history, "--out", tmp_path / "out", "--no-agents")
    assert tieout("feedback", run["case_ids"][0], "maybe").exception is not None
