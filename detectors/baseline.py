"""The baseline: what a series' clean rows foretell of the next one, and which rows are clean.

The baseline is prequential (Dawid 1984): four forecasts (median, exponential mean, last value, Holt's trend) run
side by side, each of the first three also with a weekday and a month-position (or time-of-day) offset, and the
one with the smaller bounded loss on the series' own earlier rows is used: level, trend and calendar only where
the past supports them. Its own past errors, not fitted residuals, give the spread. Rows out of pattern on this
replay stay out of the baseline until `accept` in a row agree on a new level, or `restart` in a row agree on nothing.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.kernels import insert_sorted, median_sorted, remove_sorted, slot_value, step, trimmed_spread
from detectors.panel_rows import PanelRows, Row, Terms
from detectors.past import LONGEST, faded
from recon.compiled import njit

Floats = npt.NDArray[np.float64]

FORGET: Final = 0.97
STRAYED: Final = 0.95
STRAYS: Final = 0.15
"""Of some twenty rows the share with which a new stray begins, from which the baseline is wrong and not the rows: a
series that began with ten equal values had no spread, kept every other value out of it, and so never learned one."""
NU_MAX: Final = 8.0
MEDIAN_OF, MEAN_OF, LAST_OF, TREND_OF = range(4)

PRIOR = 7
P_LN_SCALE, P_SCALE_N, P_RATE, P_RATE_N, P_LN_SIZE, P_SIZE_SD, P_SIZE_N = range(PRIOR)


class Forecast(NamedTuple):
    """What the past says of a row before it is looked at, and how far off the row is."""

    expected: float
    error: float
    spread: float
    """Of the forecast that was used, its slot's own error counted."""
    level_spread: float
    """Of the level alone: the series' own and its group's."""
    z: float
    nu: float
    """Degrees of freedom behind the spread."""
    which: int
    """Which of the four."""
    season: int
    """-1 none, 0 the first calendar's offset, 1 the second's."""


@step
def pooled_scale(own: float, n: int, prior: Floats, floor: float) -> float:
    """The series' own spread and its group's, averaged in logs by how many points each stands for."""
    own = max(own, floor)
    n0 = prior[P_SCALE_N]
    if n0 <= 0.0:
        return own
    if n == 0:
        return max(math.exp(prior[P_LN_SCALE]), floor)
    return max(math.exp((n * math.log(own) + n0 * prior[P_LN_SCALE]) / (n + n0)), floor)


@step
def is_quarter(terms: Terms, row: Row) -> bool:
    """Whether the row stands at the end of a quarter of business days."""
    return terms.first_slots == 7 and row.second_slot == 2


@step
def _second(w: Any, terms: Terms, row: Row) -> int:
    """The second calendar's slot: a quarter end without quarters of its own behind it is a month end."""
    slot = terms.first_slots + row.second_slot
    if is_quarter(terms, row) and w.season_n[slot] < 2:
        slot = terms.first_slots + 1
    return slot


