"""The compared pairs: coupled columns with their difference column, its proved sign, tolerance column and unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from recon.money import currency_in
from recon.reading.columns import Column
from recon.reading.keys import is_counter, is_identity
from recon.reading.marks import signed
from recon.reading.sides import Couple, Sides, bare_couples, closeness, couple_of, find_sides, side_named
from recon.reading.words import DIFFERENCE, MEASURE, TOLERANCE
from recon.rows import Pair, PairKind
from recon.text import normalise

Unit = Literal["money", "price", "quantity", "rate", "other"]

MOST_TRIPLES = 24
MOST_SINGLES = 64
MIRRORED = 0.6
"""Share of the rows with two amounts on which one must be minus the other."""
FEWEST = 5
PROVED = 0.5
"""Share of rows on which a difference column must equal the difference to count as proved."""

_UNITS: tuple[tuple[Unit, frozenset[str]], ...] = (
    ("price", frozenset({"price", "px", "nav"})),
    ("rate", frozenset({"rate", "factor", "yield", "fx", "pct", "percent", "percentage", "ratio", "coupon"})),
    ("quantity", frozenset({"quantity", "qty", "face", "units", "shares", "count", "position", "nominal", "volume"})),
    (
        "money",
        frozenset(
            {
                *("amount", "amt", "balance", "bal", "ledger", "statement", "money", "principal", "cash"),
                *("proceeds", "fee", "tax", "cost", "net", "gross", "mv", "book", "gl", "debit", "credit", "pnl"),
                *("notional", "interest", "sales", "revenue", "nostro", "accrued", "premium", "commission", "fees"),
                *("charge", "charges", "payment", "payments", "paid", "consideration", "exposure", "collateral"),
                *("margin", "npv", "mtm", "payable", "receivable", "invoiced", "turnover", "claims", "vat", "salary"),
            }
        ),
    ),
)


@dataclass(frozen=True)
class PairsFound:
    pairs: tuple[Pair, ...]
    sides: Sides | None
    why: str
    used: frozenset[str]
    """Every column that a pair, a side, a difference or a tolerance takes up."""
    identities: tuple[tuple[str, str], ...] = ()
    """Left and right columns that name the line on each side: `Left ID`, `Right ID`."""


@dataclass(frozen=True)
class _Numbers:
    """The number columns by what they could be."""

    measures: tuple[Column, ...]
    differences: tuple[Column, ...]
    tolerances: tuple[Column, ...]


def infer_pairs(columns: Sequence[Column], taken: frozenset[str]) -> PairsFound:
    """Pairs among the columns that no other role has taken; empty `pairs` when no column holds values."""
    open_columns = [column for column in columns if column.name not in taken]
    numbers = _sorted_numbers(open_columns)
    special = {c.name for c in (*numbers.differences, *numbers.tolerances)}
    plain = [c for c in open_columns if c.name not in special]
    found = find_sides(plain, lambda a, b: _closeness(a, b, numbers.differences))
    couples, sides, why = _couples(numbers, open_columns, found)
    if not couples:
        return _singles(numbers)
    kept = tuple(c for c in couples if not _is_reference(c))
    reserved = _reserved(kept, numbers.differences)
    pairs = _named_apart(tuple(_pair(couple, numbers, reserved) for couple in kept))
    pairs = signed(pairs, {column.name: column for column in open_columns})
    used = {name for pair in pairs for name in pair.columns}
    if sides is not None:
        # what only one side says is blank where that side is: what is there on every line speaks of the line
        used |= {c.name for c in (*sides.left_columns, *sides.right_columns) if c.filled < len(c.values)}
        used |= {c.name for couple in sides.couples for c in (couple.left, couple.right)}
    identities = tuple((c.left.name, c.right.name) for c in couples if c not in kept and set(c.stem) & _IDS)
    return PairsFound(pairs, sides, why, frozenset(used | special), identities)


_IDS = frozenset({"id", "etid", "ref", "reference", "key", "number", "no"})


def _closeness(a: Column, b: Column, differences: Sequence[Column]) -> float:
    """How alike two columns are; wholly, when a third is their difference."""
    if a.is_number and b.is_number:
        proof = max((_difference_share(a.numbers, b.numbers, d.numbers)[0] for d in differences), default=0.0)
        if proof >= 0.8:
            return 1.0
    return closeness(a, b)


def _reserved(couples: Sequence[Couple], differences: Sequence[Column]) -> dict[str, tuple[Couple, ...]]:
    """For each difference column, the couples whose words its name holds; absent when it names none."""
    named: dict[str, tuple[Couple, ...]] = {}
    for column in differences:
        word = "".join(column.tokens)
        mine = tuple(c for c in couples if c.stem and "".join(c.stem) in word)
        if mine:
            named[column.name] = mine
    return named


def _sorted_numbers(columns: Sequence[Column]) -> _Numbers:
    numeric = [c for c in columns if c.is_number]
    differences = tuple(c for c in numeric if _has(c, DIFFERENCE))
    tolerances = tuple(c for c in columns if _has(c, TOLERANCE) and c.kind in ("number", "blank", "text"))
    special = {c.name for c in (*differences, *tolerances)}
    measures = tuple(c for c in columns if c.name not in special and is_measure(c))
    return _Numbers(measures, differences, tolerances)


def _has(column: Column, words: frozenset[str]) -> bool:
    return any(word in words for word in column.tokens)


def is_measure(column: Column) -> bool:
    """True for a number column that holds amounts rather than codes."""
    named = _has(column, MEASURE)
    if column.is_blank:
        return named
    if not column.is_number:
        return named and column.distinct <= 3 and column.words_per_cell <= 1 and _is_boolean(column)
    if column.has_leading_zero and column.is_integer:
        return False
    if column.has_point or column.is_negative:
        return not is_counter(column)
    if named:
        return not _has(column, frozenset({"id", "code", "date", "key", "type"}))
    if is_identity(column) or is_counter(column):
        return False
    return column.distinct > 20 or column.distinct > 0.5 * column.filled


def _is_boolean(column: Column) -> bool:
    return column.distinct_values <= {"true", "false", "yes", "no", "y", "n", "null"}


def _couples(
    numbers: _Numbers, columns: Sequence[Column], sides: Sides | None
) -> tuple[tuple[Couple, ...], Sides | None, str]:
    """The compared couples, the sides they stand on, and why."""
    measures = numbers.measures
    if sides is not None and any(_is_compared(c) for c in sides.couples):
        return sides.couples, sides, "the headers name two sources"
    if bare := bare_couples([c for c in columns if c.is_number or c in measures]):
        return bare, None, "the headers are the two sides"
    if triple := _proved_triple(measures, numbers.differences):
        couple, found = couple_of(*triple)
        return (couple,), found, "a third column is their difference on the rows"
    if named := side_named(measures):
        couple, found = couple_of(named[0].left, named[0].right, named[0].closeness)
        return (couple,), found, "the headers name two sources"
    if len(measures) == 2 and (alike := 1.0 if is_mirrored(*measures) else closeness(*measures)) >= 0.3:
        couple, found = couple_of(measures[0], measures[1], alike)
        return (couple,), found, "they are the only two value columns and hold like values"
    if sides is not None and not measures and not numbers.differences:
        return sides.couples, sides, "the headers name two sources"
    return (), None, ""


def _is_compared(couple: Couple) -> bool:
    return couple.left.kind in ("number", "blank") and couple.right.kind in ("number", "blank")


def _is_reference(couple: Couple) -> bool:
    """Couples that say which line it is, when, or how near is near enough: nothing to break on."""
    stem = set(couple.stem)
    if stem & TOLERANCE or "tolerance" in stem:
        return True
    when = {"recon", "asof", "business", "cob", "report", "snapshot"}
    dated = bool(stem & {"date", "dt", "day"})
    empty = bool(stem) and couple.left.is_blank and couple.right.is_blank and not stem & MEASURE
    return bool(stem & (_IDS - {"number", "no"})) or (dated and bool(stem & when)) or stem == {"date"} or empty


def _proved_triple(measures: Sequence[Column], differences: Sequence[Column]) -> tuple[Column, Column, float] | None:
    best: tuple[float, tuple[Column, Column, float]] | None = None
    usual = {c.name: _usual(c) for c in (*differences, *measures[:MOST_TRIPLES])}
    for a, b in combinations(measures[:MOST_TRIPLES], 2):
        right, alike = _turned(a, b), closeness(a, b)
        for d in (*differences, *(m for m in measures[:MOST_TRIPLES] if m is not a and m is not b)):
            share = _difference_share(a.numbers, right, d.numbers)[0]
            smallest = usual[d.name] < min(usual[a.name], usual[b.name])
            gain = share + 0.01 * (d in differences) + 0.005 * smallest + 0.001 * alike
            if share >= 0.8 and (best is None or gain > best[0]):
                best = gain, (a, b, share)
    return best[1] if best else None


def _usual(column: Column) -> float:
    """The middle of the column's amounts, without their signs."""
    known = np.abs(column.numbers[np.isfinite(column.numbers)])
    return float(np.median(known)) if len(known) else 0.0


