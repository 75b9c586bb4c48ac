"""The facts that evidence states: every number, date and name in it, with its subject, to hold claims against."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from agents.claim import Day, Names
from agents.claims import read_claims
from agents.signs import normal
from recon.case import Evidence


@dataclass(frozen=True)
class Fact:
    """One number that evidence states."""

    value: Decimal
    role: frozenset[str]
    """`left`, `right`, `difference`, `expected`, ... or the name under which the evidence holds it; may be several."""
    day: date | None
    currency: str | None
    keys: frozenset[str]
    evidence: str
    nouns: frozenset[str] = frozenset()
    """What it counts, where the statement says so."""
    percent: bool = False


@dataclass(frozen=True)
class Facts:
    """All that some evidence states."""

    numbers: tuple[Fact, ...]
    days: frozenset[date]
    texts: tuple[str, ...]
    """The statements and values that code wrote, in normal form and lower case: true as they stand."""
    said: tuple[str, ...]
    """What people wrote (comments, notes, replies), in the same form: true as quotations only."""
    names: Names
    words: frozenset[str]
    """Every identifier-like word of the evidence, lower case."""
    currencies: frozenset[str]
    loose_days: tuple[Day, ...] = ()
    """Dates that statements give only in part."""
    pairs: tuple[tuple[Decimal, Decimal], ...] = field(default=())
    """(left, right) where one piece of evidence gives both: which side is larger."""


_SIDE: Final = re.compile(r"(?:^|_)(left|right)(?:$|_)")
_ROLE_OF: Final = (
    (re.compile(r"diff|delta|break_amount|gap|residual"), "difference"),
    (re.compile(r"expect"), "expected"),
    (re.compile(r"(?:^|_)low"), "low"),
    (re.compile(r"(?:^|_)high"), "high"),
    (re.compile(r"toler"), "tolerance"),
    (re.compile(r"mean|average"), "mean"),
    (re.compile(r"median"), "median"),
    (re.compile(r"rate"), "rate"),
    (re.compile(r"total|amount|sum"), "total"),
    (re.compile(r"factor|ratio|times|power|multiple"), "factor"),
    (re.compile(r"confid"), "confidence"),
)
SAID: Final = frozenset({"comment", "note", "text", "quoted", "reason"})
"""Values that people wrote: that it was said is a fact, what it says is none."""
QUOTED: Final = re.compile(r"«([^»]*)»")
_DATE_NAMES: Final = ("date", "business_date", "day", "on", "as_of")
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?$")
_CODE: Final = re.compile(r"[A-Z]{3}$")
_IDENTIFIERS: Final = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]+")
"""Words of letters and digits; bare digits are numbers, and have to be true as such."""
MONEY: Final = frozenset({"left", "right", "difference", "total", "expected", "low", "high", "mean", "median"})


def role_of(name: str) -> frozenset[str]:
    """What a value is, by its name in the evidence."""
    lower = name.lower()
    side = _SIDE.search(lower)
    found = {role for pattern, role in _ROLE_OF if pattern.search(lower)}
    if side and not found:
        found.add(side[1])
    return frozenset(found or {lower})


def day_of(text: object) -> date | None:
    """An ISO date, with or without a time of day; None for anything else."""
    if isinstance(text, str) and (m := _ISO.match(text.strip())):
        try:
            return date(int(m[1]), int(m[2]), int(m[3]))
        except ValueError:
            return None
    return None


@dataclass
class _Gathered:
    numbers: list[Fact] = field(default_factory=list)
    days: set[date] = field(default_factory=set)
    loose: list[Day] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    pairs: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    lefts: set[str] = field(default_factory=set)
    rights: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Context:
    """What the siblings of a value say of it."""

    evidence: str
    day: date | None = None
    currency: str | None = None
    keys: frozenset[str] = frozenset()


def facts_of(evidence: Sequence[Evidence], left: str, right: str, *, also: Mapping[str, Any] | None = None) -> Facts:
    """The facts of some evidence; `also`: what every answer may state about the case (its id, total, dates)."""
    got = _Gathered()
    for e in evidence:
        _walk(got, e.values, _Context(e.id))
        got.words |= {e.id.lower()}
        _strings(got, e.values)
    if also:
        _walk(got, also, _Context("case"))
        _strings(got, also)
    lefts, rights = {left} | got.lefts, {right} | got.rights
    names = Names(
        tuple(sorted(lefts - rights)), tuple(sorted(rights - lefts)), frozenset(k for k in got.keys if len(k) > 1)
    )
    for e in evidence:
        _statement(got, e, names)
        for row in e.rows:
            got.numbers.append(
                Fact(Decimal(row), frozenset({"row"}), None, None, frozenset(), e.id, frozenset({"row"}))
            )
    return Facts(
        tuple(got.numbers),
        frozenset(got.days),
        tuple(dict.fromkeys(got.texts)),
        tuple(dict.fromkeys(got.said)),
        names,
        frozenset(got.words),
        frozenset(got.currencies),
        tuple(got.loose),
        tuple(got.pairs),
    )


def _walk(got: _Gathered, values: Mapping[str, Any], inherited: _Context) -> None:
    """Values with their siblings' date, currency and key; deeper levels inherit what they do not say themselves."""
    here = _context(got, values, inherited)
    left, right = _decimal_of(values.get("left")), _decimal_of(values.get("right"))
    if left is not None and right is not None:
        got.pairs.append((left, right))
    for name, value in values.items():
        _take(got, name, value, here)


