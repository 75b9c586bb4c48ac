"""The chat model without an LLM: it speaks the tool-calling protocol by rule, so that no node needs a second path."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents import wording

_RULES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "DetectorView": wording.detector_view,
    "ClassifierView": wording.classifier_view,
    "AnalystView": wording.analyst_view,
    "PlannerView": wording.planner_view,
}


def brief_in(messages: Sequence[BaseMessage]) -> Mapping[str, Any] | None:
    """The brief that a node put before the model; None when there is none."""
    for message in messages:
        text = message.content if isinstance(message.content, str) else ""
        if message.type == "human" and text.startswith("{"):
            found: Mapping[str, Any] = json.loads(text.partition("\n\n«")[0])
            return found
    return None


class OfflineModel(BaseChatModel):
    """Answers by rule from what stands in the messages, through the tools it was given."""

    free: ClassVar[bool] = True
    """Costs nothing and is deterministic: no budget, no cache."""

    @property
    def _llm_type(self) -> str:
        return "tieout-offline"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Remembers the tools for `_generate`, in OpenAI's form."""
        formed = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=formed, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, kwargs.get("tools") or []))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages, kwargs.get("tools") or [])
        if answer.tool_calls:
            calls = [
                {"name": call["name"], "args": json.dumps(call["args"]), "id": call["id"], "index": i}
                for i, call in enumerate(answer.tool_calls)
            ]
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", tool_call_chunks=calls, response_metadata=_DONE_TOOLS)  # type: ignore[arg-type]
            )
            return
        words = str(answer.content).split(" ")
        for i, word in enumerate(words):
            text = word if i == len(words) - 1 else word + " "
            last = _DONE if i == len(words) - 1 else {}
            yield ChatGenerationChunk(message=AIMessageChunk(content=text, response_metadata=last))

    def _answer(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
        names = {tool["function"]["name"] for tool in tools}
        for name, rule in _RULES.items():
            if name in names:
                found = brief_in(messages)
                if found is not None:
                    return _call(name, rule(found))
        from agents.intents import converse

        return converse(messages, names)


_DONE = {"finish_reason": "stop"}
_DONE_TOOLS = {"finish_reason": "tool_calls"}


def _call(name: str, args: Mapping[str, Any]) -> AIMessage:
    return AIMessage(
        content="",
        tool_calls=[{"name": name, "args": dict(args), "id": f"call_{name}", "type": "tool_call"}],
        response_metadata=_DONE_TOOLS,
    )
