"""The assistant: answers an operator about a case or a selection, cites, may revise a draft, and never executes."""

import json
import logging
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from agents.deeds import DEEDS, deed_schemas, do_deed
from agents.desk import Desk
from agents.event import Event, evidence_json
from agents.grounding import Fault, check, check_cites, cited_in
from agents.offline import OfflineModel
from agents.reply import Call, ModelFault, Reply, gathered, read_reply
from agents.toolbox import BOXES, BY_NAME, Workplace, bench_of, call_tool
from agents.turn import CALLS, Turn, open_turn, opening
from agents.vetting import facts_for, told
from memory.action import Person
from memory.chats import Chats
from memory.usage import Bill, Usage
from recon.errors import TieoutError

log = logging.getLogger(__name__)
ROUNDS: Final = 6
"""Times that the model is asked for one question."""
QUESTION_CHARS: Final = 4000
"""What is read of a question; the rest is cut off."""


async def ask(desk: Desk, case_id: str | Sequence[str], question: str, who: str | Person) -> AsyncIterator[Event]:
    """The answer as events. The last one is `done`, or `error` with one sentence for the operator."""
    by = who if isinstance(who, Person) else Person(who, "operator")
    ids = [case_id] if isinstance(case_id, str) else list(dict.fromkeys(case_id))
    question = question.strip()[:QUESTION_CHARS]
    try:
        turn = open_turn(desk, ids, question, by)
    except TieoutError as error:
        yield Event(event="error", message=str(error))
        return
    Chats(desk.db, desk.clock).add(ids[0], "user", by.name, question)
    answer, source, why = "", "rules", ""
    async for event in _answer(turn, ids[0]):
        if event.event == "answer":
            answer, source, why = str(event["text"]), str(event["source"]), str(event["why"])
        else:
            yield event
    for piece in re.findall(r"\S+\s*|\s+", answer):
        yield Event(event="token", text=piece)
    cites = list(dict.fromkeys(cited_in(answer)))
    _keep(turn, ids[0], answer, cites, source)
    tokens = 0 if _free(desk) else turn.spent.tokens
    yield Event(event="done", text=answer, cites=cites, source=source, why_rules=why, tokens=tokens)


async def _answer(turn: Turn, case_id: str) -> AsyncIterator[Event]:
    """By the model; where it fails, by rule. The last event is `answer`."""
    desk = turn.desk
    free = _free(desk)
    try:
        async for event in _converse(turn, desk.model, vetted=not free):
            yield _signed(event, "rules" if free else "model", "")
    except Exception as error:  # a model's server fails in ways that no library has a name for
        why = str(error) if isinstance(error, ModelFault) else f"the model could not be asked ({type(error).__name__})"
        log.info("case %s: the assistant answers by rule: %s", case_id, why)
        turn.messages, turn.calls = opening(desk, turn.known, turn.mask, turn.question, []), 0
        async for event in _converse(turn, OfflineModel(), vetted=False):
            yield _signed(event, "rules", why)


def _signed(event: Event, source: str, why: str) -> Event:
    """An answer with where it is from, and why not from the model; any other event as it is."""
    return Event(event, source=source, why=why) if event.event == "answer" else event


def _keep(turn: Turn, case_id: str, answer: str, cites: list[str], source: str) -> None:
    """What was spent, and the answer with all that it rests on."""
    desk = turn.desk
    if not _free(desk):
        Usage(desk.db, desk.clock).record(Bill(case_id, "assistant", _model_name(desk), turn.spent))
    shown = [evidence_json(e) for e in turn.evidence if e.id in cites]
    body = {"cites": cites, "evidence": shown, "tools": turn.tools, "actions": turn.actions, "source": source}
    Chats(desk.db, desk.clock).add(case_id, "assistant", "tieout", answer, body)


def _free(desk: Desk) -> bool:
    """True for the model that costs nothing: the rules themselves."""
    return bool(getattr(desk.model, "free", False))


def _model_name(desk: Desk) -> str:
    return str(getattr(desk.model, "model_name", None) or desk.model._llm_type)


async def _converse(turn: Turn, model: Any, *, vetted: bool) -> AsyncIterator[Event]:
    """Tools, evidence and deeds as they happen; at the end one `answer` event with the whole text."""
    tools = [BY_NAME[name].schema() for name in BOXES["assistant"]] + deed_schemas()
    bound = model.bind_tools(tools)
    _refuse_when_poor(turn, vetted)
    for n in range(ROUNDS):
        last = n == ROUNDS - 1 or turn.calls >= CALLS
        reply = await _listen(model if last else bound, turn.messages)
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


def _refuse_when_poor(turn: Turn, vetted: bool) -> None:
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


def _send_back(turn: Turn, reply: Reply, why: str) -> None:
    if turn.returned:
        msg = f"not borne by the evidence: {why}"
        raise ModelFault(msg)
    turn.returned = True
    words = turn.mask.hide_text(f"Not accepted: {why}. Answer again; state only what the cited evidence states.")
    turn.messages += [AIMessage(reply.text or "…"), HumanMessage(words)]


def _faults(turn: Turn, text: str) -> list[Fault]:
    """What an answer states that its evidence does not bear. What it cites counts, or, where it cites nothing,
    nothing but the case itself."""
    cites = cited_in(text)
    ids = [e.id for e in turn.evidence] + [m.resolution.id for m in turn.known.similar]
    faults = check_cites(cites, [*ids, *(k.case.id for k in turn.cases)])
    by_resolution = {str(e.values["resolution_id"]): e.id for e in turn.evidence if "resolution_id" in e.values}
    meant = [by_resolution.get(c, c) for c in cites]
    return faults + check(text, facts_for(turn.known, turn.evidence, meant))


async def _use(turn: Turn, call: Call) -> ToolMessage:
    """Calls a tool or does a deed; what is wrong with the call is the answer that the model gets."""
    turn.calls += 1
    turn.tools.append(call.name)
    if call.broken:
        return ToolMessage(call.broken, tool_call_id=call.id, status="error")
    args = turn.mask.show(dict(call.args))
    turn.events.append(Event(event="tool", name=call.name, args=args))
    try:
        if call.name in DEEDS:
            said = await do_deed(turn, call.name, args)
            return ToolMessage(json.dumps(turn.mask.hide([said])), tool_call_id=call.id)
        numbers = [int(e.id[1:]) for e in turn.evidence if e.id[1:].isdigit()]
        at = Workplace(bench_of(turn.desk, turn.known), turn.known, max(numbers, default=0) + 1)
        found = call_tool(at, call.name, args, BOXES["assistant"])
    except (TieoutError, ValidationError) as fault:
        words = str(fault) if isinstance(fault, TieoutError) else f"{call.name}: {fault.errors()[0]['msg'].lower()}"
        return ToolMessage(turn.mask.hide_text(words), tool_call_id=call.id, status="error")
    held = {e.id for e in turn.evidence}
    turn.evidence += [e for e in found if e.id not in held]
    turn.events += [Event(event="evidence", **evidence_json(e)) for e in found]
    return ToolMessage(
        json.dumps(turn.mask.hide([evidence_json(e) for e in found]), ensure_ascii=False), tool_call_id=call.id
    )
