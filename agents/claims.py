"""What a text claims: every number, date and identifier in it, with the subject it is said of."""

# ruff: noqa: E501 - a pattern, or a list of words, is easier to read on its one line

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

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
    bound: tuple[str, ...] = field(default=())
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


# --- normal form ------------------------------------------------------------------------------------------------

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\u00ad\ufeff\u202a-\u202e]")


def normal(text: str) -> str:
    """Full-width and other digits as ASCII, minus signs as -, thin spaces as spaces, invisible signs gone.

    >>> normal("１０\u202f000 −5")
    '10 000 -5'
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    out = []
    for sign in text:
        if sign.isdigit() and not sign.isascii():
            out.append(str(unicodedata.digit(sign, sign)))
        elif sign in "\u2212\u2012\u2013\u2010\u2011":
            out.append("-")
        elif sign in "\u00a0\u2009\u202f\u2007":
            out.append(" ")
        elif sign == "\u2019":
            out.append("'")
        else:
            out.append(sign)
    return "".join(out)


# --- dates ------------------------------------------------------------------------------------------------------

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


def _dates(text: str) -> list[Claim]:
    found: list[Claim] = []
    for form, pattern in _DATES:
        for m in pattern.finditer(text):
            if not _taken(found, m.start(), m.end()) and (days := _readings(form, m)):
                found.append(Claim("date", m[0], m.start(), m.end(), days=days))
    for m in _MONTH_ALONE.finditer(text):
        if not _taken(found, m.start(1), m.end(1)):
            day = Day(None, _MONTHS[m[1].lower()], None)
            found.append(Claim("date", m[1], m.start(1), m.end(1), days=(day,)))
    for m in _WEEKDAY.finditer(text):
        if not _taken(found, m.start(), m.end()):
            day = Day(None, None, None, _WEEKDAYS.index(m[1].lower()))
            found.append(Claim("date", m[0], m.start(), m.end(), days=(day,)))
    return found


def _taken(found: Sequence[Claim], start: int, end: int) -> bool:
    return any(c.at < end and start < c.end for c in found)


# --- numbers ----------------------------------------------------------------------------------------------------

_SYMBOLS: Final[Mapping[str, frozenset[str]]] = {
    "$": frozenset({"USD", "CAD", "AUD", "HKD", "SGD", "NZD"}),
    "US$": frozenset({"USD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
}
_CODES: Final = [
    "USD",
    "EUR",
    "GBP",
    "JPY",
    "CHF",
    "CAD",
    "AUD",
    "NZD",
    "HKD",
    "SGD",
    "CNY",
    "CNH",
    "INR",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "HUF",
    "ZAR",
    "MXN",
    "BRL",
    "KRW",
    "TWD",
    "THB",
    "TRY",
    "ILS",
    "RUB",
    "AED",
    "SAR",
    "MYR",
    "IDR",
    "PHP",
]
_NAMES: Final = {
    "dollars": "USD", "dollar": "USD", "euros": "EUR", "euro": "EUR", "pounds": "GBP", "sterling": "GBP",
    "yen": "JPY", "francs": "CHF", "rupees": "INR",
}  # fmt: skip
_SCALES: Final = {
    "k": 3, "thousand": 3, "thousands": 3, "m": 6, "mm": 6, "mn": 6, "mio": 6, "million": 6, "millions": 6,
    "bn": 9, "b": 9, "billion": 9, "billions": 9, "hundred": 2, "lakh": 5, "crore": 7,
}  # fmt: skip
_SCALE_WORD: Final = "(?:" + "|".join(sorted(_SCALES, key=len, reverse=True)) + ")"
_CURRENCY: Final = "(?:US\\$|[$€£¥₹]|(?:" + "|".join(_CODES) + r")\b)"
_DIGITS: Final = r"\d{1,3}(?:[ '.,]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*|[.,]\d+"
_NUMBER: Final = re.compile(
    rf"(?P<open>\()?(?P<sign1>[-+])?\s?(?P<cur1>{_CURRENCY})?\s?(?P<sign2>[-+])?(?<![\w.])(?P<digits>{_DIGITS})"
    rf"(?P<exp>[eE][-+]?\d+)?(?P<ord>(?:st|nd|rd|th)\b)?"
    rf"(?:\s?(?P<scale>{_SCALE_WORD})\b\.?)?"
    rf"(?P<trail>-(?![\w\d]))?(?P<close>\))?\s?(?P<pct>%|percent\b|per cent\b|pct\b|bps?\b|basis points?\b)?"
    rf"(?:\s?(?P<cur2>{_CURRENCY}|(?:{'|'.join(_NAMES)})\b))?(?P<times>\s?[x×]\b|\s?times\b|-?fold\b)?"
    rf"(?:\s?(?P<drcr>DR|CR)\b)?",
)  # fmt: skip
_IDENTIFIER: Final = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*\b")

_UNITS: Final = {
    w: i
    for i, w in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS: Final = {
    w: 10 * i for i, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
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
_ORDINALS: Final = {
    w: i for i, w in enumerate(["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 3)
}
_ORDINAL: Final = re.compile(
    r"\b(" + "|".join(_ORDINALS) + r")\s+(?=(?:consecutive|time|month|day|week|year|quarter|break|row|run)\b)", re.I
)
_HARMLESS_WORDS: Final = re.compile(
    r"\b(?:one|zero|two\s+(?:sides?|sources?|systems?|ledgers?|books?|persons?|approvals?|eyes)|four\s+eyes)\b", re.I
)
_APPROX: Final = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|nearly|almost|some|circa|c\.|just (?:over|under)|"
    r"close to|in the region of|well over|more than|less than|over|under)|~|≈)\s*(?:[-+(]|US\$|[$€£¥₹]|[A-Z]{3}\b|\s)*$",
    re.I,
)
_FALLEN: Final = re.compile(r"\b(?:minus|negative|credit of)\s*(?:[$€£¥₹]|[A-Z]{3}\s)*$", re.I)


_DECIMAL_COMMA: Final = re.compile(r"\d\.\d{3},\d|(?<![\d,])\d+,\d{1,2}(?![\d,])")
"""A text in which the comma is surely a decimal sign somewhere."""


def _amounts(digits: str, *, decimal_comma: bool = False) -> list[tuple[Decimal, int]]:
    """What digits with separators may mean, with the decimals shown. «1,234» is 1.234 only where commas are decimal.

    >>> [str(v) for v, _ in _amounts("1.234")]
    ['1.234', '1234']
    >>> [str(v) for v, _ in _amounts("1.234,50")]
    ['1234.50']
    """
    out: list[tuple[Decimal, int]] = []
    marks = [sign for sign in digits if sign in ".,' "]
    last = marks[-1] if marks else ""
    whole, _, decimals = digits.rpartition(last) if last in (".", ",") else (digits, "", "")
    three = last == "," and len(decimals) == 3 and set(marks) == {","} and not decimal_comma
    if last in (".", ",") and marks.count(last) == 1 and decimals and not three:
        plain = re.sub(r"[.,' ]", "", whole) or "0"
        out.append((Decimal(f"{plain}.{decimals}"), len(decimals)))
    grouped = re.fullmatch(r"\d{1,3}(?:[ '.,]\d{3})+", digits) and len(set(marks)) == 1
    indian = re.fullmatch(r"\d{1,2}(?:,\d{2})*,\d{3}(?:\.\d+)?", digits)
    if not marks or grouped:
        out.append((Decimal(re.sub(r"[.,' ]", "", digits)), 0))
    elif indian and last == ",":
        out.append((Decimal(digits.replace(",", "")), 0))
    return out


def _number(m: re.Match[str], text: str) -> Claim | None:
    scale = _SCALES[m["scale"].lower()] if m["scale"] else 0
    if m["exp"]:
        scale += int(m["exp"][1:])
    negative = (
        (m["sign1"] or m["sign2"]) == "-"
        or bool(m["open"] and m["close"] and not m["pct"] and _money_like(m))
        or bool(m["trail"])
        or m["drcr"] == "CR"
        or bool(_FALLEN.search(text[: m.start()]))
    )
    approx = bool(_APPROX.search(text[: m.start("digits")]))
    values: list[tuple[Decimal, Decimal]] = []
    for amount, decimals in _amounts(m["digits"], decimal_comma=bool(_DECIMAL_COMMA.search(text))):
        value = amount.scaleb(scale)
        step = Decimal(1).scaleb(scale - decimals)
        values.append((-value if negative else value, step / 2 if decimals or scale else _rounded(amount, approx)))
    if not values:
        return None
    currency = frozenset[str]()
    for name in ("cur1", "cur2"):
        if m[name]:
            currency |= _SYMBOLS.get(m[name], frozenset({_NAMES.get(m[name], m[name])}))
    at = m.start("digits")
    plain = not (m["sign1"] or m["sign2"] or scale or m["pct"] or currency or m["times"] or m["ord"])
    return Claim(
        "number",
        m["digits"],
        at,
        m.end(),
        values=tuple(values),
        signed=negative or (m["sign1"] or m["sign2"]) == "+",
        percent=bool(m["pct"]),
        currency=currency,
        roles=frozenset({"factor"}) if m["times"] else frozenset(),
        plain=plain and m["digits"].isdigit(),
    )


def _money_like(m: re.Match[str]) -> bool:
    return bool(re.search(r"[.,]\d|\d{4}", m["digits"])) or bool(m["cur1"] or m["cur2"])


def _rounded(amount: Decimal, approx: bool) -> Decimal:
    """The slack of a whole number: half a unit; after «about», half of its last non-zero digit."""
    if not approx or not amount:
        return Decimal("0.5") if amount >= 1000 else Decimal(0)
    zeros = len(str(int(amount))) - len(str(int(amount)).rstrip("0"))
    digits = len(str(int(amount)))
    return Decimal(10) ** min(zeros, max(0, digits - 2)) / 2


def _spelled(text: str) -> list[Claim]:
    found: list[Claim] = []
    harmless = [m.span() for m in _HARMLESS_WORDS.finditer(text)]
    for m in _WORD_NUMBER.finditer(text):
        words = re.findall(r"[a-z]+", m[0].lower())
        value = _value_of([w for w in words if w != "and"])
        span = (m.start(), m.start() + len(m[0].rstrip(" -")))
        if value is None or any(a <= span[0] and span[1] <= b for a, b in harmless):
            continue
        found.append(Claim("number", m[0].strip(), *span, values=((value, Decimal(0)),)))
    for m in _MULTIPLE.finditer(text):
        value = _MULTIPLES[m[1].lower()]
        role = frozenset[str]() if m[1].lower() == "dozen" else frozenset({"factor"})
        if m[1].lower() == "quarter" and re.search(
            r"\b(?:last|this|previous|next|the|each|per|of)\s+$", text[: m.start()]
        ):
            continue
        if m[1].lower() == "double" and re.match(r"double[- ](?:check|post|book|entry|count)", text[m.start() :], re.I):
            continue
        found.append(Claim("number", m[1], m.start(), m.end(), values=((value, Decimal(0)),), roles=role))
    for m in _ORDINAL.finditer(text):
        found.append(
            Claim("number", m[1], m.start(1), m.end(1), values=((Decimal(_ORDINALS[m[1].lower()]), Decimal(0)),))
        )
    return found


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


# --- subjects ---------------------------------------------------------------------------------------------------

ROLE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "difference": frozenset({"difference", "total"}),
    "differences": frozenset({"difference", "total"}),
    "differ": frozenset({"difference", "total"}),
    "differs": frozenset({"difference", "total"}),
    "gap": frozenset({"difference", "total"}),
    "delta": frozenset({"difference", "total"}),
    "break": frozenset({"difference", "total"}),
    "discrepancy": frozenset({"difference", "total"}),
    "shortfall": frozenset({"difference", "total"}),
    "excess": frozenset({"difference", "total"}),
    "imbalance": frozenset({"difference", "total"}),
    "off": frozenset({"difference", "total"}),
    "total": frozenset({"total", "difference"}),
    "expected": frozenset({"expected", "mean", "median"}),
    "usual": frozenset({"expected", "mean", "median", "low", "high"}),
    "normally": frozenset({"expected", "mean", "median", "low", "high"}),
    "band": frozenset({"low", "high"}),
    "mean": frozenset({"mean", "expected"}),
    "average": frozenset({"mean", "expected"}),
    "median": frozenset({"median", "expected"}),
    "tolerance": frozenset({"tolerance"}),
    "rate": frozenset({"rate"}),
    "confidence": frozenset({"confidence"}),
    "upper": frozenset({"high"}),
    "lower": frozenset({"low"}),
}
_VERBS: Final = r"(?:is|was|are|were|shows?|showed|has|had|holds?|held|reports?|reported|stands at|stood at|carries|carried|records?|recorded|booked|books|at|of|=|:|reads|balance|value|amount|side|figure|price|quantity|now|only|still|for|the|a|with|and|also|to|remains|from|\(|about|around|roughly|nearly|almost|approximately|currently|being|,)"  # fmt: skip
_BY: Final = re.compile(
    r"\b(?:by|differs?|off|short|exceeds?|apart)\s*(?:by\s*)?(?:about\s|nearly\s|roughly\s|[-+(]|[$€£¥₹]|[A-Z]{3}\s)*$",
    re.I,
)
_THAN: Final = re.compile(
    r"^\W{0,2}(?:[A-Z]{3}\s+)?(?:too\s+)?(?:more|less|higher|lower|above|below|short|greater|larger|smaller|over|under|difference|gap|discrepancy|break|shortfall|excess|apart|too\s+(?:much|little|high|low))\b",
    re.I,
)
_COUNT_NOUNS: Final = [
    "break",
    "row",
    "trade",
    "account",
    "point",
    "observation",
    "day",
    "month",
    "week",
    "year",
    "time",
    "item",
    "case",
    "key",
    "series",
    "quarter",
    "resolution",
    "ticket",
    "entry",
    "comment",
    "run",
    "payment",
    "position",
    "precedent",
    "period",
    "past",
    "business",
    "consecutive",
    "similar",
    "currency",
    "file",
    "hour",
    "minute",
    "decimal",
    "digit",
    "column",
    "side",
    "source",
    "draft",
    "action",
    "mail",
]


def stem(word: str) -> str:
    """A noun without its plural.

    >>> stem("entries"), stem("days"), stem("series")
    ('entry', 'day', 'series')
    """
    word = word.lower()
    if word == "series":
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=[\"«'(\[]*[A-Z0-9«*-])|\n+")
_ABBREVIATIONS: Final = re.compile(r"\b(?:approx|vs|no|e\.g|i\.e|c|ca|mr|ms|dr)\.$", re.I)


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends."""
    cuts = [0]
    for m in _SENTENCE.finditer(text):
        if not _ABBREVIATIONS.search(text[: m.start()]):
            cuts += [m.start(), m.end()]
    cuts.append(len(text))
    return [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b]


