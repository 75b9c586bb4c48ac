"""Outstanding items across runs: kept with every day's happenings, so that a corrected file can be told again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.database import Database
from memory.lives import REPORTED, Happened, Happening, Items, Move, Rules, forgotten, live_day
from memory.moves import MOST, Recogniser, Stand, recognise
from memory.schema import case_breaks, item_events, items
from memory.sighting import Series, Sighting
from recon.calendar import BusinessCalendar, to_date, to_day
from recon.clock import Clock
from recon.errors import NotFound
from recon.ids import item_id
from recon.money import from_units
from recon.rows import NO_DAY

RECALLED_DAYS: Final = 45
"""Calendar days for which a cleared item is looked at again: more than ten business days in any calendar."""

_BATCH: Final = 5000

_FEW: Final = 500
"""So many ids fit into one statement on every database."""


@dataclass(frozen=True)
class Item:
    """One outstanding break as the desk sees it."""

    id: str
    recon: str
    pair: str
    series_id: int
    key: dict[str, str]
    onset: date | None
    first_seen: date | None
    last_seen: date | None
    cleared_on: date | None
    state: str
    """`open`, `cleared`, or `withdrawn`: a corrected file says it never broke."""
    difference: Decimal
    first_difference: Decimal
    currency: str
    case_id: str | None
    moved_from: dict[str, Any] | None

    def age(self, today: date, calendar: BusinessCalendar) -> int:
        """Business days outstanding in its own currency's calendar; when cleared, until then."""
        if self.onset is None:
            return 0
        return calendar.age(self.onset, min(today, self.cleared_on or today), self.currency or None)


@dataclass(frozen=True)
class ItemEvent:
    """One thing that happened to an item, as told on its day."""

    kind: Happened
    day: date
    item: Item
    difference: Decimal
    """After it."""
    was: Decimal
    why: str
    limit: int
    """For `aged`: the limit passed, in business days."""

    def to_json(self) -> dict[str, Any]:
        """For the API and run.json; amounts as decimal text."""
        return {
            "item_id": self.item.id,
            "case_id": self.item.case_id,
            "kind": self.kind,
            "day": self.day.isoformat(),
            "key": self.item.key,
            "pair": self.item.pair,
            "difference": format(self.difference, "f"),
            "was": format(self.was, "f"),
            "currency": self.item.currency,
            "why": self.why,
            "limit": self.limit,
        }


