"""Drafts as a person decides on them: what leaves and to whom, what changed since the proposal, who may approve."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from markupsafe import Markup

from agents.desk import Desk
from memory.action import Action, Decision, Person
from memory.action_lists import DoorState
from memory.payloads import FIXED
from memory.policy import four_eyes_reasons
from memory.schema import autosaves
from memory.standing import standing
from recon.errors import BadInput, TieoutError
from web.access import may
from web.shown import ACTION_LABELS, ACTION_STATES, exact

LONG: Final = frozenset({"description", "body", "comment"})
"""Fields that are prose: a text area, and a preview of their own."""
TITLES: Final = {
    "summary": "Summary",
    "subject": "Subject",
    "title": "Title",
    "comment": "Comment",
    "description": "Description",
    "body": "Body",
    "to": "To",
    "cc": "Cc",
    "project": "Project",
    "issuetype": "Type",
    "priority": "Priority",
    "assignee": "Assignee",
    "labels": "Labels",
    "ticket": "Ticket",
    "url": "Address",
    "event": "Event",
    "owner": "Owner",
    "due": "Due",
}
_HEADLINE: Final = {"jira.create": "summary", "email.send": "subject", "task.create": "title"}
_PROSE: Final = {
    "jira.create": "description",
    "jira.comment": "body",
    "email.send": "body",
    "recon.comment": "comment",
    "task.create": "body",
}


@dataclass(frozen=True)
class Field:
    """One editable field of a payload as a form shows it."""

    name: str
    title: str
    value: str
    long: bool
    many: bool
    """A list, one entry per line or separated by commas."""


@dataclass(frozen=True)
class DraftView:
    """A draft with everything the page says of it."""

    action: Action
    label: str
    state_words: str
    where: tuple[tuple[str, str], ...]
    """To whom and where, line by line."""
    headline: str
    prose: str
    fields: tuple[Field, ...]
    bytes: str
    """The canonical JSON, indented for reading; the hash is of the bytes without the indents."""
    leaves: str
    """What the door would send, to the byte; empty where no door is configured or it is over."""
    standing: str
    """How it stands, in one sentence."""
    shut: bool
    """Its door is shut just now, and a person may have it tried again at once."""
    attachments: tuple[tuple[str, str], ...]
    difference: Markup | None
    open: bool
    """A decision can be taken."""
    may_approve: bool
    why_not: str
    reasons: tuple[str, ...]
    """Why a second person must look."""
    undo_until: datetime | None
    restored: datetime | None
    """When the words in `fields` were autosaved; None: they are the draft's own."""
    restored_stale: bool
    """The autosave was typed over an older draft."""
    decisions: tuple[Decision, ...]
    receipt_url: str


def text_of(value: Any) -> str:
    """A payload's value as a form field holds it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


def editable(action: Action, payload: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields that an edit may change, in the payload's own order of importance."""
    fixed = {*FIXED[action.kind], "attachments"}
    order = list(TITLES)
    names = sorted((n for n in payload if n not in fixed), key=lambda n: order.index(n) if n in order else 99)
    return tuple(
        Field(n, TITLES.get(n, n), text_of(payload[n]), n in LONG, isinstance(payload[n], list)) for n in names
    )


def payload_from_form(action: Action, form: Mapping[str, str]) -> dict[str, Any]:
    """The edited payload: fields of the form over the current draft. Line ends of forms become plain newlines."""
    payload = dict(action.payload)
    for field in editable(action, payload):
        said = form.get(f"p.{field.name}")
        if said is None:
            continue
        payload[field.name] = _value(field.name, said.replace("\r\n", "\n").replace("\r", "\n"), payload[field.name])
    return payload


