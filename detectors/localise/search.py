"""The search: slices are taken one by one, the one that explains most first, until none is believable."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from detectors.localise import noise, siblings
from detectors.localise.evidence import ALL, NULL, SMALL, SPREADS, add_up, fit_one, scores, weigh_small
from detectors.localise.lattice import Lattice, build
from detectors.localise.run import Run
from detectors.localise.slice import Slice

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BELIEVED = 3.0
"""Log odds that a slice must reach."""
MOST = 40
SHIFT = 6.0
USUAL = 1.5
ALONE, ALONE_BELIEVED = 20, 0.0
"""Most single rows reported, and the log odds each must reach: more of them are noise of another shape."""
WIDE, DEEP = 200, 6


def localise(
    columns: Mapping[str, npt.NDArray[np.int32]],
    actual: Floats,
    expected: Floats,
    *,
    max_depth: int | None = None,
) -> list[Slice]:
    """The slices whose rows deviate together, the best explained first; empty when nothing is shared.

    >>> import numpy as np
    >>> codes = {"desk": np.repeat(np.arange(8), 50), "book": np.tile(np.arange(10), 40)}
    >>> expected = np.linspace(100, 900, 400)
    >>> actual = np.where(codes["desk"] == 3, expected * 0.8, expected)
    >>> [s.parts for s in localise(codes, actual, expected)]
    [{'desk': 3}]
    """
    share = noise.shares(np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64))
    live = np.flatnonzero((np.asarray(actual) != 0) | (np.asarray(expected) != 0))
    if not columns or len(live) < 2 or not np.any(share):
        return []
    depth = max_depth or (6 if len(columns) <= 6 else 4)
    lattice = build({k: np.asarray(v)[live] for k, v in columns.items()}, depth)
    own = share[live]
    level = noise.size_classes(np.asarray(actual)[live], np.asarray(expected)[live])
    bins = noise.bins_of(own)
    chosen: list[int] = []
    null = noise.null_of(own, level, np.ones(len(live), dtype=bool))
    for _ in range(2):
        chosen, free = _greedy(Run(lattice, own, level, bins, null))
        again = noise.null_of(own, level, free)
        if np.abs(again.density - null.density).mean() < 0.05:
            break
        null = again
    chosen = _without_echoes(lattice, own, chosen)
    return _report(lattice, chosen, columns, live, np.asarray(actual), np.asarray(expected), share, null.scale)


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


def _best(run: Run, free: npt.NDArray[np.bool_]) -> tuple[int | None, list[tuple[int, float]]]:
    """The element that explains most of the free rows: by sums first, then one by one those that may win.

    And the small ones that come near, with their log odds.
    """
    lattice = run.lattice
    crowd = run.crowd(free)
    everyone = crowd.log_density(run.bins, run.level)
    off, loose = noise.loose_models(run.share, run.level, run.null, everyone, free)
    tilts = noise.tilts(run.bins, run.level, free)
    values = np.column_stack([run.share, run.share * run.share, run.null.density, everyone, loose, tilts])
    sums = np.zeros((lattice.elements, values.shape[1] + 1))
    add_up(values, free, lattice.element, lattice.offsets, lattice.source, lattice.parent, sums)
    usual = USUAL * float(np.median(np.abs(run.share[free])))
    out = np.empty((lattice.elements, 2))
    scores(sums, lattice.offsets, lattice.prior, SPREADS, SHIFT, usual, out)
    _weigh_small(run, free, crowd, off, sums[:, 0], out)
    odds = np.minimum(out[:, 0], out[:, 1])
    near = np.flatnonzero((odds > siblings.FAINT) & (odds <= BELIEVED) & (sums[:, 0] <= siblings.SURE))
    out[odds < BELIEVED, 1] = -np.inf
    return _contest(lattice, values, free, out[:, 1]), [(int(e), float(odds[e])) for e in near]


def _weigh_small(
    run: Run, free: npt.NDArray[np.bool_], crowd: noise.Crowd, off: Floats, count: Floats, out: Floats
) -> None:
    """Overwrites the evidence of the leading small elements with the exact one."""
    lattice = run.lattice
    small = np.flatnonzero((count <= SMALL) & (out[:, 0] > BELIEVED) & np.isfinite(out[:, 1]))
    out[small[np.argsort(-out[small, 1])[WIDE:]], 1] = -np.inf
    for e in small[np.argsort(-out[small, 1])[:WIDE]]:
        c = lattice.cuboid_of(int(e))
        r = np.flatnonzero((lattice.element[c] == e) & free)
        null, over = weigh_small(
            run.share[r],
            run.bins[r],
            run.level[r],
            run.null.density[r],
            crowd.counts,
            crowd.whole,
            crowd.wide,
            crowd.rows,
            noise.WIDTHS,
            off,
            SPREADS,
        )
        out[e] = null + lattice.prior[c], over + lattice.prior[c]


def _contest(lattice: Lattice, values: Floats, free: npt.NDArray[np.bool_], over: Floats) -> int | None:
    """The best of the leading elements and all that contain them, rows of other causes let pass."""
    leading = np.argsort(-over)[:DEEP]
    tried = {int(e): float(over[e]) for e in leading if over[e] > 0}
    for e in list(tried):
        witness = lattice.rows(e)[0]
        own = set(lattice.cuboids[lattice.cuboid_of(e)])
        for c, cuboid in enumerate(lattice.cuboids):
            if set(cuboid) <= own:
                parent = int(lattice.element[c, witness])
                if parent not in tried or parent == e:
                    gain, fitted = _fit(lattice, c, parent, values, free)
                    if min(gain, fitted) > BELIEVED:
                        tried[parent] = max(tried.get(parent, -np.inf), fitted)
    return max(tried, key=lambda e: tried[e]) if tried else None


def _fit(
    lattice: Lattice, cuboid: int, element: int, values: Floats, free: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    inside = np.flatnonzero((lattice.element[cuboid] == element) & free)
    ordered = values[inside[np.argsort(values[inside, 0])]]
    over_null, over_all, mu, tau, pi = fit_one(ordered[:, 0], ordered[:, NULL - 1], ordered[:, ALL - 1])
    if len(inside) < 2 or abs(mu) < tau or pi < 0.5:
        return -np.inf, -np.inf
    prior = lattice.prior[cuboid]
    return over_null + prior, over_all + prior


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
            echo = echo or (np.median(inner) * np.median(outer) > 0 and gap < 2 * wide)
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
        return ([e for e in (_name(run, r) for r in rows) if e >= 0], []) if len(rows) <= ALONE // 4 else ([], [])
    odds = lone + run.lattice.prior.min()
    rows = np.flatnonzero(free & (odds > ALONE_BELIEVED))
    if len(rows) > ALONE:
        return [], []
    alone = [e for e in (_name(run, r) for r in rows) if e >= 0]
    free[rows] = False
    near = np.flatnonzero(free & (odds > siblings.FAINT))
    near = near[np.argsort(-odds[near])[: siblings.SEEDS]]
    return alone, [(e, float(odds[r])) for r in near if (e := _name(run, r)) >= 0]


def _name(run: Run, row: int) -> int:
    """The shortest combination that holds this row alone; -1: there is none."""
    for c in range(len(run.lattice.cuboids)):
        e = run.lattice.element[c, row]
        if np.count_nonzero(run.lattice.element[c] == e) == 1:
            return int(e)
    return -1


def _report(
    lattice: Lattice,
    chosen: list[int],
    columns: Mapping[str, npt.NDArray[np.int32]],
    live: Rows,
    actual: Floats,
    expected: Floats,
    share: Floats,
    scale: Floats,
) -> list[Slice]:
    n = len(actual)
    amount = np.abs(actual - expected)
    far = np.zeros(n, dtype=bool)
    far[live] = np.abs(share[live]) > np.maximum(3 * scale, noise.FLOOR)
    parts_rows = []
    outside = np.ones(n, dtype=bool)
    for e in chosen:
        cuboid = lattice.cuboids[lattice.cuboid_of(e)]
        witness = live[lattice.rows(e)[0]]
        parts = {lattice.columns[i]: int(columns[lattice.columns[i]][witness]) for i in cuboid}
        inside = np.ones(n, dtype=bool)
        for name, code in parts.items():
            inside &= columns[name] == code
        outside &= ~inside
        parts_rows.append((parts, inside))
    base = float(far[outside].mean()) if outside.any() else 0.0
    out = []
    for parts, inside in parts_rows:
        rows = np.flatnonzero(inside)
        hit = rows[far[rows]]
        typical = float(np.median(share[hit])) if len(hit) else 0.0
        out.append(
            Slice(
                parts={k: parts[k] for k in columns if k in parts},
                rows=rows,
                deviating=hit,
                coverage=float(amount[hit].sum() / max(amount[far].sum(), 1e-300)),
                count_coverage=len(hit) / max(int(far.sum()), 1),
                purity=len(hit) / max(int(np.isin(rows, live).sum()), 1),
                base_rate=base,
                score=0.0,
                direction="above" if typical > 0 else "below",
                deviation=typical,
                spread=float(1.4826 * np.median(np.abs(share[hit] - typical))) if len(hit) else 0.0,
            )
        )
    return out
