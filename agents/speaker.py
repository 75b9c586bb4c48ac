"""The one place that calls the chat model: asks a node's question and always comes back with an answer."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import ValidationError

from agents import wording
from agents.brief import Known, brief
from agents.desk import Desk
from agents.prompting import render
from agents.state import Source
from agents.views import ANSWERS, View

log = logging.getLogger(__name__)

_WORDING = {
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


class Speaker:
    """Asks the model for one node's view of one case."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._model: BaseChatModel = desk.model

    async def ask(self, node: str, known: Known, **prompt: str) -> Said:
        """The model's view where it holds; the deterministic one otherwise. Never raises for a model's fault."""
        paper = brief(known)
        schema = ANSWERS[node]
        try:
            bound = self._model.bind_tools([schema], tool_choice="any")
            messages = [SystemMessage(self._system(node, known, prompt)), HumanMessage(json.dumps(paper))]
            answer = await bound.ainvoke(messages)
            view = schema.model_validate(answer.tool_calls[0]["args"])
            return Said(view, "model" if not getattr(self._model, "free", False) else "rules")
        except (ValidationError, IndexError) as error:
            return self.by_rule(node, known, f"the model's answer could not be read ({type(error).__name__})")

    def by_rule(self, node: str, known: Known, why: str) -> Said:
        """The deterministic view."""
        return Said(ANSWERS[node].model_validate(_WORDING[node](brief(known))), "rules", why)

    def _system(self, node: str, known: Known, prompt: Mapping[str, str]) -> str:
        rules = render("rules", left=known.sources.left, right=known.sources.right, calls="4")
        return render(node, rules=rules, **prompt)


def with_wish(known: Known, wish: str, template: Mapping[str, Any]) -> Known:
    """The same case with the operator's wish and the planner's template."""
    return replace(known, wish=wish, template=template)