def read_claims(text: str, names: Names) -> list[Claim]:
    """Every claim of a normalised text, in order, each with its subject."""
    found = _dates(text)
    for m in _IDENTIFIER.finditer(text):
        if not _taken(found, m.start(), m.end()) and not _is_amount(m[0]):
            found.append(Claim("identifier", m[0], m.start(), m.end()))
    for m in _NUMBER.finditer(text):
        if _taken(found, m.start("digits"), m.end("digits")) or _is_listing(text, m):
            continue
        claim = _number(m, text)
        if claim is not None:
            found.append(claim)
    found += [c for c in _spelled(text) if not _taken(found, c.at, c.end)]
    found.sort(key=lambda c: c.at)
    return [c for span in sentences(text) for c in _with_subjects(text, span, found, names)]


def _is_amount(word: str) -> bool:
    """«15k», «2m», «10x», «1e6», «USD100»: an amount, not an identifier."""
    return bool(
        re.fullmatch(
            rf"\d+(?:{_SCALE_WORD}|x|st|nd|rd|th|[eE]\d+|bps?|pct|fold|-fold|d|h|DR|CR)|(?:{'|'.join(_CODES)})\d+|\d+(?:{'|'.join(_CODES)})|\d+-(?:day|month|week|year)s?|Q[1-4]|T-?\d",
            word,
            re.I,
        )
    )


