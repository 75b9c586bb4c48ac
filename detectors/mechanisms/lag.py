"""A day behind: one side shows what the other had the time before, or today's difference undoes yesterday's."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import Floats, Mask, digit_count
from detectors.mechanisms.past import habit
from detectors.mechanisms.table import Bench, Breaks, Found, before_rows
from detectors.mechanisms.wording import day_text
from detectors.proof import Proof
from recon.words import Side

GATE: Final = 1e-3
SHARE: Final = 0.05
"""A side that stands still on at most this share of its calm days is one whose standing still says something."""

STEADY: Final = 100
"""Movements within this part of each other are of a side that moves by about as much every time."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    yield from _behind(table)
    yield from _undone(table)
    yield from _late_movement(table)


def _behind(table: Breaks) -> Iterator[Found]:
    """The side equals the other's value of the time before, while the other has moved on."""
    panel, known, at = table.panel, table.before >= 0, np.maximum(table.before, 0)
    sides = (
        ("left", panel.left, panel.left_missing, panel.right, panel.right_missing),
        ("right", panel.right, panel.right_missing, panel.left, panel.left_missing),
    )
    for side, own, own_gone, other, other_gone in sides:
        mine, habits = own[table.rows], habit(panel, own, own_gone)
        then = other[at]
        moved_on = other[table.rows] != then
        off = np.abs(mine - then)
        unmoved = habits.still[table.rows]
        matched = np.where(unmoved, ~panel.is_break[at], off <= table.noise)
        passed = table.both & known & ~other_gone[at] & matched & moved_on & (then != 0)
        passed &= habits.run[table.rows] <= 1
        # a balance comes back near where it was: among all values as far off as the other side has moved, so many do
        near = (2 * np.minimum(off, table.noise) + 1) / np.maximum(np.abs(other[table.rows] - then), 1)
        luck = np.maximum(table.coincidence(mine) * (2 * np.minimum(off, table.noise) + 1), near)
        chance: Floats = np.where(unmoved, habits.usual[table.rows], luck)
        for i in np.flatnonzero(passed & (chance <= np.where(unmoved, SHARE, GATE))):
            yield int(i), _shown(table, int(i), "left" if side == "left" else "right", float(chance[i]))


def _shown(table: Breaks, i: int, side: Side, chance: float) -> Proof:
    past = int(table.before[i])
    mine = table.left[i] if side == "left" else table.right[i]
    theirs = table.right[i] if side == "left" else table.left[i]
    other = table.right_name if side == "left" else table.left_name
    when = day_text(int(table.panel.day[past]))
    statement = (
        f"{table.name(side)} shows {table.figure(mine)}, the amount of {when}; {other} has moved on to "
        f"{table.figure(theirs)}, and that is the difference."
    )
    values = table.values(i) | {"as_of": when, "movement": table.plain(theirs - mine)}
    return Proof("lag", "a_day_behind", statement, chance, side, (past,), values)


def _undone(table: Breaks) -> Iterator[Found]:
    """Today's difference is minus yesterday's: what one side booked yesterday, the other booked today."""
    panel, at = table.panel, np.maximum(table.before, 0)
    then = panel.left[at] - panel.right[at]
    present = ~panel.left_missing[at] & ~panel.right_missing[at]
    passed: Mask = table.both & (table.before >= 0) & present & (then == -table.diff) & _big(table)
    chance = table.coincidence(table.diff)
    for i in np.flatnonzero(passed & (chance <= GATE)):
        when = day_text(int(panel.day[at[i]]))
        statement = (
            f"Today's difference of {table.figure(panel.diff[table.rows[i]])} is minus that of {when}, "
            f"{table.figure(panel.diff[at[i]])}: what one side booked then, the other booked now."
        )
        values = table.values(int(i)) | {"as_of": when, "earlier_difference": table.plain(panel.diff[at[i]])}
        yield int(i), Proof("lag", "undone", statement, float(chance[i]), "unclear", (int(at[i]),), values)


def _late_movement(table: Breaks) -> Iterator[Found]:
    """One side's movement today equals the other's movement of the time before, over a standing difference."""
    panel, before = table.panel, before_rows(table.panel)
    one = np.maximum(table.before, 0)
    two = before[one]
    known = (table.before >= 0) & (two >= 0)
    two = np.maximum(two, 0)
    gone = panel.left_missing | panel.right_missing
    known &= ~gone[one] & ~gone[two]
    for side, own, other in (("left", panel.left, panel.right), ("right", panel.right, panel.left)):
        now, then = own[table.rows] - own[one], other[one] - other[two]
        passed = table.both & known & (now == then) & (now != 0) & (own[table.rows] != other[one])
        passed &= (other[table.rows] - other[one]) != now
        # a side that made the same movement then was on time: it moves by about this amount every time
        passed &= np.abs(own[one] - own[two] - now) > np.maximum(table.noise, np.abs(now) // STEADY)
        chance = table.coincidence(now)
        for i in np.flatnonzero(passed & (chance <= GATE)):
            yield int(i), _late(table, int(i), "left" if side == "left" else "right", int(one[i]), float(chance[i]))


def _late(table: Breaks, i: int, side: Side, past: int, chance: float) -> Proof:
    panel, row = table.panel, int(table.rows[i])
    own = panel.left if side == "left" else panel.right
    other_name = table.right_name if side == "left" else table.left_name
    movement = int(own[row] - own[past])
    when = day_text(int(panel.day[past]))
    statement = (
        f"{table.name(side)} moved by {table.figure(movement)} today, which is {other_name}'s movement of {when}: "
        f"{table.name(side)} is a day behind."
    )
    values = table.values(i) | {"as_of": when, "movement": table.plain(movement)}
    return Proof("lag", "late_movement", statement, chance, side, (past,), values)


def _big(table: Breaks) -> Mask:
    """A difference too small to tell noise from mirror image proves nothing."""
    return digit_count(table.diff) - table.grain >= 4
