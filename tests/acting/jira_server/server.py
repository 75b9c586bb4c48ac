"""A Jira over loopback, Cloud or Data Center, that can be told to go wrong; the real client talks to it."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.acting.jira_server.faults import LOGIN_PAGE, Fault
from tests.acting.jira_server.routes import ROUTES, Request
from tests.acting.jira_server.state import Answer, JiraState, Mode

USER, TOKEN = "tieout@bank.example", "a-token-of-our-own"


class JiraServer:
    """`with JiraServer("cloud") as jira:`; what happened is in `jira.state`, each request in `jira.seen`."""

    def __init__(self, mode: Mode, clock: Callable[[], float] = time.monotonic, index_lag: float = 0.0) -> None:
        self.mode = mode
        self.state = JiraState(mode, clock, index_lag)
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, int, Any]] = []
        """(`METHOD path`, status, body) of each answer."""
        self.token_expired = False
        self.on_drop: Callable[[], None] | None = None
        """Called in the server's thread when a connection is about to be dropped."""
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.jira = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.state.base = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def user(self) -> str | None:
        return USER if self.mode == "cloud" else None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def fault(self, route: str, what: Any, **also: Any) -> None:
        self.faults.append(Fault(route, what, **also))

    def strike(self, line: str) -> Fault | None:
        with self.state.lock:
            for fault in self.faults:
                if fault.strikes(line):
                    fault.times -= 1
                    return fault
        return None

    def is_welcome(self, header: str) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        wanted = basic if self.mode == "cloud" else f"Bearer {TOKEN}"
        return header == wanted and not self.token_expired


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    jira: JiraServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        jira = self.server.jira
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        line = f"{self.command} {parts.path}"
        fault = jira.strike(line)
        if fault is not None and fault.what == "delay":
            time.sleep(fault.seconds)
            fault = None
        if fault is not None and not fault.after:
            self._break(fault, b"{}")
            return
        status, body = self._work(line, parts, raw)
        jira.seen.append((line, status, body))
        data = b"" if body is None else json.dumps(body).encode()
        if fault is not None:
            self._break(fault, data)
        else:
            self._answer(status, data)

    def _work(self, line: str, parts: Any, raw: bytes) -> tuple[int, Any]:
        jira = self.server.jira
        if not jira.is_welcome(self.headers.get("Authorization", "")) and not parts.path.endswith("serverInfo"):
            return 401, {"errorMessages": ["Client must be authenticated to access this resource."], "errors": {}}
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_json = raw and "json" in headers.get("content-type", "")
        request = Request(
            parts.path, dict(parse_qsl(parts.query)), json.loads(raw) if is_json else None, raw, headers, jira.url
        )
        for method, pattern, function in ROUTES:
            found = pattern.fullmatch(parts.path)
            if found and method == self.command:
                try:
                    return function(jira.state, request, *found.groups())
                except Answer as answer:
                    return answer.status, answer.body
        return 404, {"errorMessages": [f"null for uri: {line}"], "errors": {}}

    def _break(self, fault: Fault, data: bytes) -> None:
        match fault.what:
            case "drop":
                if self.server.jira.on_drop is not None:
                    self.server.jira.on_drop()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            case "status":
                self._answer(fault.status, fault.body, **fault.headers)
            case "html":
                self._answer(200, LOGIN_PAGE, **{"Content-Type": "text/html"})
            case "empty":
                self._answer(201 if fault.after else 200, b"")
            case _:
                self.close_connection = True
                half = data[: len(data) // 2] or b"{"
                self._answer(200, half)

    def _answer(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve
