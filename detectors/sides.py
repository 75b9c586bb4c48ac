"""Which side moved: each side's last movement held against its own past movements, and against its peers'."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.digits import Units
from detectors.judgement import Judgement
from detectors.mechanisms.wording import day_text, figure, plain
from recon.panel import Panel
from recon.words import Side

WINDOW: Final = 60
"""Past movements that are looked at: the newest."""
STRANGE: Final = 4.0
"""A movement this many times its usual size, beyond the usual, has left its past."""
CLEARER: Final = 3.0
"""One side is named alone when it is so many times stranger than the other."""
FEW: Final = 3
"""Fewer past movements than this say nothing."""
PEERS: Final = 4
"""So many rows of the same group and day make a market move."""
MOST_PEERS: Final = 500
"""Peers that are looked at: a median of more says the same."""


@dataclass(frozen=True)
class Peers:
    """The series of each group of the finest level; made once for a panel, since every finding asks for its own."""

    order: npt.NDArray[np.int64]
    """Series by group, in their order within one."""
    starts: npt.NDArray[np.int64]
    """Where each group begins in `order`, and its length at the end; empty where nobody has peers."""

    @classmethod
    def of(cls, panel: Panel) -> "Peers":
        group = panel.groups[0]
        if len(panel.group_names) < 2:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        order = np.argsort(group, kind="stable")
        return cls(order, np.searchsorted(group[order], np.arange(int(group.max(initial=-1)) + 2)))

    def near(self, panel: Panel, series: int) -> npt.NDArray[np.int64]:
        """The first MOST_PEERS other series of the series' group."""
        group = int(panel.groups[0][series])
        if not len(self.starts) or group < 0:
            return self.order[:0]
        first = int(self.starts[group])
        near = self.order[first : min(int(self.starts[group + 1]), first + MOST_PEERS + 1)]
        return np.asarray(near[near != series][:MOST_PEERS])


@dataclass(frozen=True)
class Move:
    """One side's last movement, in units, and how it compares."""

    now: int
    usual: int
    """The median absolute movement of its past."""
    times: float
    """How far beyond its median movement, in spreads; for deciding only, never shown."""
    since: int
    """The day it moved from."""


def suspect(
    panel: Panel, judgement: Judgement, j: int, names: tuple[str, str], peers: Peers
) -> tuple[Side, str, dict[str, Any]]:
    """The side that left its own past at judged row `j`, the sentence that says so, and its numbers.

    `names`: what the left and the right source are called. `peers`: the panel's.

    A missing side is the suspect. With too little past, or where neither or both moved alike, `unclear`; `both`
    when both left their past. An empty statement: nothing can be said.
    """
    row = int(judgement.rows[j])
    if panel.pair.kind == "text" or panel.pair.right is None:
        return "unclear", "", {}
    if bool(panel.left_missing[row]) != bool(panel.right_missing[row]):
        side: Side = "left" if panel.left_missing[row] else "right"
        name = names[0] if side == "left" else names[1]
        return side, f"{name} is the side with nothing to show.", {"missing": name}
    left = last_move(panel, row, panel.left, panel.left_missing, peers)
    right = last_move(panel, row, panel.right, panel.right_missing, peers)
    if left is None or right is None:
        return "unclear", "", {}
    side = stranger(left.times, right.times)
    return side, _sentence(panel, side, left, right, names), _values(panel, left, right)


def stranger(left: float, right: float) -> Side:
    """The side whose movement is strange and clearly more so.

    >>> stranger(40.0, 1.2), stranger(0.5, 9.0), stranger(30.0, 25.0), stranger(1.0, 2.0)
    ('left', 'right', 'both', 'unclear')
    """
    if max(left, right) < STRANGE:
        return "unclear"
    if left >= CLEARER * right:
        return "left"
    if right >= CLEARER * left:
        return "right"
    return "both" if min(left, right) >= STRANGE else ("left" if left > right else "right")


def last_move(panel: Panel, row: int, side: Units, gone: npt.NDArray[np.bool_], peers: Peers) -> Move | None:
    """The movement of one side into `row` from the last time it was there; None without enough past."""
    series = int(panel.series_at(row))
    past = np.arange(int(panel.offsets[series]), row)
    past = past[~gone[past] & ~panel.excluded[past] & (panel.day[past] < panel.day[row])][-WINDOW - 1 :]
    if len(past) < FEW + 1:
        return None
    moves = np.diff(side[past]).astype(np.float64)
    now = int(side[row]) - int(side[past[-1]])
    usual = _median(moves)
    middle = usual + _market(panel, row, series, side, gone, peers)
    spread = 1.4826 * _median(np.abs(moves - usual))
    spread = max(spread, float(np.mean(np.abs(moves))) / 4, float(panel.tolerance[row]), 1.0)
    return Move(now, int(_median(np.abs(moves))), abs(now - middle) / spread, int(panel.day[past[-1]]))


def _market(panel: Panel, row: int, series: int, side: Units, gone: npt.NDArray[np.bool_], peers: Peers) -> float:
    """The movement that the peers' median relative movement of the day implies for this row; 0 without peers."""
    members = peers.near(panel, series)
    last = panel.offsets[members + 1] - 1
    last = last[(panel.day[last] == panel.day[row]) & (last > panel.offsets[members])]
    before = last - 1
    usable = ~gone[last] & ~gone[before] & (side[before] != 0)
    if np.count_nonzero(usable) < PEERS:
        return 0.0
    relative = side[last[usable]] / side[before[usable]] - 1.0
    at = int(_median(relative) * 1e6) / 1e6
    return float(at * side[row - 1]) if row > panel.offsets[series] else 0.0


def _median(values: npt.NDArray[np.float64]) -> float:
    """NumPy's own asks of every array whether it is masked, empty or not a number, and is slow on small ones.

    >>> _median(np.array([3.0, 1.0, 2.0])), _median(np.array([4.0, 1.0]))
    (2.0, 2.5)
    """
    ordered = np.sort(values)
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0)


def _sentence(panel: Panel, side: Side, left: Move, right: Move, names: tuple[str, str]) -> str:
    told = [
        f"{name} moved by {figure(move.now, panel.scale)} since {day_text(move.since)}, "
        f"usually {figure(move.usual, panel.scale)}"
        for name, move in zip(names, (left, right), strict=True)
    ]
    verdict = {
        "left": f"{names[0]} left its own past",
        "right": f"{names[1]} left its own past",
        "both": "both left their past",
        "unclear": "neither clearly left its past",
    }[side]
    return f"{told[0]}; {told[1]}: {verdict}."


def _values(panel: Panel, left: Move, right: Move) -> dict[str, Any]:
    return {
        "left_move": plain(left.now, panel.scale),
        "left_usual": plain(left.usual, panel.scale),
        "left_since": day_text(left.since),
        "right_move": plain(right.now, panel.scale),
        "right_usual": plain(right.usual, panel.scale),
        "right_since": day_text(right.since),
    }
