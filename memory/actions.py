"""The ledger of actions: what was drafted, what people decided on which bytes, and what may still be undone."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.action import (
    MACHINE,
    Action,
    Draft,
    NotAllowed,
    Outcome,
    Person,
    TicketExists,
    WrongState,
)
from memory.action_lists import ON_ITS_WAY, ActionReader
from memory.action_rows import FREE, action_of, link_ticket, load_action, open_link, swap
from memory.audit import AuditLog
from memory.canonical import canonical, parse, payload_hash
from memory.database import Database
from memory.drafting import action_id_of, drafted_body, same_draft, without_texts
from memory.payloads import check_payload
from memory.policy import four_eyes_reasons, refuse_destination
from memory.schema import actions, decisions, doors
from memory.verdicts import NO_APPROVAL, Ask, Change, judge, refuse_checker, refuse_worker
from recon.clock import Clock
from recon.errors import BadInput, TieoutError
from recon.words import ActionState, DecisionKind

_VOIDABLE: tuple[ActionState, ...] = ("draft", "pending", "approved", "failed")


@dataclass(frozen=True)
class Result:
    """One line of a bulk decision or of its preview."""

    action_id: str
    ok: bool
    changed: bool
    state: ActionState | None
    sentence: str


class Ledger(ActionReader):
    """The people's side of the action store. Every change and its audit row are one transaction."""

    def __init__(self, db: Database, audit: AuditLog, clock: Clock) -> None:
        super().__init__(db)
        self._audit = audit
        self._clock = clock

    # --- drafting ---------------------------------------------------------------------------------------------

    def draft(self, want: Draft) -> Action:
        """Stores a draft and gives it back; the same draft of the same source twice is one (a node may run again).

        A newer draft of its slot supersedes what has not left. Raises BadPayload, NotAllowedHere (no valid
        destination), NotCanonical, or TicketExists when the scope of a `jira.create` has its ticket already.
        """
        with self._write() as conn:
            past = self._slot(conn, want)
            number = max((action.generation for action in past), default=0) + 1
            action_id = action_id_of(want, number)
            payload = check_payload(want.kind, self._filled(want, action_id))
            refuse_destination(want.policy, want.kind, payload)
            same = same_draft(past, want, payload)
            if same is not None:
                return same
            self._refuse_second_ticket(conn, want)
            for old in past:
                if old.state in _VOIDABLE and old.lease_owner is None:
                    self._void(conn, old, "superseded", f"A newer draft ({action_id}) replaces it.")
            row = self._new_row(want, action_id, number, canonical(payload))
            conn.execute(actions.insert().values(**row))
            self._audit.append(conn, want.maker, "drafted", action_id, drafted_body(want, payload), row["payload_hash"])
            return self._load(conn, action_id)

    def submit(self, action_id: str) -> Action:
        """Puts a `draft` before a person (`pending`); anything else is left as it is."""
        with self._write() as conn:
            action = self._load(conn, action_id)
            if action.state == "draft":
                self._change(conn, action, {"state": "pending"})
                self._audit.append(conn, MACHINE, "submitted", action_id, {}, action.payload_hash)
            return self._load(conn, action_id)

    def supersede_stale(self, case_id: str, source_hash: str, why: str) -> Sequence[Action]:
        """Voids what rests on other rows than `source_hash`: drafts and approvals that have not left."""
        with self._write() as conn:
            query = sa.select(actions).where(
                actions.c.case_id == case_id,
                actions.c.source_hash != source_hash,
                actions.c.state.in_(("draft", "pending", "approved")),
                actions.c.lease_owner.is_(None),
            )
            stale = [action_of(row) for row in conn.execute(query).mappings()]
            for action in stale:
                self._void(conn, action, "superseded", why)
            return [self._load(conn, action.id) for action in stale]

    def expire_due(self) -> Sequence[str]:
        """Voids what nobody decided, or what could not leave, before its time ran out; gives back the ids."""
        now = self._clock()
        due = (
            actions.c.state.in_(("draft", "pending", "approved")),
            actions.c.expires_at <= now,
            actions.c.lease_owner.is_(None),
            actions.c.attempted_at.is_(None),
        )
        with self._db.read() as conn:
            if conn.execute(sa.select(actions.c.id).where(*due).limit(1)).first() is None:
                return []
        with self._write() as conn:
            stale = [action_of(row) for row in conn.execute(sa.select(actions).where(*due)).mappings()]
            for action in stale:
                self._void(conn, action, "expired", "It expired before it left.")
            return [action.id for action in stale]

    # --- deciding ---------------------------------------------------------------------------------------------

    def decide(
        self,
        action_id: str,
        decision: DecisionKind,
        payload_hash: str,
        by: Person,
        payload: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> Outcome:
        """Records what a person decided on the bytes they saw; it is committed when this returns.

        `approve` binds the hash and starts the undo window; `edit` stores a new draft (state `pending`, a new
        hash) to be approved as a second step; `reject` ends it; `respond` keeps the words for the planner.
        Deciding the same again gives `changed=False` and writes nothing.
        Raises NoSuchAction (404); NotAllowed (403: role, or a second person must approve); StaleHash (409, with
        `.current_hash`); WrongState (409: too late, or expired); BadPayload or NotAllowedHere (422: the edit).
        """
        ask = Ask(decision, payload_hash, by, payload, note)
        with self._write() as conn:
            action = self._load(conn, action_id)
            change = judge(action, ask, self._clock())
            if not change.changed:
                return Outcome(action, changed=False, sentence=change.sentence)
            decision_id = self._apply(conn, action, ask, change)
            return Outcome(self._load(conn, action_id), True, change.sentence, decision_id)

    def decide_many(
        self,
        which: Sequence[tuple[str, str]],
        decision: DecisionKind,
        by: Person,
        note: str = "",
        *,
        preview: bool = False,
    ) -> Sequence[Result]:
        """One decision on many (action id, hash seen), each with its own result; none stops the others.

        With `preview` nothing is written: each result says what would happen.
        """
        results = []
        for action_id, seen in which:
            try:
                if preview:
                    action = self.get(action_id)
                    change = judge(action, Ask(decision, seen, by, None, note), self._clock())
                    state = change.values.get("state", action.state)
                    results.append(Result(action_id, True, change.changed, state, change.sentence))
                else:
                    out = self.decide(action_id, decision, seen, by, None, note)
                    results.append(Result(action_id, True, out.changed, out.action.state, out.sentence))
            except TieoutError as error:
                results.append(Result(action_id, False, False, None, str(error)))
        return results

    def undo(self, action_id: str, by: Person) -> Outcome:
        """Takes an approval back (`pending` again) as long as nothing has left, which is sure within the window.

        Raises NoSuchAction, NotAllowed (not the one who approved, and no approver), WrongState (it has left).
        """
        with self._write() as conn:
            action = self._load(conn, action_id)
            if by.name != action.approved_by:
                refuse_checker(by, "undoing another's approval")
            refuse_worker(by, "undoing")
            if action.state != "approved" or action.lease_owner or action.attempted_at:
                raise WrongState(action, "undone")
            self._change(conn, action, {**NO_APPROVAL, "state": "pending", "first_by": None, "first_hash": None})
            self._audit.append(conn, by.name, "undone", action_id, {"role": by.role}, action.payload_hash)
            return Outcome(self._load(conn, action_id), True, "Undone; nothing has left.")

    # --- after a fault: the three buttons ---------------------------------------------------------------------

    def found(self, action_id: str, by: Person, reference: str, note: str = "") -> Outcome:
        """ "I found it": an `unknown` action did arrive, as the person saw with their own eyes; it is `done`.

        `reference` is where: the ticket key, the Message-ID. Raises NoSuchAction, NotAllowed, WrongState, BadInput.
        """
        if not reference.strip():
            msg = "say where you found it: the ticket key, the Message-ID or the request id"
            raise BadInput(msg)
        with self._write() as conn:
            action = self._load(conn, action_id)
            refuse_worker(by, "saying that it arrived")
            if action.state not in ("unknown", "checking"):
                raise WrongState(action, "found")
            receipt = {
                "reference": reference.strip(),
                "url": "",
                "detail": f"Found by {by.name}.",
                "found_by": by.name,
            }
            self._change(conn, action, {**FREE, "state": "done", "receipt": receipt, "fault": None})
            if action.kind == "jira.create":
                link_ticket(conn, action, reference.strip(), "", self._clock())
            body = {"role": by.role, "reference": reference.strip(), "note": note}
            self._audit.append(conn, by.name, "found", action_id, body, action.payload_hash)
            return Outcome(self._load(conn, action_id), True, f"Recorded: it arrived as {reference.strip()}.")

    def send_again(self, action_id: str, by: Person, note: str = "") -> Outcome:
        """ "Send again": an `unknown` or `failed` action leaves once more, the same bytes, at the end of the queue.

        Raises NoSuchAction, NotAllowed (needs approver or admin), WrongState.
        """
        with self._write() as conn:
            action = self._load(conn, action_id)
            refuse_checker(by, "sending again")
            if action.state not in ("unknown", "failed") or action.approved_hash != action.payload_hash:
                raise WrongState(action, "sent again")
            if action.four_eyes and by.name in action.humans:
                msg = f"{by.name} had a hand in {action.id}; a second person must send it again"
                raise NotAllowed(msg)
            values = {
                **FREE,
                "state": "approved",
                "fault": None,
                "attempted_at": None,
                "resent": 0,
                "order_n": self._next_order(conn),
                "expires_at": self._clock() + timedelta(days=action.policy.expires_days),
            }
            self._change(conn, action, values)
            body = {"role": by.role, "note": note, "was": action.state}
            self._audit.append(conn, by.name, "sent_again", action_id, body, action.payload_hash)
            return Outcome(self._load(conn, action_id), True, "It leaves once more.")

    def give_up(self, action_id: str, by: Person, note: str = "") -> Outcome:
        """ "Give up": an `unknown` or `failed` action is left as it is and leaves the queue (`failed`, given up).

        Raises NoSuchAction, NotAllowed, WrongState.
        """
        with self._write() as conn:
            action = self._load(conn, action_id)
            refuse_worker(by, "giving up")
            if action.state not in ("unknown", "failed", "checking"):
                raise WrongState(action, "given up")
            if (action.fault or {}).get("code") == "given_up":
                return Outcome(action, False, "It was given up already.")
            open_end = " Whether it arrived is not known." if action.state != "failed" else ""
            fault = {"code": "given_up", "sentence": f"{by.name} gave it up.{open_end}"}
            self._change(conn, action, {**FREE, "state": "failed", "fault": fault})
            body = {"role": by.role, "note": note, "was": action.state}
            self._audit.append(conn, by.name, "given_up", action_id, body, action.payload_hash)
            return Outcome(self._load(conn, action_id), True, fault["sentence"])

    def open_door(self, name: str, by: Person) -> None:
        """ "Try again": lets a shut door be knocked on at once. Raises NotAllowed."""
        refuse_worker(by, "opening a door")
        with self._write() as conn:
            shut = conn.execute(sa.delete(doors).where(doors.c.name == name)).rowcount
            if shut:
                self._audit.append(conn, by.name, "door_opened", name, {"role": by.role})

    # --- the graph's side -------------------------------------------------------------------------------------

    def carried(self, decision_id: str) -> bool:
        """Marks a decision as taken up; False when it was already."""
        with self._db.begin() as conn:
            query = (
                sa.update(decisions)
                .where(decisions.c.id == decision_id, decisions.c.carried_at.is_(None))
                .values(carried_at=self._clock())
            )
            return conn.execute(query).rowcount == 1

    # --- within a transaction ---------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._db.begin() as conn:
            self._audit.lock(conn)
            yield conn

    def _load(self, conn: Connection, action_id: str) -> Action:
        return load_action(conn, action_id)

    def _slot(self, conn: Connection, want: Draft) -> Sequence[Action]:
        query = sa.select(actions).where(
            actions.c.case_id == want.case_id, actions.c.kind == want.kind, actions.c.slot == want.slot
        )
        return [action_of(row) for row in conn.execute(query.order_by(actions.c.generation)).mappings()]

    def _filled(self, want: Draft, action_id: str) -> dict[str, Any]:
        payload = dict(want.payload)
        if want.kind == "email.send":
            payload.setdefault("message_id", f"<{action_id.lower()}@tieout>")
            payload.setdefault("date", format_datetime(self._clock()))
        return payload

    def _refuse_second_ticket(self, conn: Connection, want: Draft) -> None:
        if want.kind != "jira.create":
            return
        covered = open_link(conn, want.scope_key)
        if covered is not None:
            raise TicketExists(covered, None)
        query = sa.select(actions.c.id).where(
            actions.c.scope_key == want.scope_key,
            actions.c.kind == "jira.create",
            actions.c.state.in_(ON_ITS_WAY),
        )
        moving = conn.execute(query).scalar()
        if moving is not None:
            raise TicketExists(None, moving)

    def _new_row(self, want: Draft, action_id: str, number: int, text: str) -> dict[str, Any]:
        now = self._clock()
        reasons = four_eyes_reasons(want.policy, want.kind, parse(text), want.amount_base)
        meta = {
            **want.meta,
            "policy": want.policy.to_json(),
            "four_eyes": list(reasons),
            "amount_base": format(want.amount_base, "f"),
        }
        return {
            "id": action_id,
            "case_id": want.case_id,
            "recon": want.recon,
            "kind": want.kind,
            "state": "pending" if want.ready else "draft",
            "generation": number,
            "payload": text,
            "payload_hash": payload_hash(text),
            "proposal": text,
            "rationale": want.rationale,
            "scope_key": want.scope_key,
            "source_hash": want.source_hash,
            "amount_base": float(want.amount_base),
            "four_eyes": bool(reasons),
            "maker": want.maker,
            "slot": want.slot,
            "expires_at": now + timedelta(days=want.policy.expires_days),
            "fence": 0,
            "attempts": 0,
            "resent": 0,
            "thread_id": want.thread_id,
            "meta": meta,
            "created_at": now,
            "updated_at": now,
        }

    def _apply(self, conn: Connection, action: Action, ask: Ask, change: Change) -> str:
        values = dict(change.values)
        if change.takes_order:
            values["order_n"] = self._next_order(conn)
        self._change(conn, action, values)
        after = self._load(conn, action.id)
        edited = ask.decision == "edit"
        decision_id = f"D{uuid.uuid4().hex[:16]}"
        conn.execute(
            decisions.insert().values(
                id=decision_id,
                action_id=action.id,
                case_id=action.case_id,
                kind=ask.decision,
                who=ask.by.name,
                role=ask.by.role,
                at=self._clock(),
                seen_hash=ask.payload_hash,
                new_hash=after.payload_hash if edited else None,
                payload=after.payload_text if edited else None,
                note=ask.note,
            )
        )
        body: dict[str, Any] = {
            "case_id": action.case_id,
            "kind": action.kind,
            "role": ask.by.role,
            "note": ask.note,
            "seen_hash": ask.payload_hash,
            "decision_id": decision_id,
        }
        if edited:
            body["payload"] = without_texts(after.payload)
        self._audit.append(conn, ask.by.name, change.what, action.id, body, after.payload_hash)
        return decision_id

    def _change(self, conn: Connection, action: Action, values: Mapping[str, Any]) -> None:
        swap(conn, action, {**values, "updated_at": self._clock()})

    def _void(self, conn: Connection, action: Action, state: ActionState, why: str) -> None:
        fault = {"code": state, "sentence": why}
        self._change(conn, action, {**NO_APPROVAL, "state": state, "fault": fault})
        self._audit.append(conn, MACHINE, state, action.id, {"why": why}, action.payload_hash)

    def _next_order(self, conn: Connection) -> int:
        return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(actions.c.order_n), 0))).scalar_one()) + 1
