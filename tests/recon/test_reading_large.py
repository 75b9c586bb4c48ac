"""A large clean file is carried as codes and units: it must read as the same file does cell by cell."""

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.errors import TieoutError
from recon.reading import clean, read, read_both, text_file
from recon.recon_file import ReconFile
from recon.rows import Codes, PairColumns, Reading
from tests.shared import SHARED, needs_shared

TODAY = date(2026, 11, 23)
HEADER = "As of Date,Account,Currency,GL Balance,IHub Balance,Balance Difference,Match Status,Comments"
AMOUNTS = [
    *("", "0", "5", "-7.5", "+3.25", "12.3", "0.125", "1e3", "2.5E-1", " 8.5", "8.5 ", "1,234.50", "(3.00)", "4 CR"),
    *("NULL", "-", "true", "x", "123456789012345678", "99999999999999999999", ".5", "5.", "1_000", "1.0000000001"),
]


def plain(value: Any) -> Any:
    """A reading's parts as values that can be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value.to_pylist()
    if isinstance(value, pa.Table):
        return {name: value.column(name).to_pylist() for name in value.column_names}
    if isinstance(value, Codes):
        words = value.vocabulary.to_pylist()
        return [words[code] for code in value.codes]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, Reading | PairColumns) or type(value).__name__ == "Rows":
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return value


def both_ways(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """What the small and the large way make of a file: the reading or the sentence of its refusal."""
    out = []
    for large in (10**12, 0):
        monkeypatch.setattr(text_file, "LARGE", large)
        monkeypatch.setattr(clean, "BATCH", 7)
        try:
            out.append(plain(read(paths, ReconFile(), today=TODAY)))
        except TieoutError as error:
            out.append(str(error))
    return out[0], out[1]


FILES = sorted(
    [*(SHARED / "csv-torture").glob("*.csv"), *(SHARED / "real").glob("*.csv"), *SHARED.glob("official/*.csv")]
)


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", [f for f in FILES if f.stat().st_size < 60_000], ids=lambda path: path.stem)
def test_a_known_file_reads_the_same_as_a_large_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = both_ways([path], monkeypatch)
    assert large == small


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from(AMOUNTS), st.sampled_from(AMOUNTS)), max_size=12), usual=st.integers(0, 60)
)
def test_amounts_in_any_spelling_read_the_same_in_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, str]], usual: int
) -> None:
    lines = [f"2026-05-{i % 28 + 1:02d},A{i % 5},USD,{i}.25,{i}.5,-0.25,Break,note {i % 3}" for i in range(usual)]
    lines += [f'2026-06-{i + 1:02d},"B ""x""",EUR,"{a}","{b}",,Match,' for i, (a, b) in enumerate(rows)]
    lines += ["Total,,,1.5,2.5,,,"]
    path = tmp_path / "file.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    small, large = both_ways([path], monkeypatch)
    assert large == small


def test_amounts_of_a_large_file_never_come_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_as_text = []
    as_it_is = clean.CleanFile.columns
    monkeypatch.setattr(
        clean.CleanFile, "columns", lambda file, places: read_as_text.append(file.path.stem) or as_it_is(file, places)
    )
    days = [f"2026-05-{d:02d}" for d in range(1, 21)]
    lines = [f"{d},A{a},USD,{a}00.25,{a}00.5,-0.25,Break,x" for d in days for a in range(1, 9)]
    for name, some in (("past", lines[:-8]), ("now", lines[-8:])):
        (tmp_path / f"{name}.csv").write_text("\n".join([HEADER, *some]) + "\n")
    monkeypatch.setattr(text_file, "LARGE", 1000)
    current, history = read_both([tmp_path / "now.csv"], [tmp_path / "past.csv"], ReconFile(), today=TODAY)
    assert history is not None
    assert read_as_text == ["now"]
    assert (history.rows.n, current.rows.n) == (152, 8)
    assert history.rows.pairs[0].left[:3].tolist() == [10025, 20025, 30025]


def test_a_large_file_with_a_row_over_two_lines_is_read_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f'{HEADER}\n2026-05-01,A,USD,1.5,2.5,-1,Break,"two\nlines"\n2026-05-02,A,USD,1.5,1.5,0,Match,\n')
    small, large = both_ways([path], monkeypatch)
    assert large == small
    assert large["rows"]["line"] == [2, 4]
