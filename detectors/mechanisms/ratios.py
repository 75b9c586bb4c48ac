"""Ratios that recur: breaks whose two amounts stand in one common ratio, to the rounding of the smaller one."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from scipy.special import pdtrc

from detectors.digits import Floats, Mask, Units
from detectors.mechanisms.table import Breaks

GATE: Final = 1e-4
CLUSTERS: Final = 60
"""At most so many common ratios are looked for in one panel."""
PLAIN: Final = (2, 3, 4, 5, 10, 100, 1000, 10_000, 100_000, 1_000_000)
"""Ratios with a mechanism of their own, or of none."""
PRECISE: Final = 10
"""The difference is at least so many times what rounding leaves open, or the ratio says nothing."""
SPREAD: Final = 0.25
"""A ratio's neighbourhood: a quarter of its own distance from 1, on the log scale."""
LUCK: Final = 0.01
"""How many of a panel's other breaks may share a ratio by chance, for one that does to be kin."""
FEW: Final = 20
"""Breaks in which a meeting is looked for at one place, as it were: among n the same chance arises n / FEW times."""


@dataclass(frozen=True)
class Cluster:
    """Breaks that share a ratio of the larger amount to the smaller."""

    members: Units
    """Indices into the table."""
    low: Fraction
    high: Fraction
    """The ratios that all members allow."""
    chance: float
    """The chance that so many would meet there by coincidence."""
    kin: Units
    """Others whose ratio is the common one if both of their amounts were rounded, rather than one."""

    @property
    def whole(self) -> Units:
        """Members and kin."""
        return np.concatenate([self.members, self.kin])


def ratio_bounds(big: int, small: int, slack: int) -> tuple[Fraction, Fraction]:
    """The ratios that an amount off by half the slack allows.

    >>> low, high = ratio_bounds(108, 100, 1)
    >>> float(round(low, 4)), float(round(high, 4))
    (1.0746, 1.0854)
    """
    return Fraction(2 * big, 2 * small + slack), Fraction(2 * big, 2 * small - slack)


def clusters(table: Breaks) -> tuple[Cluster, ...]:
    """The common ratios among the two-sided breaks, the most surprising first; each break is in one at most."""
    if "clusters" not in table.memo:
        table.memo["clusters"] = tuple(_clusters(table))
    found: tuple[Cluster, ...] = table.memo["clusters"]
    return found


def _clusters(table: Breaks) -> Iterator[Cluster]:
    slack = 10**table.grain + 2 * table.noise
    left, right = np.abs(table.left), np.abs(table.right)
    big, small = np.maximum(left, right), np.minimum(left, right)
    usable: Mask = table.both & ((table.left > 0) == (table.right > 0)) & (small >= 100 * slack)
    for plain in PLAIN:
        usable &= np.abs(big // plain - small) > slack
    usable &= table.size >= PRECISE * slack
    index = np.flatnonzero(usable)
    index = index[one_each(big[index], small[index])]
    used: list[int] = []
    for cluster in _peeled(index, big, small, slack):
        used += cluster.whole.tolist()
        yield cluster
    rest = index[~np.isin(index, used)] if used else index
    codes, counts = np.unique(table.currency[rest], return_counts=True)
    if len(codes) > 1:
        # a rate belongs to one currency, and among its breaks alone it stands out more
        for code in codes[counts >= 2]:
            yield from _peeled(rest[table.currency[rest] == code], big, small, slack)


def _peeled(index: Units, big: Units, small: Units, slack: int) -> Iterator[Cluster]:
    """The most surprising meeting of ratios, then the next among the rest, as long as any surprises."""
    for _ in range(CLUSTERS):
        if len(index) < 2:
            return
        found = _densest(big[index], small[index], slack)
        if found is None or found[1] > GATE:
            return
        members = index[found[0]]
        bounds = [ratio_bounds(int(big[i]), int(small[i]), slack) for i in members]
        low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
        index = np.setdiff1d(index, members)
        if low <= high:
            kin = _kin(index, big, small, slack, (low, high))
            index = np.setdiff1d(index, kin)
            yield Cluster(members, low, high, found[1], kin)


def _kin(index: Units, big: Units, small: Units, slack: int, common: tuple[Fraction, Fraction]) -> Units:
    """Those of `index` that share the ratio when both sides are rounded: of two that a rate made of one amount, one in
    four is further off than either alone may be. None where chance would bring such a one."""
    centre, width = np.log(float(common[0])), slack / small[index]
    wide = np.abs(np.log(big[index] / small[index]) - centre) <= width * 1.01 + np.log(float(common[1] / common[0]))
    luck = len(index) * width / (SPREAD * centre)
    near = index[wide & (luck <= LUCK)]
    bounds = [ratio_bounds(int(big[i]), int(small[i]), 2 * slack) for i in near]
    return np.array([i for i, b in zip(near, bounds, strict=True) if b[0] <= common[1] and b[1] >= common[0]], np.int64)


def one_each(big: Units, small: Units) -> Units:
    """The first of each distinct pair of amounts: the same break on two days is no recurrence."""
    return np.sort(np.unique(np.stack([big, small]), axis=1, return_index=True)[1])


def _densest(big: Units, small: Units, slack: int) -> tuple[Units, float] | None:
    """The deepest overlap of ratio intervals against what the neighbourhood would bring by chance.

    Floats only find the candidates; membership is decided again with fractions by the caller.
    """
    centre: Floats = np.log(big / small)
    width: Floats = (0.5 * slack / small) * 1.0000001
    order = np.argsort(centre, kind="stable")
    centre, width = centre[order], width[order]
    start, end = centre - width, centre + width
    first, last = (
        np.searchsorted(np.sort(end), start, side="left"),
        np.searchsorted(np.sort(start), start, side="right"),
    )
    depth = last - first
    if depth.max() < 2:
        return None
    reach = np.maximum(SPREAD * centre, 3 * width)
    total = np.concatenate([[0.0], np.cumsum(2 * width)])
    lo, hi = np.searchsorted(centre, centre - reach), np.searchsorted(centre, centre + reach, side="right")
    near = hi - lo
    mean = (total[hi] - total[lo]) / near
    # those that meet here are not the crowd; whoever else is near is, as on the fuller side, and half a break more
    crowd = 2 * np.maximum(np.maximum(first - lo, hi - last), 0)
    expected = (crowd + 0.5) * (mean + width) / (2 * reach)
    elsewhere = max(1.0, len(big) / FEW)
    chance = np.minimum(1.0, elsewhere * pdtrc(depth - 2, np.maximum(expected, 1e-12)))
    best = int(np.lexsort((start, chance))[0])
    point = start[best]
    members = np.flatnonzero((start <= point) & (end >= point))
    return order[members], float(chance[best])


def simplest(low: Fraction, high: Fraction, most: int = 9) -> tuple[int, int] | None:
    """The decimal with the fewest places between the two, as (digits, places); None when it needs over `most`.

    >>> simplest(Fraction(108339, 100000), Fraction(108341, 100000))
    (10834, 4)
    """
    for places in range(most + 1):
        digits = -((-low.numerator * 10**places) // low.denominator)
        if digits * high.denominator <= high.numerator * 10**places:
            return digits, places
    return None
