"""Outstanding items across runs: kept with every day's happenings, so that a corrected file can be told again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.database import Database
from memory.item import Item, ItemEvent, Since, event_of, item_columns, item_of
from memory.item_arrays import RECALLED_DAYS, load
from memory.item_writes import BATCH, touch, write_day
from memory.lives import REPORTED, Happening, Items, Move, Rules, forgotten, live_day
from memory.moves import MOST, Recogniser, Stand, recognise
from memory.restated import Line, lines_of, roll_back
from memory.schema import case_breaks, item_events, items
from memory.sighting import Series, Sighting
from recon.clock import Clock
from recon.errors import NotFound
from recon.ids import item_id


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
        before: set[Line] = set()
        with self._db.begin() as connection:
            for seen in sightings:
                before |= roll_back(connection, rules, seen)
            for seen in sightings:
                told, owner = self._follow_pair(connection, run_id, seen, rules)
                happenings[seen.pair] = told
                owners.append(owner)
        restated = {day for _, day, _, _ in before}
        after = {line for seen in sightings for line in lines_of(happenings[seen.pair], seen.scale, restated)}
        changed = frozenset(line[0] for line in before ^ after) if before else frozenset()
        return Followed(happenings, tuple(sorted(restated)), changed, tuple(sightings), tuple(owners))

    def _follow_pair(
        self, connection: Connection, run_id: str, seen: Sighting, rules: Rules
    ) -> tuple[list[Happening], Series]:
        owner = np.zeros(seen.n, np.uint64)
        if not seen.n:
            return [], owner
        state = load(connection, rules.recon, seen)
        told: list[Happening] = []
        mover = partial(_by_key, connection, self._recognise)
        for day in np.unique(seen.day):
            today = seen.on(int(day))
            low = int(np.searchsorted(seen.day, day))
            state = forgotten(state, int(day) - RECALLED_DAYS)
            state, happened, owned = live_day(state, today, int(day), rules, mover)
            owner[low : low + today.n] = owned
            write_day(connection, run_id, rules, today, state, happened)
            told += happened
        touch(connection, rules.recon, state, seen)
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
            for start in range(0, len(rows), BATCH):
                connection.execute(put, rows[start : start + BATCH])

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
        return item_of(row) if row is not None else None

    def of_case(self, case_id: str, *, limit: int = 1000) -> list[Item]:
        """The case's items, oldest first."""
        query = sa.select(items).where(items.c.case_id == case_id).order_by(items.c.onset, items.c.id).limit(limit)
        with self._db.read() as connection:
            return [item_of(row) for row in connection.execute(query)]

    def open_items(self, recon: str, *, limit: int = 1000, oldest_first: bool = True) -> list[Item]:
        """What is outstanding."""
        order = items.c.onset.asc() if oldest_first else items.c.onset.desc()
        query = sa.select(items).where(items.c.recon == recon, items.c.state == "open").order_by(order, items.c.id)
        with self._db.read() as connection:
            return [item_of(row) for row in connection.execute(query.limit(limit))]

    def history(self, identity: str) -> list[ItemEvent]:
        """Everything that was told of an item, oldest first."""
        query = (
            sa.select(item_events, *item_columns())
            .join(items, items.c.id == item_events.c.item_id)
            .where(item_events.c.item_id == identity, item_events.c.kind.in_(REPORTED))
            .order_by(item_events.c.business_date, item_events.c.n)
        )
        with self._db.read() as connection:
            return [event_of(row) for row in connection.execute(query)]

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
                event_of(row)
                for kind in REPORTED
                if found.get(kind)
                for row in connection.execute(
                    sa.select(item_events, *item_columns())
                    .join(items, items.c.id == item_events.c.item_id)
                    .where(on_day, item_events.c.kind == kind)
                    .order_by(item_events.c.size.desc(), item_events.c.item_id)
                    .limit(limit)
                )
            ]
        return Since(recon, day, {kind: found.get(kind, 0) for kind in REPORTED}, tuple(events))


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
