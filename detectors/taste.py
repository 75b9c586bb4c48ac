"""Taste: a small regularised model of «real or not» over what the tags said, used only when it survives its replay.

Logistic, over pattern, hashed column values with it, and strangeness; its prior is trust: without tags every alarm
is real. It is used only when, replayed on the tags themselves with each left out in turn, it predicts them better
than trusting all of them does.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from detectors.lessons import PATTERNS, Lesson, Seen

Floats = npt.NDArray[np.float64]

HASHED: Final = 64
"""Width of the hashed `pair, pattern, column = value` features."""
WIDTH: Final = len(PATTERNS) + HASHED + 1
ENOUGH: Final = 6
"""Tags from which the model is fitted; under it only what was said counts."""
FOLDS: Final = 10


def fit(lessons: Sequence[Lesson]) -> Floats | None:
    """The model's weights, the last one its constant; None when replay says that trusting every alarm does as well.

    A correction says what a row is called, not whether it is real: it does not count here.
    """
    told = [k for k in lessons if k.verdict != "corrected"]
    y = np.array([not k.quiets for k in told], dtype=np.float64)
    if len(told) < ENOUGH or y.all():
        return None
    x = np.array([_features(k.pattern, k.pair, k.columns, k.surprise) for k in told])
    folds = np.arange(len(y)) % min(len(y), FOLDS)
    guess = np.zeros(len(y))
    for fold in range(folds.max() + 1):
        here = folds == fold
        guess[here] = chance(_logistic(x[~here], y[~here]), x[here])
    return _logistic(x, y) if _loss(guess, y) < _loss(np.full(len(y), 0.9), y) else None


def features(seen: Seen, at: npt.NDArray[np.int64]) -> Floats:
    """Shape (len(at), WIDTH): what the model knows of the rows."""
    out = np.zeros((len(at), WIDTH))
    texts = {name: column.vocabulary.take(column.codes[at]).to_pylist() for name, column in seen.columns.items()}
    for n, i in enumerate(at):
        columns = {name: str(values[n]) for name, values in texts.items()}
        out[n] = _features(str(seen.pattern[i]), seen.pair, columns, float(seen.surprise[i]))
    return out


def _features(pattern: str, pair: str, columns: Mapping[str, str], surprise: float) -> Floats:
    out = np.zeros(WIDTH)
    if pattern in PATTERNS:
        out[PATTERNS.index(pattern)] = 1.5
    for column, value in columns.items():
        out[len(PATTERNS) + crc32(f"{pair}\x1f{pattern}\x1f{column}\x1f{value}".encode()) % HASHED] += 0.5
    out[-1] = min(surprise, 40.0) / 40.0
    return out


def chance(weights: Floats, x: Floats) -> Floats:
    """The chance of being real, by row."""
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(x @ weights[:-1] + weights[-1], -30, 30)))
    return out


def _loss(guess: Floats, y: Floats) -> float:
    p = np.clip(guess, 1e-6, 1.0 - 1e-6)
    return float(-(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)).mean())


def _logistic(x: Floats, y: Floats) -> Floats:
    """L2-regularised; a remembered real row of every pattern says that an alarm is real until told otherwise."""
    from sklearn.linear_model import LogisticRegression

    prior = np.zeros((len(PATTERNS), x.shape[1]))
    prior[np.arange(len(PATTERNS)), np.arange(len(PATTERNS))] = 1.5
    both = np.concatenate([x, prior, np.zeros((1, x.shape[1]))])
    real = np.concatenate([y, np.ones(len(PATTERNS)), [0.0]])
    weight = np.concatenate([np.ones(len(y)), np.full(len(PATTERNS), 0.4), [1e-3]])
    model = LogisticRegression(C=3.0, max_iter=500).fit(both, real, sample_weight=weight)
    return np.concatenate([model.coef_[0], model.intercept_])
