"""How operators closed past breaks: SQL holds them, Chroma finds the alike, and every answer says how it ended."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from memory.database import Database
from memory.embedding import Features, words_of
from memory.schema import resolutions
from memory.vectors import Vectors, VectorsDown
from recon.case import BreakRow, Similar
from recon.clock import Clock, system_clock
from recon.ids import short_id

log = logging.getLogger(__name__)

OUTCOME_WEIGHT: Final = {"resolved": 1.0, "unknown": 0.9, "reopened": 0.45, "rejected": 0.3}
"""A precedent that was reopened or rejected weighs against itself."""

_OVER_FETCH: Final = 20
_EXACT_ROWS: Final = 4000
_PLAIN_ROWS: Final = 1000
"""How many of the newest are compared one by one while there are no vectors."""
_MEMO_ROWS: Final = 50_000

T = TypeVar("T")


@dataclass(frozen=True)
class Resolution:
    """How one past break was closed."""

    id: str
    recon: str
    business_date: date | None
    """The date of the break that it closed."""
    recorded_on: date | None
    """When it was written down; it is not used for anything before."""
    comment: str
    features: Features
    action: str = ""
    """What was done besides: a ticket's project, a mail, a write-off; empty when only commented."""
    outcome: str = "unknown"
    """`resolved`, `reopened`, `rejected` or `unknown`."""
    source: str = "comment"
    """`comment` (a column of a file), `learned` (tieout learn), `decision` (made here)."""
    series_id: str | None = None
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One resolution that resembles what was asked, and why."""

    resolution: Resolution
    score: float
    """0 to 1; the outcome is weighed in."""
    why: str

    def as_similar(self) -> Similar:
        """The form a case keeps."""
        r = self.resolution
        day = r.business_date.isoformat() if r.business_date else ""
        return Similar(r.id, round(self.score, 4), r.outcome, r.comment, day, self.why)


@dataclass(frozen=True)
class Consensus:
    """What most of the alike were closed with."""

    comment: str
    count: int
    total: int
    last: date | None
    ids: tuple[str, ...]

    def statement(self) -> str:
        """«8 of 9 like this closed with this comment, last on 2026-03-03»."""
        last = f", last on {self.last.isoformat()}" if self.last else ""
        noun = "break" if self.total == 1 else "breaks"
        return f"{self.count} of {self.total} {noun} like this closed with this comment{last}"


def features_of_break(brk: BreakRow, mechanism: str = "", comment: str | None = None) -> Features:
    """What a break is like, from the row the screen shows."""
    try:
        difference = Decimal(brk.difference)
    except InvalidOperation:
        difference = Decimal(0)
    missing = "left" if brk.left is None else "right" if brk.right is None else ""
    return Features(
        pattern=brk.pattern,
        cause=brk.cause,
        mechanism=mechanism,
        pair=brk.pair,
        sign=(difference > 0) - (difference < 0),
        size=float(abs(difference).log10()) if difference else None,
        missing=missing,
        columns={**brk.key, **brk.columns},
        comment=brk.comment if comment is None else comment,
    )


def same_wording(comment: str) -> str:
    """Comments that differ only in numbers, case, spacing or punctuation are one wording.

    >>> same_wording("Booked on 3 March, ref 77") == same_wording("booked on 9 March ref 81.")
    True
    """
    return " ".join(re.sub(r"\W+|\d+|_", " ", comment.casefold()).split())


def consensus(matches: Sequence[Match]) -> Consensus | None:
    """The wording with most weight among the matches; None when none has a comment."""
    spoken = [m for m in matches if m.resolution.comment.strip()]
    if not spoken:
        return None
    weights: Counter[str] = Counter()
    for m in spoken:
        weights[same_wording(m.resolution.comment)] += m.score  # type: ignore[assignment]
    best = max(weights, key=lambda wording: (weights[wording], wording))
    chosen = [m for m in spoken if same_wording(m.resolution.comment) == best]
    newest = max(chosen, key=lambda m: (m.resolution.business_date or date.min, m.score))
    dates = [m.resolution.business_date for m in chosen if m.resolution.business_date]
    return Consensus(
        comment=newest.resolution.comment.strip(),
        count=len(chosen),
        total=len(spoken),
        last=max(dates) if dates else None,
        ids=tuple(m.resolution.id for m in chosen),
    )


def usable(resolution: Resolution, before: date | None, as_of: date | None) -> bool:
    """True when a break of `before` may lean on it: it closed no newer break, and was known by then.

    A comment in a file was known on the day it was recorded. A decision made here is known from `as_of` on, the
    day on which the desk asks: today for live work, the replayed day in a backtest.
    """
    if before is None:
        return True
    if resolution.business_date is not None and resolution.business_date > before:
        return False
    known = resolution.recorded_on
    if known is None:
        return True
    horizon = max(before, as_of) if as_of is not None and resolution.source == "decision" else before
    return known <= horizon


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


# --- ranking --------------------------------------------------------------------------------------------------

_WEIGHTS: Final = {
    "cause": 3.0,
    "mechanism": 2.0,
    "missing": 1.5,
    "pattern": 1.2,
    "pair": 1.5,
    "sign": 0.8,
    "size": 1.4,
    "columns": 2.0,
    "words": 1.5,
}


def rank(
    features: Features, candidates: Sequence[Resolution], *, before: date | None, series_id: str | None = None
) -> list[Match]:
    """Scores each candidate by what it shares, weighed by how it ended; best first."""
    rarity = _rarity(candidates)
    asked = set(words_of(features.comment))
    out = [_match(features, r, rarity, asked, before, series_id) for r in candidates]
    return sorted(out, key=lambda m: (-m.score, -(m.resolution.business_date or date.min).toordinal(), m.resolution.id))


def _rarity(candidates: Sequence[Resolution]) -> dict[tuple[str, str], float]:
    """How telling a shared column value is: rare among the candidates tells more."""
    counts = Counter(pair for r in candidates for pair in r.features.columns.items())
    total = max(1, len(candidates))
    return {pair: 1.0 - 0.8 * count / total for pair, count in counts.items()}


def _match(
    features: Features,
    r: Resolution,
    rarity: dict[tuple[str, str], float],
    asked: set[str],
    before: date | None,
    series_id: str | None,
) -> Match:
    got = 0.0
    total = 0.0
    why: list[str] = []
    for name in ("cause", "mechanism", "pattern", "pair"):
        mine, theirs = getattr(features, name), getattr(r.features, name)
        if mine and (theirs or name != "mechanism") and mine != "unknown":
            total += _WEIGHTS[name]
            if mine == theirs:
                got += _WEIGHTS[name]
                why.append(f"same {name} {mine.replace('_', ' ')}")
    total += _WEIGHTS["missing"]
    if features.missing == r.features.missing:
        got += _WEIGHTS["missing"]
        if features.missing:
            why.append(f"{features.missing} side missing in both")
    if features.sign and r.features.sign:
        total += _WEIGHTS["sign"]
        if features.sign == r.features.sign:
            got += _WEIGHTS["sign"]
    if features.size is not None and r.features.size is not None:
        total += _WEIGHTS["size"]
        apart = abs(features.size - r.features.size)
        got += _WEIGHTS["size"] * max(0.0, 1.0 - apart / 2.0)
        if apart <= 0.3:
            why.append("about the same size")
    part, names = _columns(features, r, rarity)
    if part is not None:
        total += _WEIGHTS["columns"]
        got += _WEIGHTS["columns"] * part
        why += names
    if asked:
        total += _WEIGHTS["words"]
        theirs_words = set(words_of(r.comment))
        shared = len(asked & theirs_words) / max(1, min(len(asked), len(theirs_words)))
        got += _WEIGHTS["words"] * shared
        if shared >= 0.4:
            why.append("alike in words")
    score = got / total if total else 0.0
    if series_id is not None and r.series_id == series_id:
        score = score + (1.0 - score) * 0.5
        why.insert(0, "the same series")
    score *= OUTCOME_WEIGHT.get(r.outcome, 0.9) * _recency(r.business_date, before)
    if r.outcome in ("reopened", "rejected"):
        why.append(f"but it was {r.outcome}")
    return Match(r, float(min(1.0, score)), ", ".join(why) or "nearest of what is known")


def _columns(features: Features, r: Resolution, rarity: dict[tuple[str, str], float]) -> tuple[float | None, list[str]]:
    common = [c for c in features.columns if c in r.features.columns]
    if not common:
        return None, []
    got = 0.0
    names: list[str] = []
    for column in common:
        value = features.columns[column]
        if value == r.features.columns[column]:
            got += rarity.get((column, value), 1.0)
            names.append(f"same {column} {value}")
    return min(1.0, got / max(1.0, len(common) * 0.5)), names[:3]


def _recency(day: date | None, before: date | None) -> float:
    """1.0 for today, 0.97 after a year, never under 0.9: recency breaks ties, it does not decide."""
    if day is None or before is None:
        return 0.97
    age = max(0, (before - day).days)
    return max(0.9, 1.0 - 0.03 * age / 365)


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


def resolution_id(recon: str, break_id: str, comment: str) -> str:
    """The same break closed with the same words is the same resolution."""
    return short_id("R", recon, break_id, same_wording(comment))