def _is_listing(text: str, m: re.Match[str]) -> bool:
    """«1.» or «2)» at the start of a line counts nothing."""
    start = m.start("digits")
    line = text.rfind("\n", 0, start) + 1
    after = text[m.end("digits") : m.end("digits") + 2]
    return not text[line:start].strip(" -*") and bool(re.match(r"[.)]\s", after)) and len(m["digits"]) <= 2


def _with_subjects(text: str, span: tuple[int, int], found: Sequence[Claim], names: Names) -> list[Claim]:
    mine = [c for c in found if span[0] <= c.at < span[1]]
    sides = _mentions(text, span, names)
    numbers = [c for c in mine if c.kind == "number"]
    keys = _key_mentions(text, span, mine, names)
    days = [c for c in mine if c.kind == "date" and not _is_opening(text, c)]
    respectively = "respectively" in text[span[0] : span[1]].lower() and len(sides) == len(numbers) > 1
    out = []
    for c in mine:
        if c.kind != "number":
            out.append(c)
            continue
        n = numbers.index(c)
        roles, noun = _role(text, span, c, numbers, sides)
        if respectively:
            roles = frozenset({sides[n][1]})
        out.append(replace(c, roles=c.roles or roles, noun=noun, day=_nearest_day(c, days), bound=_bound(c, keys)))
    return out


