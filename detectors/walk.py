"""The walk: every series once, oldest row first; each row is met with what its own past alone supports.

For each row: what the baseline foretells (`detectors.baseline`), what the views make of it (`detectors.views`, asked
with the habits of `detectors.habits`), what is told of it or counted, and only then what is learned from it. The past
itself is `detectors.past`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.baseline import (
    LAST_OF,
    NU_MAX,
    P_SCALE_N,
    Forecast,
    agreeing,
    forecast,
    hold_back,
    keep,
    score_forecasts,
)
from detectors.habits import (
    ENOUGH,
    HOURLY,
    Sides,
    break_rate,
    compare_hours,
    drift,
    how_large,
    learn_breaks,
    learn_ratio,
    learn_sides,
    learn_steps,
    learn_values,
    often,
    out_of_proportion,
    rarity,
    ratio_of,
    sides_of,
    together,
)
from detectors.kernels import mad_sorted, median_sorted, step, t_surprise
from detectors.panel_rows import PanelRows, Row, Terms
from detectors.past import APART, BOLLINGER, LONGEST, forget
from detectors.strata import (
    MILD,
    STRATUM_KINDS,
    T_EPISODES,
    T_ROWS,
    T_SERIES,
    T_SERIES_ROWS,
    bin_of,
    is_wild,
    stratum_of,
)
from detectors.views import (
    BREAKS,
    CHANGE,
    DRIFT,
    ECHO,
    LATELY,
    LEVEL,
    RARITY,
    RATIO,
    SHIFT,
    SIDES,
    SIZE,
    VOLATILITY,
    WALKED,
    level_surprise,
    shift_surprise,
    sides_surprise,
    volatility_surprise,
)
from recon.compiled import njit, prange

Floats = npt.NDArray[np.float64]

OUT = 9.21
"""-ln p at which a row is kept out of the baseline: p < 1e-4 by the nominal predictive t."""
DAILY_PACE = (48, 5, 12)
"""Clean rows that level and spread look back on; rows that must agree before a new level is accepted; rows out of
pattern, agreeing on nothing, after which the old baseline is given up. `pace_of` knows many rows a day."""

# columns of the float64 output
EXPECTED, SCALE, MEAN, DEVIATION, CUSUM, SLOPE, MEDIAN, PREVIOUS, SPREAD = range(9)
WIDE = 9
# columns of the float32 output; the first WALKED are the views' surprises
S_LEFT, S_RIGHT, Z, NU, SUPPORT, RUN, RATE, MODEL, OUTS, AGREE = range(WALKED, WALKED + 10)
STRATUM, SAME_SIGN, VOLATILITY_RATIO, BREAKS_BEFORE, RECENT, BEGINS, ABLE, BEGUN = range(WALKED + 10, WALKED + 18)
NARROW = WALKED + 18


def pace_of(rows_a_day: float) -> tuple[int, int, int]:
    """Daily rows keep the daily pace; with many rows a day a level must hold for two hours.

    >>> pace_of(1.0), pace_of(288.0)
    ((48, 5, 12), (96, 24, 48))
    """
    if rows_a_day < 8.0:
        return DAILY_PACE
    accept = int(min(max(rows_a_day / 12.0, 5.0), 72.0))
    return 96, accept, 2 * accept


class Standing(NamedTuple):
    """Where a row stands, before the views are asked."""

    supported: bool
    """Something is known that it can be held against."""
    plain: float
    """The surprise of its error."""
    is_out: bool
    """Out of pattern: kept out of the baseline."""
    mild: bool
    begins: bool
    """A mild excursion begins with it."""
    sparse: bool
    """The series mostly matches."""
    stratum: int


class Found(NamedTuple):
    """Where the walk writes: the stored rows' columns, and the counts of past ones."""

    wide: npt.NDArray[np.float64]
    narrow: npt.NDArray[np.float32]
    hist: npt.NDArray[np.int32]
    tally: npt.NDArray[np.int64]


