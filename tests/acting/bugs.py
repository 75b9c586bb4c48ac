"""Bugs that one could write in good faith. Each is planted in a worker, and the crash harness must catch it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jira.resilientsession
from jira import JIRA
from sqlalchemy.engine import Connection

import memory.outgoing
import memory.verdicts
import tools.actions.jira
import tools.actions.jira_faults
import tools.actions.smtp
from agents.executor import Executor
from memory.action import ON_THE_WAY, Action, Fault, Receipt
from memory.action_rows import load_action
from memory.audit import AuditLog
from memory.outgoing import Claim, Outgoing
from memory.schema import actions
from tools.actions.door import Lost, NotSent, Recovery
from tools.actions.jira import Jira
from tools.actions.smtp import Smtp


@dataclass(frozen=True)
class Bug:
    """How it is planted, and where it can show itself."""

    plant: Callable[[], None]
    door: str
    scenario: str
    kill_at: str = ""


def _client_retries() -> None:
    """The library's own retries, which post again."""
    real = JIRA.__init__

    def retrying(self: JIRA, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **{**kwargs, "max_retries": 3})

    JIRA.__init__ = retrying
    jira.resilientsession.time.sleep = lambda seconds: None


def _no_intent() -> None:
    """The call is made without writing first that it will be."""

    def intend(self: Outgoing, claim: Claim) -> Claim | None:
        return claim

    Outgoing.intend = intend  # type: ignore[method-assign]


def _hash_ignored() -> None:
    """Whatever stands there is approved, seen or not."""
    memory.verdicts._refuse_stale = lambda action, ask: None


def _bytes_unchecked() -> None:
    """What is stored is sent, approved or not."""
    memory.outgoing.payload_hash = lambda text: _Equal()  # type: ignore[attr-defined]


class _Equal(str):
    """Equal to every hash, as a check that was forgotten is."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def _lease_ignored() -> None:
    """Somebody else's work in progress is taken up again."""
    memory.outgoing._due = lambda now: (actions.c.state.in_(ON_THE_WAY),)
    real = memory.outgoing._may_move
    memory.outgoing._may_move = lambda action, now: real(
        replace(action, lease_owner=None, state="approved", attempted_at=None), now
    )

    def take(self: Outgoing, conn: Connection, action: Action, owner: str, until: Any) -> Claim:
        self._set(
            conn, action, {"state": "executing", "lease_owner": owner, "lease_until": until, "fence": action.fence + 1}
        )
        return Claim(load_action(conn, action.id), "send")

    Outgoing._take = take  # type: ignore[method-assign]


def _fence_ignored() -> None:
    """One who lost the claim goes on as if nothing had happened."""

    def intend(self: Outgoing, claim: Claim) -> Claim | None:
        return claim

    memory.outgoing._holds = lambda action, claim: True
    Outgoing.holds = lambda self, claim: True  # type: ignore[method-assign]
    Outgoing.intend = intend  # type: ignore[method-assign]


def _wakes_late() -> None:
    """One who was frozen between the intent and the call does not ask whether it is still its own."""
    Outgoing.holds = lambda self, claim: True  # type: ignore[method-assign]


def _lost_is_not_sent() -> None:
    """A broken connection is taken for "it did not happen"."""
    real = tools.actions.jira_faults.writing

    def writing(error: Exception, what: str) -> Any:
        fault = real(error, what)
        return NotSent(fault.fault.sentence, code="wrong", retry_after=1.0) if isinstance(fault, Lost) else fault

    tools.actions.jira.writing = writing  # type: ignore[attr-defined]


def _no_search() -> None:
    """It is not looked for before it is created."""
    Jira._labelled = lambda self, action: []  # type: ignore[method-assign]


def _no_settle() -> None:
    """Not found at once counts as not there."""
    Jira.recovery = lambda self, kind: Recovery(can_look=True, settle=0.0, poll=1.0, resend=1)  # type: ignore[method-assign]


def _done_first() -> None:
    """The receipt is written before the call."""
    real = Executor._send

    def send(self: Executor, door: Any, claim: Claim) -> None:
        self._outgoing.done(claim, Receipt("soon"))
        self._step("called")
        real(self, door, claim)

    Executor._send = send  # type: ignore[method-assign]


