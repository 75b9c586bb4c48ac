"""One side is a sum: a break's surplus is exactly what several rows of the other side have too much."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Final

import numpy as np

from detectors.digits import Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import listed
from detectors.pairs import shared_columns
from detectors.proof import Proof
from recon.words import Side

PARTS: Final = 8
"""A sum has so many parts at most."""
POOL: Final = 24
"""Parts are sought among at most so many rows; in a larger crowd every amount is some sum."""
GATE: Final = 1e-3


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    used: set[int] = set()
    for pool in _pools(table):
        pool = pool[~np.isin(pool, list(used))] if used else pool
        for whole, parts, chance in _sums(table, pool):
            if used & {whole, *parts}:
                continue
            used |= {whole, *parts}
            for i in (whole, *parts):
                yield i, _proof(table, i, whole, parts, chance)


def _pools(table: Breaks) -> Iterator[Units]:
    """Breaks that may belong together: one key and date first, then a date and all columns but one."""
    live = np.flatnonzero(table.diff != 0)
    if len(live) < 3:
        return
    columns = [c.codes[table.rows] for c in table.panel.columns.values()]
    yield from _groups(live, [table.day, table.series])
    for drop in range(len(columns)):
        yield from _groups(live, [table.day, *(c for k, c in enumerate(columns) if k != drop)])
    one_sided = live[(table.left_gone | table.right_gone)[live]]
    yield from _groups(one_sided, [table.day, table.currency])


def _groups(index: Units, columns: Sequence[np.ndarray[tuple[int], np.dtype[np.int32]] | Units]) -> Iterator[Units]:
    if len(index) < 3:
        return
    picked = [np.asarray(c)[index] for c in columns]
    order = np.lexsort(tuple(picked))
    change = np.zeros(len(index), dtype=np.bool_)
    change[0] = True
    for column in picked:
        change[1:] |= column[order][1:] != column[order][:-1]
    edges = np.append(np.flatnonzero(change), len(index))
    for start, end in pairwise(edges):
        if 3 <= end - start <= POOL:
            yield np.sort(index[order[start:end]])


def _sums(table: Breaks, pool: Units) -> Iterator[tuple[int, tuple[int, ...], float]]:
    """Each whole with its parts: the difference of the whole undone by two or more of the opposite sign."""
    diff = table.diff
    for whole in pool[np.argsort(-np.abs(diff[pool]), kind="stable")]:
        opposite = [int(p) for p in pool if (diff[p] > 0) != (diff[whole] > 0) and abs(diff[p]) < abs(diff[whole])]
        if len(opposite) < 2:
            continue
        parts, tried = subset(int(-diff[whole]), [int(diff[p]) for p in opposite])
        if parts is None:
            continue
        chosen = tuple(opposite[p] for p in parts)
        chance = tried * float(table.coincidence(diff[[whole]])[0])
        if chance <= GATE:
            yield int(whole), chosen, chance


def subset(goal: int, parts: Sequence[int], most: int = PARTS) -> tuple[tuple[int, ...] | None, int]:
    """The smallest set of two or more parts that sums to the goal exactly, and how many sums were tried.

    >>> subset(1000, [300, 250, 450, 700])
    ((0, 3), 3)
    >>> subset(1001, [300, 250, 450])
    (None, 4)
    """
    tried = 0
    for size in range(2, min(most, len(parts)) + 1):
        if tried > 20_000:
            break
        for chosen in combinations(range(len(parts)), size):
            tried += 1
            if sum(parts[k] for k in chosen) == goal:
                return chosen, tried
    return None, tried


def _proof(table: Breaks, i: int, whole: int, parts: tuple[int, ...], chance: float) -> Proof:
    side: Side = "left" if (abs(table.left[whole]) >= abs(table.right[whole])) else "right"
    other = table.right_name if side == "left" else table.left_name
    amounts = [table.figure(table.size[p]) for p in parts]
    total = table.figure(table.size[whole])
    statement = f"{total} on {table.name(side)} is the sum of {listed(amounts)} on {other}."
    rows = tuple(int(table.rows[k]) for k in (whole, *parts) if k != i)
    values = table.values(i) | {
        "sum": table.plain(table.size[whole]),
        "parts": [table.plain(table.size[p]) for p in parts],
        "shared": list(shared_columns(table.panel, tuple(int(table.rows[k]) for k in (whole, *parts)))),
    }
    return Proof("aggregation", "subset_sum", statement, chance, "unclear", rows, values)
