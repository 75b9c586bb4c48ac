"""Pairs that hold the same money twice: once in its own currency, once converted into one that the header names."""

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np

from recon.panel import Panel

ENOUGH: Final = 5
"""Rows with both amounts that it takes to say so."""
STEADY: Final = 0.9
"""Share of the rows whose ratio must be that of their currency."""
APART: Final = 0.05
"""How far a rate may be from the others of its currency: rows of a few days, or rates of several desks."""


def converted(panels: Sequence[Panel], currency: str | None) -> dict[int, int]:
    """Pair of a fixed currency -> the pair whose amounts it holds converted, by positions in `panels`.

    `currency`: the column that says each row's own currency; without one there is nothing to convert from. Rows of
    the very currency that the header names must be alike in both, and each other currency keeps to one rate.
    """
    found: dict[int, int] = {}
    if currency is None:
        return found
    money = [p for p, panel in enumerate(panels) if panel.pair.unit == "money" and panel.pair.right is not None]
    fixed = [p for p in money if panels[p].pair.currency is not None]
    own = [p for p in money if panels[p].pair.currency is None and currency in panels[p].columns]
    for p, q in product(fixed, own):
        if p not in found and _is_conversion(panels[p], panels[q], currency):
            found[p] = q
    return found


def _is_conversion(fixed: Panel, own: Panel, currency: str) -> bool:
    if not np.array_equal(fixed.source, own.source):
        return False
    known = fixed.current & (fixed.left != 0) & (own.left != 0) & ~fixed.left_missing & ~own.left_missing
    if np.count_nonzero(known) < ENOUGH:
        return False
    ratio = fixed.left[known] / 10.0**fixed.scale / (own.left[known] / 10.0**own.scale)
    column = own.columns[currency]
    codes = column.codes[known]
    named = fixed.pair.currency
    steady = np.zeros(len(ratio), np.bool_)
    for code in np.unique(codes):
        mine = codes == code
        rate = 1.0 if str(column.vocabulary[int(code)].as_py()).upper() == named else float(np.median(ratio[mine]))
        steady[mine] = np.abs(ratio[mine] / rate - 1.0) <= APART
    return bool(steady.mean() >= STEADY)
