"""The habits of one series beside its level: how often and how large it breaks, its sides, its drift, its usual values.

Each habit is asked by a view before the row is learned from, and learns from the row after all views were asked.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.baseline import P_LN_SIZE, P_RATE, P_RATE_N, P_SIZE_N, P_SIZE_SD
from detectors.kernels import remember, step, t_surprise
from detectors.panel_rows import Row, Terms
from detectors.past import faded
from detectors.views import (
    Rate,
    breaks_surprise,
    by_chance,
    drift_surprise,
    rarity_surprise,
    ratio_surprise,
    size_surprise,
)
from recon.compiled import njit

Floats = npt.NDArray[np.float64]

HOURLY: Final = 288
"""Times of day from which hours have habits of their own."""
ENOUGH: Final = 100
"""Values before one is rare among them."""
LENT: Final = 2.0
"""Breaks of its own for which those of the group stand where a series' usual size is told."""
SIZES: Final = 30.0
"""Most degrees of freedom of the law of sizes."""
MOVES: Final = 4.0
"""Most degrees of freedom of a side's movements: business is heavy-tailed, however long it has been watched."""
DRIFTED: Final = 3.0
PATIENCE: Final = 60
"""Rows for which the centre of small differences stands still while they drift."""


class Sides(NamedTuple):
    """How far each side moved, and how surprising that is by its own past."""

    left: float
    right: float
    left_surprise: float
    right_surprise: float


# --- breaks ------------------------------------------------------------------------------------------------------


@step
def break_rate(breaks: float, n: float, prior: Floats) -> Rate:
    """The share of `n` rows that are `breaks`, the group's counted as some rows more, and half a break in one row."""
    known = n + prior[P_RATE_N] + 1.0
    return Rate((breaks + prior[P_RATE] * prior[P_RATE_N] + 0.5) / known, known)


@step
def often(p: Any, w: Any, prior: Floats, row: Row, now: bool) -> float:
    """The view of the newest rows' breaks against the rate before them.

    Of a current row (`now`) a stretch is held against as many rows before it or not at all: against its group alone, a
    series that breaks by nature looked like a burst on its eighth and ninth row, and all such series on the same day.
    Past rows are counted without that: what their first rows seemed to be makes the law wider, which errs on the safe
    side.
    """
    before_5 = max(p.rows - 4.0, 0.0)
    before_10 = max(p.rows - 9.0, 0.0)
    in_5 = 1 if row.is_break else 0
    in_10 = in_5
    for i in range(1, 10):
        if i < 5:
            in_5 += w.broke[i - 1]
        in_10 += w.broke[i - 1]
    r5 = break_rate(p.rate_5 * before_5, before_5, prior)
    r10 = break_rate(p.rate_10 * before_10, before_10, prior)
    if now and before_5 < 5.0:
        in_5 = 0
    if now and before_10 < 10.0:
        in_10 = 0
    return float(breaks_surprise(row.is_break, in_5, in_10, r5, r10, break_rate(p.breaks, p.rows, prior)))


@step
def together(p: Any, w: Any, prior: Floats, row: Row) -> float:
    """The most that residuals may say together in a series that mostly matches."""
    before = max(p.rows - 4.0, 0.0)
    in_3 = 1 if row.is_break else 0
    in_3 += w.broke[0] + w.broke[1]
    in_6 = in_3 + w.broke[2] + w.broke[3] + w.broke[4]
    return float(by_chance(in_3, in_6, break_rate(p.rate_5 * before, before, prior)))


@step
def how_large(p: Any, prior: Floats, row: Row, unit: float) -> float:
    """The view of a break's size among the breaks of the series and of its group.

    The spread of a group's sizes is that over all of its series: a series without a break of its own is as well known
    as the group, so the degrees of freedom are those of all breaks, and nothing is added for an uncertain mean.
    """
    n0 = LENT if prior[P_SIZE_N] > 0.0 else 0.0
    rate = break_rate(p.breaks, p.rows, prior).share
    n = p.size_n + n0
    if n >= 2.0:
        m = (p.size_n * p.size_mean + n0 * prior[P_LN_SIZE]) / n
        apart = p.size_n * n0 / n * (p.size_mean - prior[P_LN_SIZE]) ** 2 if n0 > 0.0 else 0.0
        v = p.size_square + n0 * prior[P_SIZE_SD] ** 2 + apart
        v = v / (n if n0 > 0.0 else max(n - 1.0, 1.0))
        sd = math.sqrt(v * (1.0 + p.size_n / n**2) + 0.01)
        nu = min(p.size_n + prior[P_SIZE_N], SIZES)
        return float(size_surprise(math.log(max(abs(row.x), unit)), m, sd, nu, rate))
    return -math.log(rate) if p.rows >= 3.0 else 0.0


