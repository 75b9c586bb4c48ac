"""Replay: a case, or the whole queue, as it was known and said at the end of a past day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.canonical import parse, payload_hash
from memory.cases import KNEW
from memory.database import Database
from memory.schema import actions, audit, case_breaks, case_events, cases, decisions, item_events, items, messages
from recon.errors import NotFound
from recon.text import counted

_KNOWN: Final = ("pattern", "cause", "cause_detail", "confidence", "severity", "amount", "currency", "suspect_side",
                 "summary", "evidence", "hypotheses")  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing that was done or said, with its moment."""

    at: datetime
    who: str
    what: str
    body: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "who": self.who, "what": self.what, "body": self.body}


@dataclass(frozen=True)
class Replayed:
    """A case as it stood at the end of a day (UTC)."""

    case_id: str
    day: date
    title: str
    state: str
    owner: str | None
    due_on: str | None
    snooze_until: str | None
    known: dict[str, Any]
    """Its judgement then: pattern, cause, confidence, severity, summary, evidence, hypotheses, suspect side."""
    breaks: tuple[dict[str, Any], ...]
    """Its breaks of business dates up to that day."""
    items: tuple[dict[str, Any], ...]
    """Its items with the difference and state that they had then."""
    actions: tuple[dict[str, Any], ...]
    """Its drafts with the state, the payload and its hash that they had then."""
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """For `--json` and the API."""
        return {
            "case_id": self.case_id,
            "as_of": self.day.isoformat(),
            "title": self.title,
            "state": self.state,
            "owner": self.owner,
            "due_on": self.due_on,
            "snooze_until": self.snooze_until,
            "known": self.known,
            "breaks": list(self.breaks),
            "items": list(self.items),
            "actions": list(self.actions),
            "steps": [step.to_json() for step in self.steps],
        }

    def text(self) -> str:
        """The page an auditor reads in a terminal."""
        lines = [
            f"{self.case_id} as of {self.day}: {self.title}",
            f"state {self.state} · owner {self.owner or 'nobody'} · due {self.due_on or 'no date'}",
            f"{self.known['pattern']} · {self.known['cause']} · {self.known['severity']}",
            self.known["summary"] or "nothing was said of it yet",
            *(f"  {e['id']}  {e['statement']}" for e in self.known["evidence"]),
            *(f"  {h['cause']}: {h['statement']}" for h in self.known["hypotheses"]),
            f"{counted(len(self.breaks), 'break')}, {counted(len(self.items), 'item')}",
        ]
        lines += [
            f"  {i['id']} {i['difference']} {i['currency']} ({i['state']}) since {i['onset']}" for i in self.items
        ]
        lines += [f"  {a['id']} {a['kind']} {a['state']} {a['payload_hash'][:12]}" for a in self.actions]
        lines += [f"  {s.at:%Y-%m-%d %H:%M} {s.who}: {s.what}{_said(s.body)}" for s in self.steps]
        return "\n".join(lines)


def _said(body: dict[str, Any]) -> str:
    for name in ("why", "reason", "text", "note", "sentence"):
        if body.get(name):
            return f" ({body[name]})"
    return ""


def replay(db: Database, case_id: str, day: date) -> Replayed:
    """The case at the end of `day`. Raises NotFound when it did not exist then."""
    end = _end(day)
    with db.read() as connection:
        row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None or row.created_at > end:
            msg = f"{case_id}: no such case on {day}" + (f"; it was opened on {row.created_at:%Y-%m-%d}" if row else "")
            raise NotFound(msg)
        known = _known(connection, row, end)
        standing = {**_standing(connection, row, end), "title": known["title"]}
        return Replayed(
            case_id=case_id,
            day=day,
            title=standing.pop("title"),
            known={name: known[name] for name in _KNOWN},
            breaks=_breaks(connection, case_id, day),
            items=_items(connection, case_id, day),
            actions=_actions(connection, case_id, end),
            steps=_steps(connection, case_id, end),
            **standing,
        )


def queue_as_of(db: Database, day: date, recon: str | None = None) -> list[dict[str, Any]]:
    """Every case that existed at the end of `day` with the state, owner and dates that it had then."""
    end = _end(day)
    query = sa.select(cases).where(cases.c.created_at <= end).order_by(cases.c.id)
    if recon is not None:
        query = query.where(cases.c.recon == recon)
    with db.read() as connection:
        rows = connection.execute(query).all()
        return [{"id": row.id, "recon": row.recon, **_standing(connection, row, end)} for row in rows]


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time(), UTC) - timedelta(microseconds=1)


