"""A claim: one number, date or identifier that a text states, and what it is said of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["number", "date", "identifier"]


@dataclass(frozen=True)
class Day:
    """A date as it was written; None where the text leaves it open."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None

    def fits(self, other: date) -> bool:
        """True when `other` may be the day meant."""
        return (
            (self.year is None or self.year == other.year)
            and (self.month is None or self.month == other.month)
            and (self.day is None or self.day == other.day)
            and (self.weekday is None or self.weekday == other.weekday())
        )


@dataclass(frozen=True)
class Claim:
    """One number, date or identifier, and what the text says it is."""

    kind: Kind
    text: str
    at: int
    end: int
    values: tuple[tuple[Decimal, Decimal], ...] = ()
    """What the digits may mean («1.234» is 1.234 or 1234), each with its slack: half a unit of the last digit
    shown, since rounding is no lie."""
    days: tuple[Day, ...] = ()
    signed: bool = False
    """An explicit sign, which must then be right."""
    percent: bool = False
    currency: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    """What it is said to be: `left`, `right`, `difference`, `expected`, ...; empty when the text does not say."""
    noun: str = ""
    """What is counted, when something is."""
    plain: bool = False
    """Bare digits without separator, sign, unit or decimal: may be a key rather than an amount."""
    bound: tuple[str, ...] = ()
    """Key values that the text says it of."""
    day: Day | None = None
    """The date that the text says it of."""


@dataclass(frozen=True)
class Names:
    """The words by which a text may name its subjects."""

    left: tuple[str, ...]
    """Every name of the left source, as the reconciliation and its evidence have it."""
    right: tuple[str, ...]
    keys: frozenset[str] = frozenset()
    """Every key, scope and identifier value of the evidence, as text."""


def taken(found: Sequence[Claim], start: int, end: int) -> bool:
    """True where one of the claims found so far already stands in part of the span."""
    return any(c.at < end and start < c.end for c in found)
