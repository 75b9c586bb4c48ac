"""Idempotency-Key on POST: the same key and the same words get the first answer again, never a second effect."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.desk import Desk
from memory.schema import idempotency
from web.problems import MEDIA_TYPE, Problem

KEPT: Final = timedelta(days=1)
LARGEST: Final = 2_000_000
"""Bodies above this (uploads) are told apart by their path and length alone."""


class Idempotency:
    """Wraps the API's POST routes. A key belongs to its person."""

    def __init__(self, app: ASGIApp, desk: Callable[[], Desk]) -> None:
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        key = headers.get("idempotency-key")
        person = scope.get("state", {}).get("person")
        if (
            key is None
            or person is None
            or scope.get("method") != "POST"
            or not scope["path"].startswith("/api/")
            or scope["path"].endswith("/chat")  # a stream: it resumes by Last-Event-ID
        ):
            await self.app(scope, receive, send)
            return
        if not 0 < len(key) <= 200:
            await _problem(scope, 422, "Idempotency-Key: give 1 to 200 characters")(scope, receive, send)
            return
        body, again = await _whole_body(receive, headers)
        digest = hashlib.sha256(scope["path"].encode() + b"\n" + body).hexdigest()
        store = Store(self.desk())
        found = await run_in_threadpool(store.begin, key, person.name, digest)
        if found is not None:
            await found(scope)(scope, receive, send)
            return
        kept = _Kept()
        try:
            await self.app(scope, again, kept.wrap(send))
        finally:
            # A fault of ours or a cut connection is no answer: the key is free to be tried again.
            await run_in_threadpool(store.end, key, person.name, kept.status, kept.stored())


async def _whole_body(receive: Receive, headers: Headers) -> tuple[bytes, Receive]:
    """The body for the digest, and a `receive` that gives it again; large bodies are not read here."""
    if headers.get("content-type", "").startswith("multipart/"):
        return b"multipart", receive
    parts, size, more = [], 0, True
    last: Message | None = None
    while more and size <= LARGEST:
        message = await receive()
        if message["type"] != "http.request":
            last = message
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    body = b"".join(parts)
    given = False

    async def again() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": more}
        return last or await receive()

    return body, again


class _Kept:
    """The answer as it passes by."""

    def __init__(self) -> None:
        self.status = 0
        self.media = ""
        self.parts: list[bytes] = []
        self.size = 0
        self.whole = False

    def wrap(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.media = MutableHeaders(scope=message).get("content-type", "")
            elif message["type"] == "http.response.body":
                self.size += len(message.get("body", b""))
                if self.size <= LARGEST:
                    self.parts.append(message.get("body", b""))
                self.whole = not message.get("more_body", False)
            await send(message)

        return sending

    def stored(self) -> bytes | None:
        if not self.whole or self.size > LARGEST or self.status >= 500:
            return None
        return self.media.encode() + b"\n" + b"".join(self.parts)


class Store:
    """The idempotency table: a row with status 0 is being worked on."""

    def __init__(self, desk: Desk) -> None:
        self.db = desk.db
        self.clock = desk.clock

    def begin(self, key: str, who: str, digest: str) -> Callable[[Scope], Response] | None:
        """None: the caller may go on. Otherwise the answer to give instead."""
        now = self.clock()
        mine = sa.and_(idempotency.c.key == key, idempotency.c.who == who)
        with self.db.begin() as connection:
            connection.execute(sa.delete(idempotency).where(mine, idempotency.c.at < now - KEPT))
            row = connection.execute(sa.select(idempotency).where(mine)).one_or_none()
            if row is None:
                values = {"key": key, "who": who, "request_hash": digest, "status": 0, "body": b"", "at": now}
                try:
                    with connection.begin_nested():
                        connection.execute(sa.insert(idempotency).values(**values))
                except sa.exc.IntegrityError:
                    return _busy
                return None
        if row.request_hash != digest:
            return _other
        if row.status == 0:
            return _busy
        return lambda _scope: _replay(row.status, row.body)

    def end(self, key: str, who: str, status: int, body: bytes | None) -> None:
        """Keeps the answer, or frees the key."""
        mine = sa.and_(idempotency.c.key == key, idempotency.c.who == who)
        with self.db.begin() as connection:
            if body is None:
                connection.execute(sa.delete(idempotency).where(mine))
            else:
                connection.execute(sa.update(idempotency).where(mine).values(status=status, body=body))


def _problem(scope: Scope, status: int, detail: str) -> Response:
    title = "Conflict" if status == 409 else "Unprocessable Content"
    body = Problem(title=title, status=status, detail=detail, instance=scope["path"])
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


def _busy(scope: Scope) -> Response:
    return _problem(scope, 409, "A request with this Idempotency-Key is being worked on; ask again in a moment.")


def _other(scope: Scope) -> Response:
    return _problem(scope, 422, "This Idempotency-Key was used for another request; choose a new one.")


def _replay(status: int, stored: bytes) -> Response:
    media, _, body = stored.partition(b"\n")
    return Response(body, status, {"idempotency-replayed": "true", "content-type": media.decode()})
