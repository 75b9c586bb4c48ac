"""The action store as it is read: lists, counts, what people decided, tickets by scope, and the doors that are shut."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from memory.action import DOOR_OF, ON_THE_WAY, Action, Decision
from memory.action_rows import action_of, decision_of, load_action
from memory.database import Database
from memory.schema import actions, decisions, doors, recon_comments, ticket_links
from recon.words import ActionKind, ActionState

ON_ITS_WAY: tuple[ActionState, ...] = ("executing", "checking", "unknown")
"""It has left, or may have."""


@dataclass(frozen=True)
class TicketLink:
    """The ticket that covers a scope."""

    scope_key: str
    ticket: str
    door: str
    case_id: str
    state: str
    """`open` or `closed`."""
    url: str
    created_at: datetime


@dataclass(frozen=True)
class DoorState:
    """Why a door is shut, since when, and when it is tried again."""

    name: str
    paused: bool
    """True: a person must act (a token expired); False: the other side is out of reach and it is tried again."""
    sentence: str
    since: datetime | None
    next_at: datetime | None


class ActionReader:
    """What the ledger tells; it changes nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, action_id: str) -> Action:
        """One action. Raises NoSuchAction."""
        with self._db.read() as conn:
            return load_action(conn, action_id)

    def list(
        self,
        *,
        state: ActionState | Sequence[ActionState] | None = None,
        case_id: str | None = None,
        recon: str | None = None,
        kind: ActionKind | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> Sequence[Action]:
        """Actions, oldest first; `after` is the last id of the page before."""
        query = sa.select(actions).order_by(actions.c.created_at, actions.c.id).limit(limit)
        if state is not None:
            query = query.where(actions.c.state.in_([state] if isinstance(state, str) else list(state)))
        for column, value in ((actions.c.case_id, case_id), (actions.c.recon, recon), (actions.c.kind, kind)):
            if value is not None:
                query = query.where(column == value)
        with self._db.read() as conn:
            if after is not None:
                last = load_action(conn, after)
                query = query.where(sa.tuple_(actions.c.created_at, actions.c.id) > sa.tuple_(last.created_at, last.id))
            return [action_of(row) for row in conn.execute(query).mappings()]

    def counts(self) -> dict[str, int]:
        """How many actions there are of each state that has any."""
        query = sa.select(actions.c.state, sa.func.count()).group_by(actions.c.state)
        with self._db.read() as conn:
            return {row[0]: row[1] for row in conn.execute(query)}

    def cases_with(self, states: Sequence[ActionState]) -> set[str]:
        """The cases that have an action of one of these states."""
        query = sa.select(actions.c.case_id).where(actions.c.state.in_(states)).distinct()
        with self._db.read() as conn:
            return set(conn.execute(query).scalars())

    def waiting_by_door(self) -> dict[str, int]:
        """Door -> how many approved actions have not left by it yet; a door with none is left out."""
        query = (
            sa.select(actions.c.kind, sa.func.count())
            .where(actions.c.state.in_(("approved", *ON_ITS_WAY)))
            .group_by(actions.c.kind)
        )
        found: dict[str, int] = {}
        with self._db.read() as conn:
            for kind, n in conn.execute(query):
                found[DOOR_OF[kind]] = found.get(DOOR_OF[kind], 0) + n
        return found

    def decisions(self, action_id: str) -> Sequence[Decision]:
        """What people decided on an action, oldest first."""
        query = sa.select(decisions).where(decisions.c.action_id == action_id).order_by(decisions.c.at)
        with self._db.read() as conn:
            return [decision_of(row) for row in conn.execute(query).mappings()]

    def links(self, *, case_id: str | None = None, scope_key: str | None = None) -> Sequence[TicketLink]:
        """The tickets that cover a case or a scope, oldest first: comment on the open one, close it when it clears."""
        query = sa.select(ticket_links).order_by(ticket_links.c.created_at)
        if case_id is not None:
            query = query.where(ticket_links.c.case_id == case_id)
        if scope_key is not None:
            query = query.where(ticket_links.c.scope_key == scope_key)
        with self._db.read() as conn:
            return [TicketLink(**row) for row in conn.execute(query).mappings()]

    def comments(self, recon: str) -> dict[str, str]:
        """Break id -> its newest approved comment, for the exported file."""
        query = (
            sa.select(recon_comments.c.break_id, recon_comments.c.comment)
            .where(recon_comments.c.recon == recon)
            .order_by(recon_comments.c.at)
        )
        with self._db.read() as conn:
            return {row[0]: row[1] for row in conn.execute(query)}

    def doors(self) -> Sequence[DoorState]:
        """The doors that are shut just now, and why."""
        query = sa.select(doors).where(doors.c.next_at.is_not(None)).order_by(doors.c.name)
        with self._db.read() as conn:
            return [DoorState(**row) for row in conn.execute(query).mappings()]

    def waiting_decisions(self, limit: int = 100) -> Sequence[Decision]:
        """Decisions that no graph has taken up yet and that it can, oldest first: the sweep resumes their threads.

        An approval waits for its receipt. While a door is shut there are many of those: nobody's answer to another
        draft stands behind them.
        """
        on_its_way = sa.and_(decisions.c.kind == "approve", actions.c.state.in_(ON_THE_WAY))
        query = (
            sa.select(decisions)
            .join(actions, actions.c.id == decisions.c.action_id)
            .where(decisions.c.carried_at.is_(None), sa.not_(on_its_way))
            .order_by(decisions.c.at)
            .limit(limit)
        )
        with self._db.read() as conn:
            return [decision_of(row) for row in conn.execute(query).mappings()]
