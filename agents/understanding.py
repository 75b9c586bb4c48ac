"""What an operator wants, read from their words by rule: one intent or several, with their slots."""

# ruff: noqa: E501 - a pattern is easier to read on its one line

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from agents.lexicon import LEXICON, SURE_ENOUGH
from agents.spelling import corrected, plain
from recon.words import CAUSE_LABELS, PATTERN_LABELS

Brief = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question as it was understood."""

    intent: str
    slots: Mapping[str, Any] = field(default_factory=dict)


_ORDER: Final = {
    name: n
    for n, name in enumerate(
        [
            "execute",
            "tag",
            "revise",
            "close",
            "why_not",
            "resolved",
            "ticket",
            "promise",
            "drafts",
            "offset",
            "changed",
            "band",
            "by_column",
            "largest",
            "proof",
            "settle",
            "who",
            "history",
            "side",
            "values",
            "rows",
            "scope",
            "onset",
            "amount",
            "confidence",
            "cause",
            "pattern",
            "next",
            "why",
            "summary",
            "help",
        ]
    )
}
"""Of two intents that the words speak for equally, the more particular one is meant."""


_CAUSE_WORDS: Final[Mapping[str, str]] = {
    "fx": "fx_rate", "exchange rate": "fx_rate", "late": "timing", "cut-off": "timing", "cutoff": "timing",
    "posted twice": "duplicate", "double": "duplicate", "duplicated": "duplicate", "reversed sign": "sign_flip",
    "wrong sign": "sign_flip", "sign": "sign_flip", "typo": "digit_slip", "transposed": "digit_slip", "fee": "fee_or_tax",
    "tax": "fee_or_tax", "fees": "fee_or_tax", "misposted": "misposting", "wrong account": "misposting",
    "static data": "reference_data", "factor": "factor_rounding", "stale price": "stale", "price": "price",
    "quantity": "quantity", "lagging": "lag", "scale": "scale",
}  # fmt: skip
_COLUMN_ASKED: Final = 5.0
"""What a column's name after «which» speaks for: more than «which ... are affected», of rows, does."""
_NUMBERS: Final = {
    w: n
    for n, w in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
    )
}


_ALONE: Final = frozenset({"execute", "revise", "tag", "close", "help"})
"""What is asked with all of its words: «shorter, and ask for the rate» is one wish."""
_PARTS: Final = re.compile(
    r"\s*[?;]+\s*(?=\w)|\s*(?:,\s*)?\b(?:and|also|then)\b\s+(?=(?:who|what|which|when|where|why|how|is|are|was|were|did|do|does|has|have|can|could|show|tell|list|since|give|explain|whose)\b)"
)
_AGAIN: Final = re.compile(r"\b(?:do|use|apply|write|same|repeat)\b.*\b(?:that|it|this|same|again)\b")
MOST: Final = 3
"""Questions of one message that are answered."""
VOCABULARY: Final = tuple(
    {w for _, _, p in LEXICON for w in re.findall(r"[a-z]{5,}", re.sub(r"\\[a-z]", " ", p.pattern))}
)


def understand_all(question: str, before: str, brief: Brief) -> list[Asked]:
    """Everything that a message asks, in its order, at most three things; `before` is the question before it.

    A question that stands on no feet of its own («and the quarter before?») leans on the one before.
    """
    whole = understand(question, brief)
    if whole.intent in _ALONE:
        return [whole]
    parts = [p for p in _PARTS.split(plain(question)) if p and p.strip(" ?.,!")]
    asked = (
        [a for p in parts if (a := understand(p, brief)).intent not in ("unknown", "help")] if len(parts) > 1 else []
    )
    distinct = {a.intent: a for a in asked}
    if len(distinct) > 1 and not _ALONE & set(distinct):
        return list(distinct.values())[:MOST]
    if whole.intent == "unknown" and before:
        return [_leaning(question, before, brief)]
    return [whole]


def _leaning(question: str, before: str, brief: Brief) -> Asked:
    earlier, text = understand(before, brief), plain(question)
    if earlier.intent in ("resolved", "close", "next") and _AGAIN.search(text):
        return Asked("close")
    short = len(text.split()) <= 6
    if earlier.intent in _ALONE or not short or not re.match(r"(?:and|or|what about|how about|same for)\b", text):
        return Asked("unknown")
    return Asked(earlier.intent, slots_of(earlier.intent, text, question, brief))


def understand(question: str, brief: Brief) -> Asked:
    """The one intent that the words speak for most, with its slots; `unknown` when none does enough."""
    text = plain(question)
    best = _likeliest(text, brief)
    if best == "unknown":
        text = corrected(text, VOCABULARY)
        best = _likeliest(text, brief)
    return Asked(best, slots_of(best, text, question, brief))


