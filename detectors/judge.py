"""Judging: from a panel to one calibrated answer for each current row, in steps that buckets can share.

    counted  = total([survey(p) for p in panels])           # what groups look like
    observed = [observe(p, calendar, counted) for p in panels]   # one walk over each series
    law      = calibrate([o.counts for o in observed])      # honest p-values, by replay
    forest   = plant([o.sample for o in observed])          # None when there are few past breaks
    answers  = combine([conclude(p, o, law, counted, forest=forest) for ...], target_fdr=0.1)

`judge` does all of it for one panel. Nothing depends on the order of buckets: what is shared are integer counts.
A row is judged by earlier rows only: its forecast by its series' own earlier rows, its p-value by the counts of
history and of current rows in earlier blocks of time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detectors import walk as w
from detectors.blocks import block_edges, count_blocks, rounded, time_of
from detectors.borrowed import borrowed
from detectors.calibration import SOME, Calibration, Counts, calibrate, combine_log_p, rows_met
from detectors.calling import combine
from detectors.forest import CANDIDATE, SERIES, Forest, Sample, features_of, plant, scrambled
from detectors.judgement import Judgement
from detectors.learning import NOBODY, Lessons
from detectors.lessons import score_of_surprise, seen_of, surprise_of_score, worth_looking
from detectors.long_series import Own, own_answers
from detectors.panel_rows import PanelRows, Terms
from detectors.past import WINDOWS, fresh
from detectors.patterns import patterns
from detectors.rules import QUIET
from detectors.slots import slots
from detectors.strata import (
    BINS,
    STRATA,
    STRATUM_KINDS,
    TALLY,
)
from detectors.survey import BREAKS as SURVEYED_BREAKS
from detectors.survey import ROWS as SURVEYED_ROWS
from detectors.survey import Survey, priors, survey
from detectors.views import (
    BREAKS,
    CHANGE,
    DRIFT,
    ECHO,
    FOREST,
    LEVEL,
    MATCH,
    NAMES,
    RATIO,
    SIDES,
    SIZE,
    VIEWS,
    WALKED,
)
from recon.calendar import BusinessCalendar
from recon.cutting import rows_of
from recon.panel import Panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PROMISED = 20
"""Supporting points from which an answer stands under the promise."""
CHUNKS = 64
FAINT = 2.3
"""-ln p that a drift inside tolerance has at most for being on its way to one: of the rows within tolerance it comes
first, but p stays above 0.1, so that no target rate up to that calls it."""
GROWN = 3
"""The step of support (`strata.stratum_of`) from which the degrees of freedom grow no more."""
SIZED = 5
"""Past breaks from which the size of one more says something (`survey.priors` lends sizes from as many)."""
BEYOND_SIZE = 20.0
"""How many times rarer the views of distance may call a break of a young series than its size is. With their shares it
makes p at most four times as small, and calling all that breaks by nature takes ten. By `evals.detection`."""
BAND = 2.5758293035489004
"""The band holds 99% of rows when nothing is wrong."""


@dataclass(frozen=True)
class Observed:
    """What one walk over a panel found for its current rows, and what it counted on the past ones."""

    rows: Ints
    wide: Floats
    narrow: npt.NDArray[np.float32]
    counts: Counts
    block: Ints
    """Each current row's block."""
    level: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32]
    series: Ints
    sample: Sample
    """What the forest is trained on."""
    alone: Own
    """What long series say of their own rows."""


def judge(
    panel: Panel,
    *,
    calendar: BusinessCalendar,
    target_fdr: float = 0.1,
    budget: int | None = None,
    lessons: Lessons | None = None,
) -> Judgement:
    """One panel from beginning to end."""
    counted = survey(panel)
    observed = observe(panel, calendar, counted)
    law, forest = calibrate([observed.counts]), plant([observed.sample])
    answer = conclude(panel, observed, law, counted, forest=forest, lessons=lessons)
    return combine([answer], target_fdr=target_fdr, budget=budget)[0]


@dataclass(frozen=True)
class Walked:
    """What one walk over a bucket found: arrays by its current rows, counts of its past ones."""

    wide: Floats
    narrow: npt.NDArray[np.float32]
    hist: Ints
    tally: Ints
    level: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32]
    sample: Sample
    alone: Own


