"""Exact amounts: a column's scale, its integer units, and how a person reads and writes them."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation, localcontext
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

DecimalSign = Literal["point", "comma"]

MAX_DIGITS: Final = 18
"""Digits that an int64 of units always holds, with room for one difference."""

MOST_UNITS: Final = 4 * 10**18

MAX_SCALE: Final = 12

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

MINOR_UNITS: Final[dict[str, int]] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    "CLF": 4,
    "UYW": 4,
}
"""Decimals of a currency (ISO 4217) where they are not two."""

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
CDF CHF CLF CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT
LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN
SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS VES VND VUV WST XAF XAG XAU
XCD XOF XPD XPF XPT YER ZAR ZMW ZWL GBX
"""

CURRENCIES: Final = frozenset(_CODES.split())
"""ISO 4217 codes in use, with CNH, GBX and the metals."""

_ALSO_WORDS: Final = frozenset(["ALL", "COP", "CUP", "MAD", "PEN", "SOS", "TOP", "TRY"])

_CONVERTED: Final = frozenset(
    {"base", "functional", "reporting", "equivalent", "equiv", "eqv", "converted", "translated"}
)

BLANKS: Final = frozenset(
    {"", "-", "--", "–", "—", "null", "none", "nil", "na", "n/a", "#n/a", "nan", "(null)", "<na>", "nat", "."}
)
"""Spellings of "nothing here", folded."""