@njit(cache=True)
def _walk_series(
    begin: int, end: int, rows: PanelRows, terms: Terms, prior: Floats, p: Any, w: Any, found: Found, out: int
) -> None:
    """One series; its stored rows go to `found` from row `out` on."""
    hourly = terms.first_slots == HOURLY
    s = np.zeros(WALKED)
    current, excluded, diff, left, right = rows.current, rows.excluded, rows.diff, rows.left, rows.right
    is_break, tolerance, first_slot, second_slot = rows.is_break, rows.tolerance, rows.first_slot, rows.second_slot
    p.last_left, p.last_right = left[begin], right[begin]
    for t in range(begin, end):
        allowed = tolerance[t] * terms.unit
        row = Row(
            t, diff[t] * terms.unit, allowed, max(allowed, terms.unit), is_break[t],
            is_break[t] or not terms.two_sided, p.raw_n == 0, excluded[t], left[t], right[t], diff[t],
            first_slot[t], second_slot[t],
        )  # fmt: skip
        fc = forecast(p, w, terms, prior, row)
        at = _standing(p, w, terms, prior, row, fc)
        sides = sides_of(p, terms, row)
        ratio = ratio_of(terms, row)
        z = min(max(fc.z, -4.0), 4.0) if at.supported and p.ne >= 3 else 0.0
        hour = row.first_slot // 12 if hourly else 0
        s[:] = 0.0
        able = able_views(p, prior)
        if row.judged and p.seen >= 1:
            _ask_habits(s, p, w, terms, prior, row, at, sides, ratio, current[t])
        if row.judged and p.ne >= 5:
            _ask_residuals(s, p, w, fc.z, z)
            if at.sparse and max(s[SHIFT], s[VOLATILITY]) > 0.0:
                most = together(p, w, prior, row)
                s[SHIFT], s[VOLATILITY] = min(s[SHIFT], most), min(s[VOLATILITY], most)
        if row.judged and p.all_n >= ENOUGH:
            s[RARITY] = rarity(p, w, row, hourly, hour)
            if hourly:
                s[LATELY] = p.lately
        if p.all_n > 0.0 and not row.excluded:
            compare_hours(p, w, row, hour)
        run_sum, begun = 0.0, 0.0
        if terms.two_sided and row.tolerance > 0.0 and not row.is_break and w.broke.sum() <= 3:
            s[DRIFT], run_sum, begun = drift(p, row)
        if row.judged and not row.is_first and abs(row.x) > row.tolerance:
            s[ECHO] = _echo(p, rows, terms, row, fc.level_spread)
        if current[t] or terms.store_all:
            _tell_numbers(found.wide[out], p, w, row, fc, at, run_sum)
            _tell_answers(found.narrow[out], s, p, w, row, fc, at, sides)
            found.narrow[out, RATE] = break_rate(p.breaks, p.rows, prior).share
            found.narrow[out, ABLE] = able
            found.narrow[out, BEGUN] = begun
            out += 1
        if not current[t] and not row.excluded and p.seen >= 1:
            _count(found, s, able, p, at)
        _learn(p, w, rows, terms, row, fc, at, sides, ratio, z, hourly, hour)
    if p.past_rows > 0:
        ends = (3 if p.past_sparse else 0) + (2 if p.past_wild else p.past_any)
        found.tally[T_SERIES + ends] += 1
        found.tally[T_SERIES_ROWS + ends] += p.past_rows


@step
def has_level(p: Any, prior: Floats) -> bool:
    """Whether there is a level and something to measure a distance from it by."""
    return bool(p.nx >= 1 and (p.ne >= 1 or prior[P_SCALE_N] > 0.0))


@step
def _standing(p: Any, w: Any, terms: Terms, prior: Floats, row: Row, fc: Forecast) -> Standing:
    supported = has_level(p, prior) or (p.nx >= 1 and abs(fc.error) <= row.floor)
    plain = level_surprise(fc.error, fc.spread, fc.nu, float(max(p.nx, 1))) if supported else 0.0
    known = supported and p.ne >= 3 and not row.excluded
    mild = known and plain > MILD
    sparse = terms.two_sided and 3.0 * p.breaks <= p.rows
    # an excursion says what the series is like only once it is over: 10 rows late
    settled = p.episodes - w.began.sum()
    # Its breaks are out of pattern: counted by clean rows alone, those that broke often lately would all come to the
    # next stratum on one day, where none like them has been met.
    support = max(p.seen - 1, 0) if sparse else p.ne
    stratum = stratum_of(support, is_wild(settled, p.rows), sparse)
    return Standing(supported, plain, known and plain > OUT, mild, mild and p.calm > APART, sparse, stratum)


@step
def _ask_habits(
    s: Floats,
    p: Any,
    w: Any,
    terms: Terms,
    prior: Floats,
    row: Row,
    at: Standing,
    sides: Sides,
    ratio: float,
    now: bool,
) -> None:
    s[LEVEL] = at.plain
    if p.change_n >= 2.0:
        moved = abs(row.x - p.last)
        if p.calm == 0:
            moved = min(moved, abs(row.x - w.before[LAST_OF]))
        s[CHANGE] = t_surprise(moved / max(1.25 * p.change, row.floor), min(p.change_n, NU_MAX))
    if p.rows >= 3.0 and terms.two_sided:
        s[BREAKS] = often(p, w, prior, row, now)
    if row.is_break and at.sparse:
        s[SIZE] = how_large(p, prior, row, terms.unit)
    if terms.two_sided and p.ratio_n >= 3.0:
        s[RATIO] = out_of_proportion(p, terms, row, ratio)
    if terms.two_sided:
        s[SIDES] = sides_surprise(sides.left_surprise, sides.right_surprise)


