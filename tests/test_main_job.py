"""The whole main job through the commands: from a file to an approved action, kept over restarts, done once."""

import csv
import json
import re
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shared import SHARED, needs_shared
from typer.testing import CliRunner, Result

from agents import judging
from cli import app
from recon.buckets import Bucket, Place
from recon.errors import BadInput
from recon.lake import Lake
from recon.lake.arriving import Arriving, Loose
from recon.rows import Reading
from recon.words import PATTERN_LABELS

HEADER = (
    "As of Date,Company,Account,AU,Currency,Primary Account,GL Balance,IHub Balance,Balance Difference,Match Status"
)
MONTHS = ("2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30")
SERIES = {
    "1619205": [(10200, 10000), (10000, 10000), (20000.01, 20000), (20000, 20000), (20000, 40000), (20000, 60000)],
    "1619288": [(40000, 10000), (40000, 0), (60000, 10000), (60000, 0), (80000, 10000), (80000, 0)],
    "1618001": [(10000, 10000), (10100, 10100), (10199.5, 10200), (10600, 10600), (10500.5, 10500), (10000, 10000)],
    "1619999": [(10000, 20000), (20000, 30000), (30000, 40000), (40000, 50000), (50000, 60000), (60000, 70000)],
}
TODAY = {"1619205": (20000, 35000), "1619288": (100000, 10000), "1618001": (60000, 10000), "1619999": (70000, 80000)}


