"""The local tracker: tickets and to-dos in the workspace's own database, when no Jira is configured."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.action import Action, Receipt
from memory.database import Database
from memory.schema import ticket_comments, tickets
from recon.clock import Clock
from recon.words import ActionKind
from tools.actions.door import HARMLESS, Check, Covered, Recovery, Refused
from tools.actions.render import shown_json

CLOSED = frozenset({"done", "closed", "resolved", "cancelled"})
"""Names of states, lower case, that end a ticket."""


class Tracker:
    """Every row is keyed by its action's id, so doing an action again changes nothing."""

    name = "tracker"
    kinds: frozenset[ActionKind] = frozenset({"jira.create", "jira.comment", "jira.transition", "task.create"})

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def recovery(self, kind: ActionKind) -> Recovery:
        return HARMLESS

    def dry_run(self, action: Action) -> bytes:
        return shown_json({"local tracker": action.kind, **action.payload})

    def do(self, action: Action) -> Receipt:
        with self._db.begin() as conn:
            match action.kind:
                case "jira.comment":
                    return self._comment(conn, action)
                case "jira.transition":
                    return self._move(conn, action)
                case _:
                    return self._create(conn, action)

    def look_up(self, action: Action) -> Receipt | None:
        with self._db.read() as conn:
            match action.kind:
                case "jira.comment":
                    known = conn.execute(
                        sa.select(ticket_comments.c.ticket).where(ticket_comments.c.id == action.id)
                    ).scalar()
                    return Receipt(known) if known else None
                case "jira.transition":
                    ticket = _ticket(conn, action.payload["ticket"])
                    arrived = ticket is not None and ticket["status"] == action.payload["to"]
                    return Receipt(action.payload["ticket"], extra=_moved(action)) if arrived else None
                case _:
                    key = conn.execute(sa.select(tickets.c.key).where(tickets.c.action_id == action.id)).scalar()
                    return Receipt(key) if key else None

    def check(self) -> list[Check]:
        return [Check("tracker", True, "No Jira is configured: tickets are kept in the workspace.")]

    def doubles(self, action: Action) -> list[str]:
        return []

    def _create(self, conn: Connection, action: Action) -> Receipt:
        known = conn.execute(sa.select(tickets.c.key).where(tickets.c.action_id == action.id)).scalar()
        if known:
            return Receipt(known, detail="It stood there already.")
        is_task = action.kind == "task.create"
        project = "TASK" if is_task else action.payload["project"]
        if not is_task:
            self._refuse_second(conn, action)
        key = f"{project}-{_last_number(conn, project) + 1}"
        conn.execute(
            tickets.insert().values(
                key=key,
                project=project,
                action_id=action.id,
                scope_key=None if is_task else action.scope_key,
                status="To Do",
                body=action.payload,
                created_at=self._clock(),
            )
        )
        return Receipt(key)

    def _refuse_second(self, conn: Connection, action: Action) -> None:
        query = sa.select(tickets).where(tickets.c.scope_key == action.scope_key)
        for row in conn.execute(query.order_by(tickets.c.created_at)).mappings():
            if row["status"].lower() not in CLOSED:
                said = f"{row['key']} is open for the same scope; comment on it instead."
                raise Covered(row["key"], "", said)

    def _comment(self, conn: Connection, action: Action) -> Receipt:
        self._known(conn, action)
        known = conn.execute(sa.select(ticket_comments.c.id).where(ticket_comments.c.id == action.id)).first()
        if known is None:
            conn.execute(
                ticket_comments.insert().values(
                    id=action.id,
                    ticket=action.payload["ticket"],
                    body=action.payload["body"],
                    created_at=self._clock(),
                )
            )
        return Receipt(action.payload["ticket"])

    def _move(self, conn: Connection, action: Action) -> Receipt:
        self._known(conn, action)
        conn.execute(
            sa.update(tickets).where(tickets.c.key == action.payload["ticket"]).values(status=action.payload["to"])
        )
        return Receipt(action.payload["ticket"], extra=_moved(action))

    def _known(self, conn: Connection, action: Action) -> None:
        if _ticket(conn, action.payload["ticket"]) is None:
            said = f"There is no ticket {action.payload['ticket']} in the local tracker; check its key."
            raise Refused(said, code="no_such_ticket")


def _ticket(conn: Connection, key: str) -> dict[str, Any] | None:
    row = conn.execute(sa.select(tickets).where(tickets.c.key == key)).mappings().first()
    return dict(row) if row else None


def _moved(action: Action) -> dict[str, Any]:
    to = action.payload["to"]
    return {"status": to, "closed": to.lower() in CLOSED}


def _last_number(conn: Connection, project: str) -> int:
    keys = conn.execute(sa.select(tickets.c.key).where(tickets.c.project == project)).scalars()
    return max((int(key.rpartition("-")[2]) for key in keys), default=0)
