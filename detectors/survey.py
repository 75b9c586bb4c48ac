"""The survey: what each group of series looks like, in order-free integers, so that a new key can borrow.

Counted over past rows only. Surveys of several buckets add up to the survey of all of them, whatever the order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.compiled import njit, prange
from recon.groups import MOST_GROUPS, Levels
from recon.panel import Panel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TAIL = 16
"""Past rows of a series that the survey looks at: the newest."""
GRAIN = 1024.0
"""Logs are summed in steps of 1 / GRAIN, as integers: sums do not depend on their order."""
SIZE_BINS = 256

COLUMNS = 10
SERIES, LN_SCALE, LN_SCALE_2, ROWS, BREAKS, LN_SIZE, LN_SIZE_2, POINTS, OF_TWO, BOTH_BREAK = range(COLUMNS)
"""The last two: ordered pairs of rows of one series, and those of which both break."""

UNLIKE, ALIKE = 2.0, 30.0
"""Rows for which a group's break rate stands, at least and at most."""


@dataclass(frozen=True)
class Survey:
    """Sums per level and group. `sums[l]` has shape (groups of level l, COLUMNS), `values[l]` (groups, SIZE_BINS).

    A level that is too fine has no rows. Codes must mean the same group in every bucket that is added.
    """

    sums: tuple[Ints, ...]
    values: tuple[Ints, ...]
    """Histograms of the past differences by `value_bin`: what a key without a past is compared with."""

    def __add__(self, other: "Survey") -> "Survey":
        return Survey(
            tuple(_added(a, b) for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(_added(a, b) for a, b in zip(self.values, other.values, strict=True)),
        )

    def among(self, own: Levels, levels: Levels) -> "Survey":
        """The survey of a bucket that numbered its groups alone, in the numbers of all buckets."""
        sums: list[Ints] = []
        values: list[Ints] = []
        for names, groups in zip(levels.names, levels.groups, strict=True):
            at = own.names.index(names) if names in own.names else None
            place = np.searchsorted(groups, own.groups[at]) if at is not None else np.zeros(0, np.int64)
            for out, told in ((sums, self.sums), (values, self.values)):
                out.append(np.zeros((len(groups), told[-1].shape[1]), np.int64))
                if at is not None:
                    out[-1][place[: len(told[at])]] = told[at]
        return Survey((*sums, self.sums[-1]), (*values, self.values[-1]))


def _added(a: Ints, b: Ints) -> Ints:
    out = np.zeros((max(len(a), len(b)), a.shape[1]), np.int64)
    out[: len(a)] += a
    out[: len(b)] += b
    return out


def total(surveys: Sequence[Survey]) -> Survey:
    """All buckets' surveys as one."""
    first, *rest = surveys
    for one in rest:
        first = first + one
    return first


@njit(cache=True)
def value_bin(x: float, floor: float) -> int:
    """The signed bin of a difference: 0 within the floor, then steps of a sixth in the log, 128 to a side.

    >>> value_bin(0.0, 1.0), value_bin(10.0, 1.0) - 128, value_bin(-10.0, 1.0) - 128
    (128, 14, -14)
    """
    a = abs(x) / floor
    if a <= 1.0:
        return 128
    b = min(int(math.log(a) * 6.0) + 1, 127)
    return 128 + b if x > 0 else 128 - b


@njit(cache=True, parallel=True)
def _each(
    offsets: Ints,
    current: npt.NDArray[np.bool_],
    excluded: npt.NDArray[np.bool_],
    diff: Ints,
    is_break: npt.NDArray[np.bool_],
    tolerance: Ints,
    unit: float,
    out: Ints,
) -> None:
    for i in prange(len(offsets) - 1):
        x = np.empty(TAIL)
        n = 0
        floor = unit
        t = offsets[i + 1] - 1
        while t >= offsets[i] and n < TAIL:
            if not current[t] and not excluded[t]:
                x[n] = diff[t] * unit
                n += 1
                floor = max(floor, tolerance[t] * unit)
                out[i, ROWS] += 1
                if is_break[t]:
                    out[i, BREAKS] += 1
                    size = round(math.log(max(abs(x[n - 1]), unit)) * GRAIN)
                    out[i, LN_SIZE] += size
                    out[i, LN_SIZE_2] += size * size
            t -= 1
        out[i, POINTS] = n
        out[i, OF_TWO] = n * (n - 1)
        out[i, BOTH_BREAK] = out[i, BREAKS] * (out[i, BREAKS] - 1)
        if n >= 3:
            steps = np.empty(n)
            middle = np.median(x[:n])
            for j in range(n):
                steps[j] = abs(x[j] - middle)
            wide = np.median(steps) * 1.4826
            for j in range(n - 1):
                steps[j] = abs(x[j + 1] - x[j])
            narrow = np.median(steps[: n - 1]) * 1.0484
            scale = max(min(wide, narrow), floor)
            value = round(math.log(scale) * GRAIN)
            out[i, SERIES] = 1
            out[i, LN_SCALE] = value
            out[i, LN_SCALE_2] = value * value


@njit(cache=True)
def _values(
    offsets: Ints,
    current: npt.NDArray[np.bool_],
    excluded: npt.NDArray[np.bool_],
    diff: Ints,
    unit: float,
    floor: float,
    group: npt.NDArray[np.int32],
    out: Ints,
) -> None:
    for i in range(len(offsets) - 1):
        if group[i] < 0:
            continue
        n = 0
        t = offsets[i + 1] - 1
        while t >= offsets[i] and n < TAIL:
            if not current[t] and not excluded[t]:
                out[group[i], value_bin(diff[t] * unit, floor)] += 1
                n += 1
            t -= 1


def floor_of(panel: Panel) -> float:
    """What `value_bin` holds for no difference: one unit, and of words, which differ by 1 or not at all, half."""
    return 0.5 if panel.pair.kind == "text" else float(10.0**-panel.scale)


def survey(panel: Panel) -> Survey:
    """Counts one panel's past rows by group. Cost: one look at the newest TAIL rows of each series."""
    unit = 10.0**-panel.scale
    each = np.zeros((panel.s, COLUMNS), np.int64)
    shared = (panel.offsets, panel.current, panel.excluded, panel.diff)
    _each(*shared, panel.is_break, panel.tolerance, unit, each)
    sums, values = [], []
    for level in range(len(panel.group_names)):
        group = panel.groups[level]
        size = int(group.max(initial=-1)) + 1
        if size > MOST_GROUPS:
            size = 0
        total = np.zeros((size, COLUMNS), np.int64)
        counts = np.zeros((size, SIZE_BINS), np.int64)
        if size:
            member = group >= 0
            np.add.at(total, group[member], each[member])
            _values(*shared, unit, floor_of(panel), group, counts)
        sums.append(total)
        values.append(counts)
    return Survey(tuple(sums), tuple(values))


@dataclass(frozen=True)
class Priors:
    """What each series borrows, and from whom."""

    table: Floats
    """Shape (s, 7): ln spread, its points; break rate, its points; ln size, its deviation, its breaks (0: too few)."""
    level: npt.NDArray[np.int8]
    """The level of `group_names` borrowed from; -1: none supports it."""
    group: npt.NDArray[np.int32]


def priors(panel: Panel, counted: Survey) -> Priors:
    """For each series the finest group with at least 3 other series and 12 past rows; the strength by its unity.

    A group whose series differ much in spread lends little: the prior stands for 1.5 / variance of ln spread
    points, between a quarter and four (the empirical-Bayes weight under a normal law of ln spread).
    """
    table = np.zeros((panel.s, 7))
    chosen = np.full(panel.s, -1, np.int8)
    whose = np.full(panel.s, -1, np.int32)
    for level in reversed(range(len(panel.group_names))):
        sums = counted.sums[level]
        if not len(sums):
            continue
        per_group = _per_group(sums)
        group = panel.groups[level]
        ok = (group >= 0) & (group < len(sums))
        enough = (sums[:, SERIES] >= 3) & (sums[:, POINTS] >= 12)
        if level == len(panel.group_names) - 1:
            enough = sums[:, POINTS] >= 5
        ok[ok] &= enough[group[ok]]
        table[ok] = per_group[group[ok]]
        chosen[ok] = level
        whose[ok] = group[ok]
    return Priors(table, chosen, whose)


def _alike(rows: Floats, breaks: Floats, sums: Ints) -> Floats:
    """For how many rows a group's break rate stands: the a + b of the Beta law of its series' rates, by moments.

    Two rows of one series both break with the chance m^2 + m (1 - m) / (a + b + 1), m being the mean rate: m^2 where
    all series break alike, m where some always do and the others never (Kleinman 1973). With few breaks: `UNLIKE`.
    """
    m = breaks / np.maximum(rows, 1.0)
    both = sums[:, BOTH_BREAK] / np.maximum(sums[:, OF_TWO], 1)
    apart = np.maximum(both - m * m, (m - both) / ALIKE)
    # where every row breaks nothing tells the series apart
    alike = np.divide(m - both, apart, out=np.full(len(m), ALIKE), where=apart > 0.0)
    return np.asarray(np.where(breaks >= 10, np.maximum(alike, UNLIKE), UNLIKE))


def _per_group(sums: Ints) -> Floats:
    out = np.zeros((len(sums), 7))
    n = sums[:, SERIES].astype(np.float64)
    mean = sums[:, LN_SCALE] / np.maximum(n, 1) / GRAIN
    square = sums[:, LN_SCALE_2] / np.maximum(n, 1) / GRAIN**2
    variance = np.maximum(square - mean**2, 0.0) * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
    out[:, 0] = mean
    out[:, 1] = np.where(n >= 3, np.clip(1.5 / np.maximum(variance, 1e-9), 0.25, 4.0), 0.0)
    rows = sums[:, ROWS].astype(np.float64)
    breaks = sums[:, BREAKS].astype(np.float64)
    out[:, 2] = (breaks + 0.5) / (rows + 1.0)
    out[:, 3] = np.where(rows >= 12, _alike(rows, breaks, sums), 0.0)
    size = sums[:, LN_SIZE] / np.maximum(breaks, 1) / GRAIN
    size_2 = sums[:, LN_SIZE_2] / np.maximum(breaks, 1) / GRAIN**2
    out[:, 4] = size
    out[:, 5] = np.sqrt(np.maximum(size_2 - size**2, 0.04))
    out[:, 6] = np.where(breaks >= 5, breaks, 0.0)
    return out
