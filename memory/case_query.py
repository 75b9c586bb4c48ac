"""What the queue asks for, as SQL: filters that find an index, and pages that begin where the last one ended."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from memory.promises import due_or_broken
from memory.schema import CLOSED_STATES, actions, cases, promises
from recon.errors import BadInput

_IS_OPEN: Final = cases.c.state.not_in(
    sa.bindparam("closed_states", CLOSED_STATES, expanding=True, literal_execute=True)
)
"""Written out, not bound: only then do databases see that the indexes over open cases hold the answer."""
SORTS: Final = {
    "severity": (cases.c.severity, cases.c.amount_base, cases.c.id),
    "amount": (cases.c.amount_base, cases.c.id),
    "onset": (cases.c.onset, cases.c.id),
    "due": (cases.c.due_on, cases.c.id),
    "score": (cases.c.score, cases.c.id),
    "created": (cases.c.created_at, cases.c.id),
}
"""Keyset orders, each with an index; a leading `-` means largest first (the default is `-severity`)."""


@dataclass(frozen=True)
class CaseQuery:
    """What the queue asks for. An empty filter means any; `state='open'` means every state still to be worked."""

    state: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    recon: str | None = None
    owner: str | None = None
    """A name; `-` means nobody."""
    kind: str | None = None
    q: str | None = None
    due_by: date | None = None
    created_after: datetime | None = None
    action_state: tuple[str, ...] = ()
    """Only cases with an action in one of these states."""
    promise_due_by: date | None = None
    """Only cases with a promise that falls due by this day, or was broken."""
    ids: tuple[str, ...] | None = None
    sort: str = "-severity"
    cursor: str | None = None
    limit: int = 50


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if is_dataclass(value):
        return vars(value)
    msg = f"{type(value).__name__} has no JSON form here"
    raise TypeError(msg)


def encode_cursor(values: Sequence[Any]) -> str:
    """A keyset position as an opaque word for URLs."""
    return base64.urlsafe_b64encode(json.dumps(list(values), default=plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """The keyset position; raises BadInput when it is none of ours."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        msg = "cursor: this is no cursor of ours; start again without one"
        raise BadInput(msg) from error
    if not isinstance(found, list):
        msg = "cursor: this is no cursor of ours; start again without one"
        raise BadInput(msg)
    return found


def _searched(column: Any, query: CaseQuery, *, by_rule: bool) -> Any:
    """The column, so that its index is searched where that index also holds the order; otherwise hidden from a
    planner that goes by rule (SQLite's), which would find the many rows of a bucket first and then sort them all.
    Several states are few rows by their own index, while a bucket's would be walked to its end to find them.
    PostgreSQL's counts, and must see the column: of a hidden one it expects few rows, and would read every case."""
    in_order = query.sort.removeprefix("-") == "severity" and len(query.state) < 2
    return column if in_order or not by_rule else column.concat("")


def filtered(statement: Any, query: CaseQuery, *, by_rule: bool) -> Any:
    conditions: list[Any] = []
    if query.state:
        conditions.append(_IS_OPEN if query.state == ("open",) else cases.c.state.in_(query.state))
    for column, wanted in ((cases.c.pattern, query.pattern), (cases.c.cause, query.cause)):
        if wanted:
            conditions.append(_searched(column, query, by_rule=by_rule).in_(wanted))
    if query.recon:
        conditions.append(_searched(cases.c.recon, query, by_rule=by_rule) == query.recon)
    if query.kind:
        conditions.append(cases.c.kind == query.kind)
    if query.owner:
        conditions.append(cases.c.owner.is_(None) if query.owner == "-" else cases.c.owner == query.owner)
    if query.due_by:
        conditions.append(cases.c.due_on <= query.due_by)
    if query.created_after:
        conditions.append(cases.c.created_at > query.created_after)
    if query.action_state:
        acting = sa.select(actions.c.case_id).where(actions.c.state.in_(query.action_state))
        conditions.append(cases.c.id.in_(acting))
    if query.promise_due_by:
        standing = due_or_broken(query.promise_due_by)
        promised = sa.select(promises.c.case_id).where(standing, promises.c.case_id.is_not(None))
        conditions.append(cases.c.id.in_(promised))
    if query.ids is not None:
        conditions.append(cases.c.id.in_(query.ids))
    return statement.where(*conditions, *with_words(query))


def with_words(query: CaseQuery) -> list[Any]:
    """That a case holds every word asked for."""
    return [cases.c.search.contains(word, autoescape=True) for word in (query.q or "").casefold().split()]


def beyond(keys: Sequence[Any], values: Sequence[Any], descending: bool) -> Any:
    """Rows after a keyset position: (a, b, c) < (x, y, z), spelt so that every database uses its index."""
    if len(values) != len(keys):
        msg = "cursor: it belongs to another order; start again without one"
        raise BadInput(msg)
    typed = [_typed(key, value) for key, value in zip(keys, values, strict=True)]
    branches = []
    for i, (key, value) in enumerate(zip(keys, typed, strict=True)):
        equal = [k == v for k, v in zip(keys[:i], typed[:i], strict=True)]
        if value is None:
            continue
        branches.append(sa.and_(*equal, key < value if descending else key > value))
    if not branches:
        return sa.true()
    first, value = keys[0], typed[0]
    if value is None:
        return sa.or_(*branches)
    # Said once more of the first key alone: else SQLite reads both branches whole and sorts them.
    return sa.and_(first <= value if descending else first >= value, sa.or_(*branches))


def _typed(key: Any, value: Any) -> Any:
    try:
        match key.type:
            case sa.Date():
                return date.fromisoformat(value) if value else None
            case sa.Integer():
                return int(value)
            case sa.Float():
                return float(value)
            case sa.String():
                return str(value)
            case _:
                return datetime.fromisoformat(value) if value else None
    except (TypeError, ValueError) as error:
        msg = "cursor: this is no cursor of ours; start again without one"
        raise BadInput(msg) from error
