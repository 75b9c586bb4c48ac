"""The past of one series as the walk carries it: one record of numbers and a few windows, forgotten by the next series.

Everything here is learned from rows before the one that is met. The record is plain numbers, so that a series' past
could be kept beside its rows and taken up again.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.kernels import step
from recon.compiled import njit

APART: Final = 10
"""Rows without a mild excursion after which the next one is a new one."""
BOLLINGER: Final = 20

_COUNTS: Final = (
    # rows that may support a baseline; all rows; breaks in a row
    "seen", "raw_n", "run",
    # clean rows in the window and ever; errors in the window and ever
    "nx", "clean", "ne", "errors",
    # rows out of pattern in a row, and those of them that agree on a level; mild excursions, rows since the last
    "out_run", "waiting", "episodes", "calm",
    # residuals kept; rows that Holt's trend has met; rows that the drift's centre has stood still
    "zn", "holt_n", "frozen",
    # what each side held when it was last in pattern, and when the newest mild excursion began; whether the row before
    # broke; whether a season was ever met
    "last_left", "last_right", "before_left", "before_right", "broke", "seasonal",
    # rows counted into the histograms, and what the series was like at the last of them
    "past_rows", "past_wild", "past_any", "past_sparse",
)  # fmt: skip
_NUMBERS: Final = (
    # exponential mean, last clean value, Holt's level and slope; the forecasts' faded row count
    "ewma", "last", "holt_level", "holt_slope", "losses",
    # changes between clean rows: how many, how large
    "change_n", "change",
    # breaks and rows; the break rate without the newest 4 and 9 rows; breaks' sizes as logarithms
    "breaks", "rows", "rate_5", "rate_10", "size_n", "size_mean", "size_square",
    # all values: how many, their middle, spread above and below; by the hour against that; strangeness of late
    "all_n", "middle", "above", "below", "off_middle", "off_hour", "lately",
    # differences inside tolerance: sums up and down and what they add up to; how many, their centre and spread
    "sum_up", "sum_down", "run_up", "run_down", "small_n", "small_centre", "small_spread",
    # the difference as a share of the larger side; each side's usual movement
    "ratio_n", "ratio", "ratio_spread", "moves_n", "left_move", "right_move",
    # how many of the newest rows began to stray from the baseline, faded
    "strays",
    # residuals against the one before; steps up, down and in all; the value before
    "z_lag", "z_square", "up_steps", "down_steps", "steps", "previous",
)  # fmt: skip
PAST: Final = np.dtype([(name, np.int64) for name in _COUNTS] + [(name, np.float64) for name in _NUMBERS])


LONGEST: Final = 145
"""Entries of the longest window: twice the rows that a new level needs where many come a day, and one more."""
SLOTS: Final = 456
"""Slots of both calendars together: 288 times of day and the hours of a week."""

WINDOWS: Final = np.dtype(
    [
        # of a window only as many entries count as the record says: clean values and errors, as they came and sorted
        ("clean", np.float64, LONGEST), ("clean_sorted", np.float64, LONGEST),
        ("errors", np.float64, LONGEST), ("errors_sorted", np.float64, LONGEST),
        # the newest values, clean or not; those out of pattern that agree on a new level so far
        ("raw", np.float64, LONGEST), ("waiting", np.float64, LONGEST),
        # median, exponential mean, last value and trend, made for each row; those made for the row with which the
        # newest mild excursion began; the bounded loss of each, faded
        ("forecasts", np.float64, 4), ("before", np.float64, 4), ("losses", np.float64, 4),
        # by forecast, slot and repetition: what was left of rows of the slot; how many rows it had
        ("season", np.float64, (3, SLOTS, 5)), ("season_n", np.int64, SLOTS),
        # how much the slot's offset bettered the forecast, as a log, over how many tries; the slot's own error
        ("season_gain", np.float64, (3, SLOTS)), ("season_tries", np.float64, SLOTS),
        ("season_error", np.float64, (3, SLOTS)),
        # the newest residuals, newest first; whether each of the newest rows broke, and began a mild excursion
        ("z", np.float64, 5), ("broke", np.int64, 10), ("began", np.int64, 10),
        # by hour: how many values, their middle, spread above and below
        ("hours", np.float64, (4, 24)),
    ]
)  # fmt: skip
"""What of the past is no single number. In a record of its own: a series forgets only what no count guards."""


@njit(cache=True)
def forget(w: Any, slots: int) -> None:
    """Before another series."""
    w.losses[:] = 0.0
    w.season_n[:slots] = 0
    w.season_tries[:slots] = 0.0
    for b in range(3):
        for k in range(slots):
            w.season_gain[b, k] = 0.0
            w.season_error[b, k] = 0.0
    w.z[:] = 0.0
    w.broke[:] = 0
    w.began[:] = 0
    w.hours[:] = 0.0


def fresh() -> npt.NDArray[np.void]:
    """The record of a series that has no row yet, in an array of one."""
    record = np.zeros(1, PAST)
    record["calm"] = APART + 1
    return record


@step
def faded(value: float, mean: float, n: float, least: float) -> float:
    """A mean that takes in one value more: the n-th with weight 1/n, at least `least`."""
    return mean + max(1.0 / n, least) * (value - mean)
