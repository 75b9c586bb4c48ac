"""Reads one reply of a chat model: whole or cut, an answer, tool calls, a refusal, or none of these."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.messages import AIMessage, AIMessageChunk

from memory.usage import Spent

_WHOLE: Final = frozenset({"stop", "tool_calls", "function_call", "eos", "end_turn", "tool_use"})
_FENCED: Final = re.compile(r"```(?:json)?\s*(\{.*?\})\s*```", re.S)


class ModelFault(Exception):
    """The model's reply cannot be used; the message says why, for the record beside the deterministic wording."""


@dataclass(frozen=True)
class Call:
    """One tool call; `broken` says why its arguments could not be read."""

    id: str
    name: str
    args: Mapping[str, Any]
    broken: str = ""


@dataclass(frozen=True)
class Reply:
    """A whole reply."""

    message: AIMessage
    text: str
    calls: tuple[Call, ...] = ()
    spent: Spent = field(default_factory=Spent)


def read_reply(message: AIMessage, sent_chars: int = 0) -> Reply:
    """The reply in parts. Raises ModelFault when it was refused, filtered or cut off."""
    text = message.content if isinstance(message.content, str) else _joined(message.content)
    if message.additional_kwargs.get("refusal"):
        msg = "the model refused to answer"
        raise ModelFault(msg)
    reason = message.response_metadata.get("finish_reason")
    if reason == "length":
        msg = "the reply was cut off at its length limit"
        raise ModelFault(msg)
    if reason == "content_filter":
        msg = "the server's content filter stopped the reply"
        raise ModelFault(msg)
    if reason not in _WHOLE:
        msg = "the reply broke off before its end"
        raise ModelFault(msg)
    calls = [Call(str(c.get("id") or f"call_{n}"), c["name"], c["args"]) for n, c in enumerate(message.tool_calls)]
    calls += [
        Call(str(c.get("id") or f"bad_{n}"), c.get("name") or "", {}, "its arguments are no valid JSON")
        for n, c in enumerate(message.invalid_tool_calls)
    ]
    return Reply(message, text, tuple(calls), _spent(message, sent_chars, len(text)))


def gathered(chunks: list[AIMessageChunk]) -> AIMessage:
    """A streamed reply as one message. Raises ModelFault when the stream ended without saying that it is done."""
    if not chunks:
        msg = "the stream held nothing"
        raise ModelFault(msg)
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    message = AIMessage(
        content=whole.content,
        tool_calls=whole.tool_calls,
        invalid_tool_calls=whole.invalid_tool_calls,
        additional_kwargs=whole.additional_kwargs,
        response_metadata=whole.response_metadata,
        usage_metadata=whole.usage_metadata,
    )
    if not message.response_metadata.get("finish_reason"):
        msg = "the stream was dropped before its end"
        raise ModelFault(msg)
    return message


def json_in(text: str) -> dict[str, Any] | None:
    """An object written as text instead of a tool call; None when there is none."""
    for candidate in (text.strip(), *(m[1] for m in _FENCED.finditer(text))):
        if candidate.startswith("{"):
            try:
                found = json.loads(candidate)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return None


def _joined(parts: list[Any]) -> str:
    return "".join(str(p.get("text", "")) if isinstance(p, Mapping) else str(p) for p in parts)


def _spent(message: AIMessage, sent: int, received: int) -> Spent:
    """As the server counted; estimated at four signs a token when it did not."""
    counted = message.usage_metadata
    if counted:
        return Spent(1, int(counted["input_tokens"]), int(counted["output_tokens"]))
    return Spent(1, sent // 4, max(1, received // 4))
