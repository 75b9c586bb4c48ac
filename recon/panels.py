"""Builds panels: rows of history and current become series, oldest first, with breaks decided in integer units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.compiled import njit, prange
from recon.groups import Levels, levels_of, numbered, sight
from recon.ids import series_hashes, text_hashes
from recon.money import most_decimals, rescaled_units
from recon.order import by_series_and_time
from recon.panel import Panel
from recon.picking import picked
from recon.recon_file import ReconFile
from recon.rows import PRESENT, Codes, Layout, PairColumns, Reading, Rows

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SIDES: tuple[Literal["right"], Literal["left"]] = ("right", "left")


@dataclass(frozen=True)
class KnownAnomalies:
    """Past points already out of pattern and not resolved; they stay out of baselines. Equal lengths."""

    series_id: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Shared:
    """What is the same of one pair in every bucket of a run."""

    words: pa.Array | None
    """What the values of a text pair are numbered by."""
    decimals: int
    """The most decimals that the current amounts leave room for."""


def shared_of(rows: Rows) -> tuple[Shared, ...]:
    """What the current rows say of each pair."""
    return tuple(
        Shared(p.vocabulary, most_decimals(p.left, p.right, p.tolerance, scale=p.scale) if p.vocabulary is None else 0)
        for p in rows.pairs
    )


@dataclass(frozen=True)
class _Order:
    """How the concatenated rows (history first) are sorted, shared by every panel of a run."""

    perm: Ints
    offsets: Ints
    series_id: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int32]
    stamp: Ints | None
    current: Bools
    source: Ints


def build_panels(
    current: Reading,
    history: Reading | None,
    said: ReconFile,
    known: KnownAnomalies | None = None,
) -> tuple[Panel, ...]:
    """One panel per criteria pair of the current reading's layout.

    A past row whose key and date stand in the current reading too is left out: the current file restates it.
    """
    panels = bucket_panels(current, history, said, known)
    return levelled(panels, current.layout, levels_of([sight(panels[0], current.layout)])) if panels else panels


def levelled(panels: Sequence[Panel], layout: Layout, levels: Levels) -> tuple[Panel, ...]:
    """The panels of one bucket with their series' groups numbered as in all others."""
    first = numbered(panels[0], layout, levels)
    return tuple(
        replace(panel, groups=first.groups, group_names=first.group_names, rows_a_day=first.rows_a_day)
        for panel in panels
    )


def bucket_panels(
    current: Reading,
    history: Reading | None,
    said: ReconFile,
    known: KnownAnomalies | None = None,
    shared: Sequence[Shared] | None = None,
) -> tuple[Panel, ...]:
    """The panels of one bucket, whose groups are not numbered yet.

    `shared`: what of each pair is the same in all buckets; else what the current rows say alone.
    """
    layout = current.layout
    past = history.rows if history is not None and history.rows.n else None
    columns = {
        name: _joined(past.columns.get(name) if past else None, codes, past.n if past else 0)
        for name, codes in current.rows.columns.items()
    }
    order = _order(layout, past, current.rows, columns)
    excluded = _excluded(order, known)
    sorted_columns = {name: Codes(_ordered(c.codes, order.perm), c.vocabulary) for name, c in columns.items()}
    by_name = {p.pair.name: p for p in past.pairs} if past else {}
    return tuple(
        _panel(layout, now, by_name.get(now.pair.name), past, order, excluded, sorted_columns, of)
        for now, of in zip(current.rows.pairs, shared or shared_of(current.rows), strict=True)
    )


def _joined(before: Codes | None, now: Codes, before_n: int) -> Codes:
    """One vocabulary over history and current; a history without the column has empty text there."""
    if before is None:
        before = Codes(np.zeros(before_n, np.int32), pa.array([""], pa.string()))
    words = pa.concat_arrays([before.vocabulary.cast(pa.string()), now.vocabulary.cast(pa.string())])
    encoded = words.fill_null("").dictionary_encode()
    place = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    shift = len(before.vocabulary)
    codes = np.concatenate([place[before.codes], place[shift + now.codes.astype(np.int64)]])
    return Codes(codes, encoded.dictionary)


