"""Timing: the amount arrives on the other side some days sooner or later, or such items clear by themselves."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import day_text
from detectors.proof import Proof
from recon.words import Side

DAYS: Final = 10
"""How far apart, in calendar days, the two sides of one item may arrive."""
EPISODES: Final = 2
"""So many earlier one-sided spells of the series must have cleared before a new one is expected to."""
SPELL: Final = 5
"""Rows after which a one-sided spell counts as cleared late."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.one_sided_pair:
        return
    panel = table.panel
    gone = np.concatenate([[0], np.cumsum(panel.left_missing ^ panel.right_missing)])
    lapses = gone[panel.offsets[1:]] - gone[panel.offsets[:-1]]
    one_sided = table.left_gone ^ table.right_gone
    company = table.panel.offsets[table.series + 1] - table.first > 1
    for i in np.flatnonzero(one_sided & company):
        proof = _arrives(table, int(i)) if not table.is_text else None
        proof = proof or (_clears(table, int(i)) if lapses[table.series[i]] > EPISODES else None)
        if proof is not None:
            yield int(i), proof


def _arrives(table: Breaks, i: int) -> Proof | None:
    """The same amount, alone on the other side or on both, on another day of the same key."""
    panel, row = table.panel, int(table.rows[i])
    own, other = (panel.right, panel.left) if table.left_gone[i] else (panel.left, panel.right)
    other_gone = panel.left_missing if table.left_gone[i] else panel.right_missing
    own_gone = panel.right_missing if table.left_gone[i] else panel.left_missing
    amount = int(own[row])
    if amount == 0:
        return None
    span = _series(table, i)
    apart = np.abs(panel.day[span].astype(np.int64) - int(panel.day[row]))
    late = (other[span] == amount) & ~other_gone[span] & (apart > 0) & (apart <= DAYS)
    cleared = late & ~own_gone[span] & (own[span] == amount) & (span > row)
    alone = late & own_gone[span]
    hits = span[alone | cleared]
    chance = float(table.coincidence(np.array([amount]))[0]) * 2 * DAYS
    if len(hits) == 0 or chance > 1e-2:
        return None
    return _arrived(table, i, int(hits[np.argmin(np.abs(hits - row))]), amount, chance)


def _arrived(table: Breaks, i: int, hit: int, amount: int, chance: float) -> Proof:
    side: Side = "left" if table.left_gone[i] else "right"
    panel, row = table.panel, int(table.rows[i])
    apart = int(panel.day[hit]) - int(panel.day[row])
    days = f"{abs(apart)} day{'s' if abs(apart) > 1 else ''} {'later' if apart > 0 else 'earlier'}"
    statement = (
        f"The same {table.figure(amount)} stands on {table.name(side)} on {day_text(int(panel.day[hit]))}, {days}."
    )
    values = table.values(i) | {"arrives": day_text(int(panel.day[hit])), "days": abs(apart)}
    return Proof("timing", "arrives", statement, chance, side, (hit,), values)


def _clears(table: Breaks, i: int) -> Proof | None:
    """Every earlier one-sided spell of this side ended in a match within a few rows."""
    panel, row = table.panel, int(table.rows[i])
    gone = panel.left_missing if table.left_gone[i] else panel.right_missing
    past = _series(table, i)
    past = past[past < row]
    spells = _spells(gone[past] & panel.is_break[past])
    if len(spells) and spells[-1][1] == len(past):
        spells = spells[:-1]
    cleared = [end - start for start, end in spells if end - start <= SPELL and not panel.is_break[past[end]]]
    if len(cleared) < EPISODES or len(cleared) < len(spells):
        return None
    side: Side = "left" if table.left_gone[i] else "right"
    longest = max(cleared)
    statement = (
        f"{table.name(side)} was behind on this key {len(cleared)} times before and caught up by itself "
        f"each time, within {longest} date{'s' if longest > 1 else ''}."
    )
    values = table.values(i) | {"episodes": len(cleared), "longest": longest}
    return Proof("timing", "clears_by_itself", statement, 0.5 ** len(cleared), side, values=values)


def _spells(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Half-open ranges of consecutive True.

    >>> _spells(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _series(table: Breaks, i: int) -> Units:
    s = int(table.series[i])
    return np.arange(table.panel.offsets[s], table.panel.offsets[s + 1])
