"""What the desk prefers, learned from what people approved: dated, attributable, undoable, and kept to its scope."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Final

import sqlalchemy as sa

from memory.database import Database
from memory.schema import preferences
from recon.clock import Clock
from recon.errors import NotFound
from recon.ids import short_id

NEWEST: Final = 3000
"""How many observations of a reconciliation are looked at; older habits have died."""
_RECENT: Final = 12
"""Of those that fit a scope, how many of the newest count."""
_PURE: Final = 0.75
_VARIED: Final = 3
"""So many different values of a column have to be seen before the habit is taken to hold for any."""


@dataclass(frozen=True)
class Observation:
    """One field of one approved draft, in the circumstances in which it was approved."""

    id: str
    recon: str
    scope: dict[str, str]
    """The circumstances: cause, pattern, severity and the case's columns."""
    field: str
    """`jira.create.priority`, `email.send.to`, ..."""
    value: Any
    learned_from: str
    """The decision."""
    at: datetime
    edited: bool
    """True when a person made it so; False when they let the draft stand."""


@dataclass(frozen=True)
class Habit:
    """What the observations say of a field in given circumstances."""

    value: Any
    scope: dict[str, str]
    """The part of the circumstances that the habit goes by."""
    support: int
    against: int
    learned_from: tuple[str, ...]


def scopes_of(circumstances: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every scope that a habit may go by, the most particular first: three, two, one or none of the circumstances."""
    names = sorted(circumstances)
    for size in (3, 2, 1, 0):
        for chosen in combinations(names, size):
            if size == 3 and "cause" not in chosen:
                continue
            yield {name: circumstances[name] for name in chosen}


def habit(
    observations: Sequence[Observation], circumstances: Mapping[str, str], kept: Sequence[str] = ()
) -> Habit | None:
    """The value that a field takes in these circumstances by habit; None when nothing is settled.

    `observations`: those of one field, newest first. A habit goes by the scope within which the desk decided most
    alike (successes plus one over trials plus two: the rule of succession), and never bleeds: where a circumstance
    outside the scope was not seen before, it must have varied.
    `kept`: circumstances that are never generalised over.
    """
    best: tuple[tuple[float, ...], Habit] | None = None
    for scope in scopes_of(circumstances):
        fit = [o for o in observations if all(o.scope.get(n) == v for n, v in scope.items())][:_RECENT]
        if not fit or any(name not in scope and name in circumstances for name in kept):
            continue
        counted = Counter(json.dumps(o.value, sort_keys=True) for o in fit)
        top, support = max(counted.items(), key=lambda item: (item[1], -_age(fit, item[0])))
        chosen = [o for o in fit if json.dumps(o.value, sort_keys=True) == top]
        if support / len(fit) < _PURE and not _turned(fit):
            continue
        if _turned(fit):
            chosen = list(fit[:2])
            support = 2
        if not _covers(chosen, scope, circumstances):
            continue
        found = Habit(chosen[0].value, scope, support, len(fit) - support, tuple(o.learned_from for o in chosen))
        tried = support if _turned(fit) else len(fit)
        rank = ((support + 1) / (tried + 2), len(scope), support)
        if best is None or rank > best[0]:
            best = (rank, found)
    return best[1] if best else None


def _age(fit: Sequence[Observation], value: str) -> int:
    return next(i for i, o in enumerate(fit) if json.dumps(o.value, sort_keys=True) == value)


def _turned(fit: Sequence[Observation]) -> bool:
    """The desk changed its mind: the newest two were edited, alike, against what stood before."""
    if len(fit) < 3 or not (fit[0].edited and fit[1].edited):
        return False
    return bool(fit[0].value == fit[1].value and fit[2].value != fit[0].value)


def _covers(chosen: Sequence[Observation], scope: Mapping[str, str], circumstances: Mapping[str, str]) -> bool:
    """Each circumstance outside the scope was seen with this value, or with enough different ones."""
    for name, value in circumstances.items():
        if name in scope:
            continue
        seen = {o.scope.get(name) for o in chosen}
        if value not in seen and len(seen) < _VARIED:
            return False
    return True


class Preferences:
    """The preferences table: one row for each observed field of each approval."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def learn(
        self,
        recon: str,
        scope: Mapping[str, str],
        fields: Mapping[str, tuple[Any, bool]],
        decision_id: str,
    ) -> int:
        """Stores what was approved: field -> (value, edited by a person). The same decision twice is learned once."""
        now = self._clock()
        rows = [
            {
                "id": short_id("P", decision_id, field),
                "recon": recon,
                "scope": dict(scope),
                "field": field,
                "value": {"value": value, "edited": edited},
                "support": 1,
                "against": 0,
                "learned_from": [decision_id],
                "at": now,
                "active": True,
            }
            for field, (value, edited) in fields.items()
        ]
        with self._db.begin() as connection:
            ids = [row["id"] for row in rows]
            known = set(connection.execute(sa.select(preferences.c.id).where(preferences.c.id.in_(ids))).scalars())
            fresh = [row for row in rows if row["id"] not in known]
            if fresh:
                connection.execute(sa.insert(preferences), fresh)
        return len(fresh)

    def observations(self, recon: str, field: str | None = None) -> list[Observation]:
        """Active observations, newest first."""
        query = sa.select(preferences).where(preferences.c.recon == recon, preferences.c.active.is_(True))
        if field:
            query = query.where(preferences.c.field == field)
        query = query.order_by(sa.desc(preferences.c.at), sa.desc(preferences.c.id)).limit(NEWEST)
        with self._db.read() as connection:
            return [_observation(row) for row in connection.execute(query)]

    def habits(
        self, recon: str, circumstances: Mapping[str, str], prefix: str, kept: Sequence[str] = ()
    ) -> dict[str, Habit]:
        """The desk's habits in given circumstances, for every field that begins with `prefix`."""
        by_field: dict[str, list[Observation]] = {}
        for o in self.observations(recon):
            if o.field.startswith(prefix):
                by_field.setdefault(o.field, []).append(o)
        found = {field: habit(many, circumstances, kept) for field, many in by_field.items()}
        return {field: h for field, h in found.items() if h is not None}

    def undo(self, decision_id: str) -> int:
        """Forgets what one decision taught; it stays on record. Returns how many observations were put out."""
        with self._db.begin() as connection:
            ids = [
                row.id
                for row in connection.execute(sa.select(preferences.c.id, preferences.c.learned_from))
                if decision_id in row.learned_from
            ]
            if ids:
                connection.execute(sa.update(preferences).where(preferences.c.id.in_(ids)).values(active=False))
        return len(ids)

    def forget(self, preference_id: str) -> None:
        """Puts one observation out. Raises NotFound."""
        with self._db.begin() as connection:
            done = connection.execute(
                sa.update(preferences).where(preferences.c.id == preference_id).values(active=False)
            )
        if done.rowcount != 1:
            msg = f"{preference_id}: no such preference in this workspace"
            raise NotFound(msg)


def _observation(row: Any) -> Observation:
    value = row.value
    return Observation(
        row.id,
        row.recon,
        dict(row.scope),
        row.field,
        value["value"],
        row.learned_from[0],
        row.at,
        bool(value.get("edited")),
    )