def _order(layout: Layout, past: Rows | None, now: Rows, columns: dict[str, Codes]) -> _Order:
    past_n = past.n if past else 0
    n = past_n + now.n
    key = [(columns[name].codes, text_hashes(columns[name].vocabulary)) for name in layout.key]
    hashes = series_hashes(key, n)
    day = np.concatenate([past.day, now.day]) if past else now.day
    stamp = _stamps(past, now)
    is_current = np.arange(n) >= past_n
    # history stands before current, so of one key and time it comes first
    perm = by_series_and_time(hashes, stamp if stamp is not None else day.astype(np.int64))
    same = _same_moment(perm, hashes, day, stamp)
    if same.any():
        perm = _ties_by_content(layout, perm, same, hashes, day, stamp, is_current, past, now)
        perm = _without_restated(perm, same, day, is_current)
    h = _ordered(hashes, perm)
    first = np.flatnonzero(np.concatenate([[True], h[1:] != h[:-1]])) if len(h) else np.zeros(0, np.int64)
    current = perm >= past_n
    return _Order(
        perm=perm,
        offsets=np.append(first, len(h)).astype(np.int64),
        series_id=h[first],
        day=_ordered(day, perm),
        stamp=_ordered(stamp, perm) if stamp is not None else None,
        current=current,
        source=np.where(current, perm - past_n, perm),
    )


def _ordered(values: npt.NDArray[Any], perm: Ints) -> npt.NDArray[Any]:
    return picked(values[:0], values, perm)


def _stamps(past: Rows | None, now: Rows) -> Ints | None:
    if now.stamp is None:
        return None
    if past is None:
        return now.stamp
    if past.stamp is not None:
        return np.concatenate([past.stamp, now.stamp])
    return np.concatenate([past.day.astype(np.int64) * 86_400_000_000, now.stamp])


def _same_moment(perm: Ints, hashes: npt.NDArray[np.uint64], day: npt.NDArray[np.int32], stamp: Ints | None) -> Bools:
    """Length n - 1: whether a sorted row has the series and the time of the one before it."""
    h, d = _ordered(hashes, perm), _ordered(day, perm)
    same = (h[1:] == h[:-1]) & (d[1:] == d[:-1])
    if stamp is not None:
        at = _ordered(stamp, perm)
        same &= at[1:] == at[:-1]
    return np.asarray(same)


def _ties_by_content(
    layout: Layout,
    perm: Ints,
    same: Bools,
    hashes: npt.NDArray[np.uint64],
    day: npt.NDArray[np.int32],
    stamp: Ints | None,
    current: Bools,
    past: Rows | None,
    now: Rows,
) -> Ints:
    """Rows of one key and time are ordered by what they hold, so that the order of lines in a file says nothing.

    Without any date the order of lines is the only time there is, and stays.
    """
    if layout.date is None and layout.timestamp is None:
        return perm
    tied = np.concatenate([[False], same]) | np.concatenate([same, [False]])
    rows = perm[tied]
    content: list[Ints] = []
    for pair in now.pairs:
        before = next((p for p in past.pairs if p.pair.name == pair.pair.name), None) if past else None
        for side in _SIDES:
            values = _content(pair, side)
            if past is not None:
                values = np.concatenate([_content(before, side) if before else np.zeros(past.n, np.int64), values])
            content.append(values[rows])
    time = stamp[rows] if stamp is not None else day[rows]
    ordered = np.lexsort((*content, current[rows], time, hashes[rows]))
    out = perm.copy()
    out[tied] = rows[ordered]
    return out


def _content(pair: PairColumns, side: Literal["left", "right"]) -> Ints:
    """What a side holds, as numbers that do not depend on the order of lines: a text by the hash of its words."""
    values = pair.left if side == "left" else pair.right
    if pair.vocabulary is None or not len(pair.vocabulary):
        return values
    return np.asarray(text_hashes(pair.vocabulary).view(np.int64)[values])


def _without_restated(perm: Ints, same: Bools, day: npt.NDArray[np.int32], current: Bools) -> Ints:
    """Drops past rows whose key and time a current row has too."""
    if current.all() or not current.any():
        return perm
    moment = np.concatenate([[0], np.cumsum(~same)])
    has_current = np.zeros(moment[-1] + 1, np.bool_)
    has_current[moment[current[perm]]] = True
    return perm[current[perm] | ~has_current[moment]] if _dated(day, current) else perm


def _dated(day: npt.NDArray[np.int32], current: Bools) -> bool:
    """False when the current rows have no dates at all: then nothing can be restated."""
    return bool((day[current] != day.dtype.type(-(2**31))).any())


