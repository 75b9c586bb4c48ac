"""The numbers of one run: panels judged, breaks proved, slices found. No storage, no model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from detectors.calling import called_still, combine
from detectors.concentrate import LEAST, Grid, concentrations, grid_of
from detectors.flood import flood, unheard
from detectors.gathering import Gathering, called, gathered
from detectors.grouping import BY_LINK, Finding, Judged, without_past
from detectors.judge import judge
from detectors.judgement import Judgement
from detectors.learning import NOBODY, Lessons
from detectors.lessons import seen_of, worth_looking
from detectors.localise import Slice, localise
from detectors.mechanisms import prove
from detectors.proof import Proof, said_proof
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Layout

NONE = np.zeros(0, np.int64)
MOST_COLUMNS = 7
"""A lattice over more columns grows faster than it explains."""
MOST_VALUES = 0.8
"""Of a column that has more distinct values than this share of the rows, a slice would name a row."""


@dataclass(frozen=True)
class Question:
    """What one run asks of the numbers."""

    panels: tuple[Panel, ...]
    layout: Layout
    said: ReconFile
    calendar: BusinessCalendar
    lessons: Lessons | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict)


def assess(question: Question) -> Judged:
    """Judges every current row of every pair, proves what it can, and finds the slices that deviations share."""
    said = question.said
    judgements = combine(
        [
            judge(
                panel,
                calendar=question.calendar,
                target_fdr=said.target_fdr,
                budget=said.budget,
                lessons=question.lessons,
            )
            for panel in question.panels
        ],
        target_fdr=said.target_fdr,
        budget=said.budget,
    )
    return explained(question, judgements)


def explained(question: Question, judgements: Sequence[Judgement]) -> Judged:
    """Proves what can be proved of the judged rows, and finds the slices that deviations share."""
    said = question.said
    rows = [_to_prove(panel, j) for panel, j in zip(question.panels, judgements, strict=True)]
    proofs = prove(
        question.panels,
        rows,
        left_name=question.layout.left_source,
        right_name=question.layout.right_source,
        currency_column=question.layout.currency,
        rates=dict(question.rates or said.materiality.rates),
        calendar=question.calendar,
    )
    if question.lessons is not None and question.lessons.lessons:
        told = [_told(question.lessons, *one) for one in zip(question.panels, judgements, proofs, strict=True)]
        judgements, proofs = [j for j, _ in told], [found for _, found in told]
    causes = [_causes(panel, j, found) for panel, j, found in zip(question.panels, judgements, proofs, strict=True)]
    judged = Judged(question.panels, list(judgements), proofs, causes, (), question.lessons)
    if without_past(judged):
        return replace(judged, slices=_shared_deviations(question.layout, judged))
    return _shared_causes(question.layout, said, judged)


def _to_prove(panel: Panel, judgement: Judgement) -> npt.NDArray[np.int64]:
    """The panel rows whose cause is asked for: every current break, and every anomaly inside tolerance."""
    wanted = panel.is_break[judgement.rows] | (judgement.anomaly == 1)
    return np.asarray(judgement.rows[wanted], dtype=np.int64)


def _causes(panel: Panel, judgement: Judgement, proofs: Mapping[int, Sequence[Proof]]) -> npt.NDArray[np.object_]:
    """The cause of every judged row: its best proof's, `unknown` without one, "" for a match in line."""
    out = np.full(len(judgement.rows), "", object)
    for j in np.flatnonzero(panel.is_break[judgement.rows] | (judgement.anomaly == 1)):
        found = proofs.get(int(judgement.rows[j]))
        out[j] = found[0].cause if found else "unknown"
    return out