_SIGNS: Final = "$€£¥₹₽₩₪₺฿₫₴₦₱¢"
_MINUSES: Final = str.maketrans(dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"))
_GAPS = re.compile(r"(?<=\d)[\s\u00a0\u2009\u202f'’_](?=\d{3}(?!\d))")
_SIDE = re.compile(r"(?i)(?<![a-z])(dr|cr|debit|credit)\.?$|^(dr|cr|debit|credit)(?![a-z])\.?")
_CODE = re.compile(r"^[A-Za-z]{3}(?=[\s\d(+.-])|(?<=[\s\d).])[A-Za-z]{3}$")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def currency_in(*headers: str | None) -> str | None:
    """The one currency that every header names in capitals, or empty where all say that theirs is one, not which one;
    None where they name none, or not the same.

    >>> currency_in("USD Eqv Murex", "USD Eqv GL"), currency_in("USD Amount", "EUR Amount"), currency_in("TOP Amount")
    ('USD', None, None)
    >>> currency_in("GL Base Amt", "SL Base Amt"), currency_in("Base Amount", "Target Amount")
    ('', None)
    """
    words = [set(re.findall(r"[A-Za-z]+", header or "")) for header in headers]
    found = {frozenset(one & (CURRENCIES - _ALSO_WORDS)) for one in words}
    codes: frozenset[str] = next(iter(found)) if len(found) == 1 else frozenset()
    if len(codes) == 1:
        return next(iter(codes))
    return "" if words and all(_CONVERTED & {word.casefold() for word in one} for one in words) else None


def minor_unit(currency: str | None) -> int:
    """Decimals of the currency; two when it is unknown."""
    return MINOR_UNITS.get((currency or "").upper(), 2)


def exact_scale(decimals: int, integer_digits: int) -> int:
    """The most decimals, up to `decimals`, that int64 units can hold beside `integer_digits`.

    >>> exact_scale(2, 9), exact_scale(17, 14)
    (2, 4)
    """
    return max(0, min(decimals, MAX_SCALE, MAX_DIGITS - integer_digits))


def rescaled_units(units: npt.NDArray[np.int64], by: int) -> npt.NDArray[np.int64]:
    """Units of a scale that has `by` more decimals (fewer: rounded, halves away from 0). What int64 cannot hold is the
    most that it can, of either sign, with room for one difference: never another amount.

    >>> rescaled_units(np.array([15, -1234, 10**17]), 2).tolist()
    [1500, -123400, 4000000000000000000]
    >>> rescaled_units(np.array([15, -1251]), -1).tolist()
    [2, -125]
    """
    if by >= 0:
        most = MOST_UNITS // 10**by
        return np.asarray(np.where(np.abs(units) > most, np.sign(units) * MOST_UNITS, units * 10**by), dtype=np.int64)
    step = 10**-by
    return np.asarray(np.sign(units) * ((np.abs(units) + step // 2) // step), dtype=np.int64)


def most_decimals(*units: npt.NDArray[np.int64], scale: int) -> int:
    """The most decimals with which these units of `scale` can still be held.

    >>> most_decimals(np.array([123456]), np.array([-7]), scale=2)
    14
    """
    largest = max((max(int(of.max(initial=0)), -int(of.min(initial=0))) for of in units), default=0)
    return scale + MAX_DIGITS - len(str(largest))


def to_units(value: Decimal, scale: int) -> int:
    """Integer units of a value: value * 10**scale, halves to even. Exact when `scale` covers its decimals.

    >>> to_units(Decimal("90071992547409.93"), 2)
    9007199254740993
    """
    with localcontext() as context:
        context.prec = 60
        return int(value.scaleb(scale).to_integral_value())


def from_units(units: int, scale: int) -> Decimal:
    """The exact decimal that integer units stand for.

    >>> from_units(-1500000, 2)
    Decimal('-15000.00')
    """
    with localcontext() as context:
        context.prec = 60
        return Decimal(int(units)).scaleb(-scale)


def plain(units: int, scale: int) -> str:
    """Decimal text without exponent or trailing zeros, for payloads and files.

    >>> plain(-1500000, 2), plain(25, 3)
    ('-15000', '0.025')
    """
    text = format(from_units(units, scale), "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def readable(value: Decimal | int, currency: str | None = None) -> str:
    """An amount for people: thousands separators, the currency's decimals at least, no lost digit.

    >>> readable(Decimal("-15000")), readable(Decimal("1204118.2"), "USD"), readable(Decimal("0.001"))
    ('-15,000.00', 'USD 1,204,118.20', '0.001')
    """
    amount = Decimal(value)
    least = minor_unit(currency)
    exponent = amount.normalize().as_tuple().exponent
    shown = max(least, -exponent if isinstance(exponent, int) else 0)
    text = f"{amount:,.{shown}f}"
    return f"{currency} {text}" if currency else text


def measured(amount: Decimal, currency: str) -> str:
    """An amount with its currency; what is no money (a quantity, a price) as the number that it is.

    >>> measured(Decimal("1234.5"), "USD"), measured(Decimal("8"), "")
    ('1,234.50 USD', '8')
    """
    return f"{readable(amount)} {currency}" if currency else format(amount, ",f")


def is_blank(text: str) -> bool:
    """True for the spellings of "nothing here": empty, NULL, n/a, a dash."""
    return text.strip().casefold() in BLANKS


def parse_amount(text: str, decimal_sign: DecimalSign = "point") -> Decimal | None:
    """The number that an amount's text stands for, or None when it is no number.

    Reads thousands separators, currency signs and codes, parentheses, a trailing minus, DR (positive) and CR
    (negative), other scripts' digits and minus signs, and exponents. `5%` is 5: the unit is the column's.

    >>> [str(parse_amount(t)) for t in ("(1,234.50)", "100.50-", "USD 7", "5 CR", "1.2E+6", "−3")]
    ['-1234.50', '-100.50', '7', '-5', '1.2E+6', '-3']
    >>> parse_amount("1.234,5", "comma"), parse_amount("12a")
    (Decimal('1234.5'), None)
    """
    body = text.strip() if text.isascii() else _latin(text)
    negative = False
    if side := _SIDE.search(body):
        negative = (side[1] or side[2]).casefold().startswith("cr")
        body = _SIDE.sub("", body).strip()
    body = _without_code(body.strip(_SIGNS + " ")).strip(_SIGNS + "% ")
    if body.startswith("(") and body.endswith(")"):
        negative, body = not negative, body[1:-1].strip(_SIGNS + " ")
    negative, body = _unsigned(negative, body)
    body = _without_code(body.strip(_SIGNS + " ")).strip(_SIGNS + " ")
    negative, body = _unsigned(negative, body)
    return _decimal(_with_point(_GAPS.sub("", body), decimal_sign), negative)


def _without_code(body: str) -> str:
    """Without a currency code at either end; other letters stay, so that `TXN-7` is no number."""
    found = _CODE.search(body)
    return _CODE.sub("", body) if found and found[0].upper() in CURRENCIES else body


def currency_told(text: str) -> str:
    """The currency that an amount's text carries, as a code or a sign; "" for none.

    >>> currency_told("EUR 1,234.50"), currency_told("(7.00 usd)"), currency_told("$5"), currency_told("5")
    ('EUR', 'USD', '$', '')
    """
    body = text.strip().strip("()").strip()
    if found := _CODE.search(body):
        return found[0].upper() if found[0].upper() in CURRENCIES else ""
    return next((sign for sign in body if sign in _SIGNS), "")


def _latin(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_MINUSES).strip()
    return "".join(str(unicodedata.digit(c, c)) for c in folded)


def _unsigned(negative: bool, body: str) -> tuple[bool, str]:
    if body[:1] in ("-", "+"):
        return negative ^ (body[0] == "-"), body[1:].lstrip()
    if body[-1:] in ("-", "+"):
        return negative ^ (body[-1] == "-"), body[:-1].rstrip()
    return negative, body


def _with_point(body: str, decimal_sign: DecimalSign) -> str | None:
    group, point = (",", ".") if decimal_sign == "point" else (".", ",")
    whole, mark, rest = body.partition(point)
    if group in rest or (group in whole and not _grouped(whole, group)):
        return None
    return whole.replace(group, "") + ("." if mark else "") + rest


def _grouped(whole: str, group: str) -> bool:
    first, *others = whole.split(group)
    if first.startswith("0"):
        return False
    western = all(len(part) == 3 for part in others)
    indian = len(others[-1]) == 3 and all(len(part) == 2 for part in others[:-1])
    return 1 <= len(first) <= 3 and (western or indian)


def _decimal(body: str | None, negative: bool) -> Decimal | None:
    if body is None or not _NUMBER.fullmatch(body):
        return None
    try:
        value = Decimal(body)
    except InvalidOperation:
        return None
    return -value if negative else value


_POINT_ONLY = re.compile(r"[+-]?\d+\.(\d{1,2}|\d{4,})", re.ASCII)
"""The most usual spelling of an amount: its point can separate no thousands."""


def evidence_of_sign(texts: Iterable[str]) -> tuple[int, int, int]:
    """How many of the texts only a decimal point explains, only a decimal comma, and how many both would.

    >>> evidence_of_sign(["1,234.50", "0,5", "1,234", "17"])
    (1, 1, 1)
    """
    point = comma = either = 0
    for text in texts:
        if _POINT_ONLY.fullmatch(text):
            point += 1
            continue
        as_point, as_comma = parse_amount(text, "point"), parse_amount(text, "comma")
        if as_point is None or as_comma is None:
            point += as_point is not None
            comma += as_comma is not None
        elif as_point != as_comma:
            either += 1
    return point, comma, either