@step
def forecast(p: Any, w: Any, terms: Terms, prior: Floats, row: Row) -> Forecast:
    """The best forecast so far, made for this row; fills `w.forecasts`."""
    own = trimmed_spread(w.errors_sorted, p.ne)
    scale = pooled_scale(own, p.ne, prior, max(row.floor, 1e-9 * abs(p.last)))
    if p.nx > 0:
        w.forecasts[MEDIAN_OF] = median_sorted(w.clean_sorted, p.nx)
        w.forecasts[MEAN_OF] = p.ewma
        w.forecasts[LAST_OF] = p.last
        w.forecasts[TREND_OF] = p.holt_level + p.holt_slope if p.holt_n >= 2 else p.last
    first, second = row.first_slot, _second(w, terms, row)
    best, season, shift = 0, -1, 0.0
    best_score = 1e9
    root = 1.0 / math.sqrt(p.losses + 1.0)
    for b in range(4):
        base = w.losses[b] / (p.losses + 1e-9) if p.losses > 0.0 else 0.0
        pen = 0.0 if b == 0 else (0.15 if b < 3 else 0.25)
        score = base + pen * root
        which = -1
        added = 0.0
        if b < 3 and p.seasonal:
            for i in range(2):
                k = first if i == 0 else second
                if w.season_n[k] >= 2 and w.season_tries[k] >= 1.0:
                    g = w.season_gain[b, k] / w.season_tries[k] + 0.8 / math.sqrt(w.season_tries[k])
                    if g < 0.0 and base + pen * root + g < score:
                        score = base + pen * root + g
                        which = i
                        added = slot_value(w.season[b, k], w.season_n[k])
        if score < best_score - 1e-12:
            best_score, best, season, shift = score, b, which, added
    expected = w.forecasts[best] + shift if p.nx > 0 else 0.0
    spread = scale
    # of one or two errors none can be spared for the choice among forecasts
    nu = min(max(max(p.ne - 1.0, min(p.ne, 2.0)) + prior[P_SCALE_N], 1.0), NU_MAX)
    if season >= 0:
        k = first if season == 0 else second
        spread = max(scale, 1.25 * w.season_error[best, k])
        nu = min(nu, max(1.0, w.season_tries[k]))
    # after an excursion that was no stranger than to be learned from, what is back where it was is in pattern
    if p.calm == 0 and abs(row.x - w.before[best] - shift) < abs(row.x - expected):
        expected = w.before[best] + shift
    error = row.x - expected
    if abs(error) <= 1e-12 * abs(row.x):
        error = 0.0
    return Forecast(expected, error, spread, scale, error / spread, nu, best, season)


@step
def score_forecasts(p: Any, w: Any, terms: Terms, row: Row, scale: float) -> None:
    """The losses of every forecast on this row, and what each calendar's offset would have bettered."""
    if p.nx == 0:
        return
    p.losses = FORGET * p.losses + 1.0
    for b in range(4):
        u = abs(row.x - w.forecasts[b]) / scale
        w.losses[b] = FORGET * w.losses[b] + u / (1.0 + u)
    for i in range(3 if is_quarter(terms, row) else 2):
        k = row.first_slot if i == 0 else terms.first_slots + (row.second_slot if i == 1 else 1)
        _score_slot(p, w, k, row.x, scale)


@step
def _score_slot(p: Any, w: Any, k: int, x: float, scale: float) -> None:
    c = w.season_n[k]
    if c >= 1:
        p.seasonal = 1
        fade = 0.9 if w.season_tries[k] > 8.0 else 1.0
        w.season_tries[k] = fade * w.season_tries[k] + 1.0
        for b in range(3):
            added = slot_value(w.season[b, k], c)
            plain_error = abs(x - w.forecasts[b])
            e = abs(x - w.forecasts[b] - added)
            w.season_gain[b, k] *= fade
            # most rows of most series match: no logarithm for them
            if added != 0.0 and (e > 0.0 or plain_error > 0.0):
                better = math.log((scale + e) / (scale + plain_error))
                w.season_gain[b, k] += min(max(better, -1.5), 1.5)
            cap = 4.0 * w.season_error[b, k] if c > 3 and w.season_error[b, k] > 0.0 else e
            w.season_error[b, k] += max(1.0 / c, 0.15) * (min(e, cap) - w.season_error[b, k])
    for b in range(3):
        w.season[b, k, c % 5] = x - w.forecasts[b]
    w.season_n[k] = c + 1


@njit(cache=True)
def hold_back(p: Any, w: Any, rows: PanelRows, terms: Terms, row: Row, fc: Forecast) -> bool:
    """A row out of pattern waits with those that agree with it. True when the baseline began anew with it."""
    p.strays = STRAYED * p.strays + (1.0 - STRAYED if p.out_run == 0 else 0.0)
    p.out_run += 1
    if agreeing(p, w, row, fc) < p.waiting:
        p.waiting = 0
    w.waiting[p.waiting] = row.x
    p.waiting += 1
    p.holt_level += p.holt_slope
    if p.waiting >= terms.accept:
        _accept(p, w, rows, terms, row)
    elif p.out_run >= terms.restart or p.strays > STRAYS:
        _restart(p, w, terms)
        p.strays = 0.0
    else:
        return False
    p.last = row.x
    p.holt_level = row.x
    p.holt_slope = 0.0
    p.waiting = 0
    p.out_run = 0
    w.z[:] = 0.0
    p.zn = 0
    return True


