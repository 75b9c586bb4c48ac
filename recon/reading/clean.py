"""A large clean file in one pass of DuckDB: texts as codes, plain amounts as integer units, never the whole text.

What profiles of 1 and 4 million rows (67 and 270 MB) showed, and what came of it: a bare load costs about 0.95 s of
processor time a million rows; fetching every cell as text costs as much, and casting amounts and hashing texts
afterwards the same again. Casting inside the parse is nearly free, for an amount's text then never leaves DuckDB.
How a column is carried is chosen from the file's head and decides nothing else: whatever is no plain amount keeps its
text, and a column wanted in another shape is read again.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.money import MAX_DIGITS, is_blank
from recon.reading.scan import NEWLINE, split_row
from recon.reading.table import Counted
from recon.reading.words import MEASURE, tokens

BATCH: Final = 1_000_000
"""Rows that are fetched at once; each batch's distinct texts are looked up once among all."""
TAKERS: Final = 2
"""Columns that take their part of a batch at once: more would only stand in the way of the parse."""
MARK_EVERY: Final = 256
"""Lines between two remembered offsets, from which single rows are found again."""
MOST_ODD: Final = 0.1
"""Share of cells that are no plain amounts from which a column is better read as text."""
MAX_ROW: Final = 4_000_000
"""Bytes of one row; a longer one is a reject."""
NO_NULL: Final = "\x01~\x02"
"""A spelling of NULL that no file has: empty cells stay empty text."""
_HEAD: Final = 256 * 1024
_PLAIN: Final = re.compile(r"[+-]?\d+(?:\.(\d*))?", re.ASCII)
_LEAST_SCALE, _MOST_SCALE = 2, 8

Shape = Literal["coded", "counted", "text"]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class CleanFile:
    """A file whose every line is one row of the same number of fields, as DuckDB reads it."""

    path: Path
    delimiter: str
    width: int
    skip: int
    """Lines above the first row."""
    data: Bytes
    marks: npt.NDArray[np.int64]
    """Offset of the first byte of every MARK_EVERY-th line."""
    lines: int
    connection: duckdb.DuckDBPyConnection

    def source(self) -> tuple[str, list[Any]]:
        """DuckDB's reader of the file, columns `c0`, `c1`, ..., all text, and its parameters."""
        names = {f"c{i}": "VARCHAR" for i in range(self.width)}
        sql = (
            "read_csv(?, header = false, skip = ?, auto_detect = false, columns = ?, delim = ?,"
            " quote = '\"', escape = '\"', nullstr = ?, strict_mode = true, max_line_size = ?)"
        )
        return sql, [str(self.path), self.skip, names, self.delimiter, NO_NULL, MAX_ROW]

    def columns(self, places: Sequence[int]) -> list[pa.ChunkedArray]:
        """Whole columns as text, in one pass. Raises duckdb.Error where a row is not clean."""
        sql, params = self.source()
        wanted = ", ".join(f"c{i}" for i in places)
        found = self.connection.sql(f"SELECT {wanted} FROM {sql}", params=params).to_arrow_table()  # noqa: S608
        return [pc.fill_null(column, "") if column.null_count else column for column in found.columns]

    def rows(self, positions: npt.NDArray[np.int64]) -> list[list[str]]:
        """The cells of a few rows, found by their lines."""
        found = []
        blocks: dict[int, list[bytes]] = {}
        for line in (positions + self.skip).tolist():
            block, within = divmod(line, MARK_EVERY)
            if block not in blocks:
                stop = int(self.marks[block + 1]) if block + 1 < len(self.marks) else self.data.size
                blocks = {block: self.data[int(self.marks[block]) : stop].tobytes().split(b"\n")}
            found.append(split_row(blocks[block][within].rstrip(b"\r").decode("utf-8"), self.delimiter))
        let_go(self.data)
        return found


def let_go(data: Bytes) -> None:
    """Gives the pages of a mapped file back: until then they are counted as this process's memory, all of the file."""
    mapped = getattr(data.base, "_mmap", None)
    if mapped is not None and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def marks_of(data: Bytes, begin: int, chunk: int) -> tuple[npt.NDArray[np.int64], int, int]:
    """Offset of every MARK_EVERY-th line from `begin` on, how many line feeds, and the longest line's bytes."""
    marks = [np.array([begin], np.int64)]
    seen, longest, last = 0, 0, begin - 1
    for start in range(begin, data.size, chunk):
        ends = np.flatnonzero(data[start : start + chunk] == NEWLINE)
        first = MARK_EVERY - 1 - seen % MARK_EVERY
        marks.append(start + ends[first::MARK_EVERY] + 1)
        seen += len(ends)
        if len(ends):
            longest = max(longest, start + int(ends[0]) - last - 1, int(np.diff(ends).max(initial=1)) - 1)
            last = start + int(ends[-1])
    return np.concatenate(marks), seen, max(longest, data.size - last - 1)


