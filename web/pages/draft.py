"""Decisions on drafts from their cards, and the autosave of what is being typed."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from memory.action import Outcome, StaleHash
from recon.errors import BadInput
from web.drafts import autosave, drop_autosave, payload_from_form
from web.hub import Here, OnDesk, Who
from web.pages.forms import Form, go_back, safe_back
from web.queue import next_case, parse
from web.render import page

route_draft_pages = APIRouter(include_in_schema=False)

FINAL = frozenset({"approve", "reject"})


@route_draft_pages.post("/actions/{action_id}/decision")
def decide(request: Request, hub: Here, desk: OnDesk, who: Who, action_id: str, form: Form) -> Response:
    """Whatever the pressed button says. After the last decision on a case the queue's next one opens."""
    decision, seen = form.get("decision", ""), form.get("payload_hash", "")
    note, back = form.get("note", ""), safe_back(form.get("back", "/"))
    action = desk.ledger.get(action_id)
    match decision:
        case "discard":
            drop_autosave(desk, action_id, who.name)
            return go_back(back, "Thrown away; the draft is as it was.")
        case "edit":
            try:
                outcome = desk.ledger.decide(action_id, "edit", seen, who, payload_from_form(action, form), note)
            except StaleHash as error:
                return _conflict(request, error, form, back)
            drop_autosave(desk, action_id, who.name)
        case "approve" | "reject" | "respond":
            outcome = desk.ledger.decide(action_id, decision, seen, who, None, note)
        case "found":
            outcome = desk.ledger.found(action_id, who, form.get("reference", ""), note)
        case "again":
            outcome = desk.ledger.send_again(action_id, who, note)
        case "give_up":
            outcome = desk.ledger.give_up(action_id, who, note)
        case "open_door":
            desk.ledger.open_door(action.door, who)
            return go_back(back, "It is tried again now.")
        case _:
            msg = f"decision: {decision!r} is none of approve, edit, reject, respond"
            raise BadInput(msg)
    hub.metrics.decisions.labels(decision).inc()
    hub.counts.forget()
    return _onward(request, hub, who, outcome, decision, back)


def _onward(request: Request, hub: Here, who: Who, outcome: Outcome, decision: str, back: str) -> Response:
    desk = hub.desk()
    action = outcome.action
    undo = action.id if decision == "approve" and action.state == "approved" else ""
    left = desk.ledger.list(case_id=action.case_id, state="pending")
    if decision in FINAL and outcome.changed and not left and back.startswith("/?"):
        asked = parse(dict(p.split("=", 1) for p in back[2:].split("&") if "=" in p and p.split("=", 1)[0] in _PLAIN))
        following = next_case(desk, who, asked, action.case_id)
        if following:
            return go_back(back, outcome.sentence, undo, case=following)
    return go_back(back, outcome.sentence, undo)


_PLAIN = frozenset({"view", "sort", "recon", "pattern", "cause", "state", "owner"})


def _conflict(request: Request, error: StaleHash, form: dict[str, str], back: str) -> Response:
    """Somebody stored another draft meanwhile: both are shown, nothing is overwritten."""
    mine = payload_from_form(error.action, form)
    return page(request, "conflict.html", 409, action=error.action, mine=mine, theirs=error.action.payload, back=back)


@route_draft_pages.put("/actions/{action_id}/autosave")
def save(desk: OnDesk, who: Who, action_id: str, form: Form) -> JSONResponse:
    """Keeps what was typed so far; it is nobody's draft until it is stored as an edit."""
    at = autosave(desk, action_id, who.name, form.get("payload_hash", ""), form)
    current = desk.ledger.get(action_id).payload_hash
    return JSONResponse({"saved_at": at.isoformat(), "stale": current != form.get("payload_hash", "")})
