"""The executor's side of the action store: claim by lease, write the intent, call, write the receipt."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.action import DOOR_OF, MACHINE, ON_THE_WAY, Action, Fault, Receipt
from memory.action_rows import action_of, link_ticket, load_action, open_link
from memory.audit import AuditLog
from memory.canonical import payload_hash
from memory.database import Database
from memory.schema import actions, doors, ticket_links
from memory.verdicts import NO_APPROVAL
from recon.clock import Clock

_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None}
_PAGE = 200


@dataclass(frozen=True)
class Claim:
    """An action that this executor, and no other, may work on until the lease ends."""

    action: Action
    mode: Literal["send", "check"]
    """`check`: an earlier attempt's answer was lost; look before anything is sent."""


class Outgoing:
    """Each method is one transaction with its audit row. A stale fence changes nothing."""

    def __init__(self, db: Database, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._audit = audit
        self._clock = clock

    # --- claiming ---------------------------------------------------------------------------------------------

    def claim(self, owner: str, lease_seconds: float, only: str | None = None) -> Claim | None:
        """The first action, in the order of approval, that may leave now; None when there is none.

        Skipped: those in their undo window, behind a shut door, behind an earlier one of the same case and door,
        or of a scope whose ticket is on its way. `only` restricts it to one action.
        """
        with self._db.read() as conn:
            if conn.execute(sa.select(actions.c.id).where(*_due(self._clock())).limit(1)).first() is None:
                return None
        with self._write() as conn:
            now = self._clock()
            for action in self._ready(conn, now):
                if only is not None and action.id != only:
                    continue
                if action.kind == "jira.create" and self._is_covered(conn, action):
                    continue
                return self._take(conn, action, owner, now + timedelta(seconds=lease_seconds))
        return None

    def _ready(self, conn: Connection, now: datetime) -> Iterator[Action]:
        shut = set(conn.execute(sa.select(doors.c.name).where(doors.c.next_at > now)).scalars())
        ahead: set[tuple[str, str]] = set()
        scopes: set[str] = set()
        after = -1
        while True:
            query = (
                sa.select(actions)
                .where(actions.c.state.in_(ON_THE_WAY), actions.c.order_n > after)
                .order_by(actions.c.order_n)
                .limit(_PAGE)
            )
            page = [action_of(row) for row in conn.execute(query).mappings()]
            for action in page:
                lane = (action.case_id, action.door)
                free = lane not in ahead and action.door not in shut and _may_move(action, now)
                if action.kind == "jira.create":
                    free = free and action.scope_key not in scopes and self._is_alone(conn, action)
                    scopes.add(action.scope_key)
                ahead.add(lane)
                if free:
                    yield action
            if len(page) < _PAGE:
                return
            after = page[-1].order_n or after

    def _is_alone(self, conn: Connection, action: Action) -> bool:
        """No other ticket of the scope is on its way, or may have arrived."""
        query = sa.select(actions.c.id).where(
            actions.c.scope_key == action.scope_key,
            actions.c.kind == "jira.create",
            actions.c.id != action.id,
            actions.c.state.in_(("executing", "checking", "unknown")),
        )
        return conn.execute(query).first() is None

    def _is_covered(self, conn: Connection, action: Action) -> bool:
        ticket = open_link(conn, action.scope_key)
        if ticket is None or action.attempted_at is not None:
            return False
        said = f"{ticket} is open for the same scope; comment on it instead."
        values = {**NO_APPROVAL, "state": "superseded", "fault": Fault("covered", said).to_json()}
        self._set(conn, action, values)
        self._audit.append(conn, MACHINE, "superseded", action.id, {"why": said}, action.payload_hash)
        return True

    def _take(self, conn: Connection, action: Action, owner: str, until: datetime) -> Claim:
        mode: Literal["send", "check"] = "send" if action.attempted_at is None else "check"
        values = {
            "state": "executing" if mode == "send" else "checking",
            "lease_owner": owner,
            "lease_until": until,
            "fence": action.fence + 1,
        }
        self._set(conn, action, values)
        return Claim(load_action(conn, action.id), mode)

    # --- around the call --------------------------------------------------------------------------------------

    def intend(self, claim: Claim) -> Claim | None:
        """Writes, before the call, that it is about to be made. None: the claim is lost, or the bytes are not those
        that were approved; then nothing may be sent.
        """
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim) or action.state != "executing":
                return None
            if not (payload_hash(action.payload_text) == action.payload_hash == action.approved_hash):
                said = "What is stored is not what was approved; nothing was sent. Draft it again."
                values = {**_FREE, "state": "failed", "fault": Fault("altered", said).to_json()}
                self._set(conn, action, values)
                self._audit.append(conn, MACHINE, "failed", action.id, {"fault": "altered"}, action.approved_hash)
                return None
            self._set(conn, action, {"attempted_at": self._clock(), "attempts": action.attempts + 1})
            self._note(conn, action, "sending", {"attempt": action.attempts + 1})
            return Claim(load_action(conn, action.id), "send")

    def holds(self, claim: Claim) -> bool:
        """Whether the claim is still ours, asked last of all before the call: a worker that was frozen after its
        intent (a paused machine) wakes up to find that another has taken over, and must not send.

        What remains is a freeze between this look and the first byte that outlasts the lease and the settle time.
        """
        with self._db.read() as conn:
            action = load_action(conn, claim.action.id)
        in_time = action.lease_until is not None and action.lease_until > self._clock()
        return _holds(action, claim) and in_time

    def done(self, claim: Claim, receipt: Receipt, sweep_at: datetime | None = None) -> bool:
        """Writes the receipt. One that comes late, after the lease was lost, still counts: it did happen.

        False: another receipt stood there already; both are in the audit. `sweep_at`: when to look for doubles.
        """
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            body = {"receipt": _plain(receipt.to_json()), "attempts": action.attempts}
            if action.state not in ("executing", "checking", "unknown"):
                same = (action.receipt or {}).get("reference") == receipt.reference
                if not same:
                    self._note(conn, action, "second_receipt", body)
                return False
            values = {
                **_FREE,
                "state": "done",
                "receipt": receipt.to_json(),
                "fault": None,
                "next_at": sweep_at,
                "fence": action.fence + 1,
            }
            self._set(conn, action, values)
            self._note(conn, action, "done", body)
            self._follow(conn, action, receipt)
            self._open(conn, action.door)
            return True

    def not_sent(self, claim: Claim, fault: Fault, wait: float | None, *, whole_door: bool) -> None:
        """Nothing happened: back to `approved` (or still `checking`), and tried again after `wait` seconds."""
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return
            now = self._clock()
            values: dict[str, Any] = {**_FREE, "fault": {**fault.to_json(), **_seen(action)}}
            if claim.mode == "send":
                values |= {"state": "approved", "attempted_at": None}
            if whole_door:
                self._shut(conn, action.door, fault, wait, paused=False)
            else:
                wait = min(60.0 * 2 ** min(action.attempts - 1, 5), 1800.0) if wait is None else wait
                values["next_at"] = now + timedelta(seconds=wait)
            self._set(conn, action, values)
            self._note(conn, action, "not_sent", {"fault": fault.to_json()})

    def paused(self, claim: Claim, fault: Fault, wait: float) -> None:
        """The door is shut to us: everything behind it waits, and a person is told why."""
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return
            values: dict[str, Any] = {**_FREE, "fault": {**fault.to_json(), **_seen(action)}}
            if claim.mode == "send":
                values |= {"state": "approved", "attempted_at": None}
            self._shut(conn, action.door, fault, wait, paused=True)
            self._set(conn, action, values)
            self._note(conn, action, "paused", {"fault": fault.to_json()})

    def lost(
        self, claim: Claim, fault: Fault, next_at: datetime | None, seen: Mapping[str, float] | None = None
    ) -> None:
        """The answer was lost: `checking` until `next_at`, or `unknown` when only a person can find out (None).

        `seen` is kept with it: when each machine first looked in vain.
        """
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return
            state = "unknown" if next_at is None else "checking"
            said = {**fault.to_json(), "seen": dict(seen)} if seen else fault.to_json()
            self._set(conn, action, {**_FREE, "state": state, "fault": said, "next_at": next_at})
            if action.state != state:
                self._note(conn, action, state, {"fault": fault.to_json()})

    def failed(self, claim: Claim, fault: Fault) -> None:
        """A final no; nothing happened."""
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return
            self._set(conn, action, {**_FREE, "state": "failed", "fault": fault.to_json(), "attempted_at": None})
            self._note(conn, action, "failed", {"fault": fault.to_json()})
            self._open(conn, action.door)

    def covered(self, claim: Claim, fault: Fault, ticket: str, url: str) -> None:
        """The scope has its ticket outside: note it, and make no second one."""
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return
            link_ticket(conn, action, ticket, url, self._clock())
            self._set(conn, action, {**_FREE, "state": "superseded", "fault": fault.to_json()})
            self._note(conn, action, "superseded", {"fault": fault.to_json(), "ticket": ticket})

    def again(self, claim: Claim) -> Claim | None:
        """It was not found after the settle time: the same claim may send it once more."""
        with self._write() as conn:
            action = load_action(conn, claim.action.id)
            if not _holds(action, claim):
                return None
            values = {"state": "executing", "attempted_at": None, "resent": action.resent + 1}
            self._set(conn, action, values)
            self._note(conn, action, "not_found", {"resent": action.resent + 1})
            return Claim(load_action(conn, action.id), "send")

    # --- doubles ----------------------------------------------------------------------------------------------

    def due_sweeps(self) -> list[Action]:
        """Actions that were sent more than once and whose place outside has settled by now."""
        query = sa.select(actions).where(actions.c.state == "done", actions.c.next_at <= self._clock())
        with self._db.read() as conn:
            return [action_of(row) for row in conn.execute(query).mappings()]

    def swept(self, action: Action, references: list[str]) -> None:
        """Records what the sweep found: more than one reference is a double, said on the action and in the audit."""
        with self._write() as conn:
            current = load_action(conn, action.id)
            values: dict[str, Any] = {"next_at": None}
            if len(references) > 1:
                said = f"It stands there {len(references)} times ({', '.join(references)}); close all but one."
                values["fault"] = Fault("double", said).to_json()
                self._note(conn, current, "double", {"references": references})
            self._set(conn, current, values)

    # --- within a transaction ---------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._db.begin() as conn:
            self._audit.lock(conn)
            yield conn

    def _set(self, conn: Connection, action: Action, values: Mapping[str, Any]) -> None:
        conn.execute(
            sa.update(actions)
            .where(actions.c.id == action.id, actions.c.fence == action.fence)
            .values(**values, updated_at=self._clock())
        )

    def _note(self, conn: Connection, action: Action, what: str, body: Mapping[str, Any]) -> None:
        self._audit.append(conn, MACHINE, what, action.id, body, action.approved_hash)

    def _follow(self, conn: Connection, action: Action, receipt: Receipt) -> None:
        if action.kind == "jira.create":
            link_ticket(conn, action, receipt.reference, receipt.url, self._clock())
        if action.kind == "jira.transition":
            state = "closed" if receipt.extra.get("closed") else "open"
            conn.execute(
                sa.update(ticket_links).where(ticket_links.c.ticket == action.payload["ticket"]).values(state=state)
            )

    def _shut(self, conn: Connection, name: str, fault: Fault, wait: float | None, *, paused: bool) -> None:
        now = self._clock()
        known = conn.execute(sa.select(doors).where(doors.c.name == name)).mappings().first()
        since = known["since"] if known else now
        if wait is None:
            # As long again as it has been shut already, so that an outage is probed ever more gently.
            wait = min(max((now - since).total_seconds(), 5.0), 60.0)
        values = {
            "paused": paused,
            "sentence": fault.sentence,
            "since": since,
            "next_at": now + timedelta(seconds=wait),
        }
        if known:
            conn.execute(sa.update(doors).where(doors.c.name == name).values(**values))
        else:
            conn.execute(doors.insert().values(name=name, **values))
            self._audit.append(conn, MACHINE, "door_shut", name, {"fault": fault.to_json()})

    def _open(self, conn: Connection, name: str) -> None:
        if conn.execute(sa.delete(doors).where(doors.c.name == name)).rowcount:
            self._audit.append(conn, MACHINE, "door_opened", name, {})


