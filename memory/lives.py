"""The life of outstanding items, one business day at a time: pure arrays in, arrays and happenings out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from memory.sighting import Days, Flags, Series, Sighting, Units
from recon.calendar import BusinessCalendar
from recon.ids import item_number
from recon.rows import NO_DAY

Happened = Literal["new", "cleared", "aged", "grew", "shrank", "flipped", "moved", "returned", "changed"]

REPORTED: Final[tuple[Happened, ...]] = (
    "new",
    "cleared",
    "aged",
    "grew",
    "shrank",
    "flipped",
    "moved",
    "returned",
)
"""What an operator is told; `changed` only keeps the amount of a day."""

RETURNS_WITHIN: Final = 10
"""Business days after clearing within which the same break is the same item again."""

GREW: Final = 1.25
SHRANK: Final = 0.75
"""Against the difference that was reported last, so that a slow growth is told once for each quarter."""

MATCHED: Final = "both sides agree"
GONE: Final = "its key is no longer in the file"


@dataclass(frozen=True)
class Items:
    """The newest item of each series of one pair, sorted by series. All arrays have equal length."""

    series: Series
    number: Series
    """The item's id as a number."""
    onset: Days
    first_seen: Days
    last_seen: Days
    cleared: Days
    """NO_DAY while it is open."""
    units: Units
    reference: Units
    """The difference when it was last reported."""
    first_units: Units
    every: npt.NDArray[np.int32]
    aged: npt.NDArray[np.int32]
    """The largest age limit already reported."""
    currency: npt.NDArray[np.object_]

    @property
    def n(self) -> int:
        return len(self.series)

    @property
    def is_open(self) -> Flags:
        return np.asarray(self.cleared == NO_DAY)


@dataclass(frozen=True)
class Happening:
    """One thing that happened to one item on one day."""

    number: int
    kind: Happened
    day: int
    units: int
    was: int
    why: str = ""
    line: int = -1
    """Line of the sighting it was seen on; -1 when it was not seen."""
    limit: int = 0
    """For `aged`: the limit passed, in business days."""


@dataclass(frozen=True)
class Move:
    """An item that is found again under another key."""

    gone: int
    """Position in the items."""
    line: int
    """Line of the sighting."""
    why: str


Places = npt.NDArray[np.int64]

Mover = Callable[[Items, Places, Sighting, Places], Sequence[Move]]
"""Given the items that disappeared (by position) and the lines that are new, says which are the same thing."""


def nobody_moved(_items: Items, _gone: Places, _seen: Sighting, _fresh: Places) -> Sequence[Move]:
    """No item is recognised under another key."""
    return ()


@dataclass(frozen=True)
class Rules:
    """What decides between one thing and another."""

    recon: str
    calendar: BusinessCalendar
    limits: tuple[int, ...] = (5, 30, 60, 90)
    """Ages in business days that are told when they are passed."""
    complete: bool = True
    """False when the file is short: what it does not hold has not cleared."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Units of the materiality currency for one of each: by which the largest is told first; 1 where none is given."""
    partial: bool = False
    """True for a few rows as they happen: a date told before is told again for their keys only."""


def live_day(
    items: Items, seen: Sighting, day: int, rules: Rules, mover: Mover = nobody_moved
) -> tuple[Items, list[Happening], Series]:
    """One business day: the lines of `seen` (all of that day, sorted by series) meet the items.

    Returns the items after it, what happened, and for each line the item it belongs to (0: it matches).
    """
    place, known = _find(items, seen.series)
    is_open = items.is_open
    met = known & is_open[place] if items.n else known
    now = seen.is_break
    told: list[Happening] = []
    after = _copied(items)
    absent = _absent(items, seen, day, rules)
    back = known & ~met & now & _soon(items, place, seen, day, rules)
    fresh = np.flatnonzero(now & ~met & ~back)
    moves = mover(items, absent, seen, fresh[~known[fresh]]) if len(absent) and len(fresh) else ()
    _changes(after, place[met & now], seen, np.flatnonzero(met & now), day, told)
    _returns(after, place[back], seen, np.flatnonzero(back), day, told)
    _clears(after, place[met & ~now], day, MATCHED, told)
    moved_lines = {move.line for move in moves}
    after = _moved(after, seen, day, moves, told)
    left_behind = {move.gone for move in moves}
    gone = np.array([i for i in absent if i not in left_behind], dtype=np.int64)
    if rules.complete:
        series_gone = items.series[gone]
        _clears(after, _find(after, series_gone)[0], day, GONE, told)
    born = np.array([i for i in fresh if i not in moved_lines], dtype=np.int64)
    after = _born(after, seen, born, day, rules, told)
    _age(after, day, rules, told)
    return after, told, _owners(after, seen)


