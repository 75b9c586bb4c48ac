"""A flood: breaks of one cause all over the newest day, as no past day showed; a feed that failed is one problem.

Where a slice holds them, `detectors.concentrate` finds it by what lies outside. Of a whole file nothing lies outside:
it is held against its own earlier days.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.concentrate import ODDS, tail
from detectors.gathering import DAYS, SELDOM, Gathering, of_the_past
from detectors.localise import Slice
from recon.panel import Panel

LEAST: Final = 20
"""Breaks under which every one can be looked at by itself."""
SHARE: Final = 0.05
"""Of the day's rows that must break so: fewer are many problems rather than one."""
MOST: Final = 0.5
"""The share from which one earlier day is enough to say that this is new; below it takes DAYS."""
UNHEARD: Final = 1e-3
"""The chance at which several breaks of a pair that never broke are called: it is tried once for each pair."""

Rows = npt.NDArray[np.int64]


def flood(panel: Panel, rows: Rows, flag: npt.NDArray[np.bool_], slices: list[Slice]) -> tuple[Slice, Gathering] | None:
    """The breaks of one cause (`flag`) among the newest day's panel rows `rows`: a slice without parts, and what it is
    against its past, by positions in `rows`; or None.

    What lies in `slices` is explained and left out. It is a flood when chance at the past's own rate, all causes
    counted, brings so many less than once in 10,000 times (binomial tail), and when at most one past day in twenty
    had half the share: days differ by more than chance.
    """
    explained = np.isin(rows, np.concatenate([np.zeros(0, np.int64), *(s.rows for s in slices)]))
    where = np.flatnonzero(flag & ~explained)
    here, hits = rows[~explained], rows[where]
    if len(hits) < LEAST or len(hits) < SHARE * len(here):
        return None
    share = len(hits) / len(here)
    past = np.flatnonzero(of_the_past(panel) & (panel.day < panel.day[here].max()))
    days, at = np.unique(panel.day[past], return_inverse=True)
    if len(days) < (1 if share >= MOST else DAYS):
        return None
    broke = panel.is_break[past]
    before = int(np.count_nonzero(broke))
    rate = (before + 0.5) / (len(past) + 1)
    shown = np.bincount(at, weights=broke) / np.bincount(at) >= share / 2
    score = -tail(len(hits), len(here), rate) if share > rate else 0.0
    if score < -np.log(ODDS) or np.count_nonzero(shown) > SELDOM * len(days):
        return None
    return _of(panel, here, hits, rate, score), Gathering(where, -score, len(hits), len(here), before, len(past))


def unheard(panel: Panel, rows: Rows, flag: npt.NDArray[np.bool_]) -> Gathering | None:
    """Several breaks (`flag`, among the newest day's panel rows `rows`) of a pair that never broke before: each alone
    is as rare as counting can say, together they are rarer. None when chance brings as many once in 1,000 times, at
    the rate that is left possible (Laplace)."""
    where = np.flatnonzero(flag)
    if len(where) < 2:
        return None
    past = np.flatnonzero(of_the_past(panel) & (panel.day < panel.day[rows].max()))
    if panel.is_break[past].any() or len(np.unique(panel.day[past])) < DAYS:
        return None
    log_p = tail(len(where), len(rows), 1.0 / (len(past) + 2.0))
    return Gathering(where, log_p, len(where), len(rows), 0, len(past)) if log_p <= np.log(UNHEARD) else None


def _of(panel: Panel, here: Rows, hits: Rows, rate: float, score: float) -> Slice:
    amount = panel.diff[hits].astype(np.float64)
    size = np.maximum(np.abs(panel.left[hits]), np.abs(panel.right[hits])).astype(np.float64)
    off = np.divide(amount, size, out=np.zeros(len(hits)), where=size > 0)
    whole = float(np.abs(panel.diff[here][panel.is_break[here]].astype(np.float64)).sum())
    return Slice(
        parts={},
        rows=here,
        deviating=hits,
        coverage=float(np.abs(amount).sum()) / whole if whole else 0.0,
        count_coverage=len(hits) / max(int(np.count_nonzero(panel.is_break[here])), 1),
        purity=len(hits) / len(here),
        base_rate=rate,
        score=score,
        direction="above" if (amount > 0).all() else "below" if (amount < 0).all() else "mixed",
        deviation=float(np.median(off)),
        spread=float(np.median(np.abs(off - np.median(off)))),
    )
