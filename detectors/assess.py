"""The numbers of one run: panels judged, breaks proved, slices found. No storage, no model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from detectors.grouping import Finding, Judged, without_past
from detectors.judge import combine, judge
from detectors.judgement import Judgement
from detectors.learning import Lessons
from detectors.localise import Slice, localise
from detectors.mechanisms import prove
from detectors.proof import Proof
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Layout

MOST_COLUMNS = 7
"""A lattice over more columns grows faster than it explains."""


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
    causes = [_causes(panel, j, found) for panel, j, found in zip(question.panels, judgements, proofs, strict=True)]
    judged = Judged(question.panels, judgements, proofs, causes, ())
    return Judged(question.panels, judgements, proofs, causes, _slices(question, judged))


def _to_prove(panel: Panel, judgement: Judgement) -> npt.NDArray[np.int64]:
    """The panel rows whose cause is asked for: every current break, and every anomaly inside tolerance."""
    wanted = panel.is_break[judgement.rows] | (judgement.anomaly == 1)
    return judgement.rows[wanted]


def _causes(panel: Panel, judgement: Judgement, proofs: Mapping[int, Sequence[Proof]]) -> npt.NDArray[np.object_]:
    """The cause of every judged row: its best proof's, `unknown` without one, "" for a match in line."""
    out = np.full(len(judgement.rows), "", object)
    for j in np.flatnonzero(panel.is_break[judgement.rows] | (judgement.anomaly == 1)):
        found = proofs.get(int(judgement.rows[j]))
        out[j] = found[0].cause if found else "unknown"
    return out


def _slices(question: Question, judged: Judged) -> tuple[tuple[int, Slice], ...]:
    blind = without_past(judged)
    found: list[tuple[int, Slice]] = []
    for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True)):
        if panel.pair.kind != "number":
            continue
        found += [(p, s) for s in _panel_slices(question.layout, panel, judgement, blind=blind)]
    return tuple(found)


def _panel_slices(layout: Layout, panel: Panel, judgement: Judgement, *, blind: bool) -> list[Slice]:
    where = _newest(panel, judgement) if not blind else np.arange(len(judgement.rows))
    deviating = panel.is_break[judgement.rows[where]] if blind else judgement.anomaly[where] == 1
    if np.count_nonzero(deviating) < 2:
        return []
    rows = judgement.rows[where]
    columns = _columns(layout, panel, rows)
    if not columns:
        return []
    actual, expected = _sides(panel, judgement, where, blind=blind)
    if not blind:
        # What is in line with its own past is expected, whatever its size: only anomalies deviate.
        expected = np.where(deviating, expected, actual)
    slices = [_of_panel(s, rows) for s in localise(columns, actual, expected)]
    if blind:
        return slices
    return [s for s in slices if not s.single and len(s.deviating) >= 2]


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
        distinct = len(np.unique(codes))
        if 1 < distinct <= max(2, len(rows) // 2) and not any(_same_partition(codes, c) for c in chosen.values()):
            chosen[name] = codes
        if len(chosen) == MOST_COLUMNS:
            break
    return chosen


def _same_partition(a: npt.NDArray[np.int32], b: npt.NDArray[np.int32]) -> bool:
    """Whether two columns split the rows alike (an account's number and its name)."""
    pairs = np.unique(np.stack([a, b]), axis=1).shape[1]
    return pairs == len(np.unique(a)) == len(np.unique(b))


def _sides(
    panel: Panel, judgement: Judgement, where: npt.NDArray[np.int64], *, blind: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(actual, expected) of each row: the two sides, or with a past the side with and without its unexplained part."""
    rows = judgement.rows[where]
    unit = 10.0**panel.scale
    left, right, diff = panel.left[rows] / unit, panel.right[rows] / unit, panel.diff[rows] / unit
    if blind and panel.pair.right is not None:
        return left, right
    base = np.zeros(len(rows)) if panel.pair.right is None else (right if panel.pair.sign == 1 else left)
    expected = np.nan_to_num(judgement.expected[where], nan=0.0)
    return base + diff, base + expected


def _of_panel(found: Slice, rows: npt.NDArray[np.int64]) -> Slice:
    """A slice of judged rows as a slice of panel rows."""
    from dataclasses import replace

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
