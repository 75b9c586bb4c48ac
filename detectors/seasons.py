"""Seasons: the period of one long series, found in its own past, and what is left of a row without it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

Floats = npt.NDArray[np.float64]

LEAST = 8
"""The shortest period, in rows."""
REACH = 4_096
"""Rows that the period is looked for in: the newest."""
CLEAR = 0.25
"""The autocorrelation under which there is no period."""
FIRST_LOOK = 300
"""Rows before the first look; the next looks come each time the past has doubled."""
WITHOUT = 100
"""Where there is no period a row is held against the median of so many rows before it."""


def period_of(x: Floats) -> int:
    """The shortest lag whose autocorrelation is a peak nearly (85%) as high as the highest one; 0: no clear one.

    The trend is taken out and the outermost hundredths are clipped first. By the fast Fourier transform
    (Wiener and Khinchin).

    >>> period_of(np.sin(np.arange(500) * 2 * np.pi / 24))
    24
    >>> period_of(np.random.default_rng(1).normal(size=500))
    0
    """
    n = len(x)
    index = np.arange(n)
    y = np.clip(x, *np.quantile(x, [0.01, 0.99]))
    y = y - np.polyval(np.polyfit(index, y, 1), index)
    power = np.abs(np.fft.rfft(y, 2 * n)) ** 2
    a = np.fft.irfft(power)[:n]
    if a[0] <= 1e-12 * n:
        return 0
    a = a / a[0] * n / (n - index)
    a = a[LEAST : n // 3]
    peak = np.flatnonzero((a[1:-1] >= a[:-2]) & (a[1:-1] > a[2:]) & (a[1:-1] > CLEAR)) + 1
    if not len(peak):
        return 0
    return LEAST + int(peak[a[peak] >= 0.85 * a[peak].max()][0])


@dataclass(frozen=True)
class Look:
    """What was known of the season when rows `begin` to `end` came."""

    begin: int
    end: int
    period: int
    """0: none."""
    rest: Floats
    """Length `end`: each row less the median of the same place in the five periods before it, by this period for
    all rows: earlier rows as they look by what is known now. nan for the first two periods."""


def looks(x: Floats) -> Iterator[Look]:
    """The looks one after another; each is made from the rows before it alone.

    >>> x = np.sin(np.arange(700) * 2 * np.pi / 24); x[650] += 3.0
    >>> last = list(looks(x))[-1]; last.begin, last.period, round(float(last.rest[650]), 6)
    (600, 24, 3.0)
    """
    begin, end = 0, FIRST_LOOK
    while begin < len(x):
        period = period_of(x[max(0, begin - REACH) : begin]) if begin else 0
        rest = np.full(min(end, len(x)), np.nan)
        _residuals(x, period, 2 * period, len(rest), rest)
        yield Look(begin, len(rest), period, rest)
        begin, end = end, 2 * end


@njit(cache=True)
def _residuals(x: Floats, period: int, begin: int, end: int, out: Floats) -> None:
    for t in range(begin, end):
        if period > 0 and t >= 2 * period:
            out[t] = x[t] - np.median(x[t - min(t // period, 5) * period : t : period])
        else:
            out[t] = x[t] - np.median(x[max(0, t - WITHOUT) : t]) if t > 0 else 0.0
