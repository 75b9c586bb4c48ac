"""The trace of a series for charts: the forecast and both bands at every row, each from earlier rows only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import walk as w
from detectors.judge import half_band, walk_panel
from detectors.survey import priors, survey
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.recon_file import CalendarSaid

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """One value for each row of the panel, in its order and in the pair's own unit; nan before there is a past."""

    expected: Floats
    low: Floats
    high: Floats
    bollinger_low: Floats
    bollinger_high: Floats


def trace(panel: Panel, calendar: BusinessCalendar | None = None) -> Trace:
    """Walks the panel forward and keeps every row's band. Without a calendar: Monday to Friday, no holidays."""
    calendar = calendar or BusinessCalendar.of(CalendarSaid())
    borrowed = priors(panel, survey(panel))
    wide, narrow, _, _ = walk_panel(panel, calendar, borrowed.table, store_all=True)
    half = half_band(narrow[:, w.NU].astype(np.float64), wide[:, w.SCALE], narrow[:, w.SUPPORT])
    half = np.maximum(half, panel.tolerance * 10.0**-panel.scale)
    expected, mean, deviation = wide[:, w.EXPECTED], wide[:, w.MEAN], wide[:, w.DEVIATION]
    return Trace(expected, expected - half, expected + half, mean - 2.0 * deviation, mean + 2.0 * deviation)
