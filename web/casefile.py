"""A case as its page shows it: the chart, the proof, the hypotheses with their record, precedents, rows, history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.action import Person
from memory.cases import CaseEvent, CaseRecord
from memory.schema import items, messages, promises
from recon.calendar import to_date
from recon.case import BreakRow, Case, Evidence
from recon.series import SeriesHistory
from recon.text import quoted
from web.bands import bands
from web.charts import Point, SeriesChart, TimeMark
from web.drafts import DraftView, of_case
from web.recons import ReconWords, words_of
from web.rows import headline
from web.shown import STATE_LABELS, VERDICT_LABELS, number
from web.trust import Precision, bucket_precision

ROWS_SHOWN: Final = 50
DAYS_SHOWN: Final = 260
PROOF_KINDS: Final = ("proof", "pair", "slice", "side", "onset")
PARTS: Final = frozenset({"open", "closed"})

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


def series_id_of(desk: Desk, brk: BreakRow) -> int | None:
    """The series a break belongs to, from its item."""
    with desk.db.read() as connection:
        found = connection.execute(sa.select(items.c.series_id).where(items.c.id == brk.item_id)).scalar_one_or_none()
    try:
        return int(found) if found else None
    except ValueError:
        return None


def history_of(desk: Desk, case: Case, brk: BreakRow) -> SeriesHistory | None:
    """The series behind a break, from the lake; None when it is not kept there."""
    series_id = series_id_of(desk, brk)
    return None if series_id is None else desk.lake.series(case.recon, brk.pair, series_id)


def main_break(breaks: Sequence[BreakRow]) -> BreakRow | None:
    """The break that the chart is drawn for: the strangest, then the largest."""

    def size(brk: BreakRow) -> tuple[float, Decimal]:
        try:
            return brk.score, abs(Decimal(brk.difference))
        except InvalidOperation:
            return brk.score, Decimal(0)

    return max(breaks, key=size, default=None)


def points_of(series: SeriesHistory, here: Mapping[date, BreakRow], trace: Any | None) -> tuple[Point, ...]:
    """A series as the chart's points, the newest `DAYS_SHOWN`; the case's own breaks bring their band."""
    unit = 10.0**series.scale
    points = []
    first = max(0, len(series.day) - DAYS_SHOWN)
    for i in range(first, len(series.day)):
        on = to_date(int(series.day[i]))
        if on is None:
            continue
        brk = here.get(on)
        low = _finite(trace.low[i]) if trace is not None else None
        high = _finite(trace.high[i]) if trace is not None else None
        expected = _finite(trace.expected[i]) if trace is not None else None
        if brk is not None and brk.low is not None:
            low, high, expected = brk.low, brk.high, brk.expected
        points.append(
            Point(
                day=on,
                value=float(series.diff[i]) / unit,
                low=low,
                high=high,
                expected=expected,
                left=None if series.left_missing[i] else float(series.left[i]) / unit,
                right=None if series.right_missing[i] else float(series.right[i]) / unit,
                is_break=bool(series.is_break[i]),
                anomaly=bool(brk and brk.anomaly == "yes"),
                here=brk is not None,
                label=format(series.amount(int(series.diff[i])), "f"),
            )
        )
    return _once_a_day(points)


def _once_a_day(points: Sequence[Point]) -> tuple[Point, ...]:
    """The last point of each day, in order: a series may have several rows a day."""
    by_day: dict[date, Point] = {}
    for point in points:
        kept = by_day.get(point.day)
        if kept is None or not (kept.here and not point.here):
            by_day[point.day] = point
    return tuple(by_day[d] for d in sorted(by_day))


def _finite(value: Any) -> float | None:
    found = float(value)
    return found if found == found and abs(found) != float("inf") else None


def trace_of(series: SeriesHistory) -> Any | None:
    """The walk-forward band of every day, where the detectors can draw one."""
    return bands(series)


def from_breaks(breaks: Sequence[BreakRow]) -> tuple[Point, ...]:
    """Points from the case's own rows, where the lake has no series."""
    points = []
    for brk in breaks:
        if brk.business_date is None:
            continue
        try:
            value = float(Decimal(brk.difference))
        except InvalidOperation:
            continue
        points.append(
            Point(
                brk.business_date, value, brk.low, brk.high, brk.expected,
                _number(brk.left), _number(brk.right), brk.is_break, brk.anomaly == "yes", True, brk.difference,
            )
        )  # fmt: skip
    return _once_a_day(sorted(points, key=lambda p: p.day))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(Decimal(text))
    except InvalidOperation:
        return None


