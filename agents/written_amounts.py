"""The numbers that a text writes in digits: separators, sign, scale, currency, and the slack of rounding."""

# ruff: noqa: E501 - a pattern, or a list of words, is easier to read on its one line

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from agents.claim import Claim, taken

_SYMBOLS: Final[Mapping[str, frozenset[str]]] = {
    "$": frozenset({"USD", "CAD", "AUD", "HKD", "SGD", "NZD"}),
    "US$": frozenset({"USD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
}
_CODES: Final = (
    "USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "HKD", "SGD", "CNY", "CNH", "INR", "SEK", "NOK", "DKK",
    "PLN", "CZK", "HUF", "ZAR", "MXN", "BRL", "KRW", "TWD", "THB", "TRY", "ILS", "RUB", "AED", "SAR", "MYR", "IDR",
    "PHP",
)  # fmt: skip
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


def amounts_in(text: str, found: Sequence[Claim]) -> list[Claim]:
    """Every number in digits where nothing was found yet, but for the marks of a list's lines."""
    decimal_comma = bool(_DECIMAL_COMMA.search(text))
    amounts = []
    for m in _NUMBER.finditer(text):
        if taken(found, m.start("digits"), m.end("digits")) or _is_listing(text, m):
            continue
        negative = _is_negative(m, text)
        values = _values(m, text, negative=negative, decimal_comma=decimal_comma)
        if values:
            amounts.append(_claim(m, values, negative=negative))
    return amounts


def _values(m: re.Match[str], text: str, *, negative: bool, decimal_comma: bool) -> tuple[tuple[Decimal, Decimal], ...]:
    """What the match may mean, each value with its slack."""
    scale = _scale(m)
    approx = bool(_APPROX.search(text[: m.start("digits")]))
    values = []
    for amount, decimals in _amounts(m["digits"], decimal_comma=decimal_comma):
        value = amount.scaleb(scale)
        step = Decimal(1).scaleb(scale - decimals)
        values.append((-value if negative else value, step / 2 if decimals or scale else _rounded(amount, approx)))
    return tuple(values)


def _claim(m: re.Match[str], values: tuple[tuple[Decimal, Decimal], ...], *, negative: bool) -> Claim:
    currency = frozenset[str]().union(*(_currencies(m[name]) for name in ("cur1", "cur2") if m[name]))
    plain = not (m["sign1"] or m["sign2"] or _scale(m) or m["pct"] or currency or m["times"] or m["ord"])
    return Claim(
        "number",
        m["digits"],
        m.start("digits"),
        m.end(),
        values=values,
        signed=negative or (m["sign1"] or m["sign2"]) == "+",
        percent=bool(m["pct"]),
        currency=currency,
        roles=frozenset({"factor"}) if m["times"] else frozenset(),
        plain=plain and m["digits"].isdigit(),
    )


def _currencies(written: str) -> frozenset[str]:
    """The codes that a symbol, a name or a code may stand for."""
    return _SYMBOLS.get(written, frozenset({_NAMES.get(written, written)}))


def _scale(m: re.Match[str]) -> int:
    """The power of ten by which the digits are multiplied: «k», «million», «e6»."""
    return (_SCALES[m["scale"].lower()] if m["scale"] else 0) + (int(m["exp"][1:]) if m["exp"] else 0)


def _is_negative(m: re.Match[str], text: str) -> bool:
    """A minus before or after, an accountant's brackets, CR, or «minus», «negative», «credit of»."""
    return (
        (m["sign1"] or m["sign2"]) == "-"
        or bool(m["open"] and m["close"] and not m["pct"] and _money_like(m))
        or bool(m["trail"])
        or m["drcr"] == "CR"
        or bool(_FALLEN.search(text[: m.start()]))
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


def is_amount(word: str) -> bool:
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
