"""Delimited text into a raw table: DuckDB reads what is clean, the scanner mends or rejects the rest."""

import csv
import io
import mmap
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.errors import UnreadableFile
from recon.reading.clean import MAX_ROW, CleanFile, let_go, marks_of, raise_interrupt, read_clean
from recon.reading.header import find_header, under_groups
from recon.reading.scan import CLEAN, NEWLINE, QUIRKY, RETURN, UNCLOSED, Scan, scan, split_row
from recon.reading.sniff import HEAD, dialect_of, encoding_of
from recon.reading.table import MAX_COLUMNS, MAX_REJECT_TEXT, Counted, RawReject, RawTable, text_table
from recon.rows import ImportFinding

MAX_BAD_BYTES: Final = 1_000
"""Rows that are not in the file's encoding before the whole file is refused."""
MAX_BROKEN: Final = 1_000_000
"""Rows that are mended or rejected one by one, in Python; with more of them the file is no table of its header."""
HEAD_ROWS: Final = 32 * 1024
"""Bytes in which the header and the usual width are looked for, when lines end in them."""
CHUNK: Final = 16 * 1024 * 1024
LARGE: Final = 8 * 1024 * 1024
"""Bytes from which a clean file is carried as codes and units instead of text."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Source:
    """The bytes to parse: the file itself, or a copy in clean UTF-8."""

    name: str
    path: Path
    offset: int
    """Where the text begins, after a byte-order mark."""
    encoding: str
    findings: tuple[ImportFinding, ...]


@dataclass(frozen=True)
class _Head:
    """What the first rows decide for the whole file."""

    headers: tuple[str, ...]
    delimiter: str
    header_at: int
    """Index of the header among the file's records."""
    body: int
    """Offset of the first byte after the header."""
    line: int
    """Physical line on which the first data row would begin."""
    width: int
    """Fields that a usual row has: at least the headers, more when rows end in extra delimiters."""
    first: bool
    """The header is the first record of the file."""
    findings: tuple[ImportFinding, ...] = ()


def read_text(path: Path, encoding: str | None, connection: duckdb.DuckDBPyConnection, work: Path) -> RawTable:
    """Reads a delimited text file; `work` is a folder for clean copies. Raises UnreadableFile."""
    source = _source(path, encoding, work)
    data = _mapped(source)
    head = _head(source, data)
    table = _by_duckdb(source, head, data, connection) if head.first else None
    if table is None:
        table = _by_scanner(source, head, data, connection, work)
    facts = {"encoding": source.encoding, "delimiter": head.delimiter, "header_line": head.line - 1}
    return replace(table, findings=source.findings + head.findings + table.findings, facts=facts)


def _source(path: Path, declared: str | None, work: Path) -> _Source:
    with path.open("rb") as file:
        start = file.read(HEAD)
    encoding = declared or encoding_of(start)
    findings: list[ImportFinding] = []
    here, offset = path, 0
    if encoding == "utf-8-sig" or (encoding.lower() in ("utf-8", "utf8") and start.startswith(b"\xef\xbb\xbf")):
        encoding, offset = "utf-8", 3
        findings.append(_info("byte_order_mark", "a byte-order mark before the header", path.name, "left out"))
    elif encoding.lower() not in ("utf-8", "utf8", "ascii"):
        here = _transcoded(path, encoding, work)
        what = f"the text is {encoding}"
        findings.append(_info("encoding", what, path.name, "read as such" if declared else "recognised and read"))
    if _has(here, b"\0"):
        here, offset = _without_nul(here, work), offset
        findings.append(
            ImportFinding("nul_bytes", "warning", "NUL bytes in the text", path.name, "left out of the cells")
        )
    return _Source(path.name, here, offset, encoding, tuple(findings))


def _transcoded(path: Path, encoding: str, work: Path) -> Path:
    target = work / f"utf8-{abs(hash(str(path)))}.csv"
    try:
        with path.open(encoding=encoding, newline="") as source, target.open("w", encoding="utf-8", newline="") as out:
            first = source.read(1)
            out.write("" if first == "\ufeff" else first)
            while chunk := source.read(CHUNK):
                out.write(chunk)
    except LookupError as error:
        msg = f"{path}: encoding: {encoding!r} is unknown; write one like utf-8, cp1252 or utf-16"
        raise UnreadableFile(msg) from error
    except UnicodeError as error:
        msg = f"{path}: the text is not {encoding}: {error}; name the right one as `encoding:` in the recon file"
        raise UnreadableFile(msg) from error
    return target


