"""Factor rounding: the faces agree, and the quantities differ by less than the pool factor's precision explains."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import figure, plain
from detectors.proof import Proof

PLACES: Final = tuple(range(12, 3, -1))
"""Decimals that a pool factor is kept with, finest first."""
GATE: Final = 1e-3
FACES: Final = ("face", "nominal", "notional", "original", " par ")


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    quantity = table.panel.pair.unit == "quantity" or "current face" in _names(table)
    if table.is_text or table.one_sided_pair or not quantity or _is_face(table):
        return
    for other in bench.tables:
        if other.at != table.at and not other.is_text and not other.one_sided_pair and _is_face(other):
            yield from _against(bench, table, other)


def _is_face(table: Breaks) -> bool:
    names = _names(table)
    return any(word in names for word in FACES) and "current" not in names


def _names(table: Breaks) -> str:
    return re.sub(r"[\W_]+", " ", f"{table.panel.pair.name} {table.panel.pair.left}").lower()


def _against(bench: Bench, table: Breaks, faces: Breaks) -> Iterator[Found]:
    beside = bench.beside(table, faces)
    at = np.maximum(beside, 0)
    panel = faces.panel
    agreed = (beside >= 0) & (panel.left[at] == panel.right[at]) & (panel.left[at] != 0)
    agreed &= ~panel.left_missing[at] & ~panel.right_missing[at] & table.both
    for i in np.flatnonzero(agreed):
        proof = _proof(table, int(i), int(panel.left[at[i]]), panel.scale, faces.panel.pair.name)
        if proof is not None:
            yield int(i), proof


def places_needed(face: int, face_scale: int, gap: int, scale: int) -> int | None:
    """The most decimals of a factor whose last unit still moves the quantity by at least the gap.

    >>> places_needed(339309261, 0, 3, 0)
    8
    """
    common = max(face_scale, scale)
    whole, moved = abs(face) * 10 ** (common - face_scale), abs(gap) * 10 ** (common - scale)
    return next((p for p in PLACES if moved * 10**p <= whole), None)


def _proof(table: Breaks, i: int, face: int, face_scale: int, name: str) -> Proof | None:
    gap = int(table.size[i])
    places = places_needed(face, face_scale, gap, table.panel.scale)
    if places is None:
        return None
    common = max(face_scale, table.panel.scale)
    reach = abs(face) * 10 ** (common - face_scale)
    quantity = abs(int(table.left[i])) * 10 ** (common - table.panel.scale)
    chance = (2 * reach + 10**places) / (10**places * quantity)
    if chance > GATE:
        return None
    statement = (
        f"{name} is {figure(face, face_scale)} on both sides; the quantities {table.figure(table.left[i])} and "
        f"{table.figure(table.right[i])} differ by {table.figure(gap)}, less than one unit in decimal {places} "
        f"of the factor is worth."
    )
    values = table.values(i) | {"face": plain(face, face_scale), "places": places}
    return Proof("factor_rounding", "factor", statement, chance, "unclear", values=values)


__all__ = ["Units", "find", "places_needed"]
