"""Worker processes that can be killed at a named step: forked from one small parent that has imported everything."""

import gc
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from agents.executor import Executor
from memory.action import Person
from memory.database import Database
from recon.errors import TieoutError
from tests.acting.bugs import BUGS
from tests.acting.desk import ANN, POLICY, Hands, TestDesk, open_desk, wanted
from tools.actions.door import Door
from tools.actions.jira import Jira
from tools.actions.outbox import Outbox
from tools.actions.smtp import Server, Smtp
from tools.actions.webhook import Webhook

LEASE = 300.0
STEPS = ("claimed", "intended", "called", "recorded", "looking", "looked", "again")
"""Named by the executor, in the order in which it passes them."""


@dataclass(frozen=True)
class Order:
    """What a worker is to do, and where it dies."""

    job: str
    """`execute` or `approve`."""
    url: str
    home: str
    now: str
    door: str
    address: str
    kill_at: str = ""
    """A step of the executor, `commit` (before it), or `committed` (after it); empty: it lives."""
    kill_nth: int = 1
    stop: bool = False
    """It is stopped there instead of killed, until it is continued: a zombie whose lease runs out."""
    action_id: str = ""
    seen_hash: str = ""
    who: str = "ann"
    report: str = ""
    bug: str = ""
    also: dict[str, Any] = field(default_factory=dict)


def door_of(name: str, address: str) -> Door:
    """The adapter that a worker knocks with."""
    match name:
        case "jira-cloud" | "jira-dc":
            user, token, url = address.split(" ", 2)
            return Jira(url, None if user == "-" else user, token, timeout=(5.0, 10.0))
        case "smtp":
            return Smtp(Server("127.0.0.1", int(address), False, None, None), "tieout@bank.example", timeout=10.0)
        case "webhook":
            return Webhook("a-secret-of-ours", timeout=10.0, allow_loopback=True)
        case _:
            return Outbox(Path(address), "tieout@bank.example")


class Death:
    """Counts the passes of a step and dies, or stops, at the chosen one."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._passed = 0

    def __call__(self, step: str) -> None:
        if step != self._order.kill_at:
            return
        self._passed += 1
        if self._passed == self._order.kill_nth:
            os.kill(os.getpid(), signal.SIGSTOP if self._order.stop else signal.SIGKILL)

    def watch(self, db: Database) -> None:
        """Dies around commits too: SQLAlchemy tells before one, and the pool after it."""
        sa.event.listen(db.engine, "commit", lambda connection: self("commit"))
        sa.event.listen(db.engine, "checkin", lambda connection, record: self("committed"))


def work(order: Order) -> None:
    """The worker's whole life."""
    if order.bug:
        BUGS[order.bug].plant()
    desk = _DESKS[order.url]
    clock = desk.clock
    clock.now = datetime.fromisoformat(order.now)
    death = Death(order)
    death.watch(desk.db)
    desk.put(door_of(order.door, order.address))
    if order.job == "approve":
        _approve(order, desk)
    else:
        Executor(desk, lease_seconds=LEASE, monotonic=clock.monotonic, boot="test", on_step=death).run_once()


def _approve(order: Order, desk: TestDesk) -> None:
    def report() -> None:
        handle = os.open(order.report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{order.action_id}\n".encode())
        os.close(handle)

    if order.bug == "answer_before_commit":
        report()
    desk.ledger.decide(order.action_id, "approve", order.seen_hash, Person(order.who, "approver"))
    report()


_DESKS: dict[str, TestDesk] = {}
"""Opened and warmed before the fork, without a connection: a worker then spends no time on compiling SQL."""


def _warm(order: Order) -> None:
    desk = open_desk(order.url, Path(order.home), Hands(datetime.fromisoformat(order.now)))
    desk.put(Outbox(Path(order.home) / "warm", "tieout@bank.example"))
    draft = desk.ledger.draft(wanted("email.send", case_id="warm"))
    desk.ledger.decide(draft.id, "approve", draft.payload_hash, ANN)
    desk.clock.move(POLICY.undo_seconds)
    Executor(desk, boot="test").run_once()
    desk.db.close()
    _DESKS[order.url] = desk


class Workers:
    """`with Workers() as workers:` starts the parent, which must happen before this process has threads."""

    def __enter__(self) -> Self:
        down, self._down = os.pipe()
        self._up, up = os.pipe()
        self._parent = os.fork()
        if self._parent == 0:
            os.close(self._down)
            os.close(self._up)
            _serve(os.fdopen(down), up)
            os._exit(0)
        os.close(down)
        os.close(up)
        self._answers = os.fdopen(self._up)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._down)
        os.waitpid(self._parent, 0)
        self._answers.close()

    def warm(self, order: Order) -> None:
        """Opens the order's database in the parent, while nothing in it is due."""
        self._ask({"warm": asdict(order)})

    def start(self, order: Order) -> int:
        """The pid of a new worker; it is already at work. Its database has been warmed."""
        return int(self._ask({"start": asdict(order)}))

    def wait(self, pid: int) -> str:
        """`done`, `killed`, `stopped` or `failed`, once it is so."""
        return str(self._ask({"wait": pid}))

    def run(self, order: Order) -> str:
        return self.wait(self.start(order))

    def _ask(self, what: Mapping[str, Any]) -> Any:
        os.write(self._down, json.dumps(what).encode() + b"\n")
        return json.loads(self._answers.readline())


def _serve(orders: Any, up: int) -> None:
    gc.collect()
    gc.freeze()
    for line in orders:
        said = json.loads(line)
        match said:
            case {"warm": order}:
                answer: Any = _warm(Order(**order))
            case {"start": order}:
                answer = _start(Order(**order))
            case _:
                answer = _wait(said["wait"])
        os.write(up, json.dumps(answer).encode() + b"\n")


def _start(order: Order) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(order)
            code = 0
        except TieoutError:
            code = 0
        except BaseException as error:
            sys.stderr.write(f"worker: {type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    return pid


def _wait(pid: int) -> str:
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return "stopped"
    if os.WIFSIGNALED(status):
        return "killed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"