def observe(panel: Panel, calendar: BusinessCalendar, counted: Survey, edges: Ints | None = None) -> Observed:
    """Walks every series once. `edges`: the times at which blocks begin, from `block_edges`; None: the panel's own."""
    return observed(panel, [walk_through(panel, calendar, counted)], edges)


def walk_through(panel: Panel, calendar: BusinessCalendar, counted: Survey) -> Walked:
    """One bucket, each of its series once."""
    borrowed = priors(panel, counted)
    wide, narrow, hist, tally = walk_panel(panel, calendar, borrowed.table, store_all=False)
    series = panel.series_of_rows()[panel.current]
    sample = _sampled(panel, calendar, borrowed.table)
    alone = own_answers(panel, np.flatnonzero(panel.current))
    return Walked(wide, narrow, hist, tally, borrowed.level[series], borrowed.group[series], sample, alone)


def observed(panel: Panel, walks: Sequence[Walked], edges: Ints | None = None) -> Observed:
    """All buckets' walks as one. Of `panel` only the current rows are looked at, in the order of the buckets."""
    rows = np.flatnonzero(panel.current)
    narrow = np.concatenate([one.narrow for one in walks])
    hist = np.sum([one.hist for one in walks], axis=0)
    tally = np.sum([one.tally for one in walks], axis=0)
    times = time_of(panel)[rows]
    edges = block_edges(times, rows_met(hist)) if edges is None else edges
    block = np.searchsorted(edges, times, side="right").astype(np.int64)
    series = panel.series_of_rows()[rows]
    counts = Counts(np.zeros((len(edges) + 1, *hist.shape), np.int64), np.repeat(tally[None], len(edges) + 1, axis=0))
    counts.surprises[0] = hist
    if len(edges):
        count_blocks(counts, narrow, block, panel.excluded[rows], series)
    first, *rest = [one.sample for one in walks]
    return Observed(
        rows,
        np.concatenate([one.wide for one in walks]),
        narrow,
        counts,
        block,
        np.concatenate([one.level for one in walks]),
        np.concatenate([one.group for one in walks]),
        series,
        sum(rest, first),
        Own(
            np.concatenate([one.alone.log_p for one in walks]),
            np.concatenate([one.alone.question for one in walks]),
        ),
    )


def _sampled(panel: Panel, calendar: BusinessCalendar, prior: Floats) -> Sample:
    """The past breaks of the panel's series with the smallest hashes, as the views saw them."""
    hashes = scrambled(panel.series_id)
    drawn = np.sort(hashes)[:SERIES]
    if panel.current.all() or panel.pair.right is None or not panel.n:
        return Sample(np.zeros(0, np.uint64), np.zeros((0, WALKED + 1)), drawn)
    mine = hashes <= drawn[-1]
    few = rows_of(panel, np.repeat(mine, np.diff(panel.offsets)))
    _, narrow, _, _ = walk_panel(few, calendar, prior[mine], store_all=True)
    wanted = few.is_break & ~few.current & ~few.excluded & (narrow[:, w.SUPPORT] >= 1)
    size = np.abs(few.diff) / np.maximum(few.tolerance, 1)
    features = features_of(narrow[wanted, :WALKED], size[wanted])
    return Sample(np.repeat(hashes[mine], np.diff(few.offsets))[wanted], features, drawn)


def _log_chance_of_a_break(counted: Survey, points: int) -> float:
    """ln of the chance that a row breaks, by the rule of succession (Laplace); `points`: past rows in all.

    The survey looks at the newest rows of each series alone: where none of them broke, none of all is taken to have.
    """
    breaks, rows = (int(counted.sums[-1][:, column].sum()) for column in (SURVEYED_BREAKS, SURVEYED_ROWS))
    return -math.log((max(rows, points) if not breaks else rows) + 2.0) + math.log(breaks + 1.0)


