"""The evidence that the rows of an element share one deviation, from sums alone."""

import numpy as np
import numpy.typing as npt

from detectors.localise.crowd import FAR, KEPT, POOL, REACH, WIDTH
from recon.compiled import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

SPREADS = np.array([1e-5, 1e-4, 1e-3, 0.004, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3])
"""The spreads of a slice's deviation that are averaged over."""

SMALL = 40
"""Up to so many rows an element is weighed against all other rows, not against all."""

PURITIES = np.array([0.97, 0.8])
"""Shares of a slice's rows that deviate, in the models that ask no more."""

SHARE, SQUARE, NULL, ALL, LOOSE, TILTED, FAR_OUT, COLUMNS = 0, 1, 2, 3, 4, 10, 14, 16
"""Columns of a row's evidence: its share and the square; its log density when nothing is wrong, and among all
rows; the log odds of six loose models (a purity deviates anyhow, upwards, downwards) and of six tilts of rank
(high, low, far out)."""


@njit(cache=True, nogil=True)
def fill(
    share: Floats,
    bins: Offsets,
    level: Offsets,
    null: Floats,
    clear: Floats,
    free: npt.NDArray[np.bool_],
    density: Floats,
    ranks: Floats,
    values: Floats,
) -> Floats:
    """Fills values[row] for the free rows; returns how much each size class deviates, in all, up and down.

    Within a size class the odds of the free rows average 1, so that a random set earns nothing.
    """
    classes = density.shape[0]
    off = np.zeros(len(share))
    totals = np.zeros((3, classes))
    count = np.zeros(classes)
    for i in range(len(share)):
        if free[i]:
            k = level[i]
            values[i, SHARE] = share[i]
            values[i, SQUARE] = share[i] * share[i]
            values[i, NULL] = null[i]
            values[i, ALL] = density[k, bins[i]]
            count[k] += 1.0
            if null[i] < values[i, ALL]:
                off[i] = min(1 - np.exp(null[i] - values[i, ALL]), 1 - 1e-9)
                totals[0, k] += off[i]
                totals[1 if share[i] > 0 else 2, k] += off[i]
    for i in range(len(share)):
        if free[i]:
            k = level[i]
            for m in range(3):
                rate = min(max(totals[m, k] / count[k], 1e-6), 1 - 1e-6)
                weight = off[i] if m == 0 or (m == 1) == (share[i] > 0) else 0.0
                for j in range(len(PURITIES)):
                    likely = max(PURITIES[j] * clear[i], rate)
                    odds = (1 - likely) * (1 - weight) / (1 - rate)
                    if weight > 0:
                        odds += likely * weight / rate
                    values[i, LOOSE + m * len(PURITIES) + j] = np.log(odds)
            for q in range(COLUMNS - TILTED):
                values[i, TILTED + q] = ranks[k, bins[i], q]
    return totals


