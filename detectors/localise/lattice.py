"""The lattice: every combination of columns, and for each the element that a row falls into."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb, log

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lattice:
    """`n` rows in `c` cuboids (column sets), shortest first; elements are numbered through all cuboids."""

    columns: tuple[str, ...]
    cuboids: tuple[tuple[int, ...], ...]
    """Column positions of each cuboid."""
    element: Ints
    """Shape (c, n): the element of each row in each cuboid, numbered over the whole lattice."""
    offsets: npt.NDArray[np.int64]
    """Length c + 1: cuboid i owns the elements offsets[i]:offsets[i + 1]."""
    prior: Floats
    """Length c: log of the chance that a cause is one given element of the cuboid."""
    source: Ints
    """Length c: a cuboid of one column more whose elements add up to this one's; -1: add up the rows."""
    parent: Ints
    """Shape (c, m): for cuboid i, the element here of each element (counted from its first) of source[i]."""

    @property
    def elements(self) -> int:
        return int(self.offsets[-1])

    def cuboid_of(self, element: int) -> int:
        return int(np.searchsorted(self.offsets, element, side="right")) - 1

    def rows(self, element: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.element[self.cuboid_of(element)] == element)


def compress(codes: npt.NDArray[np.int64]) -> tuple[Ints, int]:
    """Codes renumbered without gaps, and how many there are."""
    top = int(codes.max()) + 1
    if top <= 4 * len(codes) + 1024:
        seen = np.zeros(top, dtype=np.int32)
        seen[codes] = 1
        number = np.cumsum(seen, dtype=np.int32) - 1
        return number[codes], int(number[-1]) + 1
    values, inverse = np.unique(codes, return_inverse=True)
    return inverse.astype(np.int32), len(values)


def build(columns: Mapping[str, Ints], max_depth: int) -> Lattice:
    """All column sets up to `max_depth`; none that only adds columns to a set that already names single rows,
    nor one that splits no element of a smaller set (it says the same with more words)."""
    names, base = [], []
    for name, codes in columns.items():
        dense, count = compress(np.asarray(codes, dtype=np.int64) - int(np.min(codes)))
        if count > 1:
            names.append(name)
            base.append((dense, count))
    n = len(base[0][0]) if base else 0
    found: dict[tuple[int, ...], tuple[Ints, int]] = {}
    tried: dict[int, int] = {}
    for depth in range(1, min(max_depth, len(names)) + 1):
        tried[depth] = comb(len(names), depth)
        for chosen in combinations(range(len(names)), depth):
            if depth == 1:
                found[chosen] = base[chosen[0]]
                continue
            smaller = [found.get(part) for part in combinations(chosen, depth - 1)]
            if any(part is None or part[1] == n for part in smaller):
                continue
            first = found[chosen[:-1]]
            last = base[chosen[-1]]
            dense, count = compress(first[0].astype(np.int64) * last[1] + last[0])
            if all(part is not None and count > part[1] for part in smaller):
                found[chosen] = (dense, count)
    sizes = np.array([count for _, count in found.values()], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    element = np.empty((len(found), n), dtype=np.int32)
    for i, (dense, _) in enumerate(found.values()):
        np.add(dense, np.int32(offsets[i]), out=element[i])
    prior = np.array(
        [-log(len(tried)) - log(tried[len(c)]) - log(count) for c, (_, count) in found.items()], dtype=np.float64
    )
    source, parent = _sources(tuple(found), element, offsets)
    return Lattice(tuple(names), tuple(found), element, offsets, prior, source, parent)


def _sources(cuboids: tuple[tuple[int, ...], ...], element: Ints, offsets: npt.NDArray[np.int64]) -> tuple[Ints, Ints]:
    sizes = np.diff(offsets)
    source = np.full(len(cuboids), -1, dtype=np.int32)
    for i, cuboid in enumerate(cuboids):
        finer = [j for j, c in enumerate(cuboids) if len(c) == len(cuboid) + 1 and set(cuboid) < set(c)]
        if finer:
            source[i] = min(finer, key=lambda j: sizes[j])
    wide = max((int(sizes[j]) for j in source if j >= 0), default=1)
    parent = np.zeros((len(cuboids), wide), dtype=np.int32)
    for i, j in enumerate(source):
        if j >= 0:
            parent[i, element[j] - offsets[j]] = element[i]
    return source, parent
