"""Promises that people made of items («clears on 02-Nov»): kept with the item, checked on their day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa

from memory.database import Database
from memory.schema import case_events, items, promises
from recon.calendar import BusinessCalendar
from recon.clock import Clock
from recon.ids import short_id

PromiseState = Literal["open", "kept", "broken"]


def due_or_broken(by: date) -> sa.ColumnElement[bool]:
    """Promises that want a look on a day: those that fall due by then, and those that were not kept."""
    open_now = sa.and_(promises.c.state == "open", promises.c.due_on <= by)
    return sa.or_(open_now, promises.c.state == "broken")


@dataclass(frozen=True)
class Promised:
    """One promise about one item."""

    id: str
    recon: str
    series_id: str
    item_id: str | None
    case_id: str | None
    text: str
    """The words it was made in."""
    due_on: date | None
    condition: dict[str, Any]
    """What must then be so; empty: the break is gone."""
    state: PromiseState
    made_on: date | None
    checked_on: date | None

    def to_json(self) -> dict[str, Any]:
        """For the API and the case's page."""
        return {
            "id": self.id,
            "item_id": self.item_id,
            "case_id": self.case_id,
            "text": self.text,
            "due_on": self.due_on.isoformat() if self.due_on else None,
            "state": self.state,
            "made_on": self.made_on.isoformat() if self.made_on else None,
            "checked_on": self.checked_on.isoformat() if self.checked_on else None,
        }


@dataclass(frozen=True)
class Made:
    """A promise as it was read from a comment or a reply."""

    recon: str
    series_id: str
    item_id: str | None
    case_id: str | None
    text: str
    due_on: date | None
    made_on: date | None
    condition: Mapping[str, Any]
    source: str
    """`comment` or `reply`."""


@dataclass(frozen=True)
class Checked:
    """A promise whose day has come, and how it stands."""

    promise: Promised
    kept: bool
    sentence: str


class PromiseStore:
    """The promises table: one row for each promise of an item."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add_many(self, made: Sequence[Made]) -> int:
        """Keeps promises that are not there yet; returns how many were new.

        The same words about the same item are one promise, however often the comment is carried forward.
        """
        rows = {}
        for promise in made:
            whose = promise.item_id or promise.series_id
            identity = short_id("P", promise.recon, whose, promise.text.casefold().strip())
            rows[identity] = {
                "id": identity,
                "recon": promise.recon,
                "series_id": promise.series_id,
                "item_id": promise.item_id,
                "case_id": promise.case_id,
                "text": promise.text,
                "due_on": promise.due_on,
                "condition": dict(promise.condition),
                "state": "open",
                "made_on": promise.made_on,
                "recorded_at": self._clock(),
                "checked_on": None,
                "body": {"source": promise.source},
            }
        with self._db.begin() as connection:
            known: set[str] = set()
            names = list(rows)
            for start in range(0, len(names), 500):
                query = sa.select(promises.c.id).where(promises.c.id.in_(names[start : start + 500]))
                known |= {row.id for row in connection.execute(query)}
            fresh = [row for name, row in rows.items() if name not in known]
            if fresh:
                connection.execute(sa.insert(promises), fresh)
        return len(fresh)

    def due(self, day: date, recon: str | None = None) -> list[Promised]:
        """Open promises that fall due on or before `day`."""
        query = sa.select(promises).where(promises.c.state == "open", promises.c.due_on <= day)
        if recon is not None:
            query = query.where(promises.c.recon == recon)
        with self._db.read() as connection:
            return [_promised(row) for row in connection.execute(query.order_by(promises.c.due_on, promises.c.id))]

    def of_case(self, case_id: str) -> list[Promised]:
        """All promises of a case, by due day."""
        query = sa.select(promises).where(promises.c.case_id == case_id).order_by(promises.c.due_on, promises.c.id)
        with self._db.read() as connection:
            return [_promised(row) for row in connection.execute(query)]

    def check(self, recon: str, day: date, calendar: BusinessCalendar) -> list[Checked]:
        """Checks after the file of business date `day` was followed: a promise is kept when its item was gone by
        its due day, broken when the item still stands then. Each is checked once; a restated file checks again
        what that day had decided.
        """
        with self._db.begin() as connection:
            again = sa.and_(promises.c.recon == recon, promises.c.checked_on >= day)
            connection.execute(sa.update(promises).where(again).values(state="open", checked_on=None))
            rows = connection.execute(
                sa.select(
                    promises,
                    items.c.state.label("i_state"),
                    items.c.cleared_on,
                    items.c.currency,
                    items.c.case_id.label("i_case"),
                )
                .join(items, items.c.id == promises.c.item_id)
                .where(promises.c.recon == recon, promises.c.state == "open")
            ).all()
            checked = []
            for row in rows:
                verdict = _verdict(row, day, calendar)
                if verdict is None:
                    continue
                state: PromiseState = "kept" if verdict else "broken"
                connection.execute(
                    sa.update(promises)
                    .where(promises.c.id == row.id)
                    .values(state=state, checked_on=day, case_id=row.i_case or row.case_id)
                )
                promise = _promised(row, state=state, checked_on=day, case_id=row.i_case or row.case_id)
                sentence = _sentence(promise)
                checked.append(Checked(promise, verdict, sentence))
                if promise.case_id:
                    _tell(connection, promise, sentence, self._clock)
        return checked


def _verdict(row: Any, day: date, calendar: BusinessCalendar) -> bool | None:
    """True kept, False broken, None not yet to be said."""
    if row.i_state != "open":
        return row.due_on is None or row.cleared_on is None or row.cleared_on <= _rolled(row, calendar)
    if row.due_on is None or day < _rolled(row, calendar):
        return None
    return False


def _rolled(row: Any, calendar: BusinessCalendar) -> date:
    """The due day, or the next business day when it falls on a day off."""
    return calendar.add_business_days(row.due_on, 0, row.currency or None)


def _sentence(promise: Promised) -> str:
    made = f" made on {promise.made_on}" if promise.made_on else ""
    how = "was kept" if promise.state == "kept" else "was not kept: the break still stands"
    due = f" for {promise.due_on}" if promise.due_on else ""
    return f"The promise{made}{due} «{promise.text}» {how} on {promise.checked_on}."


def _tell(connection: Any, promise: Promised, sentence: str, clock: Clock) -> None:
    """One history line of the case for a promise and day, however often the day is run."""
    lines = connection.execute(
        sa.select(case_events.c.body).where(
            case_events.c.case_id == promise.case_id, case_events.c.kind == f"promise_{promise.state}"
        )
    ).all()
    if any(line.body.get("promise") == promise.id for line in lines):
        return
    connection.execute(
        sa.insert(case_events).values(
            case_id=promise.case_id,
            at=clock(),
            who="tieout",
            kind=f"promise_{promise.state}",
            body={"promise": promise.id, "sentence": sentence},
        )
    )


def _promised(row: Any, **changed: Any) -> Promised:
    values = {name: getattr(row, name) for name in Promised.__dataclass_fields__}
    return Promised(**{**values, "condition": dict(row.condition), **changed})
