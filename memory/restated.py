"""A restated file: what was told since its first day is taken back, so that it can be told again."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.item_writes import columns_of, update
from memory.lives import Happening, Rules
from memory.schema import item_events, items
from memory.sighting import Sighting
from recon.calendar import to_date
from recon.ids import item_id
from recon.money import from_units

Line = tuple[str, date, str, Decimal]
"""(item, business date, kind, difference after it): what a restated file may tell otherwise."""


def lines_of(happened: Sequence[Happening], scale: int, days: set[date]) -> list[Line]:
    """What happened on those days, to hold against what was told of them before."""
    lines = ((item_id(h.number), to_date(h.day), h.kind, from_units(h.units, scale)) for h in happened)
    return [(number, day, kind, units) for number, day, kind, units in lines if day in days and day is not None]


def roll_back(connection: Connection, rules: Rules, seen: Sighting) -> set[Line]:
    """Puts the pair's items back to what they were before the sighting's first day; returns what was told since.
    Where the sighting is partial, only the items of its own keys."""
    if not seen.n:
        return set()
    first = to_date(int(seen.day.min()))
    query = (
        sa.select(
            item_events.c.n,
            item_events.c.item_id,
            item_events.c.business_date,
            item_events.c.kind,
            item_events.c.body,
            items.c.series_id,
        )
        .join(items, items.c.id == item_events.c.item_id)
        .where(item_events.c.recon == rules.recon, item_events.c.business_date >= first, items.c.pair == seen.pair)
    )
    told = connection.execute(query).all()
    if rules.partial:
        own = {str(number) for number in np.unique(seen.series).tolist()}
        told = [row for row in told if row.series_id in own]
    names = sorted({row.item_id for row in told})
    for start in range(0, len(names), 500):
        _restore(connection, names[start : start + 500], first)
    numbers = [row.n for row in told]
    for start in range(0, len(numbers), 500):
        connection.execute(sa.delete(item_events).where(item_events.c.n.in_(numbers[start : start + 500])))
    return {(row.item_id, row.business_date, row.kind, Decimal(row.body["to"])) for row in told}


def _restore(connection: Connection, names: Sequence[str], first: date | None) -> None:
    last = (
        sa.select(sa.func.max(item_events.c.n).label("n"))
        .where(item_events.c.item_id.in_(names), item_events.c.business_date < first)
        .group_by(item_events.c.item_id)
        .subquery()
    )
    before = connection.execute(
        sa.select(item_events.c.item_id, item_events.c.body).join(last, last.c.n == item_events.c.n)
    ).all()
    known = {row.item_id: row.body["state"] for row in before}
    stored = connection.execute(
        sa.select(items.c.id, items.c.series_id, items.c.key, items.c.moved_from).where(items.c.id.in_(names))
    ).all()
    never = [row.id for row in stored if row.id not in known]
    update(connection, [{"item": name, "state": "withdrawn", "cleared_on": first} for name in never])
    update(connection, [{"item": row.id, **columns_of(known[row.id])} for row in stored if row.id in known])
    for row in stored:
        if row.id not in known:
            continue
        if known[row.id]["series_id"] != row.series_id and row.moved_from:
            back = {"item": row.id, "key": row.moved_from["key"], "moved_from": row.moved_from["before"]}
            update(connection, [back])