def _has(path: Path, byte: bytes) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return mapped.find(byte) >= 0


def _without_nul(path: Path, work: Path) -> Path:
    target = work / f"plain-{abs(hash(str(path)))}.csv"
    with path.open("rb") as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            out.write(chunk.replace(b"\0", b""))
    return target


def _mapped(source: _Source) -> Bytes:
    if source.path.stat().st_size <= source.offset:
        msg = f"{source.name}: the file is empty; expected a header line and rows"
        raise UnreadableFile(msg)
    # A plain array over the mapped bytes: a slice of a memmap costs ten times that of an array.
    return np.asarray(np.memmap(source.path, dtype=np.uint8, mode="r"))


def _head(source: _Source, data: Bytes) -> _Head:
    start = bytes(data[source.offset : source.offset + HEAD])
    whole = source.offset + len(start) >= data.size
    cut = start if whole else start[: max(start.rfind(b"\n"), start.rfind(b"\r")) + 1]
    if not cut:
        msg = f"{source.name}: no line ends in the first {HEAD // 1024} KB; this is no table of rows"
        raise UnreadableFile(msg)
    dialect = dialect_of(cut.decode("utf-8", errors="replace"))
    few = cut[:HEAD_ROWS] if len(cut) > HEAD_ROWS and cut.rfind(b"\n", 0, HEAD_ROWS) > HEAD_ROWS // 4 else cut
    cut = few if few is cut else few[: few.rfind(b"\n") + 1]
    found = scan(np.frombuffer(cut, dtype=np.uint8), ord(dialect.delimiter), 0)
    skip = 1 if dialect.sep_line else 0
    texts = [cut[found.begin[i] : found.end[i]] for i in range(min(found.n, 200))]
    rows = [split_row(text.decode("utf-8", errors="replace"), dialect.delimiter) for text in texts]
    at = find_header(rows, skip)
    if at is None:
        raise _no_header(source, rows[skip:], int(found.line[skip]) if found.n > skip else 1)
    try:
        texts[at].decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{source.name}: line {found.line[at]}: the header is not UTF-8; name its `encoding:` in the recon file"
        raise UnreadableFile(msg) from error
    return _head_at(source, found, rows, at, skip, dialect.delimiter)


def _no_header(source: _Source, rows: list[list[str]], line: int) -> UnreadableFile:
    if not rows or max(map(len, rows)) < 2:
        return UnreadableFile(
            f"{source.name}: no table found: expected a header and columns separated by comma, semicolon, tab or |"
        )
    shown = ", ".join(cell.strip()[:30] for cell in rows[0][:4])
    return UnreadableFile(
        f"{source.name}: line {line}: no header line found (the first row is {shown!r}); "
        "put the column names above the rows"
    )


def _head_at(source: _Source, found: Scan, rows: list[list[str]], at: int, skip: int, delimiter: str) -> _Head:
    headers = under_groups(rows[at - 1] if at > skip else [], rows[at])
    if len(headers) > MAX_COLUMNS:
        msg = f"{source.name}: {len(headers):,} columns; at most {MAX_COLUMNS:,} can be read"
        raise UnreadableFile(msg)
    widths = np.array([len(row) for row in rows[at + 1 :]], dtype=np.int64)
    usual = int(np.bincount(widths).argmax()) if widths.size else 0
    trailing = usual > len(headers) and all(
        not "".join(row[len(headers) :]).strip() for row in rows[at + 1 :] if len(row) == usual
    )
    body = int(found.begin[at + 1]) if at + 1 < found.n else int(found.end[at])
    line = int(found.line[at + 1]) if at + 1 < found.n else int(found.line[at]) + 1
    findings = []
    if at > skip:
        first, last = int(found.line[skip]), int(found.line[at]) - 1
        lines = f"line {first}" if first == last else f"lines {first} to {last}"
        findings.append(_info("title_rows", "rows above the header", f"{source.name}: {lines}", "left out"))
    return _Head(
        headers,
        delimiter,
        at,
        source.offset + body,
        line,
        usual if trailing else len(headers),
        first=at == 0 and int(found.line[0]) == 1 and line == 2 and not trailing,
        findings=tuple(findings),
    )