@njit(cache=True)
def agreeing(p: Any, w: Any, row: Row, fc: Forecast) -> int:
    """How many of the waiting rows lie where this one lies."""
    agree = 0
    for i in range(p.waiting):
        if abs(w.waiting[i] - row.x) <= max(4.0 * fc.spread, 0.15 * abs(fc.error)):
            agree += 1
    return agree


@njit(cache=True)
def _accept(p: Any, w: Any, rows: PanelRows, terms: Terms, row: Row) -> None:
    """The rows that wait are the new level; what they seemed to say of their weekdays was the shift."""
    for i in range(terms.accept):
        for calendar in range(2):
            at = row.t - i
            k = rows.first_slot[at] if calendar == 0 else terms.first_slots + rows.second_slot[at]
            if w.season_n[k] > 0:
                w.season_n[k] -= 1
                for b in range(3):
                    w.season[b, k, w.season_n[k] % 5] = 0.0
    p.nx = 0
    total = 0.0
    for i in range(max(0, p.waiting - terms.window), p.waiting):
        total += _take_in(p, w, w.waiting[i])
    p.clean = p.nx
    p.ewma = total / p.nx


@njit(cache=True)
def _restart(p: Any, w: Any, terms: Terms) -> None:
    """The newest rows, whatever they agree on, are all that is known."""
    p.nx = 0
    p.ne = 0
    m = min(p.raw_n, min(terms.restart, terms.window))
    total = 0.0
    for i in range(m):
        total += _take_in(p, w, w.raw[(p.raw_n - m + i) % LONGEST])
    p.clean = p.nx
    middle = median_sorted(w.clean_sorted, p.nx)
    for i in range(m):
        e = abs(w.clean[i] - middle)
        w.errors[p.ne] = e
        insert_sorted(w.errors_sorted, p.ne, e)
        p.ne += 1
    p.errors = p.ne
    p.ewma = total / p.nx


@njit(cache=True)
def _take_in(p: Any, w: Any, value: float) -> float:
    w.clean[p.nx] = value
    insert_sorted(w.clean_sorted, p.nx, value)
    p.nx += 1
    return value


@step
def keep(p: Any, w: Any, terms: Terms, row: Row, error: float) -> None:
    """A clean row enters level, spread, change and trend."""
    p.out_run = 0
    p.waiting = 0
    p.strays *= STRAYED
    if p.nx > 0:
        _enter(w.errors, w.errors_sorted, p.ne, p.errors, terms.window, abs(error))
        p.ne = min(p.ne + 1, terms.window)
        p.errors += 1
        p.change_n += 1.0
        change = abs(row.x - p.last)
        cap = 4.0 * p.change if p.change_n > 3.0 and p.change > 0.0 else change
        p.change = faded(min(change, cap), p.change, p.change_n, 0.06)
    _enter(w.clean, w.clean_sorted, p.nx, p.clean, terms.window, row.x)
    p.nx = min(p.nx + 1, terms.window)
    p.ewma = row.x if p.clean == 0 else p.ewma + 0.3 * (row.x - p.ewma)
    if p.holt_n == 0:
        p.holt_level = row.x
    elif p.holt_n == 1:
        p.holt_slope = row.x - p.holt_level
        p.holt_level = row.x
    else:
        ahead = p.holt_level + p.holt_slope
        p.holt_slope += 0.15 * (row.x - ahead)
        p.holt_level = ahead + 0.5 * (row.x - ahead)
    p.holt_n += 1
    p.last = row.x
    p.clean += 1


@step
def _enter(ring: Floats, ordered: Floats, held: int, ever: int, window: int, value: float) -> None:
    """A value enters a window of the newest; from a full one the oldest leaves."""
    if held == window:
        at = ever % window
        remove_sorted(ordered, held, ring[at])
        ring[at] = value
        insert_sorted(ordered, held - 1, value)
    else:
        ring[held] = value
        insert_sorted(ordered, held, value)
