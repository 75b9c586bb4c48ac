"""A case as its page shows it: the chart, the proof, the hypotheses with their record, precedents, rows, history."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.action import Person
from memory.cases import CaseEvent, CaseRecord
from memory.schema import messages, promises
from recon.case import BreakRow, Case, Evidence
from recon.errors import Damaged
from recon.text import quoted
from web.casechart import chart_of, slim, with_breaks
from web.charts import SeriesChart
from web.drafts import DraftView, of_case
from web.recons import ReconWords, words_of
from web.rows import headline, urgency
from web.shown import STATE_LABELS, VERDICT_LABELS, number
from web.trust import Precision, bucket_precision

log = logging.getLogger(__name__)

ROWS_SHOWN: Final = 50
PROOF_KINDS: Final = ("proof", "pair", "slice", "side", "onset")

EVENT_WORDS: Final = {
    "opened": "The case was opened",
    "judged": "The agents gave their view",
    "drafted": "Drafts were made",
    "decided": "A draft was decided on",
    "assigned": "Assigned",
    "note": "Note",
    "snoozed": "Snoozed",
    "state": "The state changed",
    "escalated": "Escalated",
    "feedback": "Tagged",
    "undone": "Undone",
}


@dataclass(frozen=True)
class Hypo:
    """A hypothesis with the measured record of its bucket."""

    cause: str
    label: str
    statement: str
    confidence: float
    evidence_ids: tuple[str, ...]
    record: Precision | None


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to the case."""

    at: Any
    who: str
    words: str
    undo: str
    """The id to undo it by; empty when it cannot be."""
    undone: bool


def promises_of(desk: Desk, case_id: str) -> list[Any]:
    """What operators promised in comments, and whether it came true."""
    query = sa.select(promises).where(promises.c.case_id == case_id).order_by(promises.c.due_on)
    with desk.db.read() as connection:
        return list(connection.execute(query))


def values_line(evidence: Evidence) -> str:
    """The facts of an evidence as one line, for who checks."""
    parts = []
    for name, value in evidence.values.items():
        if isinstance(value, dict | list) or name == "break_id":
            continue
        shown = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        parts.append(f"{name.replace('_', ' ')} {shown}")
    return " · ".join(parts)[:600]


def _share(evidence: Evidence, name: str) -> float | None:
    try:
        return float(evidence.values[name])
    except (KeyError, TypeError, ValueError):
        return None


def hypotheses(desk: Desk, case: Case, words: ReconWords) -> list[Hypo]:
    """The ranked causes with how often operators agreed with that cause at that confidence before."""
    return [
        Hypo(
            h.cause,
            words.cause(h.cause, case.cause_detail),
            h.statement,
            h.confidence,
            tuple(i for i in h.evidence_ids if i not in h.statement),
            bucket_precision(desk, case.recon, "cause", h.cause),
        )
        for h in case.hypotheses
    ]


def _event_words(event: CaseEvent, words: ReconWords) -> str:
    body = event.body
    match event.kind:
        case "assigned":
            return f"Assigned to {body.get('owner') or 'nobody'}"
        case "snoozed":
            return f"Snoozed until {body.get('snooze_until') or 'further notice'}"
        case "state" | "escalated" if body.get("state"):
            return f"Now {STATE_LABELS.get(str(body['state']), str(body['state']))}"
        case "reply":
            return f"Answered: {quoted(str(body.get('note') or ''))}"
        case "feedback":
            return VERDICT_LABELS.get(str(body.get("verdict")), "Tagged")
        case _:
            said = body.get("sentence") or body.get("statement") or body.get("note") or body.get("title") or ""
            base = EVENT_WORDS.get(event.kind, event.kind.replace("_", " ").capitalize())
            return f"{base}: {said}" if said else base


def history_lines(desk: Desk, case: Case, words: ReconWords, drafts: Sequence[DraftView]) -> list[HistoryLine]:
    """Everything that happened to the case and its drafts, newest first."""
    lines = []
    for event in desk.cases.events(case.id):
        note = "" if event.kind == "reply" else str(event.body.get("note") or event.body.get("reason") or "")
        said = _event_words(event, words)
        lines.append(
            HistoryLine(
                event.at,
                event.who,
                f"{said} \u2013 {note}" if note and note not in said else said,
                f"ev-{event.n}" if event.undo and not event.undone_at else "",
                event.undone_at is not None,
            )
        )
    for draft in drafts:
        for d in draft.decisions:
            verb = {"approve": "approved", "edit": "edited", "reject": "rejected", "respond": "answered"}[d.kind]
            note = f" \u2013 {d.note}" if d.note else ""
            lines.append(HistoryLine(d.at, d.who, f"{draft.label} {verb}{note}", "", False))
    return sorted(lines, key=lambda line: line.at, reverse=True)[:80]


