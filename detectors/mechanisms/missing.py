"""One side is missing: it is blank, null-dated, absent, or exactly zero where its own past never was."""

from collections.abc import Iterator

import numpy as np

from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Cause, Side


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    """A fact rather than a coincidence where the side is gone; where it is only zero, its past must allow it."""
    if table.one_sided_pair:
        return
    for i in np.flatnonzero(table.left_gone ^ table.right_gone):
        yield int(i), _proof(table, int(i), "left" if table.left_gone[i] else "right", "absent")
    if table.is_text:
        return
    zero = ~table.left_gone & ~table.right_gone & ((table.left == 0) ^ (table.right == 0))
    for i in np.flatnonzero(zero):
        side: Side = "left" if table.left[i] == 0 else "right"
        if not _was_zero(table, int(i), side):
            yield int(i), _proof(table, int(i), side, "zero")


def _was_zero(table: Breaks, i: int, side: Side) -> bool:
    past = (table.panel.left if side == "left" else table.panel.right)[table.first[i] : table.rows[i]]
    return bool((past == 0).any())


def _proof(table: Breaks, i: int, side: Side, mechanism: str) -> Proof:
    cause: Cause = "missing_left" if side == "left" else "missing_right"
    other: Side = "right" if side == "left" else "left"
    amount = table.right[i] if side == "left" else table.left[i]
    lacks = "nothing" if mechanism == "absent" else "zero, which it never was before"
    statement = f"{table.name(other)} has {table.figure(amount)}; {table.name(side)} has {lacks}."
    values = table.values(i) | {"missing": table.name(side), "present": table.name(other)}
    return Proof(cause, f"missing_{mechanism}", statement, 0.0, side, values=values)
