"""A day's changes written to the items table, each with an event that holds the state after it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.lives import Happening, Items, Rules
from memory.schema import item_events, items
from memory.sighting import Sighting
from recon.calendar import to_date
from recon.ids import item_id

BATCH: Final = 5000

_FEW: Final = 500
"""So many ids fit into one statement on every database."""

_DATES: Final = ("onset", "first_seen", "last_seen", "cleared_on")


def write_day(
    connection: Connection,
    run_id: str,
    rules: Rules,
    seen: Sighting,
    state: Items,
    happened: Sequence[Happening],
) -> None:
    """Items that changed on the day, and an event for each change with the state after it."""
    if not happened:
        return
    order = np.argsort(state.number)
    numbers = np.array([h.number for h in happened], np.uint64)
    place = order[np.searchsorted(state.number[order], numbers)]
    snapshots = {int(i): _snapshot(state, int(i), seen) for i in set(place.tolist())}
    fresh = [
        _new_row(snapshots[int(i)], h, rules.recon, seen)
        for h, i in zip(happened, place, strict=True)
        if h.kind == "new"
    ]
    born = {row["id"] for row in fresh}
    moved = [
        _moved_row(connection, snapshots[int(i)], h, seen)
        for h, i in zip(happened, place, strict=True)
        if h.kind == "moved"
    ]
    _put(connection, fresh)
    changed = [{"item": s["id"], **columns_of(s)} for s in snapshots.values() if s["id"] not in born]
    update(connection, changed)
    for row in moved:
        update(connection, [row])
    events = [
        {
            "item_id": item_id(h.number),
            "run_id": run_id,
            "recon": rules.recon,
            "business_date": to_date(h.day),
            "kind": h.kind,
            "size": _size(h, seen.scale, rules.rates.get(str(state.currency[i]))),
            "body": _event_body(snapshots[int(i)], h, seen.scale),
        }
        for h, i in zip(happened, place, strict=True)
    ]
    for start in range(0, len(events), BATCH):
        connection.execute(sa.insert(item_events), events[start : start + BATCH])


def _size(happening: Happening, scale: int, rate: Decimal | None) -> float:
    """What it is about, in the materiality currency: for sorting only."""
    units = happening.was if happening.kind == "cleared" else happening.units
    return abs(units) / 10.0**scale * float(rate if rate is not None else 1)


def _snapshot(state: Items, i: int, seen: Sighting) -> dict[str, Any]:
    """An item's whole changing state, JSON-ready: enough to put it back."""
    cleared = to_date(int(state.cleared[i]))
    return {
        "id": item_id(int(state.number[i])),
        "series_id": str(int(state.series[i])),
        "state": "open" if cleared is None else "cleared",
        "onset": _iso(int(state.onset[i])),
        "first_seen": _iso(int(state.first_seen[i])),
        "last_seen": _iso(int(state.last_seen[i])),
        "cleared_on": cleared.isoformat() if cleared else None,
        "difference": _text(int(state.units[i]), seen.scale),
        "reference": _text(int(state.reference[i]), seen.scale),
        "first_difference": _text(int(state.first_units[i]), seen.scale),
        "every": int(state.every[i]),
        "aged": int(state.aged[i]),
        "currency": str(state.currency[i]),
    }


def _text(units: int, scale: int) -> str:
    """Decimal text with all decimals of the scale, made from the digits: it is made for every change of a night.

    >>> _text(-5, 2), _text(1200, 0), _text(123456, 4)
    ('-0.05', '1200', '12.3456')
    """
    if not scale:
        return str(units)
    digits = str(abs(units)).zfill(scale + 1)
    return f"{'-' if units < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def _iso(day: int) -> str | None:
    found = to_date(day)
    return found.isoformat() if found else None


def columns_of(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot as column values."""
    values = {k: v for k, v in snapshot.items() if k not in ("id", "first_difference", "currency")}
    for name in _DATES:
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return values


def _new_row(snapshot: Mapping[str, Any], happening: Happening, recon: str, seen: Sighting) -> dict[str, Any]:
    return {
        **columns_of(snapshot),
        "id": snapshot["id"],
        "recon": recon,
        "pair": seen.pair,
        "key": seen.key(happening.line),
        "first_difference": snapshot["first_difference"],
        "currency": snapshot["currency"],
        "case_id": None,
        "moved_from": None,
        "body": {},
    }


def _moved_row(
    connection: Connection, snapshot: Mapping[str, Any], happening: Happening, seen: Sighting
) -> dict[str, Any]:
    """The item under its new key, remembering the old one."""
    old = connection.execute(
        sa.select(items.c.key, items.c.series_id, items.c.moved_from).where(items.c.id == snapshot["id"])
    ).one()
    moved_from = {
        "key": old.key,
        "series_id": old.series_id,
        "on": _iso(happening.day),
        "why": happening.why,
        "before": old.moved_from,
    }
    return {"item": snapshot["id"], "key": seen.key(happening.line), "moved_from": moved_from}


def _event_body(snapshot: Mapping[str, Any], happening: Happening, scale: int) -> dict[str, Any]:
    told = {"to": _text(happening.units, scale), "was": _text(happening.was, scale)}
    if happening.why:
        told["why"] = happening.why
    if happening.limit:
        told["limit"] = str(happening.limit)
    return {**told, "state": dict(snapshot)}


def _put(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Inserts new items; one that a restated file had withdrawn comes back under its own id, with its case."""
    kept = {"id", "case_id"}
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        if connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as pg_insert

            pg = pg_insert(items)
            updated = {c: pg.excluded[c] for c in part[0] if c not in kept}
            connection.execute(pg.on_conflict_do_update(index_elements=[items.c.id], set_=updated), part)
            continue
        from sqlalchemy.dialects.sqlite import insert as lite_insert

        lite = lite_insert(items)
        updated = {c: lite.excluded[c] for c in part[0] if c not in kept}
        connection.execute(lite.on_conflict_do_update(index_elements=[items.c.id], set_=updated), part)


def update(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Sets the columns that each row names, which are the same in all of them, of the item under `item`."""
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        values = {name: sa.bindparam(f"v_{name}", type_=items.c[name].type) for name in part[0] if name != "item"}
        bound = [{("item" if k == "item" else f"v_{k}"): v for k, v in row.items()} for row in part]
        connection.execute(sa.update(items).where(items.c.id == sa.bindparam("item")).values(**values), bound)


def touch(connection: Connection, recon: str, state: Items, seen: Sighting) -> None:
    """Open items that were seen and did not change: only their last day is new."""
    newest = int(seen.day.max())
    fresh = state.is_open & (state.last_seen == newest)
    others = state.number[state.is_open & ~fresh]
    if len(others) > _FEW:
        rows = [{"item": item_id(int(number)), "last_seen": to_date(newest)} for number in state.number[fresh]]
        update(connection, rows)
        return
    whole = (items.c.recon == recon, items.c.pair == seen.pair, items.c.state == "open")
    but = items.c.id.not_in([item_id(int(number)) for number in others])
    connection.execute(sa.update(items).where(*whole, but).values(last_seen=to_date(newest)))