def line(day: str, account: str, left: float, right: float) -> str:
    difference = round(left - right, 2)
    status = "Match" if abs(difference) <= 1 else "Break"
    return f"{day},00000,{account},4398,USD,ALL OTHER LOANS,{left:g},{right:g},{difference:g},{status}"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A current file and its history, six months of four accounts, in a workspace of their own."""
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TIEOUT_JIRA_URL", "TIEOUT_SMTP_URL", "TIEOUT_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    history = [HEADER] + [line(d, a, *v) for a, points in SERIES.items() for d, v in zip(MONTHS, points, strict=True)]
    current = [HEADER] + [line("2024-05-31", a, *v) for a, v in TODAY.items()]
    (tmp_path / "history.csv").write_text("\n".join(history) + "\n")
    (tmp_path / "current.csv").write_text("\n".join(current) + "\n")
    return tmp_path / "current.csv", tmp_path / "history.csv"


def tieout(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def told(*words: object) -> Any:
    """The JSON document that a command prints."""
    result = tieout(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_each_series_is_judged_against_its_own_past(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    run = told("run", current, "--history", history, "--out", tmp_path / "out", "--no-agents")
    rows = rows_of(tmp_path / "out" / "breaks.csv")
    assert [r["tieout_anomaly"] for r in rows] == ["yes", "no", "yes", "no"]
    assert [r["tieout_pattern"] for r in rows] == ["inconsistent", "consistent_trend", "spike", "in_line"]
    assert all(r["tieout_cause"] and r["tieout_reason"] and r["tieout_case"] for r in rows)
    assert [r["tieout_comment"] for r in rows] == [PATTERN_LABELS[r["tieout_pattern"]] for r in rows]
    assert [r["GL Balance"] for r in rows] == ["20000", "100000", "60000", "70000"]
    counts = run["counts"]
    assert counts["rows_in"] == counts["rows_scored"] + counts["rows_rejected"] == 4
    cases = json.loads((tmp_path / "out" / "cases.json").read_text())
    assert {c["id"] for c in cases} == {r["tieout_case"] for r in rows}
    assert {c["kind"] for c in cases} == {"anomaly", "document"}
    assert json.loads((tmp_path / "out" / "actions.json").read_text()) == []


def test_a_draft_is_approved_and_done_once_over_restarts(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    recon = tmp_path / "recon.yaml"
    recon.write_text("approval: {undo_seconds: 0}\n")
    told("run", current, "--history", history, "--recon", recon, "--out", tmp_path / "out")
    drafts = told("actions", "--pending")
    assert drafts
    ticket = next(d for d in drafts if d["kind"] == "jira.create")
    done = told("approve", ticket["id"], "--wait")
    assert done["changed"]
    assert done["action"]["state"] == "done"
    again = told("approve", ticket["id"])
    assert not again["changed"]
    tieout("work", "--once")
    (after,) = [a for a in told("actions", "--case", ticket["case_id"]) if a["id"] == ticket["id"]]
    assert after["payload_hash"] == ticket["payload_hash"]
    assert tieout("audit", "verify").exit_code == 0


def test_a_first_ticket_shows_the_whole_past_of_its_series(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    told("run", current, "--history", history, "--out", tmp_path / "out")
    ticket = next(d for d in told("actions", "--pending") if d["kind"] == "jira.create")
    (chart,) = [a["text"] for a in ticket["payload"]["attachments"] if a["name"].startswith("chart-")]
    (points,) = re.findall(r'polyline points="([^"]+)"', chart)
    assert len(points.split()) == len(MONTHS) + 1


def test_a_case_reads_as_prose_and_names_the_hash_to_approve(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    told("run", current, "--history", history, "--out", tmp_path / "out")
    draft = next(d for d in told("actions", "--pending") if d["kind"] == "jira.create")
    said = tieout("show", draft["case_id"]).stdout
    assert draft["payload_hash"] in said
    assert draft["payload"]["description"].splitlines()[0] in said
    assert "<svg" not in said


def test_a_stale_hash_approves_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    told("run", current, "--history", history, "--out", tmp_path / "out")
    draft = told("actions", "--pending")[0]
    result = tieout("approve", draft["id"], "--hash", "0" * 64)
    assert isinstance(result.exception, BadInput)
    assert any(a["id"] == draft["id"] for a in told("actions", "--pending"))


def test_the_same_file_again_adds_nothing_twice(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    first = told("run", current, "--history", history, "--out", tmp_path / "one")
    before = {a["id"] for a in told("actions")}
    second = told("run", current, "--history", history, "--out", tmp_path / "two")
    assert set(first["case_ids"]) == set(second["case_ids"])
    assert {a["id"] for a in told("actions")} == before


def test_the_workspace_is_the_past_when_no_history_is_given(files: tuple[Path, Path], tmp_path: Path) -> None:
    current, history = files
    told("run", history, "--recon", _named(tmp_path), "--out", tmp_path / "one", "--no-agents")
    told("run", current, "--recon", _named(tmp_path), "--out", tmp_path / "two", "--no-agents")
    rows = rows_of(tmp_path / "two" / "breaks.csv")
    assert [r["tieout_anomaly"] for r in rows] == ["yes", "no", "yes", "no"]


def test_a_desk_that_begins_without_history_is_not_flooded(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Nothing is wrong in any of the months, and nobody closes the case of the first."""
    rng = np.random.default_rng(3)
    usual = rng.normal(0, 5_000, 150)
    current, _ = files
    called = []
    for month in MONTHS[:5]:
        off = np.where(np.arange(150) < 100, usual + rng.normal(0, 500, 150), 0.0)
        rows = [line(month, f"{1_600_000 + i}", 50_000 + round(x, 2), 50_000) for i, x in enumerate(off)]
        current.write_text("\n".join([HEADER, *rows]) + "\n")
        told("run", current, "--recon", _named(tmp_path), "--out", tmp_path / "out", "--no-agents")
        called.append(sum(row["tieout_anomaly"] == "yes" for row in rows_of(tmp_path / "out" / "breaks.csv")))
    assert sum(called) <= 2


def _named(folder: Path) -> Path:
    path = folder / "named.yaml"
    path.write_text("name: loans\n")
    return path


def test_a_past_too_large_for_memory_is_judged_from_the_disk_with_the_same_answers(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, history = files
    past: list[weakref.ref[Reading]] = []
    gone: list[bool] = []
    settle, load = Arriving.settle, Place.load

    def settled(self: Arriving, reading: Reading) -> Loose | None:
        past.append(weakref.ref(reading))
        return settle(self, reading)

    def loaded(self: Place, bucket: int) -> Bucket:
        gone.append(past[-1]() is None)
        return load(self, bucket)

    monkeypatch.setattr(Arriving, "settle", settled)
    monkeypatch.setattr(Place, "load", loaded)
    told_of = {}
    for most in (judging.KEPT, 0):
        monkeypatch.setattr(judging, "KEPT", most)
        monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / f"home-{most}"))
        out = tmp_path / f"out-{most}"
        counts = told("run", current, "--history", history, "--out", out, "--no-agents")["counts"]
        told_of[most] = (counts, rows_of(out / "breaks.csv"), json.loads((out / "cases.json").read_text()))
        # what was settled is the history of the next run, whole and once
        lake = Lake(str(tmp_path / f"home-{most}" / "lake"))
        assert lake.manifest("gl-vs-ihub").rows == 28
    assert told_of[0] == told_of[max(told_of)]
    assert gone
    assert all(gone)