def _value(name: str, said: str, before: Any) -> Any:
    if isinstance(before, list):
        return [part.strip() for part in re.split(r"[,\n]", said) if part.strip()]
    if isinstance(before, dict):
        try:
            return json.loads(said, parse_float=str)
        except ValueError as error:
            msg = f"{name}: this is no JSON: {error}"
            raise BadInput(msg) from None
    if not said.strip() and (before is None or name in ("priority", "assignee", "owner", "due")):
        return None
    return said if name in LONG else said.strip()


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> Markup | None:
    """What changed from one payload to another, word by word; None when nothing did."""
    parts = []
    for name in [*before, *(n for n in now if n not in before)]:
        old, new = text_of(before.get(name)), text_of(now.get(name))
        if old != new:
            title = TITLES.get(name, name)
            parts.append(
                Markup('<p class="label">{}</p><p class="pre small">{}</p>').format(title, words_diff(old, new))
            )
    return Markup("").join(parts) if parts else None


def words_diff(old: str, new: str) -> Markup:
    """Two texts as one, removed and added words marked."""
    a, b = re.findall(r"\s+|[^\s]+", old[:20_000]), re.findall(r"\s+|[^\s]+", new[:20_000])
    parts: list[Markup] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            kept = "".join(a[i:j])
            parts.append(exact(kept if len(kept) < 240 else f"{kept[:110]} \u2026 {kept[-110:]}"))
            continue
        if i < j:
            parts.append(Markup("<del>{}</del>").format(exact("".join(a[i:j]))))
        if k < m:
            parts.append(Markup("<ins>{}</ins>").format(exact("".join(b[k:m]))))
    return Markup("").join(parts)


def where_of(action: Action, payload: Mapping[str, Any], jira: str) -> tuple[tuple[str, str], ...]:
    """To whom and where a draft goes, line by line; `jira` names the tracker."""
    match action.kind:
        case "jira.create":
            parts = [payload["project"], payload["issuetype"], payload.get("priority") or "no priority"]
            lines = [("To", f"{jira}: {' / '.join(parts)}"), ("Assignee", payload.get("assignee") or "nobody")]
            if payload.get("labels"):
                lines.append(("Labels", ", ".join(payload["labels"])))
        case "jira.comment":
            lines = [("On", f"{jira}: {payload['ticket']}")]
        case "jira.transition":
            lines = [("On", f"{jira}: {payload['ticket']}"), ("Moves to", payload["to"])]
        case "email.send":
            lines = [("To", ", ".join(payload["to"]))]
            if payload["cc"]:
                lines.append(("Cc", ", ".join(payload["cc"])))
        case "webhook.call":
            lines = [("To", payload["url"]), ("Event", payload["event"])]
        case "recon.comment":
            lines = [
                (
                    "On",
                    f"{len(payload['breaks'])} row{'s' if len(payload['breaks']) != 1 else ''} of {payload['recon']}",
                )
            ]
        case "task.create":
            lines = [("To", "the local tracker"), ("Owner", payload.get("owner") or "nobody")]
            if payload.get("due"):
                lines.append(("Due", payload["due"]))
    return tuple(lines)


def tracker_of(desk: Desk) -> str:
    """Where tickets go, in a word or two."""
    return "Jira" if desk.settings.jira_url else "Local tracker"


def headline_of(action: Action) -> str:
    """The line that a reader sees first; empty for a kind without one."""
    return str(action.payload.get(_HEADLINE.get(action.kind, ""), ""))


def prose_of(action: Action) -> str:
    """What a reader reads; a webhook's body as indented JSON."""
    return str(action.payload.get(_PROSE.get(action.kind, ""), "")) or text_of(action.payload.get("body", ""))


def _approval(action: Action, person: Person, busy: bool) -> tuple[bool, str]:
    """Whether this person may approve just now, and in one sentence why not."""
    if not busy:
        return False, ""
    if not may(person.role, "operator"):
        return False, "Your role may look, not decide."
    if action.four_eyes and person.name in action.humans:
        return False, "You drafted, edited or already approved this, so a second person must approve it."
    if not may(person.role, "approver") and not (action.four_eyes and not action.humans):
        return False, "An approver must approve; you may edit, reject or respond."
    return True, ""


def _leaves(desk: Desk, action: Action) -> str:
    """The very request or letter, as the door's own dry run builds it; nothing is sent."""
    door = desk.doors.get(action.kind)
    try:
        return door.dry_run(action).decode("utf-8", "replace")[:40_000] if door else ""
    except TieoutError as error:
        return str(error)


