"""The expected band of every day of one series, walked forward, for its chart."""

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.trace import trace
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.rows import Pair
from recon.series import SeriesHistory

Floats = npt.NDArray[np.float64]
LEAST: int = 3
_warm = threading.Event()


@dataclass(frozen=True)
class Bands:
    """One value per point of the series; nan before there is a past."""

    expected: Floats
    low: Floats
    high: Floats


def bands(series: SeriesHistory, calendar: BusinessCalendar | None = None) -> Bands | None:
    """The walk-forward band; None where the series is too short, compares words, or nothing is compiled yet."""
    n = len(series.day)
    if n < LEAST or series.pair.kind != "number" or not _warm.is_set():
        return None
    found = trace(_panel(series, n), calendar)
    return Bands(found.expected, found.low, found.high)


def _panel(series: SeriesHistory, n: int) -> Panel:
    tolerance = series.pair.tolerance
    units = round(float(tolerance) * 10**series.scale) if tolerance else 0
    return Panel(
        pair=series.pair,
        scale=series.scale,
        offsets=np.array([0, n], np.int64),
        series_id=np.array([series.series_id], np.uint64),
        day=series.day,
        stamp=series.stamp,
        current=np.ones(n, np.bool_),
        source=np.arange(n, dtype=np.int64),
        left=series.left,
        right=series.right,
        left_missing=series.left_missing,
        right_missing=series.right_missing,
        diff=series.diff,
        tolerance=np.full(n, units, np.int64),
        is_break=series.is_break,
        excluded=np.zeros(n, np.bool_),
        columns={},
        groups=np.zeros((1, 1), np.int32),
        group_names=("all",),
    )


def warm_up() -> None:
    """Compiles the kernels on a series of nothing: seconds on a new machine, so no page may wait for it."""
    n = 8
    zeros, days = np.zeros(n, np.int64), np.arange(20_000, 20_000 + n, dtype=np.int32)
    never = np.zeros(n, np.bool_)
    pair = Pair("warm up", "left", "right", None, "number")
    series = SeriesHistory("", 0, {}, {}, pair, 2, days, None, zeros, zeros, never, never, zeros, never, ("",) * n)
    trace(_panel(series, n), None)
    _warm.set()