def is_mirrored(left: Column, right: Column) -> bool:
    """Whether one side's amounts are minus the other's: a receivable, and the payable across from it."""
    a, b = left.numbers, right.numbers
    both = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
    if np.count_nonzero(both) < FEWEST:
        return False
    return bool((a == -b)[both].mean() >= MIRRORED and (a == b)[both].mean() <= 1 - MIRRORED)


def _turned(left: Column, right: Column) -> npt.NDArray[np.float64]:
    """The right side's numbers as they are compared."""
    return np.asarray(-right.numbers if is_mirrored(left, right) else right.numbers, dtype=np.float64)


def _difference_share(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], derived: npt.NDArray[np.float64]
) -> tuple[float, Literal[1, -1], bool]:
    """The share of telling rows on which derived is left - right, right - left or their size; which it is."""
    a, b = np.nan_to_num(left), np.nan_to_num(right)
    ours = a - b
    known = np.isfinite(derived) & (np.isfinite(left) | np.isfinite(right))
    eps = 1e-6 + 1e-9 * np.maximum(np.abs(a), np.abs(b)) + 0.0051 * (np.abs(derived) >= 0.01)
    telling = known & (np.abs(ours) > 2 * eps)
    if not telling.any():
        same = known & (np.abs(derived) <= eps)
        return (0.6 * float(same.sum() / known.sum()) if known.any() else 0.0), 1, False
    plus = float((np.abs(derived - ours) <= eps)[telling].mean())
    minus = float((np.abs(derived + ours) <= eps)[telling].mean())
    size = float((np.abs(derived - np.abs(ours)) <= eps)[telling].mean())
    if size > max(plus, minus):
        return size, 1, True
    return (plus, 1, False) if plus >= minus else (minus, -1, False)


