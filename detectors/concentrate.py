"""Where flagged rows concentrate: the column values that hold far more of them than chance would put there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from detectors.localise import Slice

Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

LEAST: Final = 3
"""Flagged rows that make a slice: two rows always share something."""
PUREST: Final = 0.5
"""A slice in which most rows are fine explains nothing by itself."""
MOSTLY: Final = 0.5
"""Share of all flagged rows from which a slice names them nevertheless: where they are, if not all that is there."""
DEEPEST: Final = 3
SMALLEST: Final = 1e-300
ODDS: Final = 1e-4
"""How often chance alone may show such a slice, over all that were looked at."""


@dataclass(frozen=True)
class Cells:
    """The combinations of some columns' values that occur."""

    names: tuple[str, ...]
    cell: npt.NDArray[np.int32]
    """Each row's combination, from 0."""
    inside: npt.NDArray[np.int64]
    """Rows of each combination."""


@dataclass(frozen=True)
class Grid:
    """Some rows cut by every combination of up to `DEEPEST` columns; made once, asked for each cause."""

    columns: Mapping[str, Codes]
    depths: tuple[tuple[Cells, ...], ...]
    n: int


def grid_of(columns: Mapping[str, Codes]) -> Grid:
    """The grid of these columns, all of one length."""
    depths = []
    for depth in range(1, min(DEEPEST, len(columns)) + 1):
        joined = [(names, _joined([columns[name] for name in names])) for names in combinations(columns, depth)]
        depths.append(tuple(Cells(names, cell, np.bincount(cell)) for names, cell in joined))
    return Grid(columns, tuple(depths), len(next(iter(columns.values()))) if columns else 0)


@dataclass(frozen=True)
class _Candidate:
    columns: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    flagged: int
    base_rate: float
    score: float
    """ln of the odds against chance, every slice of its depth counted as a try."""


def concentrations(
    grid: Grid,
    flag: Flags,
    amount: npt.NDArray[np.float64],
    size: npt.NDArray[np.float64] | None = None,
    *,
    partly: bool = False,
) -> list[Slice]:
    """The slices in which flagged rows gather, the clearest first; each flagged row counts for one slice only.

    `partly`: a slice that holds most flagged rows may be one in which most rows are fine.
    `amount` is each row's deviation, for the coverage; `size` the larger of its two sides, for the typical share
    by which it deviates. The chance is the binomial tail of the flagged rows inside at
    the rate outside, times the number of slices of that depth; of equal slices the shorter is taken.

    >>> desk = np.repeat(np.arange(10, dtype=np.int32), 20)
    >>> flag = desk == 4
    >>> [s.parts for s in concentrations(grid_of({"desk": desk}), flag, flag * 1.0)]
    [{'desk': 4}]
    """
    left = flag.copy()
    found: list[Slice] = []
    while np.count_nonzero(left) >= LEAST:
        best = max(
            _candidates(grid, left, partly and not found),
            key=lambda c: (c.score, -len(c.columns), c.columns),
            default=None,
        )
        if best is None or best.score < -np.log(ODDS):
            break
        found.append(_slice(grid.columns, flag, left, amount, _share(amount, size), best))
        left[best.rows] = False
    return found


def _candidates(grid: Grid, flag: Flags, partly: bool) -> Iterator[_Candidate]:
    at = np.flatnonzero(flag)
    for depth in grid.depths:
        tries = sum(len(cells.inside) for cells in depth)
        for cells in depth:
            hits = np.bincount(cells.cell[at], minlength=len(cells.inside))
            full = (hits >= LEAST) & (cells.inside < grid.n)
            full &= (hits >= PUREST * cells.inside) | (partly & (hits >= MOSTLY * len(at)))
            for c in np.flatnonzero(full):
                base = (len(at) - hits[c] + 0.5) / (grid.n - cells.inside[c] + 1)
                chance = tail(int(hits[c]), int(cells.inside[c]), float(base))
                rows = np.flatnonzero(cells.cell == c)
                yield _Candidate(cells.names, rows, int(hits[c]), float(base), -chance - float(np.log(tries)))


def tail(hits: int, inside: int, rate: float) -> float:
    """The logarithm of the binomial chance of so many hits or more; scipy.stats alone would load for a second.

    Where a float holds no such chance, the first term of the sum by the geometric series that bounds the rest:
    no slice is infinitely unlikely.

    >>> round(tail(2, 2, 0.1), 6) == round(float(np.log(0.01)), 6)
    True
    >>> round(tail(1900, 2000, 0.03))
    -6272
    """
    chance = float(betainc(hits, inside - hits + 1, rate))
    if chance > SMALLEST:
        return float(np.log(chance))
    first = gammaln(inside + 1) - gammaln(hits + 1) - gammaln(inside - hits + 1)
    first += hits * np.log(rate) + (inside - hits) * np.log1p(-rate)
    return float(first - np.log1p(-(inside - hits) * rate / ((hits + 1) * (1.0 - rate))))


def _joined(parts: list[Codes]) -> npt.NDArray[np.int32]:
    """Codes of the combinations that occur, from 0."""
    joined = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        joined = np.unique(joined * (int(part.max()) + 1) + part, return_inverse=True)[1]
    return joined.astype(np.int32)


def _share(amount: npt.NDArray[np.float64], size: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
    whole = np.abs(amount) if size is None else np.maximum(np.abs(size), np.abs(amount))
    return np.asarray(np.divide(amount, whole, out=np.zeros(len(amount)), where=whole > 0))


def _slice(
    columns: Mapping[str, Codes],
    flag: Flags,
    left: Flags,
    amount: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    found: _Candidate,
) -> Slice:
    inside = found.rows[left[found.rows]]
    own, whole = np.abs(amount[inside]), np.abs(amount[flag])
    signs = np.sign(amount[inside])
    return Slice(
        parts={name: int(columns[name][found.rows[0]]) for name in found.columns},
        rows=found.rows,
        deviating=inside,
        coverage=float(own.sum() / whole.sum()) if whole.sum() else 0.0,
        count_coverage=len(inside) / int(np.count_nonzero(flag)),
        purity=len(inside) / len(found.rows),
        base_rate=found.base_rate,
        score=found.score,
        direction="above" if (signs > 0).all() else "below" if (signs < 0).all() else "mixed",
        deviation=float(np.median(share[inside])),
        spread=float(np.median(np.abs(share[inside] - np.median(share[inside])))),
    )