def _context(got: _Gathered, values: Mapping[str, Any], inherited: _Context) -> _Context:
    day = next((d for name in _DATE_NAMES if (d := day_of(values.get(name)))), inherited.day)
    said = values.get("currency")
    currency = said if isinstance(said, str) and _CODE.match(said) else inherited.currency
    key = values.get("key")
    keys = frozenset(str(v) for v in key.values()) if isinstance(key, Mapping) else inherited.keys
    got.keys |= keys
    for name, found in (("left_source", got.lefts), ("right_source", got.rights)):
        if isinstance(values.get(name), str) and values[name].strip():
            found.add(values[name].strip())
    if currency:
        got.currencies.add(currency)
    return _Context(inherited.evidence, day, currency, keys)


def _take(got: _Gathered, name: str, value: Any, here: _Context) -> None:
    if name in SAID and isinstance(value, str):
        _hear(got, value)
    elif isinstance(value, Mapping):
        if name in ("key", "scope", "columns"):
            got.keys |= {str(v) for v in value.values()}
            for inner in value.values():
                _plain(got, str(inner))
        else:
            _walk(got, value, here)
    elif isinstance(value, list | tuple):
        for inner in value:
            if isinstance(inner, Mapping) and set(inner) == {"column", "value"}:
                got.keys.add(str(inner["value"]))
            elif isinstance(inner, Mapping):
                _walk(got, inner, here)
            else:
                _take(got, name, inner, here)
        if value and all(not isinstance(v, Mapping | list | tuple) for v in value):
            got.numbers.append(
                Fact(
                    Decimal(len(value)),
                    frozenset({"count"}),
                    None,
                    None,
                    frozenset(),
                    here.evidence,
                    frozenset({_singular(name)}),
                )
            )
    elif (found := day_of(value)) is not None:
        got.days.add(found)
    elif (number := _decimal_of(value)) is not None:
        role = role_of(name)
        got.numbers.append(Fact(number, role, here.day, here.currency, here.keys, here.evidence))
    elif isinstance(value, str):
        _plain(got, value)


def _decimal_of(text: object) -> Decimal | None:
    """A value of the evidence as a number; None when it is none."""
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, int | float):
        return Decimal(str(text))
    if isinstance(text, str) and re.fullmatch(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text.strip()):
        try:
            return Decimal(text.strip())
        except InvalidOperation:
            return None
    return None


def _hear(got: _Gathered, text: str) -> None:
    if len(flat := _flat(text)) > 3:
        got.said.append(flat)


def _singular(name: str) -> str:
    return name.removesuffix("_ids").removesuffix("s")


def _plain(got: _Gathered, text: str) -> None:
    """A word or name: an identifier that may be repeated."""
    if 1 < len(text) <= 80:
        got.words.add(normal(text).lower())


def _strings(got: _Gathered, value: Any) -> None:
    for text in _texts(value):
        flat = _flat(text)
        if len(flat) > 3:
            got.texts.append(flat)
        got.words |= {w.lower() for w in _IDENTIFIERS.findall(normal(text))}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in SAID:
                yield from _texts(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)


def _flat(text: str) -> str:
    return " ".join(normal(text).lower().split()).rstrip(".")


def _statement(got: _Gathered, e: Evidence, names: Names) -> None:
    """A statement's own numbers, dates and nouns: code wrote it, so it is true as it stands."""
    got.texts.append(_flat(e.statement))
    for m in QUOTED.finditer(e.statement):
        _hear(got, m[1])
    text = QUOTED.sub(lambda m: " " * len(m[0]), normal(e.statement))
    got.words |= {w.lower() for w in _IDENTIFIERS.findall(text)}
    known = [f for f in got.numbers if f.evidence == e.id]
    for claim in read_claims(text, names):
        if claim.kind == "date":
            for day in claim.days:
                if day.year and day.month and day.day:
                    try:
                        got.days.add(date(day.year, day.month, day.day))
                    except ValueError:
                        continue
                else:
                    got.loose.append(day)
        elif claim.kind == "number":
            stated = _stated(e, claim, known)
            if claim.noun:
                named = {f.value for f in stated}
                got.numbers = [f for f in got.numbers if f.nouns or f.evidence != e.id or f.value not in named]
            got.numbers += stated


def _stated(e: Evidence, claim: Any, known: Sequence[Fact]) -> list[Fact]:
    nouns = frozenset({claim.noun} if claim.noun else set())
    out = []
    for value, _ in claim.values[:1]:
        same = [f for f in known if abs(f.value) == abs(value)]
        if same:
            out += [Fact(f.value, f.role, f.day, f.currency, f.keys, e.id, nouns, claim.percent) for f in same if nouns]
        else:
            day = claim.day
            on = date(day.year, day.month, day.day) if day and day.year and day.month and day.day else None
            currency = next(iter(claim.currency)) if len(claim.currency) == 1 else None
            role = claim.roles or frozenset({"stated"})
            out.append(Fact(value, role, on, currency, frozenset(claim.bound), e.id, nouns, claim.percent))
    return out
