"""What decimal digits say of an amount: how many there are, how many are trailing zeros, how many carry meaning."""

from typing import Final

import numpy as np
import numpy.typing as npt

Units = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

POWERS: Final[Units] = np.array([10**k for k in range(19)], dtype=np.int64)


def digit_count(values: Units) -> Units:
    """Decimal digits of each absolute value; 0 has none.

    >>> digit_count(np.array([0, 9, -10, 897040])).tolist()
    [0, 1, 2, 6]
    """
    return np.searchsorted(POWERS, np.abs(values), side="right").astype(np.int64)


def trailing_zeros(values: Units) -> Units:
    """How many zeros each value ends in; 0 for zero itself.

    >>> trailing_zeros(np.array([0, 7, 120, 5000])).tolist()
    [0, 0, 1, 3]
    """
    rest = np.abs(values)
    out = np.zeros(len(rest), dtype=np.int64)
    live = np.flatnonzero(rest)
    rest = rest[live]
    for step in (16, 8, 4, 2, 1):
        if len(live) == 0:
            break
        quotient = rest // 10**step
        hit = quotient * 10**step == rest
        if hit.any():
            rest = np.where(hit, quotient, rest)
            out[live] += step * hit
    return out


def significant(values: Units) -> Units:
    """Digits that carry meaning: all but the trailing zeros.

    >>> significant(np.array([897040, 50000, 5])).tolist()
    [5, 1, 1]
    """
    return digit_count(values) - trailing_zeros(values)
