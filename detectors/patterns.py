"""Patterns: how a difference behaves over time, decided from evidence, each with the numbers that make it so."""

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from recon.words import PATTERN_LABELS

Floats = npt.NDArray[np.float64]

RARE = 0.05

INDEX = {name: i for i, name in enumerate(PATTERN_LABELS)}


def patterns(answer: Judgement) -> npt.NDArray[np.int8]:
    """The pattern of each judged row: index into PATTERN_LABELS, -1 for a match that is not anomalous.

    Each rule below is one sentence; a later one overrules an earlier one.
    """
    n = answer.numbers
    x, tolerance, is_break = n["x"], n["tolerance"], n["is_break"] > 0
    low, high, expected, scale = answer.low, answer.high, answer.expected, n["spread"]
    anomaly = answer.anomaly
    out = np.full(len(x), INDEX["in_line"], np.int8)
    previous = np.nan_to_num(n["previous"])
    run, outs, agree = n["run_length"], n["outs"], n["agree"]
    yes = anomaly == 1
    with np.errstate(invalid="ignore"):
        inside = (x >= low) & (x <= high)
        error = x - expected
        grew = np.abs(x) >= np.abs(np.nan_to_num(expected))
        far = np.abs(error) > 5.0 * scale
    # a break off the usual level that is rare, whether or not the run calls it an anomaly; a common one is in line
    with np.errstate(invalid="ignore"):
        outside = ~inside & is_break & (yes | (answer.pvalue < RARE))
    out[outside] = INDEX["spike"]
    out[outside & ~grew] = INDEX["drop"]
    # the last residuals, today's among them, vary twice as much as the earlier ones
    out[outside & (n["volatility"] > 2.0) & ~far] = INDEX["high_volatility"]
    # broke before, is mostly a match, and keeps breaking
    often = (n["breaks_in_10"] >= 3) & (n["break_rate"] < 0.7) & (run >= 3)
    out[is_break & often] = INDEX["repeated"]
    # rows before it were out of pattern too: on one new level, or on none
    out[outside & (outs >= 1) & (agree < outs)] = INDEX["inconsistent"]
    out[outside & (outs >= 1) & (agree >= outs) & (outs >= 2)] = INDEX["level_shift"]
    # undoes the break before it
    back = (np.abs(x + previous) <= tolerance + 0.01 * np.abs(x)) & (answer.views["echo"] < 1.0)
    out[back & is_break & ~(inside & ~yes)] = INDEX["reversal"]
    # the calendar's offset is in the forecast and the row is inside its band
    with np.errstate(invalid="ignore"):
        offset = np.abs(expected - n["median"]) > 2.0 * n["median_deviation"] + tolerance
    out[is_break & inside & (n["model"] >= 4) & offset] = INDEX["recurring"]
    # steps of one sign: four in five, weighted to the newest, and the trend is worth at least a tolerance a step
    trend = (np.abs(n["same_sign"]) >= 0.8) & (answer.support >= 4) & (np.abs(n["slope"]) > tolerance)
    step = np.sign(x - previous) == np.sign(n["same_sign"])
    out[is_break & inside & trend & step] = INDEX["consistent_trend"]
    out[yes & (answer.views["drift"] < 1.0) & ~is_break] = INDEX["drift_within_tolerance"]
    # codes have no size: new, unless they keep differing
    text = is_break & (n["text"] > 0)
    out[text] = np.where(yes & often, INDEX["repeated"], np.where(yes, INDEX["new"], INDEX["in_line"]))[text]
    # outside nothing, yet an anomaly: the size or the frequency made it one
    out[yes & inside & is_break & (out == INDEX["in_line"])] = INDEX["new"]
    out[anomaly == -1] = INDEX["insufficient_history"]
    out[~is_break & ~yes] = -1
    return out