def walk_panel(
    panel: Panel, calendar: BusinessCalendar, prior: Floats, *, store_all: bool
) -> tuple[Floats, npt.NDArray[np.float32], Ints, Ints]:
    """All series in parallel: wide and narrow output of the stored rows, then counts and tally of past ones."""
    place = slots(panel, calendar)
    stored = np.ones(panel.n, np.bool_) if store_all else panel.current
    before = np.concatenate([[0], np.cumsum(stored, dtype=np.int64)])
    m = int(before[-1])
    wide = np.zeros((m, w.WIDE))
    narrow = np.zeros((m, w.NARROW), np.float32)
    chunks = np.linspace(0, panel.s, min(CHUNKS, max(panel.s, 1)) + 1).astype(np.int64)
    hist = np.zeros((len(chunks) - 1, WALKED, STRATA, BINS), np.int32)
    tally = np.zeros((len(hist), TALLY), np.int64)
    rows = PanelRows(
        panel.current, panel.excluded, panel.day, panel.diff, panel.left, panel.right, panel.is_break,
        panel.tolerance, place.first, place.second,
    )  # fmt: skip
    pace = w.pace_of(place.rows_a_day)
    terms = Terms(10.0**-panel.scale, panel.pair.right is not None, place.n_first, *pace, store_all)
    slots_in_all = place.n_first + place.n_second
    pasts, windows = np.repeat(fresh(), len(chunks)), np.zeros(len(chunks) - 1, WINDOWS)
    found = w.Found(wide, narrow, hist, tally)
    w.walk_all(
        panel.offsets, rows, terms, slots_in_all, prior, before[panel.offsets[:-1]], chunks, pasts, windows, found
    )
    return wide, narrow, hist.sum(axis=0, dtype=np.int64), tally.sum(axis=0)


