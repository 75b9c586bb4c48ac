"""Whether any number is there twice: a set of slots with open addressing, which is quicker than a sort."""

from typing import Any

import numpy as np
import numpy.typing as npt

from recon.compiled import njit
from recon.order import FEW


def any_twice(numbers: npt.NDArray[np.int64]) -> bool:
    """True when two of the numbers, none of them negative, are equal.

    >>> any_twice(np.array([3, 1, 2])), any_twice(np.array([3, 1, 3]))
    (False, True)
    """
    if len(numbers) < FEW:  # a sort is as quick as loading the compiled set
        return len(np.unique(numbers)) < len(numbers)
    return bool(_met_again(numbers))


@njit(cache=True, nogil=True)
def _met_again(numbers: npt.NDArray[np.int64]) -> Any:
    slots = 1
    while slots < 2 * len(numbers):
        slots *= 2
    held = np.full(slots, -1, np.int64)
    last = np.uint64(slots - 1)
    for number in numbers:
        mixed = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
        at = (mixed ^ (mixed >> np.uint64(32))) & last
        while held[at] >= 0:
            if held[at] == number:
                return True
            at = (at + np.uint64(1)) & last
        held[at] = number
    return False