def test_bad_input_is_one_sentence_and_leaves_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"PK\x03\x04 not text")
    result = tieout("run", tmp_path / "bad.csv", "--out", tmp_path / "out")
    assert isinstance(result.exception, BadInput)
    assert "bad.csv" in str(result.exception)
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


@needs_shared
def test_the_banks_sample_of_trades_has_no_anomaly_and_a_comment_for_each(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = SHARED / "official"
    told(
        "run", folder / "catalyst-impact-current.csv", "--history", folder / "catalyst-impact-history.csv",
        "--out", tmp_path / "out", "--no-agents",
    )  # fmt: skip
    rows = rows_of(tmp_path / "out" / "breaks.csv")
    assert [r["tieout_anomaly"] for r in rows] == ["no"] * 10
    assert all(r["tieout_comment"] and r["tieout_similar"] for r in rows)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.name for p in (SHARED / "real").glob("*")) if SHARED.is_dir() else [])
def test_every_real_file_ends_in_rows_or_one_sentence(name: str, files: tuple[Path, Path], tmp_path: Path) -> None:
    result = tieout("run", SHARED / "real" / name, "--out", tmp_path / "out", "--no-agents", "--json")
    if result.exception is not None:
        assert isinstance(result.exception, BadInput), result.exception
        assert "\n" not in str(result.exception)
        return
    counts = json.loads(result.stdout)["counts"]
    assert counts["rows_in"] == counts["rows_scored"] + counts["rows_rejected"]
    assert len(rows_of(tmp_path / "out" / "breaks.csv")) == counts["rows_scored"]


def test_the_breaks_of_a_log_of_transactions_stay_open_until_they_are_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "home"))
    head = "Transaction ID,Date,Bank Amount,Book Amount"
    past = [f"P{n},2026-02-{n:02},{n * 10},{n * 10 + (n % 7 == 0)}" for n in range(1, 29)]
    now = [f"N{n},2026-03-{n:02},{n * 10},{n * 10 + 3 * (n == 4)}" for n in range(1, 16)]
    for name, lines in (("past", past), ("now", now), ("later", ["N4,2026-03-16,40,40", "N16,2026-03-16,1,1"])):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    run = told("run", tmp_path / "now.csv", "--history", tmp_path / "past.csv", "--out", tmp_path / "out")
    (case,) = told("cases", "--recon", run["recon"])
    assert case["rows"] == [4]
    assert case["state"] in ("open", "escalated")
    told("run", tmp_path / "later.csv", "--recon", run["recon"], "--out", tmp_path / "out2")
    assert told("show", case["id"])["state"] == "cleared"


def test_unlike_units_are_not_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "home"))
    head = "Trade ID,Date,Anchor Quantity,Meridian Quantity,Anchor Price,Meridian Price"
    days = [f"2026-03-{n:02}" for n in range(2, 30)]
    past = [f"T{t},{day},{t}000,{t}000,99.5,99.5" for day in days for t in range(1, 6)]
    now = [f"T{t},2026-03-30,{t}000,{'' if t == 4 else t * 1000},99.5,{'' if t == 4 else 99.5}" for t in range(1, 6)]
    for name, lines in (("past", past), ("now", now)):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    told("run", tmp_path / "now.csv", "--history", tmp_path / "past.csv", "--out", tmp_path / "out", "--no-agents")
    (case,) = json.loads((tmp_path / "out" / "cases.json").read_text())
    assert (case["break_count"], case["amount"], case["cause"]) == (2, "4000", "missing_right")
    assert case["title"] == "Missing on the Meridian side: Trade ID T4, 4,000 Quantity (2 breaks)"
