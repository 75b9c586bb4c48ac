"""The outer walls: answer headers, host and origin checks, and who is asking. Plain ASGI, so streams stay streams."""

import ipaddress
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.desk import Desk
from web.auth import COOKIE, who_asks
from web.problems import MEDIA_TYPE, Problem, fault

CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class AnswerHeaders:
    """Puts the security headers, the request's id and the caching rule on every answer, faults of ours included."""

    def __init__(self, app: ASGIApp, page: Callable[[Request, int, str], Response]) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ident = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = ident

        begun = swapped = False

        async def sending(message: Message) -> None:
            nonlocal begun, swapped
            if swapped:
                return
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                if message["status"] == 413 and headers.get("content-type", "").startswith("text/plain"):
                    # The framework's own limit speaks plain text; everything here speaks in problem documents.
                    detail = "The request's body is too large."
                    await _refuse(scope, 413, "Content Too Large", detail)(scope, receive, sending)
                    swapped = True
                    return
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["x-request-id"] = ident
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            if begun:
                raise
            told = fault(Request(scope), error, self.page)
            await told(scope, receive, sending)


def local_host(host: str) -> bool:
    """Whether a Host header may name a server that listens on this machine.

    A name with a dot in it could be a stranger's domain that was made to point here (DNS rebinding);
    addresses and names without a dot cannot.

    >>> [local_host(h) for h in ("127.0.0.1:8000", "localhost", "[::1]:80", "evil.example", "a.localhost:1", "", "[")]
    [True, True, True, False, True, False, False]
    """
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(".localhost")
    return True


def same_origin(origin: str | None, site: str | None, host: str, scheme: str) -> bool:
    """Whether a state-changing request comes from our own pages, or from a program that is no browser.

    Browsers send Origin with every such request; behind a proxy that ends TLS the scheme may differ, the host may not.

    >>> same_origin("https://evil.example", None, "desk:8000", "http"), same_origin(None, None, "desk:8000", "http")
    (False, True)
    """
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and found.netloc == host


def _refuse(scope: Scope, status: int, title: str, detail: str) -> JSONResponse:
    body = Problem(title=title, status=status, detail=detail, instance=scope["path"])
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


class Walls:
    """Refuses foreign hosts and origins, then finds out who is asking: `scope["state"]["person"]`."""

    def __init__(self, app: ASGIApp, desk: Callable[[], Desk]) -> None:
        self.app = app
        self.desk = desk
        self._opened: Desk | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._opened is None:
            self._opened = await run_in_threadpool(self.desk)
        desk = self._opened
        host = headers.get("host", "")
        if desk.settings.auth == "local" and not local_host(host):
            detail = (
                f"{host} is no name of this machine; open the workbench at 127.0.0.1, or serve with TIEOUT_AUTH=token"
            )
            await _refuse(scope, 421, "Misdirected Request", detail)(scope, receive, send)
            return
        if scope["method"] not in SAFE and not same_origin(
            headers.get("origin"), headers.get("sec-fetch-site"), host, scope["scheme"]
        ):
            detail = "This change was asked for by another site's page, so it was not made. Do it from the workbench."
            await _refuse(scope, 403, "Forbidden", detail)(scope, receive, send)
            return
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        peer = scope["client"][0] if scope.get("client") else None
        state = scope.setdefault("state", {})
        state["session"] = cookie
        state["person"] = (
            await run_in_threadpool(who_asks, desk.db, desk.settings, desk.clock, headers, cookie, peer)
            if cookie or "authorization" in headers or desk.settings.auth == "proxy"
            else None
        )
        await self.app(scope, receive, send)
