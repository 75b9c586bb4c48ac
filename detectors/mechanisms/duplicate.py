"""Posted twice: one side is exactly double the other, or the same amount stands twice on one key and day."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import digit_count
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Side

TIMES: Final = (2, 3)


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    if table.panel.pair.unit not in ("price", "rate"):
        yield from _multiples(table)  # a price is not posted
    yield from _repeats(table)


def _multiples(table: Breaks) -> Iterator[Found]:
    small = np.where(np.abs(table.left) < np.abs(table.right), table.left, table.right)
    big = table.left + table.right - small
    chance = 2 * len(TIMES) * table.coincidence(small)
    for times in TIMES:
        off = np.abs(big - times * small)
        passed = table.both & (off <= times * table.noise)
        mine = chance * (2 * np.minimum(off, times * table.noise) + 1)
        for i in np.flatnonzero(table.believable(passed, mine, digit_count(small))):
            yield int(i), _multiple(table, int(i), times, float(mine[i]))


def _multiple(table: Breaks, i: int, times: int, chance: float) -> Proof:
    side: Side = "left" if abs(table.left[i]) > abs(table.right[i]) else "right"
    big, small = (table.left[i], table.right[i]) if side == "left" else (table.right[i], table.left[i])
    within = "" if big == times * small else " within tolerance"
    statement = (
        f"{table.figure(big)} on {table.name(side)} is {times} x {table.figure(small)}{within}: "
        f"the amount is posted {'twice' if times == 2 else 'three times'}."
    )
    return Proof("duplicate", f"times_{times}", statement, chance, side, values=table.values(i) | {"times": times})


def _repeats(table: Breaks) -> Iterator[Found]:
    """Rows of the same key and time: a break that shows an amount which another row has already shown."""
    panel = table.panel
    time = panel.stamp if panel.stamp is not None else panel.day
    neighbour = np.zeros(panel.n, dtype=np.bool_)
    same = (time[1:] == time[:-1]) & (panel.series_of_rows()[1:] == panel.series_of_rows()[:-1])
    neighbour[1:] |= same
    neighbour[:-1] |= same
    for i in np.flatnonzero(neighbour[table.rows]):
        found = _twin(table, int(i))
        if found is not None:
            yield int(i), found


def _twin(table: Breaks, i: int) -> Proof | None:
    panel, row = table.panel, int(table.rows[i])
    lo, hi = int(table.first[i]), int(panel.offsets[table.series[i] + 1])
    time = panel.stamp if panel.stamp is not None else panel.day
    others = [r for r in range(lo, hi) if r != row and time[r] == time[row] and panel.current[r] == panel.current[row]]
    for side, mine, other, gone in (
        ("left", panel.left, panel.right, panel.right_missing),
        ("right", panel.right, panel.left, panel.left_missing),
    ):
        if mine[row] == 0:
            continue
        for r in others:
            alone = bool(gone[row]) and not bool(gone[r])
            copied = bool(other[r] == other[row]) and bool(gone[r]) == bool(gone[row]) and _later(table, r, row)
            if mine[r] == mine[row] and (alone or copied):
                return _repeat(table, i, r, "left" if side == "left" else "right")
    return None


def _later(table: Breaks, other: int, row: int) -> bool:
    return bool(table.panel.source[row] > table.panel.source[other])


def _repeat(table: Breaks, i: int, other: int, side: Side) -> Proof:
    amount = table.left[i] if side == "left" else table.right[i]
    statement = (
        f"{table.figure(amount)} stands twice on {table.name(side)} for the same key and date: "
        f"the second posting has no counterpart."
    )
    chance = float(table.coincidence(np.array([amount]))[0])
    values = table.values(i) | {"repeated": table.plain(amount)}
    return Proof("duplicate", "repeated_row", statement, chance, side, (other,), values)
