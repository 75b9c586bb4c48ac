"""The assistant: answers an operator about a case or a selection, cites, may revise a draft, and never executes."""

import json
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.brief import Known, brief
from agents.casework import gather
from agents.closing import draft_close
from agents.desk import Desk
from agents.grounding import Fault, check, check_cites, cited_in
from agents.masking import Mask, mask_key, secrets_of, values_to_mask, vocabulary
from agents.offline import OfflineModel
from agents.prompting import render
from agents.reply import Call, ModelFault, Reply, gathered, read_reply
from agents.toolbox import BOXES, BY_NAME, Workplace, bench_of, call_tool
from agents.vetting import facts_for, told
from memory.action import Person
from memory.chats import Chats
from memory.usage import Bill, Spent, Usage
from recon.case import Case, Evidence
from recon.errors import TieoutError
from recon.words import Cause, Pattern
from tools.bench import ToolFault

log = logging.getLogger(__name__)

ROUNDS: Final = 6
CALLS: Final = 8
REMEMBERED: Final = 8
"""Messages of the conversation so far that the model sees."""
SELECTED: Final = 20
QUESTION_CHARS: Final = 4000


class Event(dict[str, Any]):
    """One event of an answer: `event` is token, tool, evidence, action, done or error; the rest is its data."""

    @property
    def event(self) -> str:
        return str(self["event"])

    @property
    def kind(self) -> str:
        return self.event

    @property
    def data(self) -> dict[str, Any]:
        return {name: value for name, value in self.items() if name != "event"}


class ReviseArgs(BaseModel):
    """Makes the open drafts anew by the operator's own words; they wait for approval again."""

    model_config = ConfigDict(extra="ignore")

    words: str = Field(default="", description="left empty: the operator's own words are used")


class TagArgs(BaseModel):
    """Proposes a tag for the case; the operator saves it or not."""

    model_config = ConfigDict(extra="ignore")

    verdict: Literal["true", "false_positive", "missed", "corrected"]
    cause: Cause | None = None
    pattern: Pattern | None = None
    words: str = ""


class CloseArgs(BaseModel):
    """Drafts the comment that breaks like these were closed with; it waits for approval."""

    model_config = ConfigDict(extra="ignore")


_DEEDS: Final[Mapping[str, type[BaseModel]]] = {
    "revise_draft": ReviseArgs,
    "propose_tag": TagArgs,
    "propose_close": CloseArgs,
}
"""What the assistant may set in motion. Each of them only makes a draft or a proposal that waits for a person."""


def deed_schemas() -> list[dict[str, Any]]:
    """The assistant's own tools in OpenAI's form."""
    out = []
    for name, args in _DEEDS.items():
        form = args.model_json_schema()
        says = form.pop("description", "")
        form.pop("title", None)
        out.append({"type": "function", "function": {"name": name, "description": says, "parameters": form}})
    return out


@dataclass
class _Turn:
    """One question under way."""

    desk: Desk
    cases: tuple[Known, ...]
    known: Known
    """The case asked about; of a selection, all of them as one."""
    mask: Mask
    question: str
    by: Person
    messages: list[BaseMessage]
    evidence: list[Evidence]
    spent: Spent = field(default_factory=Spent)
    calls: int = 0
    events: list[Event] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    returned: bool = False


