"""Idempotency-Key on POST: the same key and the same words get the first answer again, never a second effect."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import Final

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import (
    _BODY_LIMIT_RESPONDER_SCOPE_KEY,
    MAX_BODY_SIZE_SCOPE_KEY,
    RequestBodyLimitMiddleware,
)
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.desk import Desk
from memory.schema import idempotency
from web.problems import MEDIA_TYPE, Problem

KEPT: Final = timedelta(days=1)
LARGEST: Final = 2_000_000
"""Bodies above this (uploads) wait on disk; answers above this are not kept."""
CHUNK: Final = 1 << 20
UPLOADS: Final = "/api/v1/runs"
"""Where files are sent."""


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
        if scope["path"] == UPLOADS:  # the framework's own limit stays for every other path
            await RequestBodyLimitMiddleware(self._keyed, 2 * self.desk().settings.upload_mb * 1_000_000 + LARGEST)(
                scope, receive, send
            )
        else:
            await self._keyed(scope, receive, send)

    async def _keyed(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        with _Body() as body:
            if not await body.take(receive):
                if not body.gone:  # who has gone hears nothing, and nothing was done
                    await _problem(scope, 413, "The request's body is too large.")(scope, receive, send)
                return
            digest = await run_in_threadpool(body.digest, scope, headers.get("content-type", ""))
            asked = (headers["idempotency-key"], scope["state"]["person"].name, digest)
            await self._once(asked, body, (scope, receive, send))

    async def _once(self, asked: tuple[str, str, str], body: "_Body", call: tuple[Scope, Receive, Send]) -> None:
        (key, who, _), (scope, receive, send) = asked, call
        store = Store(self.desk())
        found = await run_in_threadpool(store.begin, *asked)
        if found is not None:
            await found(scope)(scope, receive, send)
            return
        kept = _Kept()
        try:
            with _counted_anew(scope):
                await self.app(scope, body.again(receive), kept.wrap(send))
        finally:
            # A fault of ours or a cut connection is no answer: the key is free to be tried again.
            await run_in_threadpool(store.end, key, who, kept.status, kept.stored())


class _Body:
    """The request's body, set aside whole: told apart before anything is done, then given to the app."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=LARGEST)  # noqa: SIM115 - closed by __exit__
        self._left = 0
        self.gone = False
        """The caller hung up before the end."""

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def take(self, receive: Receive) -> bool:
        """Reads to the end; False when there is none within the limit that `receive` keeps."""
        more = True
        while more:
            try:
                message = await receive()
            except HTTPException:
                return False
            if message["type"] != "http.request":
                self.gone = True
                return False
            part = message.get("body", b"")
            self._left += len(part)
            await run_in_threadpool(self._file.write, part)
            more = message.get("more_body", False)
        return True

    def digest(self, scope: Scope, media: str) -> str:
        """Of the path, the query and the body; a multipart boundary is new in each request and left out."""
        found = re.search(r'boundary="?([^";,]+)', media) if media.startswith("multipart/") else None
        digest = hashlib.sha256(scope["path"].encode() + b"?" + scope.get("query_string", b"") + b"\n")
        self._file.seek(0)
        for part in without(iter(lambda: self._file.read(CHUNK), b""), found[1].encode("latin-1") if found else b""):
            digest.update(part)
        self._file.seek(0)
        return digest.hexdigest()

    def again(self, receive: Receive) -> Receive:
        """A `receive` that gives the body as it came, then whatever comes after it."""
        given = False

        async def giving() -> Message:
            nonlocal given
            if given:
                return await receive()
            part = await run_in_threadpool(self._file.read, CHUNK)
            self._left -= len(part)
            given = self._left <= 0
            return {"type": "http.request", "body": part, "more_body": not given}

        return giving


@contextmanager
def _counted_anew(scope: Scope) -> Iterator[None]:
    """The framework counted the body as it came; it is given again, to be held to the limit of its route alone."""
    names = (MAX_BODY_SIZE_SCOPE_KEY, _BODY_LIMIT_RESPONDER_SCOPE_KEY)
    held = {name: scope.pop(name) for name in names if name in scope}
    try:
        yield
    finally:
        scope.update(held)


def without(parts: Iterator[bytes], word: bytes) -> Iterator[bytes]:
    """The parts with every `word` as one NUL, also where it lies across two parts.

    >>> b"".join(without(iter([b"--a", b"bc", b"x--abc--"]), b"abc"))
    b'--\\x00x--\\x00--'
    """
    tail = b""
    for part in parts:
        seen = (tail + part).replace(word, b"\0") if word else part
        keep = len(seen) - max(len(word) - 1, 0)
        tail = seen[max(keep, 0) :] if word else b""
        yield seen[: max(keep, 0)] if word else seen
    yield tail


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
    title = {409: "Conflict", 413: "Content Too Large"}.get(status, "Unprocessable Content")
    body = Problem(title=title, status=status, detail=detail, instance=scope["path"])
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)


def _busy(scope: Scope) -> Response:
    return _problem(scope, 409, "A request with this Idempotency-Key is being worked on; ask again in a moment.")


def _other(scope: Scope) -> Response:
    return _problem(scope, 422, "This Idempotency-Key was used for another request; choose a new one.")


def _replay(status: int, stored: bytes) -> Response:
    media, _, body = stored.partition(b"\n")
    return Response(body, status, {"idempotency-replayed": "true", "content-type": media.decode()})
