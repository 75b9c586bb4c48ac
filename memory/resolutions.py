"""How operators closed past breaks: SQL holds them, Chroma finds the alike, and every answer says how it ended."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from memory.database import Database
from memory.embedding import Features
from memory.likeness import rank
from memory.resolution import Match, Resolution, usable
from memory.schema import resolutions
from memory.vectors import Vectors, VectorsDown
from recon.clock import Clock, system_clock

log = logging.getLogger(__name__)

_OVER_FETCH: Final = 20
_EXACT_ROWS: Final = 4000
_PLAIN_ROWS: Final = 1000
"""How many of the newest are compared one by one while there are no vectors."""
_MEMO_ROWS: Final = 50_000

T = TypeVar("T")


class Resolutions:
    """The desk's memory of resolutions. SQL is the truth; the vectors follow it and can be rebuilt from it."""

    def __init__(self, db: Database, vectors: Vectors, clock: Clock = system_clock) -> None:
        self._db = db
        self._vectors = vectors
        self._clock = clock
        self._indexed: dict[str, set[str]] = {}
        self._memo: dict[str, tuple[Any, Any]] = {}
        self._told = ""

    # --- write -------------------------------------------------------------------------------------------------

    def add_many(self, many: Sequence[Resolution], *, index: bool = True) -> int:
        """Stores what is not there yet, in bulk; returns how many were new. `index=False` leaves the vectors to
        the next search, and so does a Chroma that does not answer."""
        fresh: list[Resolution] = []
        now = self._clock()
        with self._db.begin() as connection:
            for start in range(0, len(many), 500):
                part = {r.id: r for r in many[start : start + 500]}
                known = connection.execute(
                    sa.select(resolutions.c.id).where(resolutions.c.id.in_(list(part)))
                ).scalars()
                for i in known:
                    part.pop(i, None)
                if part:
                    connection.execute(sa.insert(resolutions), [_row(r, now) for r in part.values()])
                fresh += part.values()
        if index:
            try:
                for recon in {r.recon for r in fresh}:
                    self._index(recon, [r for r in fresh if r.recon == recon])
            except VectorsDown as down:
                self._without(down)
        return len(fresh)

    def set_outcome(self, resolution_id: str, outcome: str) -> None:
        """What became of it later: reopened, rejected, resolved."""
        with self._db.begin() as connection:
            connection.execute(sa.update(resolutions).where(resolutions.c.id == resolution_id).values(outcome=outcome))

    def forget(self, recon: str, ids: Sequence[str]) -> None:
        """Takes resolutions out of the vectors and out of the table, for good.

        Raises VectorsDown before anything is taken out: the table is what tells a second try what to look for.
        """
        self._vectors.forget(recon, ids)
        with self._db.begin() as connection:
            for start in range(0, len(ids), 500):
                part = list(ids[start : start + 500])
                connection.execute(sa.delete(resolutions).where(resolutions.c.id.in_(part)))
        self._indexed.pop(recon, None)
        self._memo.clear()

    def _index(self, recon: str, many: Sequence[Resolution]) -> None:
        held = self._held(recon)
        missing = [r for r in many if r.id not in held]
        if missing:
            from dataclasses import replace

            self._vectors.add(recon, [r.id for r in missing], [replace(r.features, comment=r.comment) for r in missing])
            held.update(r.id for r in missing)

    def _held(self, recon: str) -> set[str]:
        if recon not in self._indexed:
            self._indexed[recon] = self._vectors.ids(recon)
        return self._indexed[recon]

    def sync(self, recon: str) -> int:
        """Brings the vectors up to the table (another process may have written); returns how many were added."""
        with self._db.read() as connection:
            count = connection.execute(
                sa.select(sa.func.count()).select_from(resolutions).where(resolutions.c.recon == recon)
            ).scalar_one()
            if not count and recon not in self._indexed:
                return 0  # nothing to look for: opening Chroma takes seconds
            held = self._held(recon)
            if count == len(held):
                return 0
            ids = set(connection.execute(sa.select(resolutions.c.id).where(resolutions.c.recon == recon)).scalars())
        gone = held - ids
        if gone:
            self._vectors.forget(recon, sorted(gone))
            held -= gone
        missing = sorted(ids - held)
        for start in range(0, len(missing), 2000):
            self._index(recon, self.get_many(missing[start : start + 2000]))
        return len(missing)

    def _without(self, down: VectorsDown) -> None:
        """The day goes on without vectors: the table is searched, and they follow it once they answer."""
        self._indexed.clear()
        if self._told != str(down):
            self._told = str(down)
            log.warning("%s; resolutions are looked up in the database alone. `tieout doctor` tells more.", down)

    def check(self) -> None:
        """Raises VectorsDown when Chroma does not answer."""
        self._vectors.check()

    # --- read --------------------------------------------------------------------------------------------------

    def get_many(self, ids: Iterable[str]) -> list[Resolution]:
        """Those that exist, in the order asked for."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Resolution] = {}
        with self._db.read() as connection:
            for start in range(0, len(wanted), 500):
                rows = connection.execute(
                    sa.select(resolutions).where(resolutions.c.id.in_(wanted[start : start + 500]))
                )
                found.update({row.id: _from_row(row) for row in rows})
        return [found[i] for i in wanted if i in found]

    def page(self, recon: str | None = None, q: str = "", limit: int = 50, offset: int = 0) -> list[Resolution]:
        """Newest first, for the screen and the API."""
        query = sa.select(resolutions).order_by(
            sa.desc(resolutions.c.business_date), sa.desc(resolutions.c.recorded_at), resolutions.c.id
        )
        if recon:
            query = query.where(resolutions.c.recon == recon)
        for word in q.split():
            query = query.where(resolutions.c.comment.icontains(word, autoescape=True))
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query.limit(limit).offset(offset))]

    def of_recon(self, recon: str, before: date | None = None, limit: int | None = None) -> list[Resolution]:
        """All of a reconciliation up to a business date, newest first."""
        query = sa.select(resolutions).where(resolutions.c.recon == recon)
        if before is not None:
            query = query.where(sa.or_(resolutions.c.business_date <= before, resolutions.c.business_date.is_(None)))
        query = query.order_by(sa.desc(resolutions.c.business_date), resolutions.c.id)
        if limit:
            query = query.limit(limit)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query)]

    def memo(self, recon: str, build: Callable[[list[Resolution]], T]) -> T:
        """What `build` makes of all of a reconciliation's resolutions; made anew when there are others."""
        with self._db.read() as connection:
            mark = tuple(
                connection.execute(
                    sa.select(sa.func.count(), sa.func.max(resolutions.c.recorded_at)).where(
                        resolutions.c.recon == recon
                    )
                ).one()
            )
        held = self._memo.get(recon)
        if held is None or held[0] != mark:
            held = (mark, build(self.of_recon(recon, limit=_MEMO_ROWS)))
            self._memo[recon] = held
        return held[1]

    def similar(
        self,
        features: Features,
        recon: str,
        *,
        before: date | None,
        k: int = 5,
        as_of: date | None = None,
        series_id: str | None = None,
        exclude: frozenset[str] = frozenset(),
    ) -> list[Match]:
        """The `k` most alike that a break of `before` may lean on, best first."""
        try:
            self.sync(recon)
            if not self._indexed.get(recon):
                return []
            candidates = self._candidates(features, recon, before, as_of, k)
        except VectorsDown as down:
            self._without(down)
            candidates = [r for r in self.of_recon(recon, before, _PLAIN_ROWS) if usable(r, before, as_of)]
        chosen = [r for r in candidates if r.id not in exclude]
        return rank(features, chosen, before=before, series_id=series_id)[:k]

    def _candidates(
        self, features: Features, recon: str, before: date | None, as_of: date | None, k: int
    ) -> list[Resolution]:
        """Over-fetched by vector and filtered by date; when the dates leave too few, searched exactly."""
        near = self._vectors.nearest(recon, features, max(100, k * _OVER_FETCH))
        found = [r for r in self.get_many(i for i, _ in near) if usable(r, before, as_of)]
        if len(found) >= 2 * k or len(near) >= len(self._held(recon)):
            return found
        old = [r for r in self.of_recon(recon, before, _EXACT_ROWS) if usable(r, before, as_of)]
        if not old:
            return found
        from dataclasses import replace

        matrix = self._vectors.embed([replace(r.features, comment=r.comment) for r in old])
        scores = matrix @ self._vectors.embed([features])[0]
        best = sorted(range(len(old)), key=lambda i: -scores[i])[: max(100, k * _OVER_FETCH)]
        return list({r.id: r for r in [*found, *(old[i] for i in best)]}.values())


# --- rows -----------------------------------------------------------------------------------------------------


def _row(r: Resolution, now: datetime) -> dict[str, Any]:
    return {
        "id": r.id,
        "recon": r.recon,
        "business_date": r.business_date,
        "recorded_at": now,
        "recorded_on": r.recorded_on,
        "series_id": r.series_id,
        "pattern": r.features.pattern,
        "cause": r.features.cause,
        "comment": r.comment,
        "action": r.action,
        "outcome": r.outcome,
        "source": r.source,
        "body": {**r.body, "features": r.features.to_json()},
    }


def _from_row(row: Any) -> Resolution:
    body = dict(row.body if isinstance(row.body, dict) else json.loads(row.body))
    said = body.pop("features", {})
    return Resolution(
        id=row.id,
        recon=row.recon,
        business_date=row.business_date,
        recorded_on=row.recorded_on,
        comment=row.comment,
        features=Features(**said),
        action=row.action,
        outcome=row.outcome,
        source=row.source,
        series_id=row.series_id,
        body=body,
    )
