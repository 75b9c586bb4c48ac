"""Actions: what was drafted, and what a person decides on exactly which bytes."""

from typing import Annotated, assert_never

from fastapi import APIRouter, Header, Query, Response

from recon.errors import NotFound
from web.api.models import (
    ActionOut,
    ActionPageOut,
    DecisionIn,
    DecisionOut,
    DryRunOut,
    Ident,
    OutcomeIn,
    Words,
    action_out,
)
from web.hub import Here, OnDesk, Who

route_actions = APIRouter(prefix="/api/v1", tags=["actions"])


@route_actions.get("/actions")
def list_actions(
    desk: OnDesk,
    state: Annotated[Words | None, Query(max_length=200, description="States, separated by commas.")] = None,
    case_id: Annotated[Words | None, Query(max_length=80)] = None,
    cursor: Annotated[Words | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ActionPageOut:
    """Actions, oldest first; `cursor` is the last one's id."""
    states = [s.strip() for s in (state or "").split(",") if s.strip()]
    found = desk.ledger.list(state=states or None, case_id=case_id or None, limit=limit + 1, after=cursor or None)  # type: ignore[arg-type]
    more = len(found) > limit
    return ActionPageOut(
        items=[action_out(a) for a in found[:limit]], next_cursor=found[limit - 1].id if more else None
    )


@route_actions.get("/actions/{action_id}", responses={304: {"description": "The draft is the one you have."}})
def get_action(
    desk: OnDesk, action_id: Ident, response: Response, if_none_match: Annotated[str | None, Header()] = None
) -> ActionOut:
    """One action. Its ETag is made of the payload's hash and its state: send it back to learn whether it changed."""
    action = desk.ledger.get(action_id)
    etag = f'"{action.payload_hash}-{action.state}"'
    if if_none_match and etag in if_none_match:
        response.status_code = 304
    response.headers["etag"] = etag
    return action_out(action)


@route_actions.post(
    "/actions/{action_id}/decision",
    responses={409: {"description": "The hash is not the current draft's, or it is too late to decide."}},
)
def decide(desk: OnDesk, hub: Here, who: Who, action_id: Ident, said: DecisionIn) -> DecisionOut:
    """Approve, edit, reject or respond. The decision is stored when this answers; an edit makes a new draft with a new
    hash, to be approved as a second step."""
    outcome = desk.ledger.decide(action_id, said.decision, said.payload_hash, who, said.payload, said.note)
    hub.metrics.decisions.labels(said.decision).inc()
    hub.counts.forget()
    return DecisionOut(action=action_out(outcome.action), changed=outcome.changed, sentence=outcome.sentence)


@route_actions.get("/actions/{action_id}/dry-run")
def dry_run(desk: OnDesk, action_id: Ident) -> DryRunOut:
    """Exactly what would leave, as the door itself builds it; nothing is sent."""
    action = desk.ledger.get(action_id)
    door = desk.doors.get(action.kind)
    if door is None:
        msg = f"nothing is configured that can do {action.kind}; see `tieout doctor`"
        raise NotFound(msg)
    return DryRunOut(door=door.name, leaves=door.dry_run(action).decode("utf-8", "replace"))


@route_actions.post(
    "/actions/{action_id}/outcome",
    responses={409: {"description": "The action is in no state in which this can be said."}},
)
def say_outcome(desk: OnDesk, hub: Here, who: Who, action_id: Ident, said: OutcomeIn) -> DecisionOut:
    """After a fault: it was found outside, it is to be sent once more, or it is given up."""
    match said.outcome:
        case "found":
            outcome = desk.ledger.found(action_id, who, said.reference, said.note)
        case "send_again":
            outcome = desk.ledger.send_again(action_id, who, said.note)
        case "give_up":
            outcome = desk.ledger.give_up(action_id, who, said.note)
        case _:
            assert_never(said.outcome)
    hub.counts.forget()
    return DecisionOut(action=action_out(outcome.action), changed=outcome.changed, sentence=outcome.sentence)
