"""What an operator wants, read from their words by rule, and the answer made of what tools found."""

# ruff: noqa: E501 - a pattern is easier to read on its one line

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage

from agents.lexicon import LEXICON, SURE_ENOUGH
from agents.wording import next_step, side_name
from recon.words import CAUSE_LABELS, PATTERN_LABELS

Brief = Mapping[str, Any]
Found = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A question as it was understood."""

    intent: str
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """How one kind of question is answered: which tools to ask, and what to say of what they found."""

    name: str
    example: str
    calls: Callable[[Asked, Brief], list[tuple[str, dict[str, Any]]]]
    answer: Callable[[Asked, Brief, Found], str]


# --- understanding ----------------------------------------------------------------------------------------------

_CAUSE_WORDS: Final[Mapping[str, str]] = {
    "fx": "fx_rate", "exchange rate": "fx_rate", "late": "timing", "cut-off": "timing", "cutoff": "timing",
    "posted twice": "duplicate", "double": "duplicate", "duplicated": "duplicate", "reversed sign": "sign_flip",
    "wrong sign": "sign_flip", "sign": "sign_flip", "typo": "digit_slip", "transposed": "digit_slip", "fee": "fee_or_tax",
    "tax": "fee_or_tax", "fees": "fee_or_tax", "misposted": "misposting", "wrong account": "misposting",
    "static data": "reference_data", "factor": "factor_rounding", "stale price": "stale", "price": "price",
    "quantity": "quantity", "lagging": "lag", "scale": "scale",
}  # fmt: skip
_NUMBERS: Final = {
    w: n
    for n, w in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
    )
}


def plain(text: str) -> str:
    """Lower case, straight apostrophes, one space; digits stay."""
    return " ".join(text.lower().replace("’", "'").split())


def understand(question: str, brief: Brief) -> Asked:
    """The intent that the words speak for most, with its slots; `unknown` when none does enough."""
    text = plain(question)
    scores: dict[str, float] = {}
    for intent, weight, pattern in LEXICON:
        if pattern.search(text):
            scores[intent] = scores.get(intent, 0.0) + weight
    for name in (brief["sources"]["left"], brief["sources"]["right"]):
        if re.search(rf"\b{re.escape(name.lower())}\b", text):
            scores["side"] = scores.get("side", 0.0) + 0.6
            scores["values"] = scores.get("values", 0.0) + 0.7
    if not scores or max(scores.values()) < SURE_ENOUGH:
        return Asked("unknown")
    best = max(scores, key=lambda name: (scores[name], -_ORDER.get(name, 99)))
    return Asked(best, slots_of(best, text, question, brief))


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


def _grouping(text: str, brief: Brief) -> dict[str, Any]:
    columns = {"pair", "cause", "pattern", "date"} | set(brief["case"]["scope"]) | set(brief["case"]["key"])
    for b in brief["breaks"]:
        columns |= set(b["key"]) | set(b.get("columns") or {})
    said = [c for c in columns if re.search(rf"\b{re.escape(c.lower())}(?:s|es)?\b", text)]
    by = max(said, key=len) if said else ""
    if not by:
        found = re.search(r"\b(?:by|per|for each|each|across|which) (\w+)", text)
        by = found[1] if found else "cause"
    measure = "count" if re.search(r"\bcount|how many|number of\b", text) else "sum"
    return {"by": by, "measure": measure}


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


# --- answering --------------------------------------------------------------------------------------------------


def _cited(found: Found, limit: int = 12) -> str:
    lines = []
    for e in found[:limit]:
        statement = " ".join(str(e["statement"]).split()).rstrip(".")
        lines.append(f"{statement} [{e['id']}].")
    return "\n".join(lines) if len(lines) > 3 else " ".join(lines)


def _of(brief: Brief, *kinds: str) -> list[Mapping[str, Any]]:
    return [e for kind in kinds for e in brief["evidence"] if e["kind"] == kind]


def _nothing(*_: Any) -> list[tuple[str, dict[str, Any]]]:
    return []


def _tool(name: str, *slots: str, **fixed: Any) -> Callable[[Asked, Brief], list[tuple[str, dict[str, Any]]]]:
    def calls(asked: Asked, brief: Brief) -> list[tuple[str, dict[str, Any]]]:
        return [(name, {**fixed, **{s: asked.slots[s] for s in slots if s in asked.slots}})]

    return calls


def _lead(lead: str) -> Callable[[Asked, Brief, Found], str]:
    def answer(asked: Asked, brief: Brief, found: Found) -> str:
        return f"{lead} {_cited(found)}".strip()

    return answer


def _why(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    shown = _of(brief, "band", "proof", "slice")[:3] or brief["evidence"][:2]
    if case["kind"] == "document":
        return f"It is not flagged: its breaks are in line with their own past. {_cited(shown)}"
    return f"It is out of pattern ({case['pattern_label']}). {_cited(shown)}"


def _why_not(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    shown = _of(brief, "band", "onset")[:2] or brief["evidence"][:2]
    if case["kind"] == "document" or case["pattern"] == "in_line":
        return f"It is in line with its own past ({case['pattern_label']}). {_cited(shown)}"
    return f"It does count as out of pattern ({case['pattern_label']}). {_cited(shown)}"


def _resolved(asked: Asked, brief: Brief, found: Found) -> str:
    return _cited(found, 6)


def _side(asked: Asked, brief: Brief, found: Found) -> str:
    name = side_name(brief)
    sides = [e for e in found if e["kind"] == "side"] or _of(brief, "side")
    proofs = _of(brief, "proof")[:1]
    opening = (
        "Which side is wrong cannot be told from the numbers."
        if not name
        else f"Both {name} are suspect."
        if brief["case"]["suspect_side"] == "both"
        else f"The suspect side is {name}."
    )
    return f"{opening} {_cited([*sides[:1], *proofs])}".strip()


def _summary(asked: Asked, brief: Brief, found: Found) -> str:
    from agents.wording import analyst_view

    return str(analyst_view(brief)["summary"])


def _amount(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    noun = "break" if case["break_count"] == 1 else "breaks"
    unit = f" {case['currency']}" if case["currency"] else ""
    total = format(Decimal(case["amount"]), ",f")
    return f"{total}{unit} in total, over {case['break_count']} {noun}. {_cited(_of(brief, 'break')[:1])}".strip()


def _onset(asked: Asked, brief: Brief, found: Found) -> str:
    shown = _of(brief, "onset")[:1]
    since = brief["case"]["onset"]
    opening = f"It has been open since {since}." if since else "The rows carry no date, so its age is not known."
    return f"{opening} {_cited(shown)}".strip()


def _cause(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    if case["cause"] in ("unknown", ""):
        return f"No mechanism was found that explains the amounts. {_cited(_of(brief, 'break', 'slice')[:2])}".strip()
    shown = _of(brief, "proof", "pair")[:2] or _of(brief, "break")[:1]
    return f"{case['cause_label']}. {_cited(shown)}"


def _pattern(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    return f"Pattern: {case['pattern_label']}. Cause: {case['cause_label']}. {_cited(_of(brief, 'band')[:1])}".strip()


def _confidence(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    if case["cause"] in ("unknown", ""):
        return "The cause is not known: no mechanism was found, so there is nothing to be sure of. " + next_step(brief)
    shown = _of(brief, "proof", "pair", "slice")[:2]
    early = " The history is short, so take it as provisional." if case["provisional"] else ""
    basis = "It is proved by arithmetic" if _of(brief, "proof") else "It rests on resemblance, not on proof"
    return f"{basis}. {_cited(shown)}{early}".strip()


def _scope(asked: Asked, brief: Brief, found: Found) -> str:
    scope = ", ".join(f"{c} {v}" for c, v in (brief["case"]["scope"] or brief["case"]["key"]).items())
    opening = f"They share {scope}." if scope else "They share no single column value."
    return f"{opening} {_cited(_of(brief, 'slice')[:1])}".strip()


def _next(asked: Asked, brief: Brief, found: Found) -> str:
    precedent = brief["consensus"]
    like = f" {precedent['statement']}: «{precedent['comment']}»." if precedent else ""
    return f"{next_step(brief)}{like}"


def _band(asked: Asked, brief: Brief, found: Found) -> str:
    return _cited([*_of(brief, "band")[:2], *found[:2]]) or "No band is known: the series has too little history."


def _largest(asked: Asked, brief: Brief, found: Found) -> str:
    return f"The largest: {_cited(found[:1])}"


def _proof(asked: Asked, brief: Brief, found: Found) -> str:
    shown = [e for e in found if e["kind"] in ("proof", "pair", "slice", "side", "total")] or found
    if brief["case"]["cause"] in ("unknown", ""):
        return f"No mechanism was found that explains the amounts; this is what is known. {_cited(shown[:4])}"
    return _cited(shown[:5])


def _settle(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    if case["cause"] in ("unknown", ""):
        return f"What would settle it: the entries behind the difference in both sources. {next_step(brief)}"
    if case["provisional"]:
        return f"What would settle it: more history of this series. {_cited(_of(brief, 'proof')[:1])}".strip()
    side = side_name(brief) or "either source"
    return f"What would settle it: confirmation from {side}. {_cited(_of(brief, 'proof')[:1])}".strip()


def _execute(asked: Asked, brief: Brief, found: Found) -> str:
    return (
        "I never send or approve anything; that is yours to decide on the draft itself. "
        f"This is what waits: {_cited(found)}"
    )


def _help(asked: Asked, brief: Brief, found: Found) -> str:
    asks = "; ".join(f"«{intent.example}»" for intent in INTENTS if intent.example)
    return f"You can ask me such things as: {asks}."


def _unknown(asked: Asked, brief: Brief, found: Found) -> str:
    return (
        "I do not understand that. I answer questions about this case: why it was flagged, its history, both sides, "
        "its cause, how the like was resolved, tickets, drafts and promises. Say «help» for examples."
    )


def _done(asked: Asked, brief: Brief, found: Found) -> str:
    return " ".join(str(e["statement"]) for e in found)


INTENTS: Final[tuple[Intent, ...]] = (
    Intent("why", "why is this flagged?", _nothing, _why),
    Intent("why_not", "why is this not anomalous?", _nothing, _why_not),
    Intent("history", "show last quarter", _tool("series_history", "row", "last", "since"), _lead("")),
    Intent("resolved", "who resolved the last one, and how?", _tool("similar_resolutions"), _resolved),
    Intent("side", "is it the ledger side?", _tool("two_sides", "row"), _side),
    Intent("changed", "what changed since yesterday?", _tool("what_changed", "row"), _lead("")),
    Intent("revise", "make the mail shorter", _tool("revise_draft", "words"), _done),
    Intent("tag", "this is a false positive", _tool("propose_tag", "verdict", "cause", "pattern", "words"), _done),
    Intent("summary", "summarise this case", _nothing, _summary),
    Intent("amount", "how much is it in total?", _nothing, _amount),
    Intent("onset", "since when?", _nothing, _onset),
    Intent("rows", "list the breaks", _tool("list_breaks"), _lead("")),
    Intent("cause", "what is the root cause?", _nothing, _cause),
    Intent("pattern", "which bucket is it in?", _nothing, _pattern),
    Intent("confidence", "how sure are you?", _nothing, _confidence),
    Intent("scope", "what do they have in common?", _nothing, _scope),
    Intent("offset", "does anything cancel it out?", _tool("co_moving_breaks", "row"), _lead("")),
    Intent("ticket", "is there a ticket already?", _tool("open_tickets"), _lead("")),
    Intent("drafts", "what have you drafted?", _tool("show_drafts"), _lead("")),
    Intent("promise", "was a promise made?", _tool("promises"), _lead("")),
    Intent("next", "what should I do next?", _nothing, _next),
    Intent("band", "what is the expected range?", _tool("series_summary", "row"), _band),
    Intent("by_column", "break it down by currency", _tool("aggregate_breaks", "by", "measure"), _lead("")),
    Intent("largest", "which break is the largest?", _tool("list_breaks", limit=1), _largest),
    Intent("who", "who has worked on this?", _tool("case_history"), _lead("")),
    Intent("close", "close these like last month", _tool("propose_close"), _done),
    Intent("values", "show both sides", _tool("two_sides", "row"), lambda a, b, f: _cited(f[:1])),
    Intent("settle", "what would settle it?", _nothing, _settle),
    Intent("proof", "show me the arithmetic", _tool("case_evidence"), _proof),
    Intent("execute", "", _tool("show_drafts"), _execute),
    Intent("help", "", _nothing, _help),
    Intent("unknown", "", _nothing, _unknown),
)
_BY_NAME: Final = {intent.name: intent for intent in INTENTS}
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


def converse(messages: Sequence[BaseMessage], tools: set[str]) -> AIMessage:
    """One turn of the offline assistant: ask the tools, or answer from what they found."""
    from agents.offline import brief_in

    brief = brief_in(messages)
    question, results = _last_turn(messages)
    if brief is None or not question:
        return AIMessage(_unknown(Asked("unknown"), {}, ()), response_metadata={"finish_reason": "stop"})
    asked = understand(question, brief)
    intent = _BY_NAME[asked.intent]
    calls = [(name, args) for name, args in intent.calls(asked, brief) if name in tools]
    if calls and not results:
        return AIMessage(
            content="",
            tool_calls=[
                {"name": name, "args": args, "id": f"call_{n}", "type": "tool_call"}
                for n, (name, args) in enumerate(calls)
            ],
            response_metadata={"finish_reason": "tool_calls"},
        )
    return AIMessage(intent.answer(asked, brief, results), response_metadata={"finish_reason": "stop"})


def _last_turn(messages: Sequence[BaseMessage]) -> tuple[str, list[Mapping[str, Any]]]:
    """The operator's last question and what tools found for it."""
    question = ""
    results: list[Mapping[str, Any]] = []
    for message in messages:
        text = message.content if isinstance(message.content, str) else ""
        if message.type == "human" and not text.startswith("{"):
            question, results = text, []
        elif message.type == "tool":
            results += _found(text)
    return question, results


def _found(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError:
        return [{"id": "note", "kind": "note", "statement": text, "values": {}}]
    return found if isinstance(found, list) else [found]