def chart_of(desk: Desk, record: CaseRecord, breaks: Sequence[BreakRow], drafts: Sequence[DraftView]) -> SeriesChart:
    """The chart of the case's main series with what was said and done on the time line."""
    case = record.case
    words = words_of(desk, case.recon)
    brk = main_break(breaks)
    same = [b for b in breaks if brk and b.key == brk.key and b.pair == brk.pair]
    here = {b.business_date: b for b in same if b.business_date}
    series = history_of(desk, case, brk) if brk else None
    if series is not None and len(series.day):
        points = points_of(series, here, trace_of(series))
        said = [
            TimeMark(on, "comment", text)
            for on, text in ((to_date(int(d)), c) for d, c in zip(series.day, series.comment, strict=True))
            if on and text.strip()
        ]
    else:
        points, said = from_breaks(same), []
    key = " · ".join(brk.key.values()) if brk else case.title
    return SeriesChart(
        name=f"{brk.pair if brk else case.pair} difference, {key}",
        points=points,
        marks=tuple(_few(said) + _deeds(drafts) + _promise_marks(desk, case.id)),
        onset=case.onset,
        unit=(brk.currency if brk else None) or "",
        left_name=words.left,
        right_name=words.right,
        ident=f"c-{case.id}",
    )


def _few(marks: list[TimeMark], limit: int = 24) -> list[TimeMark]:
    """The newest of each different text, so that a comment that repeats daily does not fill the lane."""
    seen: dict[str, TimeMark] = {}
    for mark in marks:
        seen[mark.text] = mark
    return sorted(seen.values(), key=lambda m: m.day)[-limit:]


def _deeds(drafts: Sequence[DraftView]) -> list[TimeMark]:
    marks = []
    for draft in drafts:
        action = draft.action
        if action.state == "done" and action.approved_at:
            kind = {"email.send": "email", "recon.comment": "comment"}.get(action.kind, "ticket")
            reference = (action.receipt or {}).get("reference", "")
            marks.append(TimeMark(action.approved_at.date(), kind, f"{draft.label} {reference}"))  # type: ignore[arg-type]
    return marks


def _promise_marks(desk: Desk, case_id: str) -> list[TimeMark]:
    query = sa.select(promises.c.due_on, promises.c.text).where(
        promises.c.case_id == case_id, promises.c.due_on.is_not(None)
    )
    with desk.db.read() as connection:
        return [TimeMark(row.due_on, "promise", row.text) for row in connection.execute(query)]


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
    return {
        "record": record,
        "case": case,
        "words": words,
        "known": known,
        "age": words.age(case.onset, desk.clock(), case.currency),
        "late": record.due_on is not None and record.due_on < desk.clock().date(),
        "proofs": [e for e in proofs if e.kind != "slice"],
        "slices": slices,
        "facts": [e for e in case.evidence if e.kind not in PROOF_KINDS],
        "values_line": values_line,
        "hypotheses": hypotheses(desk, case, words),
        "pattern_record": bucket_precision(desk, case.recon, "pattern", case.pattern),
        "chart": chart_of(desk, record, breaks, drafts),
        "slim": slim,
        "headline": headline,
        "break_days": with_breaks,
        "breaks": shown,
        "shown_rows": {b.row for b in shown},
        "breaks_more": case.break_count - len(shown),
        "key_columns": _columns(shown, "key"),
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


def _columns(breaks: Sequence[BreakRow], which: str) -> list[str]:
    names: dict[str, None] = {}
    for brk in breaks:
        names.update(dict.fromkeys(getattr(brk, which)))
    return list(names)


def slim(chart: SeriesChart) -> SeriesChart:
    """The same chart for a narrow place."""
    return replace(chart, width=370, height=210, slim=True, ident=chart.ident + "n")


def with_breaks(chart: SeriesChart) -> str:
    """How many of the chart's days are breaks, in words."""
    return f"{sum(p.is_break for p in chart.points)} of {len(chart.points)} days break"
