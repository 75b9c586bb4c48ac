"""A split booked on one side only: so many times the quantity at so many times less the price, and the same value; or,
where no price is compared, so many times the quantity of one security wherever it is held."""

import re
from collections.abc import Iterator
from math import gcd
from typing import Final

import numpy as np

from detectors.digits import Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import figure
from detectors.proof import Proof

SECURITY: Final = re.compile(r"(?i)isin|cusip|sedol|ticker|symbol|securit|instrument|\bric\b|stock")
"""Columns that say what is held."""
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
    if unit == "quantity" and not any(other.panel.pair.unit == "price" for other in bench.tables):
        for column in table.panel.columns:
            if SECURITY.search(column):
                yield from _everywhere(table, column)


def _everywhere(table: Breaks, column: str) -> Iterator[Found]:
    """All positions of one security stand in one ratio: a posting that went wrong would not hit every holder."""
    panel = table.panel
    codes = panel.columns[column].codes
    small = np.minimum(np.abs(table.left), np.abs(table.right))
    luck = table.coincidence(np.maximum(small, 1))
    for code in np.unique(codes[table.rows[table.both]]):
        mine = np.flatnonzero(table.both & (codes[table.rows] == code))
        day = panel.day == panel.day[table.rows[mine]].max()
        held = panel.current & (codes == code) & day & ((panel.left != 0) | (panel.right != 0))
        mine = mine[day[table.rows[mine]]]
        ratios = {ratio_of(int(table.left[i]), int(table.right[i])) for i in mine}
        distinct = np.unique(small[mine], return_index=True)[1]
        chance = float(USUAL * np.prod(luck[mine][distinct]))
        if len(mine) < 2 or len(mine) < np.count_nonzero(held) or len(ratios) > 1 or len(distinct) < 2 or chance > GATE:
            continue
        ratio = ratios.pop()
        if ratio is not None:
            for i in mine:
                yield int(i), _of_all(table, int(i), column, mine, ratio, chance)


def ratio_of(left: int, right: int) -> tuple[int, int] | None:
    """Two quantities of one sign as the numbers of a split; None when those are too large, or the same.

    >>> ratio_of(2700, 5400), ratio_of(2700, -5400), ratio_of(2700, 5401)
    ((1, 2), None, None)
    """
    shared = gcd(left, right)
    if not shared or (left > 0) != (right > 0):
        return None
    found = abs(left) // shared, abs(right) // shared
    return found if found[0] != found[1] and max(found) <= MOST else None


def _of_all(table: Breaks, i: int, column: str, mine: Units, ratio: tuple[int, int], chance: float) -> Proof:
    codes = table.panel.columns[column]
    name = f"{column.strip()} {codes.vocabulary[int(codes.codes[table.rows[i]])].as_py()}"
    statement = (
        f"All {len(mine)} positions of {name} are {ratio[1]} for {ratio[0]} between {table.left_name} and "
        f"{table.right_name}, as {table.figure(table.left[i])} and {table.figure(table.right[i])} are. It looks like a "
        f"split that one side has booked and the other has not."
    )
    rows = tuple(int(table.rows[j]) for j in mine if j != i)
    values = table.values(i) | {"positions": len(mine), "left_part": str(ratio[0]), "right_part": str(ratio[1])}
    return Proof("reference_data", "split", statement, chance, "unclear", rows[:20], values)


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
    p, q = price
    parts = ratio_of(*quantity)
    if parts is None or (p > 0) != (q > 0):
        return None
    left, right = parts
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
