"""The order of rows: by series, then time, then as they came; what lakes and panels are sorted by."""

from typing import Final

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

_TIME_BITS = np.uint64((1 << 20) - 1)
_TIME_ZERO = np.int64(1 << 19)
FEW: Final = 100_000
"""Rows under which numpy's own way is as quick as loading a compiled one."""


def in_order(series: npt.NDArray[np.uint64], time: npt.NDArray[np.int64]) -> bool:
    """Whether rows stand by series and time already, as those of one part of a lake do."""
    ahead, same = series[1:] > series[:-1], series[1:] == series[:-1]
    return bool(np.all(ahead | (same & (time[1:] >= time[:-1]))))


def by_series_and_time(series: npt.NDArray[np.uint64], time: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Positions by series, then time; rows of one series and time as they came.

    Files come a day after the other: then sorting by series alone is enough, a third of the time of a stable sort of
    10 million 64-bit words. Else series and day share one such word. Where two series share the 44 bits that are
    sorted by, or times are finer than days, the slow way decides.
    """
    if in_order(series, time):
        return np.arange(len(series), dtype=np.int64)
    if FEW <= len(series) < 2**31:
        perm: npt.NDArray[np.int64] = _by_upper_bits(series).astype(np.int64)
        if in_order(series[perm], time[perm]):
            return perm
    if bool(np.all(np.abs(time) < _TIME_ZERO)):
        word = (series & ~_TIME_BITS) | (time + _TIME_ZERO).astype(np.uint64)
        perm = np.argsort(word, kind="stable")
        s = series[perm]
        doubled = (s[1:] != s[:-1]) & ((s[1:] & ~_TIME_BITS) == (s[:-1] & ~_TIME_BITS))
        if not doubled.any():
            return perm.astype(np.int64)
    return np.lexsort((time, series)).astype(np.int64)


@njit(cache=True, nogil=True)
def _by_upper_bits(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Positions by the upper 44 bits, equal ones as they came: a radix sort of eleven bits at a time."""
    n = len(word)
    place, next_place = np.arange(n).astype(np.int32), np.empty(n, np.int32)
    words, next_words = word.copy(), np.empty_like(word)
    start = np.empty(2048, np.int64)
    for shift in range(20, 64, 11):
        start[:] = 0
        for i in range(n):
            start[(words[i] >> np.uint64(shift)) & np.uint64(2047)] += 1
        at = 0
        for digit in range(2048):
            count = start[digit]
            start[digit] = at
            at += count
        for i in range(n):
            digit = (words[i] >> np.uint64(shift)) & np.uint64(2047)
            to = start[digit]
            next_place[to], next_words[to] = place[i], words[i]
            start[digit] = to + 1
        place, next_place = next_place, place
        words, next_words = next_words, words
    return place
