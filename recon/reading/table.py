"""The raw table: one file's rows as text with their lines, before any column means anything."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
class RawTable:
    """The rows of one file (or of all like tables of one workbook) as text."""

    name: str
    headers: tuple[str, ...]
    """As in the file; one for each column of `text`."""
    text: pa.Table
    """String columns named `0`, `1`, ...; no nulls."""
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

    @property
    def n(self) -> int:
        return len(self.line)

    @property
    def rows_in(self) -> int:
        return self.n + len(self.rejects)


def row_text(cells: Sequence[str]) -> str:
    """A rejected row's own text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()[:MAX_REJECT_TEXT]


def text_table(columns: list[pa.Array | pa.ChunkedArray]) -> pa.Table:
    """Columns under their positions as names."""
    return pa.table(dict(zip(map(str, range(len(columns))), columns, strict=True)))