def _mentions(text: str, span: tuple[int, int], names: Names) -> list[tuple[int, str, int]]:
    """Where the sentence names a side: (start, side, end)."""
    out: list[tuple[int, str, int]] = []
    for side, names_of_side in (("left", names.left), ("right", names.right)):
        for m in re.finditer(side_pattern(side, names_of_side), text[span[0] : span[1]], re.I):
            out.append((span[0] + m.start(), side, span[0] + m.end()))
    return sorted(out)


def side_pattern(side: str, names: Sequence[str]) -> str:
    """What names a side in a text: any of its sources' names, or «the left side»."""
    spelled = [
        re.escape(name) for name in sorted(names, key=len, reverse=True) if name.lower() not in ("left", "right")
    ]
    generic = rf"{side}(?:[- ]hand)?(?: side| source| system| balance| ledger| {side}\b)"
    if any(name.lower() == side for name in names):
        generic = rf"{generic}|{side}"
    return rf"(?<!\w)(?:{'|'.join([*spelled, generic])})(?!\w)"


def _key_mentions(text: str, span: tuple[int, int], mine: Sequence[Claim], names: Names) -> list[tuple[int, str]]:
    part = text[span[0] : span[1]]
    out = []
    for key in names.keys:
        for m in re.finditer(rf"(?<!\w){re.escape(key)}(?!\w)", part, re.I):
            out.append((span[0] + m.start(), key))
    return sorted(out)


