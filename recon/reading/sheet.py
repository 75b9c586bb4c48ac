"""The sheets: the files of a reading under one set of headers, whatever each of them calls its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.fuzz import ratio

from recon.errors import UnreadableFile
from recon.money import is_blank
from recon.reading.codes import code_column, distinct_texts, join_codes
from recon.reading.columns import Column, sample_rows
from recon.reading.table import Counted, RawReject, RawTable, row_text
from recon.rows import Codes, ImportFinding
from recon.text import normalise, squash

NEAR = 84
"""Likeness (0 to 100) from which a header counts as a misspelling of another."""


@dataclass(frozen=True)
class Part:
    """One file's rows under the common headers."""

    table: RawTable
    names: tuple[str, ...]
    """The common name of each of the table's columns; empty for a column that is left out."""
    _codes: dict[str, Codes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def file(self) -> str:
        return self.table.name

    @property
    def n(self) -> int:
        return self.table.n

    def column(self, name: str) -> pa.ChunkedArray | None:
        """A column's cells as text; None when this file lacks it."""
        return self.table.column(self.names.index(name)) if name in self.names else None

    def columns(self, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Those of the named columns that this file has, as text."""
        here = [name for name in names if name in self.names]
        return dict(zip(here, self.table.columns([self.names.index(name) for name in here]), strict=True))

    def raw(self, name: str) -> pa.ChunkedArray | Counted | None:
        """A column as it was read: text, coded text, or amounts already counted; None when this file lacks it."""
        if name not in self.names:
            return None
        i = self.names.index(name)
        return self.table.counted.get(i, self.table.text.column(i))

    def codes(self, name: str) -> Codes | None:
        """A column's codes, made once; None when this file lacks it."""
        if name not in self._codes:
            column = self.raw(name)
            if column is None:
                return None
            if isinstance(column, Counted):
                column = self.table.column(self.names.index(name))
            self._codes[name] = code_column(column)
        return self._codes[name]

    def words(self, name: str) -> pa.Array:
        """The distinct texts of a column as they are written; none when this file lacks it."""
        column = self.raw(name)
        if column is None or isinstance(column, Counted):
            return pa.array([], pa.string())
        return distinct_texts(column)

    def kept(self, keep: npt.NDArray[np.bool_]) -> "Part":
        """The part with only the rows that `keep` marks."""
        if keep.all():
            return self
        codes = {name: Codes(known.codes[keep], known.vocabulary) for name, known in self._codes.items()}
        return Part(self.table.kept(keep), self.names, codes)


@dataclass(frozen=True)
class Sheet:
    """All files of one reading, current or history."""

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    """Common names of the columns that at least one part has, in order."""
    doubled: frozenset[str]
    """Names of columns that repeat another cell by cell."""
    findings: tuple[ImportFinding, ...]

    @property
    def n(self) -> int:
        return sum(part.n for part in self.parts)

    def text(self) -> pa.Table:
        """Every column of the sheet; empty text where a part lacks it."""
        cells = [dict(zip(part.names, part.table.columns(range(len(part.names))), strict=True)) for part in self.parts]
        return pa.table({name: self._joined([part.get(name) for part in cells]) for name in self.names})

    def column(self, name: str) -> pa.ChunkedArray:
        return self._joined([part.column(name) for part in self.parts])

    def _joined(self, columns: Sequence[pa.ChunkedArray | None]) -> pa.ChunkedArray:
        chunks: list[pa.Array] = []
        for part, found in zip(self.parts, columns, strict=True):
            if found is None:
                chunks.append(pa.repeat(pa.scalar("", type=pa.string()), part.n))
            else:
                chunks.extend(found.chunks if isinstance(found, pa.ChunkedArray) else [found])
        return pa.chunked_array(chunks, type=pa.string())

    def words(self, name: str) -> pa.Array:
        """The distinct texts of a column over all parts, as they are written."""
        found = [part.words(name) for part in self.parts]
        return found[0] if len(found) == 1 else pa.concat_arrays([pa.array([], pa.string()), *found]).unique()

    def codes(self, name: str) -> Codes:
        """A column's codes over all parts; one empty text where a part lacks it."""
        found = [part.codes(name) or Codes(np.zeros(part.n, dtype=np.int32), pa.array([""])) for part in self.parts]
        return join_codes(found)

    def sample(self) -> dict[str, list[str]]:
        """The same sampled rows of every column."""
        rows = sample_rows(self.n, len(self.names))
        cells: dict[str, list[str]] = {name: [] for name in self.names}
        begin = 0
        for part in self.parts:
            mine = rows[(rows >= begin) & (rows < begin + part.n)] - begin
            begin += part.n
            own = dict(zip(part.names, part.table.few(mine), strict=True))
            for name, column in cells.items():
                column += own.get(name, [""] * len(mine))
        return cells


def make_sheets(current: Sequence[RawTable], history: Sequence[RawTable], known: Sequence[str]) -> tuple[Sheet, Sheet]:
    """Gives all files the same names for the same columns; `known` are names already decided, if any."""
    common: list[str] = list(known)
    cleaned = [[_mend(table) for table in tables] for tables in (current, history)]
    sheets = []
    for group in cleaned:
        parts: list[Part] = []
        findings: list[ImportFinding] = []
        doubled: set[str] = set()
        for table, names, same, found in group:
            mapped, said = _match(table.name, names, common)
            common.extend(name for name in mapped if name and name not in common)
            doubled |= {mapped[i] for i in same}
            parts.append(Part(table, mapped))
            findings.extend((*table.findings, *found, *said))
        have = tuple(dict.fromkeys(name for part in parts for name in part.names if name))
        sheets.append(Sheet(tuple(parts), have, frozenset(doubled), tuple(findings)))
    return sheets[0], sheets[1]


def _mend(table: RawTable) -> tuple[RawTable, list[str], list[int], list[ImportFinding]]:
    """Names that are unique and printable; empty for columns that have neither a name nor a value."""
    names = [_printable(header) for header in table.headers]
    findings = []
    odd = [n for n, h in zip(names, table.headers, strict=True) if n != h and n != h.strip() and h.strip()]
    if odd:
        what = f"line breaks or invisible marks in the header {odd[0]!r}"
        done = "read without them; the name is quoted wherever it is written"
        findings.append(ImportFinding("header_marks", "warning", what, table.name, done, len(odd)))
    empty = 0
    for i, name in enumerate(names):
        if not normalise(name):
            blank = _is_empty(table, i)
            empty += blank
            names[i] = "" if blank else f"column {i + 1}"
    if empty:
        findings.append(
            ImportFinding("empty_columns", "info", "columns without name or value", table.name, "left out", empty)
        )
    same, doubled = _undouble(table, names)
    return table, names, same, findings + doubled


def _printable(header: str) -> str:
    """The header as in the file, unless it holds line breaks or marks that print nothing."""
    return header if header.isprintable() and normalise(header) == header.strip() else normalise(header)


def _is_empty(table: RawTable, i: int) -> bool:
    column = table.column(i)
    return table.n == 0 or pc.max(pc.utf8_length(pc.utf8_trim_whitespace(column))).as_py() == 0


def _undouble(table: RawTable, names: list[str]) -> tuple[list[int], list[ImportFinding]]:
    """Renames doubled headers in place where their values tell them apart; says which repeat another."""
    first: dict[str, int] = {}
    same: list[int] = []
    findings: list[ImportFinding] = []
    for i, name in enumerate(names):
        if not name:
            continue
        if squash(name) not in first or not squash(name):
            first.setdefault(squash(name), i)
            continue
        j = first[squash(name)]
        if name != names[j] and normalise(name) != normalise(names[j]):
            continue
        done = _told_apart(table, names, j, i)
        same.extend([i] if done.startswith("same") else [])
        where = f"{table.name}: columns {j + 1} and {i + 1}"
        findings.append(
            ImportFinding("doubled_header", "warning", f"the header {normalise(name)!r} stands twice", where, done)
        )
    return same, findings


def _told_apart(table: RawTable, names: list[str], first: int, second: int) -> str:
    a, b = table.columns([first, second])
    name = names[first]
    names[second] = f"{name} (2)"
    while names.count(names[second]) > 1:
        names[second] += "'"
    if a.equals(b):
        return f"same values: the second is kept as {names[second]!r} and not used"
    rows = pa.array(sample_rows(table.n, 10))
    kinds = [Column(name, 0, tuple(column.take(rows).to_pylist())).kind for column in (a, b)]
    if kinds[0] == kinds[1]:
        line = int(table.line[0]) if table.n else 2
        msg = (
            f"{table.name}: duplicate column {normalise(name)!r} (columns {first + 1} and {second + 1}) with different "
            f"values (line {line}: {a[0].as_py()!r} and {b[0].as_py()!r}); rename one of them in the file"
        )
        raise UnreadableFile(msg)
    return f"one holds {kinds[0]} and one {kinds[1]} values; the second is read as {names[second]!r}"


def _match(file: str, names: Sequence[str], common: Sequence[str]) -> tuple[tuple[str, ...], list[ImportFinding]]:
    """Each name's common name: equal letters first, then an unmistakable misspelling."""
    if not common:
        return tuple(names), []
    by_squash = {squash(name): name for name in reversed(common)}
    matched: dict[int, str] = {}
    for i, name in enumerate(names):
        found = name if name in common else by_squash.get(squash(name))
        if name and found and found not in matched.values():
            matched[i] = found
    variants = [f"{names[i].strip()!r} is {name.strip()!r}" for i, name in matched.items() if names[i] != name]
    near = _nearest(
        {i: name for i, name in enumerate(names) if name and i not in matched},
        [name for name in common if name not in matched.values()],
    )
    variants += [f"{names[i].strip()!r} is taken for {name.strip()!r}" for i, name in near.items()]
    matched |= near
    mapped = tuple(matched.get(i, name) for i, name in enumerate(names))
    if not variants:
        return mapped, []
    what = "headers spelt differently: " + ", ".join(variants[:8])
    return mapped, [ImportFinding("header_variant", "info", what, file, "read as the same columns", len(variants))]


def _nearest(names: dict[int, str], common: Sequence[str]) -> dict[int, str]:
    pool = {name: squash(name) for name in common if len(squash(name)) >= 4}
    found: dict[int, str] = {}
    for i, name in names.items():
        word = squash(name)
        if len(word) < 4 or not pool:
            continue
        best = process.extractOne(word, pool, scorer=ratio, score_cutoff=NEAR)
        if best is not None and _digits(word) == _digits(best[0]):
            found[i] = best[2]
            del pool[best[2]]
    return found


def _digits(word: str) -> str:
    return "".join(letter for letter in word if letter.isdigit())


def without(sheet: Sheet, keep: Sequence[npt.NDArray[np.bool_]]) -> Sheet:
    """The sheet with only the rows that `keep` marks, part by part."""
    return replace(sheet, parts=tuple(part.kept(mask) for part, mask in zip(sheet.parts, keep, strict=True)))


_TOTALS = frozenset(
    {*("total", "totals", "grandtotal", "subtotal", "sum", "sums", "summe", "gesamt", "eof", "trailer", "trl")}
)
_FOOTERS = (
    *("endofreport", "endoffile", "totalrecords", "recordcount", "rowcount", "totalrows", "totalfor"),
    *("numberofrecords", "generatedon", "generatedby"),
)


def is_total(text: str) -> bool:
    """True for the first cell of a footer row: `Total`, `Grand total:`, `Sum`, `End of report`.

    >>> is_total("Grand Total:"), is_total("TOTAL RETURN FUND")
    (True, False)
    """
    word = squash(text)
    return word in _TOTALS or word.startswith(_FOOTERS)


def without_footers(sheet: Sheet) -> Sheet:
    """The sheet with total lines and repeated headers among the rejects."""
    return replace(sheet, parts=tuple(map(_without_footers, sheet.parts)))


def _without_footers(part: Part) -> Part:
    table = part.table
    if not table.n:
        return part
    first = part.codes(part.names[0]) or code_column(table.column(0))
    words = first.vocabulary.to_pylist()
    head = normalise(table.headers[0])
    hits = [i for i, word in enumerate(words) if is_total(word) or (word and word == head)]
    why = {row: reason for row in _rows_of(first.codes, hits) if (reason := _footer(table, row))}
    if not why:
        return part
    keep = np.ones(table.n, dtype=np.bool_)
    keep[list(why)] = False
    rejects = [
        RawReject(int(table.line[row]), int(table.ordinal[row]), reason, row_text(_cells(table, row)))
        for row, reason in why.items()
    ]
    smaller = part.kept(keep)
    return replace(smaller, table=replace(smaller.table, rejects=(*table.rejects, *rejects)))


def _rows_of(codes: npt.NDArray[np.int32], hits: list[int]) -> list[int]:
    return list(map(int, np.flatnonzero(np.isin(codes, hits)))) if hits else []


def _cells(table: RawTable, row: int) -> list[str]:
    return [cells[0] for cells in table.few(np.array([row]))]


def _footer(table: RawTable, row: int) -> str:
    """Why the row is no row; empty when it is one after all."""
    cells = [normalise(cell) for cell in _cells(table, row)]
    same = sum(cell == normalise(header) for cell, header in zip(cells, table.headers, strict=True))
    if same >= 0.8 * len(cells):
        return "the header again"
    blank = sum(is_blank(cell) for cell in cells) >= 0.25 * len(cells)
    return "a total or footer line, not a row" if is_total(cells[0]) and blank else ""
