"""Which columns identify a line within one date: the key on which a series hangs together over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.reading.columns import Column
from recon.reading.words import AGES, ATTRIBUTE, COUNTERS, DIMENSION, GROUPING, IDENTITY, LINE_ID

UNIQUE = 0.98
"""Share of rows that a key must tell apart within their date."""
RECURS = 1.2
"""Dates on which a key must be met on average to make a series."""
PANEL = 0.5
"""Share of the dates on which a key must be met to be preferred to ids that are met once."""
MOST_KEYS = 12


@dataclass(frozen=True)
class Grouping:
    """Codes of the candidate columns, and the day of each row: enough to count groups."""

    codes: Mapping[str, npt.NDArray[np.int64]]
    day: npt.NDArray[np.int64]
    """All zeros where the file has no date."""

    @property
    def n(self) -> int:
        return len(self.day)

    @property
    def dates(self) -> int:
        return len(np.unique(self.day))

    def groups(self, names: Sequence[str], with_day: bool) -> int:
        """Distinct combinations of the columns' values, within each day if asked."""
        merged = self.day if with_day else np.zeros(self.n, dtype=np.int64)
        for name in names:
            codes = self.codes[name]
            dense = pa.array(merged).dictionary_encode().indices.to_numpy(zero_copy_only=False)
            merged = dense.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
        return int(pc.count_distinct(pa.array(merged)).as_py())

    def unique(self, names: Sequence[str]) -> float:
        """1 when the columns tell all rows of each date apart."""
        return self.groups(names, with_day=True) / max(1, self.n)

    def recurs(self, names: Sequence[str]) -> float:
        """On how many dates a combination is met on average."""
        return self.groups(names, with_day=True) / max(1, self.groups(names, with_day=False))


@dataclass(frozen=True)
class KeyFound:
    columns: tuple[str, ...]
    why: str


def is_line_id(column: Column) -> bool:
    """True for names like `Trade ID`, `Txn Ref`, `id`; not for `Account Number`."""
    words = column.tokens
    return any(word in LINE_ID for word in words) and not any(word in DIMENSION for word in words)


def is_counter(column: Column) -> bool:
    """True for a bare row number: `id`, `row`, `#`."""
    return column.squashed in COUNTERS or not column.squashed


def is_dimension(column: Column) -> bool:
    return any(word in DIMENSION for word in column.tokens) and not is_attribute(column)


def is_attribute(column: Column) -> bool:
    """True for columns that describe another: `Account Type`, `Primary Account`."""
    return any(word in ATTRIBUTE or word.startswith(("secondar", "primar")) for word in column.tokens)


def is_identity(column: Column) -> bool:
    return any(word in IDENTITY for word in column.tokens)


def infer_key(candidates: Sequence[Column], grouping: Grouping, currency: str | None = None) -> KeyFound:
    """The columns that identify a line within one date; empty when no column can."""
    if not candidates:
        return KeyFound((), "no column identifies a line: all rows are one series")
    ids = sorted((c for c in candidates if is_line_id(c)), key=lambda c: (is_counter(c), c.position))
    dimensions = [c.name for c in candidates if (is_dimension(c) and not is_line_id(c)) or c.name == currency]
    dimensions = [] if dimensions == [currency] else dimensions
    if grouping.dates > 1:
        return _over_dates(candidates, ids, dimensions, grouping, currency)
    return _on_one_date(candidates, ids, dimensions, grouping)


def _over_dates(
    candidates: Sequence[Column], ids: list[Column], dimensions: list[str], grouping: Grouping, currency: str | None
) -> KeyFound:
    for column in ids:
        if grouping.unique([column.name]) >= UNIQUE and grouping.recurs([column.name]) >= RECURS:
            return KeyFound((column.name,), "it names one line on each date and comes back on others")
    telling = [c for c in candidates if not (is_counter(c) or is_attribute(c))]
    named = [column for column in ids if grouping.unique([column.name]) >= 0.9]
    transactions = bool(named) and not is_counter(named[0])
    # of a moment that holds one line anything tells its lines apart: then only what never changes is a series, and a
    # currency is none even so
    alone = transactions and grouping.unique([]) >= UNIQUE

    def may_lead(names: Sequence[str]) -> bool:
        return not alone or (list(names) != [currency] and grouping.groups(names, with_day=False) == 1)

    often = PANEL * grouping.dates if transactions else RECURS
    if dimensions and grouping.recurs(dimensions) >= often and may_lead(dimensions):
        found = _sharpened(dimensions, candidates, grouping)
        if grouping.unique(found) >= UNIQUE:
            return _together(_in_order(found, candidates))
    for column in telling:
        recurs = grouping.recurs([column.name]) >= PANEL * grouping.dates
        if recurs and grouping.unique([column.name]) >= UNIQUE and may_lead([column.name]):
            return KeyFound((column.name,), "it names one line on each date and comes back on others")
    if named and not (is_counter(named[0]) and dimensions and grouping.unique(dimensions) >= 0.9):
        return KeyFound((named[0].name,), "it names one line on each date")
    if not dimensions and grouping.unique([]) >= UNIQUE:
        return KeyFound((), "each date has one row: all rows are one series")
    if not dimensions:
        found = _greedy([c for c in candidates if c not in ids] or candidates, grouping)
        return _together(_in_order(found, candidates), "most lines of a date")
    if found := _widened(dimensions, candidates, grouping):
        return _together(_in_order(found, candidates))
    return KeyFound(_in_order(dimensions, candidates), "they name an account; a date holds several lines of some")


