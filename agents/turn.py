"""One question under way: the case asked about, who asks, what was said, and what came of it so far."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from agents.brief import Known, brief
from agents.casework import gather
from agents.desk import Desk
from agents.event import Event
from agents.masking import Mask, mask_key, secrets_of, values_to_mask, vocabulary
from agents.prompting import render
from agents.selection import together
from memory.action import Person
from memory.chats import Chats
from memory.usage import Spent
from recon.case import Evidence

CALLS: Final = 8
"""Tools that one question may call."""
REMEMBERED: Final = 8
"""Messages of the conversation so far that the model sees."""
SELECTED: Final = 20
"""Cases of a selection that are looked at."""


@dataclass
class Turn:
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
    """An answer was sent back once already."""

    def tell(self, action: dict[str, Any]) -> None:
        """Says that a draft or a proposal was made."""
        self.actions.append(action)
        self.events.append(Event(event="action", **action))


def open_turn(desk: Desk, ids: Sequence[str], question: str, by: Person) -> Turn:
    """Gathers the cases and opens the conversation; raises NotFound for a case that there is not."""
    cases = tuple(gather(desk, case_id) for case_id in ids[:SELECTED])
    known = cases[0] if len(cases) == 1 else together(cases)
    mask = _mask(desk, cases)
    history = Chats(desk.db, desk.clock).of_case(ids[0], REMEMBERED)
    said: list[BaseMessage] = [
        HumanMessage(mask.hide_text(m.text)) if m.role == "user" else AIMessage(mask.hide_text(m.text)) for m in history
    ]
    messages = opening(desk, known, mask, question, said)
    return Turn(desk, cases, known, mask, question, by, messages, list(known.evidence))


def _mask(desk: Desk, cases: Sequence[Known]) -> Mask:
    """Everything that the workspace knows of the masked columns: an answer's tools may bring any of it up."""
    first = cases[0]
    key = mask_key(desk.settings.home) if first.said.mask else b""
    masked = vocabulary(desk.db, first.case.recon, first.said.mask)
    for known in cases:
        for column, values in values_to_mask(known).items():
            masked.setdefault(column, set()).update(values)
    return Mask(masked, key, secrets_of(desk.settings))


def opening(desk: Desk, known: Known, mask: Mask, question: str, history: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What the model is told first: the rules, the brief, the conversation so far, the question; masked."""
    rules = render("rules", left=known.sources.left, right=known.sources.right, calls=CALLS)
    paper = json.dumps(mask.hide(brief(known)), ensure_ascii=False)
    return [
        SystemMessage(mask.hide_text(render("assistant", rules=rules))),
        HumanMessage(paper),
        *history,
        HumanMessage(mask.hide_text(question)),
    ]
