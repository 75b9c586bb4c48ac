"""A tag counts from the next run on, is explained there, and can be taken back."""

import json
from pathlib import Path

import pytest
from test_main_job import HEADER, TODAY, files, line, rows_of, tieout, told

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
    assert "since you said so" in tieout("show", quiet[2]["tieout_case"]).output


def test_words_that_are_no_tag_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    run = told("run", current, "--history", history, "--out", tmp_path / "out", "--no-agents")
    assert tieout("feedback", run["case_ids"][0], "maybe").exception is not None


def run(current: Path, history: Path, out: Path) -> dict[str, dict[str, str]]:
    """The answers of a run without agents, by account."""
    told("run", current, "--history", history, "--out", out, "--no-agents")
    return {r["Account"]: r for r in rows_of(out / "breaks.csv")}


def a_month_later(current: Path, **changed: tuple[float, float]) -> Path:
    """The same accounts, with other balances where they are given."""
    lines = [line("2024-06-30", a, *changed.get(f"a{a}", v)) for a, v in TODAY.items()]
    later = current.with_name("later.csv")
    later.write_text("\n".join([HEADER, *lines]) + "\n")
    return later


def test_a_false_positive_that_grows_comes_back_and_says_why(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    before = run(current, history, tmp_path / "one")
    told("feedback", before["1618001"]["tieout_case"], "false_positive", "--note", "booked late")
    same = run(a_month_later(current), history, tmp_path / "two")["1618001"]
    assert same["tieout_anomaly"] == "no"
    grown = run(a_month_later(current, a1618001=(110000, 10000)), history, tmp_path / "three")["1618001"]
    assert grown["tieout_anomaly"] == "yes"
    assert "you called it false on" in grown["tieout_reason"]
    assert "at 50,000.00; it has grown beyond that, so it is back" in grown["tieout_reason"]


def test_a_missed_one_is_called_the_next_time(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    before = run(current, history, tmp_path / "one")["1619999"]
    assert before["tieout_anomaly"] == "no"
    preview = told("feedback", before["tieout_case"], "missed", "--preview")
    assert preview["would_change"]["breaks"]["raised"] == 1
    told("feedback", before["tieout_case"], "missed")
    after = run(current, history, tmp_path / "two")
    assert after["1619999"]["tieout_anomaly"] == "yes"
    assert "that one like it was missed" in after["1619999"]["tieout_reason"]
    assert after["1619288"]["tieout_anomaly"] == "no"


def test_a_corrected_pattern_and_cause_are_applied_and_undone(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    before = run(current, history, tmp_path / "one")["1618001"]
    words = (before["tieout_case"], "corrected", "--pattern", "recurring", "--cause", "timing")
    assert told("feedback", *words, "--preview")["would_change"]["breaks"]["relabelled"] == 1
    saved = told("feedback", *words)
    after = run(current, history, tmp_path / "two")["1618001"]
    assert (after["tieout_pattern"], after["tieout_cause"]) == ("recurring", "timing")
    assert "you called this recurring on" in after["tieout_reason"]
    cases = {c["id"]: c for c in json.loads((tmp_path / "two" / "cases.json").read_text())}
    case = cases[after["tieout_case"]]
    assert (case["pattern"], case["cause"]) == ("recurring", "timing")
    first = case["hypotheses"][0]
    assert (first["cause"], first["confidence"]) == ("timing", 0.6667)
    assert "no arithmetic proves it" in first["statement"]
    assert {e["kind"] for e in case["evidence"] if e["id"] in first["evidence_ids"]} == {"said"}
    assert "taken back" in tieout("feedback", saved["id"], "undo").output
    undone = run(current, history, tmp_path / "three")["1618001"]
    assert (undone["tieout_pattern"], undone["tieout_cause"]) == (before["tieout_pattern"], before["tieout_cause"])


def test_a_bucket_that_nobody_knows_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    case = run(current, history, tmp_path / "one")["1618001"]["tieout_case"]
    refused = tieout("feedback", case, "corrected", "--pattern", "seasonal")
    assert "'seasonal' is none of spike" in str(refused.exception)
