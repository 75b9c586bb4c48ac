"""What one server process holds: the desk, opened when first needed, and the work that goes on beside requests."""

import asyncio
import gc
import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Annotated, Any

from fastapi import Depends, Request

from agents.desk import Desk
from memory.action import Person
from web.access import RULES, may
from web.chats import Chats
from web.metrics import Metrics
from web.problems import NotAllowed, SignedOut
from web.queue import Counts
from web.runner import Runner

log = logging.getLogger("tieout.web")


@dataclass
class Hub:
    """One per application. `desk()` opens it once, whoever asks first."""

    opener: Callable[[], Desk]
    counts: Counts = field(default_factory=Counts)
    chats: Chats = field(default_factory=Chats)
    metrics: Metrics = field(default_factory=Metrics)
    stop: threading.Event = field(default_factory=threading.Event)
    owns_process: bool = False
    """The process is nothing but this server: it has its signals and its memory to itself."""
    _desk: Desk | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _runner: Runner | None = None
    _threads: list[threading.Thread] = field(default_factory=list)

    def desk(self) -> Desk:
        if self._desk is None:
            with self._lock:
                if self._desk is None:
                    self._desk = self.opener()
        return self._desk

    def runner(self) -> Runner:
        desk = self.desk()
        with self._lock:
            if self._runner is None:
                self._runner = Runner(desk)
        return self._runner

    def start(self, *, executor: bool) -> None:
        """Begins what goes on beside requests: runs, the executor, and carrying decisions to their threads."""
        self.desk()
        self.runner().start()
        self._begin("bands", self._warm_up)
        if executor:
            self._begin("executor", self._execute)
            self._begin("decisions", self._carry)
            self._begin("desk", self._tend)

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"tieout-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _warm_up(self) -> None:
        import subprocess
        import sys

        import agents.assistant  # noqa: F401 - else the first question of each server waits for it
        from web.bands import warm_up

        self._set_apart()

        # Compiling holds this process still, so another one fills the cache first.
        subprocess.run([sys.executable, "-c", "from web.bands import warm_up; warm_up()"], check=False, timeout=600)
        warm_up()
        self._set_apart()

    def _set_apart(self) -> None:
        """Takes what is loaded by now out of the collector's sight: walking it anew took 150 ms of every few seconds,
        and whoever asked just then waited for it. Only in a process that is nothing but this server."""
        if self.owns_process:
            gc.collect()
            gc.freeze()

    def _execute(self) -> None:
        from agents.executor import Executor

        desk = self.desk()
        Executor(desk, lease_seconds=desk.settings.lease_seconds).run_forever(self.stop)

    def _tend(self) -> None:
        from agents.tend import EVERY, tend

        while not self.stop.wait(EVERY):
            try:
                tend(self.desk())
            except Exception:
                log.exception("the desk could not be looked after; it is tried again")

    def _carry(self) -> None:
        from agents.graph import carry_decisions

        while not self.stop.wait(0.7):
            try:
                if self.desk().ledger.waiting_decisions(1):
                    done: Any = carry_decisions(self.desk())
                    if asyncio.iscoroutine(done):
                        asyncio.run(done)
            except Exception:
                log.exception("decisions could not be carried to their threads; they wait in the ledger")
                self.stop.wait(5)

    def listen_for_the_end(self) -> None:
        """Hears the signal that stops the server when it comes: the server itself first waits for open answers, and
        would wait in vain for streams that do not know of it.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        self.owns_process = True
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before):
                signal.signal(number, partial(self._heard, before))

    def _heard(self, before: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None) -> None:
        self.stop.set()
        threading.Thread(target=self.chats.close, daemon=True).start()
        before(number, frame)

    def close(self) -> None:
        """Lets what is under way come to a stop: nothing new begins, what has begun is finished or given back."""
        self.stop.set()
        self.chats.close()
        if self._runner is not None:
            self._runner.close()
        for thread in self._threads:
            thread.join(timeout=10)
        if self._desk is not None:
            self._desk.db.close()


# The four below are asked on every request and do no work: as coroutines they run where they are, while plain
# functions would each wait for a thread of the pool.


async def hub_of(request: Request) -> Hub:
    """The hub of the application that was asked."""
    hub = request.app.state.hub
    assert isinstance(hub, Hub)
    return hub


async def desk_of(hub: Annotated[Hub, Depends(hub_of)]) -> Desk:
    """The desk behind a request; the walls have opened it."""
    return hub.desk()


async def person_of(request: Request) -> Person:
    """Who asks; the guard has made sure that there is somebody."""
    person = request.scope.get("state", {}).get("person")
    if not isinstance(person, Person):
        msg = "Sign in first."
        raise SignedOut(msg)
    return person


async def guard(request: Request) -> None:
    """Refuses who may not use this route. Every route has its line in `web.access.RULES`."""
    method = "GET" if request.method == "HEAD" else request.method
    route = request.scope.get("route")
    least = RULES.get((method, getattr(route, "path", "")))
    person = request.scope.get("state", {}).get("person")
    if least is None:
        msg = f"{method} {request.url.path} has no rule of access, so it is closed."
        raise NotAllowed(msg)
    if least != "anyone" and person is None:
        msg = "Sign in first: by the link that `tieout serve` printed, or with an API token."
        raise SignedOut(msg)
    if not may(person.role if person else None, least):
        msg = f"This needs the role {least}; {person.name} is {person.role}." if person else "Sign in first."
        raise NotAllowed(msg)


Here = Annotated[Hub, Depends(hub_of)]
OnDesk = Annotated[Desk, Depends(desk_of)]
Who = Annotated[Person, Depends(person_of)]
