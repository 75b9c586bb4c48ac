"""What a number is said to be: a side's balance, the difference, a rate, or a count of something."""

# ruff: noqa: E501 - a pattern, or a list of words, is easier to read on its one line

import re
from collections.abc import Mapping, Sequence
from typing import Final

from agents.claim import Claim

_DIFFERENCE: Final = frozenset({"difference", "total"})
_MIDDLE: Final = frozenset({"expected", "mean", "median"})
_ROLES: Final[Mapping[str, frozenset[str]]] = {
    word: roles
    for words, roles in (
        (
            "difference differences differ differs gap delta break discrepancy shortfall excess imbalance off total",
            _DIFFERENCE,
        ),
        ("expected", _MIDDLE),
        ("usual normally", _MIDDLE | {"low", "high"}),
        ("mean average", frozenset({"mean", "expected"})),
        ("median", frozenset({"median", "expected"})),
        ("band", frozenset({"low", "high"})),
        ("lower", frozenset({"low"})),
        ("upper", frozenset({"high"})),
        ("tolerance", frozenset({"tolerance"})),
        ("rate", frozenset({"rate"})),
        ("confidence", frozenset({"confidence"})),
    )
    for word in words.split()
}
"""What a word before a number says that the number is."""
_VERBS: Final = r"(?:is|was|are|were|shows?|showed|has|had|holds?|held|reports?|reported|stands at|stood at|carries|carried|records?|recorded|booked|books|at|of|=|:|reads|balance|value|amount|side|figure|price|quantity|now|only|still|for|the|a|with|and|also|to|remains|from|\(|about|around|roughly|nearly|almost|approximately|currently|being|,)"  # fmt: skip
_BY: Final = re.compile(
    r"\b(?:by|differs?|off|short|exceeds?|apart)\s*(?:by\s*)?(?:about\s|nearly\s|roughly\s|[-+(]|[$€£¥₹]|[A-Z]{3}\s)*$",
    re.I,
)
_THAN: Final = re.compile(
    r"^\W{0,2}(?:[A-Z]{3}\s+)?(?:too\s+)?(?:more|less|higher|lower|above|below|short|greater|larger|smaller|over|under|difference|gap|discrepancy|break|shortfall|excess|apart|too\s+(?:much|little|high|low))\b",
    re.I,
)
_COUNTED: Final = frozenset({
    "break", "row", "trade", "account", "point", "observation", "day", "month", "week", "year", "time", "item",
    "case", "key", "series", "quarter", "resolution", "ticket", "entry", "comment", "run", "payment", "position",
    "precedent", "period", "currency", "file", "hour", "minute", "decimal", "digit", "column", "side", "source",
    "draft", "action", "mail",
})  # fmt: skip
"""What a text counts: breaks, days, rows."""
_PAST_THE_NOUN: Final = frozenset({
    "against", "in", "on", "and", "is", "was", "of", "from", "to", "which", "that", "for", "by", "with",
})  # fmt: skip
"""Words after which nothing counted is to come."""


def role_and_noun(
    text: str, span: tuple[int, int], c: Claim, numbers: Sequence[Claim], sides: Sequence[tuple[int, str, int]]
) -> tuple[frozenset[str], str]:
    """The roles that the sentence gives to a number, and the noun that it counts."""
    before = text[span[0] : c.at]
    after = text[c.end : span[1]]
    noun = _noun(after)
    if c.percent:
        return frozenset(), noun
    if _BY.search(before) or _THAN.match(after):
        return _DIFFERENCE, noun
    if linked := _linked_after(c, after, sides):
        return frozenset({linked}), noun
    start = max([span[0], *(n.end for n in numbers if n.end <= c.at)])
    return _role_before(text, start, c.at, sides), noun


def _role_before(text: str, start: int, at: int, sides: Sequence[tuple[int, str, int]]) -> frozenset[str]:
    """From the words since the last number: the side named last, or the word of a role after it."""
    word = _last_role_word(text[start:at])
    named = [(begin, side, end) for begin, side, end in sides if start <= begin and end <= at]
    if named and (word is None or word[0] < named[-1][0] - start) and _direct(text[named[-1][2] : at]):
        return frozenset({named[-1][1]})
    return _ROLES[word[1]] if word is not None else frozenset()


def _direct(gap: str) -> bool:
    """True when nothing but «is», «shows», «balance of» stands between a source and the number."""
    rest = re.sub(rf"\b{_VERBS}(?=\W|$)|['’]s\b|[\s(:=,+\-$€£¥₹]|\b[A-Z]{{3}}\b", " ", gap, flags=re.I)
    return not rest.strip()


def _last_role_word(between: str) -> tuple[int, str] | None:
    """The last word that names a role, in lower case, with its place."""
    found = None
    for m in re.finditer(r"[A-Za-z]+", between):
        if m[0].lower() in _ROLES:
            found = (m.start(), m[0].lower())
    return found


def _linked_after(c: Claim, after: str, sides: Sequence[tuple[int, str, int]]) -> str:
    """The side of «35,000 in IHub» or «35,000 (IHub)»; empty when the number stands for itself."""
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
        if _stem(word) in _COUNTED:
            return _stem(word)
        if word.lower() in _PAST_THE_NOUN:
            return ""
    return ""


def _stem(word: str) -> str:
    """A noun without its plural.

    >>> _stem("entries"), _stem("days"), _stem("series")
    ('entry', 'day', 'series')
    """
    word = word.lower()
    if word == "series":
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
