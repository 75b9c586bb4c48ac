"""The numbers that a text spells out: «twelve thousand», «doubled», «the third month»."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from agents.claim import Claim

_UNITS: Final = {
    word: value
    for value, word in enumerate((
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ))
}  # fmt: skip
_TENS: Final = {
    word: 10 * n
    for n, word in enumerate((
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ), start=2)
}  # fmt: skip
_MULTIPLES: Final = {
    "half": Decimal("0.5"), "halved": Decimal("0.5"), "double": Decimal(2), "doubled": Decimal(2), "twice": Decimal(2),
    "thrice": Decimal(3), "triple": Decimal(3), "tripled": Decimal(3), "quadrupled": Decimal(4), "tenfold": Decimal(10),
    "hundredfold": Decimal(100), "dozen": Decimal(12), "quarter": Decimal("0.25"),
}  # fmt: skip
_WORD_NUMBER: Final = re.compile(
    r"\b(?:(?:"
    + "|".join([*_UNITS, *_TENS, "hundred", "thousand", "million", "billion"])
    + r")(?:[\s-]+and)?[\s-]*)+\b",
    re.I,
)
_MULTIPLE: Final = re.compile(r"\b(" + "|".join(_MULTIPLES) + r")\b", re.I)
_CALENDAR_QUARTER: Final = re.compile(r"\b(?:last|this|previous|next|the|each|per|of)\s+$")
_DOUBLE_DEED: Final = re.compile(r"double[- ](?:check|post|book|entry|count)", re.I)
_ORDINALS: Final = {
    word: n
    for n, word in enumerate((
        "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    ), start=3)
}  # fmt: skip
_ORDINAL: Final = re.compile(
    r"\b(" + "|".join(_ORDINALS) + r")\s+(?=(?:consecutive|time|month|day|week|year|quarter|break|row|run)\b)", re.I
)
_HARMLESS_WORDS: Final = re.compile(
    r"\b(?:one|zero|two\s+(?:sides?|sources?|systems?|ledgers?|books?|persons?|approvals?|eyes)|four\s+eyes)\b", re.I
)


def spelled(text: str) -> list[Claim]:
    """Every number in words: «twelve thousand», then «doubled», then «the third month»."""
    return [*_cardinals(text), *_multiples(text), *_ordinals(text)]


def _cardinals(text: str) -> Iterator[Claim]:
    harmless = [m.span() for m in _HARMLESS_WORDS.finditer(text)]
    for m in _WORD_NUMBER.finditer(text):
        words = re.findall(r"[a-z]+", m[0].lower())
        value = _value_of([w for w in words if w != "and"])
        span = (m.start(), m.start() + len(m[0].rstrip(" -")))
        if value is None or any(a <= span[0] and span[1] <= b for a, b in harmless):
            continue
        yield Claim("number", m[0].strip(), *span, values=((value, Decimal(0)),))


def _multiples(text: str) -> Iterator[Claim]:
    for m in _MULTIPLE.finditer(text):
        word = m[1].lower()
        if word == "quarter" and _CALENDAR_QUARTER.search(text[: m.start()]):
            continue
        if word == "double" and _DOUBLE_DEED.match(text[m.start() :]):
            continue
        role = frozenset[str]() if word == "dozen" else frozenset({"factor"})
        yield Claim("number", m[1], m.start(), m.end(), values=((_MULTIPLES[word], Decimal(0)),), roles=role)


def _ordinals(text: str) -> Iterator[Claim]:
    for m in _ORDINAL.finditer(text):
        value = Decimal(_ORDINALS[m[1].lower()])
        yield Claim("number", m[1], m.start(1), m.end(1), values=((value, Decimal(0)),))


def _value_of(words: Sequence[str]) -> Decimal | None:
    """The value of number words; None when they are none.

    >>> _value_of(["twelve", "thousand", "five", "hundred"])
    Decimal('12500')
    """
    total = part = 0
    for word in words:
        if word in _UNITS:
            part += _UNITS[word]
        elif word in _TENS:
            part += _TENS[word]
        elif word == "hundred":
            part = max(part, 1) * 100
        elif word in ("thousand", "million", "billion"):
            total += max(part, 1) * 10 ** {"thousand": 3, "million": 6, "billion": 9}[word]
            part = 0
        else:
            return None
    return Decimal(total + part) if words else None
