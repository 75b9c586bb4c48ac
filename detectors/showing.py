"""What to show a person so that labels teach most.

After Active Anomaly Discovery (Das, Wong, Dietterich, Fern, Emmott: Incorporating Expert Feedback into Active Anomaly
Discovery, ICDM 2016): strange rows of every kind, since ten alike teach as little as one. Within a kind not the
strangest alone: a tag quiets nothing that is much stranger than it, so what is asked must reach over all of them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement

Ints = npt.NDArray[np.int64]

GOLDEN: Final = (5.0**0.5 - 1.0) / 2.0
"""Multiples of it, modulo 1, fill an interval evenly however many are taken (Kronecker's sequence)."""


def to_show(judgement: Judgement, among: Ints, count: int) -> Ints:
    """At most `count` of the rows `among` (indices into the judgement) whose labels teach most, the best first.

    Each pattern is asked about in proportion to the root of its rows; within one the strangest comes first, then
    rows spread over its strangeness.
    """
    pattern = judgement.pattern[among]
    turn, rows = [], []
    for kind in np.unique(pattern):
        mine = among[pattern == kind]
        mine = mine[np.argsort(-judgement.numbers["surprise"][mine], kind="stable")]
        rows.append(mine[_spread(len(mine))])
        turn.append((np.arange(len(mine)) + 1.0) / len(mine) ** 0.5)
    if not rows:
        return np.empty(0, np.int64)
    order = np.argsort(np.concatenate(turn), kind="stable")
    return np.asarray(np.concatenate(rows)[order][:count], dtype=np.int64)


def worth_a_look(judgement: Judgement, count: int) -> Ints:
    """At most `count` rows that were not called, of the strangest ten times as many: the ones that teach most.

    They stand outside the promised rate; what a person's word keeps quiet is not asked again.
    """
    trusted = judgement.numbers.get("trust", np.ones(len(judgement.rows)))
    left = np.flatnonzero((judgement.anomaly == 0) & (judgement.pvalue < 0.05) & (trusted >= 1.0))
    strangest = left[np.argsort(judgement.pvalue[left], kind="stable")][: 10 * count]
    return to_show(judgement, strangest, count)


def _spread(n: int) -> Ints:
    """A permutation of 0 to n - 1: 0 first, then evenly over all.

    >>> _spread(5).tolist()
    [0, 3, 1, 4, 2]
    """
    return np.argsort(np.argsort((np.arange(n) * GOLDEN) % 1.0, kind="stable"), kind="stable").astype(np.int64)
