"""Taste: which rows are likeliest to be worth a person's while, by what was said of others so far.

A small regularised logistic model of «real or not» over pattern, hashed column values with it and without, strangeness
and size; its prior is trust: without tags every alarm is real. It orders what is asked next and buries nothing: what
is kept quiet is decided by rules that can be told (`detectors.rules`), since a linear model has to spread few labels
over every value of every column. Both measured by `python -m evals.learning`.
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
STRANGE: Final = 2.0
"""What the log of strangeness counts beside the model's log-odds when rows are put in order."""


def worth(lessons: Sequence[Lesson], seen: Seen) -> Floats:
    """By row how much it is worth a look, in no unit: strange, and unlike what was called false.

    The prior is how strange it is; after the first false tag, what the tags have in common counts beside it.
    """
    out: Floats = STRANGE * np.log1p(seen.surprise)
    told = [k for k in lessons if k.verdict != "corrected"]
    real = np.array([not k.quiets for k in told], dtype=np.float64)
    if len(told) and not real.all():
        out = out + _of_rows(seen) @ _logistic(_of_lessons(told), real)
    return out


def _of_lessons(told: Sequence[Lesson]) -> Floats:
    return np.array([_features(k.pattern, k.pair, k.columns, k.surprise, k.amount or 0.0) for k in told])


def _of_rows(seen: Seen) -> Floats:
    out = np.zeros((seen.m, WIDTH))
    texts = {name: column.vocabulary.take(column.codes).to_pylist() for name, column in seen.columns.items()}
    for i in range(seen.m):
        columns = {name: str(values[i]) for name, values in texts.items()}
        out[i] = _features(str(seen.pattern[i]), seen.pair, columns, float(seen.surprise[i]), float(seen.amount[i]))
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


def _logistic(x: Floats, y: Floats) -> Floats:
    """The weights, L2-regularised. A remembered real row of every pattern: an alarm is real until told otherwise."""
    from sklearn.linear_model import LogisticRegression

    prior = np.zeros((len(PATTERNS), x.shape[1]))
    prior[np.arange(len(PATTERNS)), np.arange(len(PATTERNS))] = 1.5
    both = np.concatenate([x, prior, np.zeros((1, x.shape[1]))])
    real = np.concatenate([y, np.ones(len(PATTERNS)), [0.0]])
    weight = np.concatenate([np.ones(len(y)), np.full(len(PATTERNS), 0.4), [1e-3]])
    weights: Floats = LogisticRegression(C=3.0, max_iter=500).fit(both, real, sample_weight=weight).coef_[0]
    return weights
