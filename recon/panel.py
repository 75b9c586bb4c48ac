"""The panel: one criteria pair of every row, history and current together, sorted into series."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.rows import Codes, Pair


@dataclass(frozen=True)
class Panel:
    """All rows of one criteria pair, sorted by series and, within a series, by time.

    `n` rows in `s` series. Series i is the half-open range `offsets[i]:offsets[i + 1]`, oldest first; rows of
    equal time keep a fixed order that depends on their content only. Amounts are int64 units: value * 10**scale.
    """

    pair: Pair
    scale: int
    offsets: npt.NDArray[np.int64]
    """Length s + 1."""
    series_id: npt.NDArray[np.uint64]
    """Length s: a stable hash of the key's text, equal over runs, files, engines and machines."""
    day: npt.NDArray[np.int32]
    stamp: npt.NDArray[np.int64] | None
    current: npt.NDArray[np.bool_]
    """True for the rows to be judged; they follow their own past."""
    source: npt.NDArray[np.int64]
    """Position of the row in the current reading's Rows where `current`, else in the history's Rows."""
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    """Zero where the side is missing."""
    left_missing: npt.NDArray[np.bool_]
    right_missing: npt.NDArray[np.bool_]
    """Blank, null-dated, absent, or exactly zero where the side's own past never was."""
    diff: npt.NDArray[np.int64]
    """The signed difference by the pair's sign, the missing side counted as zero. For a text pair 0 or 1."""
    tolerance: npt.NDArray[np.int64]
    is_break: npt.NDArray[np.bool_]
    """Outside tolerance, or one-sided."""
    excluded: npt.NDArray[np.bool_]
    """Past rows that stay out of baselines: already out of pattern and not resolved."""
    columns: dict[str, Codes]
    """Per row, in the panel's order: key, historical, categorical, currency columns by header."""
    groups: npt.NDArray[np.int32]
    """Shape (g, s): codes of the ever coarser groups that a series may borrow from, finest first.
    The last is all zeros: the whole reconciliation. -1: the series is in no such group."""
    group_names: tuple[str, ...]
    """Length g: what each level is called (`Account`, `Currency`, `all`)."""
    key_columns: tuple[str, ...] = ()
    """The headers that make a series' key, in order; each is in `columns`."""
    words: pa.Array | None = None
    """Of a text pair the values that its sides are numbered by; a value of the past alone has another number."""
    rows_a_day: float | None = None
    """Moments of a day over all series of the run, 0 without times of day; None: by this panel's own stamps."""

    @property
    def n(self) -> int:
        return len(self.diff)

    @property
    def s(self) -> int:
        return len(self.offsets) - 1

    def values(self) -> npt.NDArray[np.float64]:
        """The differences in the pair's own unit as float64: for statistics only, never written back."""
        return np.asarray(self.diff / 10.0**self.scale, dtype=np.float64)

    def series_of_rows(self) -> npt.NDArray[np.int64]:
        """Length n: the series index of each row."""
        return np.repeat(np.arange(self.s), np.diff(self.offsets))

    def series_at(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The series index of these rows."""
        return np.asarray(np.searchsorted(self.offsets, rows, side="right") - 1, dtype=np.int64)


@dataclass(frozen=True)
class KeyNames:
    """The key columns of each series as text, for output: `values.column(i)[s]`."""

    columns: tuple[str, ...]
    values: pa.Table
