"""Calibration: from a view's nominal surprise to an honest p-value, by replay on history; then FDR over the run.

Every past row was judged on the walk by what stood before it; the counts of those surprises, pooled over all
series by stratum, are what a new surprise is compared with. Beyond the counts a generalised Pareto tail carries
on, so that a stranger row always has a smaller p-value (Pickands 1975; Coles, An Introduction to Statistical
Modeling of Extreme Values, ch. 4). Few counts lean on their neighbours, and those on the nominal law.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from detectors.strata import (
    BIN_WIDTH,
    BINS,
    MILD,
    STRATA,
    STRATUM_KINDS,
    T_EPISODES,
    T_ROWS,
    T_SERIES,
    T_SERIES_ROWS,
)
from detectors.views import SHIFT, VOLATILITY

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAN = 200.0
LEAN_NOMINAL = 600.0
"""How many points a stratum's parent (or the nominal law) stands for beside the stratum's own counts."""
DOUBT = 0.25
"""How fast a tail of which nothing is known falls with the surprise."""
ACCIDENTS = 0.015
"""Of past rows at most so many are accidents; where more are out of the ordinary, most of them are ordinary."""
REPEATS = 82.0
"""Past rows after which a second break of usual size surprises by MILD: e^4 x 1.5, the rate after one break being about
1.5 in so many rows. Of fewer rows, a series that breaks by nature cannot be told from one that had an accident."""
SPELLS = (SHIFT, VOLATILITY)
"""The views that are asked of several rows together, and for which a second break in a row is another matter."""
FLATTER = (0.5, 0.5, 0.5, 0.5, 0.5, 2.0)
"""Standard errors by which a tail is flatter than its fit, by step of support (`strata.stratum_of`). With a long past
it takes more than one to keep the promise: a wrong tail of one view out of twelve is enough to break it. By
`evals.detection`."""
SHAPE = 0.1
"""The shape of a carried tail: heavier than the exponential that fits its body."""


@dataclass(frozen=True)
class Law:
    """The upper tail of one view's surprises in one stratum: `log_tail[i]` = ln P(surprise >= i * BIN_WIDTH)."""

    n: float
    log_tail: Floats
    """Length BINS + 1, never increasing; log-linear in between."""
    last_slope: float
    """The tail's slope past the last bin, negative."""

    def log_p(self, surprise: Floats) -> Floats:
        """ln p of each surprise, <= 0 and strictly falling for surprises above 0."""
        at = np.maximum(surprise, 0.0) / BIN_WIDTH
        low = np.minimum(at.astype(np.int64), BINS - 1)
        part = np.minimum(at - low, 1.0)
        inside = self.log_tail[low] * (1.0 - part) + self.log_tail[low + 1] * part
        beyond = np.maximum(surprise - BINS * BIN_WIDTH, 0.0) * self.last_slope
        out: Floats = np.where(surprise <= 0.0, 0.0, inside + beyond)
        return out


def nominal_law() -> Law:
    """The law when nothing was counted: the surprise taken at its word.

    >>> round(float(np.exp(nominal_law().log_p(np.array([3.0]))[0])), 4)
    0.0498
    """
    return Law(0.0, np.asarray(-np.arange(BINS + 1) * BIN_WIDTH, np.float64), -1.0)


def fit_law(counts: Ints, parent: Law, lean: float = LEAN, errors: float = 1.0, spell: bool = False) -> Law:
    """The counts of one stratum, their tail smoothed by a generalised Pareto, leaning on `parent`.

    The tail begins where at most 5% lie above, of a view that seldom speaks at most half of what it ever said, and 20
    to 250 points: below that lies the gap between silence and the least that it says, which is no tail. Its shape is
    held between 0 (exponential) and 0.3, because surprises are logs already: a power law of errors is an exponential
    of surprises. It falls slower than its fit by so many standard `errors`.

    A view of a `spell` says about the same of every single break and far more of the second in a row: what lies above
    its middle is no tail of what lies below, and its tail begins where at most 5% of all rows lie above.
    """
    n = float(counts.sum())
    if n == 0:
        return parent
    above = np.append(counts[::-1].cumsum()[::-1], 0).astype(np.float64)
    tail = np.full(BINS + 1, -np.inf)
    with np.errstate(divide="ignore"):
        tail = np.log(above / n)
    k = int(np.clip(0.05 * n if spell else min(0.05 * n, 0.5 * above[1]), 20, 250))
    inside = np.flatnonzero(above >= k)
    start = int(inside[-1]) if len(inside) else 0
    start = max(start, 1)
    tail[start:] = _tail(counts, above, start, n, errors)
    mixed = np.logaddexp(np.log(n) + tail, np.log(lean) + parent.log_tail) - np.log(n + lean)
    mixed[0] = 0.0
    mixed = np.minimum.accumulate(mixed)
    return Law(n, mixed, min(mixed[-1] - mixed[-2], -1e-3) / BIN_WIDTH)


