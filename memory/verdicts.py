"""What a decision changes, as a pure function of the action, the person, the bytes they saw and the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from memory.action import Action, NotAllowed, Person, StaleHash, WrongState
from memory.canonical import canonical, payload_hash
from memory.payloads import BadPayload, merge_edit
from memory.policy import four_eyes_reasons, refuse_destination
from recon.words import ActionState, DecisionKind

UNSENT: frozenset[ActionState] = frozenset({"draft", "pending"})
_WORKERS = frozenset({"operator", "approver", "admin"})
_CHECKERS = frozenset({"approver", "admin"})

NO_APPROVAL: dict[str, Any] = {
    "approved_hash": None,
    "approved_by": None,
    "approved_at": None,
    "not_before": None,
    "order_n": None,
    "next_at": None,
}
"""What takes an approval back."""


@dataclass(frozen=True)
class Ask:
    """One decision as it came in."""

    decision: DecisionKind
    payload_hash: str
    by: Person
    payload: Mapping[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Change:
    """What follows from a decision: the columns to write, the audit's word and the operator's sentence."""

    what: str
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    changed: bool = True
    takes_order: bool = False
    """True: it joins the end of the queue of what is to leave."""


def judge(action: Action, ask: Ask, now: datetime) -> Change:
    """The change a decision makes. Raises NotAllowed, StaleHash, WrongState or BadPayload, and then changes nothing."""
    _refuse_role(ask)
    match ask.decision:
        case "approve":
            return _approve(action, ask, now)
        case "edit":
            return _edit(action, ask)
        case "reject":
            return _reject(action, ask)
        case "respond":
            return _respond(action, ask, now)
        case _:
            assert_never(ask.decision)


def possible(action: Action) -> tuple[str, ...]:
    """What a person may say of an action as it stands, in the terminal's words; their role is asked when they do."""
    match action.state:
        case "draft" | "pending":
            return ("approve", "edit", "reject", "respond")
        case "approved":
            return ("undo",)
        case "checking":
            return ("found", "give-up")
        case "unknown":
            return ("found", "again", "give-up")
        case "failed":
            given_up = (action.fault or {}).get("code") == "given_up"
            again = ("again",) if action.approved_hash == action.payload_hash else ()
            return again if given_up else (*again, "give-up")
        case "executing" | "done" | "rejected" | "superseded" | "expired":
            return ()
        case _:
            assert_never(action.state)


def refuse_role(by: Person, allowed: frozenset[str], doing: str) -> None:
    """Raises NotAllowed with the roles that may."""
    if by.role not in allowed:
        msg = f"{by.name} has the role {by.role}; {doing} needs {' or '.join(sorted(allowed))}"
        raise NotAllowed(msg)


def refuse_worker(by: Person, doing: str) -> None:
    """Whoever may decide at all."""
    refuse_role(by, _WORKERS, doing)


def refuse_checker(by: Person, doing: str) -> None:
    """Whoever may let something leave."""
    refuse_role(by, _CHECKERS, doing)


def _refuse_role(ask: Ask) -> None:
    refuse_worker(
        ask.by, {"approve": "approving", "edit": "editing", "reject": "rejecting"}.get(ask.decision, "responding")
    )


def _is_untouched(action: Action) -> bool:
    """Approved, and certain that nothing has left."""
    return action.state == "approved" and action.attempted_at is None and action.lease_owner is None


def _refuse_stale(action: Action, ask: Ask) -> None:
    if ask.payload_hash != action.payload_hash:
        raise StaleHash(action)


def _refuse_expired(action: Action, now: datetime) -> None:
    if action.expires_at is not None and action.expires_at <= now:
        why = f"it expired on {action.expires_at:%Y-%m-%d %H:%M} UTC; draft it again"
        raise WrongState(action, "decided", why)


def _approve(action: Action, ask: Ask, now: datetime) -> Change:
    if action.approved_hash == ask.payload_hash == action.payload_hash and action.state not in UNSENT:
        said = f"{action.id} was already approved by {action.approved_by}; nothing changed (it is {action.state})."
        return Change("approved", said, changed=False)
    _refuse_stale(action, ask)
    if action.state not in UNSENT:
        raise WrongState(action, "approved")
    _refuse_expired(action, now)
    if action.four_eyes:
        if action.first_hash == action.payload_hash and action.first_by == ask.by.name:
            said = f"{ask.by.name} already gave the first of two approvals; a second person must give the other."
            return Change("approved", said, changed=False)
        _refuse_own_work(action, ask.by)
        if not action.humans:
            first = {"first_by": ask.by.name, "first_hash": action.payload_hash, "state": "pending"}
            return Change("first_approved", "First of two approvals; a second person must give the other.", first)
    refuse_checker(ask.by, "approving")
    wait = action.policy.undo_seconds
    values: dict[str, Any] = {
        "state": "approved",
        "approved_hash": action.payload_hash,
        "approved_by": ask.by.name,
        "approved_at": now,
        "not_before": now + timedelta(seconds=wait),
        "next_at": None,
        "attempted_at": None,
        "fault": None,
    }
    return Change("approved", f"Approved; it leaves in {wait} seconds unless undone.", values, takes_order=True)


def _refuse_own_work(action: Action, by: Person) -> None:
    if by.name in action.humans:
        part = "drafted" if by.name == action.maker else "last edited"
        why = " ".join(four_eyes_reasons(action.policy, action.kind, action.payload, action.amount_base))
        msg = f"{by.name} {part} {action.id}, so a second person must approve it. {why}".strip()
        raise NotAllowed(msg)


def _edit(action: Action, ask: Ask) -> Change:
    _refuse_stale(action, ask)
    given_up = action.state == "failed" and (action.fault or {}).get("code") == "given_up"
    if given_up or not (action.state in UNSENT or action.state == "failed" or _is_untouched(action)):
        raise WrongState(action, "edited")
    if ask.payload is None:
        msg = "an edit needs the new payload"
        raise BadPayload(msg)
    payload = merge_edit(action.kind, action.payload, ask.payload)
    refuse_destination(action.policy, action.kind, payload)
    text = canonical(payload)
    if text == action.payload_text:
        return Change("edited", "The edit changes nothing.", changed=False)
    reasons = four_eyes_reasons(action.policy, action.kind, payload, action.amount_base)
    values = {
        **NO_APPROVAL,
        "state": "pending",
        "payload": text,
        "payload_hash": payload_hash(text),
        "generation": action.generation + 1,
        "last_editor": ask.by.name,
        "four_eyes": bool(reasons),
        "first_by": None,
        "first_hash": None,
        "fault": None,
    }
    said = " ".join(["Stored as a new draft; approve it as a second step.", *reasons])
    return Change("edited", said, values)


def _reject(action: Action, ask: Ask) -> Change:
    if action.state == "rejected":
        return Change("rejected", f"{action.id} was already rejected; nothing changed.", changed=False)
    _refuse_stale(action, ask)
    if not (action.state in UNSENT or _is_untouched(action)):
        raise WrongState(action, "rejected")
    return Change("rejected", "Rejected; nothing will leave.", {**NO_APPROVAL, "state": "rejected"})


def _respond(action: Action, ask: Ask, now: datetime) -> Change:
    _refuse_stale(action, ask)
    if not ask.note.strip():
        msg = "a response needs words: say what should be different"
        raise BadPayload(msg)
    if action.state not in UNSENT:
        raise WrongState(action, "responded to")
    _refuse_expired(action, now)
    return Change("responded", "Sent to the planner; a new draft will replace this one.", {"state": "pending"})
