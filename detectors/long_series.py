"""Long series: one column of values with a past of hundreds of rows is held against nobody's past but its own.

Eight questions are asked of each row: far from all values so far? from its season? from the row before? still, for
12 rows, for 24? a stretch of 16 or 64 rows like none before, a shape of 32 like none before? Each is answered by
`own_tail`; the root of their mean square is the row's strangeness.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from detectors.evenly import on_grid
from detectors.kernels import far_from_all
from detectors.own_tail import LEAST, surprises
from detectors.seasons import looks
from detectors.windows import moments, nearest_earlier, unlike_any_earlier
from recon.calendar import MICROSECONDS_A_DAY
from recon.panel import Panel

Floats = npt.NDArray[np.float64]

LONG: Final = 300
"""Rows from which a series without a second side is judged by its own past alone."""
REACH: Final = 4_096
"""Rows that a window is held against: the newest. It bounds the cost of a row."""

LATE: Final = 128
"""Rows after which a row belongs to what the next ones are held against."""
STEEP: Final = 1.7
"""How fast the chance falls with the strangeness when nothing is wrong: between 1 (all questions say the same) and
root 8 (one alone speaks), measured on the quiet families of `evals.single`."""

QUESTIONS: Final = ("value", "season", "step", "still", "still_long", "stretch", "stretch_long", "shape")
EXPLAINED: Final = [QUESTIONS.index("value"), QUESTIONS.index("step")]
AT_MOST: Final = (2.0, 2.0)
"""What those say at most: so much, and so many times what the season says. A value that comes at its place is no news.
"""
COMPARED: Final = 3
"""The last questions, which hold a window against earlier ones."""


def long_series(panel: Panel) -> npt.NDArray[np.int64]:
    """The series that are judged here: one column of values, at least LONG rows."""
    if panel.pair.right is not None or panel.pair.kind != "number":
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.diff(panel.offsets) >= LONG)


def questions(x: Floats, empty: npt.NDArray[np.bool_] | None = None) -> Floats:
    """The surprise of each row by each question, shape (len(QUESTIONS), n); each looks at earlier rows only.

    `empty`: rows that only stand for a lost one, of which nothing is learned.

    >>> x = np.sin(np.arange(900) * 2 * np.pi / 48); x[800] = 9.0
    >>> int(np.argmax(questions(x)[QUESTIONS.index("value")]))
    800
    """
    x = _conditioned(x)
    still, still_long = (1.0 / (moments(x, width)[1] + 1e-6) for width in (12, 24))
    values = np.stack(
        [
            far_from_all(x),
            np.zeros(len(x)),
            _step(x),
            still,
            still_long,
            nearest_earlier(x, 16, REACH),
            nearest_earlier(x, 64, REACH),
            unlike_any_earlier(x, 32, REACH),
        ]
    )
    out = np.zeros(values.shape)
    for look in looks(x):
        known = values[:, : look.end].copy()
        known[QUESTIONS.index("season")] = np.abs(look.rest)
        # the first periods are unlike any earlier one: what is far there says nothing of the later ones
        known[-COMPARED:, : 2 * look.period] = np.nan
        if empty is not None:
            known[:, empty[: look.end]] = np.nan
        new = np.stack([surprises(one, LATE)[look.begin :] for one in known])
        if look.period:
            new[EXPLAINED] = np.minimum(new[EXPLAINED], AT_MOST[0] + AT_MOST[1] * new[QUESTIONS.index("season")])
        out[:, look.begin : look.end] = new
    return out


def strangeness(asked: Floats) -> Floats:
    """-ln p of each row: the root of the mean square of its answers. One loud answer counts, several count more.

    >>> strangeness(np.full((8, 1), 10.0)).tolist()
    [17.0]
    """
    return np.asarray(STEEP * np.sqrt((asked**2).mean(axis=0)), dtype=np.float64)


@dataclass(frozen=True)
class Own:
    """What the long series say of the judged rows, in their order."""

    log_p: Floats
    """nan where the row is of no long series."""
    question: npt.NDArray[np.int8]
    """The loudest question, index into QUESTIONS; -1 where none spoke."""


def own_answers(panel: Panel, rows: npt.NDArray[np.int64]) -> Own:
    """Judges the rows of every long series; a row is judged by earlier rows of its own series only."""
    log_p = np.full(panel.n, np.nan)
    question = np.full(panel.n, -1, np.int8)
    unit = 10.0**-panel.scale
    time, a_day = panel.day.astype(np.int64), 1
    if panel.stamp is not None:
        time, a_day = panel.stamp, MICROSECONDS_A_DAY
    for i in long_series(panel):
        a, b = panel.offsets[i], panel.offsets[i + 1]
        if not panel.current[a:b].any():
            continue
        grid = on_grid(np.asarray(panel.diff[a:b] * unit, np.float64), time[a:b], a_day)
        asked = questions(grid.values, grid.empty)[:, grid.slot]
        log_p[a:b] = -strangeness(asked)
        question[a:b] = np.where(asked.max(axis=0) > 0.0, asked.argmax(axis=0), -1)
    return Own(log_p[rows], question[rows])


def _step(x: Floats) -> Floats:
    """How far each row is from the one before it, and from the middle of the five before: the way back is no news.

    >>> _step(np.array([1.0, 1.0, 1.0, 9.0, 1.0])).tolist()
    [0.0, 0.0, 0.0, 8.0, 0.0]
    """
    before = np.concatenate([np.full(5, x[0]), x[:-1]])
    middle = np.median(sliding_window_view(before, 5), axis=1)
    return np.asarray(np.minimum(np.abs(x - before[4:]), np.abs(x - middle)), dtype=np.float64)


def _conditioned(x: Floats) -> Floats:
    """Sums of squares stay exact when values are near 0 and of the order of 1; by the rows that get no answer."""
    first = x[:LEAST]
    centre = np.median(first)
    wide = np.median(np.abs(first - centre)) + 1e-3 * first.std()
    return np.asarray((x - centre) / (wide if wide > 0.0 else max(1e-3 * abs(centre), 1e-6)), dtype=np.float64)