async def ask(desk: Desk, case_id: str | Sequence[str], question: str, who: str | Person) -> AsyncIterator[Event]:
    """The answer as events. The last one is `done`, or `error` with one sentence for the operator."""
    by = who if isinstance(who, Person) else Person(who, "operator")
    ids = [case_id] if isinstance(case_id, str) else list(dict.fromkeys(case_id))
    question = question.strip()[:QUESTION_CHARS]
    try:
        turn = _open(desk, ids, question, by)
    except TieoutError as error:
        yield Event(event="error", message=str(error))
        return
    chats = Chats(desk.db, desk.clock)
    chats.add(ids[0], "user", by.name, question)
    answer, source, why = "", "rules", ""
    free = bool(getattr(desk.model, "free", False))
    try:
        async for event in _converse(turn, desk.model, vetted=not free):
            if event.event == "answer":
                answer, source = str(event["text"]), "rules" if free else "model"
            else:
                yield event
    except Exception as error:  # a model's server fails in ways that no library has a name for
        why = str(error) if isinstance(error, ModelFault) else f"the model could not be asked ({type(error).__name__})"
        log.info("case %s: the assistant answers by rule: %s", ids[0], why)
        turn = replace(turn, messages=_opening(desk, turn.known, turn.mask, question, []), calls=0)
        async for event in _converse(turn, OfflineModel(), vetted=False):
            if event.event == "answer":
                answer = str(event["text"])
            else:
                yield event
    for piece in re.findall(r"\S+\s*|\s+", answer):
        yield Event(event="token", text=piece)
    cites = list(dict.fromkeys(cited_in(answer)))
    if not free:
        Usage(desk.db, desk.clock).record(Bill(ids[0], "assistant", _model_name(desk), turn.spent))
    shown = [_evidence_json(e) for e in turn.evidence if e.id in cites]
    body = {"cites": cites, "evidence": shown, "tools": turn.tools, "actions": turn.actions, "source": source}
    chats.add(ids[0], "assistant", "tieout", answer, body)
    yield Event(
        event="done", text=answer, cites=cites, source=source, why_rules=why, tokens=0 if free else turn.spent.tokens
    )


def _model_name(desk: Desk) -> str:
    return str(getattr(desk.model, "model_name", None) or desk.model._llm_type)


# --- opening ----------------------------------------------------------------------------------------------------


def _open(desk: Desk, ids: Sequence[str], question: str, by: Person) -> _Turn:
    cases = tuple(gather(desk, case_id) for case_id in ids[:SELECTED])
    known = cases[0] if len(cases) == 1 else together(cases)
    mask = _mask(desk, cases)
    history = Chats(desk.db, desk.clock).of_case(ids[0], REMEMBERED)
    said: list[BaseMessage] = [
        HumanMessage(mask.hide_text(m.text)) if m.role == "user" else AIMessage(mask.hide_text(m.text)) for m in history
    ]
    messages = _opening(desk, known, mask, question, said)
    return _Turn(desk, cases, known, mask, question, by, messages, list(known.evidence))


def _mask(desk: Desk, cases: Sequence[Known]) -> Mask:
    """Everything that the workspace knows of the masked columns: an answer's tools may bring any of it up."""
    first = cases[0]
    key = mask_key(desk.settings.home) if first.said.mask else b""
    masked = vocabulary(desk.db, first.case.recon, first.said.mask)
    for known in cases:
        for column, values in values_to_mask(known).items():
            masked.setdefault(column, set()).update(values)
    return Mask(masked, key, secrets_of(desk.settings))


def _opening(desk: Desk, known: Known, mask: Mask, question: str, history: Sequence[BaseMessage]) -> list[BaseMessage]:
    rules = render("rules", left=known.sources.left, right=known.sources.right, calls=CALLS)
    paper = json.dumps(mask.hide(brief(known)), ensure_ascii=False)
    return [
        SystemMessage(mask.hide_text(render("assistant", rules=rules))),
        HumanMessage(paper),
        *history,
        HumanMessage(mask.hide_text(question)),
    ]


def together(cases: Sequence[Known]) -> Known:
    """A selection as one case: every case is a piece of evidence, and the breaks are those of all."""
    first = cases[0]
    evidence = []
    for n, k in enumerate(cases, start=1):
        c = k.case
        statement = f"Case {c.id}: {c.title}"
        values = {
            "case_id": c.id,
            "title": c.title,
            "total": format(c.amount, "f"),
            "currency": c.currency,
            "break_count": c.break_count,
            "cause": c.cause,
            "pattern": c.pattern,
            "scope": {p.column: p.value for p in c.scope},
        }
        evidence.append(Evidence(f"E{n}", "break", statement, values, c.rows[:20]))
    currencies = {k.case.currency for k in cases}
    total = sum((k.case.amount for k in cases), Decimal(0)) if len(currencies) == 1 else Decimal(0)
    case: Case = replace(
        first.case,
        title=f"{len(cases)} cases selected",
        evidence=tuple(evidence),
        break_count=sum(k.case.break_count for k in cases),
        amount=total,
        currency=first.case.currency if len(currencies) == 1 else "",
        scope=(),
        key={},
    )
    breaks = tuple(b for k in cases for b in k.breaks)
    return replace(first, case=case, breaks=breaks, evidence=tuple(evidence))


