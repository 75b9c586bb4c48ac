"""The executor: the only one who knocks on a door. It sends what is approved and finds out what became of it."""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from memory.action import Action, Fault
from memory.actions import Ledger
from memory.audit import AuditLog
from memory.database import Database
from memory.outgoing import Claim, Outgoing
from recon.clock import Clock
from recon.settings import Settings
from tools.actions.door import Covered, Door, DoorError, Lost, NotSent, Paused, Recovery, Refused

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 900.0
"""How long a door that a person must open stays shut before one more gentle try."""
SETTLED = frozenset({"done", "failed", "unknown", "rejected", "superseded", "expired"})


class ActingDesk(Protocol):
    """What the executor needs of the Desk."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def db(self) -> Database: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def doors(self) -> "DoorMap": ...


class DoorMap(Protocol):
    """Action kind -> adapter."""

    def get(self, kind: str, /) -> Door | None: ...


def _no_step(name: str) -> None:
    """Nobody is watching the steps."""


class Executor:
    """One worker. Several, in one process or on several machines, may share a database."""

    def __init__(
        self,
        desk: ActingDesk,
        *,
        lease_seconds: float = 300.0,
        monotonic: Callable[[], float] = time.monotonic,
        boot: str | None = None,
        on_step: Callable[[str], None] = _no_step,
    ) -> None:
        self._desk = desk
        self._outgoing = Outgoing(desk.db, desk.audit, desk.clock)
        self._lease = lease_seconds
        self._monotonic = monotonic
        self._step = on_step
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._boot = boot or _boot_id() or self._owner

    def run_once(self, only: str | None = None) -> int:
        """Does everything that is due now, in order; how many steps that were. `only` restricts it to one action."""
        self._desk.ledger.expire_due()
        worked = 0
        while (claim := self._outgoing.claim(self._owner, self._lease, only)) is not None:
            self._step("claimed")
            self._work(claim)
            worked += 1
        self._sweep()
        self._desk.audit.export_head(Path(self._desk.settings.home) / "audit")
        return worked

    def run_forever(self, stop: threading.Event, pause: float = 1.0) -> None:
        """Works until `stop` is set. A database out of reach is waited for: what is approved stays approved."""
        while not stop.is_set():
            try:
                self.run_once()
            except (DBAPIError, OSError):
                logger.exception("the executor could not work; it tries again")
                stop.wait(5 * pause)
            stop.wait(pause)

    def finish(self, action_id: str, *, timeout: float = 60.0, sleep: Callable[[float], None] = time.sleep) -> Action:
        """Works on one action until it has come to an end or `timeout` seconds have passed; how it stands then."""
        end = self._monotonic() + timeout
        while True:
            self.run_once(only=action_id)
            action = self._desk.ledger.get(action_id)
            if action.state in SETTLED or self._monotonic() >= end:
                return action
            sleep(0.2)

    def _work(self, claim: Claim) -> None:
        door = self._desk.doors.get(claim.action.kind)
        if door is None:
            said = f"Nothing is configured that can do {claim.action.kind}; see `tieout doctor`."
            self._outgoing.failed(claim, Fault("no_door", said))
        elif claim.mode == "send":
            self._send(door, claim)
        else:
            self._check(door, claim)

    def _send(self, door: Door, claim: Claim) -> None:
        intended = self._outgoing.intend(claim)
        if intended is None:
            return
        self._step("intended")
        if not self._outgoing.holds(intended):
            return
        recovery = door.recovery(intended.action.kind)
        try:
            receipt = door.do(intended.action)
        except Covered as no:
            self._outgoing.covered(intended, no.fault, no.ticket, no.url)
        except Refused as no:
            self._outgoing.failed(intended, no.fault)
        except (NotSent, Paused) as no:
            self._wait(intended, no)
        except Lost as no:
            self._lose(intended, no.fault, recovery)
        except Exception:
            logger.exception("%s: the door %s broke", intended.action.id, door.name)
            said = "Something broke on our side while it was being sent, so it is not known whether it arrived."
            self._lose(intended, Fault("broke", said), recovery)
        else:
            self._step("called")
            resent = intended.action.resent
            later = self._desk.clock() + timedelta(seconds=recovery.settle) if resent and recovery.settle else None
            self._outgoing.done(intended, receipt, later)
        self._step("recorded")

    def _check(self, door: Door, claim: Claim) -> None:
        recovery = door.recovery(claim.action.kind)
        if not recovery.can_look:
            said = "It was being sent when the program stopped, so it is not known whether it arrived."
            self._outgoing.lost(claim, Fault("stopped", said), None)
            return
        self._step("looking")
        try:
            receipt = door.look_up(claim.action)
        except (NotSent, Paused, Lost) as no:
            self._wait(claim, no)
            return
        except Exception:
            logger.exception("%s: looking it up broke", claim.action.id)
            said = "Something broke on our side while it was being looked for; it is tried again."
            self._outgoing.not_sent(claim, Fault("broke", said), None, whole_door=False)
            return
        self._step("looked")
        if receipt is not None:
            self._outgoing.done(claim, receipt)
        elif not self._is_settled(claim.action, recovery):
            said = "The answer was lost; it is being looked for."
            later = self._desk.clock() + timedelta(seconds=recovery.poll)
            self._outgoing.lost(claim, Fault("looking", said), later, self._seen(claim.action))
        elif claim.action.resent < recovery.resend:
            again = self._outgoing.again(claim)
            if again is not None:
                self._step("again")
                self._send(door, again)
        else:
            said = "It was sent twice, both answers were lost, and it cannot be found."
            self._outgoing.lost(claim, Fault("not_found", said), None)

    def _wait(self, claim: Claim, no: DoorError) -> None:
        if isinstance(no, Paused):
            self._outgoing.paused(claim, no.fault, no.retry_after or PAUSE_SECONDS)
            return
        whole_door = not isinstance(no, NotSent) or no.whole_door
        self._outgoing.not_sent(claim, no.fault, no.retry_after, whole_door=whole_door)

    def _lose(self, claim: Claim, fault: Fault, recovery: Recovery) -> None:
        later = self._desk.clock() + timedelta(seconds=recovery.poll)
        self._outgoing.lost(claim, fault, later if recovery.can_look else None)

    def _is_settled(self, action: Action, recovery: Recovery) -> bool:
        """Whether "not found" can be believed: by the wall clock and, since that can be moved, by the machine's own."""
        attempted = action.attempted_at or self._desk.clock()
        by_wall = (self._desk.clock() - attempted).total_seconds()
        by_machine = self._monotonic() - self._seen(action)[self._boot]
        return min(by_wall, by_machine) >= recovery.settle

    def _seen(self, action: Action) -> dict[str, float]:
        """When each machine (by its boot) first looked for the action in vain, by its own clock."""
        known: dict[str, float] = (action.fault or {}).get("seen", {})
        return {self._boot: self._monotonic(), **known}

    def _sweep(self) -> None:
        for action in self._outgoing.due_sweeps():
            door = self._desk.doors.get(action.kind)
            if door is None:
                continue
            try:
                found = door.doubles(action)
            except DoorError:
                continue
            self._outgoing.swept(action, found)


def _boot_id() -> str | None:
    """Tells this run of this machine from every other: its monotonic clock means nothing elsewhere."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
