"""Breaks that gather: each of them in line by itself, together in one slice as its past never showed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.concentrate import LEAST, ODDS, PUREST, Grid, concentrations, tail
from detectors.grouping import BY_LINK
from detectors.judgement import Judgement
from detectors.lessons import score_of_surprise, surprise_of_score
from detectors.localise import Slice
from detectors.patterns import patterns
from recon.panel import Panel
from recon.rows import NO_DAY

DAYS: Final = 5
"""Past days that a panel must hold before it can say what never was."""
SELDOM: Final = 0.05
"""Past days on which a slice of the same columns may have shown as much: one in twenty."""

TOLD: Final = ("gathered", "gathered_of", "gathered_before", "gathered_past")
"""What a row of one is told with: the numbers of `Gathering`."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gathering:
    """One slice of the newest day whose breaks are something new."""

    where: Rows
    """Positions in the judgement."""
    log_p: float
    """The chance of so many at the rate of its past, every slice looked at counted as a try."""
    hits: int
    of: int
    """Breaks of one cause, and rows, of the slice on the newest day."""
    hits_before: int
    of_before: int
    """Breaks of any cause, and rows, of the slice in the past."""


def of_the_past(panel: Panel) -> npt.NDArray[np.bool_]:
    """The dated past rows that say what is usual: what is open still from an earlier day does not."""
    return np.asarray(~panel.current & ~panel.excluded & (panel.day != NO_DAY))


def gathered(panel: Panel, judgement: Judgement, causes: npt.NDArray[np.object_], where: Rows, grid: Grid) -> Judgement:
    """The judgement in which breaks that gather are anomalies; what tags keep quiet stays quiet.

    `where`: positions of the judged rows of the newest day, which `grid` cuts. A slice counts when its breaks of one
    cause are more than chance brings at the rate of its own past (all causes counted) and of the other rows of the
    day, and when slices of its columns showed as much on at most one past day in twenty. Of a very large past only
    what is at hand is asked: its broken series whole, so that its rate is rather too high.
    """
    return called(judgement, list(_gatherings(panel, judgement, causes, where, grid)))


def called(judgement: Judgement, found: Sequence[Gathering]) -> Judgement:
    """The judgement in which the rows of these are anomalies, and say why."""
    if not found:
        return judgement
    anomaly, pvalue = judgement.anomaly.copy(), judgement.pvalue.copy()
    surprise = surprise_of_score(judgement.score)
    told = {name: judgement.numbers.get(name, np.zeros(len(anomaly))).copy() for name in TOLD}
    for one in found:
        at = one.where
        anomaly[at] = 1
        pvalue[at] = np.fmin(pvalue[at], np.exp(one.log_p))
        surprise[at] = np.maximum(surprise[at], -one.log_p)
        numbers = (one.hits, one.of, one.hits_before, one.of_before)
        for name, value in zip(told, numbers, strict=True):
            told[name][at] = value
    changed = np.concatenate([one.where for one in found])
    answer = replace(judgement, anomaly=anomaly, pvalue=pvalue, numbers=judgement.numbers | told)
    score, pattern = judgement.score.copy(), judgement.pattern.copy()
    score[changed] = score_of_surprise(surprise[changed])
    pattern[changed] = patterns(answer)[changed]
    return replace(answer, score=score, pattern=pattern)


def _gatherings(
    panel: Panel, judgement: Judgement, causes: npt.NDArray[np.object_], where: Rows, grid: Grid
) -> Iterator[Gathering]:
    past = np.flatnonzero(of_the_past(panel))
    if len(np.unique(panel.day[past])) < DAYS:
        return
    rows = judgement.rows[where]
    loud = panel.is_break[rows] & (judgement.numbers["quieted"][where] == 0)
    called = judgement.anomaly[where] == 1
    amount = np.abs(panel.diff[rows]).astype(np.float64)
    for cause in sorted(set(causes[where][loud].tolist()) - BY_LINK):
        flag = loud & (causes[where] == cause)
        for found in concentrations(grid, flag, np.where(flag, amount, 0.0), partly=True):
            inside = found.deviating
            if not called[inside].all():
                one = _as_never_before(panel, past, rows, found)
                if one is not None:
                    yield replace(one, where=where[inside])


def _as_never_before(panel: Panel, past: Rows, rows: Rows, found: Slice) -> Gathering | None:
    """The slice against its own past; None when that explains it."""
    names = list(found.parts)
    codes = [panel.columns[name].codes for name in names]
    mine = np.all([code[past] == found.parts[name] for code, name in zip(codes, names, strict=True)], axis=0)
    hits, of = len(found.deviating), len(found.rows)
    broke = panel.is_break[past]
    before, rows_before = int(np.count_nonzero(broke & mine)), int(np.count_nonzero(mine))
    usual = broke if not rows_before else broke[mine]
    rate = max(found.base_rate, (np.count_nonzero(usual) + 0.5) / (len(usual) + 1))
    log_tries = -tail(hits, of, found.base_rate) - found.score
    log_p = tail(hits, of, float(rate)) + log_tries
    if log_p > np.log(ODDS) or _shown_before(panel, past, codes, found):
        return None
    return Gathering(rows, log_p, hits, of, before, rows_before)


def _shown_before(panel: Panel, past: Rows, codes: Sequence[npt.NDArray[np.int32]], found: Slice) -> bool:
    """Whether slices of the same columns showed half as many breaks on more than a few days: on most of their rows, or
    on half the share where the slice itself shows less than most."""
    hits, share = len(found.deviating), PUREST if found.purity >= PUREST else found.purity / 2
    day = panel.day[past].astype(np.int64)
    cell = day - int(day.min())
    for code in codes:
        cell = np.unique(cell * (int(code.max()) + 1) + code[past], return_inverse=True)[1].astype(np.int64)
    broke = np.bincount(cell, weights=panel.is_break[past])
    burst = (broke >= max(LEAST, hits / 2)) & (broke >= share * np.bincount(cell))
    return int(np.count_nonzero(burst)) > SELDOM * len(np.unique(day))
