"""Cases and their items: a case whose breaks went away is cleared, one whose breaks return is reopened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from memory.action_lists import TicketLink
from memory.cases import OPEN_STATES, CaseStore
from memory.database import Database
from memory.schema import case_breaks, case_events, cases, items
from recon.calendar import BusinessCalendar
from recon.case import Case

CLOSED: Final = ("cleared", "resolved")
"""States from which returning breaks reopen a case; what was closed by force stays closed."""

REOPENS_WITHIN: Final = 10
"""Business days after clearing."""

TOGETHER: Final = 500
"""Cases cleared in one transaction: a second's work, for which nobody who changes one of them waits long."""


@dataclass(frozen=True)
class Settled:
    """What a run did to the cases of its reconciliation."""

    cleared: tuple[str, ...]
    reopened: tuple[str, ...]
    continued: dict[str, str]
    """Case -> the case in which its breaks go on: their cause or scope is judged otherwise now."""


@dataclass(frozen=True)
class Follow:
    """One step that a cleared or reopened case asks for: an action's kind and payload, and why."""

    kind: str
    """`jira.comment` or `jira.transition`."""
    payload: dict[str, Any]
    rationale: str


def settle(db: Database, store: CaseStore, recon: str, day: date, calendar: BusinessCalendar) -> Settled:
    """Clears, continues and reopens the cases of a reconciliation after its items were followed on `day`."""
    standing = _standing(db, recon)
    reopened = []
    going: dict[str, str | None] = {}
    for case in _rows(db, recon, OPEN_STATES):
        items_open, elsewhere, known = standing.get(case.id, (0, None, 0))
        if known and not items_open:
            going[case.id] = elsewhere
    _clear(db, store, going, day)
    for case in _rows(db, recon, CLOSED):
        if standing.get(case.id, (0, None, 0))[0] and _recent(db, case.id, day, calendar, case.currency):
            store.change(
                case.id, "tieout", "reopened", {"state": "reopened"}, body={"why": f"its breaks are back on {day}"}
            )
            reopened.append(case.id)
    continued = {case_id: elsewhere for case_id, elsewhere in going.items() if elsewhere}
    return Settled(tuple(going), tuple(reopened), continued)


def _clear(db: Database, store: CaseStore, going: Mapping[str, str | None], day: date) -> None:
    """Clears cases, each of which may go on in another. Many in one transaction: of thousands that went on one day,
    writing each to the disk by itself took most of the run."""
    waiting = iter(going.items())
    while part := list(islice(waiting, TOGETHER)):
        with db.begin() as connection:
            for case_id, elsewhere in part:
                why = f"its breaks are part of {elsewhere} now" if elsewhere else f"all its breaks are gone on {day}"
                store.change(
                    case_id,
                    "tieout",
                    "cleared",
                    {"state": "cleared", "snooze_until": None},
                    body={"why": why, "on": day.isoformat(), "continued_in": elsewhere},
                    connection=connection,
                )


def _rows(db: Database, recon: str, states: Sequence[str]) -> Sequence[Any]:
    query = sa.select(cases.c.id, cases.c.currency).where(cases.c.recon == recon, cases.c.state.in_(states))
    with db.read() as connection:
        return connection.execute(query.order_by(cases.c.id)).all()


def _standing(db: Database, recon: str) -> dict[str, tuple[int, str | None, int]]:
    """Case -> (its open items, a case that holds its open items now, its items in all)."""
    held = (
        sa.select(case_breaks.c.case_id, case_breaks.c.item_id)
        .join(cases, cases.c.id == case_breaks.c.case_id)
        .where(cases.c.recon == recon)
        .distinct()
        .subquery()
    )
    is_open = items.c.state == "open"
    own = sa.or_(items.c.case_id == held.c.case_id, items.c.case_id.is_(None))
    query = (
        sa.select(
            held.c.case_id,
            sa.func.sum(sa.case((sa.and_(is_open, own), 1), else_=0)),
            sa.func.min(sa.case((sa.and_(is_open, sa.not_(own)), items.c.case_id))),
            sa.func.count(),
        )
        .join(items, items.c.id == held.c.item_id)
        .group_by(held.c.case_id)
    )
    with db.read() as connection:
        return {row[0]: (int(row[1] or 0), row[2], int(row[3])) for row in connection.execute(query)}


def _recent(db: Database, case_id: str, day: date, calendar: BusinessCalendar, currency: str) -> bool:
    """True when the case was cleared at most REOPENS_WITHIN business days before `day`."""
    query = (
        sa.select(case_events.c.body)
        .where(case_events.c.case_id == case_id, case_events.c.kind == "cleared")
        .order_by(case_events.c.n.desc())
        .limit(1)
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or "on" not in row.body:
        return True
    on = date.fromisoformat(row.body["on"])
    return calendar.business_days_between(on, day, currency or None) <= REOPENS_WITHIN


def after_clearing(case: Case, links: Sequence[TicketLink], day: date, *, done_state: str | None) -> list[Follow]:
    """What a cleared case's open tickets need: a comment and, where a state's name is given, the transition."""
    steps = []
    for link in links:
        if link.state != "open":
            continue
        said = f"All breaks of case {case.id} are gone from {case.recon} as of {day}. Nothing is left to do for it."
        steps.append(Follow("jira.comment", {"ticket": link.ticket, "body": said}, f"The breaks cleared on {day}."))
        if done_state:
            move = {"ticket": link.ticket, "to": done_state}
            steps.append(Follow("jira.transition", move, f"The breaks cleared on {day}; the ticket can close."))
    return steps


def after_reopening(case: Case, links: Sequence[TicketLink], day: date) -> list[Follow]:
    """What a reopened case's tickets need: a comment, closed ones too."""
    said = f"Breaks of case {case.id} are back in {case.recon} on {day}: {case.break_count} of them. It is open again."
    return [
        Follow("jira.comment", {"ticket": link.ticket, "body": said}, f"The breaks returned on {day}.")
        for link in links
    ]
