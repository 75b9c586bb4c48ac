"""Breaks that cancel: equal amounts of opposite sign across keys, currencies, units or days, and sums of a few."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from detectors.chance import crowd
from detectors.digits import Floats, Units, digit_count, significant
from recon.panel import Panel
from recon.rows import NO_DAY

DAYS: Final = 5
"""How far apart, in calendar days, two breaks may be and still cancel."""
MANY: Final = 64
"""Equal amounts in greater number than this pair with nobody in particular."""
GROUP: Final = 250
"""Sums of two are sought among at most so many breaks of one day."""


@dataclass(frozen=True)
class Group:
    """Breaks whose differences add up to zero."""

    rows: tuple[int, ...]
    """Panel rows, ascending."""
    chance: float
    """The chance of such a coincidence among breaks as near to each other."""
    shared: tuple[str, ...]
    """The columns on which all agree."""


def cancelling(panel: Panel, rows: Units, slack: int = 0) -> list[Group]:
    """Pairs first, then sums of two against one, over the breaks at `rows`; each break is in one group at most.

    `slack`: matched sides of this panel differ by up to so many units, so two differences may miss by twice that.
    """
    groups = list(_pairs(panel, rows))
    if slack:
        groups += list(_near_pairs(panel, _without(rows, groups), 2 * slack))
    return groups + list(_sums(panel, _without(rows, groups)))


def _without(rows: Units, groups: list[Group]) -> Units:
    used = [row for group in groups for row in group.rows]
    return rows[~np.isin(rows, used)] if used else rows


def _near_pairs(panel: Panel, rows: Units, slack: int) -> Iterator[Group]:
    """Neighbours by size whose signs differ and whose sizes differ by the slack at most."""
    diff = panel.diff[rows]
    live = np.flatnonzero(np.abs(diff) > 10 * slack)
    order = live[np.argsort(np.abs(diff[live]), kind="stable")]
    size = np.abs(diff[order])
    expected = crowd(size, np.abs(diff)) * (2 * slack + 1)
    taken = -1
    for k in np.flatnonzero((np.diff(size) <= slack) & (np.diff(np.sign(diff[order])) != 0)):
        if k <= taken:
            continue
        one, two = sorted((int(rows[order[k]]), int(rows[order[k + 1]])))
        nearness = _nearness(panel, one, two)
        if nearness >= 0:
            taken = int(k) + 1
            chance = min(1.0, float(expected[k]) * _as_near(panel, rows, one, nearness))
            yield Group((one, two), chance, shared_columns(panel, (one, two)))


def _pairs(panel: Panel, rows: Units) -> Iterator[Group]:
    diff = panel.diff[rows]
    live = np.flatnonzero(diff != 0)
    if len(live) < 2:
        return
    size = np.abs(diff[live])
    order = live[np.argsort(size, kind="stable")]
    size = np.abs(diff[order])
    edges = np.flatnonzero(np.concatenate([[True], size[1:] != size[:-1], [True]]))
    expected = crowd(size, np.abs(diff))
    for start, end in pairwise(edges):
        if 2 <= end - start <= MANY:
            run = order[start:end]
            plus, minus = run[diff[run] > 0], run[diff[run] < 0]
            if len(plus) and len(minus):
                yield from _matched(panel, rows, plus, minus, float(expected[start]))


def _matched(panel: Panel, rows: Units, plus: Units, minus: Units, expected: float) -> Iterator[Group]:
    """Pairs each plus with the nearest minus that is still free, the nearest pair of all first."""
    nearness = np.array([[_nearness(panel, int(rows[p]), int(rows[m])) for m in minus] for p in plus])
    while nearness.size and nearness.max() >= 0:
        p, m = np.unravel_index(int(np.argmax(nearness)), nearness.shape)
        one, two = sorted((int(rows[plus[p]]), int(rows[minus[m]])))
        share = _as_near(panel, rows, one, float(nearness[p, m]))
        yield Group((one, two), min(1.0, expected * share), shared_columns(panel, (one, two)))
        nearness[p, :] = -1
        nearness[:, m] = -1


def _nearness(panel: Panel, a: int, b: int) -> float:
    """Columns in common, less a little for each day apart; negative when too far apart."""
    apart = abs(int(panel.day[a]) - int(panel.day[b])) if NO_DAY not in (panel.day[a], panel.day[b]) else 0
    if apart > DAYS:
        return -1.0
    same = sum(int(c.codes[a] == c.codes[b]) for c in panel.columns.values())
    return same + 1.0 - apart / (DAYS + 1)


def _as_near(panel: Panel, rows: Units, one: int, nearness: float) -> float:
    """The share of the breaks that are at least as near to this one."""
    sample = rows[:: max(1, len(rows) // 2000)]
    same: Floats = np.zeros(len(sample))
    for column in panel.columns.values():
        same += column.codes[sample] == column.codes[one]
    apart = np.abs(panel.day[sample].astype(np.int64) - int(panel.day[one]))
    same += 1.0 - apart / (DAYS + 1)
    near = np.count_nonzero((same >= nearness) & (apart <= DAYS))
    return min(1.0, (near + 1) / len(sample))


def shared_columns(panel: Panel, rows: tuple[int, ...]) -> tuple[str, ...]:
    """The headers on which all the rows agree."""
    first = rows[0]
    return tuple(h for h, c in panel.columns.items() if all(c.codes[r] == c.codes[first] for r in rows))


def _sums(panel: Panel, rows: Units) -> Iterator[Group]:
    """Two differences that together undo a third, on one day; only where a group is small enough to mean something."""
    days = panel.day[rows]
    for day in np.unique(days):
        group = rows[(days == day) & (panel.diff[rows] != 0)]
        if 3 <= len(group) <= GROUP:
            yield from _triples(panel, group)


def _triples(panel: Panel, group: Units) -> Iterator[Group]:
    diff = panel.diff[group]
    one, two = np.triu_indices(len(group), 1)
    total = diff[one] + diff[two]
    order = np.argsort(-diff, kind="stable")
    at = np.minimum(np.searchsorted(-diff[order], total, side="left"), len(group) - 1)
    hit = (-diff[order][at] == total) & (total != 0) & (order[at] > two)
    used: set[int] = set()
    for k in np.flatnonzero(hit):
        members = (int(one[k]), int(two[k]), int(order[at[k]]))
        chance = _triple_chance(diff, members)
        if chance <= 1e-3 and not used & set(members):
            used |= set(members)
            rows = tuple(sorted(int(group[m]) for m in members))
            yield Group(rows, chance, shared_columns(panel, rows))


def _triple_chance(diff: Units, members: tuple[int, ...]) -> float:
    """Sums tried, over the amounts that the largest could have been at its own roundness."""
    largest = np.array([max(abs(int(diff[m])) for m in members)])
    meant = int(min(significant(diff[list(members)]).max(), digit_count(largest)[0]))
    tried = len(diff) * (len(diff) - 1) / 2
    return float(min(1.0, tried / (9.0 * 10.0 ** (meant - 1))))
