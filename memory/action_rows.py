"""Rows of the action store as nouns, and the few writes that the ledger and the executor's side share."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from memory.action import Action, Decision, NoSuchAction, WrongState
from memory.schema import actions, ticket_links

_COLUMNS: Final = {"payload": "payload_text", "proposal": "proposal_text"}

FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None, "next_at": None}


def load_action(conn: Connection, action_id: str) -> Action:
    """One action, locked against other writers on PostgreSQL by the chain's lock. Raises NoSuchAction."""
    row = conn.execute(sa.select(actions).where(actions.c.id == action_id)).mappings().first()
    if row is None:
        msg = f"no action has the id {action_id!r}; `tieout actions` lists them"
        raise NoSuchAction(msg)
    return action_of(row)


def swap(conn: Connection, seen: Action, values: Mapping[str, Any]) -> None:
    """Compare and set: writes only onto the very state, bytes and fence that were read; raises WrongState else."""
    query = (
        sa.update(actions)
        .where(
            actions.c.id == seen.id,
            actions.c.state == seen.state,
            actions.c.payload_hash == seen.payload_hash,
            actions.c.fence == seen.fence,
        )
        .values(**values)
    )
    if conn.execute(query).rowcount != 1:
        raise WrongState(load_action(conn, seen.id), "changed")


def open_link(conn: Connection, scope_key: str) -> str | None:
    """The open ticket that covers a scope."""
    query = sa.select(ticket_links.c.ticket).where(
        ticket_links.c.scope_key == scope_key, ticket_links.c.state == "open"
    )
    return conn.execute(query.order_by(ticket_links.c.created_at)).scalar()


def link_ticket(conn: Connection, action: Action, ticket: str, url: str, now: datetime) -> None:
    """Notes that a ticket covers the action's scope; a second note of the same changes nothing."""
    known = sa.select(ticket_links.c.ticket).where(
        ticket_links.c.scope_key == action.scope_key, ticket_links.c.ticket == ticket
    )
    if conn.execute(known).first() is None:
        conn.execute(
            ticket_links.insert().values(
                scope_key=action.scope_key,
                ticket=ticket,
                door=action.door,
                case_id=action.case_id,
                state="open",
                url=url,
                created_at=now,
            )
        )


def action_of(row: RowMapping) -> Action:
    values = {_COLUMNS.get(name, name): value for name, value in row.items()}
    values["amount_base"] = Decimal(values["meta"]["amount_base"])
    return Action(**values)


def decision_of(row: RowMapping) -> Decision:
    return Decision(**{name: value for name, value in row.items() if name != "payload"})
