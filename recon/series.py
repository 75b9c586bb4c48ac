"""One series as the screen, the chat and the tools read it: every known day of one key and one pair."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recon.rows import Pair


@dataclass(frozen=True)
class SeriesHistory:
    """All known points of one series, oldest first; arrays of equal length. Amounts are int64 units."""

    recon: str
    series_id: int
    key: dict[str, str]
    columns: dict[str, str]
    """Historical, categorical and currency columns of its newest row."""
    pair: Pair
    scale: int
    day: npt.NDArray[np.int32]
    stamp: npt.NDArray[np.int64] | None
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    left_missing: npt.NDArray[np.bool_]
    right_missing: npt.NDArray[np.bool_]
    diff: npt.NDArray[np.int64]
    is_break: npt.NDArray[np.bool_]
    comment: tuple[str, ...]

    def amount(self, units: int) -> Decimal:
        """Integer units as the exact decimal they stand for."""
        return Decimal(int(units)).scaleb(-self.scale)


class SeriesSource(Protocol):
    """Where series are read back from; the lake is one."""

    def series(self, recon: str, pair: str, series_id: int) -> SeriesHistory | None:
        """The series, or None when the reconciliation has none of this id."""
        ...
