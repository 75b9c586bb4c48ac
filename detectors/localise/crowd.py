"""The crowd: how all rows of a run deviate, by size of row; what a slice must differ from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WIDTH = 0.01
"""Widest bin of the empirical density."""
POOL = 50.0
"""How many rows of the whole run each size class borrows for its density."""
KEPT = 0.75
"""How much of a row stays in its bin; the rest goes to both neighbours."""
FAR, REACH = 0.1, 0.6
"""Weight and reach (as a factor) of the wide part of the density: the rare is judged by what is rare around."""
TILTS = (2.0, 7.0)
"""How steeply a slice's rows may stand high among all."""


def _edges() -> Floats:
    edges, x = [1e-7], 1e-7
    while x < 2:
        x += min(WIDTH, 0.08 * x)
        edges.append(x)
    positive = np.array(edges)
    return np.concatenate([-positive[::-1], positive])


EDGES = _edges()
WIDTHS = np.diff(EDGES)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
BINS = len(WIDTHS)
SPANS = np.maximum(np.abs(CENTRES) * (1 / REACH - REACH), WIDTHS)
"""How wide the wide part of the density is at each bin."""


def bins_of(share: Floats) -> Ints:
    return np.clip(np.searchsorted(EDGES, share, side="right") - 1, 0, BINS - 1)


def _smooth(counts: Floats) -> Floats:
    out = KEPT * counts
    out[:, 1:] += (1 - KEPT) / 2 * counts[:, :-1]
    out[:, :-1] += (1 - KEPT) / 2 * counts[:, 1:]
    return out


@dataclass(frozen=True)
class Crowd:
    """The empirical density of the share of all rows: by size class, borrowing from all, with a wide tail."""

    counts: Floats
    """Shape (classes, BINS): smoothed counts."""
    whole: Floats
    """Shape (BINS,): smoothed counts of all classes."""
    wide: Floats
    """Shape (BINS,): rows within REACH of the bin that the background does not explain."""
    rows: Floats
    """Shape (classes,): rows of each class."""

    def log_density(self, bins: Ints, level: Ints, own: float = 0.0) -> Floats:
        """`own`: how much of each row itself is left out, 0 or 1."""
        return np.asarray(self.table(own)[level, bins])

    def table(self, own: float = 0.0) -> Floats:
        """Shape (classes, BINS): log density."""
        n = max(float(self.rows.sum()), 1.0)
        pooled = POOL * np.maximum(self.whole - KEPT * own, 0.5) / n
        counts = np.maximum(self.counts - KEPT * own, 0.0)
        near = (counts + pooled) / (self.rows[:, None] + POOL) / WIDTHS
        far = np.maximum(self.wide - own, 0.5) / n / SPANS
        return np.asarray(np.log((1 - FAR) * near + FAR * far))


def crowd(share: Floats, bins: Ints, level: Ints, null: Floats, classes: int) -> Crowd:
    """The density of the rows given; `null`: their log density when nothing is wrong."""
    flat = np.bincount(level * BINS + bins, minlength=classes * BINS).astype(np.float64).reshape(classes, BINS)
    counts = _smooth(flat)
    rows = flat.sum(axis=1)
    near = np.log(np.maximum(counts, 0.5) / np.maximum(rows, 1.0)[:, None] / WIDTHS)[level, bins]
    off = np.clip(1 - np.exp(np.minimum(null - near, 0.0)), 0.0, 1.0)
    order = np.argsort(share)
    before = np.concatenate([[0.0], np.cumsum(off[order])])
    low, high = np.minimum(CENTRES * REACH, CENTRES / REACH), np.maximum(CENTRES * REACH, CENTRES / REACH)
    ordered = share[order]
    wide = before[np.searchsorted(ordered, high, side="right")] - before[np.searchsorted(ordered, low)]
    return Crowd(counts, counts.sum(axis=0), wide, rows)


def rank_tables(bins: Ints, level: Ints, classes: int) -> Floats:
    """Log odds, by size class and bin, of models in which a slice's rows stand high, low, or far out among all
    rows of their size: density (1 + a) * rank**a, averaging 1 over the rows given. They need no idea of noise.

    Shape (classes, BINS, 3 * len(TILTS)).
    """
    flat = np.bincount(level * BINS + bins, minlength=classes * BINS).astype(np.float64).reshape(classes, BINS)
    mirrored = flat + flat[:, ::-1]
    mirrored[:, BINS // 2] = flat[:, BINS // 2]
    far = _ranked(mirrored[:, BINS // 2 :])
    far = np.concatenate([far[:, ::-1], far[:, BINS % 2 :]], axis=1)
    return np.concatenate([_ranked(flat), _ranked(flat[:, ::-1])[:, ::-1], far], axis=2)


def _ranked(flat: Floats) -> Floats:
    rows = np.maximum(flat.sum(axis=1, keepdims=True), 1)
    after = flat.cumsum(axis=1)
    low, high = (after - flat) / rows, after / rows
    out = np.empty((*flat.shape, len(TILTS)))
    for i, a in enumerate(TILTS):
        mean = (high ** (a + 1) - low ** (a + 1)) / np.maximum(high - low, 1e-12)
        out[:, :, i] = np.log(np.maximum(np.where(flat > 0, mean, (1 + a) * high**a), 1e-12))
    return out
