"""The tolerance of a pair: said, written in a column, shown by the status of past rows, or half a minor unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from recon.money import from_units, minor_unit
from recon.rows import Pair

ENOUGH: Final = 2
"""Matches and breaks needed to draw a boundary between them."""
MOST_WRONG: Final = 0.2
"""Share of rows that a boundary may contradict before it is no boundary."""


@dataclass(frozen=True)
class Boundary:
    """The largest difference that the status still calls a match."""

    units: int
    contradicted: int
    """Rows whose status says otherwise."""
    seen: int


def boundary_of(size: npt.NDArray[np.int64], matched: npt.NDArray[np.bool_], least: int = 0) -> Boundary | None:
    """The boundary between matches and breaks by the size of their difference, or None when there is none.

    `size` and `matched` are of rows with both sides present and a status that says one or the other.
    """
    n = len(size)
    matches = int(matched.sum())
    if min(matches, n - matches) < ENOUGH:
        return None
    order = np.argsort(size, kind="stable")
    ordered, is_matched = size[order], matched[order]
    # Wrong when the tolerance is ordered[i]: breaks at or below it, and matches above it.
    breaks_below = np.cumsum(~is_matched)
    matches_above = matches - np.cumsum(is_matched)
    wrong = breaks_below + matches_above
    last_of_value = np.append(ordered[1:] != ordered[:-1], np.True_)
    at = np.flatnonzero(last_of_value)
    best = at[np.argmin(wrong[at])]
    least_wrong = int(wrong[best])
    if least_wrong > MOST_WRONG * n or least_wrong >= min(matches, n - matches):
        return None
    # a break without a difference is one for another reason; those with one lie above what separates them
    apart = size[~matched & (size > 0)]
    if 2 * int((apart <= ordered[best]).sum()) > len(apart):
        return None
    return Boundary(max(int(ordered[best]), least), least_wrong, n)


def default_tolerance(pair: Pair, currency: str | None) -> Decimal:
    """Half a minor unit for money, nothing for what is counted, half a millionth for prices and rates."""
    if pair.unit == "money":
        return Decimal(5).scaleb(-minor_unit(currency) - 1)
    if pair.unit in ("price", "rate"):
        return Decimal("0.0000005")
    return Decimal(0)


def default_units(
    pair: Pair, scale: int, currencies: Sequence[str], codes: npt.NDArray[np.int32] | None, n: int
) -> npt.NDArray[np.int64]:
    """The default tolerance of each row in units, by its currency where the file has one."""
    if codes is None or pair.unit != "money" or pair.currency is not None:
        return np.full(n, _whole(default_tolerance(pair, pair.currency), scale), dtype=np.int64)
    by_code = [_whole(default_tolerance(pair, text), scale) for text in currencies]
    return np.array(by_code, dtype=np.int64)[codes]


def _whole(value: Decimal, scale: int) -> int:
    return int(value.scaleb(scale))


def shown(units: int, scale: int) -> str:
    """Units as the text of a Pair's tolerance."""
    text = format(from_units(units, scale), "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