def _tail(counts: Ints, above: Floats, start: int, n: float, errors: float) -> Floats:
    edges = np.arange(start, BINS + 1)
    excess = (np.arange(start, BINS) - start + 0.5) * BIN_WIDTH
    held = counts[start:].astype(np.float64)
    total = held.sum()
    if total < 1:
        return np.asarray(np.log(1.0 / n) - DOUBT * (edges - start) * BIN_WIDTH)
    mean = float((held * excess).sum() / total)
    spread = float((held * (excess - mean) ** 2).sum() / total)
    shape = float(np.clip(0.5 * (1.0 - mean**2 / max(spread, 1e-9)), 0.0, 0.3)) if total >= 20 else 0.0
    scale = max(mean * (1.0 - shape), BIN_WIDTH) * (1.0 + errors / math.sqrt(total))
    y = (edges - start) * BIN_WIDTH
    log_beyond = -y / scale if shape < 1e-6 else -np.log1p(shape * y / scale) / shape
    return np.asarray(np.log(max(above[start], 0.5) / n) + log_beyond)


@dataclass(frozen=True)
class Counts:
    """What was counted on past rows. Counts of buckets add up, in any order, to the counts of all."""

    surprises: Ints
    """Shape (blocks, views, STRATA, BINS). Block 0 is history; block b the current rows that only blocks after
    them may stand on."""
    tally: Ints
    """Shape (blocks, TALLY), cumulative over blocks: rows, excursions and series by excursions so far."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.surprises + other.surprises, self.tally + other.tally)


@dataclass(frozen=True)
class Calibration:
    """The laws by block, view and stratum. Block 0 stands on history alone; later ones add the blocks before."""

    laws: tuple[tuple[tuple[Law, ...], ...], ...]
    points: tuple[int, ...]
    """Past rows behind each block."""
    speaking: npt.NDArray[np.bool_]
    """By view: False for one that had nothing to say on any past row; it takes no share in the combination."""

    def log_p(self, block: Ints, stratum: Ints, view: int, surprise: Floats) -> Floats:
        """ln p of each row's surprise of one view."""
        out = np.zeros(len(surprise))
        strange = surprise > 0.0
        code = block * STRATA + stratum
        for c in np.unique(code[strange]):
            here = strange & (code == c)
            law = self.laws[int(c) // STRATA][view][int(c) % STRATA]
            out[here] = law.log_p(surprise[here])
        return out

    def log_spoken(self, block: Ints, stratum: Ints, view: int) -> Floats:
        """ln of the share of past rows like each row of which the view said anything: of `size` those that broke."""
        said = np.array([[law.log_tail[1] for law in laws[view]] for laws in self.laws])
        return np.asarray(said[block, stratum], dtype=np.float64)


SOME = 30
FEW, TENTH = 100, 0.1
"""Where SOME past rows have been met, a view must have been asked of FEW or of a TENTH of them before it speaks."""
AMPLE = 5_000
"""Past rows from which history alone calibrates all blocks: current rows, judged or not, then add only doubt."""


def rows_met(surprises: Ints) -> int:
    """How many rows were counted, shape (views, STRATA, BINS): some views are asked of every one."""
    return int(surprises.sum(axis=(1, 2)).max())


def calibrate(counts: Sequence[Counts]) -> Calibration:
    """The laws from the counts of all buckets together."""
    first, *rest = counts
    for one in rest:
        first = first + one
    surprises = first.surprises.cumsum(axis=0)
    points = [rows_met(block) for block in surprises]
    laws: list[tuple[tuple[Law, ...], ...]] = []
    for block, tally, met in zip(surprises, first.tally, points, strict=True):
        if laws and points[0] >= AMPLE:
            laws.append(laws[0])
        else:
            laws.append(tuple(_of_view(v, of, tally, met) for v, of in enumerate(block)))
    said = surprises[0][..., 1:].sum(axis=(1, 2)) > 0
    speaking = said if points[0] >= AMPLE else np.ones(len(said), np.bool_)
    return Calibration(tuple(laws), tuple(points), speaking)


def _of_view(view: int, counts: Ints, tally: Ints, points: int) -> tuple[Law, ...]:
    """The laws of one view, by stratum; `points`: past rows in all.

    A view that could hardly be asked of a past row, though there are many, does not speak yet: its nominal law has
    never been held against anything, and on the first day that it may speak it would do so of every series at once.
    """
    if points >= SOME and counts.sum() < min(FEW, TENTH * points):
        return (Law(0.0, np.zeros(BINS + 1), -1e-9),) * STRATA
    nominal = nominal_law()
    spell = view in SPELLS
    n = STRATUM_KINDS
    pooled = [counts[kind::n].sum(axis=0) for kind in range(n)]
    kinds = [fit_law(one, nominal, LEAN_NOMINAL, spell=spell) for one in pooled]
    # A wild series is at least as strange as a calm one: beside few wild rows a nominal law would take every break of
    # a series that breaks by nature for a wonder.
    leant = [fit_law(one, kinds[k - 1], LEAN, spell=spell) if k % 2 else kinds[k] for k, one in enumerate(pooled)]
    shares = [natural_share(tally, sparse=False), natural_share(tally, sparse=True)]
    accidents = [ACCIDENTS, ACCIDENTS * min(1.0, rows_of_series(tally, sparse=True) / REPEATS)]
    laws = []
    own: list[Law] = []
    for i in range(STRATA):
        kind = i % n
        parent = own[i - n] if i >= n and not counts[i].any() else leant[kind]
        law = fit_law(counts[i], parent, errors=FLATTER[i // n], spell=spell)
        own.append(law)
        share = shares[kind // 2]
        if kind % 2 == 0 and share is not None:
            law = without_strangers(law, pooled[kind], kinds[kind + 1], share, accidents[kind // 2])
        laws.append(law)
    return tuple(laws)


def natural_share(tally: Ints, *, sparse: bool) -> float | None:
    """Of the calm series, the share that is wild by nature and has not shown it yet. None under 50 series.

    Mild excursions by nature (heavy tails, rare breaks) come back to the same series; accidents scatter. With a
    rate r of excursions in the rows of wild series and r0 in those of calm ones, a series of n rows is called wild
    by nature with the chance that Poisson(r n) is over the limit, by chance with that of Poisson(r0 n).
    """
    at, kind = (3, 2) if sparse else (0, 0)
    series = tally[T_SERIES + at : T_SERIES + at + 3].astype(float)
    if series.sum() < 50:
        return None
    rows = tally[T_ROWS + kind : T_ROWS + kind + 2].astype(float)
    begun = tally[T_EPISODES + kind : T_EPISODES + kind + 2].astype(float)
    n = rows_of_series(tally, sparse=sparse)
    by_nature, by_chance = pdtrc(
        np.floor(1.0 + 0.012 * n), n * (begun[::-1] + np.array([1.0, 0.0])) / (rows[::-1] + 20.0)
    )
    natural = (max(series[2] - series.sum() * by_chance, 0.0) + 1.0) / max(by_nature, 1e-3)
    return float(min(1.0, natural * (1.0 - by_nature) / max(series[:2].sum(), 1.0)))


def rows_of_series(tally: Ints, *, sparse: bool) -> float:
    """The mean past rows of a series."""
    at = 3 if sparse else 0
    series = float(tally[T_SERIES + at : T_SERIES + at + 3].sum())
    return float(tally[T_SERIES_ROWS + at : T_SERIES_ROWS + at + 3].sum()) / max(series, 1.0)


def without_strangers(law: Law, counts: Ints, later: Law, share: float, accidents: float) -> Law:
    """The law of calm series, freed of the accidents that history itself holds.

    An empirical null (Efron 2004): the body, where accidents are few, is fitted and carried on as a generalised
    Pareto tail. Two doubts are added: what the share of calm series that is wild by nature would show
    (`later` is the law of wild ones), and one row of the stratum, whatever it was. What was counted is never
    exceeded.
    """
    limit = int(MILD / BIN_WIDTH)
    above = counts[::-1].cumsum()[::-1].astype(float)
    body = above[1] - above[limit]
    edges = np.arange(BINS + 1)
    if body >= 30:
        want = above[limit] + np.clip(0.3 * body, 30, 1000)
        start = max(int(np.flatnonzero(above[:limit] >= want)[-1]), 1)
        slope = _slope(counts[start:limit])
        beyond = np.maximum(edges - start, 0)
        carried = law.log_tail[start] - np.log1p(-SHAPE * slope * beyond) / SHAPE
        carried = np.where(edges < start, 0.0, carried)
    else:
        carried = -edges * BIN_WIDTH
    natural = np.log(max(share, 1e-300)) + later.log_tail
    unseen = np.log(1.0 / max(law.n, 1.0)) - DOUBT * np.maximum(edges - limit, 0) * BIN_WIDTH
    allowed = np.logaddexp(np.logaddexp(carried, natural), unseen)
    mild = above[limit] / max(above[0], 1.0)
    with np.errstate(divide="ignore"):
        # what lies in the body was counted there, whatever law was fitted to it
        allowed[:limit] = np.logaddexp(allowed[:limit], np.log((above[:limit] - above[limit]) / max(above[0], 1.0)))
    if mild > accidents:
        allowed = np.logaddexp(allowed, np.log(1.0 - accidents / mild) + law.log_tail)
    tail = np.minimum(law.log_tail, allowed)
    tail[0] = 0.0
    tail = np.minimum.accumulate(tail)
    return Law(law.n, tail, min(tail[-1] - tail[-2], -1e-3) / BIN_WIDTH)


def _slope(counts: Ints) -> float:
    """The log slope per bin of a geometric law cut off at the end of `counts`, one standard error flatter."""
    k = np.arange(len(counts))
    n = float(counts.sum())
    mean = float((counts * k).sum()) / n
    low, high = 1e-4, 5.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        weight = np.exp(-middle * k)
        expected = float((weight * k).sum() / weight.sum())
        low, high = (middle, high) if expected > mean else (low, middle)
    weight = np.exp(-low * k)
    weight /= weight.sum()
    spread = float((weight * k**2).sum() - (weight * k).sum() ** 2)
    return -max(low - 1.0 / math.sqrt(n * max(spread, 1e-9)), 0.02)


def combine_log_p(log_p: Floats, weights: Floats) -> Floats:
    """One ln p for each row from the views' (shape (views, rows)), by the Cauchy combination.

    `weights`: one for each view, or one for each view and row; they are made to sum to 1.
    Safe under any dependence in the tail (Liu and Xie 2020). Deep in the tail tan((0.5 - p) pi) is 1 / (pi p),
    taken in logs, so that nothing underflows and nothing saturates.

    >>> p = np.log(np.array([[0.01], [1.0]])); round(float(np.exp(combine_log_p(p, np.array([0.5, 0.5])))[0]), 2)
    0.03
    """
    w = weights.reshape(len(weights), -1)
    w = w / w.sum(axis=0)
    p = np.clip(np.exp(log_p), 0.0, 0.97)
    deep = log_p < -25.0
    with np.errstate(divide="ignore"):
        shallow = np.where(deep, 0.0, w / np.tan(np.pi * np.maximum(p, 1e-12))).sum(axis=0)
        log_deep = np.where(deep, np.log(w) - log_p - np.log(np.pi), -np.inf)
    top = log_deep.max(axis=0)
    whole = np.isfinite(top)
    safe = np.where(whole, top, 0.0)
    log_sum = safe + np.log(np.maximum(np.where(deep, np.exp(log_deep - safe), 0.0).sum(axis=0), 1e-300))
    # 1 / tan of the sum gives p back; the shallow views add to a deep sum what they can
    deep_answer = -np.log(np.pi) - np.logaddexp(log_sum, np.log(np.maximum(shallow, 1e-300)))
    with np.errstate(divide="ignore"):
        shallow_answer = np.log(np.maximum(0.5 - np.arctan(shallow) / np.pi, 1e-300))
    answer = np.where(whole, deep_answer, shallow_answer)
    return np.asarray(np.where((log_p >= 0.0).all(axis=0), 0.0, np.minimum(answer, 0.0)))


def benjamini_hochberg(log_p: Floats, target: float, tests: int | None = None) -> float:
    """The largest ln p that is rejected at false discovery rate `target`; -inf when none is.

    Benjamini and Hochberg (1995), valid under the positive dependence of shared baselines (Benjamini and
    Yekutieli 2001). `tests` counts the tests when some are not listed.

    >>> round(float(np.exp(benjamini_hochberg(np.log(np.array([0.001, 0.04, 0.5, 0.9])), 0.1))), 3)
    0.04
    """
    m = len(log_p) if tests is None else tests
    if not len(log_p):
        return -np.inf
    ordered = np.sort(np.round(log_p, 9))
    limit = np.log(target) + np.log(np.arange(1, len(ordered) + 1)) - np.log(m)
    passed = np.flatnonzero(ordered <= limit)
    return float(ordered[passed[-1]]) if len(passed) else -np.inf
