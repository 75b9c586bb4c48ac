"""The ways out as people see them: which is shut, why, what waits behind it, and trying one again."""

from dataclasses import dataclass
from datetime import datetime

from agents.desk import Desk
from memory.action import DOOR_OF, Person
from recon.errors import NotFound


@dataclass(frozen=True)
class Doorway:
    """One door (Jira, mail, ...) by which approved actions leave."""

    name: str
    waiting: int
    """Approved actions that have not left by it yet."""
    shut: bool = False
    paused: bool = False
    """True: a person must act (a token expired); False: it is tried again by itself."""
    sentence: str = ""
    """Why it is shut."""
    since: datetime | None = None
    next_at: datetime | None = None


def doorways(desk: Desk) -> list[Doorway]:
    """Every door that something could leave by, by its name."""
    shut = {door.name: door for door in desk.ledger.doors()}
    waiting = desk.ledger.waiting_by_door()
    return [
        Doorway(name, waiting.get(name, 0), True, door.paused, door.sentence, door.since, door.next_at)
        if (door := shut.get(name))
        else Doorway(name, waiting.get(name, 0))
        for name in _names(desk)
    ]


def open_door(desk: Desk, person: Person, name: str) -> str:
    """Lets a shut door be tried at once, an open one stays as it is. Raises NotFound, NotAllowed."""
    if name not in _names(desk):
        msg = f"{name}: no such door; there are {', '.join(_names(desk))}"
        raise NotFound(msg)
    shut = any(door.name == name for door in desk.ledger.doors())
    desk.ledger.open_door(name, person)
    return f"{name} is tried again at the next turn." if shut else f"{name} is open; there is nothing to do."


def _names(desk: Desk) -> list[str]:
    return sorted({DOOR_OF[kind] for kind in DOOR_OF if kind in desk.doors})
