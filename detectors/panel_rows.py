"""What the walk is given: the rows of a panel as arrays, and the terms that hold for all of them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class PanelRows(NamedTuple):
    """A panel's rows by series, oldest first. All arrays have one entry a row."""

    current: Bools
    excluded: Bools
    day: npt.NDArray[np.int32]
    diff: Ints
    left: Ints
    right: Ints
    is_break: Bools
    tolerance: Ints
    first_slot: npt.NDArray[np.int16]
    """Weekday, or time of day."""
    second_slot: npt.NDArray[np.int16]
    """Position in the month."""


class Terms(NamedTuple):
    """What holds for every row of a panel."""

    unit: float
    """The worth of one unit of `diff`."""
    two_sided: bool
    first_slots: int
    """7 weekdays, or 288 times of day."""
    window: int
    """Clean rows that level and spread look back on."""
    accept: int
    """Rows that must agree before a new level is accepted."""
    restart: int
    """Rows out of pattern, agreeing on nothing, after which the old baseline is given up."""
    store_all: bool
    """Past rows are told of too."""


class Row(NamedTuple):
    """One row as it is met: numbers alone, for an array that is handed on costs more than what is done with it."""

    t: int
    x: float
    tolerance: float
    floor: float
    """The smallest difference that means anything: the tolerance, else one unit."""
    is_break: bool
    judged: bool
    """Whether its size is asked about: a break, or a value without a second side."""
    is_first: bool
    excluded: bool
    left: int
    right: int
    diff: int
    """In units."""
    first_slot: int
    second_slot: int
