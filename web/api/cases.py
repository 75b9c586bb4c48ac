"""Cases: the queue, one case, its series, its rows, its history, and what may be done to it."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from memory.case_query import CaseQuery
from recon.errors import BadInput
from web.api.models import (
    BreakPageOut,
    BulkIn,
    BulkOut,
    CaseOut,
    CasePageOut,
    CasePatch,
    DoneOut,
    EventOut,
    FeedbackIn,
    FeedbackOut,
    Ident,
    MarkOut,
    Name,
    PointOut,
    SeriesOut,
    UndoOut,
    Words,
    WorthOut,
    break_out,
    case_out,
    event_out,
)
from web.blast import blast_radius
from web.casechart import chart_of
from web.charts import SeriesChart
from web.deeds import STATE_DO, Change, Done, bulk, change_case, undo
from web.drafts import of_case
from web.hub import Here, OnDesk, Who
from web.tags import Said, give_feedback, tag_of
from web.worth import worth_a_look

route_cases = APIRouter(prefix="/api/v1", tags=["cases"])

Filter = Annotated[Words | None, Query(max_length=400)]


def _many(said: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (said or "").split(",") if part.strip())


@route_cases.get("/cases")
def list_cases(
    desk: OnDesk,
    who: Who,
    state: Filter = None,
    pattern: Filter = None,
    cause: Filter = None,
    recon: Filter = None,
    owner: Filter = None,
    q: Filter = None,
    sort: Annotated[Words, Query(max_length=40)] = "-severity",
    cursor: Annotated[Words | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> CasePageOut:
    """The queue. Several states, patterns or causes are separated by commas; `state=open` means every state still to
    be worked; `owner=me` is who asks, `owner=-` nobody. `sort`: severity, amount, onset, due, score, created, with `-`
    for largest first."""
    query = CaseQuery(
        state=_many(state),
        pattern=_many(pattern),
        cause=_many(cause),
        recon=recon or None,
        owner=who.name if owner == "me" else owner or None,
        q=q or None,
        sort=sort,
        cursor=cursor or None,
        limit=limit,
    )
    page = desk.cases.page(query)
    return CasePageOut(items=[case_out(r) for r in page.records], next_cursor=page.next_cursor)


@route_cases.get("/cases/{case_id}")
def get_case(desk: OnDesk, case_id: Ident, response: Response) -> CaseOut:
    """One case with its evidence. Its ETag is its version."""
    record = desk.cases.record(case_id)
    response.headers["etag"] = f'"{record.version}"'
    return case_out(record, tuple(a.id for a in desk.ledger.list(case_id=case_id)))


@route_cases.get("/cases/{case_id}/series")
def get_series(desk: OnDesk, who: Who, case_id: Ident) -> SeriesOut:
    """The case's main series over time with its expected band, and what was said and done when."""
    record = desk.cases.record(case_id)
    chart = chart_of(desk, record, desk.cases.breaks(case_id, limit=400), of_case(desk, case_id, who))
    return series_out(chart)


def series_out(chart: SeriesChart) -> SeriesOut:
    """A chart as data."""
    return SeriesOut(
        name=chart.name,
        unit=chart.unit,
        onset=chart.onset,
        left_name=chart.left_name,
        right_name=chart.right_name,
        points=[
            PointOut(
                day=p.day, value=p.value, text=p.label, expected=p.expected, low=p.low, high=p.high, left=p.left,
                right=p.right, is_break=p.is_break, anomaly=p.anomaly, in_case=p.here,
            )
            for p in chart.points
        ],
        marks=[MarkOut(day=m.day, kind=m.kind, text=m.text) for m in chart.marks],
    )  # fmt: skip


