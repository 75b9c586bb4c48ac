"""When a test that passed is proof: rare for a random amount, and passed far more often than chance would."""

from typing import Final

import numpy as np
from scipy.stats import poisson

from detectors.digits import Floats, Mask, Units, digit_count, significant

GATE: Final = 7e-4
"""A single test with a chance at or under this is proof alone; a rarer one still tells more."""

CROWD: Final = 3
"""From so many passes on, the passes of one class may prove each other."""


def believable(passed: Mask, chance: Floats, kind: Units, gate: float = GATE) -> Mask:
    """Which passes are proof. `kind` groups breaks of like size, in which chance is alike.

    Alone, a pass counts when its chance is under the gate and the class holds at least twice the passes that
    chance would bring. Together, three or more passes count when chance explains under a tenth of them.

    >>> passed = np.array([True, True, True, False]); kind = np.zeros(4, dtype=np.int64)
    >>> believable(passed, np.full(4, 0.01), kind).tolist()
    [True, True, True, False]
    >>> believable(np.array([True, False, False, False]), np.full(4, 0.01), kind).tolist()
    [False, False, False, False]
    """
    if not passed.any():
        return passed
    classes, inverse = np.unique(kind, return_inverse=True)
    hits: Floats = np.bincount(inverse, weights=passed.astype(np.float64), minlength=len(classes))
    expected: Floats = np.bincount(inverse, weights=np.where(passed, 0.0, chance), minlength=len(classes))
    # what a pass itself would have cost counts too, or a class of passes alone would look certain
    mean = np.bincount(inverse, weights=chance, minlength=len(classes)) / np.bincount(inverse)
    expected = expected + mean
    together = (hits >= CROWD) & (expected <= hits / 10) & (poisson.sf(hits - 1, expected) <= 1e-4)
    crowded = expected > hits / 2
    alone = (chance <= gate) & ~crowded[inverse]
    return np.asarray(passed & (alone | together[inverse]), dtype=np.bool_)


def crowd(values: Units, pool: Units) -> Floats:
    """How many others of the pool would equal each value by chance: those as long and as round, over their cells.

    >>> pool = np.array([300, 400, 500, 12345, 12346])
    >>> [round(float(x), 5) for x in crowd(np.array([700, 54321]), pool)]
    [0.38889, 3e-05]
    """
    digits, meant = digit_count(pool), significant(pool)
    key = digits * 20 + meant
    counts = np.bincount(key, minlength=400)
    mine = digit_count(values) * 20 + significant(values)
    cells = 9.0 * 10.0 ** (np.maximum(significant(values), 1) - 1)
    return np.asarray((counts[mine] + 0.5) / cells, dtype=np.float64)
