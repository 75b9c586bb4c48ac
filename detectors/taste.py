"""Taste: a small regularised model of «real or not» over what the tags said, used only when it survives its replay.

Logistic, over pattern, hashed column values with it and without, strangeness and size; its prior is trust: without
tags every alarm is real. It quiets only when, replayed on the tags themselves with each left out in turn, it predicts
them better than trusting all of them does, and only as far as that replay quiets none that was called real. What is
asked next follows it sooner: an order buries nothing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from detectors.lessons import PATTERNS, Lesson, Seen

Floats = npt.NDArray[np.float64]

HASHED: Final = 256
"""Width of the hashed `column = value` features, with the pattern and without."""
WIDTH: Final = len(PATTERNS) + HASHED + 2
ENOUGH: Final = 6
"""Tags from which the model is fitted; under it only what was said counts."""
FOLDS: Final = 10
QUIET: Final = 0.35
"""Below this chance of being real an alarm is kept quiet."""
LOST: Final = 0.01
"""The share of the tags called real that the model may keep quiet in its replay."""
STRANGE: Final = 2.0
"""What the log of strangeness counts beside the model's log-odds when rows are put in order."""


def fit(lessons: Sequence[Lesson]) -> Floats | None:
    """The model's weights, the last one its constant; None when replay says that trusting every alarm does as well.

    A correction says what a row is called, not whether it is real: it does not count here.
    """
    told = [k for k in lessons if k.verdict != "corrected"]
    y = np.array([not k.quiets for k in told], dtype=np.float64)
    if len(told) < ENOUGH or y.all():
        return None
    x = _of_lessons(told)
    folds = np.arange(len(y)) % min(len(y), FOLDS)
    guess = np.zeros(len(y))
    for fold in range(folds.max() + 1):
        here = folds == fold
        guess[here] = chance(_logistic(x[~here], y[~here]), x[here])
    if _loss(guess, y) >= _loss(np.full(len(y), 0.9), y):
        return None
    weights = _logistic(x, y)
    weights[-1] += _raised(guess[y == 1.0])
    return weights


def _raised(real: Floats) -> float:
    """What to add to the log-odds so that the replay quiets no more than LOST of the real; none is added for none.

    >>> round(_raised(np.array([0.9, 0.35, 0.8])), 3), _raised(np.array([]))
    (0.0, 0.0)
    """
    if not len(real):
        return 0.0
    least = np.clip(np.sort(real)[int(LOST * len(real))], 1e-6, QUIET)
    return float(np.log(QUIET / (1.0 - QUIET)) - np.log(least / (1.0 - least)))


def in_order(lessons: Sequence[Lesson], seen: Seen, at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows `at` from the likeliest to be worth a person's while: strange, and unlike what was called false.

    The prior is how strange they are; after the first false tag, what the tags have in common counts beside it.
    """
    worth = STRANGE * np.log1p(seen.surprise[at])
    told = [k for k in lessons if k.verdict != "corrected"]
    real = np.array([not k.quiets for k in told], dtype=np.float64)
    if len(told) and not real.all():
        weights = _logistic(_of_lessons(told), real)
        worth = worth + features(seen, at) @ weights[:-1]
    order: npt.NDArray[np.int64] = at[np.argsort(-worth, kind="stable")]
    return order


def _of_lessons(told: Sequence[Lesson]) -> Floats:
    return np.array([_features(k.pattern, k.pair, k.columns, k.surprise, k.amount or 0.0) for k in told])


def features(seen: Seen, at: npt.NDArray[np.int64]) -> Floats:
    """Shape (len(at), WIDTH): what the model knows of the rows."""
    out = np.zeros((len(at), WIDTH))
    texts = {name: column.vocabulary.take(column.codes[at]).to_pylist() for name, column in seen.columns.items()}
    for n, i in enumerate(at):
        columns = {name: str(values[n]) for name, values in texts.items()}
        out[n] = _features(str(seen.pattern[i]), seen.pair, columns, float(seen.surprise[i]), float(seen.amount[i]))
    return out


def _features(pattern: str, pair: str, columns: Mapping[str, str], surprise: float, amount: float) -> Floats:
    out = np.zeros(WIDTH)
    if pattern in PATTERNS:
        out[PATTERNS.index(pattern)] = 1.5
    for column, value in columns.items():
        for with_pattern in (pattern, "\x1e"):
            word = f"{pair}\x1f{with_pattern}\x1f{column}\x1f{value}"
            out[len(PATTERNS) + crc32(word.encode()) % HASHED] += 0.5
    out[-2] = math.log1p(min(amount, 1e30)) / 10.0
    out[-1] = math.log1p(surprise) / 2.0
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
