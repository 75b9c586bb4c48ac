"""What to show a person so that labels teach most.

After Active Anomaly Discovery (Das, Wong, Dietterich, Fern, Emmott: Incorporating Expert Feedback into Active Anomaly
Discovery, ICDM 2016): strange rows of every kind, since ten alike teach as little as one. Within a kind not the
strangest alone: a tag quiets nothing that is much stranger than it, so what is asked must reach over all of them.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GOLDEN: Final = (5.0**0.5 - 1.0) / 2.0
"""Multiples of it, modulo 1, fill an interval evenly however many are taken (Kronecker's sequence)."""


def to_show(kind: npt.NDArray[Any], surprise: Floats, count: int) -> Ints:
    """Positions of at most `count` rows whose labels teach most, the best first. `kind`: each row's pattern.

    Each pattern is asked about in proportion to the root of its rows; within one the strangest comes first, then
    rows spread over its strangeness.
    """
    turn, rows = [np.empty(0)], [np.empty(0, np.int64)]
    for one in np.unique(kind):
        mine = np.flatnonzero(kind == one)
        mine = mine[np.argsort(-surprise[mine], kind="stable")]
        rows.append(mine[_spread(len(mine))])
        turn.append((np.arange(len(mine)) + 1.0) / len(mine) ** 0.5)
    order = np.argsort(np.concatenate(turn), kind="stable")
    return np.asarray(np.concatenate(rows)[order][:count], dtype=np.int64)


def _spread(n: int) -> Ints:
    """A permutation of 0 to n - 1: 0 first, then evenly over all.

    >>> _spread(5).tolist()
    [0, 3, 1, 4, 2]
    """
    return np.argsort(np.argsort((np.arange(n) * GOLDEN) % 1.0, kind="stable"), kind="stable").astype(np.int64)