def _on_one_date(
    candidates: Sequence[Column], ids: list[Column], dimensions: list[str], grouping: Grouping
) -> KeyFound:
    for column in ids:
        if grouping.unique([column.name]) >= UNIQUE:
            return KeyFound((column.name,), "it names one line")
    if dimensions and grouping.unique(dimensions) >= UNIQUE and len(dimensions) >= 2:
        return _together(_in_order(dimensions, candidates), "one line")
    rest = [c.name for c in candidates if c not in ids]
    if ids and (not rest or grouping.unique(rest) < UNIQUE):
        return KeyFound((ids[0].name,), "its name says that it identifies a line")
    return _together(tuple(rest[:MOST_KEYS]), "what a line is of")


def _together(names: tuple[str, ...], what: str = "one line on each date") -> KeyFound:
    """The columns that name `what`, alone or together."""
    return KeyFound(names, f"{'together they name' if len(names) > 1 else 'it names'} {what}")


def _sharpened(names: list[str], candidates: Sequence[Column], grouping: Grouping) -> list[str]:
    """Adds identity-like columns while a date still holds several lines of one key, and series survive it."""
    found = list(names)
    pool = [c for c in candidates if c.name not in found and is_identity(c) and not (is_counter(c) or is_attribute(c))]
    share = grouping.unique(found)
    while share < UNIQUE and pool:
        best = max(pool, key=lambda c: grouping.unique([*found, c.name]))
        better = grouping.unique([*found, best.name])
        if better < min(UNIQUE, share + 0.05) or grouping.recurs([*found, best.name]) < RECURS:
            break
        found.append(best.name)
        pool.remove(best)
        share = better
    return found


def _widened(names: list[str], candidates: Sequence[Column], grouping: Grouping) -> list[str]:
    """The names with whatever else tells the lines of a date apart and comes back on most dates; empty when nothing
    does. Words like `Partner` or `Account Group` tell lines apart in one file and only describe them in another."""
    found = list(names)
    pool = [c.name for c in candidates if c.name not in found and not is_counter(c)]
    while pool and len(found) < MOST_KEYS:
        best = max(pool, key=lambda name: grouping.unique([*found, name]))
        if grouping.recurs([*found, best]) < PANEL * grouping.dates:
            return []
        found.append(best)
        pool.remove(best)
        if grouping.unique(found) >= UNIQUE:
            return found
    return []


def _greedy(candidates: Sequence[Column], grouping: Grouping) -> list[str]:
    """As few columns as tell the lines of a date apart, recurring ones first."""
    alone = [c.name for c in candidates if grouping.unique([c.name]) >= UNIQUE]
    if alone:
        return [max(alone, key=lambda name: grouping.recurs([name]))]
    found: list[str] = []
    pool = [c.name for c in candidates]
    share = 0.0
    while pool and share < UNIQUE and len(found) < MOST_KEYS:
        best = max(pool, key=lambda name: grouping.unique([*found, name]))
        better = grouping.unique([*found, best])
        if found and better <= share:
            break
        found.append(best)
        pool.remove(best)
        share = better
    return found


def _in_order(names: Sequence[str], candidates: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in candidates if column.name in names)


def _is_age(column: Column) -> bool:
    return any(word in AGES for word in column.tokens)


def groups_and_categories(
    candidates: Sequence[Column], key: tuple[str, ...], grouping: Grouping
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Historical columns (by which series may borrow from each other) and other columns of few values."""
    historical: list[str] = []
    categorical: list[str] = []
    for column in candidates:
        distinct = grouping.groups([column.name], with_day=False)
        few = 2 <= distinct <= max(2, min(1_000, 0.5 * grouping.n))
        grouper = any(word in GROUPING for word in column.tokens) and not is_line_id(column)
        if grouper and distinct < max(2, grouping.n):
            historical.append(column.name)
        elif few and column.name not in key and not is_counter(column) and not _is_age(column):
            categorical.append(column.name)
    return tuple(historical), tuple(categorical)
