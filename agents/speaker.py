"""The one place that calls the chat model for the nodes: it asks, checks what comes back, and always has an answer."""

import asyncio
import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from agents import wording
from agents.brief import Known, brief
from agents.desk import Desk
from agents.grounding import check
from agents.masking import OPEN, Mask, mask_key, mentioned, secrets_of, values_to_mask, vocabulary
from agents.model import RETRIES
from agents.prompting import render, version
from agents.reply import Call, ModelFault, Reply, json_in, read_reply
from agents.state import Source
from agents.toolbox import BOXES, BY_NAME, Workplace, bench_of, call_tool
from agents.vetting import case_facts, facts_for, texts_of, told, vet
from agents.views import ANSWERS, ClassifierView, DetectorView, View
from memory.usage import Bill, Spent, Usage
from recon.case import Evidence
from tools.bench import ToolFault

log = logging.getLogger(__name__)

ROUNDS: Final = 6
"""How often one question goes back and forth; the last round must be the answer."""
CALLS: Final = 4
"""Tool calls that one question may make."""
BRIEF_CHARS: Final = 40_000
REST_SECONDS: Final = 60.0
"""How long a model that failed thrice in a row is left alone."""

_WORDING: Final = {
    "detector": wording.detector_view,
    "classifier": wording.classifier_view,
    "analyst": wording.analyst_view,
    "planner": wording.planner_view,
}


@dataclass(frozen=True)
class Said:
    """A node's answer, and whose it is."""

    view: View
    source: Source
    why_rules: str = ""
    """Why the deterministic wording stands in; empty when the model's own words do."""
    mask: Mask = OPEN
    """Hides its words where they are carried outside the store: a checkpoint holds no masked value."""


@dataclass
class Health:
    """Whether the model's server is worth asking: after three failures in a row it is left alone for a while.

    A server that did not answer at all has failed as often as it was asked: the client asked it three times.
    """

    failures: int = 0
    rest_until: float = 0.0

    def tired(self) -> bool:
        return time.monotonic() < self.rest_until

    def note(self, failures: int) -> None:
        """How often it failed just now; 0: it answered."""
        self.failures = self.failures + failures if failures else 0
        if self.failures >= 3:
            self.rest_until = time.monotonic() + REST_SECONDS


@dataclass
class _Talk:
    """One question under way."""

    node: str
    known: Known
    mask: Mask
    schema: dict[str, Any]
    box: Sequence[str]
    messages: list[BaseMessage]
    evidence: list[Evidence]
    spent: Spent = field(default_factory=Spent)
    calls: int = 0
    returned: bool = False
    """True when an ungrounded answer was sent back already: the second one is the last."""


def _asked_again(error: Exception) -> bool:
    """Whether the server did not answer, in time or at all, or was busy or broken: such a question is asked again."""
    from openai import APIConnectionError, InternalServerError, RateLimitError

    return isinstance(error, APIConnectionError | InternalServerError | RateLimitError)