@dataclass(frozen=True)
class Since:
    """What happened on one business date of one reconciliation: «since yesterday»."""

    recon: str
    day: date
    counts: dict[Happened, int]
    """Every reported kind, zeros too."""
    events: tuple[ItemEvent, ...]
    """The largest of each kind first, at most `limit` of each."""

    def of(self, kind: Happened) -> list[ItemEvent]:
        """The events of one kind."""
        return [event for event in self.events if event.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Counts and events, for the API."""
        return {
            "recon": self.recon,
            "day": self.day.isoformat(),
            "counts": dict(self.counts),
            "events": [event.to_json() for event in self.events],
        }


@dataclass(frozen=True)
class Followed:
    """What following a run's rows found."""

    happenings: dict[str, list[Happening]]
    """By pair, in the order of days."""
    restated: tuple[date, ...]
    """Dates that had been told already and were told again."""
    changed: frozenset[str]
    """Items of which the restated dates now tell something else."""
    _sightings: tuple[Sighting, ...]
    _owners: tuple[Series, ...]

    def counts(self) -> dict[str, int]:
        """How many of each reported kind."""
        told = [h.kind for happened in self.happenings.values() for h in happened]
        return {kind: told.count(kind) for kind in REPORTED}

    def owners(self, pair: str, series: Series, day: npt.NDArray[np.int32]) -> Series:
        """The item number of each (series, business date); 0 where it matches or was not followed."""
        found = np.zeros(len(series), np.uint64)
        for seen, owner in zip(self._sightings, self._owners, strict=True):
            if seen.pair == pair and seen.n:
                place, known = seen.find(series, day)
                found[known] = owner[place[known]]
        return found


class ItemStore:
    """The items table and what happened to each item on which day."""

    def __init__(self, db: Database, clock: Clock, recognise: Recogniser = recognise) -> None:
        self._db = db
        self._clock = clock
        self._recognise = recognise

    # --- following a run -----------------------------------------------------------------------------------------

    def follow(self, run_id: str, sightings: Sequence[Sighting], rules: Rules) -> Followed:
        """Meets the items with what a run saw, day by day. One transaction: all of it or nothing.

        A business date that was told before is told again from the state before it (a restated file); the same
        file again therefore changes nothing. Later dates must then be in the sightings too, oldest first.
        """
        happenings: dict[str, list[Happening]] = {}
        owners: list[Series] = []
        before: set[_Line] = set()
        with self._db.begin() as connection:
            for seen in sightings:
                before |= _roll_back(connection, rules, seen)
            for seen in sightings:
                told, owner = self._follow_pair(connection, run_id, seen, rules)
                happenings[seen.pair] = told
                owners.append(owner)
        restated = {day for _, day, _, _ in before}
        after = {line for seen in sightings for line in _lines(happenings[seen.pair], seen.scale, restated)}
        changed = frozenset(line[0] for line in before ^ after) if before else frozenset()
        return Followed(happenings, tuple(sorted(restated)), changed, tuple(sightings), tuple(owners))

    def _follow_pair(
        self, connection: Connection, run_id: str, seen: Sighting, rules: Rules
    ) -> tuple[list[Happening], Series]:
        owner = np.zeros(seen.n, np.uint64)
        if not seen.n:
            return [], owner
        state = _load(connection, rules.recon, seen)
        told: list[Happening] = []
        mover = partial(_by_key, connection, self._recognise)
        for day in np.unique(seen.day):
            today = seen.on(int(day))
            low = int(np.searchsorted(seen.day, day))
            state = forgotten(state, int(day) - RECALLED_DAYS)
            state, happened, owned = live_day(state, today, int(day), rules, mover)
            owner[low : low + today.n] = owned
            _write_day(connection, run_id, rules, today, state, happened)
            told += happened
        _touch(connection, rules.recon, state, seen)
        return told, owner

    def attach(self, run_id: str) -> None:
        """Gives each item the case that holds its break in this run."""
        held = (
            sa.select(case_breaks.c.item_id, sa.func.min(case_breaks.c.case_id).label("case_id"))
            .where(case_breaks.c.run_id == run_id)
            .group_by(case_breaks.c.item_id)
        )
        put = sa.update(items).where(items.c.id == sa.bindparam("item")).values(case_id=sa.bindparam("holder"))
        with self._db.begin() as connection:
            rows = [{"item": row.item_id, "holder": row.case_id} for row in connection.execute(held)]
            for start in range(0, len(rows), _BATCH):
                connection.execute(put, rows[start : start + _BATCH])

    # --- read ----------------------------------------------------------------------------------------------------

    def get(self, identity: str) -> Item:
        """One item; raises NotFound."""
        found = self.find(identity)
        if found is None:
            msg = f"{identity}: no such item in this workspace; a case's breaks name theirs"
            raise NotFound(msg)
        return found

    def find(self, identity: str) -> Item | None:
        """One item, or None."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(items).where(items.c.id == identity)).one_or_none()
        return _item(row) if row is not None else None

    def of_case(self, case_id: str, *, limit: int = 1000) -> list[Item]:
        """The case's items, oldest first."""
        query = sa.select(items).where(items.c.case_id == case_id).order_by(items.c.onset, items.c.id).limit(limit)
        with self._db.read() as connection:
            return [_item(row) for row in connection.execute(query)]

    def open_items(self, recon: str, *, limit: int = 1000, oldest_first: bool = True) -> list[Item]:
        """What is outstanding."""
        order = items.c.onset.asc() if oldest_first else items.c.onset.desc()
        query = sa.select(items).where(items.c.recon == recon, items.c.state == "open").order_by(order, items.c.id)
        with self._db.read() as connection:
            return [_item(row) for row in connection.execute(query.limit(limit))]

    def history(self, identity: str) -> list[ItemEvent]:
        """Everything that was told of an item, oldest first."""
        query = (
            sa.select(item_events, *_item_columns())
            .join(items, items.c.id == item_events.c.item_id)
            .where(item_events.c.item_id == identity, item_events.c.kind.in_(REPORTED))
            .order_by(item_events.c.business_date, item_events.c.n)
        )
        with self._db.read() as connection:
            return [_event(row) for row in connection.execute(query)]

    def last_day(self, recon: str) -> date | None:
        """The newest business date on which anything was told of the reconciliation."""
        query = sa.select(sa.func.max(item_events.c.business_date)).where(item_events.c.recon == recon)
        with self._db.read() as connection:
            newest: date | None = connection.execute(query).scalar()
        return newest

    def since(self, recon: str, day: date, *, limit: int = 10) -> Since:
        """What happened on `day`: how often, and of each kind the largest first, at most `limit`."""
        on_day = sa.and_(item_events.c.recon == recon, item_events.c.business_date == day)
        with self._db.read() as connection:
            counted = connection.execute(
                sa.select(item_events.c.kind, sa.func.count()).where(on_day).group_by(item_events.c.kind)
            ).all()
            found = {row[0]: row[1] for row in counted}
            events = [
                _event(row)
                for kind in REPORTED
                if found.get(kind)
                for row in connection.execute(
                    sa.select(item_events, *_item_columns())
                    .join(items, items.c.id == item_events.c.item_id)
                    .where(on_day, item_events.c.kind == kind)
                    .order_by(item_events.c.size.desc(), item_events.c.item_id)
                    .limit(limit)
                )
            ]
        return Since(recon, day, {kind: found.get(kind, 0) for kind in REPORTED}, tuple(events))


_Line = tuple[str, date, str, Decimal]
"""(item, business date, kind, difference after it): what a restated file may tell otherwise."""


def _lines(happened: Sequence[Happening], scale: int, days: set[date]) -> list[_Line]:
    lines = ((item_id(h.number), to_date(h.day), h.kind, from_units(h.units, scale)) for h in happened)
    return [(number, day, kind, units) for number, day, kind, units in lines if day in days and day is not None]


def _by_key(
    connection: Connection,
    recognise: Recogniser,
    state: Items,
    gone: npt.NDArray[np.int64],
    seen: Sighting,
    fresh: npt.NDArray[np.int64],
) -> list[Move]:
    """Items that disappeared, recognised among the new lines by their keys."""
    if not len(gone) or not len(fresh) or max(len(gone), len(fresh)) > MOST:
        return []
    names = [item_id(int(number)) for number in state.number[gone]]
    keys: dict[str, dict[str, str]] = {}
    for start in range(0, len(names), 500):
        query = sa.select(items.c.id, items.c.key).where(items.c.id.in_(names[start : start + 500]))
        keys |= {row.id: row.key for row in connection.execute(query)}
    old = [Stand(keys[name], int(state.units[i]), str(state.currency[i])) for name, i in zip(names, gone, strict=True)]
    new = [Stand(seen.key(int(j)), int(seen.difference[j]), str(seen.currency[j])) for j in fresh]
    return [Move(int(gone[i]), int(fresh[j]), why) for i, j, why in recognise(old, new)]


# --- rows and arrays ----------------------------------------------------------------------------------------------

_STATE: Final = (
    "id",
    "series_id",
    "onset",
    "first_seen",
    "last_seen",
    "cleared_on",
    "difference",
    "reference",
    "first_difference",
    "every",
    "aged",
    "currency",
)


def _load(connection: Connection, recon: str, seen: Sighting) -> Items:
    """The newest item of each series that is open or cleared not long ago, with units in the sighting's scale."""
    since = to_date(int(seen.day.min()) - RECALLED_DAYS)
    query = sa.select(*[items.c[name] for name in _STATE]).where(
        items.c.recon == recon,
        items.c.pair == seen.pair,
        sa.or_(items.c.state == "open", sa.and_(items.c.state == "cleared", items.c.cleared_on >= since)),
    )
    rows = connection.execute(query).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_STATE)
    by = dict(zip(_STATE, columns, strict=True))
    loaded = Items(
        series=np.array([int(s) for s in by["series_id"]], np.uint64),
        number=np.array([int(i[1:], 16) for i in by["id"]], np.uint64),
        onset=_days(by["onset"]),
        first_seen=_days(by["first_seen"]),
        last_seen=_days(by["last_seen"]),
        cleared=_days(by["cleared_on"]),
        units=_units(by["difference"], seen.scale),
        reference=_units(by["reference"], seen.scale),
        first_units=_units(by["first_difference"], seen.scale),
        every=np.array([e or 1 for e in by["every"]], np.int32),
        aged=np.array([a or 0 for a in by["aged"]], np.int32),
        currency=np.array(by["currency"], np.object_),
    )
    return _newest_of_each(loaded)


