"""What a row without a past of its own is held against: all that its group showed, and a tail fitted beyond it."""

import math

import numpy as np
import numpy.typing as npt

from detectors.survey import SIZE_BINS, Survey, floor_of, value_bin
from detectors.views import size_surprise
from recon.panel import Panel

Ints = npt.NDArray[np.int64]

LENT_SPREAD, LENT_POINTS, LENT_TAIL = 2.0, 3.0, 4.0
"""What is taken for the sizes of a group's breaks beside the group's own: the standard deviation of their logs, for how
many sizes it stands, and the degrees of freedom of their tail."""


def borrowed(
    panel: Panel, counted: Survey, level: int, group: int, x: float
) -> tuple[float, float, float, float] | None:
    """ln p, expected, low and high of a row without a past of its own, from its group's past differences; None where
    those are fewer than five. `x`: its own difference, in the pair's unit."""
    values = counted.values[level][group]
    n = int(values.sum())
    if n < 5:
        return None
    floor = floor_of(panel)
    b = value_bin(x, floor)
    above = (int(values[b:].sum()) + 1) / (n + 1)
    below = (int(values[: b + 1].sum()) + 1) / (n + 1)
    if panel.pair.kind == "text":
        # words can only differ more than they should
        return float(np.log(above)), 0.0, 0.0, 0.0
    share = values.cumsum() / n
    centre, low, high = (_bin_value(int(np.searchsorted(share, q)), floor) for q in (0.5, 0.005, 0.995))
    counted_p = float(np.log(min(1.0, 2.0 * min(above, below))))
    return min(counted_p, _beyond(values, b)), centre, min(low, centre), max(high, centre)


def _beyond(values: Ints, b: int) -> float:
    """ln p of a difference larger than all of the group's past: counting says no less than 1 in n + 1, however far
    beyond it lies. P(any difference) x P(one so large), the logs of sizes a t; 0 inside the past, and where the past
    has none.

    The spread of the logs is shrunk to `LENT_SPREAD`, which stands for `LENT_POINTS` sizes; more than `LENT_TAIL`
    degrees of freedom are not taken, so that sizes with a Pareto's tail, which is exponential in the log, are covered.
    """
    middle = SIZE_BINS // 2
    sizes = values[middle + 1 :] + values[middle - 1 : 0 : -1]
    at = abs(b - middle) - 1
    m, n = int(sizes.sum()), int(values.sum())
    if at < 0 or not m or sizes[at:].any():
        return 0.0
    logs = (np.arange(len(sizes)) + 0.5) / 6.0
    mean = float(sizes @ logs) / m
    squares = float(sizes @ (logs - mean) ** 2)
    spread = math.sqrt((LENT_POINTS * LENT_SPREAD**2 + squares) / (LENT_POINTS + m - 1.0) * (1.0 + 1.0 / m))
    nu = min(LENT_POINTS + m - 1.0, LENT_TAIL)
    return -float(size_surprise(logs[at], mean, spread, nu, (m + 1.0) / (n + 1.0)))


def _bin_value(b: int, unit: float) -> float:
    side = b - SIZE_BINS // 2
    return float(np.sign(side) * unit * np.exp((abs(side) - 0.5) / 6.0)) if side else 0.0
