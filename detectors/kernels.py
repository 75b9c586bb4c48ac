"""The small steps that every series is walked with: sorted windows, tails, seasons; compiled, without objects.

All are nopython and cached. Each has a plain twin in `tests/detectors/test_kernels.py`. The walk itself is
`detectors.walk`; what profiling taught: at 10 million rows the walk spends its time in the two sorted windows
and the six seasonal trials, so both are insertion into short arrays (48 and 5 values), never a sort.
"""

import math

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

Floats = npt.NDArray[np.float64]

step = njit(cache=True, inline="always")
"""A step of the walk, written into it where it is called: to hand on what it needs took a fifth of the walk."""

HALF_LOG_2PI = 0.9189385332046727
LOG2 = 0.6931471805599453


@njit(cache=True)
def insert_sorted(window: Floats, n: int, value: float) -> None:
    """Puts `value` in its place among the first `n` ascending values; `window` has room for one more.

    >>> w = np.array([1.0, 3.0, 0.0]); insert_sorted(w, 2, 2.0); w.tolist()
    [1.0, 2.0, 3.0]
    """
    i = n
    while i > 0 and window[i - 1] > value:
        window[i] = window[i - 1]
        i -= 1
    window[i] = value


@njit(cache=True)
def remove_sorted(window: Floats, n: int, value: float) -> None:
    """Takes one `value` out of the first `n` ascending values; it must be there.

    >>> w = np.array([1.0, 2.0, 3.0]); remove_sorted(w, 3, 2.0); w[:2].tolist()
    [1.0, 3.0]
    """
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if window[middle] < value:
            low = middle + 1
        else:
            high = middle
    for i in range(low, n - 1):
        window[i] = window[i + 1]


@njit(cache=True)
def median_sorted(window: Floats, n: int) -> float:
    """The median of the first `n` ascending values; 0 for none.

    >>> median_sorted(np.array([1.0, 2.0, 4.0, 9.0]), 4)
    3.0
    """
    if n == 0:
        return 0.0
    half = n >> 1
    if n & 1:
        return float(window[half])
    return float(0.5 * (window[half - 1] + window[half]))


@njit(cache=True)
def mad_sorted(window: Floats, n: int, centre: float) -> float:
    """Median absolute deviation from `centre` of the first `n` ascending values, by two pointers.

    Walks outward from the centre: the deviations to the left and to the right are both already sorted.
    """
    if n == 0:
        return 0.0
    right = 0
    while right < n and window[right] < centre:
        right += 1
    left = right - 1
    before, now = 0.0, 0.0
    for _ in range((n >> 1) + 1):
        before = now
        if left >= 0 and (right >= n or centre - window[left] <= window[right] - centre):
            now = centre - window[left]
            left -= 1
        else:
            now = window[right] - centre
            right += 1
    if n & 1:
        return float(now)
    return float(0.5 * (before + now))


@njit(cache=True)
def trimmed_spread(window: Floats, n: int) -> float:
    """A deviation from `n` ascending absolute errors: the mean of the smallest 80%, scaled for the normal.

    For a normal sample the mean of |e| below its 80% point is 0.5586 deviations; hence 1.790. It keeps more of
    the sample than the MAD does (Huber and Ronchetti, Robust Statistics, ch. 5) and bears one error in five.
    """
    keep = (4 * n + 4) // 5
    if keep == 0:
        return 0.0
    total = 0.0
    for i in range(keep):
        total += window[i]
    return 1.790 * total / keep


@njit(cache=True)
def t_surprise(z: float, nu: float) -> float:
    """-ln of the two-sided tail of Student's t with `nu` degrees of freedom; exact enough to rank and to bin.

    Wallace's normal deviate (1959): (8 nu + 1) / (8 nu + 3) * sqrt(nu ln(1 + z^2 / nu)). Finite for any z.

    >>> round(math.exp(-t_surprise(2.228, 10.0)), 3)
    0.05
    """
    if z == 0.0 or nu <= 0.0:
        return 0.0
    # the log of the ratio keeps z = 1e200 finite
    a = abs(z)
    inside = math.log1p(a * a / nu) if a < 1e100 else 2.0 * math.log(a) - math.log(nu)
    deviate = (8.0 * nu + 1.0) / (8.0 * nu + 3.0) * math.sqrt(nu * inside)
    return float(normal_surprise(deviate))


