"""Picking an array's values in another order; on all cores where there are many."""

from typing import Any

import numpy as np
import numpy.typing as npt

from recon.compiled import njit, prange
from recon.order import FEW

Ints = npt.NDArray[np.int64]


def picked(before: npt.NDArray[Any], now: npt.NDArray[Any], at: Ints) -> npt.NDArray[Any]:
    """`np.concatenate([before, now])[at]` of two arrays of one type, without the whole in between.

    Sorting ten million rows into series spends most of its time in reading them out of order: two cores wait for
    memory half as long as one.

    >>> picked(np.array([1, 2]), np.array([3]), np.array([2, 0])).tolist()
    [3, 1]
    """
    if len(at) < FEW or before.dtype != now.dtype:
        return np.concatenate([before, now])[at]
    out = np.empty(len(at), now.dtype)
    _pick(np.ascontiguousarray(before), np.ascontiguousarray(now), at, out)
    return out


@njit(cache=True, parallel=True)
def _pick(before: npt.NDArray[Any], now: npt.NDArray[Any], at: Ints, out: npt.NDArray[Any]) -> None:
    n = len(before)
    for i in prange(len(at)):
        j = at[i]
        out[i] = before[j] if j < n else now[j - n]
