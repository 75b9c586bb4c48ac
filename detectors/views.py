"""The views: each asks one question of a row and answers with a surprise, -ln of a nominal p-value.

A view is a small compiled function of what the walk knows before it meets the row; the walk calls each in turn.
Nominal p-values only order and bin; the honest ones come from `detectors.calibration`, by replay on history.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from detectors.kernels import beta_binomial_surprise, normal_surprise, t_surprise
from recon.compiled import njit


@dataclass(frozen=True)
class View:
    """One detector: its column in the walk's output, and the question it asks."""

    name: str
    asks: str
    weight: float
    """Its share in the Cauchy combination for a series that mostly differs; the shares are made to sum to 1."""
    sparse: float
    """Its share for a series that mostly matches: there a break is judged by its rarity and its size."""


VIEWS: Final[tuple[View, ...]] = (
    View("level", "is the difference far from its forecast, by the series' own spread?", 3.0, 1.0),
    View("change", "did it move further from its last clean value than it usually moves?", 1.0, 0.5),
    View("breaks", "does the key break more often than it used to: today, in 5 rows, in 10?", 0.25, 1.5),
    View("size", "how rare is a break of this size here, counting how rare breaks are?", 0.25, 4.0),
    View("drift", "do small same-sign differences inside tolerance add up (CUSUM)?", 0.25, 0.25),
    View("shift", "do the last residuals lie on one side of the forecast together?", 1.0, 0.5),
    View("volatility", "do the last residuals vary more than the earlier ones?", 0.5, 0.25),
    View("ratio", "is the difference out of proportion to the sides, by its own past?", 0.5, 0.5),
    View("sides", "did one side move unusually while the other did not?", 0.25, 0.5),
    View("echo", "is it an exact duplicate or reversal of a recent row?", 0.5, 0.5),
    View("rarity", "is the value rare in all of a long past, at this time of day where that matters?", 0.5, 0.25),
    View("lately", "was the series strange in the last hours? (many rows a day only)", 0.25, 0.25),
    View("forest", "is the combination of all of these rare among breaks?", 0.5, 1.0),
)
"""Each member of the family is asked the same questions by tests/detectors/test_judge_calibration.py."""

LEVEL, CHANGE, BREAKS, SIZE, DRIFT, SHIFT, VOLATILITY, RATIO, SIDES, ECHO, RARITY, LATELY, FOREST = range(13)
WALKED: Final = 12
"""All but the forest are found on the walk; the forest comes after it, for candidates only."""

MATCH: Final = 0.2
"""The share of a match. A row within tolerance is judged by the drift alone, with this share, and a break of a series
that mostly matches by the other views with the rest: a row is one or the other, and both with all of it would call
more than was promised."""

NAMES: Final = tuple(view.name for view in VIEWS)


@njit(cache=True)
def level_surprise(error: float, scale: float, nu: float, support: float) -> float:
    """The forecast's error against the predictive t: the scale widened by what `support` points leave unknown.

    >>> level_surprise(0.0, 1.0, 5.0, 6.0)
    0.0
    """
    if support <= 0.0:
        return 0.0
    return float(t_surprise(error / (scale * math.sqrt(1.0 + 1.0 / support)), nu))


class Rate(NamedTuple):
    """How often a series breaks, as far as it is known."""

    share: float
    """Of its rows."""
    known: float
    """The rows that this stands on, those lent by its group counted."""


@njit(cache=True)
def breaks_surprise(is_break: bool, in_5: int, in_10: int, before_5: Rate, before_10: Rate, today: Rate) -> float:
    """The rarest of: a break today, this many in the last 5, this many in the last 10 rows.

    `before_5` and `before_10` are the break rates as known before those rows; `today` before this one. Three
    looks cost ln 3 (Bonferroni).
    """
    if not is_break:
        return 0.0
    best = -math.log(today.share)
    if in_5 > 1:
        best = max(best, beta_binomial_surprise(in_5, 5, before_5.share, before_5.known))
    if in_10 > 2:
        best = max(best, beta_binomial_surprise(in_10, 10, before_10.share, before_10.known))
    return max(0.0, best - 1.0986122886681098)


