"""A webhook receiver over loopback that keeps what arrives and can be told to go wrong."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self


@dataclass
class HookFault:
    what: Literal["drop", "status"]
    after: bool = False
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class HookServer:
    """`with HookServer() as hooks:`; each call that was taken is in `hooks.kept` as (headers, body)."""

    def __init__(self) -> None:
        self.kept: list[tuple[dict[str, str], bytes]] = []
        self.faults: list[HookFault] = []
        self.on_drop: Callable[[], None] | None = None
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.hooks = self
        self.url = f"http://127.0.0.1:{self._http.server_port}/hooks/breaks"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def strike(self) -> HookFault | None:
        for fault in self.faults:
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    hooks: HookServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.hooks.strike()
        if fault is None or fault.after:
            self.server.hooks.kept.append(({k.lower(): v for k, v in self.headers.items()}, body))
        if fault is not None and fault.what == "drop":
            if self.server.hooks.on_drop is not None:
                self.server.hooks.on_drop()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(fault.status if fault else 202)
        for name, value in (fault.headers if fault else {"X-Request-Id": "req-1"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