def _due(now: datetime) -> tuple[Any, ...]:
    """What `_may_move` and the doors ask, as far as SQL can tell: where nothing is due, nobody waits for the writer."""
    shut = sa.select(doors.c.name).where(doors.c.next_at > now)
    it = actions.c
    return (
        it.state.in_(ON_THE_WAY),
        sa.or_(it.lease_until.is_(None), it.lease_until <= now),
        sa.or_(it.next_at.is_(None), it.next_at <= now),
        sa.or_(it.state != "approved", it.not_before.is_(None), it.not_before <= now),
        sa.case(dict(DOOR_OF), value=it.kind, else_="").not_in(shut),
    )


def _may_move(action: Action, now: datetime) -> bool:
    if action.lease_owner is not None and action.lease_until is not None and action.lease_until > now:
        return False
    if action.next_at is not None and action.next_at > now:
        return False
    if action.state != "approved":
        return True
    in_window = action.not_before is not None and action.not_before > now
    expired = action.expires_at is not None and action.expires_at <= now
    return not in_window and not expired and action.approved_hash == action.payload_hash


def _seen(action: Action) -> dict[str, Any]:
    """Since when it has been looked for in vain; kept while Jira itself is out of reach."""
    seen = (action.fault or {}).get("seen")
    return {"seen": seen} if seen and action.attempted_at is not None else {}


def _holds(action: Action, claim: Claim) -> bool:
    return action.fence == claim.action.fence and action.lease_owner == claim.action.lease_owner


def _plain(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """A receipt for the audit: only what has a canonical form."""
    return {
        name: value if isinstance(value, str | int | bool | list | dict) else str(value)
        for name, value in receipt.items()
    }
