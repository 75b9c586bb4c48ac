"""Groups that a series may borrow from, and the clock of a run: agreed over all buckets, whatever they are.

Each bucket tells what it saw; the levels are decided from all of it; then each bucket numbers its series' groups alike.
A group is known by the hash of its words, so that its number does not depend on who met it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from recon.calendar import MICROSECONDS_A_DAY
from recon.ids import series_hashes, text_hashes
from recon.panel import Panel
from recon.rows import NO_STAMP, Layout

Hashes = npt.NDArray[np.uint64]
Names = tuple[str, ...]

MOST_GROUPS: Final = 4096
"""A level with more groups than this is no level to borrow from: it is nearly the series themselves."""


@dataclass(frozen=True)
class Sight:
    """What one bucket tells of its series, for the whole run to agree on."""

    rows: int
    series: int
    groups: dict[Names, Hashes]
    """By the columns of a level: the distinct groups, ascending; left out where there are more than MOST_GROUPS."""
    joint: dict[tuple[Names, Names], Hashes]
    """By two levels: their distinct combinations, to tell whether both part the series alike."""
    moments: npt.NDArray[np.int64]
    """The distinct moments of the rows, ascending; empty where the rows have no time."""


@dataclass(frozen=True)
class Levels:
    """The levels of a run, finest first, without the last (everything), and its clock."""

    names: tuple[Names, ...]
    groups: tuple[Hashes, ...]
    rows_a_day: float
    """Moments of a day over all series; 0 where the rows have no times of day."""


def sight(panel: Panel, layout: Layout) -> Sight:
    """A bucket's own part; `panel` is any of its panels."""
    found = _hashes(panel, layout)
    distinct = {names: np.unique(hashes) for names, hashes in found.items()}
    few = [names for names, hashes in distinct.items() if len(hashes) <= MOST_GROUPS]
    joint = {}
    for a, b in combinations(few, 2):
        both = np.unique(_both(found[a], found[b]))
        if len(both) <= MOST_GROUPS:
            joint[a, b] = both
    stamp = panel.stamp
    moments = np.unique(stamp[stamp != NO_STAMP]) if stamp is not None else np.zeros(0, np.int64)
    return Sight(panel.n, panel.s, {names: distinct[names] for names in few}, joint, moments)


def levels_of(sights: Sequence[Sight]) -> Levels:
    """The levels that every bucket numbers alike: read off each series' newest row, the historical columns together,
    each alone, key columns that several series share, the currency. Levels that part the series alike count once.
    """
    series = sum(one.series for one in sights)
    there = [one for one in sights if one.series]
    shared = [names for names in (there[0].groups if there else ()) if all(names in one.groups for one in there)]
    groups = {names: np.unique(np.concatenate([one.groups[names] for one in there])) for names in shared}
    fit = [names for names in shared if 1 < len(groups[names]) <= min(series // 2, MOST_GROUPS)]
    kept: list[Names] = []
    for names in fit:
        if not any(_alike(there, groups, other, names) for other in kept):
            kept.append(names)
    kept.sort(key=lambda names: -len(groups[names]))
    moments = np.unique(np.concatenate([one.moments for one in sights])) if sights else np.zeros(0, np.int64)
    return Levels(tuple(kept), tuple(groups[names] for names in kept), rows_a_day(moments))


def levels_of_one(sight: Sight) -> Levels:
    """Every level that one bucket could tell, as it numbers them alone."""
    return Levels(tuple(sight.groups), tuple(sight.groups.values()), rows_a_day(sight.moments))


def numbered(panel: Panel, layout: Layout, levels: Levels) -> Panel:
    """The panel with its series' groups numbered as in every other bucket, and the run's clock."""
    hashes = _hashes(panel, layout)
    rows = [np.searchsorted(of, hashes[names]) for names, of in zip(levels.names, levels.groups, strict=True)]
    groups = np.stack([*rows, np.zeros(panel.s, np.int64)]).astype(np.int32)
    names = (*(" and ".join(names) for names in levels.names), "all")
    return replace(panel, groups=groups, group_names=names, rows_a_day=levels.rows_a_day)


def rows_a_day(moments: npt.NDArray[np.int64]) -> float:
    """From the commonest step between distinct moments of all series; 0 where they are all of one time of day."""
    if not len(moments) or len(np.unique(moments % MICROSECONDS_A_DAY)) == 1:
        return 0.0
    steps = np.diff(moments)
    return float(MICROSECONDS_A_DAY / np.median(steps)) if len(steps) else 1.0


def _alike(there: Sequence[Sight], groups: dict[Names, Hashes], a: Names, b: Names) -> bool:
    if len(groups[a]) != len(groups[b]) or not all((a, b) in one.joint for one in there):
        return False
    return len(np.unique(np.concatenate([one.joint[a, b] for one in there]))) == len(groups[a])


def _hashes(panel: Panel, layout: Layout) -> dict[Names, Hashes]:
    """For each candidate level the hash of each series' group, by the columns' words on its newest row."""
    last = panel.offsets[1:] - 1
    historical = tuple(name for name in layout.historical if name in panel.columns)
    candidates: list[Names] = [historical] if len(historical) > 1 else []
    candidates += [(name,) for name in (*historical, *layout.key) if name in panel.columns]
    if layout.currency and layout.currency in panel.columns:
        candidates.append((layout.currency,))
    words: dict[str, Hashes] = {}
    for name in dict.fromkeys(name for names in candidates for name in names):
        column = panel.columns[name]
        words[name] = text_hashes(column.vocabulary)[column.codes[last]] if panel.s else np.zeros(0, np.uint64)
    at = np.arange(panel.s, dtype=np.int32)
    return {names: series_hashes([(at, words[name]) for name in names], panel.s) for names in candidates}


def _both(a: Hashes, b: Hashes) -> Hashes:
    at = np.arange(len(a), dtype=np.int32)
    return series_hashes([(at, a), (at, b)], len(a))
