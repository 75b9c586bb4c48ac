"""What reading yields: the readable rows in columns, the rejects, and what the import doctor found."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.money import currency_in

NO_DAY: Final = np.int32(-(2**31))
"""Stands in a day column where a row has no business date."""

NO_STAMP: Final = np.int64(-(2**63))

EPOCH: Final = date(1970, 1, 1)

PairKind = Literal["number", "text"]


@dataclass(frozen=True)
class Pair:
    """One compared pair of columns, by their headers in the file."""

    name: str
    """What an operator calls it: `Balance`, `Price`; unique within a reconciliation."""
    left: str
    right: str | None
    """None: the file has one value column and no second side; it is judged as a derived column."""
    derived: str | None
    """The file's own difference column, when it has one."""
    kind: PairKind
    sign: Literal[1, -1] = 1
    """1: difference = left - right; -1: right - left. Proved from the rows where the file has a derived column."""
    tolerance: str | None = None
    """The tolerance as decimal text, in the pair's unit; None where a column says it per row."""
    tolerance_column: str | None = None
    unit: Literal["money", "price", "quantity", "rate", "other"] = "money"
    left_mark: str | None = None
    right_mark: str | None = None
    """Columns that say debit or credit of each side's amounts: credits are negative."""
    mirrored: bool = False
    """One side's debit is the other's credit: the right side's amounts are turned round."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that the pair takes up."""
        named = (self.left, self.right, self.derived, self.tolerance_column, self.left_mark, self.right_mark)
        return tuple(name for name in named if name)

    @property
    def currency(self) -> str | None:
        """What its headers say that its money is in, whatever the row's own currency: `USD Equivalent`. Empty: one
        currency that they do not name, `Base Amount`; None: the row's own."""
        return currency_in(*filter(None, (self.left, self.right))) if self.unit == "money" else None


@dataclass(frozen=True)
class Layout:
    """Which column plays which role; headers as in the file. Tuples keep the file's order."""

    key: tuple[str, ...]
    pairs: tuple[Pair, ...]
    historical: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    """Other columns of few values: not keys, but a slice may be described by them."""
    date: str | None = None
    timestamp: str | None = None
    status: str | None = None
    comment: tuple[str, ...] = ()
    label: str | None = None
    currency: str | None = None
    left_source: str = "left"
    right_source: str = "right"
    assumed: tuple[str, ...] = ()
    """One sentence for each role that was inferred, with how to overrule it."""


@dataclass(frozen=True)
class ImportFinding:
    """One oddity of a file: what, where, and what was done about it."""

    code: str
    """Stable and short: `mixed_dates`, `doubled_header`, `status_contradicts_tolerance`."""
    severity: Literal["info", "warning", "error"]
    what: str
    where: str
    """File and line or column, as an operator would find it."""
    done: str
    count: int = 1
    remedy: str = ""
    """What the recon file can say so that this is decided once; empty when there is nothing to decide."""

    def sentence(self) -> str:
        """What, how often, where, what was done about it and how it is settled for good."""
        times = f" ({self.count:,} times)" if self.count > 1 else ""
        remedy = f"; to settle it, write `{self.remedy}` in the recon file" if self.remedy else ""
        return f"{self.what}{times}, {self.where}: {self.done}{remedy}"


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, kept with its own text."""

    file: str
    line: int
    """1-based physical line of the file at which the row begins."""
    row: int
    """1-based data row (the header is row 0)."""
    why: str
    text: str


PRESENT: Final = np.uint8(0)
BLANK: Final = np.uint8(1)
"""The cell is empty, NULL or a dash."""
ABSENT: Final = np.uint8(2)
"""The whole side is not there: its dates are null dates such as 01-01-1900, or its columns are all blank."""
BAD: Final = np.uint8(3)
"""The cell holds something that is no number; the row is a reject when a criteria cell is."""


@dataclass(frozen=True)
class PairColumns:
    """One pair's values for every readable row, in input order. Integer units: value * 10**scale."""

    pair: Pair
    scale: int
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    """For a text pair: codes into one shared vocabulary; scale 0."""
    left_state: npt.NDArray[np.uint8]
    right_state: npt.NDArray[np.uint8]
    """PRESENT, BLANK or ABSENT."""
    derived: npt.NDArray[np.int64] | None
    """The file's own difference in the same units; int64 minimum where blank. Never trusted blindly."""
    tolerance: npt.NDArray[np.int64]
    """Per row, same units. Always >= 0."""
    vocabulary: pa.Array | None = None
    """For a text pair: what the codes of `left` and `right` stand for; the same for history and current."""


@dataclass(frozen=True)
class Codes:
    """A text column as codes: `vocabulary[codes[i]]` is row i's text, normalised (NFC, trimmed)."""

    codes: npt.NDArray[np.int32]
    vocabulary: pa.Array


@dataclass(frozen=True)
class Rows:
    """The readable rows of one reading (current or history), columnar and in input order.

    Every array has length `n`. `text` holds the file's own columns exactly as they were read, for output; a history
    has none, and its `line` and `row` are 0.
    """

    n: int
    files: tuple[str, ...]
    file: npt.NDArray[np.int16]
    line: npt.NDArray[np.int64]
    """Physical line at which the row begins (1-based; the header is usually line 1)."""
    row: npt.NDArray[np.int64]
    """1-based data row over all files of the reading, rejects counted: `tieout_row`."""
    day: npt.NDArray[np.int32]
    """Business date as days since 1970-01-01, NO_DAY where there is none."""
    stamp: npt.NDArray[np.int64] | None
    """Microseconds since 1970-01-01 UTC where the file has times of day, else None."""
    text: pa.Table
    columns: dict[str, Codes]
    """The key, historical, categorical, currency and status columns by header."""
    pairs: tuple[PairColumns, ...]
    comment: pa.Array
    """The operators' prose with broken JSON peeled off; empty text where there is none."""


@dataclass(frozen=True)
class Reading:
    """Everything that came out of reading a set of files of one reconciliation."""

    layout: Layout
    rows: Rows
    rejects: tuple[Reject, ...]
    findings: tuple[ImportFinding, ...]
    rows_in: int
    """Data rows met: always `rows.n + len(rejects)`."""
    file_hashes: tuple[str, ...] = ()
    """SHA-256 of each file's bytes, in the order of `rows.files`."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What was decided once for the reading: date format, decimal sign, encoding, delimiter, sheet."""


def take(reading: Reading, keep: npt.NDArray[np.int64]) -> Reading:
    """The reading with only the rows at `keep`, in that order; rejects and findings stay as they are."""
    rows = reading.rows
    at = pa.array(keep)
    pairs = tuple(
        replace(
            p,
            left=p.left[keep],
            right=p.right[keep],
            left_state=p.left_state[keep],
            right_state=p.right_state[keep],
            derived=p.derived[keep] if p.derived is not None else None,
            tolerance=p.tolerance[keep],
        )
        for p in rows.pairs
    )
    kept = replace(
        rows,
        n=len(keep),
        file=rows.file[keep],
        line=rows.line[keep],
        row=rows.row[keep],
        day=rows.day[keep],
        stamp=rows.stamp[keep] if rows.stamp is not None else None,
        text=rows.text.take(at) if rows.text.num_columns else rows.text,
        columns={name: Codes(c.codes[keep], c.vocabulary) for name, c in rows.columns.items()},
        pairs=pairs,
        comment=rows.comment.take(at),
    )
    return replace(reading, rows=kept)