@njit(cache=True, nogil=True)
def gather(
    element: Ints, wanted: int, order: Offsets, free: npt.NDArray[np.bool_], values: Floats, most: int
) -> Floats:
    """(share, null, all) of the free rows of an element, by share; every so many of them where there are more than
    `most`."""
    count = 0
    for r in range(len(element)):
        if element[r] == wanted and free[r]:
            count += 1
    step = max(count // most, 1)
    out = np.empty(((count + step - 1) // step, 3))
    seen = 0
    for r in order:
        if element[r] == wanted and free[r]:
            if seen % step == 0:
                out[seen // step, 0] = values[r, SHARE]
                out[seen // step, 1] = values[r, NULL]
                out[seen // step, 2] = values[r, ALL]
            seen += 1
    return out


@njit(cache=True, nogil=True)
def add_up(
    values: Floats,
    free: npt.NDArray[np.bool_],
    element: Ints,
    offsets: Offsets,
    source: Ints,
    parent: Ints,
    sums: Floats,
) -> None:
    """sums[e, 0] rows and sums[e, 1:] the sums of `values` over the free rows of each element."""
    m = values.shape[1]
    for c in range(len(offsets) - 2, -1, -1):
        j = source[c]
        if j >= 0:
            start = offsets[j]
            for k in range(offsets[j + 1] - start):
                e = parent[c, k]
                if sums[start + k, 0] > 0:
                    for q in range(m + 1):
                        sums[e, q] += sums[start + k, q]
        else:
            for r in range(values.shape[0]):
                if free[r]:
                    e = element[c, r]
                    sums[e, 0] += 1.0
                    for q in range(m):
                        sums[e, q + 1] += values[r, q]


@njit(cache=True, nogil=True)
def narrowest(share: float) -> float:
    """The least spread that the densities can tell apart at this deviation."""
    return 0.4 * min(WIDTH, 0.08 * max(abs(share), 1e-7))


@njit(cache=True, nogil=True)
def log_shared(n: float, total: float, squares: float, spreads: Floats) -> float:
    """Log likelihood of n deviations with one location in [-1, 1] and one spread, both averaged out."""
    around = max(squares - total * total / n, 0.0)
    least = narrowest(total / n)
    best = -1e300
    acc = 0.0
    for t in spreads:
        v = max(t, least) ** 2
        ll = -0.5 * n * np.log(2 * np.pi * v) - around / (2 * v)
        ll += min(0.5 * np.log(2 * np.pi * v / n), np.log(2.0)) - np.log(2.0)
        if ll > best:
            acc = acc * np.exp(best - ll) + 1.0
            best = ll
        else:
            acc += np.exp(ll - best)
    return float(best + np.log(acc / len(spreads)))


@njit(cache=True, nogil=True)
def scores(
    sums: Floats, offsets: Offsets, prior: Floats, spreads: Floats, shift_least: float, usual: float, out: Floats
) -> None:
    """out[e] = (evidence against nothing being wrong, evidence against chance among all rows), prior added.

    The second is what a random set of rows of the same sizes reaches with probability exp(-evidence) at most,
    whatever the rows' distribution.
    """
    for c in range(len(offsets) - 1):
        for e in range(offsets[c], offsets[c + 1]):
            out[e, 0] = -np.inf
            out[e, 1] = -np.inf
            n = sums[e, 0]
            if n < 1.5:
                continue
            loose = -np.inf
            for q in range(LOOSE, COLUMNS):
                # rows that stand low only because others stand high are those others' complement
                if q < TILTED or sums[e, 1 + FAR_OUT] > 0:
                    loose = max(loose, sums[e, 1 + q])
            loose -= np.log(COLUMNS - LOOSE + 1.0)
            if loose + prior[c] + (0.0 if n > SMALL else 3.0 * n) > 0:
                out[e, 1] = loose + prior[c]
                out[e, 0] = loose + sums[e, 1 + ALL] - sums[e, 1 + NULL] + prior[c]
            mean = sums[e, 1 + SHARE] / n
            var = max(sums[e, 1 + SQUARE] / n - mean * mean, 1e-12)
            if abs(mean) < usual or 0.5 * n * np.log(1 + mean * mean / var) < shift_least:
                continue
            # the best Gaussian bounds the averaged one from above
            least = narrowest(mean) ** 2
            bound = -0.5 * n * np.log(2 * np.pi * max(var, least)) - 0.5 * n * min(var / least, 1.0)
            slack = 0.0 if n > SMALL else 3.0 * n
            if bound - sums[e, 1 + ALL] + prior[c] + slack < max(out[e, 1], 0.0):
                continue
            ll = log_shared(n, sums[e, 1 + SHARE], sums[e, 1 + SQUARE], spreads) - np.log(2.0)
            if ll - sums[e, 1 + ALL] + prior[c] > out[e, 1]:
                out[e, 0] = ll - sums[e, 1 + NULL] + prior[c]
                out[e, 1] = ll - sums[e, 1 + ALL] + prior[c]


@njit(cache=True, nogil=True)
def fit_one(
    share: Floats, null: Floats, everyone: Floats, stands_for: float
) -> tuple[float, float, float, float, float]:
    """Location, spread and purity of one element, rows of other deviations let pass.

    `share` ascending, the others aligned. Returns (gain over null, gain over everyone, location, spread, purity),
    gains in nats with what the three fitted numbers cost taken off; each row stands for `stands_for` rows.
    """
    n = len(share)
    half = max((n + 1) // 2, 1)
    at, narrow = 0, 1e300
    for i in range(n - half + 1):
        if share[i + half - 1] - share[i] < narrow:
            narrow, at = share[i + half - 1] - share[i], i
    mu = share[at + half // 2] if half > 1 else share[0]
    tau = max(narrow / 1.35, narrowest(mu))
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
        tau = max(np.sqrt(max(wss / w - mu * mu, 0.0)), narrowest(mu))
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
    cost = np.log(n + 1.0) * 0.5 + np.log(2.0 / tau * np.sqrt(n / (2 * np.pi)) + 1.0) + np.log(2.0)
    return over_null * stands_for - cost, over_all * stands_for - cost, mu, tau, pi


@njit(cache=True, nogil=True)
def weigh_small(
    share: Floats,
    bins: npt.NDArray[np.int64],
    level: npt.NDArray[np.int64],
    null: Floats,
    counts: Floats,
    whole: Floats,
    wide: Floats,
    rows: Floats,
    widths: Floats,
    off_total: Floats,
    spreads: Floats,
) -> tuple[float, float]:
    """(gain over null, gain over all other rows) of a few rows, the rows themselves left out of the density."""
    n = len(share)
    total = max(rows.sum() - n, 1.0)
    mine = np.zeros(len(rows))
    for i in range(n):
        mine[level[i]] += 1.0
    over_all = 0.0
    over_null = 0.0
    off = np.zeros((n, 3))
    for i in range(n):
        own = 0.0
        own_level = 0.0
        around = 0.0
        for j in range(n):
            gap = abs(bins[j] - bins[i])
            part = KEPT if gap == 0 else ((1 - KEPT) / 2 if gap == 1 else 0.0)
            own += part
            if level[j] == level[i]:
                own_level += part
            if share[j] * share[i] > 0 and REACH <= share[j] / share[i] <= 1 / REACH:
                around += 1.0
        b = bins[i]
        k = level[i]
        pooled = POOL * max(whole[b] - own, 0.5) / total
        near = (max(counts[k, b] - own_level, 0.0) + pooled) / (rows[k] - mine[k] + POOL) / widths[b]
        centre = max(abs(share[i]), 1e-7)
        far = max(wide[b] - around, 0.5) / total / (centre * (1 / REACH - REACH))
        density = np.log((1 - FAR) * near + FAR * far)
        over_all -= density
        over_null -= null[i]
        r = min(max(1 - np.exp(min(null[i] - density, 0.0)), 0.0), 1 - 1e-9)
        off[i, 0] = r
        off[i, 1] = r if share[i] > 0 else 0.0
        off[i, 2] = r if share[i] < 0 else 0.0
    ll = log_shared(float(n), share.sum(), (share * share).sum(), spreads) - np.log(2.0)
    loose = -1e300
    for m in range(3):
        gain = 0.0
        for i in range(n):
            k = level[i]
            rate = off_total[m, k]
            for j in range(n):
                if level[j] == k:
                    rate -= off[j, m]
            rate = min(max(rate, 0.5) / max(rows[k] - mine[k], 1.0), 1 - 1e-6)
            gain += np.log(0.97 * off[i, m] / rate + 0.03 * (1 - off[i, m]) / (1 - rate))
        loose = max(loose, gain)
    loose -= np.log(6.0)
    tight = ll + over_all
    if tight > loose:
        return ll + over_null, tight
    return loose - over_all + over_null, loose


@njit(cache=True, nogil=True)
def same_place(
    share: Floats,
    free: npt.NDArray[np.bool_],
    element: Ints,
    offset: int,
    log_others: Floats,
    middle: float,
    spreads: Floats,
    stray: float,
    gain: Floats,
) -> None:
    """gain[e] = log odds that the free rows of an element lie around `middle` rather than where others do, a
    share `stray` of them anyhow; the spreads averaged."""
    totals = np.zeros((len(spreads), len(gain)))
    rows = np.zeros(len(gain))
    for r in range(len(share)):
        if free[r]:
            e = element[r] - offset
            rows[e] += 1.0
            if abs(share[r] - middle) < 4 * spreads[-1]:
                for m in range(len(spreads)):
                    d = (share[r] - middle) / spreads[m]
                    near = np.exp(-0.5 * d * d - 0.9189385 - np.log(spreads[m]) - log_others[r])
                    totals[m, e] += np.log((1 - stray) * near / stray + 1)
    for e in range(len(gain)):
        best = -1e300
        for m in range(len(spreads)):
            best = max(best, totals[m, e])
        acc = 0.0
        for m in range(len(spreads)):
            acc += np.exp(totals[m, e] - best)
        gain[e] = best + np.log(acc / len(spreads)) + rows[e] * np.log(stray)
