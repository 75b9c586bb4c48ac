"""What a break's own series did before: which values stood there, and how rarely a side stands still."""

from dataclasses import dataclass

import numpy as np

from detectors.digits import Floats, Mask, Units
from detectors.mechanisms.table import Breaks, before_rows
from recon.panel import Panel

KINDRED = 2.0
"""How many rows of the whole panel's habit a series' own habit is mixed with."""


@dataclass(frozen=True)
class Habit:
    """For every panel row and one side: whether it stood still, for how many rows, and how usual that is."""

    still: Mask
    run: Units
    """Rows in a row, this one included, on which the side kept its value."""
    usual: Floats
    """The share of earlier rows of the series on which the side stood still while nothing was wrong."""


def habit(panel: Panel, side: Units, gone: Mask) -> Habit:
    """Length n arrays; a missing side neither moves nor stands still."""
    before = before_rows(panel)
    known = (before >= 0) & ~gone
    at = np.maximum(before, 0)
    known &= ~gone[at]
    still = known & (side == side[at])
    return Habit(still, _run_length(panel, still, before), _usual(panel, still, known))


def _run_length(panel: Panel, still: Mask, before: Units) -> Units:
    """How many rows in a row stood still, ending at each row."""
    index = np.arange(panel.n)
    last_move = np.maximum.accumulate(np.where(still, -1, index))
    return np.where(still, index - last_move, 0)


def _usual(panel: Panel, still: Mask, known: Mask) -> Floats:
    calm = known & ~panel.is_break
    whole = (np.count_nonzero(still & calm) + 0.5) / (np.count_nonzero(calm) + 1.0)
    starts = np.repeat(panel.offsets[:-1], np.diff(panel.offsets))
    seen = _before_sum(calm, starts)
    stood = _before_sum(still & calm, starts)
    return np.asarray((stood + KINDRED * whole) / (seen + KINDRED), dtype=np.float64)


def _before_sum(mask: Mask, starts: Units) -> Units:
    """For each row, how many earlier rows of its series hold."""
    total = np.concatenate([[0], np.cumsum(mask)])
    return np.asarray(total[:-1] - total[starts], dtype=np.int64)


def past_rows(table: Breaks, i: int) -> slice:
    """The panel rows of the break's series at earlier times, oldest first."""
    last = int(table.before[i])
    return slice(int(table.first[i]), last + 1 if last >= 0 else int(table.first[i]))
