"""One run as the search sees it: the rows that carry a value, and what is known of each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.localise import crowd, noise
from detectors.localise.lattice import Lattice

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Run:
    """All arrays have one entry for each row."""

    lattice: Lattice
    share: Floats
    """(actual - expected) / larger of both."""
    level: Rows
    """Size class, 0 the smallest."""
    bins: Rows
    """Bin of the share in the empirical density."""
    null: noise.Null
    order: Rows
    """The rows by share, ascending."""
    classes: int

    def crowd(self, free: Mask) -> crowd.Crowd:
        """How all free rows deviate."""
        rows = np.flatnonzero(free)
        return crowd.crowd(self.share[rows], self.bins[rows], self.level[rows], self.null.density[rows], self.classes)
