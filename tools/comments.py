"""The comment that operators used on the like, for every break of a run at once: no model, no vectors, no look-ahead.

Precedents are searched from the most alike to the loosely alike. A level of likeness that has not earned its place on
the desk's own past (walked forward, it guessed wrong more often than right) is not used.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from memory.embedding import Features
from memory.resolution import OUTCOME_WEIGHT, Resolution, same_wording
from memory.resolutions import Resolutions
from recon.case import BreakRow

SHOWN_IDS: Final = 9
_LOOKED_AT: Final = 60
"""The newest precedents of a group; older habits say little."""
_TRIALS: Final = 400
_ENOUGH_TRIALS: Final = 20
_SHARE: Final = 0.5
"""A wording is offered when at least this share of the weight speaks for it."""


@dataclass(frozen=True)
class Offered:
    """A comment with the precedents that it comes from."""

    comment: str
    ids: tuple[str, ...]
    """Newest first."""
    count: int
    total: int
    last: date | None
    like: str
    """What the precedents have in common with the break."""


@dataclass(frozen=True)
class _Asked:
    """What is looked up: one break, or one past resolution when levels are tried."""

    features: Features
    day: date | None
    key: tuple[tuple[str, str], ...]
    own_id: str = ""
    columns: tuple[str, ...] = ()
    """Columns in the order in which sharing a value tells most."""


_Keys = Callable[[_Asked], list[tuple[object, ...]]]


def _cause(f: Features) -> str:
    return "" if f.cause in ("unknown", "new") else f.cause


def _shape(f: Features) -> tuple[object, ...]:
    """What makes two breaks mechanically alike: a missing side is one whatever the column, else column and sign."""
    return (f.missing, _cause(f)) if f.missing else ("", f.pair, f.sign, _cause(f), f.mechanism)


def _same_key(a: _Asked) -> list[tuple[object, ...]]:
    return [(a.key, bool(a.features.missing), _shape(a.features)[:2])] if a.key else []


def _shape_and_column(a: _Asked) -> list[tuple[object, ...]]:
    f = a.features
    return [(_shape(f), c, f.columns[c]) for c in a.columns if c in f.columns]


def _only_shape(a: _Asked) -> list[tuple[object, ...]]:
    return [_shape(a.features)]


def _loosely(f: Features) -> tuple[object, ...]:
    return ("one-sided",) if f.missing else (f.pair, _cause(f))


def _loosely_and_column(a: _Asked) -> list[tuple[object, ...]]:
    f = a.features
    return [(_loosely(f), c, f.columns[c]) for c in a.columns if c in f.columns]


def _only_loosely(a: _Asked) -> list[tuple[object, ...]]:
    return [_loosely(a.features)]


_LEVELS: Final[tuple[tuple[str, _Keys], ...]] = (
    ("the same key", _same_key),
    ("the same kind of break with the same {column}", _shape_and_column),
    ("the same kind of break", _only_shape),
    ("a similar break with the same {column}", _loosely_and_column),
    ("a similar break", _only_loosely),
)


@dataclass
class _Level:
    like: str
    keys: _Keys
    groups: dict[tuple[object, ...], list[tuple[date, int]]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class _Vote:
    wording: str
    share: float
    chosen: tuple[int, ...]
    total: int
    like: str


class Precedents:
    """A reconciliation's resolutions, grouped by how they may be alike; built once for a run."""

    def __init__(self, known: Sequence[Resolution], key_columns: Sequence[str] = ()) -> None:
        self._known = [r for r in known if r.comment.strip() and r.business_date is not None]
        self._known.sort(key=lambda r: (r.business_date or date.min, r.id))
        self._wordings = [same_wording(r.comment) for r in self._known]
        self._key_columns = tuple(key_columns)
        self._columns = self._telling_columns()
        self._levels = [_Level(like, keys) for like, keys in _LEVELS]
        for i, r in enumerate(self._known):
            asked = self._past(r)
            for level in self._levels:
                for key in level.keys(asked):
                    level.groups[key].append((r.business_date or date.min, i))
        self._levels = [level for level in self._levels if self._earned(level)]

    def _telling_columns(self) -> tuple[str, ...]:
        """Columns of several values that are no key, the finest first."""
        values: dict[str, set[str]] = defaultdict(set)
        for r in self._known:
            for column, value in r.features.columns.items():
                values[column].add(value)
        fit = [c for c, v in values.items() if len(v) > 1 and c not in self._key_columns]
        return tuple(sorted(fit, key=lambda c: (-len(values[c]), c))[:6])

    def _past(self, r: Resolution) -> _Asked:
        key = tuple((c, r.features.columns.get(c, "")) for c in self._key_columns)
        return _Asked(r.features, r.business_date, key, r.id, self._columns)

    def _earned(self, level: _Level) -> bool:
        """Walks the past forward: each resolution is guessed from those of earlier days."""
        step = max(1, len(self._known) // _TRIALS)
        right = tried = 0
        for i in range(len(self._known) - 1, -1, -step):
            asked = self._past(self._known[i])
            vote = self._vote(level, asked, strictly=True)
            if vote is not None:
                tried += 1
                right += vote.wording == self._wordings[i]
        return tried < _ENOUGH_TRIALS or 2 * right >= tried

    def offer(self, features: Features, day: date | None, key: Mapping[str, str]) -> Offered | None:
        """The comment for a break of `day`, or None when nothing like it was closed by then."""
        asked = _Asked(features, day, tuple((c, key.get(c, "")) for c in self._key_columns), "", self._columns)
        for level in self._levels:
            vote = self._vote(level, asked)
            if vote is not None and vote.share >= _SHARE:
                return self._offered(vote)
        return None

    def _vote(self, level: _Level, asked: _Asked, *, strictly: bool = False) -> _Vote | None:
        for key in level.keys(asked):
            usable = self._usable(level.groups.get(key, []), asked, strictly)
            if not usable:
                continue
            weights: dict[str, float] = defaultdict(float)
            for i in usable:
                weights[self._wordings[i]] += self._weight(i, asked.features)
            best = max(weights, key=lambda w: (weights[w], w))
            chosen = tuple(i for i in usable if self._wordings[i] == best)
            column = str(key[-2]) if "{column}" in level.like else ""
            share = weights[best] / sum(weights.values())
            return _Vote(best, share, chosen, len(usable), level.like.format(column=column))
        return None

    def _usable(self, group: Sequence[tuple[date, int]], asked: _Asked, strictly: bool) -> list[int]:
        """The newest of a group that the break may lean on: none newer than itself, none recorded later."""
        if asked.day is None:
            end = len(group)
        else:
            end = bisect_right(group, (asked.day, -1 if strictly else len(self._known)))
        found = []
        for _, i in reversed(group[:end]):
            r = self._known[i]
            late = r.recorded_on is not None and asked.day is not None and r.recorded_on > asked.day
            if r.id != asked.own_id and not (late and r.source != "decision"):
                found.append(i)
            if len(found) == _LOOKED_AT:
                break
        return found

    def _weight(self, i: int, f: Features) -> float:
        r = self._known[i]
        weight = OUTCOME_WEIGHT.get(r.outcome, 0.9)
        if f.size is not None and r.features.size is not None and r.features.pair == f.pair:
            weight *= max(0.3, 1.0 - abs(f.size - r.features.size) / 4.0)
        shared = sum(r.features.columns.get(c) == f.columns.get(c) for c in self._columns if c in f.columns)
        return weight * (1.0 + 0.5 * shared)

    def _offered(self, vote: _Vote) -> Offered:
        newest = self._known[vote.chosen[0]]
        ids = tuple(self._known[i].id for i in vote.chosen[:SHOWN_IDS])
        return Offered(newest.comment.strip(), ids, len(vote.chosen), vote.total, newest.business_date, vote.like)


def propose_comments(
    store: Resolutions, recon: str, breaks: Sequence[BreakRow], features: Sequence[Features]
) -> list[Offered | None]:
    """For each break the comment that operators used on the like, or None; `features` runs parallel to `breaks`."""
    if not breaks:
        return []
    key_columns = tuple(breaks[0].key)
    precedents = store.memo(recon, lambda known: Precedents(known, key_columns))
    return [precedents.offer(f, b.business_date, b.key) for b, f in zip(breaks, features, strict=True)]