def _newest_of_each(loaded: Items) -> Items:
    """Open before cleared, later before earlier; sorted by series."""
    order = np.lexsort((loaded.onset, loaded.is_open, loaded.series))
    last = np.ones(len(order), np.bool_)
    last[:-1] = loaded.series[order][1:] != loaded.series[order][:-1]
    take = order[last]
    return replace(loaded, **{name: getattr(loaded, name)[take] for name in Items.__dataclass_fields__})


def _days(dates: Sequence[date | None]) -> npt.NDArray[np.int32]:
    return np.array([NO_DAY if d is None else to_day(d) for d in dates], np.int32)


def _units(texts: Sequence[str | None], scale: int) -> npt.NDArray[np.int64]:
    return np.array([_to_units(text, scale) for text in texts], np.int64)


def _to_units(text: str | None, scale: int) -> int:
    """Units of decimal text; exact where the scale covers it, as it does unless a later file has fewer decimals."""
    whole, _, part = (text or "0").partition(".")
    digits = part[:scale].ljust(scale, "0")
    return int(whole + digits) if digits else int(whole)


def _text(units: int, scale: int) -> str:
    """Decimal text with all decimals of the scale, made from the digits: it is made for every change of a night.

    >>> _text(-5, 2), _text(1200, 0), _text(123456, 4)
    ('-0.05', '1200', '12.3456')
    """
    if not scale:
        return str(units)
    digits = str(abs(units)).zfill(scale + 1)
    return f"{'-' if units < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def _write_day(
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
    changed = [{"item": s["id"], **_columns(s)} for s in snapshots.values() if s["id"] not in born]
    _update(connection, changed)
    for row in moved:
        _update(connection, [row])
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
    for start in range(0, len(events), _BATCH):
        connection.execute(sa.insert(item_events), events[start : start + _BATCH])


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