def _by_duckdb(source: _Source, head: _Head, data: Bytes, connection: duckdb.DuckDBPyConnection) -> RawTable | None:
    """The whole file by DuckDB, or None when a row is not clean or spans lines."""
    marks, newlines, longest = marks_of(data, source.offset, CHUNK)
    let_go(data)
    if longest > MAX_ROW:  # DuckDB would hold every field of it: 3 GB for 80 MB of commas
        return None
    if newlines == 0 or _returns(source, data) not in (0, newlines):
        return None
    n = newlines - 1 + (data[-1] != NEWLINE)
    file = CleanFile(source.path, head.delimiter, len(head.headers), 1, data, marks, n, connection)
    found = read_clean(file, head.headers, n) if data.size >= LARGE else _whole(file, n)
    if found is None:
        return None
    numbers = np.arange(1, n + 1, dtype=np.int64)
    return RawTable(
        source.name, head.headers, found[0], numbers + 1, numbers, None, (), (), counted=found[1], again=file
    )


def _returns(source: _Source, data: Bytes) -> int:
    """How many carriage returns stand before a line feed; most files have none, which is seen at once."""
    if not _has(source.path, b"\r"):
        return 0
    returns = 0
    for start in range(0, data.size, CHUNK):
        chunk = data[start : start + CHUNK + 1]
        at = np.flatnonzero(chunk[:CHUNK] == RETURN)
        if at.size:
            at = at[at + 1 < chunk.size]
            returns += int(np.count_nonzero(chunk[at + 1] == NEWLINE))
    return returns


def _whole(file: CleanFile, n: int) -> tuple[pa.Table, dict[int, Counted]] | None:
    """Every column as text."""
    columns = _parse(file)
    return None if columns is None or len(columns[0]) != n else (text_table(columns), {})


def _parse(file: CleanFile) -> list[pa.ChunkedArray] | None:
    try:
        return file.columns(range(file.width))
    except duckdb.Error as error:
        raise_interrupt(error)
        return None


@dataclass
class _Plan:
    """What becomes of each scanned row."""

    keep: npt.NDArray[np.bool_]
    fixed: dict[int, bytes] = field(default_factory=dict)
    """Rows to be written anew."""
    rejects: dict[int, str] = field(default_factory=dict)
    width: npt.NDArray[np.int32] | None = None
    findings: list[ImportFinding] = field(default_factory=list)


def _by_scanner(
    source: _Source, head: _Head, data: Bytes, connection: duckdb.DuckDBPyConnection, work: Path
) -> RawTable:
    rows = scan(data, ord(head.delimiter), head.width, head.body, head.line, MAX_BROKEN)
    if rows.broken > MAX_BROKEN:
        raise _too_broken(source, head, rows)
    plan = _plan(source, head, data, rows)
    columns = _parse_kept(head, data, rows, plan, connection, work)
    kept = np.flatnonzero(plan.keep)
    rejects = tuple(
        RawReject(int(rows.line[i]), i + 1, why, _text(data, rows, i)) for i, why in sorted(plan.rejects.items())
    )
    return RawTable(
        source.name,
        head.headers,
        text_table(columns[: len(head.headers)]),
        rows.line[kept],
        kept.astype(np.int64) + 1,
        None if plan.width is None else plan.width[kept],
        rejects,
        tuple(plan.findings),
    )


def _too_broken(source: _Source, head: _Head, rows: Scan) -> UnreadableFile:
    broken = (rows.flag != CLEAN) | (rows.fields > head.width) | (2 * rows.fields < head.width)
    first = int(rows.line[int(broken.argmax())])
    return UnreadableFile(
        f"{source.name}: line {first} and more than {MAX_BROKEN:,} rows in all have a stray quote or do not fit the "
        f"{len(head.headers)} columns of the header; this is no one table: export it anew, or split the file"
    )


