"""Each of the 38 torture files ends as its manifest says."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from recon.errors import AmbiguousDates, BadInput, UnreadableFile
from recon.reading import read
from recon.recon_file import ReconFile
from recon.rows import BLANK, Reading
from recon.text import neutralise
from tests.shared import SHARED, needs_shared

TODAY = date(2026, 11, 23)
FOLDER = SHARED / "csv-torture"

ROWS = {
    "plain": (2, 0), "header_only": (0, 0), "utf16le_bom": (2, 0), "latin1": (1, 1), "nul_bytes": (2, 0),
    "crlf": (2, 0), "no_final_newline": (2, 0), "trailing_commas": (2, 0), "tab": (2, 0), "sep_line": (2, 0),
    "parens_negative": (1, 0), "drcr": (1, 0), "unicode_minus": (1, 0), "fullwidth_digits": (1, 0), "exp": (1, 0),
    "cents_precision": (2, 0), "jpy_decimals": (1, 0), "mixed_ccy": (2, 0), "bool_null": (2, 0),
    "date_2digit": (1, 0), "date_future_past": (2, 0), "renamed_cols": (1, 0), "footer": (2, 1), "long_row": (0, 1),
    "dup_id_diff": (2, 0), "quotes_newline": (1, 0), "stray_quote": (1, 0), "formula_cells": (8, 0),
    "header_injection_name": (1, 0), "rtl_zero_width": (1, 0), "nfc_nfd": (2, 0), "overlong_utf8": (0, 1),
}  # fmt: skip
"""Rows and rejects of each file that is read."""
REFUSED: dict[str, tuple[type[BadInput], str]] = {
    "zip_as_csv": (UnreadableFile, "zip"),
    "json_as_csv": (UnreadableFile, "JSON"),
    "ambiguous_number": (BadInput, "numbers: comma"),
    "date_ambiguous": (AmbiguousDates, "dates: dayfirst"),
    "dup_header": (UnreadableFile, "duplicate column"),
    "no_header": (UnreadableFile, "header"),
}
FOUND = {
    "header_only": "no_rows", "utf16le_bom": "encoding", "latin1": "invalid_utf8", "nul_bytes": "nul_bytes",
    "drcr": "debit_credit", "jpy_decimals": "minor_unit", "bool_null": "boolean_amount",
    "date_future_past": "future_date", "dup_id_diff": "duplicate_key", "header_injection_name": "header_marks",
    "rtl_zero_width": "invisible_marks", "nfc_nfd": "two_spellings", "trailing_commas": "empty_columns",
}  # fmt: skip


def read_one(name: str) -> Reading:
    return read([FOLDER / f"{name}.csv"], ReconFile(), today=TODAY)


@needs_shared
def test_every_file_of_the_manifest_is_held_to_it() -> None:
    named = {Path(entry["file"]).stem for entry in json.loads((FOLDER / "manifest.json").read_text())}
    assert named == set(ROWS) | set(REFUSED)


@needs_shared
@pytest.mark.parametrize("name", ROWS)
def test_a_readable_file_keeps_every_row_or_says_why_not(name: str) -> None:
    reading = read_one(name)
    assert (reading.rows.n, len(reading.rejects)) == ROWS[name]
    assert reading.rows_in == sum(ROWS[name])
    if name in FOUND:
        assert FOUND[name] in {finding.code for finding in reading.findings}


@needs_shared
@pytest.mark.parametrize("name", REFUSED)
def test_an_unreadable_file_is_refused_in_one_sentence(name: str) -> None:
    error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        read_one(name)
    assert f"{name}.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_shared
def test_what_was_ambiguous_is_read_once_it_is_declared() -> None:
    path = [FOLDER / "date_ambiguous.csv"]
    days = [read(path, ReconFile(dates=order), today=TODAY).rows.day[0] for order in ("dayfirst", "monthfirst")]
    assert [str(np.datetime64(int(day), "D")) for day in days] == ["2026-04-03", "2026-03-04"]
    comma = read([FOLDER / "ambiguous_number.csv"], ReconFile(numbers="comma"), today=TODAY).rows.pairs[0]
    assert (comma.left[0], comma.right[0], comma.scale) == (1234, 1234000, 3)
    cp1252 = read([FOLDER / "latin1.csv"], ReconFile(encoding="cp1252"), today=TODAY)
    assert cp1252.rows.comment[0].as_py() == "Gebühr Zürich"


@needs_shared
@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("parens_negative", -10050, -10050),
        ("unicode_minus", -10050, -10050),
        ("drcr", 10050, -10050),
        ("exp", 120000000, 120000000),
        ("fullwidth_digits", 12300, 12300),
    ],
)
def test_amounts_mean_what_they_say(name: str, left: int, right: int) -> None:
    pair = read_one(name).rows.pairs[0]
    assert (pair.left[0], pair.right[0]) == (left, right)


@needs_shared
def test_large_amounts_with_cents_differ_by_one_cent_exactly() -> None:
    pair = read_one("cents_precision").rows.pairs[0]
    assert (pair.left - pair.right)[1] * 100 == 10**pair.scale


@needs_shared
def test_missing_is_not_zero() -> None:
    pair = read_one("bool_null").rows.pairs[0]
    assert (pair.left_state == BLANK).all()
    assert (pair.right_state == BLANK).all()


@needs_shared
def test_spellings_of_one_account_are_one_account() -> None:
    assert len(read_one("nfc_nfd").rows.columns["account"].vocabulary) == 1
    assert read_one("rtl_zero_width").rows.columns["account"].vocabulary.to_pylist() == ["NOSTRO-USD"]


@needs_shared
def test_formulas_stay_text_and_leave_neutralised() -> None:
    memos = read_one("formula_cells").rows.text.column("memo").to_pylist()
    assert memos[0].startswith("=cmd")
    assert all(neutralise(memo)[0] == "'" for memo in memos)


@needs_shared
@pytest.mark.parametrize(("name", "line"), [("long_row", 2), ("latin1", 2), ("footer", 4), ("overlong_utf8", 2)])
def test_a_reject_names_its_line(name: str, line: int) -> None:
    assert read_one(name).rejects[0].line == line
