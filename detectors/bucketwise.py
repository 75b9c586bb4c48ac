"""Judging bucket by bucket: what `judge` does for one panel, with only counts and answers leaving a bucket.

    held    = engine.hold(place.load, place.buckets)
    seen    = held.each(surveyed)                     # groups, and integer counts of them
    levels  = levels_of(seen)                         # groups and clock mean the same everywhere
    walks   = held.each(walked, levels, counted)      # the current rows' surprises, counts of the past ones, and of
                                                      # the past what proofs and cases will look at
    ...calibrated, concluded and combined here, over the current rows alone

Two questions, since a bucket of a large lake is read again for each: reading was most of a nightly run. Should a row
be called whose past did not stay at hand, a third is asked.

Nothing depends on the number or the order of buckets, on threads or on the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from detectors.calibration import calibrate
from detectors.calling import combine
from detectors.forest import plant
from detectors.judge import Walked, conclude, observed, walk_through
from detectors.judgement import Judgement
from detectors.learning import Lessons
from detectors.strata import MILD
from detectors.survey import Survey, survey, total
from detectors.views import WALKED
from recon.buckets import Bucket, together
from recon.calendar import BusinessCalendar
from recon.compiled import njit, prange
from recon.cutting import joined, rows_of
from recon.engines import Held
from recon.groups import Levels, Sight, levels_of, levels_of_one, sight
from recon.panel import Panel
from recon.panels import levelled
from recon.recon_file import ReconFile
from recon.rows import Layout, Reading, take

WHOLE: Final = 2_000_000
"""A run of at most so many rows keeps all of its past at hand; a larger one only what is looked at."""
NEWEST: Final = 2
"""Past rows of every series that stay at hand: peers are compared by their last movement."""
COMMENTED: Final = 5_000
"""Commented past breaks of a bucket that stay at hand, the newest: what the desk wrote is its memory."""


@dataclass(frozen=True)
class Judged:
    """The judged panels of a run, buckets together again."""

    panels: tuple[Panel, ...]
    judgements: list[Judgement]
    history: Reading | None
    """The past rows at hand; `source` of past panel rows are positions in it."""
    rows: int
    """All rows of the run, those that stayed in their buckets too."""


@dataclass(frozen=True)
class Terms:
    """What every bucket is judged by."""

    layout: Layout
    said: ReconFile
    calendar: BusinessCalendar
    lessons: Lessons | None = None


def judge_in_buckets(held: Held[Bucket], terms: Terms) -> Judged:
    """Judges every current row of every pair, in as many buckets as there are."""
    layout, said = terms.layout, terms.said
    seen = held.each(_surveyed, layout)
    levels = levels_of([one.sight for one in seen])
    pairs = range(len(seen[0].surveys))
    counted = [total([one.surveys[p].among(one.own, levels) for one in seen]) for p in pairs]
    rows = sum(one.sight.rows for one in seen)
    found = held.each(_walked, layout, levels, counted, terms.calendar, rows <= WHOLE)
    now = [joined([one.now[p] for one in found]) for p in pairs]
    answers = [_concluded(now[p], [one.walks[p] for one in found], counted[p], terms.lessons) for p in pairs]
    judgements = combine(answers, target_fdr=said.target_fdr, budget=said.budget)
    kept = [one.kept for one in found]
    wanted = _looked_at(now, judgements)
    if rows > WHOLE and not np.isin(wanted, np.concatenate([one.whole for one in found])).all():
        kept = held.each(_kept, layout, levels, wanted)
    panels = _together([one.panels for one in kept], [one.history for one in kept])
    current = np.flatnonzero(panels[0].current) if panels else np.zeros(0, np.int64)
    judgements = [replace(judgement, rows=current) for judgement in judgements]
    return Judged(panels, judgements, together([one.history for one in kept]), rows)


@dataclass(frozen=True)
class _Seen:
    """What one bucket tells before it is walked."""

    sight: Sight
    own: Levels
    """The groups as the bucket numbers them alone."""
    surveys: list[Survey]
    """Per panel the counts of those groups."""


def _surveyed(bucket: Bucket, layout: Layout) -> _Seen:
    seen = sight(bucket.panels[0], layout)
    own = levels_of_one(seen)
    return _Seen(seen, own, [survey(panel) for panel in levelled(bucket.panels, layout, own)])


@dataclass(frozen=True)
class _Found:
    """What one bucket tells once it is walked."""

    now: list[Panel]
    """Per panel its current rows alone."""
    walks: list[Walked]
    kept: Bucket
    """The bucket with the past that may be looked at."""
    whole: npt.NDArray[np.uint64]
    """The series of which all of the past stayed; not told where it did of all."""


def _walked(
    bucket: Bucket,
    layout: Layout,
    levels: Levels,
    counted: Sequence[Survey],
    calendar: BusinessCalendar,
    keep_all: bool,
) -> _Found:
    panels = levelled(bucket.panels, layout, levels)
    now = [rows_of(panel, panel.current) for panel in panels]
    walks = [walk_through(panel, calendar, of) for panel, of in zip(panels, counted, strict=True)]
    whole = np.zeros(0, np.uint64) if keep_all else _notable(now, walks)
    return _Found(now, walks, _left(panels, bucket.history, None if keep_all else whole), whole)


def _notable(now: Sequence[Panel], walks: Sequence[Walked]) -> npt.NDArray[np.uint64]:
    """The series with a current break, or a row of which some view makes more than a little."""
    found = [
        panel.series_id[panel.series_of_rows()[panel.is_break | (one.narrow[:, :WALKED].max(axis=1, initial=0) > MILD)]]
        for panel, one in zip(now, walks, strict=True)
    ]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)


def _concluded(panel: Panel, walks: Sequence[Walked], counted: Survey, lessons: Lessons | None) -> Judgement:
    seen = observed(panel, walks)
    law, forest = calibrate([seen.counts]), plant([seen.sample])
    return conclude(panel, seen, law, counted, forest=forest, lessons=lessons)


def _looked_at(now: Sequence[Panel], judgements: Sequence[Judgement]) -> npt.NDArray[np.uint64]:
    """The series with a finding: their whole past is looked at."""
    found = [
        panel.series_id[panel.series_of_rows()[panel.is_break | (j.anomaly == 1)]]
        for panel, j in zip(now, judgements, strict=True)
    ]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)


def _kept(bucket: Bucket, layout: Layout, levels: Levels, wanted: npt.NDArray[np.uint64]) -> Bucket:
    return _left(levelled(bucket.panels, layout, levels), bucket.history, wanted)


def _left(panels: tuple[Panel, ...], history: Reading | None, wanted: npt.NDArray[np.uint64] | None) -> Bucket:
    """The bucket with the past that is looked at: whole where `wanted` is None."""
    if wanted is None:
        return Bucket(panels, history)
    keep = _at_hand(panels, history, wanted)
    panels = tuple(rows_of(panel, keep) for panel in panels)
    if history is None:
        return Bucket(panels, None)
    past = np.flatnonzero(~panels[0].current)
    at = panels[0].source[past]
    placed = tuple(replace(p, source=_renumbered(p.source, past)) for p in panels)
    return Bucket(placed, take(history, at))


def _renumbered(source: npt.NDArray[np.int64], past: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    out = source.copy()
    out[past] = np.arange(len(past))
    return out


def _at_hand(panels: Sequence[Panel], history: Reading | None, wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    first = panels[0]
    keep: npt.NDArray[np.bool_] = newest_or_whole(
        first.offsets, first.current, np.isin(first.series_id, wanted), NEWEST
    )
    if history is not None:
        keep |= _commented(panels, history)
    return keep


@njit(cache=True, parallel=True)
def newest_or_whole(
    offsets: npt.NDArray[np.int64], current: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_], few: int
) -> npt.NDArray[np.bool_]:
    """The current rows, of each series the newest `few` past ones, and every row of the series that are `whole`."""
    keep = np.empty(len(current), np.bool_)
    for s in prange(len(offsets) - 1):
        past = 0
        for t in range(offsets[s + 1] - 1, offsets[s] - 1, -1):
            keep[t] = current[t] or whole[s] or past < few
            past += not current[t]
    return keep


def _commented(panels: Sequence[Panel], history: Reading) -> npt.NDArray[np.bool_]:
    """Commented past breaks, the newest, each with the row before it."""
    first = panels[0]
    said = np.asarray(pc.greater(pc.utf8_length(history.rows.comment), 0).to_numpy(zero_copy_only=False))
    broken = np.logical_or.reduce([panel.is_break for panel in panels])
    at = np.flatnonzero(~first.current & broken)
    at = at[said[first.source[at]]]
    at = at[np.argsort(-first.day[at].astype(np.int64), kind="stable")[:COMMENTED]]
    out = np.zeros(first.n, np.bool_)
    out[at] = True
    out[np.maximum(at - 1, 0)] = True
    return out


def _together(parts: Sequence[tuple[Panel, ...]], histories: Sequence[Reading | None]) -> tuple[Panel, ...]:
    """The buckets' panels as one each, with past rows' positions in the histories together."""
    starts = np.cumsum([0, *(one.rows.n if one is not None else 0 for one in histories)])
    moved: list[tuple[Panel, ...]] = [
        tuple(replace(p, source=np.where(p.current, p.source, p.source + start)) for p in panels)
        for panels, start in zip(parts, starts, strict=False)
    ]
    panels: tuple[Any, ...] = tuple(joined(of) for of in zip(*moved, strict=True))
    return panels
