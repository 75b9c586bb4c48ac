"""What the import doctor says: each oddity as one finding or one refusal, with what to write in the recon file."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from recon.calendar import to_date, to_day
from recon.money import MAX_DIGITS, minor_unit
from recon.reading.amounts import Spread
from recon.reading.assemble import Notes, ReadPart
from recon.reading.comments import is_wrapped
from recon.reading.dates import Order, Votes, first_of_month
from recon.reading.sheet import Sheet
from recon.reading.status import is_match, names_pair
from recon.reading.tolerance import Boundary, boundary_of, default_tolerance
from recon.reading.twice import any_twice
from recon.rows import (
    NO_DAY,
    PRESENT,
    Codes,
    ImportFinding,
    Layout,
    Pair,
    PairColumns,
    Reject,
    Rows,
)
from recon.text import has_invisible

BOUNDARY_ROWS: Final = 300_000
"""Rows that are enough to see where the status draws the line."""
SLICE: Final = 1 << 17
"""Rows looked at together."""
FINE: Final = 9
"""Decimals past which rounding is not worth a word."""
_EARLY: Final = to_day(date(1990, 1, 1))
_NONE: Final = np.iinfo(np.int64).min

_NOTES: Final = {
    "null_date": ("dates that stand for no date, such as 01-01-1900", "kept as they are"),
    "boolean_amount": ("TRUE or FALSE where an amount should be", "read as missing, not as zero"),
    "mixed_decimal_signs": (
        "amounts whose decimal sign differs from the file's, and can be nothing else",
        "read by their own sign",
    ),
    "debit_credit": ("amounts with DR or CR", "DR is read as positive and CR as negative"),
    "unknown_mark": ("amounts marked neither debit nor credit", "read as they are written"),
}


def ambiguous_dates(file: str, column: str, votes: Votes) -> str:
    return (
        f"{file}: column {column.strip()}: {votes.open_example!r} may be day first or month first, and no date of the "
        "file decides it; write `dates: dayfirst` or `dates: monthfirst` in the recon file (--recon)"
    )


def ambiguous_number(file: str, line: int, column: str, cell: str) -> str:
    return (
        f"{file}: line {line}: column {column.strip()}: {cell!r} may have a thousands separator or a decimal comma, "
        "and no number of the file decides it; write `numbers: point` or `numbers: comma` in the recon file (--recon)"
    )


def decimal_comma(file: str) -> ImportFinding:
    return ImportFinding(
        "decimal_comma", "info", "amounts with a decimal comma", file, "read as such", remedy="numbers: comma"
    )


def date_findings(
    file: str, column: str, votes: Votes, order: Order | None, total: Votes, *, declared: bool
) -> list[ImportFinding]:
    """How the business date was read, and whether the column mixes formats."""
    where = f"{file}: column {column.strip()}"
    found = []
    styles = [style for style, _ in votes.styles]
    if votes.open + votes.dayfirst + votes.monthfirst and not declared:
        by = "this column" if votes.order() else "the file's other dates" if total.order() else "another file"
        by = "the first of each month" if not total.order() and first_of_month(column, votes) else by
        what = f"dates are {order or 'the same day either way'}, by {by}"
        found.append(ImportFinding("date_order", "info", what, where, "read so", remedy=f"dates: {order}"))
    if votes.dayfirst and votes.monthfirst:
        what = f"both day-first and month-first dates ({votes.dayfirst_example!r} and {votes.monthfirst_example!r})"
        done = f"each read as it must be; where both would do, {order}"
        count = min(votes.dayfirst, votes.monthfirst)
        found.append(ImportFinding("mixed_dates", "warning", what, where, done, count, f"dates: {order}"))
    elif len(styles) > 1:
        what = f"dates in {len(styles)} formats"
        count = sum(n for _, n in votes.styles[1:])
        found.append(ImportFinding("mixed_dates", "warning", what, where, "each read by its own", count))
    return found


def precision_findings(file: str, column: str, spread: Spread) -> list[ImportFinding]:
    where = f"{file}: column {column.strip()}"
    if spread.noise:
        what = "amounts with the tail of a binary fraction, such as 89220.09999999999"
        done = f"read at {spread.decimals} decimals"
        return [ImportFinding("binary_fraction", "info", what, where, done, spread.noise)]
    if spread.rounded and MAX_DIGITS - spread.integer_digits < FINE:
        what = "amounts with more digits than an exact 18-digit number holds"
        return [ImportFinding("rounded", "warning", what, where, "rounded at the last digit", spread.rounded)]
    return []


def history_cut(count: int, where: str, newest: int) -> ImportFinding:
    return ImportFinding(
        "history_cut",
        "warning",
        f"history rows dated after the newest current date {to_date(newest)}",
        where,
        "left out: no row may see a later one",
        count,
    )


def default_for(pair: Pair) -> Decimal:
    return default_tolerance(pair, None)


def boundary(
    pair: Pair, parts: Sequence[ReadPart], statuses: Sequence[Codes | None], layout: Layout
) -> Boundary | None:
    """Where the status draws the line between matches and breaks of this pair."""
    sizes: list[npt.NDArray[np.int64]] = []
    labels: list[npt.NDArray[np.bool_]] = []
    several = sum(p.kind == "number" for p in layout.pairs) > 1
    for part, status in zip(parts, statuses, strict=True):
        if status is None:
            continue
        words = status.vocabulary.to_pylist()
        verdict = np.array([_verdict(word, pair, several) for word in words], dtype=np.int8)[status.codes]
        amounts = part.pairs[pair.name]
        usable = (verdict >= 0) & (amounts.left_state == PRESENT)
        if pair.right is not None:
            usable &= amounts.right_state == PRESENT
        usable[list(part.why)] = False
        step = max(1, len(usable) // BOUNDARY_ROWS)
        at = np.flatnonzero(usable)[::step]
        sizes.append(np.abs(amounts.left[at] - amounts.right[at]))
        labels.append(verdict[at] == 1)
    if not sizes:
        return None
    return boundary_of(np.concatenate(sizes), np.concatenate(labels))


def _verdict(word: str, pair: Pair, several: bool) -> int:
    """1 for a match, 0 for a break of this pair, -1 when the status says nothing about it."""
    said = is_match(word)
    if said is None:
        return -1
    if said:
        return 1
    if not several:
        return 0
    return 0 if names_pair(word, pair.name) else -1


def findings(
    rows: Rows, layout: Layout, notes: Notes, rejects: Sequence[Reject], today: date, sheet: Sheet
) -> list[ImportFinding]:
    """Everything to say of a reading once its rows stand; `sheet` holds their text."""
    found: list[ImportFinding] = []
    for code, count in notes.counts.items():
        what, done = _NOTES[code]
        severity = "info" if code == "debit_credit" else "warning"
        found.append(ImportFinding(code, severity, what, notes.first[code], done, count))  # type: ignore[arg-type]
    if layout.currency is None and len(notes.currencies) > 1:
        what = f"amounts that carry currencies of their own ({', '.join(sorted(notes.currencies)[:6])})"
        done = "read as numbers alone, and compared as such; put the currency in a column of its own"
        found.append(ImportFinding("currency_in_amounts", "warning", what, ", ".join(rows.files), done))
    found += _dates(rows, today)
    found += _contradictions(rows, layout)
    found += _minor_units(rows, layout)
    found += _keys(rows, layout, sheet)
    found += _comments(rows, layout, sheet)
    if not rows.n and not rejects:
        files = ", ".join(rows.files)
        what = "the file has a header and no rows"
        found.append(ImportFinding("no_rows", "warning", what, files, "0 rows read"))
    return found


def _place(rows: Rows, where: npt.NDArray[np.int64]) -> str:
    return f"{rows.files[rows.file[where[0]]]}: line {rows.line[where[0]]}"


def _dates(rows: Rows, today: date) -> list[ImportFinding]:
    known = rows.day != NO_DAY
    found = []
    for code, mask, what in (
        ("future_date", known & (rows.day > to_day(today)), f"business dates after today, {today}"),
        (
            "past_date",
            known & (rows.day < _EARLY) & (rows.day > to_day(date(1900, 1, 2))),
            "business dates before 1990",
        ),
    ):
        where = np.flatnonzero(mask)
        if len(where):
            found.append(ImportFinding(code, "warning", what, _place(rows, where), "kept as they are", len(where)))
    return found


def _contradictions(rows: Rows, layout: Layout) -> list[ImportFinding]:
    found = []
    for columns in rows.pairs:
        if columns.pair.kind == "text" or columns.pair.right is None:
            continue
        if columns.derived is not None:
            off, turned = _where(rows.n, partial(_contradicted, columns))
            found += _derived(rows, columns.pair, off, turned)
    return found + _status(rows, layout)


def _contradicted(columns: PairColumns, part: slice) -> tuple[npt.NDArray[np.bool_], ...]:
    """Where the file's own difference is another number than ours, and where it is ours with the other sign."""
    left, right = columns.left[part], columns.right[part]
    diff = (left - right) * columns.pair.sign
    derived = diff if columns.derived is None else columns.derived[part]
    off: npt.NDArray[np.bool_] = derived != diff
    if not off.any():
        return off, off
    slack = max(1, 10**columns.scale // 1000)
    given = (columns.left_state[part] == PRESENT) | (columns.right_state[part] == PRESENT)
    given &= derived != _NONE
    off &= given & (np.abs(derived - diff) > slack) & (np.abs(derived) != np.abs(diff))
    return off, given & (derived == -diff) & (diff != 0)


def _where(n: int, masks: Callable[[slice], tuple[npt.NDArray[np.bool_], ...]]) -> list[npt.NDArray[np.int64]]:
    """Positions at which each mask is set; made for a slice at a time, so that what they need stays in the cache."""
    parts = [
        [np.flatnonzero(mask) + begin for mask in masks(slice(begin, begin + SLICE))] for begin in range(0, n, SLICE)
    ]
    return [np.concatenate(one) for one in zip(*parts, strict=True)] or [np.zeros(0, np.int64)] * 2


def _derived(rows: Rows, pair: Pair, off: npt.NDArray[np.int64], turned: npt.NDArray[np.int64]) -> list[ImportFinding]:
    found = []
    way = "left - right" if pair.sign == 1 else "right - left"
    left, right, own = pair.left.strip(), (pair.right or "").strip(), (pair.derived or "").strip()
    if len(off):
        what = f"{own} is not the difference of {left} and {right}"
        done = "the difference is computed anew"
        found.append(ImportFinding("derived_contradicts", "warning", what, _place(rows, off), done, len(off)))
    if len(turned):
        what = f"{own} has the other sign than {way}"
        done = "the difference is computed anew"
        found.append(ImportFinding("derived_sign", "info", what, _place(rows, turned), done, len(turned)))
    return found


def _status(rows: Rows, layout: Layout) -> list[ImportFinding]:
    if layout.status is None or layout.status not in rows.columns:
        return []
    numeric = [c for c in rows.pairs if c.pair.kind == "number" and c.pair.right is not None]
    if not numeric:
        return []
    status = rows.columns[layout.status]
    said = [is_match(word) for word in status.vocabulary.to_pylist()]
    verdict = np.array([2 if s is None else int(s) for s in said], dtype=np.uint8)

    def masks(part: slice) -> tuple[npt.NDArray[np.bool_], ...]:
        outside = np.logical_or.reduce([_is_outside(columns, part) for columns in rows.pairs])
        told = verdict[status.codes[part]]
        return (told == 1) & outside, (told == 0) & ~outside

    found = []
    for where, what in zip(
        _where(rows.n, masks),
        (
            "rows called a match whose difference is outside tolerance",
            "rows called a break whose differences are within tolerance",
        ),
        strict=True,
    ):
        if len(where):
            done = "judged by the tolerance, not by the status"
            code = "status_contradicts_tolerance"
            found.append(ImportFinding(code, "warning", what, _place(rows, where), done, len(where)))
    return found


def _is_outside(columns: PairColumns, part: slice) -> npt.NDArray[np.bool_]:
    one = columns.left_state[part] != PRESENT
    other = columns.right_state[part] != PRESENT if columns.pair.right is not None else np.zeros_like(one)
    away = np.abs(columns.left[part] - columns.right[part]) > columns.tolerance[part]
    return np.asarray((one ^ other) | (~one & ~other & away), dtype=np.bool_)


def _minor_units(rows: Rows, layout: Layout) -> list[ImportFinding]:
    if layout.currency is None or layout.currency not in rows.columns:
        return []
    money = rows.columns[layout.currency]
    words = money.vocabulary.to_pylist()
    found = []
    for code, word in enumerate(words):
        least = minor_unit(word)
        if least >= 2:
            continue
        mine = np.flatnonzero(money.codes == code)
        mask = np.zeros(len(mine), dtype=np.bool_)
        for columns in rows.pairs:
            if columns.pair.unit != "money" or columns.pair.currency is not None or columns.scale <= least:
                continue
            step = 10 ** (columns.scale - least)
            mask |= (columns.left[mine] % step != 0) | (columns.right[mine] % step != 0)
        where = mine[mask]
        if len(where):
            what = f"{word} amounts with decimals, though {word} has no minor unit"
            done = "kept as they are"
            found.append(ImportFinding("minor_unit", "warning", what, _place(rows, where), done, len(where)))
    return found


def _keys(rows: Rows, layout: Layout, sheet: Sheet) -> list[ImportFinding]:
    found = []
    for name in dict.fromkeys([*layout.key, *layout.historical]):
        if name not in sheet.names:
            continue
        texts = sheet.words(name)
        foreign = texts.filter(pc.invert(pc.string_is_ascii(texts))).to_pylist()
        hidden = [text for text in foreign if has_invisible(text)]
        if hidden:
            what = f"marks that print nothing in {name.strip()}, as in {hidden[0]!r}"
            done = "matched without them"
            found.append(ImportFinding("invisible_marks", "warning", what, rows.files[0], done, len(hidden)))
        trimmed = pc.count_distinct(pc.utf8_trim_whitespace(texts)).as_py()
        merged = trimmed - len(rows.columns[name].vocabulary) - len(hidden)
        if merged > 0:
            what = f"values of {name.strip()} that differ only in how their letters are encoded or spaced"
            found.append(ImportFinding("two_spellings", "warning", what, rows.files[0], "read as one", merged))
    return found + _duplicates(rows, layout)


def _duplicates(rows: Rows, layout: Layout) -> list[ImportFinding]:
    if not layout.key or rows.n < 2:
        return []
    merged = _merged(rows, layout)
    if not any_twice(merged):
        return []
    order = np.argsort(merged, kind="stable")
    same = merged[order][1:] == merged[order][:-1]
    again = np.sort(order[1:][same])
    key = ", ".join(name.strip() for name in layout.key)
    conflict = _conflicting(rows, order, same)
    what = f"the same {key} more than once on one date"
    what += f", {conflict} of them with different amounts" if conflict else ", with the same amounts"
    done = "kept apart by occurrence number"
    severity = "warning" if conflict else "info"
    return [ImportFinding("duplicate_key", severity, what, _place(rows, again), done, len(again))]  # type: ignore[arg-type]


def _merged(rows: Rows, layout: Layout) -> npt.NDArray[np.int64]:
    """One number for each combination of key and moment, none negative."""
    moment = (rows.stamp if rows.stamp is not None else rows.day).astype(np.int64)
    known = moment > NO_DAY
    low = int(moment.min(where=known, initial=2**62)) if known.any() else 0
    merged = np.where(known, moment - low + 1, 0)
    most = int(merged.max(initial=0))
    for name in layout.key:
        codes = rows.columns[name].codes
        size = int(codes.max(initial=0)) + 1
        if most >= 2**62 // size:
            _, merged = np.unique(merged, return_inverse=True)
            most = int(merged.max(initial=0))
        merged = merged.astype(np.int64, copy=False) * size + codes
        most = (most + 1) * size - 1
    return merged


def _conflicting(rows: Rows, order: npt.NDArray[np.int64], same: npt.NDArray[np.bool_]) -> int:
    differs = np.zeros(len(same), dtype=np.bool_)
    for columns in rows.pairs:
        for values in (columns.left, columns.right):
            differs |= values[order][1:] != values[order][:-1]
    return int((differs & same).sum())


def _comments(rows: Rows, layout: Layout, sheet: Sheet) -> list[ImportFinding]:
    wrapped = 0
    for name in layout.comment:
        if name in sheet.names:
            column = sheet.column(name)
            candidates = column.filter(pc.match_substring_regex(column, r"^\s*[\[{]"))
            wrapped += sum(1 for text in candidates.to_pylist() if is_wrapped(text))
    if not wrapped:
        return []
    what = "comments wrapped in JSON"
    return [ImportFinding("wrapped_comments", "info", what, rows.files[0], "the prose was peeled out", wrapped)]