_OPENING: Final = re.compile(
    r"\b(?:since|until|till|from|between|last|last on|closed on|by|due|after|before|and|to)\s+$", re.I
)


def _is_opening(text: str, c: Claim) -> bool:
    """«since 9 March»: a date that bounds a span; it does not date the number beside it."""
    return bool(_OPENING.search(text[: c.at]))


def _nearest_day(c: Claim, days: Sequence[Claim]) -> Day | None:
    near = [d for d in days if len(d.days) == 1 and d.days[0].weekday is None]
    if not near:
        return None
    return min(near, key=lambda d: min(abs(d.at - c.end), abs(c.at - d.end))).days[0]


def _bound(c: Claim, keys: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    others = [(at, key) for at, key in keys if not c.at <= at < c.end]
    return tuple(sorted({key for _, key in others}))


def _role(
    text: str, span: tuple[int, int], c: Claim, numbers: Sequence[Claim], sides: Sequence[tuple[int, str, int]]
) -> tuple[frozenset[str], str]:
    before = text[span[0] : c.at]
    after = text[c.end : span[1]]
    noun = _noun(after)
    if c.percent:
        return frozenset(), noun
    linked = _linked_after(c, after, sides, text)
    if _BY.search(before) or _THAN.match(after):
        return ROLE_WORDS["difference"], noun
    if linked:
        return frozenset({linked}), noun
    earlier = [n.end for n in numbers if n.end <= c.at]
    start = max([span[0], *earlier])
    between = text[start : c.at]
    word = _last_role_word(between)
    named = [(at, side, end) for at, side, end in sides if start <= at and end <= c.at]
    if named and (word is None or word[0] < named[-1][0] - start):
        gap = text[named[-1][2] : c.at]
        if _direct(gap):
            return frozenset({named[-1][1]}), noun
        if word is None:
            return frozenset(), noun
    if word is not None:
        return ROLE_WORDS[word[1]], noun
    return frozenset(), noun


def _direct(gap: str) -> bool:
    """True when nothing but «is», «shows», «balance of» stands between a source and the number."""
    rest = re.sub(rf"\b{_VERBS}(?=\W|$)|['’]s\b|[\s(:=,+\-$€£¥₹]|\b[A-Z]{{3}}\b", " ", gap, flags=re.I)
    return not rest.strip()


def _last_role_word(between: str) -> tuple[int, str] | None:
    found = None
    for m in re.finditer(r"[A-Za-z]+", between):
        if m[0].lower() in ROLE_WORDS:
            found = (m.start(), m[0].lower())
    return found


def _linked_after(c: Claim, after: str, sides: Sequence[tuple[int, str, int]], text: str) -> str:
    m = re.match(r"\W{0,2}(?:[A-Z]{3}\s+)?(?:in|on|at|per|from|according to|by|for)\s+(?:the\s+)?", after)
    if m is None:
        m = re.match(r"\s*\(\s*", after)
    if m is None:
        return ""
    at = c.end + m.end()
    return next((side for start, side, _ in sides if start == at), "")


def _noun(after: str) -> str:
    """What is counted: the first counting noun of the three words that follow."""
    head = re.split(r"[,;:.()\[\]«»]", after, maxsplit=1)[0]
    for word in re.findall(r"[A-Za-z]+", head)[:3]:
        if stem(word) in _COUNT_NOUNS and stem(word) not in ("past", "business", "consecutive", "similar"):
            return stem(word)
        if word.lower() in (
            "against",
            "in",
            "on",
            "and",
            "is",
            "was",
            "of",
            "from",
            "to",
            "which",
            "that",
            "for",
            "by",
            "with",
        ):
            return ""
    return ""


def decimal_of(text: object) -> Decimal | None:
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