def _likeliest(text: str, brief: Brief) -> str:
    scores: dict[str, float] = {}
    for intent, weight, pattern in LEXICON:
        if pattern.search(text):
            scores[intent] = scores.get(intent, 0.0) + weight
    for name in (brief["sources"]["left"], brief["sources"]["right"]):
        if re.search(rf"\b{re.escape(name.lower())}\b", text):
            scores["side"] = scores.get("side", 0.0) + 0.6
            scores["values"] = scores.get("values", 0.0) + 0.7
    if _column_asked(text, brief):
        scores["by_column"] = scores.get("by_column", 0.0) + _COLUMN_ASKED
    if not scores or max(scores.values()) < SURE_ENOUGH:
        return "unknown"
    return max(scores, key=lambda name: (scores[name], -_ORDER.get(name, 99)))


def slots_of(intent: str, text: str, question: str, brief: Brief) -> dict[str, Any]:
    """What the words say besides: a row, a span, a column, a verdict, a cause."""
    slots: dict[str, Any] = {}
    if m := re.search(r"\brow (?:no\.? )?(\d+)", text):
        slots["row"] = int(m[1])
    if intent == "history":
        slots |= _span(text, brief)
    if intent == "by_column":
        slots |= _grouping(text, brief)
    if intent == "tag":
        slots |= _verdict(text)
    if intent in ("revise", "tag"):
        slots["words"] = question.strip()
    return slots


def _span(text: str, brief: Brief) -> dict[str, Any]:
    last = brief["case"].get("last_date")
    spans = {"week": 7, "month": 31, "quarter": 92, "half year": 183, "year": 366}
    if m := re.search(
        r"\b(?:last|past|previous|latest) (\d+|" + "|".join(_NUMBERS) + r")\b ?(days?|weeks?|months?)?", text
    ):
        n = int(m[1]) if m[1].isdigit() else _NUMBERS[m[1]]
        unit = (m[2] or "").rstrip("s")
        if unit and last:
            days = n * {"day": 1, "week": 7, "month": 31}[unit]
            return {"since": (date.fromisoformat(last) - timedelta(days=days)).isoformat(), "last": 60}
        return {"last": max(1, min(60, n))}
    for name, days in spans.items():
        if last and re.search(rf"\b(?:last|past|previous|this) {name}\b", text):
            return {"since": (date.fromisoformat(last) - timedelta(days=days)).isoformat(), "last": 60}
    return {}


def _columns(brief: Brief) -> set[str]:
    case = brief["case"]
    return {*case["scope"], *case["key"], *case["columns"], *(name for b in brief["breaks"] for name in b["key"])}


def _column_asked(text: str, brief: Brief) -> bool:
    """«which books are affected»: a column of the case's own breaks."""
    return any(
        re.search(rf"\b(?:which|what|how many) {re.escape(c.lower())}(?:s|es)?\b", text) for c in _columns(brief)
    )


def _grouping(text: str, brief: Brief) -> dict[str, Any]:
    columns = {"pair", "cause", "pattern", "date"} | _columns(brief)
    said = [c for c in columns if re.search(rf"\b{re.escape(c.lower())}(?:s|es)?\b", text)]
    by = max(said, key=len) if said else ""
    if not by:
        found = re.search(r"\b(?:by|per|for each|each|across|which) (\w+)", text)
        by = found[1] if found else "cause"
    measure = "count" if re.search(r"\bcount|how many|number of\b", text) else "sum"
    return {"by": by, "measure": measure} | ({"whole": False} if _column_asked(text, brief) else {})


def _verdict(text: str) -> dict[str, Any]:
    slots: dict[str, Any] = {"verdict": "true"}
    if re.search(
        r"false (?:positive|alarm|break|flag)|not (?:really )?(?:a|an) (?:real )?(?:break|anomaly|issue|problem)|noise|ignore|don't flag|not an issue",
        text,
    ):
        slots["verdict"] = "false_positive"
    elif re.search(r"you missed|should have (?:been )?flagged|missed this|false negative", text):
        slots["verdict"] = "missed"
    cause = _named(
        text, {**{c: c for c in CAUSE_LABELS}, **{w.lower(): c for c, w in CAUSE_LABELS.items()}, **_CAUSE_WORDS}
    )
    pattern = _named(text, {p.replace("_", " "): p for p in PATTERN_LABELS})
    corrects = re.search(
        r"wrong|should be|is actually|it's actually|rather|re-?classif|correct|instead|not .* but", text
    )
    if corrects and (cause or pattern):
        slots["verdict"] = "corrected"
    if slots["verdict"] == "corrected":
        slots |= {k: v for k, v in (("cause", cause), ("pattern", pattern)) if v}
    return slots


def _named(text: str, words: Mapping[str, str]) -> str:
    """The last of the names that the text says: «not rounding but timing» means timing."""
    found = [
        (m.end(), len(word), value)
        for word, value in words.items()
        for m in re.finditer(rf"\b{re.escape(word.replace('_', ' '))}\b", text.replace("_", " "))
    ]
    return max(found)[2] if found else ""
