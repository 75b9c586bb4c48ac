"""When a test that passed is proof: rare for a random amount, and passed far more often than chance would."""

from typing import Final

import numpy as np
from scipy.special import pdtrc

from detectors.digits import Floats, Mask, Units, trailing_zeros

GATE: Final = 7e-4
"""A single test with a chance at or under this is proof alone; a rarer one still tells more."""

CROWD: Final = 2
"""From so many passes on, the passes of one class may prove each other."""

NEAR: Final = 1.6
"""Amounts within this factor are of one size."""

LONE: Final = 2e-4
"""What a coincidence found among many tries must not exceed by itself."""


def believable(passed: Mask, chance: Floats, kind: Units, gate: float = GATE) -> Mask:
    """Which passes are proof. `kind` groups breaks of like size, in which chance is alike.

    Alone, a pass counts when its chance is under the gate and the class holds at least twice the passes that
    chance would bring. Together, two or more passes count when chance explains under a tenth of them.

    >>> passed = np.array([True, True, True, False]); kind = np.zeros(4, dtype=np.int64)
    >>> believable(passed, np.full(4, 0.01), kind).tolist()
    [True, True, True, False]
    >>> believable(np.array([True, False, False, False]), np.full(4, 0.01), kind).tolist()
    [False, False, False, False]
    """
    if not passed.any():
        return passed
    inverse = np.unique(kind, return_inverse=True)[1]
    hits = _sums(inverse, passed.astype(np.float64))
    expected = _sums(inverse, np.where(passed, 0.0, chance))
    # what a pass itself would have cost counts too, or a class of passes alone would look certain
    expected = expected + _sums(inverse, chance) / np.bincount(inverse)
    together = (hits >= CROWD) & (expected <= hits / 10) & (pdtrc(hits - 1, expected) <= 1e-3)
    crowded = expected > hits / 2
    alone = (chance <= gate) & ~crowded[inverse]
    return np.asarray(passed & (alone | together[inverse]), dtype=np.bool_)


def _sums(group: Units, weights: Floats) -> Floats:
    return np.asarray(np.bincount(group, weights=weights), dtype=np.float64)


def crowd(values: Units, pool: Units) -> Floats:
    """How many others of the pool would equal each value by chance: those near it and as round, over their cells.

    Near is within a factor of 1.6; as round, ending in as many zeros. Half another is always supposed.

    >>> pool = np.array([300, 400, 500, 12345, 12346])
    >>> [round(float(x), 4) for x in crowd(np.array([400, 54321]), pool)]
    [0.9972, 0.0]
    """
    out = np.zeros(len(values), dtype=np.float64)
    zeros, pool_zeros = trailing_zeros(values), trailing_zeros(pool)
    sizes, pool_sizes = np.abs(values).astype(np.float64), np.abs(pool).astype(np.float64)
    for z in np.unique(zeros):
        mine = zeros == z
        alike = np.sort(pool_sizes[pool_zeros == z])
        low, high = sizes[mine] / NEAR, sizes[mine] * NEAR
        count = np.searchsorted(alike, high, side="right") - np.searchsorted(alike, low)
        cells = np.maximum((high - low) / 10.0**z * 0.9, 1.0)
        out[mine] = (count + 0.5) / cells
    return out


def rarest(chance: Floats, tests: int) -> Mask:
    """Which coincidences are too rare for so many tests: at most a tenth of those kept is expected by chance.

    The k rarest are kept where tests x chance of the k-th is at most k / 10 (Benjamini and Hochberg's step-up),
    and a lone one must be rare by itself.

    >>> rarest(np.array([1e-6, 2e-4, 0.3]), 300).tolist()
    [True, True, False]
    >>> rarest(np.array([2e-4]), 3000).tolist()
    [False]
    """
    order = np.argsort(chance, kind="stable")
    k = np.arange(1, len(chance) + 1)
    fits = (chance[order] * tests <= k / 10) & (chance[order] <= LONE * np.minimum(k, 5))
    kept = np.zeros(len(chance), dtype=np.bool_)
    if fits.any():
        kept[order[: int(np.flatnonzero(fits)[-1]) + 1]] = True
    return kept
