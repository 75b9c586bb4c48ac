"""Which columns tell when: by their names, and by what numbers and texts of them look like."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from recon.reading.columns import Column
from recon.reading.named import Named
from recon.reading.pairs import PairsFound

_DATE_NAMES: Final[tuple[tuple[str, float], ...]] = (
    (r"^recon(ciliation)?(date|dt|day)$", 100),
    (r"^(balance|position)?asof(date|dt|day)?$", 98),
    (r"^(business|bus|cob|eod|closeofbusiness)(date|dt|day)?$", 96),
    (
        r"^(report(ing)?|snapshot|statement|balance|position|period|periodend|monthend|extract|run|file)(date|dt|day)$",
        92,
    ),
    (r"^(date|dt|day)$", 90),
    (r"^(timestamp|time|datetime|ts|eventtime|epoch|ds)$", 88),
    (r"^(month|period|week|quarter)$", 80),
    (r"^(posting|posted|booking|booked|entry|accounting|gl)(date|dt)$", 70),
    (r"^value(date|dt)$", 68),
    (r"^(transaction|txn|trans|payment)(date|dt)$", 66),
    (r"^(trade|deal)(date|dt)$", 50),
    (r"^(effective|start)(date|dt)$", 45),
    (r"^(settle(ment)?)(date|dt)$", 40),
    (r"^risk(date|dt)$", 30),
    (r"(maturity|expiry|end(?!or)|birth|created|updated|modified|due|load|audit)", 8),
    (r"(date|asof|timestamp|datetime)", 35),
    (r"(dt|day|time)$", 20),
)
_TIME_NAMES: Final = re.compile(r"timestamp|datetime|^time$|^ts$|eventtime|epoch|^date$")
_MONTH_NUMBER: Final = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])", re.ASCII)


def find_dates(
    columns: Sequence[Column], named: Named, found: PairsFound, taken: set[str]
) -> tuple[str | None, str | None]:
    """The column of the business date and that of the moment, either None where there is none."""
    date = named.date or _best_date(columns, found, taken)
    timestamp = named.timestamp
    if timestamp is None:
        timed = [c for c in columns if c.name not in taken | _pair_columns(found) and is_timed(c)]
        timed = [c for c in timed if c.name == date or _TIME_NAMES.search(c.squashed)]
        timestamp = max(timed, key=date_name_score).name if timed else None
    if date == timestamp and not named.date:
        date = None
    return date, timestamp


def _best_date(columns: Sequence[Column], found: PairsFound, taken: set[str]) -> str | None:
    sided = {c.name for c in (*found.sides.left_columns, *found.sides.right_columns)} if found.sides else set()
    best, best_score = None, 0.0
    for column in columns:
        empty = all(c.filled == 0 for c in columns)
        if column.name in taken or (column.filled == 0 and not empty):
            continue
        if not (column.is_date or numeric_date(column) != "no" or (empty and date_name_score(column) > 30)):
            continue
        blanks = 1 - column.filled / max(1, len(column.values))
        score = max(date_name_score(column), 5.0) - 60 * (column.name in sided) - 60 * blanks
        if best is None or score > best_score:
            best, best_score = column.name, score
    months = [c for c in columns if best is None and c.name not in taken and c.is_month]
    return max(months, key=date_name_score).name if months else best


def _pair_columns(found: PairsFound) -> set[str]:
    return {name for pair in found.pairs for name in (pair.left, pair.right) if name}


def date_like(columns: Sequence[Column]) -> set[str]:
    """Columns that only tell when, and are numbers all the same: epochs, Excel days."""
    return {c.name for c in columns if c.is_number and numeric_date(c) != "no"}


def days_as_dates(columns: Sequence[Column]) -> list[Column]:
    """The columns, those of days written as one number (20260131) as dates: each side may have one."""
    return [replace(c, of_days=True) if numeric_date(c) == "compact" else c for c in columns]


def numeric_date(column: Column) -> str:
    """`epoch`, `serial` or `compact` when a number column is named and filled like dates; else `no`."""
    score = date_name_score(column)
    if score < 30 or not column.is_number or column.is_negative:
        return "no"
    numbers = column.numbers[np.isfinite(column.numbers)]
    low, high = float(numbers.min()), float(numbers.max())
    if (
        column.is_integer
        and low >= 19_000_101
        and high <= 21_001_231
        and all(len(text.strip()) == 8 for text, blank in zip(column.values, column.blank, strict=True) if not blank)
    ):
        return "compact"
    texts = {text.strip() for text, blank in zip(column.values, column.blank, strict=True) if not blank}
    if column.is_integer and all(len(text) == 6 and _MONTH_NUMBER.fullmatch(text) for text in texts):
        return "compact"
    timelike = _TIME_NAMES.search(column.squashed) is not None
    if timelike and (low >= 1e8 or not column.has_point):
        return "epoch" if not (low >= 20_000 and high <= 80_000 and "time" not in column.squashed) else "serial"
    return "serial" if low >= 20_000 and high <= 80_000 else "no"


def date_name_score(column: Column) -> float:
    """How much a header's name speaks for the business date; 0 when it does not."""
    for pattern, score in _DATE_NAMES:
        if re.search(pattern, column.squashed):
            return score
    return 0.0


def is_timed(column: Column) -> bool:
    """True when the cells hold times of day, not all of them midnight."""
    if numeric_date(column) == "epoch":
        return True
    if not column.is_date:
        return False
    times = [text for text in column.values if ":" in text]
    return len(times) > 0.5 * column.filled and not all(re.search(r"\b00:00(:00(\.0+)?)?", text) for text in times)