def _pair(couple: Couple, numbers: _Numbers, reserved: Mapping[str, tuple[Couple, ...]]) -> Pair:
    left, right = couple.left, couple.right
    name = _name(couple)
    if not (_is_compared(couple) or left in numbers.measures or right in numbers.measures):
        return Pair(name, left.name, right.name, None, "text", unit="other")
    open_to = [d for d in numbers.differences if couple in reserved.get(d.name, (couple,))]
    derived = _derived_of(couple, open_to) or _proved(couple, numbers.measures)
    share, sign, _ = (
        _difference_share(left.numbers, _turned(left, right), derived.numbers) if derived else (0.0, 1, False)
    )
    kind: PairKind = "number"
    if _is_code(couple):
        return Pair(name, left.name, right.name, None, "text", unit="other")
    return Pair(
        name,
        left.name,
        right.name,
        derived.name if derived else None,
        kind,
        sign=sign if share >= PROVED else 1,
        tolerance_column=_tolerance_of(couple, numbers.tolerances),
        unit=unit_of(couple.stem or left.tokens, left, right),
        mirrored=is_mirrored(left, right),
    )


def _is_code(couple: Couple) -> bool:
    """Numbers that are names (`Left Account`, `Right Account`) are compared as text."""
    words = set(couple.stem)
    coded = words & {"account", "acct", "code", "cusip", "isin", "sedol", "id", "ref", "number", "no", "company"}
    plain = all(c.is_integer and not c.is_negative for c in (couple.left, couple.right) if not c.is_blank)
    return bool(coded) and plain and not words & MEASURE


