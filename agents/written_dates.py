"""The dates in a text, in each form that people write them in."""

# ruff: noqa: E501 - a pattern, or a list of words, is easier to read on its one line

import re
from typing import Final

from agents.claim import Claim, Day, taken

_MONTHS: Final = {
    name: n
    for n, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH: Final = "(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORD: Final = r"(\d{1,2})(?:st|nd|rd|th)?"
_DATES: Final = (
    ("iso", re.compile(r"(?<![\d.,/-])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?(?![\d/-])")),
    ("compact", re.compile(r"(?<![\d.,-])(20\d{2}|19\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?![\d.,])")),
    ("numeric", re.compile(r"(?<![\d.,/-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/-])")),
    ("dmy", re.compile(rf"\b{_ORD}[ -]+(?:of\s+)?{_MONTH}(?:,?[ -]+'?(\d{{4}}|\d{{2}})(?![\d,.]\d))?(?!\w)", re.I)),
    ("mdy", re.compile(rf"\b{_MONTH}[ -]+{_ORD}(?!\w|[.,:]?\d)(?:,?\s+(\d{{4}})\b)?", re.I)),
    ("my", re.compile(rf"\b{_MONTH}[ -]+'?(\d{{4}})\b", re.I)),
)  # fmt: skip
_MONTH_ALONE: Final = re.compile(
    r"\b(?:in|of|since|until|till|last|early|late|mid|end|during|for|from|to|by|through)\s+("
    + "|".join(sorted((n.capitalize() for n in _MONTHS if len(n) > 3 or n == "may"), key=len, reverse=True))
    + r")\b(?!\s+\d)"
)
_WEEKDAY: Final = re.compile(r"\b(" + "|".join(_WEEKDAYS) + r")s?\b", re.I)


def _year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _readings(form: str, m: re.Match[str]) -> tuple[Day, ...]:
    match form:
        case "iso" | "compact":
            return (Day(int(m[1]), int(m[2]), int(m[3])),)
        case "numeric":
            year = _year(m[4])
            both = {(int(m[1]), int(m[3])), (int(m[3]), int(m[1]))}
            return tuple(Day(year, month, day) for day, month in sorted(both) if 1 <= month <= 12 and day <= 31)
        case "dmy":
            return (Day(_year(m[3]), _MONTHS[m[2].lower()], int(m[1])),)
        case "mdy":
            return (Day(_year(m[3]), _MONTHS[m[1].lower()], int(m[2])),)
        case _:
            return (Day(_year(m[2]), _MONTHS[m[1].lower()], None),)


def dates_in(text: str) -> list[Claim]:
    """Every date, month alone and weekday; the fuller form first where two would fit."""
    found: list[Claim] = []
    for form, pattern in _DATES:
        for m in pattern.finditer(text):
            if not taken(found, m.start(), m.end()) and (days := _readings(form, m)):
                found.append(Claim("date", m[0], m.start(), m.end(), days=days))
    for m in _MONTH_ALONE.finditer(text):
        if not taken(found, m.start(1), m.end(1)):
            day = Day(None, _MONTHS[m[1].lower()], None)
            found.append(Claim("date", m[1], m.start(1), m.end(1), days=(day,)))
    for m in _WEEKDAY.finditer(text):
        if not taken(found, m.start(), m.end()):
            day = Day(None, None, None, _WEEKDAYS.index(m[1].lower()))
            found.append(Claim("date", m[0], m.start(), m.end(), days=(day,)))
    return found