def _told(
    lessons: Lessons, panel: Panel, judgement: Judgement, proofs: Mapping[int, list[Proof]]
) -> tuple[Judgement, dict[int, list[Proof]]]:
    """Adds the patterns and causes that people said of the like: `pattern_by`, and a cause before all proofs."""
    at = worth_looking(panel, judgement)
    seen = seen_of(panel, judgement, at)
    by = np.full(len(judgement.rows), float(NOBODY))
    by[at] = lessons.corrections(seen)
    causes = lessons.causes(seen, _causes(panel, judgement, proofs)[at])
    said = dict(proofs)
    for j, k in zip(at[causes >= 0].tolist(), causes[causes >= 0].tolist(), strict=True):
        row, lesson = int(judgement.rows[j]), lessons.lessons[k]
        word = said_proof(lesson.corrected_cause or "", lessons.why_cause(k), lesson.said_on, lessons.agreeing(k))
        said[row] = [word, *proofs.get(row, ())]
    return replace(judgement, numbers=judgement.numbers | {"pattern_by": by}), said


def _shared_deviations(layout: Layout, judged: Judged) -> tuple[tuple[int, Slice], ...]:
    """Without a past the two sides are actual and expected: slices are found on how far apart they are."""
    return tuple(
        (p, found)
        for p, panel in enumerate(judged.panels)
        if panel.pair.kind == "number"
        for found in _deviating(layout, panel, judged.judgements[p].rows)
    )


def _deviating(layout: Layout, panel: Panel, rows: npt.NDArray[np.int64]) -> list[Slice]:
    columns = _columns(layout, panel, rows)
    if not columns or np.count_nonzero(panel.is_break[rows]) < 2:
        return []
    unit = 10.0**panel.scale
    left, right = panel.left[rows] / unit, panel.right[rows] / unit
    if panel.pair.right is None:
        left, right = panel.diff[rows] / unit, np.zeros(len(rows))
    return [_of_panel(s, rows) for s in localise(columns, left, right)]


def _shared_causes(layout: Layout, said: ReconFile, judged: Judged) -> Judged:
    """With a past, breaks of one cause that gather in one slice of the newest day, or flood all of it, are one
    problem: anomalies, and breaks in line that never came so before."""
    judgements, slices = list(judged.judgements), []
    for p, panel in enumerate(judged.panels):
        where, causes = _newest(panel, judgements[p]), judged.causes[p]
        grid = grid_of(_columns(layout, panel, judgements[p].rows[where]))
        found = []
        if grid.columns:
            judgements[p] = gathered(panel, judgements[p], causes, where, grid)
            found = _of_anomalies(panel, judgements[p], causes, where, grid)
        judgements[p], floods = _floods(panel, judgements[p], causes, where, found)
        slices += [(p, one) for one in (*found, *floods)]
    inside = [np.concatenate([NONE, *(s.deviating for q, s in slices if q == p)]) for p in range(len(judgements))]
    apart = [np.isin(j.rows, rows) for j, rows in zip(judgements, inside, strict=True)]
    if 2 * sum(map(np.count_nonzero, apart)) > sum(np.count_nonzero(j.anomaly == 1) for j in judgements):
        judgements = called_still(judgements, apart, target_fdr=said.target_fdr, budget=said.budget)
    # a match that is not called after all has no cause
    named: list[npt.NDArray[np.object_]] = [
        np.where(panel.is_break[j.rows] | (j.anomaly == 1), cause, "")
        for panel, j, cause in zip(judged.panels, judgements, judged.causes, strict=True)
    ]
    return replace(judged, judgements=judgements, causes=named, slices=tuple(slices))


def _floods(
    panel: Panel,
    judgement: Judgement,
    causes: npt.NDArray[np.object_],
    where: npt.NDArray[np.int64],
    found: list[Slice],
) -> tuple[Judgement, list[Slice]]:
    """The judgement in which floods are anomalies, and the floods, the largest first."""
    rows = judgement.rows[where]
    loud = panel.is_break[rows] & (judgement.numbers["quieted"][where] == 0)
    flags = [loud & (causes[where] == cause) for cause in sorted(set(causes[where][loud].tolist()) - BY_LINK)]
    floods: list[Slice] = []
    gatherings: list[Gathering] = []
    for flag in sorted(flags, key=np.count_nonzero, reverse=True):
        one = flood(panel, rows, flag, found)
        if one is not None:
            floods.append(one[0])
            gatherings.append(replace(one[1], where=where[one[1].where]))
    # amounts that never differed are called by their size; words have none
    if panel.pair.kind == "text" and not floods and (new := unheard(panel, rows, loud)) is not None:
        gatherings.append(replace(new, where=where[new.where]))
    return called(judgement, gatherings), floods


