"""The evidence that the rows of an element share one deviation, from sums alone."""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

SPREADS = np.array([1e-5, 1e-4, 1e-3, 0.003, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3])
"""The spreads of a slice's deviation that are averaged over."""


@njit(cache=True, nogil=True)
def add_rows(element: Ints, rows: npt.NDArray[np.int64], sign: float, values: Floats, sums: Floats) -> None:
    """Adds (sign 1) or takes away (-1) rows: sums[e] += (1, s, s^2, log f_null, log f_all)."""
    for c in range(element.shape[0]):
        for r in rows:
            e = element[c, r]
            s = values[r, 0]
            sums[e, 0] += sign
            sums[e, 1] += sign * s
            sums[e, 2] += sign * s * s
            sums[e, 3] += sign * values[r, 1]
            sums[e, 4] += sign * values[r, 2]


@njit(cache=True, nogil=True)
def log_shared(n: float, total: float, squares: float, spreads: Floats) -> float:
    """Log likelihood of n deviations with one location in [-1, 1] and one spread, both averaged out."""
    around = max(squares - total * total / n, 0.0)
    best = -1e300
    acc = 0.0
    for t in spreads:
        v = t * t
        ll = -0.5 * n * np.log(2 * np.pi * v) - around / (2 * v)
        ll += min(0.5 * np.log(2 * np.pi * v / n), np.log(2.0)) - np.log(2.0)
        if ll > best:
            acc = acc * np.exp(best - ll) + 1.0
            best = ll
        else:
            acc += np.exp(ll - best)
    return best + np.log(acc / len(spreads))


@njit(cache=True, nogil=True)
def scores(sums: Floats, offsets: npt.NDArray[np.int64], prior: Floats, spreads: Floats, out: Floats) -> None:
    """out[e] = (evidence against the background, evidence against what all rows do), prior added; -inf: none."""
    for c in range(len(offsets) - 1):
        for e in range(offsets[c], offsets[c + 1]):
            out[e, 0] = -np.inf
            out[e, 1] = -np.inf
            n = sums[e, 0]
            if n < 1.5:
                continue
            mean = sums[e, 1] / n
            second = sums[e, 2] / n
            var = max(second - mean * mean, 1e-12)
            shift = 0.5 * n * np.log(1 + mean * mean / var)
            if shift < 6.0:
                continue
            # the best Gaussian bounds the averaged one from above
            bound = -0.5 * n * np.log(2 * np.pi * max(var, 1e-10)) - 0.5 * n
            if bound - sums[e, 4] + prior[c] < 0 or bound - sums[e, 3] + prior[c] < 0:
                continue
            ll = log_shared(n, sums[e, 1], sums[e, 2], spreads)
            out[e, 0] = ll - sums[e, 3] + prior[c]
            out[e, 1] = ll - sums[e, 4] + prior[c]


@njit(cache=True, nogil=True)
def fit_one(share: Floats, null: Floats, everyone: Floats, spreads: Floats) -> tuple[float, float, float, float, float]:
    """Location, spread and purity of one element, rows of other deviations let pass.

    `share` ascending, the others aligned. Returns (gain over null, gain over everyone, location, spread, purity),
    gains in nats with what the three fitted numbers cost taken off.
    """
    n = len(share)
    half = max((n + 1) // 2, 1)
    at, narrow = 0, 1e300
    for i in range(n - half + 1):
        if share[i + half - 1] - share[i] < narrow:
            narrow, at = share[i + half - 1] - share[i], i
    mu = share[at + half // 2] if half > 1 else share[0]
    tau = max(narrow / 1.35, spreads[0])
    pi = 0.8
    for _ in range(12):
        w = 0.0
        ws = 0.0
        wss = 0.0
        for i in range(n):
            d = (share[i] - mu) / tau
            inside = np.log(pi) - 0.9189385 - np.log(tau) - 0.5 * d * d
            outside = np.log(1 - pi) + everyone[i]
            r = 1.0 / (1.0 + np.exp(min(outside - inside, 700.0)))
            w += r
            ws += r * share[i]
            wss += r * share[i] * share[i]
        if w < 1e-6:
            break
        mu = ws / w
        tau = max(np.sqrt(max(wss / w - mu * mu, 0.0)), spreads[0])
        pi = min((w + 0.5) / (n + 0.55), 0.9999)
    over_null = 0.0
    over_all = 0.0
    for i in range(n):
        d = (share[i] - mu) / tau
        inside = -0.9189385 - np.log(tau) - 0.5 * d * d
        a = np.log(pi) + inside
        b = np.log(1 - pi) + everyone[i]
        top = max(a, b)
        ll = top + np.log(np.exp(a - top) + np.exp(b - top))
        over_all += ll - everyone[i]
        over_null += ll - null[i]
    cost = np.log(n + 1.0) * 0.5 + np.log(2.0 / tau * np.sqrt(n / (2 * np.pi)) + 1.0)
    return over_null - cost, over_all - cost, mu, tau, pi
