"""Windows: how far the newest rows of one long series are from every earlier stretch, and how still they are.

The distance to the nearest earlier window is the left matrix profile, whose peaks are discords (Yeh et al. 2016;
Lu et al., DAMP, 2022): no later row is looked at. Each diagonal of the distance matrix is walked once, so a row
costs a few operations for each row that it is held against. A window that is only strange for what ended in it says
nothing of its last row: the distance is at most what the newest rows alone make it.
"""

import math

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

Floats = npt.NDArray[np.float64]

NEWEST = 8
"""Rows of a window, at most a quarter of it, that must be as far from the earlier window as all of it."""
FLAT = 1e-9
"""A window whose deviation is at or under this has no shape."""


@njit(cache=True)
def nearest_earlier(x: Floats, width: int, reach: int) -> Floats:
    """The distance of each window of `width` rows from its nearest earlier one that does not overlap it.

    Looks back `reach` rows. Euclidean, in the series' own unit: a level that never was is far. nan without a past.

    >>> nearest_earlier(np.array([0.0, 1.0, 0.0, 1.0, 0.0, 5.0]), 2, 100).tolist()
    [nan, nan, nan, 0.0, 0.0, 4.0]
    """
    n = len(x)
    nearest = np.full(n, np.inf)
    best = np.zeros(n, np.int64)
    for lag in range(width, min(n - width, reach) + 1):
        total = 0.0
        for t in range(lag, n):
            total += (x[t] - x[t - lag]) ** 2
            if t - lag >= width:
                total -= (x[t - width] - x[t - width - lag]) ** 2
            if t - lag >= width - 1 and total < nearest[t]:
                nearest[t] = total
                best[t] = lag
    few = newest_of(width)
    for t in range(n):
        newest = 0.0
        for u in range(t - few + 1, t + 1):
            newest += (x[u] - x[u - best[t]]) ** 2
        nearest[t] = math.sqrt(max(min(nearest[t], width / few * newest), 0.0)) if best[t] else np.nan
    return nearest


@njit(cache=True)
def unlike_any_earlier(x: Floats, width: int, reach: int) -> Floats:
    """The same for shapes: each window brought to mean 0 and deviation 1 first; 0 to 2 sqrt(width).

    A flat window equals a flat one and is sqrt(2 width) from any other. By the correlation of the two windows
    (Mueen et al. 2010): d^2 = 2 width (1 - r).

    >>> rising = np.arange(8.0); unlike_any_earlier(rising, 3, 100).round(6).tolist()
    [nan, nan, nan, nan, nan, 0.0, 0.0, 0.0]
    """
    n = len(x)
    mean, deviation = moments(x, width)
    nearest = np.full(n, np.inf)
    best = np.zeros(n, np.int64)
    for lag in range(width, min(n - width, reach) + 1):
        dot = 0.0
        for t in range(lag, n):
            dot += x[t] * x[t - lag]
            if t - lag >= width:
                dot -= x[t - width] * x[t - width - lag]
            if t - lag < width - 1:
                continue
            flat = (1 if deviation[t] <= FLAT else 0) + (1 if deviation[t - lag] <= FLAT else 0)
            r = 1.0 if flat == 2 else 0.0
            if flat == 0:
                r = (dot / width - mean[t] * mean[t - lag]) / (deviation[t] * deviation[t - lag])
            if 2.0 * width * (1.0 - r) < nearest[t]:
                nearest[t] = 2.0 * width * (1.0 - r)
                best[t] = lag
    few = newest_of(width)
    for t in range(n):
        b = t - best[t]
        if best[t] and deviation[t] > FLAT and deviation[b] > FLAT:
            newest = 0.0
            for i in range(few):
                newest += ((x[t - i] - mean[t]) / deviation[t] - (x[b - i] - mean[b]) / deviation[b]) ** 2
            nearest[t] = min(nearest[t], width / few * newest)
        nearest[t] = math.sqrt(max(nearest[t], 0.0)) if best[t] else np.nan
    return nearest


@njit(cache=True)
def newest_of(width: int) -> int:
    """How many newest rows of a window must be far themselves.

    >>> newest_of(2), newest_of(16), newest_of(64)
    (1, 4, 8)
    """
    return min(max(width // 4, 1), NEWEST)


@njit(cache=True)
def moments(x: Floats, width: int) -> tuple[Floats, Floats]:
    """Mean and deviation of the last `width` rows at each row (fewer at the beginning).

    >>> mean, deviation = moments(np.array([1.0, 3.0, 3.0]), 2); mean.tolist(), deviation.tolist()
    ([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])
    """
    n = len(x)
    mean, deviation = np.zeros(n), np.zeros(n)
    for t in range(n):
        window = x[max(0, t - width + 1) : t + 1]
        mean[t] = window.mean()
        deviation[t] = math.sqrt(((window - mean[t]) ** 2).mean())
    return mean, deviation
