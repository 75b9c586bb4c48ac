"""One long series: families in the style of the public benchmarks, anomalies planted in them, and peers beside.

Daily load, flat load with bursts, counts, hourly with a trend, sharp waves of an odd period, squares, random walks,
autoregressions, mostly zeros, heavy tails, days in weeks, busy days that vary more than still nights, a job once a
day, growth; spikes, shifts, flat lines, stretches out of their context, ramps, noise, dips, doubled frequency. The
peers may look at the whole series; Tieout looks back only.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.judge import judge
from detectors.judgement import Judgement
from recon.calendar import MICROSECONDS_A_DAY, BusinessCalendar
from recon.panel import Panel
from recon.recon_file import CalendarSaid
from recon.rows import Codes, Pair

Floats = npt.NDArray[np.float64]

FAMILIES: Final = (
    "daily", "bursts", "counts", "zeros", "walk", "autoregression", "hourly", "waves", "square", "heavy",
    "weeks", "busy", "jobs", "growth",
)  # fmt: skip
STEPS: Final = {"hourly": 3_600, "weeks": 1_800}
"""Seconds between rows, where not five minutes."""
ANOMALIES: Final = ("spikes", "shift", "flat", "context", "ramp", "noise", "dip", "frequency")
CALENDAR: Final = BusinessCalendar.of(CalendarSaid())
DAY: Final = 288
SCALE: Final = 4


@dataclass(frozen=True)
class Single:
    """A series with its truth, row by row."""

    x: Floats
    truth: npt.NDArray[np.int8]
    step: int
    """Seconds between rows."""


def single(seed: int, family: str, anomaly: str | None) -> Single:
    """A series of 1,500 (hourly) or 2,500 to 4,500 rows; without an anomaly when None."""
    rng = np.random.default_rng([seed, FAMILIES.index(family), 0 if anomaly is None else 1 + ANOMALIES.index(anomaly)])
    hourly = family == "hourly"
    n = 1_500 if hourly else int(rng.integers(2_500, 4_500))
    x = _quiet(rng, n, family)
    truth = np.zeros(n, np.int8)
    for _ in range(int(rng.integers(1, 4)) if anomaly else 0):
        begin = int(rng.integers(n // 4, n - 320))
        length = int(rng.integers(6, 40) if hourly else rng.integers(20, 200))
        _plant(rng, x, truth, begin, length, str(anomaly))
    return Single(np.round(x, SCALE), truth, STEPS.get(family, 300))


def _quiet(rng: np.random.Generator, n: int, family: str) -> Floats:
    t = np.arange(n)
    match family:
        case "daily":
            height, phase = rng.normal(size=4) / np.arange(1, 5), rng.uniform(0, 6.28, 4)
            day = sum(height[k] * np.cos(2 * np.pi * (k + 1) * t / DAY + phase[k]) for k in range(4))
            weekend = 1 + 0.3 * rng.random() * ((t // DAY) % 7 >= 5)
            return np.asarray(50 + 20 * day * weekend + rng.normal(0, rng.uniform(1, 6), n))
        case "bursts":
            return np.asarray(rng.uniform(0.1, 40) + rng.gamma(2, rng.uniform(0.05, 3), n))
        case "counts":
            rate = rng.uniform(0, 4) + 0.8 * np.sin(2 * np.pi * t / DAY + rng.uniform(0, 6))
            return rng.poisson(np.exp(rate)).astype(np.float64)
        case "zeros":
            return np.where(rng.random(n) < 0.1, rng.lognormal(1, 0.5, n), 0.0)
        case "walk":
            return np.asarray(100 + rng.normal(0, 0.2, n).cumsum() + rng.normal(0, 0.5, n))
        case "autoregression":
            kept, out = rng.uniform(0.8, 0.98), rng.normal(size=n)
            for i in range(1, n):
                out[i] += kept * out[i - 1]
            return np.asarray(10 + out)
        case "hourly":
            waves = sum(rng.uniform(0, 20) * np.sin(2 * np.pi * t / p + 1) for p in (24, 12, 168))
            return np.asarray(100 + rng.normal(0, 0.05) * t + waves + rng.normal(0, rng.uniform(1, 6), n))
        case "waves":
            period = int(rng.integers(60, 220))
            place = (t % period) / period
            bumps = [(rng.uniform(0.05, 0.95), rng.uniform(0.01, 0.06), 2 * rng.normal()) for _ in range(4)]
            shape = sum(h * np.exp(-0.5 * ((place - c) / w) ** 2) for c, w, h in bumps)
            return np.asarray(shape + rng.normal(0, 0.05, n))
        case "square":
            period = int(rng.integers(100, 400))
            on = t % period < period * rng.uniform(0.3, 0.7)
            return np.asarray(np.where(on, rng.uniform(5, 50), 0.0) + rng.normal(0, 1, n))
        case "jobs":
            at = t % DAY == rng.integers(DAY)
            return np.asarray(rng.uniform(1, 5) + rng.gamma(2, 0.1, n) + np.where(at, rng.uniform(10, 60), 0.0))
        case "growth":
            day = 1 + rng.uniform(0.1, 0.3) * np.sin(2 * np.pi * t / DAY + rng.uniform(0, 6))
            return np.asarray(100 * np.exp(rng.uniform(2e-4, 6e-4) * t) * day * np.exp(rng.normal(0, 0.03, n)))
        case "weeks":
            day = 10 * np.sin(2 * np.pi * t / 48 + rng.uniform(0, 6)) + 4 * np.sin(4 * np.pi * t / 48)
            return np.asarray((15 + day) * np.where(t // 48 % 7 >= 5, rng.uniform(0.4, 0.9), 1) + rng.normal(0, 0.7, n))
        case "busy":
            is_busy = t % DAY >= rng.integers(80, 180)
            return np.where(is_busy, rng.uniform(40, 90) + rng.uniform(2, 20) * rng.random(n), 20 + 2 * rng.random(n))
        case _:
            return np.asarray(20 + rng.standard_t(3, n) * rng.uniform(0.5, 10))


def _plant(
    rng: np.random.Generator, x: Floats, truth: npt.NDArray[np.int8], begin: int, length: int, anomaly: str
) -> None:
    """Changes x and truth in place."""
    step = np.diff(x)
    noise = 1.05 * float(np.median(np.abs(step - np.median(step)))) + 1e-3 * float(x.std())
    wide = float(x.std())
    sign = rng.choice([-1.0, 1.0])
    here = slice(begin, begin + length)
    match anomaly:
        case "spikes":
            here = slice(begin, begin + 1)
            x[begin] += sign * max(rng.uniform(6, 15) * noise, 0.8 * wide)
        case "shift":
            x[here] += sign * max(rng.uniform(4, 8) * noise, wide * rng.uniform(0.8, 2))
        case "flat":
            x[here] = x[begin]
        case "context":
            x[here] = x[np.arange(begin, begin + length) - int(rng.integers(80, 150))]
        case "ramp":
            x[here] += sign * np.linspace(0, 1, length) * max(8 * noise, 2 * wide)
        case "noise":
            x[here] += rng.normal(0, max(4 * noise, 0.5 * wide), length)
        case "dip":
            x[here] = x.min() - rng.uniform(0, 0.5) * wide + rng.normal(0, 0.1 * noise, length)
        case _:
            x[here] = np.interp(np.arange(length) * 2 % length, np.arange(length), x[here].copy())
    truth[here] = 1


def panel_of(data: Single) -> Panel:
    """The series as the judge gets it from `timestamp,value`: every row current, one key, no second side."""
    n = len(data.x)
    stamp = 19_000 * MICROSECONDS_A_DAY + np.arange(n) * data.step * 1_000_000
    units = np.round(data.x * 10**SCALE).astype(np.int64)
    return Panel(
        pair=Pair("value", "value", None, None, "number", tolerance="0"),
        scale=SCALE,
        offsets=np.array([0, n], np.int64),
        series_id=np.zeros(1, np.uint64),
        day=(stamp // MICROSECONDS_A_DAY).astype(np.int32),
        stamp=stamp.astype(np.int64),
        current=np.ones(n, np.bool_),
        source=np.arange(n, dtype=np.int64),
        left=units,
        right=np.zeros(n, np.int64),
        left_missing=np.zeros(n, np.bool_),
        right_missing=np.zeros(n, np.bool_),
        diff=units,
        tolerance=np.zeros(n, np.int64),
        is_break=units != 0,
        excluded=np.zeros(n, np.bool_),
        columns={"key": Codes(np.zeros(n, np.int32), pa.array(["1"]))},
        groups=np.zeros((1, 1), np.int32),
        group_names=("all",),
    )


def ask(data: Single) -> Judgement:
    return judge(panel_of(data), calendar=CALENDAR, target_fdr=0.1)


def peers(data: Single) -> dict[str, Floats]:
    """Moving-median z (looks back), seasonal residual z, IsolationForest on windows, distance from the median."""
    import pandas as pd
    from numpy.lib.stride_tricks import sliding_window_view
    from sklearn.ensemble import IsolationForest

    s = pd.Series(data.x)
    a_day = 86_400 // data.step
    centre = s.rolling(100, min_periods=5).median().shift(1)
    spread = (s - centre).abs().rolling(100, min_periods=5).median().shift(1)
    level = s.rolling(a_day, center=True, min_periods=a_day // 4).median()
    season = (s - level).groupby(np.arange(len(s)) % a_day).transform("median")
    rest = (s - level - season).to_numpy()
    windows = sliding_window_view(np.concatenate([np.full(19, data.x[0]), data.x]), 20)
    forest = IsolationForest(n_estimators=60, random_state=0, n_jobs=1).fit(windows)
    return {
        "moving_median_z": np.nan_to_num(((s - centre).abs() / (spread + 1e-2 * s.std())).to_numpy()),
        "seasonal_z": np.abs(rest - np.median(rest)) / (np.median(np.abs(rest - np.median(rest))) + 1e-6 * s.std()),
        "isolation_forest": -forest.score_samples(windows),
        "from_median": np.abs(data.x - np.median(data.x)),
    }


def ranking(truth: npt.NDArray[np.int8], score: Floats) -> tuple[float, float, float]:
    """ROC-AUC, PR-AUC and the best F1 over thresholds."""
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    precision, recall, _ = precision_recall_curve(truth, score)
    best = float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    return float(roc_auc_score(truth, score)), float(average_precision_score(truth, score)), best


def run(seeds: int, *, first: int = 0, every: int = 1) -> dict[str, Any]:
    """`ranking`: method -> (ROC-AUC, PR-AUC, best F1), means over families x anomalies x seeds; the alarms; quiet."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    called, right, fdp, quiet = 0, 0, [], []
    pairs = [(f, a) for f in FAMILIES for a in ANOMALIES][::every]
    for seed in range(first, first + seeds):
        for family, anomaly in pairs:
            data = single(seed, family, anomaly)
            judged = ask(data)
            for name, score in {"tieout": judged.score, **peers(data)}.items():
                found.setdefault(name, []).append(ranking(data.truth, score))
            yes = judged.anomaly == 1
            hits = int((yes & (data.truth == 1)).sum())
            called, right = called + int(yes.sum()), right + hits
            fdp.append((int(yes.sum()) - hits) / max(int(yes.sum()), 1))
        quiet += [int((ask(single(seed, family, None)).anomaly == 1).sum()) for family in FAMILIES]
    return {
        "ranking": {name: [float(v) for v in np.mean(rows, axis=0)] for name, rows in found.items()},
        "fdp": float(np.mean(fdp)),
        "precision": right / max(called, 1),
        "quiet median alarms": float(np.median(quiet)),
        "quiet runs with an alarm": float(np.mean(np.array(quiet) > 0)),
    }
