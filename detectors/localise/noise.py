"""The background: how much leaves deviate when nothing is wrong, read from the run itself."""

from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FLOOR = 1e-9
WIDTH = 0.01
"""Widest bin of the empirical density."""


def shares(actual: Floats, expected: Floats) -> Floats:
    """(actual - expected) / larger of both, sign kept; 0 where both are zero."""
    larger = np.maximum(np.abs(actual), np.abs(expected))
    return np.divide(actual - expected, larger, out=np.zeros_like(larger), where=larger > 0)


@dataclass(frozen=True)
class Background:
    """A symmetric density around zero: a point mass at zero and a generalised normal for the rest."""

    zero: float
    scale: float
    shape: float

    def log_density(self, share: Floats) -> Floats:
        norm = log(self.shape / (2 * self.scale)) - lgamma(1 / self.shape) + log(max(1 - self.zero, 1e-6))
        out = norm - (np.abs(share) / self.scale) ** self.shape
        return np.where(np.abs(share) <= FLOOR, log(self.zero + 1e-6) - log(2 * FLOOR), out)


_SHAPES = np.linspace(0.25, 2.0, 36)


def _quantile_ratio() -> Floats:
    from scipy.special import gammaincinv

    return np.array([(gammaincinv(1 / b, 0.98) / gammaincinv(1 / b, 0.5)) ** (1 / b) for b in _SHAPES])


_RATIOS = _quantile_ratio()


def fit(share: Floats) -> Background:
    """Fitted to the cleaner side of zero, so that causes of one direction leave it alone."""
    from scipy.special import gammaincinv

    live = share[np.abs(share) > FLOOR]
    zero = 1 - len(live) / max(len(share), 1)
    best: Background | None = None
    for side in (live[live > 0], -live[live < 0]):
        if len(side) < 8:
            continue
        middle, tail = np.quantile(side, [0.5, 0.98])
        ratio = tail / max(middle, FLOOR)
        shape = float(np.interp(ratio, _RATIOS[::-1], _SHAPES[::-1]))
        scale = float(middle / gammaincinv(1 / shape, 0.5) ** (1 / shape))
        found = Background(zero, max(scale, 1e-7), shape)
        if best is None or middle * len(side) < best_size:
            best, best_size = found, middle * len(side)
    return best or Background(zero, 1e-3, 1.0)


def _edges() -> Floats:
    edges, x = [1e-7], 1e-7
    while x < 2:
        x += min(WIDTH, 0.08 * x)
        edges.append(x)
    positive = np.array(edges)
    return np.concatenate([-positive[::-1], positive])


EDGES = _edges()
LOG_WIDTHS = np.log(np.diff(EDGES))


def bins_of(share: Floats) -> npt.NDArray[np.int64]:
    return np.clip(np.searchsorted(EDGES, share, side="right") - 1, 0, len(EDGES) - 2)


def empirical(bins: npt.NDArray[np.int64]) -> Floats:
    """Log density of each row under the histogram of all of them."""
    counts = np.bincount(bins, minlength=len(LOG_WIDTHS))
    smooth = (np.convolve(counts, [0.25, 0.5, 0.25], mode="same") + counts) / 2
    return np.asarray((np.log(np.maximum(smooth, 0.5)) - LOG_WIDTHS - log(max(len(bins), 1)))[bins])
