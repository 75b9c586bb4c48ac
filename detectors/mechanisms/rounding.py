"""Rounding: one side is the other rounded or cut to fewer digits, or they differ by a last unit or two."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.chance import believable
from detectors.digits import POWERS, Floats, Mask, Units, trailing_zeros
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Side

LAST_UNITS: Final = 5
"""A difference of up to five of the last unit is what sums of rounded parts leave."""
GATE: Final = 1e-3
NEGLIGIBLE: Final = 10_000
"""The amount is at least so many times the difference."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    size = np.maximum(np.abs(table.left), np.abs(table.right))
    same_sign = table.both & ((table.left > 0) == (table.right > 0))
    steps, coarse, nearest = rounded(table.left, table.right, table.grain)
    steps = np.where(same_sign, steps, 0)
    small = size // NEGLIGIBLE >= table.size
    passed = same_sign & (steps > 0) & (small | (steps >= 3))
    chance = _chance(table, steps)
    accepted = believable(passed, chance, steps, GATE)
    accepted |= passed & small & (2 * table.size <= 10**table.panel.scale) & (steps >= 2)
    for i in np.flatnonzero(accepted):
        yield int(i), _rounded(table, int(i), int(coarse[i]), bool(nearest[i]), float(chance[i]))
    unit = 10**table.grain
    tiny = same_sign & ~accepted & (table.size <= LAST_UNITS * unit) & small
    for i in np.flatnonzero(tiny):
        yield int(i), _tiny(table, int(i), float(2 * table.size[i] / size[i]))


def rounded(left: Units, right: Units, grain: int) -> tuple[Units, Units, Mask]:
    """How many digits finer the finer side is (0: none is the other rounded), which side is coarse, if to the nearest.

    >>> steps, coarse, nearest = rounded(np.array([988512, 100050]), np.array([988500, 100000]), 0)
    >>> steps.tolist(), coarse.tolist(), nearest.tolist()
    ([2, 1], [1, 1], [True, True])
    """
    zeros_left, zeros_right = trailing_zeros(left), trailing_zeros(right)
    coarse = np.where(zeros_right > zeros_left, 1, -1)
    finer = np.maximum(np.minimum(zeros_left, zeros_right), grain)
    reach = np.maximum(zeros_left, zeros_right)
    gap = np.abs(left - right)
    # the smallest power of ten that the difference stays under is the step it was rounded to
    step = np.searchsorted(POWERS, gap, side="right")
    half = np.searchsorted(POWERS, 2 * gap, side="left")
    nearest = half <= reach
    used = np.where(nearest, np.maximum(half, finer + 1), step)
    holds = (used <= reach) & (reach > finer)
    cut = np.abs(np.where(coarse == 1, right, left)) < np.abs(np.where(coarse == 1, left, right))
    holds &= nearest | cut
    return np.where(holds, used - finer, 0), coarse, nearest


def _chance(table: Breaks, steps: Units) -> Floats:
    """A random amount ends in so many zeros once in 10**steps, and only a small difference is a rounding's."""
    reach = POWERS[np.minimum(steps + table.grain, 18)] // 2
    sizes = np.sort(table.size[table.both])
    share = (np.searchsorted(sizes, reach, side="right") + 1) / (len(sizes) + 1)
    return np.asarray(10.0 ** -np.maximum(steps, 0) * np.minimum(share, 1.0), dtype=np.float64)


def _rounded(table: Breaks, i: int, coarse: int, nearest: bool, chance: float) -> Proof:
    side: Side = "right" if coarse == 1 else "left"
    value, exact = (table.right[i], table.left[i]) if coarse == 1 else (table.left[i], table.right[i])
    verb = "rounded" if nearest else "cut off"
    statement = (
        f"{table.figure(value)} on {table.name(side)} is {table.figure(exact)} {verb} "
        f"to fewer digits; {table.figure(table.size[i])} is lost."
    )
    return Proof("rounding", "rounded", statement, chance, side, values=table.values(i))


def _tiny(table: Breaks, i: int, chance: float) -> Proof:
    statement = (
        f"{table.left_name} has {table.figure(table.left[i])} and {table.right_name} "
        f"{table.figure(table.right[i])}: they differ by {table.figure(table.size[i])}, the last unit's worth."
    )
    return Proof("rounding", "last_unit", statement, chance, "unclear", values=table.values(i))
