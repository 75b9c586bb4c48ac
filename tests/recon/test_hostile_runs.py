"""Odd files through the whole main job: every row judged or rejected, or one sentence; never a fault of ours."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from agents.run import RunRequest, run
from recon.errors import BadInput
from recon.reading import read
from recon.recon_file import ReconFile
from recon.settings import Settings
from server import open_desk

HEADER = ["Account", "Currency", "As of Date", "GL Balance", "IHub Balance", "Match Status", "Comments"]
Row = list[str]


def rows(change: Callable[[int, Row], Row] = lambda i, row: row, n: int = 30) -> list[Row]:
    """Ten accounts on three month ends; every seventh row breaks and has a comment that promises something."""
    made = []
    for i in range(n):
        left, broken = 1000 + 7 * i, i % 7 == 0
        said = ["Break", "will be cleared by Friday"] if broken else ["Match", ""]
        row = [
            f"A{i % 10:03d}",
            "USD",
            f"2026-{1 + i // 10 % 9:02d}-28",
            f"{left}.25",
            f"{left - 50 * broken}.25",
            *said,
        ]
        made.append(change(i, row))
    return made


def text(change: Callable[[int, Row], Row] = lambda i, row: row, n: int = 30) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows(change, n)])
    return out.getvalue().encode()


def cell(at: int, value: str, every: int = 1) -> Callable[[int, Row], Row]:
    """Another value in one column of every so manieth row."""
    return lambda i, row: row if i % every else [*row[:at], value, *row[at + 1 :]]


READ = {
    "as it should be": (text(), 0),
    "a key twice on a day, the last one matching": (text(lambda i, row: ["A", "USD", "2026-01-28", *row[3:]], 60), 0),
    "no keys": (text(lambda i, row: ["", "", *row[2:]]), 0),
    "a key of 3,000 accents": (text(lambda i, row: ["A" + "\u0301" * 3000, *row[1:]]), 0),
    "a date before calendars": (text(cell(2, "0001-01-01", 10)), 3),
    "a date after them": (text(cell(2, "9999-12-31", 10)), 3),
    "only such dates": (text(cell(2, "9999-12-31")), 30),
    "dates four centuries apart": (text(lambda i, row: [*row[:2], f"{1600 + 26 * i}-02-03", *row[3:]]), 0),
    "a byte-order mark in the middle": (text().replace(b"A003", "\ufeffA003".encode()), 0),
    "NULs": (text().replace(b"A00", b"A\x000"), 0),
    "two encodings": (text(cell(6, "Zürich", 10)).replace("ü".encode(), b"\xfc", 1), 1),
    "a quote that never closes": (text() + b'A1,USD,2026-01-28,1,2,Break,"x', 0),
    "1e308": (text(cell(3, "1e308", 10)), 3),
    "semicolons in quotation": (text(cell(6, "a;b;c;d;e;f;g;h,i")), 0),
    "digits of other scripts": (
        text(lambda i, row: [*row[:3], row[3].translate({48: 0xFF10, 49: 0x661}), *row[4:]]),
        0,
    ),
    "parentheses and trailing minus": (text(lambda i, row: [*row[:3], f"({row[3]})", f"{row[4]}-", *row[5:]]), 0),
    "spaces and apostrophes": (text(lambda i, row: [*row[:3], f"1\u00a0{i:03d}.00", f"1'{i:03d}.00", *row[5:]]), 0),
    "Excel's day numbers": (text(lambda i, row: [*row[:2], str(46000 + i // 10 * 30), *row[3:]]), 0),
    "the header again": (text() + text(), 1),
    "every kind of line end": (text().replace(b"\r\n", b"\n", 9).replace(b"\r\n", b"\r", 9), 0),
}
"""File -> (its bytes, how many of its rows are rejected)."""


@pytest.mark.parametrize("name", READ)
def test_every_row_is_judged_or_rejected(name: str, tmp_path: Path) -> None:
    data, rejected = READ[name]
    counts = main_job(tmp_path, data)
    assert counts["rejected"] == rejected
    assert counts["rows_in"] == counts["out"] + counts["rejected"]


def main_job(folder: Path, data: bytes, name: str = "file.csv") -> dict[str, int]:
    (folder / name).write_bytes(data)
    desk = open_desk(Settings(home=folder / "home"))
    said = RunRequest((folder / name,), (), ReconFile(), None, folder / "out", agents=False, today=date(2026, 11, 23))
    try:
        counts = dict(run(desk, said).counts)
    finally:
        desk.db.close()
    return {"rows_in": counts["rows_in"], "out": lines(folder, "breaks"), "rejected": lines(folder, "rejects")}


def lines(folder: Path, name: str) -> int:
    with (folder / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def book(fill: Callable[[int], object]) -> bytes:
    """A workbook whose right balances are what `fill` says."""
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(HEADER)
    for i, row in enumerate(rows()):
        sheet.append([*row[:2], datetime(2026, 1 + i // 10, 28), 1000 + 7 * i, fill(i), *row[5:]])  # noqa: DTZ001
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def with_result(data: bytes, of: str, result: str) -> bytes:
    """A formula's cell as Excel saves it: with what it came to, here a text."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            part = source.read(name).replace(f'<c r="{of}"'.encode(), f'<c r="{of}" t="str"'.encode())
            target.writestr(
                name,
                part.replace(b"<v></v>", f"<v>{result}</v>".encode()).replace(b"<v />", f"<v>{result}</v>".encode()),
            )
    return out.getvalue()


def test_a_formula_without_a_result_is_no_blank(tmp_path: Path) -> None:
    data = book(lambda i: "=D2-50" if i == 0 else 1000 + 7 * i)
    with pytest.raises(BadInput, match="the formula in E2 has no result"):
        main_job(tmp_path, data, "book.xlsx")
    for result in ("", "950"):
        counts = main_job(tmp_path, with_result(data, "E2", result), "book.xlsx")
        assert (counts["rows_in"], counts["out"]) == (30, 30)


def test_a_workbook_that_was_cut_off_is_called_one(tmp_path: Path) -> None:
    data = book(lambda i: i)
    with pytest.raises(BadInput, match="cut off or damaged"):
        main_job(tmp_path, data[: len(data) // 2], "book.xlsx")


def test_parquet_with_any_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    columns = dict(zip(HEADER, map(list, zip(*rows(), strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    rng = Random(3)
    said: list[str] = []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(3):
            data[rng.randrange(4, len(data) - 4)] = rng.randrange(256)
        (tmp_path / "file.parquet").write_bytes(data)
        try:
            found = read([tmp_path / "file.parquet"], ReconFile(), today=date(2026, 11, 23))
        except BadInput as told:
            said.append(str(told))
        else:
            assert found.rows_in == found.rows.n + len(found.rejects)
    assert said
    assert not [sentence for sentence in said if "\n" in sentence]
