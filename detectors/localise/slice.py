"""A slice: the column values that a group of deviating rows shares, and how well they explain it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Slice:
    """One cause's place in the lattice of column values."""

    parts: dict[str, int]
    """Column -> code, the columns in the order they were given; without any it is the whole day."""
    rows: npt.NDArray[np.int64]
    """Positions of all rows inside, ascending, whether they deviate or not."""
    deviating: npt.NDArray[np.int64]
    """Those of `rows` that deviate."""
    coverage: float
    """Share of the run's deviating amount that lies inside, 0 to 1."""
    count_coverage: float
    """Share of the run's deviating rows that lie inside, 0 to 1."""
    purity: float
    """Share of the rows inside that deviate, among those that carry a value."""
    base_rate: float
    """Share of the rows outside every slice that deviate; without parts, of the rows of earlier days."""
    score: float
    """Log likelihood ratio (nats) of its rows deviating as often as they do, against the base rate."""
    direction: Literal["above", "below", "mixed"]
    """Where the actual values lie against the expected ones."""
    deviation: float
    """Typical (actual - expected) / larger of both inside; -1 to 1, beyond where signs flip; NaN without amounts."""
    spread: float
    """Robust spread of that deviation inside: near zero when every row is off by the same share."""

    @property
    def lift(self) -> float:
        """How many times more often rows deviate inside than outside every slice."""
        return self.purity / max(self.base_rate, 1e-9)

    @property
    def single(self) -> bool:
        """One row only: an outlier by itself, shared by nothing."""
        return len(self.rows) == 1

    def statement(self, names: Mapping[str, Sequence[str]] | None = None) -> str:
        """The slice as a sentence with numbers; `names[column][code]` gives the values' text."""
        if not self.parts:
            return (
                f"All over the file: {len(self.deviating):,} of the day's {len(self.rows):,} rows deviate "
                f"({self.purity:.0%}, against {self.base_rate:.1%} on earlier days), {self.coverage:.0%} of the "
                f"deviating amount."
            )
        said = " and ".join(
            f"{column} = {names[column][code] if names else code}" for column, code in self.parts.items()
        )
        told = (
            f"{said}: {len(self.deviating):,} of {len(self.rows):,} rows deviate ({self.purity:.0%}, against "
            f"{self.base_rate:.1%} elsewhere)"
        )
        if np.isnan(self.deviation):
            return f"{told}, {self.count_coverage:.0%} of all that do."
        return (
            f"{told}, {self.coverage:.0%} of the deviating amount, typically {self.deviation:+.1%} against what was "
            f"expected."
        )
