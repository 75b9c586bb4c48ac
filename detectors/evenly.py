"""Evenly: the rows of one long series laid on an even grid of time, so that a lost row does not shift its season."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OFF: Final = 0.1
"""How far from a slot, in steps, a row may lie; of more than a tenth of the rows no grid is made."""
LOST: Final = 0.25
"""Slots without a row, as a share of the rows, up to which they are gaps; business days are not a week with gaps."""


@dataclass(frozen=True)
class Grid:
    """Where the rows lie. Shapes (n,) and (slots,)."""

    slot: Ints
    """The slot of each row; rows of one moment share one, and its value is the last row's."""
    values: Floats
    """What each slot holds; a slot without a row what stood there a day before, else in the slot before."""
    empty: npt.NDArray[np.bool_]


def on_grid(x: Floats, time: Ints, a_day: int) -> Grid:
    """The values `x` at the ascending times `time`, of which `a_day` make a day; one slot a row where no step is kept.

    >>> grid = on_grid(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0, 300, 900, 1200]), 86_400)
    >>> grid.slot.tolist(), grid.values.tolist(), grid.empty.tolist()
    ([0, 1, 3, 4], [1.0, 2.0, 2.0, 4.0, 5.0], [False, False, True, False, False])
    >>> on_grid(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1000]), 86_400).slot.tolist()
    [0, 1, 2]
    """
    n = len(x)
    apart = np.diff(time)
    step = int(np.median(apart[apart > 0])) if (apart > 0).any() else 0
    as_they_came = Grid(np.arange(n), x, np.zeros(n, np.bool_))
    if step == 0:
        return as_they_came
    place = (time - time[0]) / step
    slot = np.round(place).astype(np.int64)
    slots = int(slot[-1]) + 1
    odd = np.abs(place - slot) > OFF
    odd[1:] |= slot[1:] == slot[:-1]
    if slots == n or odd.mean() > OFF or slots > (1.0 + LOST) * n:
        return as_they_came
    values = np.full(slots, np.nan)
    values[slot] = x
    empty = np.isnan(values)
    season = a_day // step if a_day % step == 0 else 1
    for at in np.flatnonzero(empty):
        values[at] = values[at - season] if at >= season else values[at - 1]
    return Grid(slot, values, empty)
