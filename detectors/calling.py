"""Calling: which rows of a run are anomalies, decided over all of its pairs together: one promise for the run.

The promise: among the rows called anomalies in one run, at most `target_fdr` are false on average
(Benjamini-Hochberg over all rows of the run). Over many daily runs the same holds for the average of the daily
proportions; it is no promise for each single day, and none that a quiet month has no alarm: with D quiet days
about `target_fdr` x D of them show one. Rows with fewer than 20 supporting points are answered by a
Benjamini-Hochberg of their own, marked provisional, and stand outside the promise.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from detectors.calibration import benjamini_hochberg
from detectors.judgement import Judgement
from detectors.patterns import patterns
from detectors.rules import QUIET

Floats = npt.NDArray[np.float64]


def combine(judgements: Sequence[Judgement], *, target_fdr: float = 0.1, budget: int | None = None) -> list[Judgement]:
    """Decides `anomaly` of all panels of a run.

    With a budget, the `budget` strangest rows with p under 0.05 are the anomalies, whatever the rate.
    Lessons weigh the p-values, and are obeyed after the limit is found: a tag changes nothing outside its
    neighbourhood.
    """
    logs = _weighed(judgements)
    limits = _limits(judgements, logs, target_fdr, budget)
    out = []
    for one, log_p in zip(judgements, logs, strict=True):
        yes = np.isfinite(log_p) & (np.round(log_p, 9) <= np.where(one.provisional, limits[1], limits[0]))
        quieted = yes & (one.numbers["trust"] < QUIET)
        raised = one.numbers["raised"] > 0
        anomaly = np.where(one.anomaly < 0, -1, (yes & ~quieted) | raised).astype(np.int8)
        numbers = one.numbers | {"quieted": quieted.astype(np.float64)}
        decided = replace(one, numbers=numbers, anomaly=anomaly, threshold=float(np.exp(max(limits))))
        out.append(replace(decided, pattern=patterns(decided)))
    return out


def called_still(
    judgements: Sequence[Judgement],
    apart: Sequence[npt.NDArray[np.bool_]],
    *,
    target_fdr: float = 0.1,
    budget: int | None = None,
) -> list[Judgement]:
    """The judgements without the anomalies that only a crowd of others made: rows `apart` are one problem, and the rate
    is promised among the rest of the rows by itself.

    Benjamini and Hochberg's limit rises with what is rejected: beside a feed that failed, a tenth as many breaks of
    every day would be called as well.
    """
    logs = [np.where(a, np.nan, log_p) for a, log_p in zip(apart, _weighed(judgements), strict=True)]
    limits = _limits(judgements, logs, target_fdr, budget)
    out = []
    for one, log_p, a in zip(judgements, logs, apart, strict=True):
        passed = np.round(log_p, 9) <= np.where(one.provisional, limits[1], limits[0])
        told = (one.numbers["raised"] > 0) | (one.numbers.get("gathered", np.zeros(len(one.rows))) > 0)
        dropped = (one.anomaly == 1) & ~(a | passed | told)
        answer = replace(one, anomaly=np.where(dropped, 0, one.anomaly).astype(np.int8))
        out.append(replace(answer, pattern=np.where(dropped, patterns(answer), one.pattern).astype(np.int8)))
    return out


def _weighed(judgements: Sequence[Judgement]) -> list[Floats]:
    """ln p less ln weight, the weights scaled to a mean of 1 over the run; nan where nothing supports a p-value.

    Weights are small whole numbers: their sum does not depend on how the run is cut into buckets.
    """
    weights = [j.numbers["weight"] for j in judgements]
    rows = sum(len(weight) for weight in weights)
    mean = sum(float(weight.sum()) for weight in weights) / rows if rows else 1.0
    log_p = [np.where(j.anomaly >= 0, -j.numbers["surprise"], np.nan) for j in judgements]
    return [p - np.log(w / mean) if mean != 1.0 else p for p, w in zip(log_p, weights, strict=True)]


def _limits(
    judgements: Sequence[Judgement], logs: Sequence[Floats], target_fdr: float, budget: int | None
) -> list[float]:
    """The largest ln p that is called, of the promised rows and of the provisional ones."""
    log_p = np.concatenate(logs) if logs else np.zeros(0)
    provisional = np.concatenate([j.provisional for j in judgements]) if judgements else np.zeros(0, np.bool_)
    answered = np.isfinite(log_p)
    limits = []
    for group in (False, True):
        those = log_p[answered & (provisional == group)]
        limits.append(benjamini_hochberg(those, target_fdr))
    if budget is not None:
        strangest = np.sort(np.round(log_p[answered & (log_p < np.log(0.05))], 9))
        limit = float(strangest[min(budget, len(strangest)) - 1]) if budget > 0 and len(strangest) else -np.inf
        limits = [limit, limit]
    return limits