@step
def _ask_residuals(s: Floats, p: Any, w: Any, z: float, clipped: float) -> None:
    """The last residuals with this one: on one side together, or varying more than they did."""
    sum_3 = clipped
    sum_6 = clipped
    square = min(z * z, 16.0)
    for i in range(1, 6):
        if i < 3:
            sum_3 += w.z[i - 1]
        sum_6 += w.z[i - 1]
        square += w.z[i - 1] * w.z[i - 1]
    if p.zn >= 5:
        rho = min(max(p.z_lag / (p.z_square + 1.0), 0.0), 0.9)
        wider = math.sqrt((1.0 + rho) / (1.0 - rho))
        s[SHIFT] = shift_surprise(sum_3 / wider, sum_6 / wider, clipped)
        s[VOLATILITY] = volatility_surprise(square, 6, clipped)


@step
def able_views(p: Any, prior: Floats) -> int:
    """The views that the past is long enough for, a bit each.

    A row of which a view could not be asked is no evidence that the view is silent: counted as a zero, it made the
    first rows that could be asked look strange, all of them on the same day.
    """
    able = (1 << WALKED) - 1
    if not has_level(p, prior):
        able &= ~(1 << LEVEL)
    if p.change_n < 2.0:
        able &= ~(1 << CHANGE)
    if p.rows < 3.0:
        able &= ~(1 << BREAKS)
    if p.ratio_n < 3.0:
        able &= ~(1 << RATIO)
    if p.moves_n < 3.0:
        able &= ~(1 << SIDES)
    if p.ne < 5 or p.zn < 5:
        able &= ~(1 << SHIFT | 1 << VOLATILITY)
    if p.all_n < ENOUGH:
        able &= ~(1 << RARITY | 1 << LATELY)
    return able


@step
def _echo(p: Any, rows: PanelRows, terms: Terms, row: Row, spread: float) -> float:
    """An exact echo of a recent row: the same row twice on one day, or the break before undone."""
    t = row.t
    twice = (
        rows.day[t] == rows.day[t - 1]
        and rows.diff[t] == rows.diff[t - 1]
        and rows.left[t] == rows.left[t - 1]
        and rows.right[t] == rows.right[t - 1]
    )
    if twice and terms.two_sided:
        return 8.0
    undone = p.broke == 1 and abs(row.x + p.previous) <= row.tolerance + 1e-9 * abs(row.x)
    return 6.0 if undone and abs(row.x) > 3.0 * spread and abs(row.x) > 50.0 * row.tolerance else 0.0


@njit(cache=True)
def _tell_numbers(wide: Floats, p: Any, w: Any, row: Row, fc: Forecast, at: Standing, run_sum: float) -> None:
    m = min(p.raw_n, BOLLINGER)
    total = 0.0
    for i in range(m):
        total += w.raw[(p.raw_n - 1 - i) % LONGEST]
    mean = total / m if m > 0 else np.nan
    squares = 0.0
    for i in range(m):
        squares += (w.raw[(p.raw_n - 1 - i) % LONGEST] - mean) ** 2
    wide[EXPECTED] = fc.expected if p.nx > 0 else np.nan
    wide[SCALE] = fc.spread if at.supported else np.nan
    wide[MEAN] = mean
    wide[DEVIATION] = math.sqrt(squares / m) if m > 1 else np.nan
    wide[CUSUM] = run_sum
    wide[SLOPE] = p.holt_slope
    wide[MEDIAN] = median_sorted(w.clean_sorted, p.nx) if p.nx > 0 else np.nan
    wide[PREVIOUS] = p.previous if not row.is_first else np.nan
    wide[SPREAD] = mad_sorted(w.clean_sorted, p.nx, wide[MEDIAN]) * 1.4826 if p.nx > 0 else np.nan


@njit(cache=True)
def _tell_answers(
    narrow: npt.NDArray[np.float32],
    s: Floats,
    p: Any,
    w: Any,
    row: Row,
    fc: Forecast,
    at: Standing,
    sides: Sides,
) -> None:
    for v in range(WALKED):
        narrow[v] = s[v]
    narrow[S_LEFT] = sides.left_surprise if p.moves_n >= 3.0 else np.nan
    narrow[S_RIGHT] = sides.right_surprise if p.moves_n >= 3.0 else np.nan
    narrow[Z] = fc.z
    narrow[NU] = fc.nu
    narrow[SUPPORT] = p.seen
    narrow[RUN] = p.run + 1 if row.is_break else 0
    narrow[MODEL] = fc.which + 4 * (fc.season + 1)
    narrow[OUTS] = p.out_run
    narrow[AGREE] = agreeing(p, w, row, fc)
    narrow[STRATUM] = at.stratum
    narrow[SAME_SIGN] = (p.up_steps - p.down_steps) / p.steps if p.steps >= 3.0 else 0.0
    squares = 0.0
    for i in range(min(p.zn, 5)):
        squares += w.z[i] * w.z[i]
    narrow[VOLATILITY_RATIO] = math.sqrt(squares / min(p.zn, 5)) if p.zn > 0 else 0.0
    narrow[BREAKS_BEFORE] = p.breaks
    narrow[RECENT] = w.broke.sum()
    narrow[BEGINS] = 1.0 if at.begins else 0.0


