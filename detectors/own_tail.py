"""Own tail: how strange each value of one long stream is among its own earlier values, with no end to strange.

-ln of the share of earlier values that were at least as large; past the largest 2% a power law carries on, its
index from those 2% (Hill 1975; Weissman 1978), so that a larger value always has a larger surprise.
"""

import math

import numpy as np
import numpy.typing as npt

from recon.compiled import njit

Floats = npt.NDArray[np.float64]

LEAST = 100
"""Earlier values before the first answer."""
SLOW = 200.0
"""Earlier values at which an answer has half its weight."""
TOP = 0.02
FEWEST = 8
LEAN = 20.0
USUAL = 0.25
BINS = 1_024
GRAIN = 8.0
"""Bins for each doubling of a value; 1,024 of them hold 2^-64 to 2^64."""


@njit(cache=True)
def surprises(values: Floats, late: int = 0) -> Floats:
    """The surprise of each value (0 or larger) among those before it; 0 for the first hundred; nan is passed over.

    The newest `late` values (an eighth of them where they are few) are not known yet: what goes on for hours is
    held against what was before it began, not against its own beginning.

    >>> out = surprises(np.append(np.arange(1.0, 1001.0), [500.5, 2000.0, 4000.0]))
    >>> round(math.exp(-out[-3]), 2), bool(out[-1] > out[-2] > 4.0)
    (0.56, True)
    """
    counts = np.zeros(BINS, np.int64)
    out = np.zeros(len(values))
    n = known = 0
    for t in range(len(values)):
        while known < t and known < t - min(late, t // 8):
            if not math.isnan(values[known]):
                counts[int(_place(values[known]))] += 1
                n += 1
            known += 1
        if math.isnan(values[t]):
            continue
        if n >= LEAST:
            # a short past, whose rows are mostly alike, knows little of its own tail
            out[t] = _surprise(counts, n, _place(values[t])) * n / (n + SLOW)
    return out


@njit(cache=True)
def _place(value: float) -> float:
    """Its bin, and how far in it."""
    return min(max((math.log2(max(value, 1e-18)) + 64.0) * GRAIN, 0.0), BINS - 1e-6)


@njit(cache=True)
def _surprise(counts: npt.NDArray[np.int64], n: int, place: float) -> float:
    k = max(int(TOP * n), FEWEST)
    at = int(place)
    above = counts[at] * (1.0 - (place - at))
    for b in range(at + 1, BINS):
        above += counts[b]
    if above >= k:
        return -math.log((above + 0.5) / (n + 1.0))
    held, total, b = 0, 0.0, BINS - 1
    while b > 0 and held + counts[b] < k:
        held += counts[b]
        total += counts[b] * (b + 0.5)
        b -= 1
    edge = b + 1.0 - (k - held) / max(counts[b], 1)
    total += (k - held) * 0.5 * (edge + b + 1.0)
    # the mean excess of the logs is Hill's index; few values lean on a t with four degrees of freedom
    hill = max(total / k - edge, 0.0) / GRAIN * math.log(2.0)
    index = (k * hill + LEAN * USUAL) / (k + LEAN)
    return float(math.log((n + 1.0) / k) + max(place - edge, 0.0) / GRAIN * math.log(2.0) / index)