def chat_of(desk: Desk, case_id: str, limit: int = 40) -> list[dict[str, Any]]:
    """The conversation so far, oldest first."""
    query = sa.select(messages).where(messages.c.case_id == case_id).order_by(messages.c.n.desc()).limit(limit)
    with desk.db.read() as connection:
        rows = list(connection.execute(query))
    return [
        {"me": r.role == "user", "who": r.who, "text": r.text, "body": r.body or {}, "at": r.at} for r in reversed(rows)
    ]


def case_context(desk: Desk, person: Person, case_id: str) -> dict[str, Any]:
    """Everything that the case part of the page shows. Raises NotFound."""
    record = desk.cases.record(case_id)
    case = record.case
    words = words_of(desk, case.recon)
    breaks = desk.cases.breaks(case_id, limit=400)
    drafts = of_case(desk, case_id, person)
    proofs = [e for e in case.evidence if e.kind in PROOF_KINDS]
    slices = [(e, _share(e, "coverage"), _share(e, "purity")) for e in proofs if e.kind == "slice"]
    shown = sorted(breaks, key=lambda b: (-b.score, b.row))[:ROWS_SHOWN]
    today = words.calendar.today(desk.clock())
    known = [e.id for e in case.evidence]
    chart, past_unread = _chart(desk, record, breaks, drafts)
    return {
        "record": record,
        "case": case,
        "words": words,
        "known": known,
        "age": words.age(case.onset, desk.clock(), case.currency),
        "urgency": urgency(record.due_on, desk.clock().date()),
        "proofs": [e for e in proofs if e.kind != "slice"],
        "slices": slices,
        "facts": [e for e in case.evidence if e.kind not in PROOF_KINDS],
        "values_line": values_line,
        "hypotheses": hypotheses(desk, case, words),
        "pattern_record": bucket_precision(desk, case.recon, "pattern", case.pattern),
        "chart": chart,
        "past_unread": past_unread,
        # words that differ once are no line over time
        "drawn": past_unread or len(chart.points) > 1 or not all(b.in_words for b in breaks),
        "slim": slim,
        "headline": headline,
        "break_days": with_breaks,
        "breaks": shown,
        "shown_rows": {b.row for b in shown},
        "breaks_more": case.break_count - len(shown),
        "shared_key": (same := _shared(shown)),
        "one_pair": shown[0].pair if len({b.pair for b in shown}) == 1 else "",
        "key_columns": [c for c in _columns(shown, "key") if c not in same],
        "drafts": drafts,
        "now_deciding": next((d.action.id for d in drafts if d.open), ""),
        "history": history_lines(desk, case, words, drafts),
        "promises": promises_of(desk, case_id),
        "chat": chat_of(desk, case_id),
        "links": list(desk.ledger.links(case_id=case_id)),
        "tags": desk.feedback.list(target_id=case_id),
        "snooze_days": [(n, words.calendar.add_business_days(today, n)) for n in (1, 3, 5)],
        "day_later": today + timedelta(days=1),
    }


def _chart(
    desk: Desk, record: CaseRecord, breaks: Sequence[BreakRow], drafts: Sequence[DraftView]
) -> tuple[SeriesChart, bool]:
    """The chart, and whether the past could not be read: a case can be decided without it."""
    try:
        return chart_of(desk, record, breaks, drafts), False
    except Damaged as damaged:
        log.warning("%s", damaged)
        return chart_of(desk, record, breaks, drafts, kept=False), True


def _shared(breaks: Sequence[BreakRow]) -> dict[str, str]:
    """The key columns in which all the breaks hold one value: said once, above the rows."""
    keys = [set(b.key.items()) for b in breaks]
    same = set.intersection(*keys) if keys else set()
    return {column: value for column, value in breaks[0].key.items() if (column, value) in same} if keys else {}


def _columns(breaks: Sequence[BreakRow], which: str) -> list[str]:
    names: dict[str, None] = {}
    for brk in breaks:
        names.update(dict.fromkeys(getattr(brk, which)))
    return list(names)