@step
def _count(found: Found, s: Floats, able: int, p: Any, at: Standing) -> None:
    """A past row into the histograms that calibrate the current ones, of the views that could be asked of it."""
    for v in range(WALKED):
        if able >> v & 1:
            found.hist[v, at.stratum, bin_of(s[v])] += 1
    kind = at.stratum % STRATUM_KINDS
    found.tally[T_ROWS + kind] += 1
    began = 1 if at.begins else 0
    found.tally[T_EPISODES + kind] += began
    p.past_rows += 1
    p.past_wild = 1 if is_wild(p.episodes + began, p.rows) else 0
    p.past_any = max(p.past_any, began)
    p.past_sparse = 1 if at.sparse else 0


@step
def _learn(
    p: Any,
    w: Any,
    rows: PanelRows,
    terms: Terms,
    row: Row,
    fc: Forecast,
    at: Standing,
    sides: Sides,
    ratio: float,
    z: float,
    hourly: bool,
    hour: int,
) -> None:
    """All that the past takes from the row; of an excluded one only that it was there."""
    if not row.is_first:
        learn_steps(p, row)
        if terms.two_sided:
            learn_sides(p, sides)
    if at.mild and p.calm > 0:
        w.before[:] = w.forecasts
        p.before_left, p.before_right = p.last_left, p.last_right
    if row.is_first or not at.is_out or p.out_run >= 3:
        p.last_left, p.last_right = row.left, row.right
    w.raw[p.raw_n % LONGEST] = row.x
    p.raw_n += 1
    p.previous = row.x
    p.broke = 1 if row.is_break else 0
    if row.excluded:
        p.run = p.run + 1 if row.is_break else 0
        return
    p.seen += 1
    if hourly:
        p.lately = math.exp(-1.0 / max(terms.accept, 6)) * p.lately + min(at.plain, 12.0) / 6.0
    learn_values(p, w, row, hourly, hour)
    _learn_excursions(p, w, at)
    score_forecasts(p, w, terms, row, fc.level_spread)
    _learn_residual(p, w, z, at)
    if not at.is_out:
        keep(p, w, terms, row, fc.error)
    elif hold_back(p, w, rows, terms, row, fc):
        p.ratio = ratio
        p.ratio_n = 3.0
    if terms.two_sided:
        learn_ratio(p, ratio)
    learn_breaks(p, w, row, terms.unit)


@step
def _learn_excursions(p: Any, w: Any, at: Standing) -> None:
    for i in range(9, 0, -1):
        w.began[i] = w.began[i - 1]
    w.began[0] = 1 if at.begins else 0
    p.episodes += w.began[0]
    p.calm = 0 if at.mild else p.calm + 1


@step
def _learn_residual(p: Any, w: Any, z: float, at: Standing) -> None:
    known = at.supported and p.ne >= 3
    if known and not at.is_out:
        p.z_lag = 0.98 * p.z_lag + z * w.z[0]
        p.z_square = 0.98 * p.z_square + z * z
    for i in range(4, 0, -1):
        w.z[i] = w.z[i - 1]
    w.z[0] = z
    if known:
        p.zn += 1


@njit(cache=True, parallel=True)
def walk_all(
    offsets: npt.NDArray[np.int64],
    rows: PanelRows,
    terms: Terms,
    slots: int,
    prior: Floats,
    out: npt.NDArray[np.int64],
    chunks: npt.NDArray[np.int64],
    pasts: npt.NDArray[np.void],
    windows: npt.NDArray[np.void],
    found: Found,
) -> None:
    """Every series; chunks of series side by side, each with a past and counts of its own.

    `out`: the first stored row of each series. `pasts`: a fresh record for each chunk, and one more to begin with;
    `windows`: one for each chunk.
    """
    for c in prange(len(chunks) - 1):
        own = Found(found.wide, found.narrow, found.hist[c], found.tally[c])
        for i in range(chunks[c], chunks[c + 1]):
            pasts[c] = pasts[-1]
            forget(windows[c], slots)
            _walk_series(offsets[i], offsets[i + 1], rows, terms, prior[i], pasts[c], windows[c], own, out[i])
