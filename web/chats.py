"""Chats under way: each answer is made beside the request that asked, so that a lost connection loses nothing."""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from agents.event import Event
from memory.action import Person
from memory.schema import run_events
from recon.errors import TieoutError
from web.problems import Unavailable

log = logging.getLogger("tieout.chat")

OVER: Final = frozenset({"done", "error"})
AT_ONCE: Final = 40
KEPT_SECONDS: Final = 300.0
FLUSH_SECONDS: Final = 0.4
CLOSING_SECONDS: Final = 4.0


@dataclass(frozen=True)
class Said:
    """One event of an answer. `n` counts from 1 within the chat."""

    n: int
    kind: str
    data: Any

    def id_in(self, chat_id: str) -> str:
        return f"{chat_id}:{self.n}"


@dataclass
class Chat:
    """One question and the answer as far as it has come."""

    id: str
    case_id: str
    began: float
    events: list[Said] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    over: bool = False
    ended: float = 0.0
    _listeners: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, data: Any) -> None:
        with self._lock:
            if self.over:
                return
            self.events.append(Said(len(self.events) + 1, kind, data))
            if kind in OVER:
                self.over = True
                self.ended = time.monotonic()
            for loop, event in self._listeners:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    async def follow(self, after: int) -> AsyncIterator[Said]:
        """Every event after number `after`, those to come included, until the answer is over."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.append(mine)
        try:
            at = after
            while True:
                mine[1].clear()
                fresh = self.events[at:]
                for said in fresh:
                    yield said
                at += len(fresh)
                if self.over and at >= len(self.events):
                    return
                if not fresh:
                    await mine[1].wait()
        finally:
            with self._lock:
                self._listeners.remove(mine)


class Chats:
    """The chats of this process. Their events are also written down, so that another worker can resume them."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._lock = threading.Lock()

    def ask(self, desk: Desk, case_ids: Sequence[str], question: str, who: Person) -> Chat:
        """Begins an answer in a thread of its own and returns at once. Raises Unavailable when too many are begun."""
        with self._lock:
            now = time.monotonic()
            self._chats = {k: c for k, c in self._chats.items() if not c.over or now - c.ended < KEPT_SECONDS}
            if sum(not c.over for c in self._chats.values()) >= AT_ONCE:
                msg = f"{AT_ONCE} answers are being written just now; ask again in a moment"
                raise Unavailable(msg)
            chat = Chat("Q" + secrets.token_hex(8), case_ids[0], now)
            self._chats[chat.id] = chat
        threading.Thread(target=_answer, args=(desk, chat, tuple(case_ids), question, who), daemon=True).start()
        return chat

    def close(self) -> None:
        """Gives answers under way a little time to come to their end, then cuts them: their followers are told."""
        end = time.monotonic() + CLOSING_SECONDS
        while any(not chat.over for chat in list(self._chats.values())) and time.monotonic() < end:
            time.sleep(0.05)
        for chat in list(self._chats.values()):
            chat.stopped.set()
            chat.add("error", {"message": "The server is being stopped; ask again in a moment."})

    def get(self, chat_id: str) -> Chat | None:
        return self._chats.get(chat_id)

    def stop(self, desk: Desk, chat_id: str) -> None:
        """Ends an answer where it is; what was said stays."""
        chat = self._chats.get(chat_id)
        if chat is not None:
            chat.stopped.set()
            return
        with desk.db.begin() as connection:
            values = {"run_id": chat_id, "at": desk.clock(), "kind": "stop", "body": {}}
            connection.execute(sa.insert(run_events).values(**values))

    async def resume(self, desk: Desk, chat_id: str, after: int) -> AsyncIterator[Said]:
        """The rest of an answer, from this process or from what another wrote down."""
        chat = self._chats.get(chat_id)
        if chat is not None:
            async for said in chat.follow(after):
                yield said
            return
        idle = 0.0
        while idle < 30:
            for said in await asyncio.to_thread(_written, desk, chat_id, after):
                after, idle = said.n, 0.0
                yield said
                if said.kind in OVER:
                    return
            await asyncio.sleep(0.3)
            idle += 0.3
        yield Said(after + 1, "error", {"message": "The answer was cut off; ask again."})


def _written(desk: Desk, chat_id: str, after: int) -> list[Said]:
    query = (
        sa.select(run_events.c.kind, run_events.c.body)
        .where(run_events.c.run_id == chat_id, run_events.c.kind != "stop")
        .order_by(run_events.c.n)
    )
    with desk.db.read() as connection:
        return [
            Said(row.body["n"], row.kind, row.body["data"])
            for row in connection.execute(query)
            if row.body["n"] > after
        ]


def _answer(desk: Desk, chat: Chat, case_ids: tuple[str, ...], question: str, who: Person) -> None:
    try:
        asyncio.run(_answering(desk, chat, case_ids, question, who))
    except Exception:
        log.exception("chat %s", chat.id)
    finally:
        chat.add("error", {"message": "The answer was cut off; ask again."})  # nothing, when it ended well


async def _answering(desk: Desk, chat: Chat, case_ids: tuple[str, ...], question: str, who: Person) -> None:
    from agents.assistant import ask

    task = asyncio.create_task(_listen(chat, ask(desk, case_ids if len(case_ids) > 1 else case_ids[0], question, who)))
    written = 0
    while not task.done():
        await asyncio.wait({task}, timeout=FLUSH_SECONDS)
        written = await asyncio.to_thread(_write, desk, chat, written)
        if chat.stopped.is_set() and not task.done():
            task.cancel()
            chat.add("done", {"stopped": True})
    try:
        await task
    except asyncio.CancelledError:
        chat.add("done", {"stopped": True})
    except TieoutError as error:
        chat.add("error", {"message": str(error)})
    chat.add("done", {})
    await asyncio.to_thread(_write, desk, chat, written)


async def _listen(chat: Chat, events: AsyncIterator[Event]) -> None:
    async for event in events:
        chat.add(event.kind, event.data)


def _write(desk: Desk, chat: Chat, written: int) -> int:
    """Writes down what was said since, and looks whether another worker was asked to stop it."""
    fresh = chat.events[written:]
    with desk.db.begin() as connection:
        if fresh:
            rows = [
                {"run_id": chat.id, "at": desk.clock(), "kind": s.kind, "body": {"n": s.n, "data": s.data}}
                for s in fresh
            ]
            connection.execute(sa.insert(run_events), rows)
        asked = connection.execute(
            sa.select(run_events.c.n).where(run_events.c.run_id == chat.id, run_events.c.kind == "stop").limit(1)
        ).first()
    if asked:
        chat.stopped.set()
    return written + len(fresh)


def position(last_event_id: str | None) -> tuple[str, int] | None:
    """The chat and number that a Last-Event-ID names; None when it is none of ours."""
    chat_id, _, n = (last_event_id or "").rpartition(":")
    return (chat_id, int(n)) if chat_id.startswith("Q") and n.isdigit() and len(n) < 10 else None