def _iso(day: int) -> str | None:
    found = to_date(day)
    return found.isoformat() if found else None


_DATES: Final = ("onset", "first_seen", "last_seen", "cleared_on")


def _columns(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot as column values."""
    values = {k: v for k, v in snapshot.items() if k not in ("id", "first_difference", "currency")}
    for name in _DATES:
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return values


def _new_row(snapshot: Mapping[str, Any], happening: Happening, recon: str, seen: Sighting) -> dict[str, Any]:
    return {
        **_columns(snapshot),
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
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
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


def _update(connection: Connection, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        values = {name: sa.bindparam(f"v_{name}", type_=items.c[name].type) for name in part[0] if name != "item"}
        bound = [{("item" if k == "item" else f"v_{k}"): v for k, v in row.items()} for row in part]
        connection.execute(sa.update(items).where(items.c.id == sa.bindparam("item")).values(**values), bound)


def _touch(connection: Connection, recon: str, state: Items, seen: Sighting) -> None:
    """Open items that were seen and did not change: only their last day is new."""
    newest = int(seen.day.max())
    fresh = state.is_open & (state.last_seen == newest)
    others = state.number[state.is_open & ~fresh]
    if len(others) > _FEW:
        rows = [{"item": item_id(int(number)), "last_seen": to_date(newest)} for number in state.number[fresh]]
        _update(connection, rows)
        return
    whole = (items.c.recon == recon, items.c.pair == seen.pair, items.c.state == "open")
    but = items.c.id.not_in([item_id(int(number)) for number in others])
    connection.execute(sa.update(items).where(*whole, but).values(last_seen=to_date(newest)))


# --- a restated file ----------------------------------------------------------------------------------------------


def _roll_back(connection: Connection, rules: Rules, seen: Sighting) -> set[_Line]:
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
    _update(connection, [{"item": name, "state": "withdrawn", "cleared_on": first} for name in never])
    _update(connection, [{"item": row.id, **_columns(known[row.id])} for row in stored if row.id in known])
    for row in stored:
        if row.id not in known:
            continue
        if known[row.id]["series_id"] != row.series_id and row.moved_from:
            back = {"item": row.id, "key": row.moved_from["key"], "moved_from": row.moved_from["before"]}
            _update(connection, [back])


# --- rows out -----------------------------------------------------------------------------------------------------


def _item_columns() -> list[Any]:
    return [column.label(f"i_{column.name}") for column in items.c]


def _item(row: Any, prefix: str = "") -> Item:
    def of(name: str) -> Any:
        return getattr(row, prefix + name)

    return Item(
        id=of("id"),
        recon=of("recon"),
        pair=of("pair"),
        series_id=int(of("series_id")),
        key=dict(of("key")),
        onset=of("onset"),
        first_seen=of("first_seen"),
        last_seen=of("last_seen"),
        cleared_on=of("cleared_on"),
        state=of("state"),
        difference=Decimal(of("difference")),
        first_difference=Decimal(of("first_difference")),
        currency=of("currency"),
        case_id=of("case_id"),
        moved_from=of("moved_from"),
    )


def _event(row: Any) -> ItemEvent:
    return ItemEvent(
        kind=row.kind,
        day=row.business_date,
        item=_item(row, "i_"),
        difference=Decimal(row.body["to"]),
        was=Decimal(row.body["was"]),
        why=row.body.get("why", ""),
        limit=int(row.body.get("limit", 0)),
    )