def _text(data: Bytes, rows: Scan, i: int) -> str:
    return bytes(data[rows.begin[i] : min(rows.end[i], rows.begin[i] + MAX_REJECT_TEXT)]).decode(
        "utf-8", errors="backslashreplace"
    )


def _plan(source: _Source, head: _Head, data: Bytes, rows: Scan) -> _Plan:
    plan = _Plan(np.ones(rows.n, dtype=np.bool_))
    for i in map(int, np.flatnonzero(rows.end - rows.begin > MAX_ROW)):
        plan.rejects[i] = f"the row is {rows.end[i] - rows.begin[i]:,} bytes long; at most {MAX_ROW:,} are read"
    _reject_bad_bytes(source, data, rows, plan)
    odd = (rows.flag != 0) | (rows.fields != head.width)
    short = 0
    for i in map(int, np.flatnonzero(odd)):
        if i not in plan.rejects:
            short += _mend(head, data, rows, i, plan)
    for i in plan.rejects:
        plan.keep[i] = False
    if short:
        plan.width = rows.fields
    _say(source, head, rows, plan, short)
    return plan


def _say(source: _Source, head: _Head, rows: Scan, plan: _Plan, short: int) -> None:
    if head.width > len(head.headers):
        what = f"rows of {head.width} fields under {len(head.headers)} headers"
        plan.findings.append(_info("extra_delimiters", what, source.name, "the empty fields were left out"))
    if short:
        first = next(i for i in range(rows.n) if rows.fields[i] < len(head.headers) and plan.keep[i])
        plan.findings.append(
            ImportFinding(
                "short_rows",
                "warning",
                f"rows of fewer fields than the {len(head.headers)} headers",
                f"{source.name}: line {rows.line[first]}",
                "the missing last fields are blank; without a date, key or amount the row is a reject",
                short,
            )
        )
    broken = int(((rows.flag == UNCLOSED) & plan.keep).sum())
    if broken:
        first = int(np.flatnonzero((rows.flag == UNCLOSED) & plan.keep)[0])
        where = f"{source.name}: line {rows.line[first]}"
        plan.findings.append(
            ImportFinding("stray_quote", "warning", "a quote that never closes", where, "read as a letter", broken)
        )


def _reject_bad_bytes(source: _Source, data: Bytes, rows: Scan, plan: _Plan) -> None:
    bad = _bad_offsets(source, data, rows)
    if not bad:
        return
    for i, value in bad.items():
        plan.rejects[i] = f"byte 0x{value:02X} is not valid UTF-8"
    first = min(bad)
    guess = _guess(data, rows, first)
    plan.findings.append(
        ImportFinding(
            "invalid_utf8",
            "error",
            f"bytes that are not UTF-8 (the first is 0x{bad[first]:02X})",
            f"{source.name}: line {rows.line[first]}",
            "these rows are rejects",
            len(bad),
            remedy=f"encoding: {guess}",
        )
    )


def _bad_offsets(source: _Source, data: Bytes, rows: Scan) -> dict[int, int]:
    """Rows that hold bytes which are no UTF-8, with the first such byte."""
    bad: dict[int, int] = {}
    first = 0
    while first < rows.n:
        last = int(np.searchsorted(rows.begin, rows.begin[first] + CHUNK, side="right"))
        last = max(last, first + 1)
        begin, end = int(rows.begin[first]), int(rows.end[last - 1])
        try:
            data[begin:end].tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            row = int(np.searchsorted(rows.begin, begin + error.start, side="right")) - 1
            bad[row] = int(data[begin + error.start])
            if len(bad) > MAX_BAD_BYTES:
                msg = (
                    f"{source.name}: line {rows.line[min(bad)]}: byte 0x{bad[min(bad)]:02X} is not UTF-8, and so on "
                    f"in more than {MAX_BAD_BYTES:,} rows; name the file's `encoding:` in the recon file"
                )
                raise UnreadableFile(msg) from error
            first = row + 1
        else:
            first = last
    return bad


