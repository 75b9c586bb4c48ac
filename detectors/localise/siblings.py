"""Siblings: a cause often hits several values of the same columns alike; one found makes the next believable."""

import numpy as np

from detectors.localise.evidence import narrowest, same_place
from detectors.localise.run import Floats, Mask, Rows, Run

LIKELY = 0.4
"""How often a cause has one slice more in the same columns."""
STRAY = 0.02
"""Share of rows that may be off differently."""
SPREADS = np.array([0.015, 0.04, 0.1])
"""Spreads tried when one slice is too small to tell its own."""
SURE = 8
"""Rows from which on a slice tells its own spread."""
MOST = 5
"""Most siblings taken for one slice."""
SEEDS = 10
FAINT = -8.0
"""Log odds from which on a slice that is not believable alone is tried with its siblings."""


def location(share: Floats) -> tuple[float, Floats]:
    """Where the rows of a slice lie, and the spreads to try around it."""
    middle = float(np.median(share))
    if len(share) < SURE:
        return middle, SPREADS
    own = 1.4826 * float(np.median(np.abs(share - middle)))
    return middle, np.array([max(own, narrowest(middle)) * np.sqrt(1 + 1.5 / len(share))])


def gains(run: Run, free: Mask, log_others: Floats, cuboid: int, rows: Rows) -> Floats:
    """For each element of the cuboid the log odds that it is a sibling of the slice of `rows`."""
    middle, spreads = location(run.share[rows])
    offset, end = int(run.lattice.offsets[cuboid]), int(run.lattice.offsets[cuboid + 1])
    out = np.empty(end - offset)
    same_place(run.share, free, run.lattice.element[cuboid], offset, log_others, middle, spreads, STRAY, out)
    return np.asarray(out - np.log(end - offset) + np.log(LIKELY))


def _top(gain: Floats, least: float, most: int) -> list[int]:
    """The largest gains over `least`, best first."""
    over = np.flatnonzero(gain > least)
    return [int(k) for k in over[np.argsort(-gain[over])][:most]]


def adopt(run: Run, free: Mask, chosen: list[int], believed: float) -> list[int]:
    """The siblings of the chosen elements that deviate more than is usual; takes their rows off the free ones."""
    lattice, found = run.lattice, []
    usual = 1.5 * float(np.median(np.abs(run.share[free]))) if free.any() else 0.0
    for e in chosen:
        cuboid, rows = lattice.cuboid_of(e), lattice.rows(e)
        middle, spreads = location(run.share[rows])
        if spreads[0] > 0.5 * abs(middle) or abs(middle) < usual:
            continue
        others = run.crowd(free).log_density(run.bins, run.level, own=1.0)
        gain = gains(run, free, others, cuboid, rows)
        for k in _top(gain, believed, MOST):
            sibling = int(lattice.offsets[cuboid]) + k
            found.append(sibling)
            free[lattice.rows(sibling)] = False
    return found


def together(run: Run, free: Mask, faint: list[tuple[int, float]], believed: float) -> list[int]:
    """Elements that are believable only together: a faint one, and siblings that lie where it lies."""
    lattice, found = run.lattice, []
    others = run.crowd(free).log_density(run.bins, run.level, own=1.0)
    for e, odds in sorted(faint, key=lambda item: -item[1])[:SEEDS]:
        rows = lattice.rows(e)
        if not free[rows].all():
            continue
        cuboid = lattice.cuboid_of(e)
        rest = free.copy()
        rest[rows] = False
        gain = gains(run, rest, others, cuboid, rows)
        with_it = _top(gain, 0.0, 2)
        if odds + sum(gain[k] for k in with_it) > believed:
            for member in (e, *(int(lattice.offsets[cuboid]) + k for k in with_it)):
                found.append(member)
                free[lattice.rows(member)] = False
    return found
