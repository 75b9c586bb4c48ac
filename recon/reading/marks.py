"""Debit and credit in columns of their own: `Ledger Amount, Ledger D/C, Bank Amount, Bank D/C`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from recon.reading.columns import Column
from recon.rows import Pair

_FAMILIES: Final = (
    # the reversal of a credit is a debit (SWIFT MT940, field 61)
    ({"d", "rc"}, {"c", "rd"}),
    ({"dr"}, {"cr"}),
    ({"db"}, {"cr"}),
    ({"debit"}, {"credit"}),
    ({"s"}, {"h"}),
    ({"soll"}, {"haben"}),
    ({"debe"}, {"haber"}),
)
_SIGNS: Final = {
    word: sign for family in _FAMILIES for words, sign in zip(family, (1, -1), strict=True) for word in words
}
ALIKE: Final = 0.8
"""Share of the rows with equal amounts on which both sides must say the same, or both the opposite."""


def sign_of_mark(text: str) -> int:
    """1 for a debit, -1 for a credit, 0 for anything else.

    >>> sign_of_mark(" DR"), sign_of_mark("Credit"), sign_of_mark("")
    (1, -1, 0)
    """
    return _SIGNS.get(text.strip().casefold(), 0)


def is_mark(column: Column) -> bool:
    """Whether the column says debit here and credit there, and nothing else."""
    said = {text.strip().casefold() for text, blank in zip(column.values, column.blank, strict=True) if not blank}
    return any(said <= debit | credit and said & debit and said & credit for debit, credit in _FAMILIES)


def signed(pairs: tuple[Pair, ...], columns: Mapping[str, Column]) -> tuple[Pair, ...]:
    """The pairs with their amounts signed by the two sides' marks, in place of a pair of words.

    A bank's debit may be the ledger's credit: where marks of equal amounts are mostly opposed, the right side's are
    turned round. Amounts that carry a sign of their own, and those of which a column holds the difference, stay.
    """
    marks = next((pair for pair in pairs if _is_marks(pair, columns)), None)
    bare = [pair for pair in pairs if _is_bare(pair, columns)]
    if marks is None or not bare:
        return pairs
    opposed = _opposed(marks, bare[0], columns)
    if opposed is None:
        return pairs
    out = [
        replace(pair, left_mark=marks.left, right_mark=marks.right, mirrored=opposed) if pair in bare else pair
        for pair in pairs
        if pair is not marks
    ]
    return tuple(out)


def _is_marks(pair: Pair, columns: Mapping[str, Column]) -> bool:
    return (
        pair.kind == "text" and pair.right is not None and is_mark(columns[pair.left]) and is_mark(columns[pair.right])
    )


def _is_bare(pair: Pair, columns: Mapping[str, Column]) -> bool:
    if pair.kind != "number" or pair.right is None or pair.derived is not None or pair.unit not in ("money", "other"):
        return False
    return not (pair.mirrored or columns[pair.left].is_negative or columns[pair.right].is_negative)


def _opposed(marks: Pair, amounts: Pair, columns: Mapping[str, Column]) -> bool | None:
    """Whether equal amounts are marked the opposite way; None where they are marked at random."""
    left, right = (_signs(columns[name or ""]) for name in (marks.left, marks.right))
    same = columns[amounts.left].numbers == columns[amounts.right or ""].numbers
    known = same & (left != 0) & (right != 0)
    if not known.any():
        return False
    alike = float((left == right)[known].mean())
    return False if alike >= ALIKE else True if alike <= 1 - ALIKE else None


def _signs(column: Column) -> npt.NDArray[np.int8]:
    return np.array([sign_of_mark(text) for text in column.values], np.int8)
