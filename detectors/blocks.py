"""Blocks: of a file with several dates, what the earlier ones showed calibrates the later ones too."""

import numpy as np
import numpy.typing as npt

from detectors import walk as w
from detectors.calibration import Counts
from detectors.strata import BIN_WIDTH, BINS, STRATUM_KINDS, T_EPISODES, T_ROWS, T_SERIES, T_SERIES_ROWS
from detectors.views import WALKED
from recon.panel import Panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def time_of(panel: Panel) -> Ints:
    """What orders rows in time: the moment where there is one, else the day."""
    return panel.stamp if panel.stamp is not None else panel.day.astype(np.int64)


def block_edges(times: Ints, past: int) -> Ints:
    """The times at which a new calibration begins, for a file of several dates: each time the past grew by half.

    With one date there is no edge: history alone calibrates. An edge depends on earlier rows only, so that
    judging a file and judging its first half give the first half the same answers.
    """
    moments, sizes = np.unique(times, return_counts=True)
    edges = []
    known, waiting = past, 0
    for moment, size in zip(moments[1:], sizes[:-1], strict=True):
        waiting += int(size)
        if waiting >= max(30, known // 2):
            edges.append(int(moment))
            known, waiting = known + waiting, 0
    return np.array(edges, np.int64)


def count_blocks(
    counts: Counts,
    narrow: npt.NDArray[np.float32],
    block: Ints,
    excluded: npt.NDArray[np.bool_],
    series: Ints,
) -> None:
    """Adds the current rows of each block to the counts that the blocks after it stand on."""
    use = (narrow[:, w.SUPPORT] >= 1) & ~excluded
    stratum = narrow[:, w.STRATUM].astype(np.int64)
    kind = stratum % STRATUM_KINDS
    out = narrow[:, w.BEGINS] > 0
    for b in range(1, len(counts.surprises)):
        here = use & (block == b - 1)
        for view in range(WALKED):
            asked = here & (narrow[:, w.ABLE].astype(np.int64) >> view & 1 == 1)
            surprise = rounded(narrow[asked, view])
            bins = np.clip(surprise / BIN_WIDTH, 0, BINS - 1).astype(np.int64)
            np.add.at(counts.surprises[b, view], (stratum[asked], bins), 1)
        before = use & (block < b)
        tally = counts.tally[b]
        tally[T_ROWS:T_EPISODES] += np.bincount(kind[before], minlength=STRATUM_KINDS)
        tally[T_EPISODES:T_SERIES] += np.bincount(kind[before & out], minlength=STRATUM_KINDS)
        _count_series(tally, series[before], kind[before], out[before])


def _count_series(tally: Ints, series: Ints, kind: Ints, out: npt.NDArray[np.bool_]) -> None:
    """Adds each series once, by its kind at its newest row and whether it had an excursion."""
    if not len(series):
        return
    n = int(series.max()) + 1
    rows = np.bincount(series, minlength=n)
    excursions = np.bincount(series[out], minlength=n)
    newest = np.zeros(n, np.int64)
    newest[series] = kind
    ends = np.where(newest >= 2, 3, 0) + np.where(newest % 2 == 1, 2, np.minimum(excursions, 1))
    there = rows > 0
    tally[T_SERIES : T_SERIES + 6] += np.bincount(ends[there], minlength=6)
    tally[T_SERIES_ROWS : T_SERIES_ROWS + 6] += np.bincount(ends[there], rows[there], minlength=6).astype(np.int64)


def rounded(surprise: npt.ArrayLike) -> Floats:
    """The last bits of a float32 never decide."""
    return np.asarray(np.round(np.asarray(surprise, dtype=np.float64), 6), dtype=np.float64)
