"""Amount columns from text to exact integer units, by DuckDB's casts; only odd spellings are looked at one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.money import (
    MAX_DIGITS,
    MAX_SCALE,
    DecimalSign,
    evidence_of_sign,
    exact_scale,
    is_blank,
    parse_amount,
    to_units,
)
from recon.rows import BAD, BLANK, PRESENT

NOISE_FROM: Final = 9
"""Decimals from which a number may be a binary fraction printed in full: 89220.09999999999."""
_BOOLEANS: Final = frozenset({"true", "false"})
_LIMIT: Final = 10**MAX_DIGITS


@dataclass(frozen=True)
class Spread:
    """How a column's numbers are written: what its scale must hold."""

    decimals: int
    integer_digits: int
    noise: int
    """Cells whose many decimals are only a binary fraction's tail."""
    rounded: int = 0

    def __or__(self, other: "Spread") -> "Spread":
        return Spread(
            max(self.decimals, other.decimals),
            max(self.integer_digits, other.integer_digits),
            self.noise + other.noise,
            self.rounded + other.rounded,
        )


EMPTY_SPREAD: Final = Spread(0, 0, 0)


@dataclass(frozen=True)
class Amounts:
    """A column in units of one scale."""

    units: npt.NDArray[np.int64]
    """0 where the state is not PRESENT."""
    state: npt.NDArray[np.uint8]
    booleans: int = 0
    """Cells of TRUE or FALSE, read as missing."""
    foreign: int = 0
    """Cells whose decimal sign is the other one, and unmistakably so."""
    sided: int = 0
    """Cells with DR or CR."""


def spread_of(connection: duckdb.DuckDBPyConnection, column: pa.ChunkedArray) -> Spread:
    """Looks at every cell of the column once."""
    cells = pa.table({"c": column})
    connection.register("cells", cells)
    rows = connection.sql(
        "SELECT CASE WHEN contains(c, '.') THEN length(rtrim(c)) - strpos(c, '.') ELSE 0 END AS d, count(*),"
        " max(abs(v)) FROM (SELECT c, TRY_CAST(c AS DOUBLE) AS v FROM cells) WHERE v IS NOT NULL"
        " AND NOT isnan(v) AND NOT isinf(v) AND NOT contains(lower(c), 'e') GROUP BY d"
    ).fetchall()
    odd = connection.sql(
        "SELECT DISTINCT c FROM cells WHERE TRY_CAST(c AS DOUBLE) IS NULL OR contains(lower(c), 'e') LIMIT 200000"
    ).fetchall()
    found = _spread(connection, {int(d): (int(n), float(top)) for d, n, top in rows})
    for (text,) in odd:
        found |= _spread_of_text(text)
    connection.unregister("cells")
    return found


def _spread(connection: duckdb.DuckDBPyConnection, by_decimals: dict[int, tuple[int, float]]) -> Spread:
    if not by_decimals:
        return EMPTY_SPREAD
    top = max(value for _, value in by_decimals.values())
    digits = len(str(int(top))) if top >= 1 else 0
    most = max(by_decimals)
    short = max((d for d in by_decimals if d < NOISE_FROM), default=0)
    if most >= NOISE_FROM and 10**short * top < 1e14:
        away = connection.sql(
            "SELECT count(*) FILTER (abs(v * ? - round(v * ?)) > 1e-5 * greatest(1, abs(v) * 1e-8 * ?)), count(*)"
            " FROM (SELECT TRY_CAST(c AS DOUBLE) AS v, c FROM cells)"
            " WHERE v IS NOT NULL AND contains(c, '.') AND length(rtrim(c)) - strpos(c, '.') >= ?",
            params=[10.0**short, 10.0**short, 10.0**short, NOISE_FROM],
        ).fetchall()
        if away[0][0] == 0:
            return Spread(short, digits, int(away[0][1]))
    scale = exact_scale(most, digits)
    rounded = sum(n for d, (n, _) in by_decimals.items() if d > scale)
    return Spread(most, digits, 0, rounded)


def _spread_of_text(text: str) -> Spread:
    if is_blank(text):
        return EMPTY_SPREAD
    spreads = []
    for sign in ("point", "comma"):
        value = parse_amount(text, "point" if sign == "point" else "comma")
        if value is not None and abs(value.adjusted()) <= MAX_DIGITS:
            exponent = value.as_tuple().exponent
            places = max(0, -exponent) if isinstance(exponent, int) else 0
            spreads.append(Spread(min(places, MAX_SCALE), max(0, value.adjusted() + 1), 0))
    return min(spreads, key=lambda spread: spread.integer_digits, default=EMPTY_SPREAD)


def to_amounts(
    connection: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, scale: int, sign: DecimalSign
) -> Amounts:
    """Every cell in units of `scale`; a cell that is neither blank nor a number is BAD."""
    cast = _cast(connection, column, scale, sign)
    units = _low_words(cast)
    missing = np.asarray(pc.is_null(cast).combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)
    state = np.where(missing, BLANK, PRESENT).astype(np.uint8)
    where = np.flatnonzero(missing)
    if not len(where):
        return Amounts(units, state)
    return _one_by_one(column, units, state, where, scale, sign)


