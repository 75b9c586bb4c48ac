"""The queue's page: the list, the case beside it, saved views, news, and deeds on many."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from agents.desk import Desk
from memory.action import Person
from memory.schema import saved_views
from recon.errors import BadInput, NotFound
from recon.ids import short_id
from recon.words import CAUSE_LABELS, PATTERN_LABELS
from web.casefile import case_context
from web.deeds import bulk
from web.hub import Here, Hub, OnDesk, Who
from web.pages.forms import Form, FormLists, go_back, safe_back
from web.queue import list_context, new_since, parse
from web.recons import names
from web.render import page
from web.runner import running_now
from web.shown import STATE_LABELS, pattern_short

route_queue_pages = APIRouter(include_in_schema=False)

BULK_WORDS = {
    "assign": "Assign to me",
    "approve": "Approve their drafts",
    "snooze": "Snooze until the next business day",
    "in_review": "Mark in review",
    "escalate": "Escalate",
    "false_positive": "Tag as false positive",
    "resolve": "Mark resolved",
}


def choices(desk: Desk) -> dict[str, Any]:
    """What the filters offer."""
    return {
        "patterns": [(p, pattern_short(p)) for p in PATTERN_LABELS],
        "causes": [
            (c, label.replace("{left}", "left").replace("{right}", "right")) for c, label in CAUSE_LABELS.items()
        ],
        "recons": names(desk.db),
        "states": list(STATE_LABELS.items()),
    }


@route_queue_pages.get("/")
def queue_page(request: Request, hub: Here) -> Response:
    """The queue, or the sign-in page when nobody is signed in."""
    desk = hub.desk()
    person = request.scope.get("state", {}).get("person")
    if not isinstance(person, Person):
        return page(request, "sign.html", detail="", next="/", auth=desk.settings.auth)
    return _queue(request, hub, desk, person)


def _queue(request: Request, hub: Hub, desk: Desk, person: Person) -> HTMLResponse:
    asked = parse(request.query_params)
    part = request.headers.get("x-part", "")
    context: dict[str, Any] = {"asked": asked, "case": None}
    if asked.case:
        try:
            context |= case_context(desk, person, asked.case)
        except NotFound:
            if part == "case":
                raise
    if part == "case":
        return page(request, "parts/case.html", **context)
    context |= list_context(desk, person, asked, hub.counts) | {"choices": choices(desk)}
    if part == "list":
        return page(request, "parts/list.html", **context)
    request.scope["state"]["running"] = running_now(desk)
    return page(request, "queue.html", **context)


@route_queue_pages.get("/news")
def news(desk: OnDesk, since: str) -> JSONResponse:
    """How many cases came since the list was drawn, and how the run is doing: told, so that the list never jumps."""
    try:
        moment = datetime.fromisoformat(since.replace(" ", "+"))
    except ValueError:
        msg = "since: give an ISO moment"
        raise BadInput(msg) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return JSONResponse({"new": new_since(desk, moment), "running": running_now(desk)})


@route_queue_pages.post("/views")
def keep_view(desk: OnDesk, who: Who, form: Form) -> Response:
    """Keeps a filter under a name, or forgets it."""
    if form.get("forget"):
        with desk.db.begin() as connection:
            connection.execute(
                sa.delete(saved_views).where(saved_views.c.id == form["forget"], saved_views.c.who == who.name)
            )
        return go_back("/", "The view is gone.")
    name, query = form.get("name", "").strip()[:60], form.get("query", "")[:2000]
    if not name:
        msg = "name: a view needs a name"
        raise BadInput(msg)
    safe_back("/?" + query)
    with desk.db.begin() as connection:
        mine = sa.and_(saved_views.c.who == who.name, saved_views.c.name == name)
        connection.execute(sa.delete(saved_views).where(mine))
        ident = short_id("V", who.name, name)
        connection.execute(sa.insert(saved_views).values(id=ident, who=who.name, name=name, query=query))
    return go_back("/?" + query, f"Kept as {name}.")


@route_queue_pages.post("/bulk")
def bulk_preview(request: Request, desk: OnDesk, who: Who, form: FormLists) -> Response:
    """What a deed on the selected cases would do, before it is done."""
    return _bulk(request, desk, who, form, apply=False)


@route_queue_pages.post("/bulk/apply")
def bulk_apply(request: Request, hub: Here, desk: OnDesk, who: Who, form: FormLists) -> Response:
    """Does it, with a result for each case."""
    response = _bulk(request, desk, who, form, apply=True)
    hub.counts.forget()
    return response


def _bulk(request: Request, desk: Desk, who: Person, form: dict[str, list[str]], *, apply: bool) -> Response:
    ids = form.get("ids", [])
    do = (form.get("do") or [""])[0]
    note = (form.get("note") or [""])[0]
    back = safe_back((form.get("back") or ["/"])[0])
    if not ids:
        return go_back(back, "No case was selected.")
    if do not in BULK_WORDS:
        msg = f"do: {do!r} is none of {', '.join(BULK_WORDS)}"
        raise BadInput(msg)
    results = bulk(desk, who, ids, do, note, apply=apply)
    titles = {r.id: _title(desk, r.id) for r in results}
    return page(
        request, "bulk.html", results=results, titles=titles, ids=ids, do=do, words=BULK_WORDS[do], note=note,
        back=back, applied=apply,
    )  # fmt: skip


def _title(desk: Desk, case_id: str) -> str:
    try:
        return desk.cases.get(case_id).title
    except NotFound:
        return case_id
