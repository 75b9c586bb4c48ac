"""A file of a known reconciliation is read as its files were before, whatever its own rows look like that day."""

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.desk import Desk
from agents.run import RunRequest, run
from memory.case_query import CaseQuery
from memory.recons import RunStore
from recon.errors import BadInput
from recon.recon_file import ReconFile, parse_recon_file
from tests.agents.desks import make_desk

FIRST = date(2026, 3, 2)
HEADER = "As of Date,Company,Account,Currency,GL Balance,IHub Balance"
KEYS = 60


def lines(rng: Random, day: date, times: int = 1) -> list[str]:
    """A balance of each account; what GL says is multiplied by `times`."""
    out = []
    for n in range(KEYS):
        hub = 1_000_000 + 39_119 * n + rng.randint(-20_000, 20_000)
        gl = (hub + (rng.randint(100, 9_000) if rng.random() < 0.05 else 0)) * times
        cells = [day.isoformat(), str(n % 7), str(1_000_000 + n), "USD", f"{gl / 100:.2f}", f"{hub / 100:.2f}"]
        out.append(",".join(cells))
    return out


def file(folder: Path, name: str, rows: list[str], header: str = HEADER) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return path


def judged(desk: Desk, path: Path, *history: Path, **more: Any) -> dict[str, Any]:
    return run(desk, RunRequest((path,), history, agents=False, **more)).run


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk that has seen 12 days and one more."""
    rng = Random(1)
    desk = make_desk(tmp_path / "home")
    past = [row for n in range(12) for row in lines(rng, FIRST + timedelta(days=n))]
    day = lines(rng, FIRST + timedelta(days=12))
    judged(desk, file(tmp_path, "first", day), file(tmp_path, "past", past))
    return desk


def test_a_feed_a_hundred_times_too_large_is_one_case_until_it_is_mended(desk: Desk, tmp_path: Path) -> None:
    rng = Random(2)
    held: list[set[str]] = []
    for n, times in ((13, 100), (14, 100), (15, 1)):
        said = judged(desk, file(tmp_path, f"day {n}", lines(rng, FIRST + timedelta(days=n), times)))
        assert (said["recon"], said["counts"]["history_rows"]) == ("gl-vs-ihub", KEYS * n)
        assert ("known_layout" in {f["code"] for f in said["import_findings"]}) == (times == 100)
        found = desk.cases.page(CaseQuery(cause=("scale",), state=("open", "reopened"), limit=200)).records
        held.append({record.case.id for record in found})
    assert len(held[0]) == 1
    assert held[0] == held[1]
    assert held[2] == set()


def test_what_was_decided_for_a_reconciliation_holds_without_naming_it(desk: Desk, tmp_path: Path) -> None:
    kept = parse_recon_file({"target_fdr": 0.02}, "kept")
    RunStore(desk.db, desk.clock).keep_recon("gl-vs-ihub", kept, None)
    said = judged(desk, file(tmp_path, "next", lines(Random(3), FIRST + timedelta(days=13))))
    assert said["settings"]["target_fdr"] == 0.02


def test_a_recon_file_that_says_otherwise_is_obeyed(desk: Desk, tmp_path: Path) -> None:
    own = parse_recon_file({"columns": {"key": ["Account"]}, "target_fdr": 0.2}, "own")
    said = judged(desk, file(tmp_path, "next", lines(Random(3), FIRST + timedelta(days=13), 100)), said=own)
    assert said["layout"]["key"] == ["Account"]
    assert said["settings"]["target_fdr"] == 0.2


def test_a_file_of_other_columns_is_another_reconciliation(desk: Desk, tmp_path: Path) -> None:
    rows = [f"2026-03-15,T{n},{100 + n},{100 + n}" for n in range(20)]
    said = judged(desk, file(tmp_path, "trades", rows, "Date,Trade ID,Front Amount,Back Amount"))
    assert said["recon"] != "gl-vs-ihub"
    assert said["counts"]["history_rows"] == 0


def test_a_default_recon_file_says_nothing() -> None:
    assert ReconFile() == parse_recon_file({}, "nothing")
    with pytest.raises(BadInput):
        parse_recon_file({"no such word": 1}, "wrong")