def forgotten(items: Items, before: int) -> Items:
    """The items without those that cleared before a day: nothing that follows looks at them again.

    Without it a file of many dates and one-off keys would carry every item it ever had through each date.
    """
    gone = (items.cleared != NO_DAY) & (items.cleared < before)
    return _taken(items, np.flatnonzero(~gone)) if gone.any() else items


def _find(items: Items, series: Series) -> tuple[npt.NDArray[np.int64], Flags]:
    if not items.n:
        return np.zeros(len(series), np.int64), np.zeros(len(series), np.bool_)
    place = np.minimum(np.searchsorted(items.series, series), items.n - 1)
    return place, items.series[place] == series


def _copied(items: Items) -> Items:
    fields = ("onset", "last_seen", "cleared", "units", "reference", "every", "aged")
    return replace(items, **{name: getattr(items, name).copy() for name in fields})


def _absent(items: Items, seen: Sighting, day: int, rules: Rules) -> npt.NDArray[np.int64]:
    """Open items whose key should have been in the file on this day, and is not."""
    if not seen.come_back:
        return np.zeros(0, np.int64)
    here = np.isin(items.series, seen.series)
    candidates = np.flatnonzero(items.is_open & ~here & (items.last_seen < day))
    due = np.zeros(len(candidates), np.bool_)
    for code in set(items.currency[candidates].tolist()):
        of = items.currency[candidates] == code
        days = np.full(int(of.sum()), day, np.int32)
        passed = rules.calendar.count_between(items.last_seen[candidates][of], days, code or None)
        expected = passed >= np.ceil(items.every[candidates][of] * 0.8)
        due[of] = expected & rules.calendar.open_days(days, code or None)
    return candidates[due]


def _soon(items: Items, place: npt.NDArray[np.int64], seen: Sighting, day: int, rules: Rules) -> Flags:
    """Lines whose item cleared at most RETURNS_WITHIN business days ago."""
    soon = np.zeros(seen.n, np.bool_)
    if not items.n:
        return soon
    cleared = items.cleared[place]
    for code in set(seen.currency.tolist()):
        of = (seen.currency == code) & (cleared != NO_DAY)
        gap = rules.calendar.count_between(cleared[of], np.full(int(of.sum()), day), code or None)
        soon[of] = gap <= RETURNS_WITHIN
    return soon


def _changes(
    after: Items,
    at: npt.NDArray[np.int64],
    seen: Sighting,
    lines: npt.NDArray[np.int64],
    day: int,
    told: list[Happening],
) -> None:
    """Open items seen breaking again: what became of the amount."""
    was, reference, now = after.units[at], after.reference[at], seen.difference[lines]
    size, before = np.abs(now), np.abs(reference)
    step = np.abs(size - before) > seen.tolerance[lines]
    flipped = (np.sign(now) * np.sign(reference) < 0) & (np.abs(now - reference) > seen.tolerance[lines])
    grew = ~flipped & step & (size > GREW * before)
    shrank = ~flipped & step & (size < SHRANK * before)
    kinds: list[tuple[Happened, Flags]] = [("flipped", flipped), ("grew", grew), ("shrank", shrank)]
    kinds.append(("changed", (now != was) & ~flipped & ~grew & ~shrank))
    for kind, hit in kinds:
        for k in np.flatnonzero(hit):
            told.append(Happening(int(after.number[at[k]]), kind, day, int(now[k]), int(was[k]), line=int(lines[k])))
    reported = flipped | grew | shrank
    after.reference[at[reported]] = now[reported]
    after.units[at] = now
    after.last_seen[at] = day
    after.every[at] = seen.every[lines]


def _returns(
    after: Items,
    at: npt.NDArray[np.int64],
    seen: Sighting,
    lines: npt.NDArray[np.int64],
    day: int,
    told: list[Happening],
) -> None:
    for k, i in enumerate(at):
        now, was = int(seen.difference[lines[k]]), int(after.units[i])
        told.append(Happening(int(after.number[i]), "returned", day, now, was, line=int(lines[k])))
    after.cleared[at] = NO_DAY
    after.units[at] = seen.difference[lines]
    after.reference[at] = seen.difference[lines]
    after.last_seen[at] = day


def _clears(after: Items, at: npt.NDArray[np.int64], day: int, why: str, told: list[Happening]) -> None:
    for i in at:
        told.append(Happening(int(after.number[i]), "cleared", day, 0, int(after.units[i]), why))
    after.cleared[at] = day
    if why == MATCHED:
        after.last_seen[at] = day


