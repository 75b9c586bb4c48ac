"""Price times quantity: a money difference that is all price or all quantity, or a price too small to matter."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from detectors.digits import Mask, Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import figure, plain
from detectors.proof import Proof
from recon.words import Cause

SMALL_QUANTITY: Final = 1_000
PERCENT_POINTS: Final = (1, 100, 1000)
"""A price may be in money, in percent of face, or per thousand."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    prices = [t for t in bench.tables if t.panel.pair.unit == "price" and not t.is_text]
    quantities = [t for t in bench.tables if t.panel.pair.unit == "quantity" and not t.is_text]
    if table.panel.pair.unit == "price":
        for quantity in quantities[:1]:
            yield from _small_quantity(bench, table, quantity)
    elif table.panel.pair.unit == "money" and prices and quantities:
        yield from _all_of_one(bench, table, prices[0], quantities[0])


def _agree(other: Breaks, at: Units) -> Mask:
    panel = other.panel
    same = panel.left[at] == panel.right[at]
    return np.asarray(same & ~panel.left_missing[at] & ~panel.right_missing[at])


def _small_quantity(bench: Bench, table: Breaks, quantity: Breaks) -> Iterator[Found]:
    """The total money agrees to half a unit: the price was rounded on the way."""
    beside = bench.beside(table, quantity)
    at = np.maximum(beside, 0)
    held = (beside >= 0) & _agree(quantity, at) & table.both
    for i in np.flatnonzero(held):
        units = abs(int(quantity.panel.left[at[i]]))
        scale = quantity.panel.scale + table.panel.scale
        if units == 0 or units >= SMALL_QUANTITY * 10**quantity.panel.scale:
            continue
        money = units * int(table.size[i])
        near = abs(int(table.left[i])) >= 2000 * int(table.size[i])
        if near and 2 * money <= 10**scale:
            yield int(i), _rounded(table, int(i), figure(units, quantity.panel.scale), plain(money, scale))


def _rounded(table: Breaks, i: int, quantity: str, money: str) -> Proof:
    statement = (
        f"The prices {table.figure(table.left[i])} and {table.figure(table.right[i])} differ by "
        f"{table.figure(table.size[i])} on a quantity of {quantity}: {money} in money, so the totals agree."
    )
    values = table.values(i) | {"quantity": quantity.replace(",", ""), "money": money}
    return Proof("rounding", "small_quantity", statement, 1e-3, "unclear", values=values)


def _all_of_one(bench: Bench, table: Breaks, price: Breaks, quantity: Breaks) -> Iterator[Found]:
    at_price, at_quantity = bench.beside(table, price), bench.beside(table, quantity)
    known = (at_price >= 0) & (at_quantity >= 0) & table.both
    at_price, at_quantity = np.maximum(at_price, 0), np.maximum(at_quantity, 0)
    same_price, same_quantity = _agree(price, at_price), _agree(quantity, at_quantity)
    for i in np.flatnonzero(known & (same_price != same_quantity)):
        p = (int(price.panel.left[at_price[i]]), int(price.panel.right[at_price[i]]))
        q = (int(quantity.panel.left[at_quantity[i]]), int(quantity.panel.right[at_quantity[i]]))
        if _explains(table, int(i), p, q, price.panel.scale + quantity.panel.scale):
            cause: Cause = "quantity" if same_price[i] else "price"
            other = quantity if same_price[i] else price
            yield int(i), _part(table, int(i), cause, q if same_price[i] else p, other)


def _explains(table: Breaks, i: int, p: tuple[int, int], q: tuple[int, int], scale: int) -> bool:
    """Both sides' money is price x quantity in one convention, to 1 in 10,000 of the difference's own size."""
    for per in PERCENT_POINTS:
        ok = True
        for money, price, quantity in ((table.left[i], p[0], q[0]), (table.right[i], p[1], q[1])):
            # |money - price * quantity / per| in units of 10**-(scale + panel scale) * per
            gap = abs(int(money) * per * 10**scale - price * quantity * 10**table.panel.scale)
            ok &= gap <= int(table.size[i]) * per * 10**scale // 100
        if ok:
            return True
    return False


def _part(table: Breaks, i: int, cause: Cause, pair: tuple[int, int], other: Breaks) -> Proof:
    statement = (
        f"The money is price x quantity on both sides, and only the {cause} differs: {other.figure(pair[0])} on "
        f"{table.left_name}, {other.figure(pair[1])} on {table.right_name}; that makes {table.figure(table.size[i])}."
    )
    values = table.values(i) | {f"left_{cause}": other.plain(pair[0]), f"right_{cause}": other.plain(pair[1])}
    return Proof(cause, "price_times_quantity", statement, 1e-4, "unclear", values=values)