def _standing(connection: Connection, row: Any, end: datetime) -> dict[str, Any]:
    """State, owner and dates then: today's, with every later change taken back from the newest on."""
    later = connection.execute(
        sa.select(case_events.c.undo, case_events.c.kind)
        .where(case_events.c.case_id == row.id, case_events.c.at > end, case_events.c.undo.is_not(None))
        .order_by(case_events.c.n.desc())
    ).all()
    values: dict[str, Any] = {
        "state": row.state,
        "owner": row.owner,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "snooze_until": row.snooze_until.isoformat() if row.snooze_until else None,
    }
    for event in later:
        values |= {name: before for name, before in event.undo.items() if name in values}
    opened = connection.execute(
        sa.select(case_events.c.body)
        .where(case_events.c.case_id == row.id, case_events.c.kind == "opened")
        .order_by(case_events.c.n)
        .limit(1)
    ).one_or_none()
    return {**values, "title": str(opened.body.get("title", row.title)) if opened else row.title}


def _known(connection: Connection, row: Any, end: datetime) -> dict[str, Any]:
    """The case's body then: what the first later change kept of it, or today's when nothing changed since."""
    query = (
        sa.select(case_events.c.body)
        .where(case_events.c.case_id == row.id, case_events.c.kind == KNEW, case_events.c.at > end)
        .order_by(case_events.c.n)
        .limit(1)
    )
    later = connection.execute(query).one_or_none()
    return dict(later.body if later else row.body)


def _breaks(connection: Connection, case_id: str, day: date) -> tuple[dict[str, Any], ...]:
    query = (
        sa.select(case_breaks.c.body)
        .where(case_breaks.c.case_id == case_id, case_breaks.c.business_date <= day)
        .order_by(case_breaks.c.business_date, case_breaks.c.break_id)
    )
    return tuple(dict(row.body) for row in connection.execute(query))


def _items(connection: Connection, case_id: str, day: date) -> tuple[dict[str, Any], ...]:
    """Each item's state after its last event up to that day."""
    held = sa.select(case_breaks.c.item_id).where(case_breaks.c.case_id == case_id, case_breaks.c.business_date <= day)
    query = (
        sa.select(item_events.c.item_id, item_events.c.body, items.c.key, items.c.pair)
        .join(items, items.c.id == item_events.c.item_id)
        .where(item_events.c.item_id.in_(held), item_events.c.business_date <= day)
        .order_by(item_events.c.business_date, item_events.c.n)
    )
    last = {row.item_id: row for row in connection.execute(query)}
    return tuple(
        {**row.body["state"], "id": row.item_id, "pair": row.pair, "key": dict(row.key)} for row in last.values()
    )


def _actions(connection: Connection, case_id: str, end: datetime) -> tuple[dict[str, Any], ...]:
    """Each draft with the last word that the audit has of it by then."""
    drafted = connection.execute(
        sa.select(actions).where(actions.c.case_id == case_id, actions.c.created_at <= end).order_by(actions.c.id)
    ).all()
    found = []
    for row in drafted:
        last = connection.execute(
            sa.select(audit.c.what, audit.c.who, audit.c.at, audit.c.payload_hash)
            .where(audit.c.target == row.id, audit.c.at <= end)
            .order_by(audit.c.n.desc())
            .limit(1)
        ).one_or_none()
        seen = (last.payload_hash if last else None) or row.payload_hash
        found.append(
            {
                "id": row.id,
                "kind": row.kind,
                "state": last.what if last else "drafted",
                "by": last.who if last else row.maker,
                "payload_hash": seen,
                "payload": _payload(connection, row, seen),
            }
        )
    return tuple(found)


def _payload(connection: Connection, row: Any, seen: str) -> dict[str, Any]:
    """The bytes behind a hash: the draft's own, its proposal's, or those that an edit stored."""
    for text in (row.payload, row.proposal):
        if payload_hash(text) == seen:
            return parse(text)
    query = sa.select(decisions.c.payload).where(decisions.c.action_id == row.id, decisions.c.new_hash == seen)
    text = connection.execute(query.limit(1)).scalar_one_or_none()
    return parse(text) if text else {}


def _steps(connection: Connection, case_id: str, end: datetime) -> tuple[Step, ...]:
    """The case's history, its decisions and its conversation, in order."""
    events = connection.execute(
        sa.select(case_events).where(
            case_events.c.case_id == case_id, case_events.c.at <= end, case_events.c.kind != KNEW
        )
    ).all()
    decided = connection.execute(
        sa.select(decisions).where(decisions.c.case_id == case_id, decisions.c.at <= end)
    ).all()
    spoken = connection.execute(sa.select(messages).where(messages.c.case_id == case_id, messages.c.at <= end)).all()
    steps = [Step(e.at, e.who, e.kind, dict(e.body)) for e in events]
    steps += [Step(d.at, d.who, d.kind, {"action": d.action_id, "hash": d.seen_hash, "note": d.note}) for d in decided]
    steps += [Step(m.at, m.who, f"said ({m.role})", {"text": m.text}) for m in spoken]
    return tuple(sorted(steps, key=lambda step: step.at))