# --- the conversation -------------------------------------------------------------------------------------------


async def _converse(turn: _Turn, model: Any, *, vetted: bool) -> AsyncIterator[Event]:
    """Tools, evidence and deeds as they happen; at the end one `answer` event with the whole text."""
    tools = [BY_NAME[name].schema() for name in BOXES["assistant"]] + deed_schemas()
    bound = model.bind_tools(tools)
    bare = model
    _refuse_when_poor(turn, vetted)
    for n in range(ROUNDS):
        last = n == ROUNDS - 1 or turn.calls >= CALLS
        reply = await _listen(bare if last else bound, turn.messages)
        turn.spent += reply.spent
        if reply.calls and not last:
            turn.messages.append(reply.message)
            for call in reply.calls:
                turn.messages.append(await _use(turn, call))
                for event in turn.events:
                    yield event
                turn.events.clear()
            continue
        text = str(turn.mask.show(reply.text)).strip()
        faults = _faults(turn, text) if vetted else []
        if text and not faults:
            yield Event(event="answer", text=text)
            return
        _send_back(turn, reply, told(faults) if faults else "the answer was empty")
    msg = "the model went on calling tools without an answer"
    raise ModelFault(msg)


def _refuse_when_poor(turn: _Turn, vetted: bool) -> None:
    if not vetted:
        return
    usage, settings = Usage(turn.desk.db, turn.desk.clock), turn.desk.settings
    if usage.of_case(turn.cases[0].case.id).tokens >= settings.tokens_per_case:
        msg = "the case's budget of tokens is used up"
        raise ModelFault(msg)
    if usage.of_day().tokens >= settings.tokens_per_day:
        msg = "the day's budget of tokens is used up"
        raise ModelFault(msg)


async def _listen(model: Any, messages: Sequence[BaseMessage]) -> Reply:
    chunks: list[AIMessageChunk] = [chunk async for chunk in model.astream(messages)]
    return read_reply(gathered(chunks), sum(len(str(m.content)) for m in messages))


def _send_back(turn: _Turn, reply: Reply, why: str) -> None:
    if turn.returned:
        msg = f"not borne by the evidence: {why}"
        raise ModelFault(msg)
    turn.returned = True
    words = turn.mask.hide_text(f"Not accepted: {why}. Answer again; state only what the cited evidence states.")
    turn.messages += [AIMessage(reply.text or "…"), HumanMessage(words)]


def _faults(turn: _Turn, text: str) -> list[Fault]:
    """What an answer states that its evidence does not bear. What it cites counts, or, where it cites nothing,
    nothing but the case itself."""
    cites = cited_in(text)
    ids = [e.id for e in turn.evidence] + [m.resolution.id for m in turn.known.similar]
    faults = check_cites(cites, [*ids, *(k.case.id for k in turn.cases)])
    by_resolution = {str(e.values["resolution_id"]): e.id for e in turn.evidence if "resolution_id" in e.values}
    meant = [by_resolution.get(c, c) for c in cites]
    return faults + check(text, facts_for(turn.known, turn.evidence, meant))


# --- tools and deeds --------------------------------------------------------------------------------------------


