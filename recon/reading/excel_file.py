"""Workbooks into a raw table: every sheet and table that has the layout of the first one, title rows left out."""

import math
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from rapidfuzz.fuzz import ratio

from recon.errors import UnreadableFile
from recon.reading.header import filled, is_value, under_groups, usual_width
from recon.reading.table import MAX_COLUMNS, RawTable, text_table
from recon.rows import ImportFinding
from recon.text import squash

MAX_UNPACKED: Final = 400_000_000
"""Bytes that a workbook may unpack to."""
MAX_CELLS: Final = 30_000_000
ALIKE: Final = 0.7
"""Share of headers that two tables must have in common to be read as one."""


@dataclass(frozen=True)
class Block:
    """One table of one sheet."""

    sheet: str
    headers: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    """(row number in the sheet, cells)."""


def read_excel(path: Path) -> RawTable:
    """Reads all tables of a workbook that look like its first. Raises UnreadableFile."""
    _refuse_bomb(path)
    sheets = _sheets(path)
    findings: list[ImportFinding] = []
    blocks = [block for name, rows in sheets for block in _blocks(path.name, name, rows, findings)]
    if not blocks:
        msg = f"{path.name}: no table with a header was found in {len(sheets)} sheets"
        raise UnreadableFile(msg)
    first = max(blocks, key=lambda block: len(block.rows))
    first = next(block for block in blocks if _alike(block, first))
    chosen = [block for block in blocks if _alike(block, first)]
    findings += _told(path.name, blocks, chosen)
    return _table(path.name, chosen, findings)


_CELL: Final = re.compile(rb'<(?:\w{1,20}:)?c\b[^<>]{0,200}?\br="([A-Za-z]{1,3})(\d{1,7})"')
_UNCALCULATED: Final = re.compile(
    rb"<(?P<n>\w{1,20}:)?c\b(?P<said>[^<>]{0,200})>"
    rb"<(?:\w{1,20}:)?f\b(?:[^<>]{0,200}/>|[^<>]{0,200}>[^<]{0,8192}</(?:\w{1,20}:)?f>)"
    rb"(?:<(?:\w{1,20}:)?v ?/>|<(?:\w{1,20}:)?v></(?:\w{1,20}:)?v>)?</"
)
"""A cell that holds a formula and no result; an empty text is a result, of type `str`."""
_OVERLAP: Final = 300


class _Span:
    """How far the cells of one sheet lie apart, read while it is unpacked.

    The reader lays a sheet out as a full grid: two cells in opposite corners, a file of 2 KB, would end the process.
    """

    def __init__(self, path: Path, part: str) -> None:
        self._path, self._part = path, part
        self._rest = b""
        self._rows: tuple[int, int] = (1 << 31, 0)
        self._columns: tuple[int, int] = (1 << 31, 0)

    def feed(self, chunk: bytes) -> None:
        text = self._rest + chunk
        self._refuse_uncalculated(text)
        found = _CELL.findall(text)
        self._rest = text[-_OVERLAP:]
        if not found:
            return
        rows = [int(row) for _, row in found]
        columns = [_column_number(name) for name in {name for name, _ in found}]
        self._rows = min(self._rows[0], *rows), max(self._rows[1], *rows)
        self._columns = min(self._columns[0], *columns), max(self._columns[1], *columns)
        height, width = self._rows[1] - self._rows[0] + 1, self._columns[1] - self._columns[0] + 1
        if height * width > MAX_CELLS:
            msg = f"{self._path.name}: {self._part} spans {height:,} x {width:,} cells; export it as CSV"
            raise UnreadableFile(msg)

    def _refuse_uncalculated(self, text: bytes) -> None:
        """Programs that write formulas do not work them out: read as blank, they would be sides that are missing."""
        for cell in _UNCALCULATED.finditer(text):
            where = re.search(rb'\br="([A-Za-z]{1,3}\d{1,7})"', cell["said"])
            if where is not None and b't="str"' not in cell["said"]:
                spot = where[1].decode()
                msg = f"{self._path.name}: the formula in {spot} has no result; open the workbook in Excel and save it"
                raise UnreadableFile(msg)