def _mail_again() -> None:
    """Mail that may have left is sent again."""
    Smtp.recovery = lambda self, kind: Recovery(can_look=True, resend=3)  # type: ignore[method-assign]


def _dot_is_nothing() -> None:
    """A connection that broke after the final dot is tried again."""
    real = tools.actions.smtp._finish_data

    def finish(smtp: Any, data: bytes) -> str:
        try:
            return real(smtp, data)
        except Lost as lost:
            raise NotSent(lost.fault.sentence, code="wrong", retry_after=1.0) from None

    tools.actions.smtp._finish_data = finish


def _window_ignored() -> None:
    """It leaves while the undo is still counting down."""
    real = memory.outgoing._may_move
    memory.outgoing._may_move = lambda action, now: real(replace(action, not_before=None), now)
    memory.outgoing._due = lambda now: (actions.c.state.in_(ON_THE_WAY),)


def _audit_apart() -> None:
    """The audit row is written in a transaction of its own, after the change."""
    real = AuditLog.append

    def append(self: AuditLog, conn: Connection, *args: Any, **also: Any) -> Any:
        self._late = [*getattr(self, "_late", []), (args, also)]  # type: ignore[attr-defined]

    def flush(self: AuditLog) -> None:
        late, self._late = getattr(self, "_late", []), []  # type: ignore[attr-defined]
        for args, also in late:
            with self._db.begin() as conn:
                real(self, conn, *args, **also)

    AuditLog.append = append  # type: ignore[method-assign]
    for name in ("done", "lost", "failed", "not_sent", "intend"):
        _then(name, flush)


def _then(name: str, flush: Callable[[AuditLog], None]) -> None:
    real = getattr(Outgoing, name)

    def method(self: Outgoing, *args: Any, **also: Any) -> Any:
        out = real(self, *args, **also)
        flush(self._audit)
        return out

    setattr(Outgoing, name, method)


def _scope_ignored() -> None:
    """Two cases of one scope each get their ticket."""
    Outgoing._is_alone = lambda self, conn, action: True  # type: ignore[method-assign]
    Outgoing._is_covered = lambda self, conn, action: False  # type: ignore[method-assign]
    real = Jira._labelled
    Jira._labelled = lambda self, action: [  # type: ignore[method-assign]
        found for found in real(self, action) if f"tieout-{action.id}" in found[1]
    ]


def _unknown_is_done() -> None:
    """No answer is taken for good news."""

    def lost(self: Outgoing, claim: Claim, fault: Fault, next_at: Any, seen: Any = None) -> None:
        self.done(claim, Receipt("probably"))

    Outgoing.lost = lost  # type: ignore[method-assign]


def _nothing() -> None:
    """The bug is in the worker's own code."""


BUGS: dict[str, Bug] = {
    "client_retries": Bug(_client_retries, "jira-cloud", "lost_after"),
    "no_intent": Bug(_no_intent, "webhook", "plain", "called"),
    "hash_ignored": Bug(_hash_ignored, "outbox", "edited"),
    "bytes_unchecked": Bug(_bytes_unchecked, "outbox", "altered"),
    "lease_ignored": Bug(_lease_ignored, "webhook", "zombie", "called"),
    "fence_ignored": Bug(_fence_ignored, "webhook", "zombie", "claimed"),
    "wakes_late": Bug(_wakes_late, "jira-cloud", "zombie", "intended"),
    "lost_is_not_sent": Bug(_lost_is_not_sent, "jira-cloud", "lost_after"),
    "no_search": Bug(_no_search, "jira-dc", "plain", "called"),
    "no_settle": Bug(_no_settle, "jira-cloud", "lost_after"),
    "done_first": Bug(_done_first, "smtp", "plain", "called"),
    "mail_again": Bug(_mail_again, "smtp", "plain", "called"),
    "dot_is_nothing": Bug(_dot_is_nothing, "smtp", "lost_after"),
    "window_ignored": Bug(_window_ignored, "outbox", "early"),
    "audit_apart": Bug(_audit_apart, "outbox", "plain", "committed"),
    "scope_ignored": Bug(_scope_ignored, "jira-dc", "twins"),
    "unknown_is_done": Bug(_unknown_is_done, "smtp", "lost_before"),
    "answer_before_commit": Bug(_nothing, "outbox", "plain", "commit"),
}
