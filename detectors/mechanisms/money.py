"""Price times quantity times rate: a money difference that is all of one, or a price too small to matter."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from detectors.digits import Mask, Units
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import figure, plain
from detectors.proof import Proof
from recon.words import Cause

SMALL_QUANTITY: Final = 1_000
CAUSES: Final[Mapping[str, Cause]] = {"price": "price", "quantity": "quantity", "rate": "fx_rate"}
"""What money is multiplied from, by the unit of its pair, and the cause when it alone differs."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    numbers = [t for t in bench.tables if not t.is_text and not t.one_sided_pair]
    factors = [t for unit in CAUSES for t in [t for t in numbers if t.panel.pair.unit == unit][:1]]
    if table.panel.pair.unit == "price":
        for quantity in [t for t in factors if t.panel.pair.unit == "quantity"]:
            yield from _small_quantity(bench, table, quantity)
    elif table.panel.pair.unit in ("money", "other") and len(factors) > 1:
        yield from _all_of_one(bench, table, factors)


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


def _all_of_one(bench: Bench, table: Breaks, factors: Sequence[Breaks]) -> Iterator[Found]:
    """Exactly one factor differs, and the money differs in its proportion: whatever else it was multiplied with."""
    beside = [bench.beside(table, factor) for factor in factors]
    at = [np.maximum(rows, 0) for rows in beside]
    known = [(rows >= 0) & _there(factor, where) for rows, factor, where in zip(beside, factors, at, strict=True)]
    off = np.stack([k & ~_agree(f, a) for k, f, a in zip(known, factors, at, strict=True)])
    for i in np.flatnonzero(table.both & np.logical_and.reduce(known) & (off.sum(axis=0) == 1)):
        k = int(np.argmax(off[:, i]))
        panel, row = factors[k].panel, int(at[k][i])
        pair = (int(panel.left[row]), int(panel.right[row]))
        if _explains((int(table.left[i]), int(table.right[i])), pair):
            yield int(i), _part(table, int(i), CAUSES[panel.pair.unit], pair, factors[k])


def _there(other: Breaks, at: Units) -> Mask:
    panel = other.panel
    there = (panel.left[at] != 0) & (panel.right[at] != 0)
    return np.asarray(there & ~panel.left_missing[at] & ~panel.right_missing[at])


def _explains(money: tuple[int, int], factor: tuple[int, int]) -> bool:
    """Whether the money stands in the factor's ratio, to a hundredth of the difference.

    >>> _explains((1000_00, 1010_00), (50_00, 50_50)), _explains((1000_00, 1020_00), (50_00, 50_50))
    (True, False)
    """
    gap = abs(money[0] * factor[1] - money[1] * factor[0])
    return 100 * gap <= abs(money[0] - money[1]) * max(abs(factor[0]), abs(factor[1]))


def _part(table: Breaks, i: int, cause: Cause, pair: tuple[int, int], other: Breaks) -> Proof:
    name = other.panel.pair.name
    statement = (
        f"{name} is {other.figure(pair[0])} on {table.left_name} and {other.figure(pair[1])} on {table.right_name}, "
        f"and the money differs in that proportion: that makes {table.figure(table.size[i])}."
    )
    values = table.values(i) | {f"left_{cause}": other.plain(pair[0]), f"right_{cause}": other.plain(pair[1])}
    return Proof(cause, "price_times_quantity", statement, 1e-4, "unclear", values=values)