@route_cases.get("/cases/{case_id}/breaks")
def get_breaks(
    desk: OnDesk,
    case_id: Ident,
    cursor: Annotated[Words | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> BreakPageOut:
    """The case's rows, by break id; `cursor` is the last one's."""
    desk.cases.record(case_id)
    rows = desk.cases.breaks(case_id, limit=limit + 1, after=cursor)
    more = len(rows) > limit
    return BreakPageOut(
        items=[break_out(b) for b in rows[:limit]], next_cursor=rows[limit - 1].break_id if more else None
    )


@route_cases.get("/cases/{case_id}/events")
def get_events(desk: OnDesk, case_id: Ident) -> list[EventOut]:
    """The case's history, oldest first."""
    desk.cases.record(case_id)
    return [event_out(e) for e in desk.cases.events(case_id)]


@route_cases.patch("/cases/{case_id}")
def patch_case(
    desk: OnDesk,
    hub: Here,
    who: Who,
    case_id: Ident,
    patch: CasePatch,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> CaseOut:
    """Owner, state, snooze, escalation, or closing by force (approver, with a note). 409 when `version` (or If-Match)
    is no longer the case's."""
    changes = _changes(patch, _version(if_match) if if_match else patch.version)
    if not changes:
        msg = "nothing to change: give owner, state, snooze_until, due_on or escalate"
        raise BadInput(msg)
    record = desk.cases.record(case_id)
    for change in changes:
        record, _ = change_case(desk, who, case_id, change)
    hub.counts.forget()
    response.headers["etag"] = f'"{record.version}"'
    return case_out(record, tuple(a.id for a in desk.ledger.list(case_id=case_id)))


def _version(etag: str) -> int:
    said = etag.strip().removeprefix("W/").strip('"')
    if not said.isdigit() or len(said) > 12:
        msg = "If-Match: give the ETag of the case as it was read"
        raise BadInput(msg)
    return int(said)


def _changes(patch: CasePatch, version: int | None) -> list[Change]:
    changes = []
    if patch.owner is not None:
        changes.append(Change("unassign" if patch.owner == "-" else "assign", patch.note, patch.owner))
    if patch.escalate:
        changes.append(Change("escalate", patch.note))
    elif patch.snooze_until is not None:
        changes.append(Change("snooze", patch.note, until=patch.snooze_until))
    elif patch.state is not None:
        do = {"open": "wake", **STATE_DO}.get(patch.state)
        if do is None:
            msg = f"state: {patch.state!r} follows from the rows; it cannot be set"
            raise BadInput(msg)
        changes.append(Change(do, patch.note))
    if patch.due_on is not None:
        changes.append(Change("due", patch.note, until=patch.due_on))
    if not changes and patch.note.strip():
        changes.append(Change("note", patch.note))
    if changes and version is not None:
        first = changes[0]
        changes[0] = Change(first.do, first.note, first.owner, first.until, version)
    return changes


@route_cases.post("/cases/bulk")
def bulk_cases(desk: OnDesk, hub: Here, who: Who, said: BulkIn) -> BulkOut:
    """One deed on many cases: first as a preview (`apply: false`), then for good; a result for each."""
    results = bulk(desk, who, said.ids, said.do, said.note, until=said.until, owner=said.owner, apply=said.apply)
    if said.apply:
        hub.counts.forget()
    return BulkOut(applied=said.apply, results=[done_out(d) for d in results])


def done_out(done: Done) -> DoneOut:
    """One result of a bulk deed."""
    return DoneOut(id=done.id, ok=done.ok, sentence=done.sentence, undo_id=done.undo or None)


@route_cases.post("/cases/{case_id}/feedback")
def tag_case(desk: OnDesk, who: Who, case_id: Ident, said: FeedbackIn) -> FeedbackOut:
    """Tags a case: true, false positive, missed, or corrected. With `preview` it only says what that would change."""
    return _tag(desk, who, case_id, None, said)


@route_cases.get("/breaks/worth-a-look")
def list_worth_a_look(
    desk: OnDesk, who: Who, recon: Name, limit: Annotated[int, Query(ge=1, le=10)] = 10
) -> list[WorthOut]:
    """Unflagged breaks whose tags would teach most; they stand outside the promised rate of false alarms."""
    return [WorthOut(case_id=row.case_id, brk=break_out(row.brk)) for row in worth_a_look(desk, recon, limit)]


@route_cases.post("/breaks/{break_id}/feedback")
def tag_break(desk: OnDesk, who: Who, break_id: Ident, said: FeedbackIn) -> FeedbackOut:
    """The same for one break."""
    case_id, _ = desk.cases.find_break(break_id)
    return _tag(desk, who, case_id, break_id, said)


def _tag(desk: OnDesk, who: Who, case_id: str, break_id: str | None, said: FeedbackIn) -> FeedbackOut:
    case = desk.cases.get(case_id)
    words = Said(
        said.verdict, said.note, said.pattern, said.cause, said.whole_scope, said.expires_days, break_id, said.on
    )  # fmt: skip
    tag = tag_of(desk, case, words)
    radius = blast_radius(desk, case, tag)
    if said.preview:
        return FeedbackOut(saved=False, id=None, verdict=said.verdict, would_change=radius.to_json())
    saved = give_feedback(desk, who, tag, case_id)
    return FeedbackOut(saved=True, id=saved.id, verdict=said.verdict, would_change=radius.to_json())


@route_cases.post("/undo/{undo_id}")
def take_back(desk: OnDesk, hub: Here, who: Who, undo_id: Ident) -> UndoOut:
    """Takes back an approval that has not left (its action's id), a change of a case (`ev-…`) or a tag (its id)."""
    done = undo(desk, who, undo_id)
    hub.counts.forget()
    return UndoOut(ok=done.ok, sentence=done.sentence)
