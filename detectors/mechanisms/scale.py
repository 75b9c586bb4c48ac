"""Wrong by a power of ten: one side is the other times 10, 100, 1,000, rounded to its own precision."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import POWERS, Mask, Units, digit_count, trailing_zeros
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Side

EXPONENTS: Final = (1, 2, 3, 4, 5, 6)


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    absolute_left, absolute_right = np.abs(table.left), np.abs(table.right)
    small = np.minimum(absolute_left, absolute_right)
    big = np.maximum(absolute_left, absolute_right)
    same_sign = table.both & ((table.left > 0) == (table.right > 0))
    chance = 2 * len(EXPONENTS) * table.coincidence(small)
    grid = POWERS[np.minimum(trailing_zeros(small), table.grain)]
    slack = grid + 2 * table.noise
    luck = 2 * table.noise + 1
    for power in EXPONENTS:
        passed = same_sign & is_scaled(small, big, power, slack)
        mine = np.where(is_scaled(small, big, power, grid), chance, chance * luck)
        for i in np.flatnonzero(table.believable(passed, mine, digit_count(small))):
            yield int(i), _proof(table, int(i), power, float(mine[i]))


def is_scaled(small: Units, big: Units, power: int, slack: Units) -> Mask:
    """True where big is small x 10**power to half the slack: the small side's own grid, in units, and its noise.

    >>> one = np.array([1])
    >>> is_scaled(np.array([897044]), np.array([8970437]), 1, one).tolist()
    [True]
    >>> is_scaled(np.array([897043]), np.array([8970437]), 1, one).tolist()
    [False]
    """
    quotient, rest = np.divmod(big, 10**power)
    # |small * 10**power - big| <= slack * 10**power / 2, without leaving int64
    gap = small - quotient
    near = np.abs(gap) <= slack
    gap = np.where(near, gap, 0)
    return np.asarray(near & (np.abs(gap * 10**power - rest) * 2 <= slack * 10**power))


def _proof(table: Breaks, i: int, power: int, chance: float) -> Proof:
    larger: Side = "left" if abs(table.left[i]) > abs(table.right[i]) else "right"
    big, small = (table.left[i], table.right[i]) if larger == "left" else (table.right[i], table.left[i])
    suspect = table.suspect(i)
    exact = small * 10**power == big
    zeros = "zero" if power == 1 else f"{power} zeros"
    if suspect == larger:
        why = f"an extra {zeros}" if power == 1 else f"{zeros} too many"
        why += f" on the {table.name(larger)} side"
    elif suspect != "unclear":
        why = f"{'a zero' if power == 1 else zeros} missing on the {table.name(suspect)} side"
    else:
        why = f"{table.name(larger)} is larger by a factor of {10**power:,}"
    rounded = "" if exact else ", rounded"
    statement = f"{table.figure(big)} is {table.figure(small)} x {10**power:,}{rounded}: {why}."
    values = table.values(i) | {"factor": str(10**power), "exact": bool(exact)}
    return Proof("scale", "scale", statement, chance, suspect, values=values)
