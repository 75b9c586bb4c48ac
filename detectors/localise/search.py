"""The search: slices are taken one by one, the one that explains most first, until none is believable."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from detectors.localise import crowd, evidence, noise, siblings
from detectors.localise.lattice import Lattice, build
from detectors.localise.report import describe
from detectors.localise.run import Run
from detectors.localise.slice import Slice

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BELIEVED = 3.0
"""Log odds that a slice must reach."""
MOST = 40
"""Most slices taken before single rows are looked at."""
SHIFT = 6.0
"""Nats by which a location of its own must fit a slice better than zero."""
USUAL = 1.5
"""How many times the run's median deviation a slice of one common deviation must reach."""
ALONE, ALONE_BELIEVED = 20, 0.0
"""Most single rows reported, and the log odds each must reach: more of them are noise of another shape."""
WIDE, DEEP = 120, 6
"""How many small elements are weighed exactly, and how many leaders are fitted with all that contain them."""
SAMPLE = 4000
"""Rows of an element that are fitted; of more, every so many."""


def localise(
    columns: Mapping[str, npt.NDArray[np.int32]],
    actual: Floats,
    expected: Floats,
    *,
    max_depth: int | None = None,
) -> list[Slice]:
    """The slices whose rows deviate together, the best explained first; empty when nothing is shared.

    `columns`: codes by column, one for each row; `actual` and `expected` as long. Which side is which only turns
    the signs. A row that is as expected counts as evidence against the slices it lies in; a row of two zeros, or
    of nothing finite, says nothing. The shortest of equally good combinations is named. Slices of one row
    (`Slice.single`) are rows too far out for the run's own noise.

    >>> import numpy as np
    >>> codes = {"desk": np.repeat(np.arange(8), 50), "book": np.tile(np.arange(10), 40)}
    >>> expected = np.linspace(100, 900, 400)
    >>> actual = np.where(codes["desk"] == 3, expected * 0.8, expected)
    >>> [s.parts for s in localise(codes, actual, expected)]
    [{'desk': 3}]
    """
    given = np.nan_to_num(np.asarray(actual, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    wanted = np.nan_to_num(np.asarray(expected, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    share = noise.shares(given, wanted)
    live = np.flatnonzero((given != 0) | (wanted != 0))
    if not columns or len(live) < 2 or not np.any(share):
        return []
    depth = max_depth or (6 if len(columns) <= 6 else 4)
    lattice = build({k: np.asarray(v)[live] for k, v in columns.items()}, depth)
    own = share[live]
    level = noise.size_classes(given[live], wanted[live])
    bins = crowd.bins_of(own)
    order = np.argsort(own, kind="stable")
    chosen: list[int] = []
    null = noise.null_of(own, level, np.ones(len(live), dtype=bool))
    for _ in range(2):
        chosen, free = _greedy(Run(lattice, own, level, bins, null, order, int(level.max()) + 1))
        again = noise.null_of(own, level, free)
        if np.abs(again.density - null.density).mean() < 0.05:
            break
        null = again
    chosen = _without_echoes(lattice, own, chosen)
    far = np.zeros(len(share), dtype=bool)
    far[live] = np.abs(own) > np.maximum(3 * null.scale, noise.FLOOR)
    parts = [_parts(lattice, e, columns, live) for e in chosen]
    return describe(parts, columns, np.abs(given - wanted), share, live, far)


def _parts(lattice: Lattice, element: int, columns: Mapping[str, npt.NDArray[np.int32]], live: Rows) -> dict[str, int]:
    """The element's columns and codes, in the order the columns were given."""
    witness = live[lattice.rows(element)[0]]
    inside = {lattice.columns[i] for i in lattice.cuboids[lattice.cuboid_of(element)]}
    return {name: int(columns[name][witness]) for name in columns if name in inside}


def _greedy(run: Run) -> tuple[list[int], npt.NDArray[np.bool_]]:
    """The chosen elements, and the rows that none of them holds."""
    free = np.ones(len(run.share), dtype=bool)
    chosen: list[int] = []
    faint: list[tuple[int, float]] = []
    while len(chosen) < MOST and free.any():
        best, faint = _best(run, free)
        if best is None:
            break
        chosen.append(best)
        free[run.lattice.rows(best)] = False
    chosen += siblings.adopt(run, free, chosen, BELIEVED)
    alone, faint_rows = _singles(run, free)
    chosen += alone
    chosen += siblings.adopt(run, free, alone, BELIEVED)
    chosen += siblings.together(run, free, faint + faint_rows, BELIEVED)
    return chosen, free


def _best(run: Run, free: Mask) -> tuple[int | None, list[tuple[int, float]]]:
    """The element that explains most of the free rows: by sums first, then one by one those that may win.

    And the small ones that come near, with their log odds.
    """
    lattice, left = run.lattice, np.flatnonzero(free)
    among = run.crowd(free)
    ranks = crowd.rank_tables(run.bins[left], run.level[left], run.classes)
    values = np.zeros((len(free), evidence.COLUMNS))
    off = evidence.fill(
        run.share, run.bins, run.level, run.null.density, run.null.clear, free, among.table(), ranks, values
    )
    sums = np.zeros((lattice.elements, evidence.COLUMNS + 1))
    evidence.add_up(values, free, lattice.element, lattice.offsets, lattice.source, lattice.parent, sums)
    usual = USUAL * float(np.median(np.abs(run.share[left])))
    out = np.empty((lattice.elements, 2))
    evidence.scores(sums, lattice.offsets, lattice.prior, evidence.SPREADS, SHIFT, usual, out)
    _weigh_small(run, free, among, off, sums[:, 0], out)
    odds = np.minimum(out[:, 0], out[:, 1])
    near = np.flatnonzero((odds > siblings.FAINT) & (odds <= BELIEVED) & (sums[:, 0] <= siblings.SURE))
    out[odds < BELIEVED, 1] = -np.inf
    return _contest(run, values, free, out[:, 1]), [(int(e), float(odds[e])) for e in near]


def _weigh_small(run: Run, free: Mask, among: crowd.Crowd, off: Floats, count: Floats, out: Floats) -> None:
    """Overwrites the evidence of the leading small elements with the exact one."""
    lattice = run.lattice
    small = np.flatnonzero((count <= evidence.SMALL) & (out[:, 0] > BELIEVED) & np.isfinite(out[:, 1]))
    small = small[np.argsort(-out[small, 1])]
    out[small[WIDE:], 1] = -np.inf
    for e in small[:WIDE]:
        c = lattice.cuboid_of(int(e))
        r = np.flatnonzero((lattice.element[c] == e) & free)
        null, over = evidence.weigh_small(
            run.share[r],
            run.bins[r],
            run.level[r],
            run.null.density[r],
            among.counts,
            among.whole,
            among.wide,
            among.rows,
            crowd.WIDTHS,
            off,
            evidence.SPREADS,
        )
        out[e] = null + lattice.prior[c], over + lattice.prior[c]


def _contest(run: Run, values: Floats, free: Mask, over: Floats) -> int | None:
    """The best of the leading elements and all that contain them, rows of other causes let pass."""
    lattice = run.lattice
    leading = np.argpartition(-over, min(DEEP, len(over) - 1))[:DEEP]
    tried = {int(e): float(over[e]) for e in leading if over[e] > 0}
    done: set[int] = set()
    for e in list(tried):
        witness = lattice.rows(e)[0]
        own = set(lattice.cuboids[lattice.cuboid_of(e)])
        for c, cuboid in enumerate(lattice.cuboids):
            parent = int(lattice.element[c, witness])
            if set(cuboid) <= own and parent not in done:
                done.add(parent)
                gain, fitted = _fit(run, c, parent, values, free)
                if min(gain, fitted) > BELIEVED:
                    tried[parent] = max(tried.get(parent, -np.inf), fitted)
    return max(tried, key=lambda e: (tried[e], -e)) if tried else None


def _fit(run: Run, cuboid: int, element: int, values: Floats, free: Mask) -> tuple[float, float]:
    lattice = run.lattice
    count = np.count_nonzero(lattice.element[cuboid] == element)
    rows = evidence.gather(lattice.element[cuboid], element, run.order, free, values, SAMPLE)
    if len(rows) < 2:
        return -np.inf, -np.inf
    stands_for = max(min(count, np.count_nonzero(free)) / SAMPLE, 1.0) if len(rows) >= SAMPLE else 1.0
    over_null, over_all, mu, tau, pi = evidence.fit_one(rows[:, 0], rows[:, 1], rows[:, 2], stands_for)
    if abs(mu) < tau or pi < 0.5:
        return -np.inf, -np.inf
    return over_null + lattice.prior[cuboid], over_all + lattice.prior[cuboid]


def _without_echoes(lattice: Lattice, share: Floats, chosen: list[int]) -> list[int]:
    """A slice inside another one that deviates the same way says nothing new."""
    kept: list[int] = []
    rows = {e: lattice.rows(e) for e in chosen}
    for e in chosen:
        inner = share[rows[e]]
        echo = False
        for other in chosen:
            if other == e or len(rows[other]) <= len(rows[e]) or not np.isin(rows[e], rows[other]).all():
                continue
            outer = share[np.setdiff1d(rows[other], rows[e])]
            gap, wide = abs(np.median(inner) - np.median(outer)), _spread(inner) + _spread(outer)
            echo = echo or bool(np.median(inner) * np.median(outer) > 0 and gap < 2 * wide)
        if not echo:
            kept.append(e)
    return kept


def _spread(share: Floats) -> float:
    return 1.4826 * float(np.median(np.abs(share - np.median(share))))


def _singles(run: Run, free: npt.NDArray[np.bool_]) -> tuple[list[int], list[tuple[int, float]]]:
    """Rows too far out for the background, each by the shortest combination that names it alone; and those that
    come near, with their log odds.

    Where most rows match exactly, every row left over that does not is such a row. None when they are many:
    then they are noise, of a shape that the background missed.
    """
    lone = -np.log(2.0) - noise.two_sided(run.share, run.level, free)
    off = np.abs(run.share) > noise.FLOOR
    exact = 1 - np.mean(off[free]) if free.any() else 0.0
    if exact >= 0.5:
        rows = np.flatnonzero(free & off)
        return ([e for e in (_name(run, int(r)) for r in rows) if e >= 0], []) if len(rows) <= ALONE // 4 else ([], [])
    if not run.lattice.prior.size:
        return [], []
    odds = lone + run.lattice.prior.min()
    rows = np.flatnonzero(free & (odds > ALONE_BELIEVED))
    if len(rows) > ALONE:
        return [], []
    alone = [e for e in (_name(run, int(r)) for r in rows) if e >= 0]
    free[rows] = False
    near = np.flatnonzero(free & (odds > siblings.FAINT))
    near = near[np.argsort(-odds[near])[: siblings.SEEDS]]
    return alone, [(e, float(odds[r])) for r in near if (e := _name(run, int(r))) >= 0]


def _name(run: Run, row: int) -> int:
    """The shortest combination that holds this row alone; -1: there is none."""
    for c in range(len(run.lattice.cuboids)):
        e = run.lattice.element[c, row]
        if np.count_nonzero(run.lattice.element[c] == e) == 1:
            return int(e)
    return -1