@step
def learn_breaks(p: Any, w: Any, row: Row, unit: float) -> None:
    """Runs, rates and sizes of breaks, after the row."""
    if row.is_break:
        p.run += 1
        p.breaks += 1.0
        p.size_n += 1.0
        size = math.log(max(abs(row.x), unit))
        d = size - p.size_mean
        p.size_mean += d / p.size_n
        p.size_square += d * (size - p.size_mean)
    else:
        p.run = 0
    p.rows += 1.0
    for i in range(9, 0, -1):
        w.broke[i] = w.broke[i - 1]
    w.broke[0] = 1 if row.is_break else 0
    older = 0.0
    for i in range(4):
        older += w.broke[i]
    p.rate_5 = (p.breaks - older) / max(p.rows - 4.0, 1.0)
    for i in range(4, 9):
        older += w.broke[i]
    p.rate_10 = (p.breaks - older) / max(p.rows - 9.0, 1.0)


# --- sides and their ratio ---------------------------------------------------------------------------------------


@step
def sides_of(p: Any, terms: Terms, row: Row) -> Sides:
    """How each side moved since it was last in pattern; after an excursion, since that or since what was before it."""
    if not terms.two_sided or row.is_first:
        return Sides(0.0, 0.0, 0.0, 0.0)
    left, right = abs(row.left - p.last_left), abs(row.right - p.last_right)
    if p.calm == 0:
        left, right = min(left, abs(row.left - p.before_left)), min(right, abs(row.right - p.before_right))
    left, right = left * terms.unit, right * terms.unit
    if p.moves_n < 3.0:
        return Sides(left, right, 0.0, 0.0)
    nu = min(p.moves_n - 1.0, MOVES)
    return Sides(
        left,
        right,
        t_surprise(left / max(p.left_move, row.floor) / 1.25, nu),
        t_surprise(right / max(p.right_move, row.floor) / 1.25, nu),
    )


@step
def learn_sides(p: Any, sides: Sides) -> None:
    """Each side's usual movement, one strange one capped."""
    p.moves_n += 1.0
    step = max(1.0 / p.moves_n, 0.08)
    cap_l = 4.0 * p.left_move if p.moves_n > 3.0 and p.left_move > 0.0 else sides.left
    cap_r = 4.0 * p.right_move if p.moves_n > 3.0 and p.right_move > 0.0 else sides.right
    p.left_move += step * (min(sides.left, cap_l) - p.left_move)
    p.right_move += step * (min(sides.right, cap_r) - p.right_move)


@step
def ratio_of(terms: Terms, row: Row) -> float:
    """The difference as a share of the larger side; 0 where there are no two."""
    if not terms.two_sided:
        return 0.0
    big = max(abs(row.left), abs(row.right))
    return float(row.diff / big) if big > 0 else 0.0


@step
def out_of_proportion(p: Any, terms: Terms, row: Row, ratio: float) -> float:
    """The view of that share against its own past."""
    big = max(abs(row.left), abs(row.right))
    least = row.floor / max(big * terms.unit, row.floor)
    return float(ratio_surprise(ratio, p.ratio, max(1.25 * p.ratio_spread, least), p.ratio_n))


@step
def learn_ratio(p: Any, ratio: float) -> None:
    """The usual share and how far it strays, one strange share capped."""
    p.ratio_n += 1.0
    off = abs(ratio - p.ratio)
    cap = 4.0 * p.ratio_spread if p.ratio_n > 3.0 and p.ratio_spread > 0.0 else off
    move = min(max(ratio - p.ratio, -cap), cap)
    p.ratio += max(1.0 / p.ratio_n, 0.06) * move
    if p.ratio_n > 1.0:
        p.ratio_spread = faded(min(off, cap), p.ratio_spread, p.ratio_n - 1.0, 0.06)


# --- all values so far -------------------------------------------------------------------------------------------


@step
def rarity(p: Any, w: Any, row: Row, hourly: bool, hour: int) -> float:
    """The view of the value among all before it, at its hour where hours differ."""
    if hourly and w.hours[0, hour] >= 24.0 and p.off_hour < 0.9 * p.off_middle:
        return float(rarity_surprise(row.x, w.hours[1, hour], w.hours[2, hour], w.hours[3, hour], row.floor))
    return float(rarity_surprise(row.x, p.middle, p.above, p.below, row.floor))


