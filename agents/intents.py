"""How each kind of question is answered: which tools are asked, and what is said of what they found."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agents.understanding import Asked, Brief, understand_all
from agents.wording import next_step, side_name

Found = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Intent:
    """How one kind of question is answered: which tools to ask, and what to say of what they found."""

    name: str
    example: str
    calls: Callable[[Asked, Brief], list[tuple[str, dict[str, Any]]]]
    answer: Callable[[Asked, Brief, Found], str]


# --- answering --------------------------------------------------------------------------------------------------


NOTE: Final = "note"
"""The id of what a tool says that is no evidence: nothing is cited for it."""


def _cited(found: Found, limit: int = 12) -> str:
    lines = []
    for e in found[:limit]:
        statement = " ".join(str(e["statement"]).split()).rstrip(".")
        lines.append(f"{statement}." if e["id"] == NOTE else f"{statement} [{e['id']}].")
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
    # what the breaks share says more than the band of each
    kinds = ("slice", "proof", "band") if _of(brief, "slice") else ("band", "proof")
    shown = [e for kind in kinds for e in _of(brief, kind)[:1]] or brief["evidence"][:2]
    if case["kind"] == "document":
        return f"It is not flagged: its breaks are in line with their own past. {_cited(shown)}"
    return f"It is out of pattern ({case['pattern_label']}). {_cited(shown)}"


def _why_not(asked: Asked, brief: Brief, found: Found) -> str:
    case = brief["case"]
    shown = _of(brief, "band", "onset")[:2] or brief["evidence"][:2]
    if case["kind"] == "document" or case["pattern"] == "in_line":
        return f"It is in line with its own past ({case['pattern_label']}). {_cited(shown)}"
    return f"It does count as out of pattern ({case['pattern_label']}). {_cited(shown)}"


_COMMENT: Final = re.compile(r"«[^»]*»")


def _resolved(asked: Asked, brief: Brief, found: Found) -> str:
    """What was said most, then the precedents whose words are others: five that say the same say it once."""
    said: list[Mapping[str, Any]] = []
    for e in found:
        words = _COMMENT.search(str(e["statement"]))
        if words is None or not any(words[0] in str(other["statement"]) for other in said):
            said.append(e)
    return _cited(said, 4)


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
    facts = _cited([*sides[:1], *proofs])
    return facts if facts.startswith(opening.rstrip(".")) else f"{opening} {facts}".strip()


def _summary(asked: Asked, brief: Brief, found: Found) -> str:
    from agents.wording import analyst_view

    return str(analyst_view(brief)["summary"])


def _amount(asked: Asked, brief: Brief, found: Found) -> str:
    total = _of(brief, "total")[:1]
    if total:
        return _cited([*total, *_of(brief, "break")[:1]])
    case = brief["case"]
    noun = "break" if case["break_count"] == 1 else "breaks"
    unit = f" {case['currency']}" if case["currency"] else ""
    amount = format(Decimal(case["amount"]), ",f")
    return f"{amount}{unit} in total, over {case['break_count']} {noun}. {_cited(_of(brief, 'break')[:1])}".strip()


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
    Intent("by_column", "break it down by currency", _tool("aggregate_breaks", "by", "measure", "whole"), _lead("")),
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


def converse(messages: Sequence[BaseMessage], tools: set[str]) -> AIMessage:
    """One turn of the offline assistant: ask the tools, or answer from what they found."""
    from agents.offline import brief_in

    brief = brief_in(messages)
    question, before, results = _last_turn(messages)
    if brief is None or not question:
        return AIMessage(_unknown(Asked("unknown"), {}, ()), response_metadata={"finish_reason": "stop"})
    every = understand_all(question, before, brief)
    calls = [
        {"name": name, "args": args, "id": f"call_{n}_{m}", "type": "tool_call"}
        for n, asked in enumerate(every)
        for m, (name, args) in enumerate(_BY_NAME[asked.intent].calls(asked, brief))
        if name in tools
    ]
    if calls and not results:
        return AIMessage(content="", tool_calls=calls, response_metadata={"finish_reason": "tool_calls"})
    answers = [_BY_NAME[a.intent].answer(a, brief, results.get(str(n), ())) for n, a in enumerate(every)]
    return AIMessage("\n\n".join(answers), response_metadata={"finish_reason": "stop"})


Results = Mapping[str, list[Mapping[str, Any]]]


def _last_turn(messages: Sequence[BaseMessage]) -> tuple[str, str, Results]:
    """The operator's last question, the one before it, and what tools found, by the question's part."""
    question = before = ""
    results: dict[str, list[Mapping[str, Any]]] = {}
    for message in messages:
        text = message.content if isinstance(message.content, str) else ""
        if message.type == "human" and not text.startswith("{"):
            question, before, results = text, question, {}
        elif isinstance(message, ToolMessage):
            part = message.tool_call_id.split("_")[1]
            results.setdefault(part, []).extend(_found(text))
    return question, before, results


def _found(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError:
        return [{"id": NOTE, "kind": "note", "statement": text, "values": {}}]
    return found if isinstance(found, list) else [found]
