"""How an action stands, in one sentence for the operator, and what that operator can do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, assert_never

from memory.action import Action
from memory.action_lists import DoorState
from recon.words import ActionKind

ButtonName = Literal["approve", "edit", "reject", "respond", "undo", "found", "send_again", "give_up", "open_door"]

LABELS: Final[Mapping[ButtonName, str]] = {
    "approve": "Approve",
    "edit": "Edit",
    "reject": "Reject",
    "respond": "Respond",
    "undo": "Undo",
    "found": "I found it",
    "send_again": "Send again",
    "give_up": "Give up",
    "open_door": "Try again now",
}

_THING: Final[Mapping[ActionKind, str]] = {
    "jira.create": "the ticket",
    "jira.comment": "the comment",
    "jira.transition": "the change of state",
    "email.send": "the mail",
    "webhook.call": "the call",
    "recon.comment": "the comment on the breaks",
    "task.create": "the to-do",
}

_WHERE: Final[Mapping[str, str]] = {
    "jira": "Jira",
    "mail": "the mail server",
    "webhook": "the other system",
    "tracker": "the tracker",
    "recon": "the workspace",
}


@dataclass(frozen=True)
class Button:
    """One thing the operator can do."""

    name: ButtonName
    label: str


@dataclass(frozen=True)
class Standing:
    """An action's state in words, with its age where that matters, and its buttons."""

    sentence: str
    buttons: tuple[Button, ...]


def standing(action: Action, now: datetime, shut: Mapping[str, DoorState] | None = None) -> Standing:
    """How an action stands at a moment; `shut` are the shut doors by name."""
    door = (shut or {}).get(action.door)
    names = _buttons(action, now, door)
    return Standing(_sentence(action, now, door), tuple(Button(name, LABELS[name]) for name in names))


def age(since: datetime | None, now: datetime) -> str:
    """
    >>> from datetime import UTC, timedelta
    >>> age(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, 5, tzinfo=UTC))
    '5 hours'
    """
    seconds = max(0, int((now - since).total_seconds())) if since else 0
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            n = seconds // size
            return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _sentence(action: Action, now: datetime, door: DoorState | None) -> str:
    thing = _THING[action.kind]
    fault = str((action.fault or {}).get("sentence", ""))
    match action.state:
        case "draft":
            return f"Tieout is still drafting {thing}; you can already decide on it."
        case "pending":
            return _pending(action, thing)
        case "approved":
            return _approved(action, now, door, thing)
        case "executing":
            return f"{thing.capitalize()} is being sent, for {age(action.attempted_at or action.updated_at, now)}."
        case "checking":
            waiting = f" {door.sentence}" if door and door.next_at and door.next_at > now else ""
            where = _WHERE[action.door]
            since = age(action.attempted_at, now)
            return f"The answer was lost {since} ago; Tieout is looking in {where} whether {thing} arrived.{waiting}"
        case "done":
            reference = (action.receipt or {}).get("reference", "")
            detail = (action.receipt or {}).get("detail", "")
            return " ".join(part for part in (f"Done: {reference}.", detail, fault) if part)
        case "rejected":
            return "Rejected; nothing left."
        case "failed":
            return fault or f"{thing.capitalize()} was refused; nothing left."
        case "unknown":
            since = age(action.attempted_at or action.updated_at, now)
            look = _look_for(action)
            return f"It is not known since {since} whether {thing} arrived. {fault} {look}".replace("  ", " ")
        case "superseded":
            return fault or "A newer draft replaces it; nothing left."
        case "expired":
            return (
                "Nobody decided in time, or it could not leave in time; nothing left. Draft it again if it still holds."
            )
        case _:
            assert_never(action.state)


def _pending(action: Action, thing: str) -> str:
    if not action.four_eyes:
        return f"Waits for your decision on {thing}."
    reasons = " ".join(action.meta.get("four_eyes", ()))
    if action.humans:
        names = ", ".join(sorted(action.humans))
        return f"Waits for a second person (not {names}). {reasons}".strip()
    return f"Waits for two persons. {reasons}".strip()


def _approved(action: Action, now: datetime, door: DoorState | None, thing: str) -> str:
    if action.not_before is not None and action.not_before > now:
        left = int((action.not_before - now).total_seconds()) + 1
        return f"Approved by {action.approved_by}; it leaves in {left} s unless undone."
    if door is not None and door.next_at is not None:
        paused = "Paused" if door.paused else "Waiting"
        return f"{paused} since {age(door.since, now)}, and nothing is lost: {door.sentence}"
    if action.next_at is not None and action.next_at > now and action.fault:
        return f"Not sent yet: {action.fault['sentence']} It is tried again in {age(now, action.next_at)}."
    return f"Approved by {action.approved_by}; {thing} leaves next."


def _look_for(action: Action) -> str:
    match action.door:
        case "mail":
            return f"Look in the sent or received mail for Message-ID {action.payload['message_id']}, then say so."
        case "jira":
            return f"Look in Jira for the label or marker {marker(action)}, then say so."
        case _:
            return f"Ask the other side for request {action.id}, then say so."


def marker(action: Action) -> str:
    """What marks an action's work in Jira: a ticket's label, and the last line of a comment."""
    return f"tieout-{action.id}"


def _buttons(action: Action, now: datetime, door: DoorState | None) -> tuple[ButtonName, ...]:
    match action.state:
        case "draft" | "pending":
            return ("approve", "edit", "reject", "respond")
        case "approved":
            shut: tuple[ButtonName, ...] = ("open_door",) if door is not None and door.next_at is not None else ()
            return ("undo", "edit", "reject", *shut) if action.attempted_at is None else shut
        case "checking":
            return ("found", "give_up")
        case "unknown":
            return ("found", "send_again", "give_up")
        case "failed":
            given_up = (action.fault or {}).get("code") == "given_up"
            return ("send_again",) if given_up else ("edit", "send_again", "give_up")
        case _:
            return ()