def _excluded(order: _Order, known: KnownAnomalies | None) -> Bools:
    out = np.zeros(len(order.day), np.bool_)
    if known is None or not len(known.day):
        return out
    with np.errstate(over="ignore"):
        spread = np.uint64(0x9E3779B97F4A7C15)
        wanted = known.series_id * spread + known.day.astype(np.int64).view(np.uint64)
        series = np.repeat(order.series_id, np.diff(order.offsets))
        have = series * spread + order.day.astype(np.int64).view(np.uint64)
    return np.asarray(np.isin(have, wanted) & ~order.current)


def _panel(
    layout: Layout,
    now: PairColumns,
    before: PairColumns | None,
    past: Rows | None,
    order: _Order,
    excluded: Bools,
    columns: dict[str, Codes],
    shared: Shared,
) -> Panel:
    past_n, words = past.n if past else 0, shared.words
    now, before = _in_words(now, words), _in_words(before, words) if before else None
    # today's amounts stay exact, whatever decimals the past was written with
    scale = max(now.scale, min(before.scale, shared.decimals) if before else 0)

    def whole(field: str) -> Ints:
        theirs = _scaled(before, field, scale) if before else np.zeros(past_n, np.int64)
        return picked(theirs, _scaled(now, field, scale), order.perm)

    def missing(field: str) -> Bools:
        theirs = getattr(before, field) != PRESENT if before else np.ones(past_n, np.bool_)
        return picked(theirs, getattr(now, field) != PRESENT, order.perm)

    left, right, tolerance = whole("left"), whole("right"), whole("tolerance")
    left_missing, right_missing = missing("left_state"), missing("right_state")
    one_sided = now.pair.right is None
    if one_sided:
        right_missing[:] = False
        right[:] = 0
    left[left_missing] = 0
    right[right_missing] = 0
    if now.pair.kind == "text":
        diff = (left != right).astype(np.int64)
    else:
        if not one_sided:
            left_missing |= _zero_out_of_habit(left, right, left_missing, order.offsets)
            right_missing |= _zero_out_of_habit(right, left, right_missing, order.offsets)
        diff = now.pair.sign * (left - right) if not one_sided else left.copy()
    return Panel(
        pair=now.pair,
        scale=scale,
        offsets=order.offsets,
        series_id=order.series_id,
        day=order.day,
        stamp=order.stamp,
        current=order.current,
        source=order.source,
        left=left,
        right=right,
        left_missing=left_missing,
        right_missing=right_missing,
        diff=diff,
        tolerance=tolerance,
        is_break=(np.abs(diff) > tolerance) | (left_missing ^ right_missing),
        excluded=excluded,
        key_columns=layout.key,
        words=words if now.pair.kind == "text" else None,
        columns=columns,
        groups=np.zeros((1, len(order.series_id)), np.int32),
        group_names=("all",),
    )


def _scaled(pair: PairColumns, field: str, scale: int) -> Ints:
    values: Ints = getattr(pair, field)
    return values if scale == pair.scale else rescaled_units(values, scale - pair.scale)


def _in_words(pair: PairColumns, words: pa.Array | None) -> PairColumns:
    """A text pair numbered as `words` are; a word that is not among them by its hash, in every bucket alike."""
    if words is None or pair.vocabulary is None or pair.vocabulary is words or not len(pair.vocabulary):
        return pair
    place = pc.index_in(pair.vocabulary.cast(pa.string()), value_set=words.cast(pa.string()))
    other = -1 - (text_hashes(pair.vocabulary) >> np.uint64(16)).astype(np.int64)
    unknown = place.is_null().to_numpy(zero_copy_only=False)
    codes = np.where(unknown, other, place.fill_null(0).to_numpy(zero_copy_only=False))
    return replace(pair, left=codes[pair.left], right=codes[pair.right])


@njit(cache=True, parallel=True)
def _zero_out_of_habit(side: Ints, other: Ints, missing: Bools, offsets: Ints) -> Bools:
    """Where a side is exactly zero, its other side is not, and its own past has values but never a zero."""
    out = np.zeros(len(side), np.bool_)
    for s in prange(len(offsets) - 1):
        seen = 0
        zeros = 0
        for i in range(offsets[s], offsets[s + 1]):
            if missing[i]:
                continue
            if side[i] == 0:
                if other[i] != 0 and seen > 0 and zeros == 0:
                    out[i] = True
                    continue
                zeros += 1
            else:
                seen += 1
    return out
