"""One side is a sum: a break's surplus is exactly what several rows of the other side have too much."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, compress, pairwise
from math import comb
from typing import Final

import numpy as np

from detectors.chance import rarest
from detectors.digits import Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import listed
from detectors.pairs import shared_columns
from detectors.proof import Proof
from recon.words import Side

PARTS: Final = 8
"""A sum has so many parts at most."""
POOL: Final = 60
"""Parts are sought among at most so many rows; in a larger crowd every amount is some sum."""
MOST: Final = 40_000
"""Sums of one size that are tried for one whole."""
WORK: Final = 4_000_000
"""Sums tried in one panel, all wholes together; what belongs closest together is tried first."""
GATE: Final = 1e-3


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    used: set[int] = set()
    found: list[tuple[int, tuple[int, ...], float]] = []
    tests = work = 0
    for pool in _pools(table):
        pool = pool[~np.isin(pool, list(used))] if used else pool
        for whole, parts, tried, chance in _sums(table, pool):
            tests, work = tests + 1, work + tried
            if parts is not None and not used & {whole, *parts}:
                used |= {whole, *parts}
                found.append((whole, parts, chance))
        if work > WORK:
            break
    kept = rarest(np.array([chance for _, _, chance in found]), tests)
    for whole, parts, chance in compress(found, kept):
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
    one_sided = live[((table.left == 0) | (table.right == 0))[live]]
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


def _sums(table: Breaks, pool: Units) -> Iterator[tuple[int, tuple[int, ...] | None, int, float]]:
    """Each whole that was tried, its parts if any (its difference undone by two or more of the opposite sign), the
    sums tried and the chance that one of them fits."""
    diff = table.diff
    for whole in pool[np.argsort(-np.abs(diff[pool]), kind="stable")]:
        opposite = [int(p) for p in pool if (diff[p] > 0) != (diff[whole] > 0) and abs(diff[p]) < abs(diff[whole])]
        if len(opposite) < 2:
            continue
        parts, tried = subset(int(-diff[whole]), [int(diff[p]) for p in opposite])
        chance = tried * float(table.coincidence(diff[[whole]])[0])
        chosen = None if parts is None or chance > GATE else tuple(opposite[p] for p in parts)
        yield int(whole), chosen, tried, chance


def subset(goal: int, parts: Sequence[int], most: int = PARTS) -> tuple[tuple[int, ...] | None, int]:
    """The smallest set of two or more parts that sums to the goal exactly, and how many sums were tried.

    >>> subset(1000, [300, 250, 450, 700])
    ((0, 3), 6)
    >>> subset(1001, [300, 250, 450])
    (None, 4)
    """
    tried = 0
    values = np.asarray(parts, dtype=np.int64)
    for size in range(2, min(most, len(parts)) + 1):
        if comb(len(parts), size) > MOST:
            break
        chosen = _choices(len(parts), size)
        tried += len(chosen)
        hits = np.flatnonzero(values[chosen].sum(axis=1) == goal)
        if len(hits):
            return tuple(int(k) for k in chosen[hits[0]]), tried
    return None, tried


@lru_cache(maxsize=64)
def _choices(count: int, size: int) -> Units:
    """Every choice of `size` of `count` places, one a row."""
    return np.array(list(combinations(range(count), size)), dtype=np.int64)


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