def conclude(
    panel: Panel,
    observed: Observed,
    calibration: Calibration,
    counted: Survey,
    *,
    forest: Forest | None = None,
    lessons: Lessons | None = None,
) -> Judgement:
    """p-values, scores, bands and patterns of one panel; `anomaly` is decided by `combine`."""
    rows, wide, narrow = observed.rows, observed.wide, observed.narrow
    x = panel.values()[rows]
    tolerance = np.asarray(panel.tolerance[rows] * 10.0**-panel.scale, dtype=np.float64)
    stratum = narrow[:, w.STRATUM].astype(np.int64)
    log_p = np.zeros((len(VIEWS), len(rows)))
    for view in range(WALKED):
        log_p[view] = calibration.log_p(observed.block, stratum, view, rounded(narrow[:, view]))
    is_break = panel.is_break[rows]
    weights = _shares(stratum, is_break | (panel.pair.right is None))
    sparse = is_break & (stratum % STRATUM_KINDS >= 2)
    rate = calibration.log_spoken(observed.block, stratum, SIZE)
    of_a_break = _log_chance_of_a_break(counted, calibration.points[0])
    young = sparse & (stratum // STRATUM_KINDS < GROWN) & (np.array(calibration.points)[observed.block] >= SOME)
    # where hardly any broke yet there are no sizes to hold a first break to, and no flood
    young &= counted.sums[-1][:, SURVEYED_BREAKS].sum() >= SIZED
    _hold_to_size(log_p, young, np.minimum(rate, of_a_break) if panel.pair.kind == "text" else None)
    used = np.ones(len(VIEWS), np.bool_)
    used[WALKED:] = False
    used[:WALKED] &= calibration.speaking
    if panel.pair.right is None:
        used[[BREAKS, SIZE, DRIFT, RATIO, SIDES, ECHO]] = False
    # where no view may speak, a break is as strange as breaks are rare
    never = np.where(is_break, of_a_break, 0.0)
    combined = _of_break(combine_log_p(log_p[used], weights[used]), sparse, rate) if used.any() else never
    if forest is not None and used.any():
        asked = np.flatnonzero(is_break & (combined <= CANDIDATE))
        size = np.abs(panel.diff[rows[asked]]) / np.maximum(panel.tolerance[rows[asked]], 1)
        log_p[FOREST, asked] = forest.log_p(features_of(narrow[asked, :WALKED], size))
        used[FOREST] = True
        combined = _of_break(combine_log_p(log_p[used], weights[used]), sparse, rate)
    combined = np.minimum(combined, -FAINT * (rounded(narrow[:, w.BEGUN]) / 2.0) ** 2)
    own = narrow[:, w.SUPPORT] >= 1
    expected = wide[:, w.EXPECTED].copy()
    scale = wide[:, w.SCALE]
    half = np.maximum(half_band(narrow[:, w.NU].astype(np.float64), scale, narrow[:, w.SUPPORT]), tolerance)
    if panel.pair.kind == "text":
        half = tolerance
    low, high = expected - half, expected + half
    level = np.where(own, np.int8(-1), observed.level).astype(np.int8)
    known = np.where(own, np.isfinite(scale), False)
    for i in np.flatnonzero(~known & (observed.level >= 0)):
        lent = borrowed(panel, counted, int(observed.level[i]), int(observed.group[i]), float(x[i]))
        if lent is None:
            continue
        known[i] = True
        level[i] = observed.level[i]
        combined[i], expected[i], low[i], high[i] = lent
        if not panel.is_break[rows[i]] and panel.pair.right is not None:
            combined[i] = 0.0
    alone = observed.alone
    combined = np.asarray(np.round(np.where(np.isfinite(alone.log_p), alone.log_p, combined), 9), np.float64)
    size = np.abs(x) / np.maximum(tolerance, 10.0**-panel.scale)
    score = _score(combined, known | np.isfinite(alone.log_p), size)
    names = {name: np.exp(log_p[i]) for i, name in enumerate(NAMES)}
    with np.errstate(invalid="ignore"):
        side = {
            side: np.exp(-narrow[:, column].astype(np.float64)) for side, column in (("l", w.S_LEFT), ("r", w.S_RIGHT))
        }
    answer = Judgement(
        rows=rows,
        score=score,
        pvalue=np.where(known, np.exp(combined), np.nan),
        anomaly=np.where(known, 0, -1).astype(np.int8),
        provisional=narrow[:, w.SUPPORT] < PROMISED,
        expected=np.where(known, expected, np.nan),
        low=np.where(known, low, np.nan),
        high=np.where(known, high, np.nan),
        bollinger_low=wide[:, w.MEAN] - 2.0 * wide[:, w.DEVIATION],
        bollinger_high=wide[:, w.MEAN] + 2.0 * wide[:, w.DEVIATION],
        support=narrow[:, w.SUPPORT].astype(np.int32),
        level=level,
        pattern=np.full(len(rows), -1, np.int8),
        left_p=side["l"],
        right_p=side["r"],
        views=names,
        numbers=_numbers(wide, narrow, combined)
        | {"x": x, "tolerance": tolerance, "is_break": panel.is_break[rows].astype(np.float64)}
        | {"question": alone.question.astype(np.float64)}
        | {"text": np.full(len(rows), float(panel.pair.kind == "text"))},
        threshold=0.0,
    )
    return _taught(panel, answer, lessons)


def _hold_to_size(log_p: Floats, young: npt.NDArray[np.bool_], chance: Floats | None) -> None:
    """In place: what the views of distance say of `young` breaks of series that mostly match, held to their size's p.

    There a break is hundreds of deviations off, and each of the first rows adds a degree of freedom: by what was
    counted after fewer rows, when so many deviations said less, every break would be a wonder, and that of all series
    on one day. How large it is beside other breaks depends on no degrees of freedom of its own. `chance`: of words,
    which differ or do not, ln of the chance to differ; there is no more to be said of one of them.
    """
    if chance is not None:
        log_p[SIZE, young] = np.maximum(log_p[SIZE, young], chance[young])
    least = log_p[SIZE, young] - (0.0 if chance is not None else math.log(BEYOND_SIZE))
    for view in (LEVEL, CHANGE, RATIO, SIDES):
        log_p[view, young] = np.maximum(log_p[view, young], least)


def _of_break(log_p: Floats, sparse: npt.NDArray[np.bool_], rate: Floats) -> Floats:
    """ln p, that of breaks in series that mostly match (`sparse`) made honest; `rate`: ln of their chance to break.

    That it broke is what all views of a break say: their p-values lie under its chance, and a mean of their inverses is
    then too small, though not where p is far below that chance (Wilson 2019, on harmonic mean p-values).
    """
    honest = log_p + np.log1p(np.exp(np.minimum(log_p - rate, 0.0))) - np.log1p(-MATCH)
    return np.asarray(np.where(sparse, np.minimum(honest, 0.0), log_p), dtype=np.float64)


def _shares(stratum: Ints, differs: npt.NDArray[np.bool_]) -> Floats:
    """Each view's share in each row's answer, shape (views, rows)."""
    dense, sparse = (np.array([getattr(view, name) for view in VIEWS])[:, None] for name in ("weight", "sparse"))
    shares = np.where(stratum % STRATUM_KINDS >= 2, sparse, dense)
    within = np.full((len(VIEWS), 1), (1.0 - MATCH) / (len(VIEWS) - 1))
    within[DRIFT] = MATCH
    return np.asarray(np.where(differs, shares, within), dtype=np.float64)


def _taught(panel: Panel, answer: Judgement, lessons: Lessons | None) -> Judgement:
    """Adds what the lessons do: `trust`, `weight`, `taught_by`, `raised`, `outgrown`. The p-value stays; the score
    follows the trust."""
    m = len(answer.rows)
    numbers: dict[str, Floats] = answer.numbers | {
        **dict.fromkeys(("trust", "weight"), np.ones(m)),
        "taught_by": np.full(m, float(NOBODY)),
        **dict.fromkeys(("raised", "outgrown", "quieted"), np.zeros(m)),
    }
    answer = replace(answer, numbers=numbers)
    if lessons is None or not lessons.lessons:
        return answer
    called = replace(answer, anomaly=np.where(answer.anomaly < 0, -1, answer.pvalue < 0.05).astype(np.int8))
    at = worth_looking(panel, answer)
    effect = lessons.effect(seen_of(panel, replace(called, pattern=patterns(called)), at))
    taught = {name: numbers[name].copy() for name in ("trust", "weight", "taught_by", "raised", "outgrown")}
    taught["trust"][at], taught["weight"][at], taught["taught_by"][at] = effect.trust, effect.weight, effect.by
    taught["raised"][at], taught["outgrown"][at] = effect.raised, effect.outgrown
    trusted = np.where(taught["trust"] < QUIET, taught["trust"], 1.0)
    surprise = np.where(
        answer.anomaly >= 0, numbers["surprise"] * (0.2 + 0.8 * trusted), surprise_of_score(answer.score)
    )
    return replace(answer, numbers=numbers | taught, score=score_of_surprise(surprise))


def _numbers(wide: Floats, narrow: npt.NDArray[np.float32], combined: Floats) -> dict[str, Floats]:
    wanted_wide = {
        "mean": w.MEAN, "median": w.MEDIAN, "deviation": w.DEVIATION, "spread": w.SCALE, "slope": w.SLOPE,
        "cusum": w.CUSUM, "previous": w.PREVIOUS, "median_deviation": w.SPREAD,
    }  # fmt: skip
    wanted = {
        "z": w.Z, "run_length": w.RUN, "break_rate": w.RATE, "model": w.MODEL, "outs": w.OUTS, "agree": w.AGREE,
        "breaks_in_10": w.RECENT, "breaks": w.BREAKS_BEFORE, "same_sign": w.SAME_SIGN,
        "volatility": w.VOLATILITY_RATIO, "nu": w.NU,
    }  # fmt: skip
    numbers = {name: wide[:, c].copy() for name, c in wanted_wide.items()}
    numbers |= {name: narrow[:, c].astype(np.float64) for name, c in wanted.items()}
    numbers["surprise"] = -combined
    return numbers


def half_band(nu: Floats, scale: Floats, support: npt.NDArray[np.float32]) -> Floats:
    """The inverse of `t_surprise` at 1%, in the difference's own unit."""
    # with one degree of freedom 99% would be 64 spreads: no band that anybody could use
    nu = np.maximum(nu, 2.0)
    u = BAND * (8.0 * nu + 3.0) / (8.0 * nu + 1.0)
    z = np.sqrt(nu * np.expm1(np.minimum(u * u / nu, 50.0)))
    return np.asarray(z * scale * np.sqrt(1.0 + 1.0 / np.maximum(support, 1.0)), dtype=np.float64)


def _score(combined: Floats, known: npt.NDArray[np.bool_], size: Floats) -> Floats:
    """-ln p over -ln p plus 12: 0 at p = 1, strictly increasing, never 1. With no past: by size alone."""
    return score_of_surprise(np.where(known, -combined, np.log1p(size)))