def _guess(data: Bytes, rows: Scan, i: int) -> str:
    raw = bytes(data[rows.begin[i] : rows.end[i]])
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _mend(head: _Head, data: Bytes, rows: Scan, i: int, plan: _Plan) -> int:
    """Decides an odd row; 1 when it had fewer fields than headers and stays."""
    text = bytes(data[rows.begin[i] : rows.end[i]]).decode("utf-8")
    plain = '"' not in text
    fields = text.split(head.delimiter) if plain or rows.flag[i] == UNCLOSED else split_row(text, head.delimiter)
    count = len(fields)
    if not "".join(fields).strip():
        plan.rejects[i] = "the row is empty"
        return 0
    if count > len(head.headers) and "".join(fields[len(head.headers) :]).strip():
        plan.rejects[i] = f"{count} fields under {len(head.headers)} headers"
        return 0
    if rows.flag[i] == UNCLOSED and count != len(head.headers):
        plan.rejects[i] = f"a quote opens and never closes, and the line has {count} fields"
        return 0
    rows.fields[i] = count
    if rows.flag[i] in (QUIRKY, UNCLOSED) or count != head.width:
        padded = fields[: head.width] + [""] * (head.width - count)
        plan.fixed[i] = f"{head.delimiter.join(padded)}\n".encode() if plain else _line(padded, head.delimiter)
    return int(count < len(head.headers))


def _line(fields: list[str], delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(fields)
    return out.getvalue().encode("utf-8")


def _parse_kept(
    head: _Head, data: Bytes, rows: Scan, plan: _Plan, connection: duckdb.DuckDBPyConnection, work: Path
) -> list[pa.Array | pa.ChunkedArray]:
    kept = np.flatnonzero(plan.keep)
    if len(kept) == 0:
        return [pa.array([], type=pa.string())] * head.width
    target = work / "clean.csv"
    _write_clean(target, head, data, rows, plan, kept)
    nothing = np.zeros(0, np.int64)
    columns = _parse(CleanFile(target, head.delimiter, head.width, 0, data, nothing, len(kept), connection))
    if columns is None or len(columns[0]) != len(kept):
        columns = _parse_slowly(head, data, rows, plan, kept)
    return columns


def _write_clean(target: Path, head: _Head, data: Bytes, rows: Scan, plan: _Plan, kept: npt.NDArray[np.int64]) -> None:
    """The kept rows one to a line; long runs of clean neighbours are copied as they are."""
    odd = np.zeros(rows.n, dtype=np.bool_)
    odd[list(plan.fixed)] = True
    breaks = np.flatnonzero((np.diff(kept) > 1) | odd[kept[1:]] | odd[kept[:-1]]) + 1
    with target.open("wb") as out:
        for run in np.split(kept, breaks):
            first, last = int(run[0]), int(run[-1])
            if odd[first]:
                out.write(plan.fixed[first])
                continue
            _copy(out, data, rows, first, last)


def _copy(out: io.BufferedWriter, data: Bytes, rows: Scan, first: int, last: int) -> None:
    ends = data[np.minimum(rows.end[first : last + 1], data.size - 1)]
    after = data[np.minimum(rows.end[first : last + 1] + 1, data.size - 1)]
    lone = bool(((ends == 13) & (after != 10)).any())
    if lone:
        for i in range(first, last + 1):
            out.write(data[rows.begin[i] : rows.end[i]].tobytes() + b"\n")
        return
    begin, end = int(rows.begin[first]), int(rows.end[last])
    for start in range(begin, end, CHUNK):
        stop = min(start + CHUNK, end)
        if stop < end and data[stop - 1] == 13:
            stop -= 1
        out.write(data[start:stop].tobytes().replace(b"\r\n", b"\n"))
    out.write(b"\n")


def _parse_slowly(
    head: _Head, data: Bytes, rows: Scan, plan: _Plan, kept: npt.NDArray[np.int64]
) -> list[pa.Array | pa.ChunkedArray]:
    """Our own split of every row, where DuckDB would not read even the clean copy."""
    table: list[list[str]] = []
    for i in map(int, kept):
        raw = plan.fixed.get(i) or bytes(data[rows.begin[i] : rows.end[i]])
        fields = split_row(raw.decode("utf-8").removesuffix("\n"), head.delimiter)
        table.append((fields + [""] * head.width)[: head.width])
    return [pa.array(column, type=pa.string()) for column in zip(*table, strict=True)]


def _info(code: str, what: str, where: str, done: str, **more: Any) -> ImportFinding:
    return ImportFinding(code, "info", what, where, done, **more)
