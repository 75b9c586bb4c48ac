"""A scripted OpenAI-compatible server on loopback: strict about what it is asked, and able to stall, fail and lie."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]

_PARAMETERS = {
    "model", "messages", "tools", "tool_choice", "stream", "stream_options", "temperature", "max_tokens",
    "max_completion_tokens", "n", "stop", "top_p", "seed", "user", "parallel_tool_calls", "response_format",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What the server does with one request."""

    calls: Sequence[tuple[str, Any]] = ()
    """Tool calls: name and arguments; a text instead of a mapping is sent as it is, be it JSON or not."""
    text: str = ""
    finish: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """The whole body, whatever it is."""
    stall: float = 0.0
    cut: float | None = None
    """Send only this share of the body and hang up."""
    refusal: str = ""
    usage: bool = True
    tokens: tuple[int, int] = (100, 20)
    """In and out, as `usage` tells them."""


Answer = Step | Callable[[Request], Step]


def violations(request: Request) -> list[str]:
    """What a strict server would refuse the request for."""
    out = [f"unknown parameter {name}" for name in request if name not in _PARAMETERS]
    messages = request.get("messages")
    if not request.get("model") or not isinstance(messages, list) or not messages:
        return [*out, "model and messages are required"]
    names = set()
    for tool in request.get("tools") or []:
        function = tool.get("function", {})
        name = function.get("name", "")
        if tool.get("type") != "function" or not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            out.append(f"tool {name!r} is malformed")
        if function.get("parameters", {}).get("type") != "object":
            out.append(f"tool {name!r}: parameters are no object")
        if name in names:
            out.append(f"tool {name!r} twice")
        names.add(name)
    choice = request.get("tool_choice")
    if choice is not None and not names:
        out.append("tool_choice without tools")
    if isinstance(choice, dict) and choice.get("function", {}).get("name") not in names:
        out.append("tool_choice names no tool")
    return out + _order(messages)


def _order(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    out: list[str] = []
    waiting: list[str] = []
    for n, message in enumerate(messages):
        role = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                out.append(f"message {n}: answers no call")
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            out.append(f"message {n}: calls {waiting} were not answered")
            waiting = []
        if role == "system" and n:
            out.append(f"message {n}: system is not first")
        if role == "assistant":
            calls = message.get("tool_calls") or []
            if not calls and not message.get("content"):
                out.append(f"message {n}: empty")
            waiting = [c["id"] for c in calls]
        elif role not in ("system", "user"):
            out.append(f"message {n}: role {role!r}")
        elif not message.get("content"):
            out.append(f"message {n}: empty")
    if waiting:
        out.append(f"calls {waiting} were not answered")
    return out


class ScriptedServer:
    """Answers each request with the next step; the last step again when they run out."""

    def __init__(self, steps: Sequence[Answer]) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.refused: list[str] = []
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server.handle(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def step_for(self, request: Request) -> Step:
        with self._lock:
            at = min(len(self.requests), len(self.steps) - 1)
            self.requests.append(request)
        answer = self.steps[at]
        return answer(request) if callable(answer) else answer

    def handle(self, http: BaseHTTPRequestHandler) -> None:
        raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        request = json.loads(raw)
        wrong = violations(request)
        if http.path != "/v1/chat/completions":
            wrong.append(f"path {http.path}")
        if wrong:
            self.refused += wrong
            self._send(http, 400, {}, json.dumps({"error": {"message": "; ".join(wrong), "type": "invalid"}}))
            return
        step = self.step_for(request)
        if step.stall:
            time.sleep(step.stall)
        if step.status != 200 or step.body is not None:
            body = step.body if step.body is not None else json.dumps({"error": {"message": "scripted", "type": "x"}})
            self._send(http, step.status, step.headers, body, step.cut)
        elif request.get("stream"):
            self._stream(http, request, step)
        else:
            self._send(http, 200, step.headers, json.dumps(_completion(request, step)), step.cut)

    def _send(
        self, http: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: str, cut: float | None = None
    ) -> None:
        data = body.encode()
        try:
            http.send_response(status)
            http.send_header("Content-Type", headers.get("Content-Type", "application/json"))
            for name, value in headers.items():
                if name != "Content-Type":
                    http.send_header(name, value)
            http.send_header("Content-Length", str(len(data)))
            http.end_headers()
            http.wfile.write(data if cut is None else data[: int(len(data) * cut)])
            if cut is not None:
                http.close_connection = True
        except OSError:
            return

    def _stream(self, http: BaseHTTPRequestHandler, request: Request, step: Step) -> None:
        pieces = list(_chunks(request, step))
        if step.cut is not None:
            pieces = pieces[: max(1, int(len(pieces) * step.cut))]
        try:
            http.send_response(200)
            http.send_header("Content-Type", "text/event-stream")
            http.send_header("Connection", "close")
            http.end_headers()
            for piece in pieces:
                http.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                http.wfile.flush()
            if step.cut is None:
                http.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            return
        http.close_connection = True


def _tool_calls(step: Step) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for n, (name, args) in enumerate(step.calls)
    ]


def _finish(step: Step) -> str:
    return step.finish or ("tool_calls" if step.calls else "stop")


def _usage(step: Step) -> dict[str, int]:
    sent, told = step.tokens
    return {"prompt_tokens": sent, "completion_tokens": told, "total_tokens": sent + told}


def _completion(request: Request, step: Step) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": step.text or None, "refusal": step.refusal or None}
    if step.calls:
        message["tool_calls"] = _tool_calls(step)
    out = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(step), "logprobs": None}],
    }
    if step.usage:
        out["usage"] = _usage(step)
    return out


def _chunks(request: Request, step: Step) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": request["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    yield chunk({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*", step.text):
        yield chunk({"content": word})
    for n, call in enumerate(_tool_calls(step)):
        text = call["function"]["arguments"]
        head = {
            "index": n,
            "id": call["id"],
            "type": "function",
            "function": {"name": call["function"]["name"], "arguments": ""},
        }
        yield chunk({"tool_calls": [head]})
        for at in range(0, len(text), 40):
            yield chunk({"tool_calls": [{"index": n, "function": {"arguments": text[at : at + 40]}}]})
    yield chunk({}, _finish(step))
    if step.usage and (request.get("stream_options") or {}).get("include_usage"):
        last = chunk({})
        yield {**last, "choices": [], "usage": _usage(step)}


@contextmanager
def serving(*steps: Answer) -> Iterator[ScriptedServer]:
    """A server for as long as the block lasts."""
    server = ScriptedServer(steps)
    try:
        yield server
    finally:
        server.close()