@njit(cache=True)
def normal_surprise(u: float) -> float:
    """-ln of the two-sided normal tail beyond |u|; by the asymptotic series past 6.

    >>> round(math.exp(-normal_surprise(1.959964)), 4)
    0.05
    """
    u = abs(u)
    if u < 6.0:
        return -math.log(math.erfc(u * 0.7071067811865476))
    v = 1.0 / (u * u)
    return 0.5 * u * u + math.log(u) + HALF_LOG_2PI - LOG2 - math.log1p(-v + 3.0 * v * v - 15.0 * v * v * v)


@njit(cache=True)
def normal_upper_surprise(u: float) -> float:
    """-ln of the upper normal tail beyond u, of either sign.

    >>> round(normal_upper_surprise(0.0), 4)
    0.6931
    """
    if u <= 0.0:
        return -math.log(0.5 * math.erfc(u * 0.7071067811865476))
    return float(normal_surprise(u)) + LOG2


@njit(cache=True)
def beta_binomial_surprise(hits: int, trials: int, rate: float, known: float) -> float:
    """-ln P(X >= hits) in `trials` rows at a rate that is itself only known from `known` rows; 0 when hits is 0.

    The rate is Beta(rate * known, (1 - rate) * known), so X is beta-binomial (Skellam 1948); as `known` grows it
    becomes the binomial, which holds a rate of few rows for certain and takes every second break for a wonder.

    >>> [round(math.exp(-beta_binomial_surprise(2, 2, 0.1, known)), 4) for known in (9.0, 1e9)]
    [0.019, 0.01]
    """
    if hits <= 0:
        return 0.0
    rate = min(max(rate, 1e-9), 1.0 - 1e-9)
    a, b = rate * known, (1.0 - rate) * known
    term = 1.0
    for i in range(trials):
        term *= (b + i) / (known + i)
    above = 0.0
    for k in range(trials + 1):
        if k >= hits:
            above += term
        term *= (trials - k) / (k + 1.0) * (a + k) / (b + trials - k - 1.0) if k < trials else 0.0
    return -math.log(max(above, 1e-300))


@njit(cache=True)
def slot_value(ring: Floats, n: int) -> float:
    """What a calendar slot adds, from its last values (at most 5): the median; of two the nearer to zero.

    >>> slot_value(np.array([10.0, 12.0, 0.0, 0.0, 0.0]), 2)
    10.0
    """
    if n <= 0:
        return 0.0
    if n == 1:
        return float(ring[0])
    if n == 2:
        a, b = ring[0], ring[1]
        if a * b <= 0.0:
            return 0.0
        return float(a) if abs(a) < abs(b) else float(b)
    m = min(n, 5)
    # the middle of 3 to 5 by counting: no scratch array, no sort
    for i in range(m):
        less = 0
        equal = 0
        for j in range(m):
            if ring[j] < ring[i]:
                less += 1
            elif ring[j] == ring[i]:
                equal += 1
        if m & 1:
            if less <= (m >> 1) < less + equal:
                return float(ring[i])
        elif less <= (m >> 1) - 1 < less + equal:
            below = ring[i]
            above = below
            if less + equal <= (m >> 1):
                above = np.inf
                for j in range(m):
                    if ring[j] > below and ring[j] < above:
                        above = ring[j]
            return float(0.5 * (below + above))
    return float(ring[0])


@njit(cache=True)
def remember(x: float, n: float, centre: float, up: float, down: float) -> tuple[float, float, float]:
    """The centre and the mean distances above and below it, after row n; one strange row moves them little."""
    if n <= 1.0:
        return x, 0.0, 0.0
    step = max(1.0 / n, 0.0005)
    error = x - centre
    most = 6.0 * max(up, down) if n > 20.0 else abs(error)
    error = min(max(error, -most), most) if most > 0.0 else error
    if error >= 0.0:
        up += 2.0 * step * (error - up) if n > 4.0 else step * (error - up)
    else:
        down += 2.0 * step * (-error - down) if n > 4.0 else step * (-error - down)
    return centre + step * error, up, down


@njit(cache=True)
def far_from_all(x: Floats) -> Floats:
    """How far each value is above or below all values before it, in mean distances of that side; 0 for the first 20.

    >>> bool(far_from_all(np.append(np.tile([0.0, 1.0], 50), [3.0]))[-1] > 4.0)
    True
    """
    out = np.zeros(len(x))
    centre, up, down = 0.0, 0.0, 0.0
    for t in range(len(x)):
        if t > 20:
            error = x[t] - centre
            out[t] = error / max(up, 1e-12) if error >= 0.0 else -error / max(down, 1e-12)
        centre, up, down = remember(x[t], t + 1.0, centre, up, down)
    return out