def _column_number(name: bytes) -> int:
    """
    >>> _column_number(b"A"), _column_number(b"XFD")
    (1, 16384)
    """
    number = 0
    for letter in name.upper():
        number = number * 26 + letter - 64
    return number


def _refuse_bomb(path: Path) -> None:
    """Unpacks a workbook's parts to nowhere, up to the limit: the sizes that an archive declares may lie."""
    if not zipfile.is_zipfile(path):
        return
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise UnreadableFile(_too_big(path))
            for entry in archive.infolist():
                span = _Span(path, entry.filename)
                with archive.open(entry) as part:
                    while chunk := part.read(1 << 20):
                        total += len(chunk)
                        if total > MAX_UNPACKED:
                            raise UnreadableFile(_too_big(path))
                        span.feed(chunk)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        msg = f"{path.name}: the workbook is damaged or locked: {error}; save it anew without a password"
        raise UnreadableFile(msg) from error


def _too_big(path: Path) -> str:
    return f"{path.name}: the workbook unpacks to more than {MAX_UNPACKED // 1_000_000} MB; export it as CSV"


def _sheets(path: Path) -> list[tuple[str, list[list[Any]]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        return [(name, _grid(path, book, name)) for name in book.sheet_names]
    except (CalamineError, OSError, ValueError, BaseException) as error:
        if isinstance(error, UnreadableFile | KeyboardInterrupt | SystemExit | MemoryError):
            raise
        msg = f"{path.name}: the workbook cannot be read: {error}; save it anew as .xlsx or CSV"
        raise UnreadableFile(msg) from error


def _grid(path: Path, book: Any, name: str) -> list[list[Any]]:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        msg = (
            f"{path.name}: sheet {name!r} spans {sheet.total_height:,} x {sheet.total_width:,} cells; export it as CSV"
        )
        raise UnreadableFile(msg)
    skip = sheet.start[0] if sheet.start else 0
    return [[] for _ in range(skip)] + list(sheet.to_python(skip_empty_area=True))


def _text(value: Any) -> str:
    """A cell as its text: whole numbers without decimals, dates in ISO form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def _blocks(file: str, sheet: str, grid: Sequence[Sequence[Any]], findings: list[ImportFinding]) -> list[Block]:
    rows = [[_text(cell) for cell in row] for row in grid]
    blocks: list[Block] = []
    at = 0
    notes: list[int] = []
    while at < len(rows):
        header = _next_header(rows, at)
        if header is None:
            break
        notes += [i + 1 for i in range(at, header) if filled(rows[i])]
        block, at = _block(sheet, rows, header, notes)
        if len(block.headers) > MAX_COLUMNS:
            msg = f"{file}: sheet {sheet!r} has {len(block.headers):,} columns; at most {MAX_COLUMNS:,} can be read"
            raise UnreadableFile(msg)
        blocks.append(block)
    notes += [i + 1 for i in range(at, len(rows)) if filled(rows[i])]
    if blocks and notes:
        where = f"{file}: sheet {sheet}, row {notes[0]}"
        findings.append(
            ImportFinding("title_rows", "info", "titles and notes around the tables", where, "left out", len(notes))
        )
    return blocks


def _next_header(rows: Sequence[Sequence[str]], start: int) -> int | None:
    """The next row that is as wide as a table and holds names only."""
    usual = usual_width(rows[start:])
    for i in range(start, len(rows)):
        count = filled(rows[i])
        if count < 2 or count < 0.5 * usual:
            continue
        if _names_only(rows[i]):
            return i
    return None


def _names_only(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell.strip()]
    return sum(map(is_value, cells)) <= 0.25 * len(cells)


def _block(sheet: str, rows: Sequence[list[str]], header: int, notes: list[int]) -> tuple[Block, int]:
    """The table below a header: to the next header of the same names, or to a blank row that only notes follow."""
    first = next(i for i, cell in enumerate(rows[header]) if cell.strip())
    last = max(i for i, cell in enumerate(rows[header]) if cell.strip())
    names = tuple(rows[header][first : last + 1])
    headers = under_groups(rows[header - 1][first : last + 1] if header else [], names)
    if headers != names and header in notes:
        notes.remove(header)  # the row above is no title: it says whose columns these are
    found: list[tuple[int, list[str]]] = []
    at = header + 1
    while at < len(rows):
        cells = (rows[at] + [""] * (last + 1))[first : last + 1]
        count = filled(cells)
        if count > 1 and _same_names(cells, headers):
            break
        if count == 1 and len(headers) > 2 and not is_value(next(cell for cell in cells if cell.strip())):
            notes.append(at + 1)
        elif count:
            if count >= 2 and not any(map(is_value, cells)) and _starts_table(rows, at, len(headers)):
                break
            found.append((at + 1, cells))
        at += 1
    return Block(sheet, headers, tuple(found)), at


def _starts_table(rows: Sequence[list[str]], at: int, width: int) -> bool:
    """A row of names after a blank or note row, with values below it: another table's header."""
    before = filled(rows[at - 1]) <= 1
    below = at + 1 < len(rows) and any(map(is_value, rows[at + 1]))
    return before and below


def _same_names(cells: Sequence[str], headers: Sequence[str]) -> bool:
    named = [(cell, header) for cell, header in zip(cells, headers, strict=True) if cell.strip()]
    same = sum(_near(cell, header) for cell, header in named)
    return len(named) >= 2 and same >= ALIKE * len(named)


def _near(a: str, b: str) -> bool:
    return ratio(squash(a), squash(b)) >= 80 and bool(squash(a))


def _alike(block: Block, other: Block) -> bool:
    if block is other:
        return True
    small, large = sorted((block.headers, other.headers), key=len)
    named = [header for header in small if header.strip()]
    same = sum(any(_near(header, candidate) for candidate in large) for header in named)
    return same >= ALIKE * max(1, len(named))


def _told(file: str, blocks: Sequence[Block], chosen: Sequence[Block]) -> list[ImportFinding]:
    found = []
    if len(chosen) > 1:
        where = ", ".join(f"{block.sheet} ({len(block.rows)} rows)" for block in chosen)
        what = f"{len(chosen)} tables of one layout"
        found.append(ImportFinding("several_tables", "info", what, f"{file}: {where}", "read as one", len(chosen)))
    others = [block for block in blocks if block not in chosen]
    if others:
        where = ", ".join(f"{block.sheet} ({len(block.rows)} rows)" for block in others)
        what = "tables of another layout"
        found.append(ImportFinding("other_tables", "warning", what, f"{file}: {where}", "left out", len(others)))
    return found


def _table(file: str, blocks: Sequence[Block], findings: list[ImportFinding]) -> RawTable:
    headers, places = _merged_headers(blocks)
    cells: list[list[str]] = []
    lines: list[int] = []
    for block, place in zip(blocks, places, strict=True):
        for line, row in block.rows:
            wide = [""] * len(headers)
            for value, at in zip(row, place, strict=True):
                wide[at] = value
            cells.append(wide)
            lines.append(line)
    columns = [pa.array([row[i] for row in cells], type=pa.string()) for i in range(len(headers))]
    numbers = np.array(lines, dtype=np.int64)
    sheets = tuple(dict.fromkeys(block.sheet for block in blocks))
    ordinal = np.arange(1, len(lines) + 1, dtype=np.int64)
    return RawTable(file, headers, text_table(columns), numbers, ordinal, None, (), tuple(findings), {"sheets": sheets})


def _merged_headers(blocks: Sequence[Block]) -> tuple[tuple[str, ...], list[list[int]]]:
    """The first table's headers, with what others add; and where each table's columns go."""
    headers: list[str] = list(blocks[0].headers)
    places: list[list[int]] = []
    for block in blocks:
        place: list[int] = []
        for i, name in enumerate(block.headers):
            place.append(_place(headers, place, name, i))
        places.append(place)
    return tuple(headers), places


def _place(headers: list[str], taken: Sequence[int], name: str, position: int) -> int:
    if (
        position < len(headers)
        and position not in taken
        and (headers[position] == name or _near(name, headers[position]))
    ):
        return position
    for i, header in enumerate(headers):
        if i not in taken and name.strip() and _near(name, header):
            return i
    headers.append(name)
    return len(headers) - 1