def read_clean(file: CleanFile, headers: Sequence[str], n: int) -> tuple[pa.Table, dict[int, Counted]] | None:
    """The columns of a file of `n` rows, coded or as text, and those that are counted (null in the table).

    None when a row is not clean after all, or there are more or fewer rows than lines.
    """
    shapes = _shapes(file, headers)
    sql, params = file.source()
    file.connection.execute("SET arrow_output_version = '1.5'")
    at = 0
    columns = [_Coded(n) if s == "coded" else _Texts() if s == "text" else _Sums(n, scale) for s, scale in shapes]
    try:
        with _Takers(columns) as takers:
            for batch in _batches(file.connection.sql(_select(shapes, sql), params=params).to_arrow_reader(BATCH)):
                if at + batch.num_rows > n:
                    return None
                takers.take(at, batch)
                at += batch.num_rows
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise_interrupt(error)
        return None
    finally:
        file.connection.execute("RESET arrow_output_version")
    if at != n:
        return None
    counted = {i: column.result() for i, column in enumerate(columns) if isinstance(column, _Sums)}
    spoilt = [i for i, column in counted.items() if len(column.odd) > MOST_ODD * n]
    found: dict[str, Any] = {}
    for i, column in enumerate(columns):
        found[str(i)] = pa.nulls(n) if isinstance(column, _Sums) else column.result()
    if spoilt:
        for i, text in zip(spoilt, file.columns(spoilt), strict=True):
            found[str(i)] = text
            del counted[i]
    return pa.table(found), counted


def raise_interrupt(error: Exception) -> None:
    """DuckDB answers Ctrl-C with an error of its own, which must not pass for a row that is not clean."""
    if isinstance(error, duckdb.InterruptException) or "nterrupt" in str(error):
        raise KeyboardInterrupt from error


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in tables of about BATCH: DuckDB's own batches are smaller, and each costs a look at all words."""
    parts: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        parts.append(batch)
        rows += batch.num_rows
        if rows >= BATCH:
            yield pa.Table.from_batches(parts)
            parts, rows = [], 0
    if parts:
        yield pa.Table.from_batches(parts)


def _shapes(file: CleanFile, headers: Sequence[str]) -> list[tuple[Shape, int]]:
    """How each column is carried, and the scale of those that are counted."""
    lines = min(file.lines, 200)
    head = file.data[int(file.marks[0]) : int(file.marks[0]) + _HEAD].tobytes().split(b"\n")[file.skip :][:lines]
    rows = [split_row(line.rstrip(b"\r").decode("utf-8", "replace"), file.delimiter) for line in head[:-1]]
    rows = [row for row in rows if len(row) == file.width]
    return [_shape(headers[i], [row[i] for row in rows]) for i in range(file.width)]


def _shape(header: str, cells: Sequence[str]) -> tuple[Shape, int]:
    filled = [cell for cell in cells if not is_blank(cell)]
    plain = [found for found in map(_PLAIN.fullmatch, filled) if found is not None]
    marked = sum("." in cell or "," in cell for cell in filled if any(c.isdigit() for c in cell))
    measured = marked > 0 or any(word in MEASURE for word in tokens(header))
    if not filled or not measured:
        return "coded", 0
    if len(plain) < 0.9 * len(filled):
        return ("text" if 2 * marked > len(filled) else "coded"), 0
    scale = max(_LEAST_SCALE, *(len(found[1] or "") for found in plain))
    return ("counted", scale) if scale <= _MOST_SCALE else ("text", 0)


def _select(shapes: Sequence[tuple[Shape, int]], source: str) -> str:
    inner, outer = [], []
    for i, (shape, scale) in enumerate(shapes):
        inner.append(f"c{i}")
        if shape != "counted":
            outer.append(f"c{i}")
            continue
        inner.append(f"TRY_CAST(c{i} AS DECIMAL({MAX_DIGITS}, {scale})) AS u{i}")
        places = f"CASE WHEN contains(c{i}, '.') THEN least(strlen(c{i}) - strpos(c{i}, '.'), 200) ELSE 0 END"
        inner.append(f"CAST({places} AS UTINYINT) AS d{i}")
        odd = f"u{i} IS NULL OR d{i} > {scale} OR contains(c{i}, 'e') OR contains(c{i}, 'E')"
        outer += [f"u{i}", f"d{i}", f"CASE WHEN ({odd}) AND c{i} <> '' THEN c{i} END AS t{i}"]
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source})"  # noqa: S608


