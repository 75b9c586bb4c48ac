"""A split booked on one side only: so many times the quantity at so many times less the price, and the same value."""

from collections.abc import Iterator
from math import gcd
from typing import Final

import numpy as np

from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import figure
from detectors.proof import Proof

MOST: Final = 100
"""Neither number of a split is larger: 2 for 1, 3 for 2, 1 for 20."""
GATE: Final = 1e-3
USUAL: Final = 200
"""About so many splits are ever made (both numbers up to 10, or one of them 1): each is a try."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    unit = table.panel.pair.unit
    if table.is_text or table.one_sided_pair or unit not in ("price", "quantity"):
        return
    wanted = "quantity" if unit == "price" else "price"
    for other in bench.tables:
        if other.panel.pair.unit == wanted and not other.is_text and not other.one_sided_pair:
            quantity, price = (table, other) if unit == "quantity" else (other, table)
            yield from _beside(bench, table, other, quantity, price)


def _beside(bench: Bench, table: Breaks, other: Breaks, quantity: Breaks, price: Breaks) -> Iterator[Found]:
    beside = bench.beside(table, other)
    at = np.maximum(beside, 0)
    panel = other.panel
    held = table.both & (beside >= 0) & ~panel.left_missing[at] & ~panel.right_missing[at]
    held &= (panel.left[at] != 0) & (panel.right[at] != 0)
    for i in np.flatnonzero(held):
        mine = (int(table.left[i]), int(table.right[i]))
        theirs = (int(panel.left[at[i]]), int(panel.right[at[i]]))
        units, money = (mine, theirs) if table is quantity else (theirs, mine)
        found = split_of(units, money)
        if found is not None and found[1] <= GATE:
            yield int(i), _proof(table, int(i), quantity, units, price, money, *found)


def split_of(quantity: tuple[int, int], price: tuple[int, int]) -> tuple[tuple[int, int], float] | None:
    """The split that explains both pairs (left, right), as numbers for left and right, and its chance; or None.

    The quantities stand in that ratio exactly, the prices in its inverse to the last digit of the smaller.

    >>> split_of((2700, 5400), (3178170, 1589085))[0]
    (1, 2)
    >>> split_of((2700, 5400), (3178170, 3178000)) is None
    True
    """
    (a, b), (p, q) = quantity, price
    if (a > 0) != (b > 0) or (p > 0) != (q > 0):
        return None
    shared = gcd(a, b)
    left, right = abs(a) // shared, abs(b) // shared
    if left == right or max(left, right) > MOST:
        return None
    # the smaller price is rounded to one unit, the larger may have been rounded before
    gap, slack = abs(abs(p) * left - abs(q) * right), max(left, right)
    if gap > slack:
        return None
    return (left, right), min(1.0, USUAL * (2 * slack + 1) / max(abs(p) * left, 1))


def _proof(
    table: Breaks,
    i: int,
    quantity: Breaks,
    units: tuple[int, int],
    price: Breaks,
    money: tuple[int, int],
    ratio: tuple[int, int],
    chance: float,
) -> Proof:
    held = [f"{figure(units[k], quantity.panel.scale)} at {figure(money[k], price.panel.scale)}" for k in (0, 1)]
    statement = (
        f"{table.left_name} holds {held[0]} and {table.right_name} {held[1]}: {ratio[1]} for {ratio[0]}, and the same "
        f"value. It looks like a split that one side has booked and the other has not."
    )
    values = table.values(i) | {"left_part": str(ratio[0]), "right_part": str(ratio[1])}
    for name, of, pair in (("quantity", quantity, units), ("price", price, money)):
        values |= {f"left_{name}": of.plain(pair[0]), f"right_{name}": of.plain(pair[1])}
    return Proof("reference_data", "split", statement, chance, "unclear", values=values)