class Speaker:
    """Asks the model for one node's view of one case."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._model = desk.model
        self._free = bool(getattr(desk.model, "free", False))
        self._usage = Usage(desk.db, desk.clock)
        self._health = Health()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._bound: dict[tuple[str, bool], Any] = {}
        self._vocabulary: dict[str, dict[str, set[str]]] = {}

    async def ask(self, node: str, known: Known, **prompt: str) -> Said:
        """The model's view where it holds; the deterministic one otherwise. Never raises for a model's fault."""
        talk = self._talk(node, known, prompt)
        if self._free:
            said = await self._by_offline_model(talk)
        else:
            family = self._family_key(node, known)
            async with self._locks[family]:
                said = await self._paid(talk, family)
        return replace(said, mask=talk.mask)

    async def _by_offline_model(self, talk: _Talk) -> Said:
        answer = await self._bind(talk, final=True).ainvoke(talk.messages)
        args = talk.mask.show(answer.tool_calls[0]["args"])
        return Said(ANSWERS[talk.node].model_validate(args), "rules")

    def by_rule(self, node: str, known: Known, why: str, mask: Mask = OPEN) -> Said:
        """The deterministic view."""
        if why:
            log.info("case %s, %s: deterministic wording: %s", known.case.id, node, mask.hide_text(why))
        return Said(ANSWERS[node].model_validate(_WORDING[node](brief(known))), "rules", why)

    # --- paid for once -------------------------------------------------------------------------------------------

    async def _paid(self, talk: _Talk, family: str) -> Said:
        """From what was paid for already: this very question, or its family's; else asked, within the budget."""
        node, known = talk.node, talk.known
        key = self._key(talk)
        kept = self._usage.answer(key)
        if kept is not None:
            return _kept_said(node, kept)
        relative = self._usage.answer(family) if known.case.family and not known.wish else None
        if relative is not None and relative.get("case_id") != known.case.id:
            return self._like_its_family(node, known, _kept_said(node, relative))
        broke = self._over_budget(known)
        if broke:
            return self.by_rule(node, known, broke, talk.mask)
        try:
            said = await self._converse(talk)
            self._health.note(0)
        except ModelFault as fault:
            said = self.by_rule(node, known, str(fault), talk.mask)
        except Exception as error:  # a server can fail in ways that no client library has a name for
            self._health.note(1 + RETRIES if _asked_again(error) else 1)
            said = self.by_rule(node, known, f"the model could not be asked ({type(error).__name__})", talk.mask)
        self._usage.record(Bill(known.case.id, node, self._name(), talk.spent))
        if said.source == "model":
            body = {"case_id": known.case.id, "view": said.view.model_dump(), "source": said.source}
            self._usage.keep(key, body, talk.spent)
            if not known.wish:
                self._usage.keep(family, body, talk.spent)
        return said

    def _over_budget(self, known: Known) -> str:
        if self._health.tired():
            return "the model failed several times in a row and is left alone for a minute"
        if self._usage.of_case(known.case.id).tokens >= self._desk.settings.tokens_per_case:
            return "the case's budget of tokens is used up"
        if self._usage.of_day().tokens >= self._desk.settings.tokens_per_day:
            return "the day's budget of tokens is used up"
        return ""

    def _like_its_family(self, node: str, known: Known, said: Said) -> Said:
        """A relative's verdict, in this case's own figures: its words are kept where they hold for this case too."""
        own = self.by_rule(node, known, "").view
        view = said.view
        if not vet(view, known, known.evidence):
            return Said(view, "model", "judged once for its family")
        changes: dict[str, Any] = {}
        if isinstance(view, ClassifierView):
            changes = {"verdict": view.verdict, "pattern": view.pattern, "cause": view.cause, "new_name": view.new_name}
        elif isinstance(view, DetectorView):
            changes = {"verdict": view.verdict}
        facts = facts_for(known, (), ())
        for name, text, _ in texts_of(view):
            if "." not in name and not check(text, facts) and not any(sign.isdigit() for sign in text):
                changes[name] = text
        return Said(own.model_copy(update=changes), "rules", "judged once for its family, in its own figures")

    def _family_key(self, node: str, known: Known) -> str:
        case = known.case
        words = ("family", node, version(node), self._name(), case.recon, case.family or case.id)
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()

    def _key(self, talk: _Talk) -> str:
        """Prompt version, model and evidence: the same question is never paid twice."""
        words = [talk.node, version(talk.node), self._name(), *(str(m.content) for m in talk.messages)]
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()

    def _name(self) -> str:
        return str(getattr(self._model, "model_name", None) or self._model._llm_type)

    # --- the conversation ----------------------------------------------------------------------------------------

    def _talk(self, node: str, known: Known, prompt: Mapping[str, str]) -> _Talk:
        paper = _fitting(brief(known))
        mask = self._mask(known, paper)
        paper = mask.hide(paper)
        rules = render("rules", left=known.sources.left, right=known.sources.right, calls=CALLS)
        system = mask.hide_text(render(node, rules=rules, **prompt))
        messages: list[BaseMessage] = [SystemMessage(system), HumanMessage(json.dumps(paper, ensure_ascii=False))]
        return _Talk(node, known, mask, _answer_form(node), BOXES[node], messages, list(known.evidence))

    def _mask(self, known: Known, paper: Mapping[str, Any]) -> Mask:
        settings = self._desk.settings
        if not known.said.mask:
            return Mask({}, b"", secrets_of(settings))
        recon = known.case.recon
        if recon not in self._vocabulary:
            self._vocabulary[recon] = vocabulary(self._desk.db, recon, known.said.mask)
        masked = values_to_mask(known)
        for column, values in mentioned(json.dumps(paper, ensure_ascii=False), self._vocabulary[recon]).items():
            masked.setdefault(column, set()).update(values)
        return Mask(masked, mask_key(settings.home), secrets_of(settings))

    def _bind(self, talk: _Talk, *, final: bool) -> Any:
        held = self._bound.get((talk.node, final))
        if held is None:
            tools = [] if final else [BY_NAME[name].schema() for name in talk.box]
            choice = talk.schema["function"]["name"] if final else "any"
            held = self._model.bind_tools([*tools, talk.schema], tool_choice=choice)
            self._bound[(talk.node, final)] = held
        return held

    async def _converse(self, talk: _Talk) -> Said:
        """Back and forth until an answer holds. Raises ModelFault when none does."""
        why = "the model gave no answer"
        for turn in range(ROUNDS):
            final = turn == ROUNDS - 1 or talk.calls >= CALLS
            reply = await self._send(talk, final=final)
            answers = [c for c in reply.calls if c.name == talk.schema["function"]["name"]]
            if answers or not reply.calls:
                said, why = self._take_answer(talk, reply, answers)
                if said is not None:
                    return said
                if final and turn == ROUNDS - 1:
                    break
            else:
                talk.messages.append(reply.message)
                for call in reply.calls:
                    talk.messages.append(self._use_tool(talk, call))
        raise ModelFault(why)

    async def _send(self, talk: _Talk, *, final: bool) -> Reply:
        sent = sum(len(str(m.content)) for m in talk.messages)
        try:
            message = await self._bind(talk, final=final).ainvoke(talk.messages)
        except Exception as error:
            if _too_long(error) and len(talk.messages) == 2:
                talk.messages[1] = HumanMessage(json.dumps(talk.mask.hide(_shortest(brief(talk.known)))))
                message = await self._bind(talk, final=final).ainvoke(talk.messages)
            else:
                raise
        reply = read_reply(message, sent)
        talk.spent += reply.spent
        return reply

    def _take_answer(self, talk: _Talk, reply: Reply, answers: Sequence[Call]) -> tuple[Said | None, str]:
        """The answer, if it can be read and is borne by its evidence; else why not, told to the model once."""
        call = answers[0] if answers else None
        given = dict(call.args) if call and not call.broken else json_in(reply.text)
        fault = "the answer was not given through the answer tool"
        if call and call.broken:
            fault = call.broken
        if given is not None:
            try:
                view = ANSWERS[talk.node].model_validate(talk.mask.show(given))
            except ValidationError as error:
                first = error.errors()[0]
                fault = f"{'.'.join(str(p) for p in first['loc'])}: {first['msg'].lower()}"
            else:
                faults = vet(view, talk.known, talk.evidence)
                if not faults:
                    return Said(view, "model"), ""
                fault = f"not borne by the cited evidence: {told(faults)}"
        if talk.returned:
            raise ModelFault(fault)
        talk.returned = True
        self._send_back(talk, reply, fault)
        return None, fault

    def _send_back(self, talk: _Talk, reply: Reply, fault: str) -> None:
        words = talk.mask.hide_text(f"Not accepted: {fault}. Answer again; state only what the cited evidence states.")
        talk.messages.append(reply.message)
        if reply.calls:
            talk.messages += [ToolMessage(words, tool_call_id=c.id, status="error") for c in reply.calls]
        else:
            talk.messages.append(HumanMessage(words))

    def _use_tool(self, talk: _Talk, call: Call) -> ToolMessage:
        talk.calls += 1
        if call.broken:
            return ToolMessage(call.broken, tool_call_id=call.id, status="error")
        numbers = [int(e.id[1:]) for e in talk.evidence if e.id[1:].isdigit()]
        at = Workplace(bench_of(self._desk, talk.known), talk.known, max(numbers, default=0) + 1)
        try:
            found = call_tool(at, call.name, talk.mask.show(dict(call.args)), talk.box)
        except ToolFault as fault:
            return ToolMessage(talk.mask.hide_text(str(fault)), tool_call_id=call.id, status="error")
        held = {e.id for e in talk.evidence}
        talk.evidence += [e for e in found if e.id not in held]
        paper = [{"id": e.id, "kind": e.kind, "statement": e.statement, "values": e.values} for e in found]
        return ToolMessage(json.dumps(talk.mask.hide(paper), ensure_ascii=False), tool_call_id=call.id)


