"""Seasons: the period of one long series, found in its own past, and what is left of a row without it.

Of a load that has its days and its weeks the period is the week, once three have been seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

Floats = npt.NDArray[np.float64]

LEAST = 5
"""The shortest period, in rows."""
REACH = 4_096
"""Rows that the period is looked for in: the newest."""
CLEAR = 0.25
"""The autocorrelation under which there is no period."""
RISE = 0.2
"""How far the autocorrelation must have come back from its trough."""
MOST = 8
"""Periods that are tried."""
SHORTER = 1.1
"""A shorter period may leave so much more than the best one."""
FIRST_LOOK = 300
"""Rows before the first look; the next looks come each time the past has doubled."""
DUST = 1e-6
"""What a float's last bits may make of the order of 1."""
LEND = 5.0
"""Rows for which the whole series stands in what is usual at one place of the season."""
WITHOUT = 100
"""Where there is no period a row is held against the median of so many rows before it."""
LONGER = 500
"""And against the median of so many: what was usual before something went on for hours."""


def period_of(x: Floats) -> int:
    """The period, in rows, whose season leaves least of the newest REACH rows; 0: none leaves less than no season.

    Of several that leave about as little (within SHORTER) the shortest.

    >>> period_of(np.sin(np.arange(500) * 2 * np.pi / 24))
    24
    >>> period_of(np.random.default_rng(1).normal(size=500))
    0
    """
    x = x[-REACH:]
    # what comes once a day for a row or two is nothing but outermost hundredths; one wild row hides everything else
    found = np.array([0, *sorted({*_candidates(x), *_candidates(np.clip(x, *np.quantile(x, [0.01, 0.99])))})])
    if len(found) == 1:
        return 0
    rest = np.empty((len(found), len(x)))
    for period, out in zip(found, rest, strict=True):
        _residuals(x, period, 0, len(x), out)
    # all are asked about the same rows: those that the longest of them has a season for
    size = np.abs(rest[:, min(2 * found.max(), len(x) - 1) :])
    # what comes rarely shows in the mean, what is drowned in noise in the median
    left = np.minimum(*(of / (of[0] + DUST * size.max()) for of in (size.mean(axis=1), np.median(size, axis=1))))
    if left[1:].min() >= left[0]:
        return 0
    return int(found[1:][left[1:] <= SHORTER * left[1:].min() + DUST].min())


def _candidates(x: Floats) -> list[int]:
    """Lags at which the autocorrelation has come back from a trough: each the highest within a quarter around it.

    The trend is taken out first. By the fast Fourier transform (Wiener and Khinchin). Noise makes little peaks all over
    a slow fall from 1; none of them has a trough before it.
    """
    n = len(x)
    index = np.arange(n)
    y = x - np.polyval(np.polyfit(index, x, 1), index)
    power = np.abs(np.fft.rfft(y, 2 * n)) ** 2
    a = np.fft.irfft(power)[: n // 3]
    if a[0] <= 1e-12 * n:
        return []
    a = a / a[0] * n / (n - index[: n // 3])
    back = a - np.minimum.accumulate(a)
    out: list[int] = []
    for lag in np.argsort(-a[LEAST:], kind="stable") + LEAST:
        if a[lag] < CLEAR or len(out) == MOST:
            break
        around = slice(int(lag / 1.25), int(lag * 1.25) + 1)
        if back[lag] >= RISE and a[lag] >= a[around].max():
            out.append(int(lag))
    return out


@dataclass(frozen=True)
class Look:
    """What was known of the season when rows `begin` to `end` came."""

    begin: int
    end: int
    period: int
    """0: none."""
    rest: Floats
    """Length `end`: each row less the median of the same place in the five periods before it and less what a trend
    adds to that, weighed by how much the place varies, by this period for all rows: earlier rows as they look by what
    is known now. nan for the first two periods."""


def looks(x: Floats) -> Iterator[Look]:
    """The looks one after another; each is made from the rows before it alone.

    >>> x = np.sin(np.arange(700) * 2 * np.pi / 24); x[650] += 3.0
    >>> last = list(looks(x))[-1]; last.begin, last.period, round(float(last.rest[650]), 3)
    (600, 24, 3.0)
    """
    begin, end = 0, FIRST_LOOK
    while begin < len(x):
        period = period_of(x[:begin]) if begin else 0
        rest = np.full(min(end, len(x)), np.nan)
        _residuals(x, period, 2 * period, len(rest), rest)
        if not period:
            _way_back(x, rest)
        if begin:
            rest -= np.median(rest[2 * period : begin])
        if period:
            _by_place(rest, period)
        yield Look(begin, len(rest), period, rest)
        begin, end = end, 2 * end


@njit(cache=True)
def _residuals(x: Floats, period: int, begin: int, end: int, out: Floats) -> None:
    for t in range(begin, end):
        if period > 0 and t >= 2 * period:
            out[t] = x[t] - np.median(x[t - min(t // period, 5) * period : t : period])
        else:
            out[t] = x[t] - np.median(x[max(0, t - WITHOUT) : t]) if t > 0 else 0.0


@njit(cache=True)
def _way_back(x: Floats, rest: Floats) -> None:
    """In place: back to what was usual for LONGER is no news, however far from the last rows it is."""
    for t in range(1, len(rest)):
        far = x[t] - np.median(x[max(0, t - LONGER) : t])
        if abs(far) < abs(rest[t]):
            rest[t] = far


@njit(cache=True)
def _by_place(rest: Floats, period: int) -> None:
    """Weighs each row by how much its place of the season varied before: a busy hour varies more than a still one.

    In place, from the fifth period on; of the place a twenty-fourth of a period to each side, in the five before.
    """
    size = np.abs(rest) + DUST
    size[: 2 * period] = 0.0
    total = np.append(0.0, np.cumsum(size))
    near = period // 24
    for t in range(4 * period, len(rest)):
        usual = LEND * total[t] / (t - 2 * period)
        n = LEND
        for back in range(1, min(t // period - 2, 5) + 1):
            at = t - back * period
            usual += total[at + near + 1] - total[at - near]
            n += 2 * near + 1
        if usual > 0.0:
            rest[t] *= total[t] / (t - 2 * period) * n / usual
