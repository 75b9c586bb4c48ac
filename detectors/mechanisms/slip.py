"""A digit slip: one digit wrong, two transposed, one dropped or one too many."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import POWERS, Floats, Mask, Units, digit_count, significant, trailing_zeros
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof

WRONG, SWAPPED, DROPPED, JUMPED = 1, 2, 3, 4
ROUND: Final = 3
"""A difference of one significant digit counts as round from so many digits on."""
NAMES: Final = {WRONG: "wrong_digit", SWAPPED: "transposition", DROPPED: "dropped_digit", JUMPED: "transposition"}


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    tested = table.both & ((table.left > 0) == (table.right > 0))
    a, b = np.abs(table.left), np.abs(table.right)
    grain = np.minimum(np.minimum(trailing_zeros(a), trailing_zeros(b)), digit_count(table.diff) - 1)
    unit = POWERS[np.maximum(np.minimum(grain, table.grain), 0)]
    a, b = a // unit, b // unit
    kind, place = slips(a, b)
    kind = np.where(tested, kind, 0)
    # two amounts that are both round slip into each other far more easily: as rare as such amounts are here
    zeros = np.minimum(trailing_zeros(table.left), trailing_zeros(table.right))
    coarse = np.maximum(POWERS[np.minimum(zeros, 18)] // unit, 1)
    rare = table.as_round[np.minimum(zeros, 19)]
    for (kinds, fine, alike), (_, rough, _) in zip(_classes(a, b), _classes(a // coarse, b // coarse), strict=True):
        passed = np.isin(kind, kinds)
        chance = np.maximum(fine, np.where(coarse > 1, rough * rare, 0.0))
        accepted = table.believable(passed, np.where(tested, chance, 0.0), alike)
        if WRONG in kinds and _round_by_habit(a - b, tested, kind):
            continue
        for i in np.flatnonzero(accepted):
            yield int(i), _proof(table, int(i), int(kind[i]), int(place[i]), float(chance[i]))


def _classes(a: Units, b: Units) -> Iterator[tuple[list[int], Floats, Units]]:
    """For each kind of slip its chance among differences (where lengths differ: amounts) of this size, and the size.

    Of the 18 x 10**(n - 1) differences of n digits, about ten are one wrong digit of the amount, two a transposition.
    Differences of two and three digits are judged together: there are few of each.
    """
    length = digit_count(a - b)
    same = digit_count(a) == digit_count(b)
    short = np.minimum(digit_count(a), digit_count(b))
    cells = 18.0 * 10.0 ** (np.maximum(length, 1) - 1)
    size = np.where((length == 2) | (length == 3), 3, length)
    yield [WRONG], np.where(same, np.minimum(10.0 / cells, 1.0), 0.0), size
    yield [SWAPPED, JUMPED], np.where(same, np.minimum(2.5 / cells, 1.0), 0.0), size
    dropped = (short + 1.0) / (9.0 * 10.0 ** (np.maximum(short, 1) - 1))
    yield [DROPPED], np.where(same, 0.0, np.minimum(dropped, 1.0)), short


def _round_by_habit(gap: Units, tested: Mask, kind: Units) -> bool:
    """True when round differences are common here: about half of them pass as one wrong digit, the rest do not."""
    single = tested & (significant(gap) == 1) & (digit_count(gap) >= ROUND)
    passed = int(np.count_nonzero(single & (kind == WRONG)))
    return int(np.count_nonzero(single & (kind == 0))) > max(1, passed // 3)


def slips(a: Units, b: Units) -> tuple[Units, Units]:
    """For each pair of non-negative amounts the kind of slip (0: none) and its place, counted from the last digit.

    >>> a = np.array([5234, 5234, 5234, 5234, 523]); b = np.array([5934, 5324, 534, 5634, 5213])
    >>> [x.tolist() for x in slips(a, b)]
    [[1, 2, 3, 1, 3], [2, 1, 2, 2, 1]]
    """
    kind = np.zeros(len(a), dtype=np.int64)
    place = np.zeros(len(a), dtype=np.int64)
    gap = np.abs(a - b)
    low, high = np.minimum(a, b), np.maximum(a, b)
    for p in range(18):
        power = int(POWERS[p])
        if not (high >= power).any():
            break
        wrong = _same_but(a, b, p, 1) & (gap > 0)
        swapped = _same_but(a, b, p, 2) & (gap > 0) & _swapped(a, b, p, 1)
        jumped = _same_but(a, b, p, 3) & (gap > 0) & _swapped(a, b, p, 2)
        dropped = high // (10 * power) * power + high % power == low
        dropped &= digit_count(high) == digit_count(low) + 1
        for mask, which in ((wrong, WRONG), (swapped, SWAPPED), (dropped, DROPPED), (jumped, JUMPED)):
            fresh = mask & (kind == 0)
            kind[fresh], place[fresh] = which, p
    return kind, place


def _same_but(a: Units, b: Units, place: int, width: int) -> Mask:
    """True where all digits agree but for `width` of them from `place` up, and both are equally long."""
    power = int(POWERS[place])
    if place + width > 18:
        return np.zeros(len(a), dtype=np.bool_)
    above = int(POWERS[place + width])
    same = (a // above == b // above) & (a % power == b % power)
    return np.asarray(same & (digit_count(a) == digit_count(b)))


def _swapped(a: Units, b: Units, place: int, apart: int) -> Mask:
    """True where the digits at `place` and `apart` further up have changed places, and those between are alike."""
    low, high = int(POWERS[place]), int(POWERS[min(place + apart, 18)])
    crossed = (a // low % 10 == b // high % 10) & (a // high % 10 == b // low % 10)
    between = a // (10 * low) % (high // (10 * low)) == b // (10 * low) % (high // (10 * low))
    return np.asarray(crossed & between)


def _proof(table: Breaks, i: int, kind: int, place: int, chance: float) -> Proof:
    left, right = table.figure(table.left[i]), table.figure(table.right[i])
    sides = f"{table.left_name} has {left}, {table.right_name} {right}"
    gap = table.figure(table.size[i])
    match kind:
        case 1:
            what = f"one digit differs, by {gap}"
        case 2:
            what = f"two neighbouring digits are transposed, which makes {gap}"
        case 4:
            what = f"two digits are transposed around a third, which makes {gap}"
        case _:
            longer = abs(table.left[i]) > abs(table.right[i])
            what = f"without one digit {left} reads {right}" if longer else f"without one digit {right} reads {left}"
    values = table.values(i) | {"place": place}
    return Proof("digit_slip", NAMES[kind], f"{sides}: {what}.", chance, table.suspect(i), values=values)