@lru_cache
def _answer_form(node: str) -> dict[str, Any]:
    return convert_to_openai_tool(ANSWERS[node])


def _kept_said(node: str, kept: Mapping[str, Any]) -> Said:
    return Said(ANSWERS[node].model_validate(kept["view"]), kept.get("source", "model"))


def _too_long(error: Exception) -> bool:
    text = str(error).lower()
    return "context_length" in text or "maximum context" in text or "too many tokens" in text


def _fitting(paper: dict[str, Any]) -> dict[str, Any]:
    """The brief within its limit: rows go first, then precedents, then evidence from its end."""
    for name, keep in (("breaks", 3), ("similar", 2), ("evidence", 12), ("evidence", 6)):
        if len(json.dumps(paper)) <= BRIEF_CHARS:
            return paper
        paper = {**paper, name: paper[name][:keep]}
    return paper


def _shortest(paper: dict[str, Any]) -> dict[str, Any]:
    return {**paper, "breaks": paper["breaks"][:1], "similar": [], "evidence": paper["evidence"][:4]}


def with_wish(known: Known, wish: str, template: Mapping[str, Any]) -> Known:
    """The same case with the operator's wish and the planner's template."""
    return replace(known, wish=wish, template=template)


__all__ = ["Health", "Said", "Speaker", "case_facts", "with_wish"]