def _name(couple: Couple) -> str:
    words = couple.left.name
    if not couple.stem:
        return f"{normalise(couple.left.name)} vs {normalise(couple.right.name)}"
    if couple.stem == couple.left.tokens:
        return normalise(words)
    special = {
        "buysell": "Buy/sell",
        "dc": "D/C",
        "drcr": "DR/CR",
        "debitcredit": "Debit/credit",
        "cusip": "CUSIP",
        "isin": "ISIN",
        "fx": "FX",
        "au": "AU",
    }
    spelled = {"originalface": "Original face", "settledate": "Settle date", "tradedate": "Trade date"}
    joined = "".join(couple.stem)
    if joined in special or joined in spelled:
        return special.get(joined) or spelled[joined]
    text = " ".join(special.get(word, word) for word in couple.stem)
    return text[:1].upper() + text[1:]


def _named_apart(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    seen: set[str] = set()
    named: list[Pair] = []
    for pair in pairs:
        name = pair.name if pair.name.casefold() not in seen else f"{pair.left} vs {pair.right}"
        seen.add(name.casefold())
        named.append(replace(pair, name=name))
    return tuple(named)


def _derived_of(couple: Couple, differences: Sequence[Column]) -> Column | None:
    """The column that is this couple's difference: proved on the rows, or else named like it."""
    if not differences:
        return None
    stem = "".join(couple.stem)
    best, best_score = None, 0.0
    for column in differences:
        share, _, _ = _difference_share(couple.left.numbers, _turned(couple.left, couple.right), column.numbers)
        named = bool(stem) and stem in "".join(column.tokens)
        score = share + (0.6 if named else 0.0)
        if score > best_score:
            best, best_score = column, score
    return best if best_score >= 0.6 else None


def _proved(couple: Couple, measures: Sequence[Column]) -> Column | None:
    """A column that is the couple's difference on nearly all rows, whatever it is called."""
    for column in measures[:MOST_TRIPLES]:
        if column in (couple.left, couple.right):
            continue
        right = _turned(couple.left, couple.right)
        telling = np.abs(np.nan_to_num(couple.left.numbers) - np.nan_to_num(right)) > 0
        share, _, _ = _difference_share(couple.left.numbers, right, column.numbers)
        if telling.any() and share >= 0.9:
            return column
    return None


def _tolerance_of(couple: Couple, tolerances: Sequence[Column]) -> str | None:
    """The tolerance column of the couple: the shared one before a side's own."""
    stem = "".join(couple.stem)
    fitting = [c for c in tolerances if stem and stem in "".join(c.tokens) and (c.is_number or c.is_blank) and c.filled]
    if not fitting and len(tolerances) == 1 and tolerances[0].is_number and len(tolerances[0].tokens) == 1:
        return tolerances[0].name
    return min(fitting, key=lambda c: (len(c.tokens), c.position)).name if fitting else None


def unit_of(words: Sequence[str], *columns: Column) -> Unit:
    """What the numbers of these header words count."""
    for unit, names in _UNITS:
        if any(word in names for word in words):
            return unit
    for unit, names in _UNITS:
        if any(word in names for column in columns for word in column.tokens):
            return unit
    return "money" if currency_in(*(column.name for column in columns)) else "other"


def _singles(numbers: _Numbers) -> PairsFound:
    """Without a second side: the difference columns themselves, or else every value column, judged as derived."""
    columns = numbers.differences or _named_values(numbers.measures)
    pairs = tuple(
        Pair(normalise(c.name), c.name, None, None, "number", unit=unit_of(c.tokens, c)) for c in columns[:MOST_SINGLES]
    )
    why = "the file has no second side for it; it is judged as a derived column"
    special = (*numbers.differences, *numbers.tolerances, *numbers.measures)
    return PairsFound(_named_apart(pairs), None, why, frozenset(c.name for c in special))


def _named_values(measures: Sequence[Column]) -> Sequence[Column]:
    """The column called value, else those named like amounts, else all."""
    value = [c for c in measures if c.squashed in ("value", "values", "amount", "y")]
    return value or [c for c in measures if _has(c, MEASURE)] or measures


def sign_of(left: Column, right: Column, derived: Column) -> tuple[Literal[1, -1], float, bool]:
    """The sign that a difference column follows, on what share of the telling rows, and whether it is a size."""
    share, sign, size = _difference_share(left.numbers, right.numbers, derived.numbers)
    return (sign if share >= PROVED else 1), share, size