def _moved(after: Items, seen: Sighting, day: int, moves: Sequence[Move], told: list[Happening]) -> Items:
    """The item goes on under the new key's series; its id stays."""
    if not moves:
        return after
    series = after.series.copy()
    for move in moves:
        i, line = move.gone, move.line
        now = int(seen.difference[line])
        told.append(Happening(int(after.number[i]), "moved", day, now, int(after.units[i]), move.why, line))
        series[i] = seen.series[line]
        after.units[i] = after.reference[i] = now
        after.last_seen[i] = day
        after.every[i] = seen.every[line]
    return _sorted(replace(after, series=series))


def _sorted(items: Items) -> Items:
    order = np.argsort(items.series, kind="stable")
    return _taken(items, order)


def _taken(items: Items, order: npt.NDArray[np.int64]) -> Items:
    return replace(items, **{name: getattr(items, name)[order] for name in Items.__dataclass_fields__})


def _born(
    after: Items, seen: Sighting, lines: npt.NDArray[np.int64], day: int, rules: Rules, told: list[Happening]
) -> Items:
    """New items; where the series has a cleared one from long ago, the new one takes its place here."""
    if not len(lines):
        return after
    onset = np.where(seen.onset[lines] == NO_DAY, day, np.minimum(seen.onset[lines], day)).astype(np.int32)
    series = seen.series[lines]
    onset = _not_before(after, series, onset, day)
    # an item that moved on to another key keeps the number that its old key's onset gave it
    moved = np.isin(_numbers(rules, seen, series, onset), after.number)
    onset = np.where(moved, day, onset).astype(np.int32)
    number = _numbers(rules, seen, series, onset)
    units = seen.difference[lines]
    for k, line in enumerate(lines):
        told.append(Happening(int(number[k]), "new", day, int(units[k]), 0, line=int(line)))
    today = np.full(len(lines), day, np.int32)
    fresh = Items(
        series=series,
        number=number,
        onset=onset,
        first_seen=today,
        last_seen=today,
        cleared=np.full(len(lines), NO_DAY, np.int32),
        units=units,
        reference=units.copy(),
        first_units=units.copy(),
        every=seen.every[lines],
        aged=np.zeros(len(lines), np.int32),
        currency=seen.currency[lines],
    )
    kept = _taken(after, np.flatnonzero(~np.isin(after.series, series)))
    joined = {n: np.concatenate([getattr(kept, n), getattr(fresh, n)]) for n in Items.__dataclass_fields__}
    grown = _sorted(Items(**joined))
    _start_ages(grown, number, day, rules)
    return grown


def _numbers(rules: Rules, seen: Sighting, series: Series, onset: Days) -> Series:
    pairs = zip(series, onset, strict=True)
    return np.array([item_number(rules.recon, seen.pair, int(s), int(o)) for s, o in pairs], dtype=np.uint64)


def _not_before(after: Items, series: Series, onset: Days, day: int) -> Days:
    """An item does not begin before its series' last one had cleared: history may not show that it did."""
    place, known = _find(after, series)
    if not after.n:
        return onset
    cleared = after.cleared[place]
    overlaps = known & (cleared != NO_DAY) & (onset <= cleared)
    return np.where(overlaps, day, onset).astype(np.int32)


def _start_ages(items: Items, fresh: Series, day: int, rules: Rules) -> None:
    """An item that is old when first seen is new, not aged: limits already passed are not told again."""
    at = np.flatnonzero(np.isin(items.number, fresh))
    items.aged[at] = _limit_passed(items, at, day, rules)


def _limit_passed(items: Items, at: npt.NDArray[np.int64], day: int, rules: Rules) -> npt.NDArray[np.int32]:
    passed = np.zeros(len(at), np.int32)
    limits = np.array((0, *sorted(rules.limits)), np.int32)
    for code in set(items.currency[at].tolist()):
        of = items.currency[at] == code
        age = rules.calendar.ages(items.onset[at][of], np.full(int(of.sum()), day), code or None)
        passed[of] = limits[np.searchsorted(limits, age, side="right") - 1]
    return passed


def _age(after: Items, day: int, rules: Rules, told: list[Happening]) -> None:
    at = np.flatnonzero(after.is_open)
    passed = _limit_passed(after, at, day, rules)
    older = passed > after.aged[at]
    for i, limit in zip(at[older], passed[older], strict=True):
        units = int(after.units[i])
        told.append(Happening(int(after.number[i]), "aged", day, units, units, limit=int(limit)))
    after.aged[at[older]] = passed[older]


def _owners(after: Items, seen: Sighting) -> Series:
    place, known = _find(after, seen.series)
    if not after.n:
        return np.zeros(seen.n, np.uint64)
    return np.where(seen.is_break & known, after.number[place], np.uint64(0))
