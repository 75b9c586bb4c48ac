"""One case's page, deeds on it, tags with their blast radius, and questions asked without script."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from recon.errors import BadInput
from recon.words import CAUSE_LABELS, PATTERN_LABELS
from web.blast import blast_radius
from web.casechart import chart_of
from web.casefile import case_context
from web.charts import sides_svg
from web.deeds import Change, change_case, undo
from web.hub import Here, OnDesk, Who
from web.pages.forms import Form, go_back, safe_back
from web.recons import words_of
from web.render import page
from web.shown import VERDICT_LABELS
from web.tags import Said, give_feedback, tag_of

route_case_pages = APIRouter(include_in_schema=False)


@route_case_pages.get("/cases/{case_id}")
def case_page(request: Request, desk: OnDesk, who: Who, case_id: str) -> Response:
    """A case alone: the address to send to a colleague."""
    return page(request, "case.html", asked=None, **case_context(desk, who, case_id))


@route_case_pages.get("/cases/{case_id}/sides.svg")
def sides(desk: OnDesk, case_id: str) -> Response:
    """Both sides of the case's series, as a picture of its own."""
    record = desk.cases.record(case_id)
    chart = chart_of(desk, record, desk.cases.breaks(case_id, limit=400), [])
    return Response(str(sides_svg(chart)), media_type="image/svg+xml")


@route_case_pages.post("/cases/{case_id}/change")
def change(hub: Here, desk: OnDesk, who: Who, case_id: str, form: Form) -> Response:
    """Owner, state, snooze: whatever the pressed button says."""
    version = form.get("version", "")
    day = day_said("until", form.get("until", ""))
    said = Change(form.get("do", ""), form.get("note", ""), None, day, int(version) if version.isdigit() else None)
    _, done = change_case(desk, who, case_id, said)
    hub.counts.forget()
    return go_back(form.get("back", "/"), done.sentence, done.undo)


def _said(words: dict[str, str]) -> Said:
    days = words.get("days", "")
    return Said(
        words.get("verdict", ""),
        words.get("note", ""),
        words.get("pattern") or None,
        words.get("cause") or None,
        words.get("wide") == "yes",
        int(days) if days.isdigit() and 0 < int(days) < 4000 else None,
        words.get("break") or None,
        day_said("on", words.get("on", "")),
    )


def day_said(name: str, text: str) -> date | None:
    """The day in a field, or nothing. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        msg = f"{name}: {text!r} is no day"
        raise BadInput(msg) from None


@route_case_pages.get("/cases/{case_id}/feedback")
def feedback_page(request: Request, desk: OnDesk, case_id: str) -> Response:
    """A tag before it is saved: what else it would change."""
    words = dict(request.query_params)
    case = desk.cases.get(case_id)
    said = _said(words)
    checked: dict[str, Any] = {"radius": None}
    if said.verdict != "corrected" or said.pattern or said.cause:
        checked["radius"] = blast_radius(desk, case, tag_of(desk, case, said))
    own = words_of(desk, case.recon)
    name = "parts/feedback.html" if request.headers.get("x-part") else "feedback.html"
    return page(
        request, name, case=case, tag=said, words=words, label=VERDICT_LABELS.get(said.verdict, "Tag"),
        back=safe_back(words.get("back", ""), f"/cases/{case_id}"),
        patterns=[(p, own.pattern_short(p)) for p in dict.fromkeys([*PATTERN_LABELS, *own.said.buckets.patterns])],
        causes=[(c, own.cause(c)) for c in dict.fromkeys([*CAUSE_LABELS, *own.said.buckets.causes])],
        **checked,
    )  # fmt: skip


@route_case_pages.post("/cases/{case_id}/feedback")
def feedback(hub: Here, desk: OnDesk, who: Who, case_id: str, form: Form) -> Response:
    """Saves the tag."""
    case = desk.cases.get(case_id)
    tag = tag_of(desk, case, _said(form))
    saved = give_feedback(desk, who, tag, case_id)
    hub.counts.forget()
    return go_back(form.get("back", f"/cases/{case_id}"), f"Tagged: {VERDICT_LABELS[tag.verdict].lower()}.", saved.id)


@route_case_pages.post("/cases/{case_id}/ask")
async def ask(hub: Here, desk: OnDesk, who: Who, case_id: str, form: Form) -> Response:
    """A question from a page without script: answered whole, then shown in the conversation."""
    desk.cases.record(case_id)
    question = form.get("question", "").strip()
    if not 0 < len(question) <= 4000:
        msg = "question: ask something, in at most 4000 characters"
        raise BadInput(msg)
    chat = hub.chats.ask(desk, [case_id], question, who)
    async for event in chat.follow(0):
        if event.kind == "error":
            return go_back(form.get("back", f"/cases/{case_id}"), str(event.data.get("message", "No answer came.")))
    response = go_back(form.get("back", f"/cases/{case_id}"))
    response.headers["location"] += "#chat"
    return response


@route_case_pages.post("/undo/{undo_id}")
def take_back(hub: Here, desk: OnDesk, who: Who, undo_id: str, form: Form) -> Response:
    """Takes a deed, a tag or an approval back."""
    done = undo(desk, who, undo_id)
    hub.counts.forget()
    return go_back(form.get("back", "/"), done.sentence)
