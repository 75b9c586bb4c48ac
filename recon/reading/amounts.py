"""Amount columns from text to exact integer units, by DuckDB's casts; only odd spellings are looked at one by one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    currency_told,
    evidence_of_sign,
    exact_scale,
    is_blank,
    parse_amount,
    to_units,
)
from recon.reading.table import Counted, text_table
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
    currencies: frozenset[str] = frozenset()
    """The codes and signs of currencies that cells carry."""


def spreads_of(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, pa.ChunkedArray]) -> dict[str, Spread]:
    """Looks at every cell of the columns once. The columns are of one length."""
    if not columns:
        return {}
    places = range(len(columns))
    connection.register("cells", text_table(list(columns.values())))
    seen = ", ".join(
        f"max(d{i}) FILTER (v{i} IS NOT NULL AND NOT e{i} AND d{i} < {NOISE_FROM}), "
        f"max(d{i}) FILTER (v{i} IS NOT NULL AND NOT e{i}), max(abs(v{i})) FILTER (isfinite(v{i})), "
        f"count(*) FILTER (v{i} IS NULL OR e{i})"
        for i in places
    )
    parts = ", ".join(
        f'TRY_CAST("{i}" AS DOUBLE) AS v{i}, '
        f'CASE WHEN contains("{i}", \'.\') THEN strlen(rtrim("{i}")) - strpos("{i}", \'.\') ELSE 0 END AS d{i}, '
        f"contains(\"{i}\", 'e') OR contains(\"{i}\", 'E') AS e{i}"
        for i in places
    )
    found = connection.sql(f"SELECT {seen} FROM (SELECT {parts} FROM cells)").fetchall()[0]  # noqa: S608
    spreads = {name: _spread(connection, i, *found[4 * i : 4 * i + 4]) for i, name in enumerate(columns)}
    connection.unregister("cells")
    return spreads


def spread_of_counted(connection: duckdb.DuckDBPyConnection, column: Counted) -> Spread | None:
    """The spread of a column that came as units; None when its odd cells ask for a look at every text."""
    top = column.largest // 10**column.scale
    plain = Spread(column.decimals, len(str(top)) if top else 0, 0)
    if not len(column.odd):
        return plain
    odd = spreads_of(connection, {"": pa.chunked_array([column.texts])})[""]
    return None if odd.noise or odd.rounded or odd.decimals >= NOISE_FROM else plain | odd


def _spread(
    connection: duckdb.DuckDBPyConnection, i: int, short: int | None, most: int | None, top: float | None, odd: int
) -> Spread:
    digits = len(str(int(top))) if top is not None and 1 <= top < 1e300 else 0
    spread = Spread(most or 0, digits, 0)
    if most is not None and top is not None and most >= NOISE_FROM:
        spread = _noise(connection, i, short or 0, spread, top)
    if not odd:
        return spread
    texts = connection.sql(
        f'SELECT DISTINCT "{i}" FROM cells WHERE TRY_CAST("{i}" AS DOUBLE) IS NULL OR contains(lower("{i}"), \'e\')'  # noqa: S608
        " LIMIT 200000"
    ).fetchall()
    for (text,) in texts:
        spread |= _spread_of_text(text)
    return spread


def _noise(connection: duckdb.DuckDBPyConnection, i: int, short: int, spread: Spread, top: float) -> Spread:
    """The spread without the tails of binary fractions, where all long numbers are such; else what is cut off."""
    scale = exact_scale(spread.decimals, spread.integer_digits)
    step = 10.0**short
    cells = connection.table("cells").select(f'"{i}" AS c')
    query = """
        SELECT count(*) FILTER (abs(v * $step - round(v * $step)) > 1e-5 * greatest(1, abs(v) * 1e-8 * $step)),
            count(*), count(*) FILTER (d > $scale)
        FROM (
            SELECT TRY_CAST(c AS DOUBLE) AS v, strlen(rtrim(c)) - strpos(c, '.') AS d
            FROM one_column WHERE contains(c, '.')
        ) WHERE v IS NOT NULL AND d >= $long
        """
    connection.register("one_column", cells.to_arrow_table())
    known = {"step": step, "scale": scale, "long": NOISE_FROM}
    away, long, cut = connection.sql(query, params=known).fetchall()[0]
    if away == 0 and step * top < 1e14:
        return Spread(short, spread.integer_digits, int(long))
    return Spread(spread.decimals, spread.integer_digits, 0, int(cut))


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
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, pa.ChunkedArray], scale: int, sign: DecimalSign
) -> dict[str, Amounts]:
    """Every cell in units of `scale`; a cell that is neither blank nor a number is BAD."""
    if not columns:
        return {}
    casts = _cast(connection, columns, scale, sign)
    return {
        name: _amounts(column, cast, scale, sign) for (name, column), cast in zip(columns.items(), casts, strict=True)
    }


def counted_amounts(
    connection: duckdb.DuckDBPyConnection, column: Counted, scale: int, sign: DecimalSign
) -> Amounts | None:
    """A column that came as units in units of `scale`; None when that cannot be had without its text."""
    step = 10 ** (scale - column.scale) if scale >= column.scale else 0
    if not step or sign != "point" or column.largest * step >= _LIMIT:
        return None
    units = column.units * step if step > 1 else column.units
    state = column.blank.astype(np.uint8) * BLANK
    if not len(column.odd):
        return Amounts(units, state)
    odd = to_amounts(connection, {"": pa.chunked_array([column.texts])}, scale, sign)[""]
    units = units.copy()
    units[column.odd], state[column.odd] = odd.units, odd.state
    return replace(odd, units=units, state=state)


def _amounts(column: pa.ChunkedArray, cast: pa.ChunkedArray, scale: int, sign: DecimalSign) -> Amounts:
    units = _low_words(cast)
    if not cast.null_count:
        return Amounts(units, np.full(len(units), PRESENT, dtype=np.uint8))
    missing = np.asarray(pc.is_null(cast).combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)
    state = np.where(missing, BLANK, PRESENT).astype(np.uint8)
    return _one_by_one(column, units, state, np.flatnonzero(missing), scale, sign)


def _cast(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, pa.ChunkedArray], scale: int, sign: DecimalSign
) -> list[pa.ChunkedArray]:
    connection.register("cells", text_table(list(columns.values())))
    wanted = ", ".join(
        f"TRY_CAST({_PLAIN[sign].format(c=chr(34) + str(i) + chr(34))} AS DECIMAL({MAX_DIGITS}, {scale:d})) AS u{i}"
        for i in range(len(columns))
    )
    found = connection.sql(f"SELECT {wanted} FROM cells").to_arrow_table()  # noqa: S608
    connection.unregister("cells")
    return list(found.columns)


_PLAIN: Final[dict[DecimalSign, str]] = {
    "point": (
        "CASE WHEN contains({c}, ',') AND regexp_full_match({c}, '\\s*[+-]?[1-9]\\d{{0,2}}(,\\d{{3}})+(\\.\\d*)?\\s*')"
        " THEN replace({c}, ',', '') ELSE {c} END"
    ),
    "comma": (
        "CASE WHEN regexp_full_match({c}, '\\s*[+-]?(\\d+|[1-9]\\d{{0,2}}(\\.\\d{{3}})+)(,\\d*)?\\s*')"
        " THEN replace(replace({c}, '.', ''), ',', '.') END"
    ),
}
"""The usual spellings of each sign as DuckDB's cast reads them; the others become NULL and are read one by one."""


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

    told = frozenset(filter(None, map(currency_told, words)))
    return Amounts(units, state, count("boolean"), count("foreign"), count("sided"), told)


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
        numbers = {text for text in numbers if len(text) < 40 and (_is_float(text) or parse_any(text))}
        p, c, either = evidence_of_sign(numbers)
        point, comma = point + p, comma + c
        if either and not doubtful and any("," in text for text in numbers) and not _grouping(cells):
            doubtful = next(text for text in sorted(numbers) if "," in text)
    if point or comma:
        return SignFound("comma" if comma > point else "point", f"{max(point, comma)} cells show it")
    return SignFound("point", "", doubtful)


def _has_mark(text: str) -> bool:
    return ("." in text or "," in text) and any(letter.isdigit() for letter in text)


def _is_float(text: str) -> bool:
    """True for digits around one point: a number by either sign or by one, told without parsing."""
    whole, _, rest = text.partition(".")
    return text.isascii() and whole.isdigit() and rest.isdigit()


def parse_any(text: str) -> bool:
    """True when the text is a number under either decimal sign."""
    return parse_amount(text, "point") is not None or parse_amount(text, "comma") is not None


def _grouping(cells: Sequence[str]) -> bool:
    """Commas as thousands separators: smaller numbers stand without one, and none of a thousand or more does."""
    plain = [int(text) for text in map(str.strip, cells) if text.isascii() and text.lstrip("+-").isdigit()]
    return bool(plain) and all(abs(value) < 1000 for value in plain)