async def _use(turn: _Turn, call: Call) -> ToolMessage:
    turn.calls += 1
    turn.tools.append(call.name)
    if call.broken:
        return ToolMessage(call.broken, tool_call_id=call.id, status="error")
    args = turn.mask.show(dict(call.args))
    turn.events.append(Event(event="tool", name=call.name, args=args))
    try:
        if call.name in _DEEDS:
            said = await _deed(turn, call.name, args)
            return ToolMessage(json.dumps(turn.mask.hide([said])), tool_call_id=call.id)
        numbers = [int(e.id[1:]) for e in turn.evidence if e.id[1:].isdigit()]
        at = Workplace(bench_of(turn.desk, turn.known), turn.known, max(numbers, default=0) + 1)
        found = call_tool(at, call.name, args, BOXES["assistant"])
    except (TieoutError, ValidationError) as fault:
        words = str(fault) if isinstance(fault, TieoutError) else f"{call.name}: {fault.errors()[0]['msg'].lower()}"
        return ToolMessage(turn.mask.hide_text(words), tool_call_id=call.id, status="error")
    held = {e.id for e in turn.evidence}
    turn.evidence += [e for e in found if e.id not in held]
    turn.events += [Event(event="evidence", **_evidence_json(e)) for e in found]
    return ToolMessage(
        json.dumps(turn.mask.hide([_evidence_json(e) for e in found]), ensure_ascii=False), tool_call_id=call.id
    )


def _evidence_json(e: Evidence) -> dict[str, Any]:
    return {"id": e.id, "kind": e.kind, "statement": e.statement, "values": e.values, "rows": list(e.rows[:50])}


async def _deed(turn: _Turn, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    given = _DEEDS[name].model_validate(dict(args))
    match given:
        case ReviseArgs():
            return await _revise(turn)
        case TagArgs():
            return _propose_tag(turn, given)
        case _:
            return _propose_close(turn)


async def _revise(turn: _Turn) -> dict[str, Any]:
    """By the operator's own words, never the model's: a draft is not steered by what a model read somewhere."""
    from agents.graph import redraft

    if turn.by.role == "viewer":
        msg = f"{turn.by.name} may look but not revise; ask an operator"
        raise ToolFault(msg)
    made: list[str] = []
    for known in turn.cases:
        worked = await redraft(turn.desk, known.case.id, turn.question, turn.by)
        for action_id in worked.action_ids:
            action = turn.desk.ledger.get(action_id)
            if action.state == "pending":
                made.append(action_id)
                _tell(turn, {"do": "revised", "action_id": action_id, "kind": action.kind, "payload": action.payload})
    if not made:
        return {"id": "note", "kind": "action", "statement": "There is no open draft to revise.", "values": {}}
    count = "The draft is" if len(made) == 1 else "The drafts are"
    statement = f"{count} revised and waiting for approval: {', '.join(made)}."
    return {"id": "note", "kind": "action", "statement": statement, "values": {"action_ids": made}}


def _propose_tag(turn: _Turn, given: TagArgs) -> dict[str, Any]:
    words = {
        "true": "a true break",
        "false_positive": "a false positive",
        "missed": "missed",
        "corrected": "corrected to " + " and ".join(v.replace("_", " ") for v in (given.pattern, given.cause) if v),
    }[given.verdict]
    for known in turn.cases:
        tag = {
            "do": "tag",
            "case_id": known.case.id,
            "verdict": given.verdict,
            "pattern": given.pattern,
            "cause": given.cause,
            "note": turn.question,
        }
        _tell(turn, tag)
    statement = f"I propose to tag it as {words}. It is saved when you confirm; the preview shows what it would change."
    return {"id": "note", "kind": "action", "statement": statement, "values": {"verdict": given.verdict}}


def _propose_close(turn: _Turn) -> dict[str, Any]:
    if turn.by.role == "viewer":
        msg = f"{turn.by.name} may look but not draft; ask an operator"
        raise ToolFault(msg)
    lines: list[str] = []
    for known in turn.cases:
        action = draft_close(turn.desk, known, turn.by)
        if action is None or known.consensus is None:
            lines.append(f"For case {known.case.id} no resolution like it is known, so there is no comment to reuse.")
            continue
        _tell(turn, {"do": "drafted", "action_id": action.id, "kind": action.kind, "payload": action.payload})
        lines.append(
            f"{known.consensus.statement()}: «{known.consensus.comment}». "
            f"The comment is drafted as {action.id} and waiting for approval."
        )
    return {"id": "note", "kind": "action", "statement": " ".join(lines), "values": {}}


def _tell(turn: _Turn, action: dict[str, Any]) -> None:
    turn.actions.append(action)
    turn.events.append(Event(event="action", **action))
