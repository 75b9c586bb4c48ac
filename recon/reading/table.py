"""The raw table: one file's rows as text with their lines, before any column means anything."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.rows import ImportFinding

MAX_COLUMNS = 2_000
MAX_REJECT_TEXT = 2_000


@dataclass(frozen=True)
class RawReject:
    """A row that is no row of the table: broken quotes, the wrong number of fields, bytes that are no text."""

    line: int
    ordinal: int
    """1-based data row within its file."""
    why: str
    text: str


@dataclass(frozen=True)
class Counted:
    """A column of amounts in units of one scale; cells that are no plain amount keep their text."""

    scale: int
    units: npt.NDArray[np.int64]
    """0 where the cell is empty or odd."""
    blank: npt.NDArray[np.bool_]
    """Where the cell is empty text."""
    decimals: int
    """The most decimals that a plain cell is written with."""
    odd: npt.NDArray[np.int64]
    """Positions of the other cells, ascending: blanks by another name, exponents, more decimals than the scale."""
    texts: pa.Array
    """Their texts."""

    @property
    def largest(self) -> int:
        """The largest units without their sign."""
        return max(int(self.units.max(initial=0)), -int(self.units.min(initial=0)))

    def kept(self, keep: npt.NDArray[np.bool_]) -> "Counted":
        """Only the rows that `keep` marks."""
        mine = keep[self.odd]
        odd = (np.cumsum(keep) - 1)[self.odd[mine]]
        return replace(
            self, units=self.units[keep], blank=self.blank[keep], odd=odd, texts=self.texts.filter(pa.array(mine))
        )


class Again(Protocol):
    """Where the text of a counted column is, should anyone want it."""

    def columns(self, places: Sequence[int]) -> list[pa.ChunkedArray]:
        """Whole columns as text, all rows of the file."""
        ...

    def rows(self, positions: npt.NDArray[np.int64]) -> list[list[str]]:
        """The cells of a few rows of the file, counted from 0."""
        ...


@dataclass(frozen=True)
class RawTable:
    """The rows of one file (or of all like tables of one workbook) as text."""

    name: str
    headers: tuple[str, ...]
    """As in the file; one for each column of `text`."""
    text: pa.Table
    """Columns named `0`, `1`, ... of string or dictionary-coded string without nulls; null where `counted`."""
    line: npt.NDArray[np.int64]
    ordinal: npt.NDArray[np.int64]
    """1-based data row within the file, rejects counted."""
    width: npt.NDArray[np.int32] | None
    """How many fields a row really had, where some had fewer than there are headers."""
    rejects: tuple[RawReject, ...]
    findings: tuple[ImportFinding, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    """Of the file's bytes."""
    counted: Mapping[int, Counted] = field(default_factory=dict)
    """Columns that came as units, by place."""
    again: Again | None = None
    """Given where columns are counted; then row i of the file is `ordinal` i + 1."""

    @property
    def n(self) -> int:
        return len(self.line)

    @property
    def rows_in(self) -> int:
        return self.n + len(self.rejects)

    def column(self, i: int) -> pa.ChunkedArray:
        """A column's cells as text."""
        return self.columns([i])[0]

    def columns(self, places: Sequence[int]) -> list[pa.ChunkedArray]:
        """Columns as text; what was counted is read again, all in one pass."""
        counted = [i for i in places if i in self.counted]
        read = dict(zip(counted, self._again(counted), strict=True))
        return [read[i] if i in read else _decoded(self.text.column(i)) for i in places]

    def _again(self, places: Sequence[int]) -> list[pa.ChunkedArray]:
        if not places or self.again is None:
            return []
        whole = self.again.columns(places)
        if len(whole[0]) == self.n:
            return whole
        keep = pa.array(self.ordinal - 1)
        return [column.take(keep) for column in whole]

    def few(self, rows: npt.NDArray[np.int64]) -> list[list[str]]:
        """The cells of a few ascending rows, column by column."""
        counted = self.again.rows(self.ordinal[rows] - 1) if self.again is not None and self.counted else []
        return [
            [cells[i] for cells in counted] if i in self.counted else _few(self.text.column(i), rows)
            for i in range(len(self.headers))
        ]

    def kept(self, keep: npt.NDArray[np.bool_]) -> "RawTable":
        """Only the rows that `keep` marks."""
        return replace(
            self,
            text=self.text.filter(pa.array(keep)),
            line=self.line[keep],
            ordinal=self.ordinal[keep],
            width=self.width[keep] if self.width is not None else None,
            counted={i: column.kept(keep) for i, column in self.counted.items()},
        )


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _few(column: pa.ChunkedArray, rows: npt.NDArray[np.int64]) -> list[str]:
    """Cells chunk by chunk: taking from all chunks at once would join them first."""
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    cells: list[str] = []
    for i, chunk in enumerate(column.chunks):
        begin = ends[i] - len(chunk)
        mine = rows[(rows >= begin) & (rows < ends[i])] - begin
        if len(mine):
            cells += chunk.take(pa.array(mine)).to_pylist()
    return cells


def row_text(cells: Sequence[str]) -> str:
    """A rejected row's own text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()[:MAX_REJECT_TEXT]


def text_table(columns: list[pa.Array | pa.ChunkedArray]) -> pa.Table:
    """Columns under their positions as names."""
    return pa.table(dict(zip(map(str, range(len(columns))), columns, strict=True)))