@njit(cache=True)
def by_chance(in_3: int, in_6: int, before: Rate) -> float:
    """What residuals on one side say together in a series that mostly matches: as much as so many breaks in the last 3
    or the last 6 rows, all of one sign. Its residuals are zeros and breaks, far from the normal law of the others."""
    best = 0.0
    for hits, rows in ((in_3, 3), (in_6, 6)):
        one_sign = 0.6931471805599453 * max(hits - 1, 0)
        best = max(best, beta_binomial_surprise(hits, rows, before.share, before.known) + one_sign)
    return best


@njit(cache=True)
def size_surprise(log_size: float, mean: float, spread: float, nu: float, rate: float) -> float:
    """A hurdle: -ln of P(break) x P(a break's size >= this one), the sizes log-t.

    One-sided: an unusually small break is no concern of this view.
    """
    first = -math.log(min(max(rate, 1e-9), 1.0))
    if spread <= 0.0:
        return first
    z = (log_size - mean) / spread
    two_sided = float(t_surprise(z, nu))
    if z >= 0.0:
        return first + two_sided + 0.6931471805599453
    return first - math.log1p(-0.5 * math.exp(-two_sided))


@njit(cache=True)
def drift_surprise(cusum: float, run_sum: float, tolerance: float) -> float:
    """The CUSUM's exponential tail, once the run adds up to a tolerance: P(C > h) ~ exp(-2 k h), k = 1/2.

    Page (1954); the tail is Siegmund's, Sequential Analysis, 1985. Below one tolerance it stays silent.
    """
    if tolerance <= 0.0 or abs(run_sum) < tolerance:
        return 0.0
    return max(0.0, cusum - 2.0)


@njit(cache=True)
def shift_surprise(sum_3: float, sum_6: float, now: float) -> float:
    """The larger of the last 3 and last 6 clipped residuals, each summed over its root; silent once it is over.

    A row that is itself in place is not part of a shift, however strange the rows before it were.
    """
    a = abs(sum_3) / 1.7320508075688772
    b = abs(sum_6) / 2.449489742783178
    best = a if a > b else b
    same = sum_3 * now > 0.0 if a > b else sum_6 * now > 0.0
    if not same or abs(now) < 0.8:
        return 0.0
    return max(0.0, float(normal_surprise(best)) - 0.6931471805599453)


@njit(cache=True)
def volatility_surprise(squares: float, n: int, now: float) -> float:
    """The mean clipped square of the last n residuals against 1, by Wilson and Hilferty's normal (1931)."""
    if n < 4 or abs(now) < 1.5:
        return 0.0
    ratio = (squares / n) ** (1.0 / 3.0)
    spread = 2.0 / (9.0 * n)
    u = (ratio - (1.0 - spread)) / math.sqrt(spread)
    return float(normal_surprise(u)) + 0.6931471805599453 if u > 1.0 else 0.0


@njit(cache=True)
def ratio_surprise(ratio: float, mean: float, spread: float, n: float) -> float:
    """The difference as a share of the larger side, against its own past shares."""
    if n < 3.0 or spread <= 0.0:
        return 0.0
    return float(t_surprise((ratio - mean) / (spread * math.sqrt(1.0 + 1.0 / n)), min(n - 1.0, 8.0)))


@njit(cache=True)
def rarity_surprise(x: float, centre: float, up: float, down: float, floor: float) -> float:
    """How far above or below everything so far, each side by its own mean distance: skewed values have two."""
    wide = max(up if x >= centre else down, floor)
    return float(t_surprise((x - centre) / (1.25 * wide), 4.0))


@njit(cache=True)
def sides_surprise(left: float, right: float) -> float:
    """By how much one side's own surprise exceeds the other's: both moving together is business."""
    return abs(left - right)