def _cast(
    connection: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, scale: int, sign: DecimalSign
) -> pa.ChunkedArray:
    cells = pa.table({"c": column})
    connection.register("cells", cells)
    if sign == "point":
        text = (
            "CASE WHEN contains(c, ',') AND regexp_full_match(c, '\\s*[+-]?[1-9]\\d{0,2}(,\\d{3})+(\\.\\d*)?\\s*')"
            " THEN replace(c, ',', '') ELSE c END"
        )
    else:
        text = (
            "CASE WHEN regexp_full_match(c, '\\s*[+-]?(\\d+|[1-9]\\d{0,2}(\\.\\d{3})+)(,\\d*)?\\s*')"
            " THEN replace(replace(c, '.', ''), ',', '.') END"
        )
    query = f"SELECT TRY_CAST({text} AS DECIMAL(18, {scale:d})) AS u FROM cells"  # noqa: S608
    found = connection.sql(query).to_arrow_table().column(0)
    connection.unregister("cells")
    return found


def _low_words(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The units of a decimal column of at most 18 digits: the low half of each 128-bit word."""
    parts = []
    for chunk in column.chunks:
        words = np.frombuffer(chunk.buffers()[1], dtype=np.int64)
        low = words[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        if chunk.null_count:
            valid = chunk.is_valid().to_numpy(zero_copy_only=False)
            low = np.where(valid, low, 0)
        parts.append(low)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _one_by_one(
    column: pa.ChunkedArray,
    units: npt.NDArray[np.int64],
    state: npt.NDArray[np.uint8],
    where: npt.NDArray[np.int64],
    scale: int,
    sign: DecimalSign,
) -> Amounts:
    coded = column.take(pa.array(where)).combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    words = coded.dictionary.to_pylist()
    seen = [_read_one(word, scale, sign) for word in words]
    values = np.array([value for value, _, _ in seen], dtype=np.int64)
    states = np.array([code for _, code, _ in seen], dtype=np.uint8)
    units, state = units.copy(), state.copy()
    units[where], state[where] = values[codes], states[codes]
    times = np.bincount(codes, minlength=len(words))

    def count(kind: str) -> int:
        return int(sum(times[i] for i, (_, _, note) in enumerate(seen) if note == kind))

    return Amounts(units, state, count("boolean"), count("foreign"), count("sided"))


def _read_one(text: str, scale: int, sign: DecimalSign) -> tuple[int, int, str]:
    if is_blank(text):
        return 0, int(BLANK), ""
    if text.strip().casefold() in _BOOLEANS:
        return 0, int(BLANK), "boolean"
    value, note = parse_amount(text, sign), ""
    if value is None:
        value, note = parse_amount(text, "comma" if sign == "point" else "point"), "foreign"
    if value is None or value.adjusted() > MAX_DIGITS or abs(to_units(value, scale)) >= _LIMIT:
        return 0, int(BAD), ""
    if any(word in text.casefold() for word in ("dr", "cr", "debit", "credit")):
        note = "sided"
    return to_units(value, scale), int(PRESENT), note


@dataclass(frozen=True)
class SignFound:
    sign: DecimalSign
    why: str
    ambiguous: str = ""
    """A cell that either sign would explain, when nothing decides."""


def decimal_sign_of(columns: Iterable[Sequence[str]]) -> SignFound:
    """Which decimal sign a file uses, from sampled cells of its columns.

    >>> decimal_sign_of([["1.234,50", "0,5"], ["7", "8"]]).sign
    'comma'
    >>> decimal_sign_of([["1,234", "2,345"]]).ambiguous
    '1,234'
    """
    point = comma = 0
    doubtful = ""
    for cells in columns:
        numbers = {text.strip() for text in cells if _has_mark(text)}
        numbers = {text for text in numbers if len(text) < 40 and parse_any(text)}
        p, c, either = evidence_of_sign(numbers)
        point, comma = point + p, comma + c
        if either and not doubtful and any("," in text for text in numbers) and not _grouping(cells):
            doubtful = next(text for text in sorted(numbers) if "," in text)
    if point or comma:
        return SignFound("comma" if comma > point else "point", f"{max(point, comma)} cells show it")
    return SignFound("point", "", doubtful)


def _has_mark(text: str) -> bool:
    return ("." in text or "," in text) and any(letter.isdigit() for letter in text)


def parse_any(text: str) -> bool:
    """True when the text is a number under either decimal sign."""
    return parse_amount(text, "point") is not None or parse_amount(text, "comma") is not None


def _grouping(cells: Sequence[str]) -> bool:
    """Commas as thousands separators: smaller numbers stand without one, and none of a thousand or more does."""
    plain = [int(text) for text in map(str.strip, cells) if text.isascii() and text.lstrip("+-").isdigit()]
    return bool(plain) and all(abs(value) < 1000 for value in plain)
