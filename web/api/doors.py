"""Doors: why nothing leaves by one just now, and the button that lets it be tried again at once."""

from dataclasses import asdict

from fastapi import APIRouter

from web.api.models import DoorOut, DoorPageOut, Ident
from web.doorways import doorways
from web.doorways import open_door as try_again
from web.hub import OnDesk, Who

route_doors = APIRouter(prefix="/api/v1", tags=["doors"])


@route_doors.get("/doors")
def list_doors(desk: OnDesk) -> DoorPageOut:
    """Each door (Jira, mail, ...) with what waits behind it; a shut one says why, since when, and when it is tried."""
    return DoorPageOut(items=[DoorOut(**asdict(door)) for door in doorways(desk)])


@route_doors.post("/doors/{name}/open")
def open_door(desk: OnDesk, who: Who, name: Ident) -> DoorOut:
    """Tries a shut door again at once, as after a new token was put in; an open one stays as it is."""
    try_again(desk, who, name)
    return next(DoorOut(**asdict(door)) for door in doorways(desk) if door.name == name)
