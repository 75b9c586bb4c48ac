"""Doors: why nothing leaves by one just now, and the button that lets it be tried again at once."""

from fastapi import APIRouter

from agents.desk import Desk
from memory.action import DOOR_OF
from recon.errors import NotFound
from web.api.models import DoorOut, DoorPageOut, Ident
from web.hub import OnDesk, Who

route_doors = APIRouter(prefix="/api/v1", tags=["doors"])


@route_doors.get("/doors")
def list_doors(desk: OnDesk) -> DoorPageOut:
    """Each door (Jira, mail, ...) with what waits behind it; a shut one says why, since when, and when it is tried."""
    shut = {door.name: door for door in desk.ledger.doors()}
    waiting = desk.ledger.waiting_by_door()
    return DoorPageOut(items=[DoorOut.of(name, shut.get(name), waiting.get(name, 0)) for name in _names(desk)])


@route_doors.post("/doors/{name}/open")
def open_door(desk: OnDesk, who: Who, name: Ident) -> DoorOut:
    """Tries a shut door again at once, as after a new token was put in; an open one stays as it is."""
    if name not in _names(desk):
        msg = f"{name}: no such door; there are {', '.join(_names(desk))}"
        raise NotFound(msg)
    desk.ledger.open_door(name, who)
    return DoorOut.of(name, None, desk.ledger.waiting_by_door().get(name, 0))


def _names(desk: Desk) -> list[str]:
    return sorted({DOOR_OF[kind] for kind in DOOR_OF if kind in desk.doors})