class _Column(Protocol):
    """A column while its batches come."""

    def take(self, at: int, i: int, batch: pa.Table) -> None:
        """The batch's cells of column `i`; its first row is row `at` of the file."""
        ...


class _Takers:
    """Takes a batch into its columns, side by side, while DuckDB parses the next."""

    def __init__(self, columns: Sequence[_Column]) -> None:
        self._columns = columns
        self._pool = ThreadPoolExecutor(TAKERS)
        self._busy: list[Future[None]] = []

    def take(self, at: int, batch: pa.Table) -> None:
        self._wait()
        self._busy = [self._pool.submit(column.take, at, i, batch) for i, column in enumerate(self._columns)]

    def _wait(self) -> None:
        for one in self._busy:
            one.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown(cancel_futures=True)


class _Texts:
    """A column carried as it is."""

    def __init__(self) -> None:
        self._chunks: list[pa.Array] = []

    def take(self, _at: int, i: int, batch: pa.Table) -> None:
        self._chunks += pc.fill_null(batch.column(f"c{i}"), "").chunks

    def result(self) -> pa.ChunkedArray:
        return pa.chunked_array(self._chunks, pa.string())


class _Coded:
    """A column carried as codes into its distinct texts, in order of first appearance."""

    def __init__(self, n: int) -> None:
        self._codes = np.empty(n, np.int32)
        self._words = pa.array([], pa.string())

    def take(self, at: int, i: int, batch: pa.Table) -> None:
        column = batch.column(f"c{i}")
        found = (column if not column.null_count else pc.fill_null(column, "")).dictionary_encode()
        place = self._places(found.chunk(0).dictionary)
        same = np.array_equal(place, np.arange(len(place)))
        for chunk in found.chunks:
            codes = chunk.indices if same else place.take(chunk.indices)
            self._codes[at : at + len(chunk)] = codes.to_numpy(zero_copy_only=False)
            at += len(chunk)

    def _places(self, words: pa.Array) -> pa.Array:
        """The code of each word, new ones added."""
        place = pc.index_in(words, self._words)
        if not place.null_count:
            return place
        new = place.is_null()
        fresh = np.cumsum(new.to_numpy(zero_copy_only=False)) - 1 + len(self._words)
        self._words = pa.concat_arrays([self._words, words.filter(new)])
        return pc.if_else(new, pa.array(fresh, pa.int32()), place)

    def result(self) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(self._codes), self._words)


class _Sums:
    """A column carried as units of one scale, with the text of whatever is no plain amount."""

    def __init__(self, n: int, scale: int) -> None:
        self._scale = scale
        self._units = np.empty(n, np.int64)
        self._blank = np.zeros(n, np.bool_)
        self._decimals = 0
        self._odd: list[npt.NDArray[np.int64]] = []
        self._texts: list[pa.Array] = []

    def take(self, at: int, i: int, batch: pa.Table) -> None:
        for units, places, texts in zip(*(batch.column(f"{kind}{i}").chunks for kind in "udt"), strict=True):
            self._take(at, units, places.to_numpy(zero_copy_only=False), texts)
            at += len(units)

    def _take(self, at: int, units: pa.Array, places: npt.NDArray[np.uint8], texts: pa.Array) -> None:
        m = len(units)
        here = self._units[at : at + m]
        here[:] = np.frombuffer(units.buffers()[1], np.int64)[units.offset : units.offset + m]
        if units.null_count:
            missing = units.is_null().to_numpy(zero_copy_only=False)
            here[missing] = 0
            self._blank[at : at + m] = missing
        if texts.null_count < m:
            odd = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
            here[odd] = 0
            self._blank[at + odd] = False
            self._odd.append(at + odd)
            self._texts.append(texts.drop_null())
            places = np.delete(places, odd)
        self._decimals = max(self._decimals, int(places.max(initial=0)))

    def result(self) -> Counted:
        odd = np.concatenate(self._odd) if self._odd else np.zeros(0, np.int64)
        texts = pa.concat_arrays(self._texts) if self._texts else pa.array([], pa.string())
        return Counted(self._scale, self._units, self._blank, self._decimals, odd, texts)
