"""Quoted the other way round: one side's rate is one over the other's."""

from collections.abc import Iterator

import numpy as np

from detectors.digits import digit_count
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair or table.panel.pair.unit not in ("rate", "price"):
        return
    left, right = table.left.astype(np.float64), table.right.astype(np.float64)
    small = np.where(np.abs(table.left) < np.abs(table.right), table.left, table.right)
    one = 10.0 ** (2 * table.panel.scale)
    # each is rounded to half a unit, so that the product is off by half of both
    off = np.abs(left * right - one)
    passed = table.both & (left * right > 0) & (off <= (np.abs(left) + np.abs(right)) / 2 + 1)
    # near 1 every rate has its inverse close by: no likelier a find than one value among all as far from it
    chance = np.maximum(table.coincidence(small) * 2, 2 / np.maximum(np.abs(left - right), 1))
    hits = np.flatnonzero(table.believable(passed, np.minimum(chance, 1.0), digit_count(small)))
    for i in hits:
        yield int(i), _proof(table, int(i), float(chance[i]), tuple(int(table.rows[j]) for j in hits if j != i)[:20])


def _proof(table: Breaks, i: int, chance: float, others: tuple[int, ...]) -> Proof:
    statement = (
        f"{table.figure(table.left[i])} on {table.left_name} is 1 / {table.figure(table.right[i])} on "
        f"{table.right_name}: one side quotes it the other way round."
    )
    return Proof("fx_rate", "inverse", statement, chance, table.suspect(i), others, table.values(i))
