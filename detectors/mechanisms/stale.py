"""A stale side: it has not moved for days while the other did, though its own past says that it moves."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import Floats, Mask, Units
from detectors.mechanisms.past import habit
from detectors.mechanisms.table import Bench, Breaks, Found, before_rows
from detectors.mechanisms.wording import day_text
from detectors.proof import Proof
from recon.panel import Panel
from recon.words import Side

GATE: Final = 1e-3
LONG: Final = 8
EARLIER: Final = 3
"""Earlier steps that tell a side's own habit."""
ENOUGH: Final = 30
LIVELY: Final = 0.05
"""Where sides stand still on at most this share of so many matched rows, standing still is strange for any."""
DAYS: Final = 2
"""From so many unmoved days on a side is stale; one day alone is a lag."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    panel = table.panel
    left = habit(panel, panel.left, panel.left_missing)
    right = habit(panel, panel.right, panel.right_missing)
    for side, frozen, other in (("left", left, right), ("right", right, left)):
        moved = _moves(frozen.run, other.still)[table.rows]
        run = frozen.run[table.rows]
        chance: Floats = np.minimum(1.0, frozen.usual[table.rows] ** moved)
        passed: Mask = table.both & (moved >= DAYS) & (chance <= GATE)
        passed &= _lively(table, _stands(panel, panel.left if side == "left" else panel.right), run)
        for i in np.flatnonzero(passed):
            yield int(i), _proof(table, int(i), "left" if side == "left" else "right", int(run[i]), float(chance[i]))


def _stands(panel: Panel, side: Units) -> Mask:
    """Rows on which the side moved by no more than the tolerance: pennies are no movement."""
    before = before_rows(panel)
    return np.asarray((before >= 0) & (np.abs(side - side[np.maximum(before, 0)]) <= panel.tolerance))


def _lively(table: Breaks, still: Mask, run: Units) -> Mask:
    """True where the side's own earlier past always moves (a long one: mostly), or it is short and the panel's does."""
    panel = table.panel
    calm = np.count_nonzero(~panel.is_break)
    total = np.concatenate([[0], np.cumsum(still)])
    start = table.rows - run + 1
    steps = np.maximum(start - table.first - 1, 0)
    stood = total[start] - total[table.first]
    own = (steps >= EARLIER) & ((stood == 0) | ((steps >= LONG) & (stood * 2 < steps)))
    habit_of_all = np.count_nonzero(still & ~panel.is_break) <= LIVELY * calm and calm >= ENOUGH
    return np.asarray(own | ((steps < EARLIER) & bool(habit_of_all)), dtype=np.bool_)


def _moves(run: Units, other_still: Mask) -> Units:
    """On how many rows of the unmoved run the other side did move."""
    total = np.concatenate([[0], np.cumsum(~other_still)])
    index = np.arange(len(run))
    return np.asarray(total[index + 1] - total[index + 1 - run], dtype=np.int64)


def _proof(table: Breaks, i: int, side: Side, days: int, chance: float) -> Proof:
    panel, row = table.panel, int(table.rows[i])
    kept = table.left[i] if side == "left" else table.right[i]
    other = panel.right if side == "left" else panel.left
    since = row - days
    other_name = table.right_name if side == "left" else table.left_name
    statement = (
        f"{table.name(side)} has stood at {table.figure(kept)} since {day_text(int(panel.day[since]))}, "
        f"{days} dates, while {other_name} went from {table.figure(other[since])} to {table.figure(other[row])}."
    )
    values = table.values(i) | {"since": day_text(int(panel.day[since])), "dates": days}
    return Proof("stale", "stale", statement, chance, side, tuple(range(since, row)), values)
