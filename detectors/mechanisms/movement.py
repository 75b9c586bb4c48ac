"""Today's movement went wrong: over a matched yesterday, one side moved twice, ten times or minus the other's."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.chance import believable
from detectors.digits import digit_count
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import day_text
from detectors.proof import Proof
from recon.words import Cause, Side

FACTORS: Final[tuple[tuple[int, Cause, str], ...]] = (
    (2, "duplicate", "twice"),
    (-1, "sign_flip", "the opposite of"),
    (10, "scale", "10 times"),
    (100, "scale", "100 times"),
    (1000, "scale", "1,000 times"),
)
"""One side's movement as a multiple of the other's, the cause, and the words between the two."""
LEAST: Final = 4
"""A movement of fewer digits is too small to tell."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    panel, at = table.panel, np.maximum(table.before, 0)
    calm = (table.before >= 0) & ~panel.is_break[at] & ~panel.left_missing[at] & ~panel.right_missing[at]
    left, right = table.left - panel.left[at], table.right - panel.right[at]
    for side, wrong, true in (("left", left, right), ("right", right, left)):
        tested = table.both & calm & (digit_count(true) - table.grain >= LEAST)
        for factor, cause, words in FACTORS:
            off = np.abs(wrong - factor * true)
            slack = abs(factor) * table.noise
            passed = tested & (off <= slack)
            chance = 2 * len(FACTORS) * table.coincidence(true) * (2 * np.minimum(off, slack) + 1)
            for i in np.flatnonzero(believable(passed, chance, digit_count(true))):
                suspect: Side = "left" if side == "left" else "right"
                yield int(i), _proof(table, int(i), (suspect, cause, words), int(true[i]), float(chance[i]))


def _proof(table: Breaks, i: int, what: tuple[Side, Cause, str], true: int, chance: float) -> Proof:
    side, cause, words = what
    other: Side = "right" if side == "left" else "left"
    past = int(table.before[i])
    when = day_text(int(table.panel.day[past]))
    moved = (table.left[i] - table.panel.left[past]) if side == "left" else (table.right[i] - table.panel.right[past])
    statement = (
        f"Since {when}, when both matched, {table.name(side)} moved by {table.figure(moved)}, {words} "
        f"{table.name(other)}'s {table.figure(true)}."
    )
    values = table.values(i) | {"as_of": when, "moved": table.plain(moved), "other_moved": table.plain(true)}
    return Proof(cause, "movement", statement, min(1.0, chance), side, (past,), values)