@step
def compare_hours(p: Any, w: Any, row: Row, hour: int) -> None:
    """How far values lie from the middle of all, and from that of their hour: which of the two says more."""
    most = 8.0 * max(p.above, p.below, row.floor)
    p.off_middle = 0.999 * p.off_middle + 0.001 * min(abs(row.x - p.middle), most)
    p.off_hour = 0.999 * p.off_hour + 0.001 * min(abs(row.x - w.hours[1, hour]), most)


@step
def learn_values(p: Any, w: Any, row: Row, hourly: bool, hour: int) -> None:
    """The middle of all values and the spread on either side of it, by the hour too."""
    p.all_n += 1.0
    p.middle, p.above, p.below = remember(row.x, p.all_n, p.middle, p.above, p.below)
    if hourly:
        w.hours[0, hour] += 1.0
        w.hours[1, hour], w.hours[2, hour], w.hours[3, hour] = remember(
            row.x, w.hours[0, hour], w.hours[1, hour], w.hours[2, hour], w.hours[3, hour]
        )


# --- drift inside tolerance --------------------------------------------------------------------------------------


@njit(cache=True)
def added(total: float, step: float) -> float:
    """Page's sum after one more step; what does not add to it also halves it.

    A drift that is over is forgotten in days: 15 days of it would else be told of for 80 more.

    >>> added(10.0, 2.0), added(10.0, -0.5), added(0.1, -0.5)
    (12.0, 4.75, 0.0)
    """
    return max(0.0, total + step if step > 0.0 else 0.5 * (total + step))


@step
def drift(p: Any, row: Row) -> tuple[float, float, float]:
    """The CUSUM of small differences after this one: the view's surprise, what the run adds up to, and how far it is
    on the way to a tolerance (0 to 2).

    A row is part of a drift when it adds to it, by a difference of that sign that is larger than the usual one: after a
    drift that the usual one has partly followed, each zero would else look like a drift back.
    """
    surprise, cusum, run_sum, begun = 0.0, 0.0, 0.0, 0.0
    if p.small_n >= 3.0:
        spread = max(1.25 * p.small_spread, 0.05 * row.tolerance)
        allowance = 0.5 + 1.0 / math.sqrt(p.small_n)
        u = min(max((row.x - p.small_centre) / spread, -3.0), 3.0)
        if p.small_n < 5.0:  # too few to begin a sum with; today's alone is looked at
            p.sum_up, p.sum_down, p.run_up, p.run_down = 0.0, 0.0, 0.0, 0.0
        p.sum_up = added(p.sum_up, u - allowance)
        p.sum_down = added(p.sum_down, -u - allowance)
        p.run_up = p.run_up + row.x - p.small_centre if p.sum_up > 0.0 else 0.0
        p.run_down = p.run_down + row.x - p.small_centre if p.sum_down > 0.0 else 0.0
        up = p.sum_up > p.sum_down
        cusum = p.sum_up if up else p.sum_down
        run_sum = p.run_up if up else p.run_down
        way = 1.0 if up else -1.0
        if u * way > allowance and row.x * way > abs(p.small_centre):
            begun = min(abs(run_sum) / row.tolerance, 1.0) * min(cusum, 2.0)
            surprise = drift_surprise(cusum, run_sum, row.tolerance) if p.small_n >= 5.0 else 0.0
    if not row.excluded:
        _learn_small(p, row.x, cusum)
    return surprise, run_sum, begun


@step
def _learn_small(p: Any, x: float, cusum: float) -> None:
    """The centre stands still while differences drift, else it would follow them; not for ever."""
    if cusum > DRIFTED and p.frozen < PATIENCE:
        p.frozen += 1
        return
    if p.frozen >= PATIENCE:
        p.sum_up = 0.0
        p.sum_down = 0.0
        p.run_up = 0.0
        p.run_down = 0.0
    p.frozen = 0
    p.small_n += 1.0
    off = abs(x - p.small_centre)
    p.small_centre = faded(x, p.small_centre, p.small_n, 0.04)
    p.small_spread = faded(off, p.small_spread, p.small_n, 0.06)


@step
def learn_steps(p: Any, row: Row) -> None:
    """How many of the newest steps went up and how many down."""
    moved = row.x - p.previous
    p.steps = 0.85 * p.steps + 1.0
    p.up_steps = 0.85 * p.up_steps + (1.0 if moved > row.floor else 0.0)
    p.down_steps = 0.85 * p.down_steps + (1.0 if moved < -row.floor else 0.0)