def _of_anomalies(
    panel: Panel, judgement: Judgement, causes: npt.NDArray[np.object_], where: npt.NDArray[np.int64], grid: Grid
) -> list[Slice]:
    rows = judgement.rows[where]
    strange = judgement.anomaly[where] == 1
    unit = 10.0**panel.scale
    amount = np.where(strange, panel.diff[rows] / unit, 0.0)
    apart = panel.pair.kind == "number" and panel.pair.right is not None
    size = None if not apart else np.maximum(np.abs(panel.left[rows]), np.abs(panel.right[rows])) / unit
    here = causes[where]
    found: list[Slice] = []
    for cause in sorted(set(here[strange].tolist()) - BY_LINK):
        found += [
            _of_panel(s, rows) for s in concentrations(grid, strange & (here == cause), amount, size, partly=True)
        ]
    # words, and a difference without its sides, are not off by a share of anything
    return found if apart else [replace(s, deviation=np.nan, spread=np.nan) for s in found]


def _newest(panel: Panel, judgement: Judgement) -> npt.NDArray[np.int64]:
    """Positions of the judged rows of the newest day: a shared cause is something that is so now."""
    day = panel.day[judgement.rows]
    dated = day[day != NO_DAY]
    return np.flatnonzero(day == dated.max()) if len(dated) else np.arange(len(day))


def _columns(layout: Layout, panel: Panel, rows: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int32]]:
    """The columns a slice may be described by: more than one value, and not one value for every row."""
    names = dict.fromkeys((*layout.key, *layout.historical, *filter(None, [layout.currency]), *layout.categorical))
    chosen: dict[str, npt.NDArray[np.int32]] = {}
    for name in names:
        if name not in panel.columns or name == layout.status:
            continue
        codes = panel.columns[name].codes[rows]
        inside = np.bincount(np.unique(codes, return_inverse=True)[1])
        if _cuts(inside) and not any(_same_partition(codes, c) for c in chosen.values()):
            chosen[name] = codes
        if len(chosen) == MOST_COLUMNS:
            break
    return chosen


def _cuts(inside: npt.NDArray[np.int64]) -> bool:
    """Whether values that hold so many rows each may describe a slice: several of them, and not one for each row."""
    many = len(inside) > 1 and len(inside) <= max(2, MOST_VALUES * int(inside.sum()))
    return bool(many and (inside.max() >= LEAST or len(inside) == 2))


def _same_partition(a: npt.NDArray[np.int32], b: npt.NDArray[np.int32]) -> bool:
    """Whether two columns split the rows alike (an account's number and its name)."""
    pairs = len(np.unique(a.astype(np.int64) * (int(b.max()) + 1) + b))
    return bool(pairs == len(np.unique(a)) == len(np.unique(b)))


def _of_panel(found: Slice, rows: npt.NDArray[np.int64]) -> Slice:
    """A slice of judged rows as a slice of panel rows."""
    return replace(found, rows=rows[found.rows], deviating=rows[found.deviating])


def most_surprising(judged: Judged, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of the `n` current rows the panel, and the position in its judgement, of its most surprising pair:
    an anomaly before a break before a match, then by score, then in the order of pairs. (-1, -1) when unjudged."""
    best = np.full(n, -1.0)
    which = np.full(n, -1, np.int64)
    position = np.full(n, -1, np.int64)
    for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True)):
        source = panel.source[judgement.rows]
        rank = 4.0 * (judgement.anomaly == 1) + 2.0 * panel.is_break[judgement.rows] + judgement.score
        better = rank > best[source]
        best[source[better]] = rank[better]
        which[source[better]] = p
        position[source[better]] = np.flatnonzero(better)
    return which, position


def findings_of(judged: Judged) -> list[Finding]:
    """Every finding that is a break or an anomaly."""
    return [
        (p, int(j))
        for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True))
        for j in np.flatnonzero(panel.is_break[judgement.rows] | (judgement.anomaly == 1))
    ]