def view(desk: Desk, action: Action, person: Person, shut: Sequence[DoorState] = ()) -> DraftView:
    """A draft as its card shows it."""
    payload = action.payload
    saved = autosave_of(desk, action.id, person.name)
    shown = {**payload, **saved[0]} if saved else payload
    is_open = action.state in ("draft", "pending")
    ok, why = _approval(action, person, is_open)
    changed = difference(action.proposal, payload) if action.last_editor else None
    waiting = action.state == "approved" and action.not_before and not action.attempted_at
    how = standing(action, desk.clock(), {d.name: d for d in shut})
    return DraftView(
        action=action,
        label=ACTION_LABELS[action.kind],
        state_words=ACTION_STATES[action.state],
        where=where_of(action, payload, tracker_of(desk)),
        headline=headline_of(action),
        prose=prose_of(action),
        fields=editable(action, shown),
        bytes=json.dumps(
            {k: v for k, v in payload.items() if k != "attachments"}, ensure_ascii=False, indent=2, sort_keys=True
        ),
        leaves=_leaves(desk, action) if is_open else "",
        standing=how.sentence,
        shut="open_door" in [button.name for button in how.buttons],
        attachments=tuple((a["name"], a["sha256"]) for a in payload.get("attachments") or ()),
        difference=changed,
        open=is_open,
        may_approve=ok,
        why_not=why,
        reasons=four_eyes_reasons(action.policy, action.kind, payload, action.amount_base) if action.four_eyes else (),
        undo_until=action.not_before if waiting else None,
        restored=saved[2] if saved else None,
        restored_stale=bool(saved and saved[1] != action.payload_hash),
        decisions=tuple(desk.ledger.decisions(action.id)),
        receipt_url=_safe_url((action.receipt or {}).get("url", "")),
    )


def _safe_url(url: object) -> str:
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def of_case(desk: Desk, case_id: str, person: Person) -> list[DraftView]:
    """The case's drafts: what waits first, then what is on its way, then what is over; replaced ones are left out."""
    order = {"pending": 0, "draft": 1, "unknown": 2, "failed": 3, "approved": 4, "executing": 5, "checking": 6}
    actions = [a for a in desk.ledger.list(case_id=case_id) if a.state != "superseded"]
    shut = desk.ledger.doors()
    return [view(desk, a, person, shut) for a in sorted(actions, key=lambda a: (order.get(a.state, 9), a.created_at))]


# --- words typed but not yet stored as an edit ------------------------------------------------------------------


def autosave_of(desk: Desk, action_id: str, who: str) -> tuple[dict[str, Any], str, datetime] | None:
    """What this person typed last: the fields, the hash of the draft they typed over, and when."""
    query = sa.select(autosaves).where(autosaves.c.action_id == action_id, autosaves.c.who == who)
    with desk.db.read() as connection:
        row = connection.execute(query).one_or_none()
    return (json.loads(row.payload), row.base_hash, row.at) if row else None


def autosave(desk: Desk, action_id: str, who: str, base_hash: str, fields: Mapping[str, str]) -> datetime:
    """Keeps what was typed. It is nobody's draft until it is stored as an edit."""
    action = desk.ledger.get(action_id)
    payload = payload_from_form(action, fields)
    changed = {n: v for n, v in payload.items() if v != action.payload.get(n)}
    now = desk.clock()
    values = {"base_hash": base_hash[:64], "payload": json.dumps(changed), "at": now}
    mine = sa.and_(autosaves.c.action_id == action_id, autosaves.c.who == who)
    with desk.db.begin() as connection:
        if connection.execute(sa.update(autosaves).where(mine).values(**values)).rowcount == 0:
            connection.execute(sa.insert(autosaves).values(action_id=action_id, who=who, **values))
    return now


def drop_autosave(desk: Desk, action_id: str, who: str) -> None:
    """After the edit was stored, or thrown away."""
    with desk.db.begin() as connection:
        connection.execute(sa.delete(autosaves).where(autosaves.c.action_id == action_id, autosaves.c.who == who))


def bulk_pairs(actions: Sequence[Action]) -> list[tuple[str, str]]:
    """(id, hash) of each, as a bulk decision asks for them."""
    return [(a.id, a.payload_hash) for a in actions]
