"""What judging yields: for every current row of a panel, how strange it is, against what, and why."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Judgement:
    """One answer for each current row of a panel, in the order of `rows`. All arrays have length m."""

    rows: npt.NDArray[np.int64]
    """Positions in the panel of the rows judged (where `panel.current`), ascending."""
    score: npt.NDArray[np.float64]
    """0 to 1, larger is stranger, strictly increasing in strangeness: it does not saturate. Rounded to 9 decimals."""
    pvalue: npt.NDArray[np.float64]
    """Combined over the views: the chance of a row at least as strange when nothing is wrong."""
    anomaly: npt.NDArray[np.int8]
    """1 yes, 0 no, -1 insufficient_history."""
    provisional: npt.NDArray[np.bool_]
    """Fewer than 20 supporting points: an answer, but outside the promised false discovery rate."""
    expected: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    """The band of the difference in the pair's own unit; nan when nothing supports one."""
    bollinger_low: npt.NDArray[np.float64]
    bollinger_high: npt.NDArray[np.float64]
    """Mean and two deviations of the trailing window, as operators know them; for drawing, never for deciding."""
    support: npt.NDArray[np.int32]
    """Past points behind the band, the borrowed ones not counted."""
    level: npt.NDArray[np.int8]
    """Whose past it was: -1 the series' own, else the index into `panel.group_names`."""
    pattern: npt.NDArray[np.int8]
    """Index into `recon.words.PATTERN_LABELS` (its order); -1 for a match that is not anomalous."""
    left_p: npt.NDArray[np.float64]
    right_p: npt.NDArray[np.float64]
    """Each side's own p-value for its movement, nan when it cannot be said: which source moved."""
    views: dict[str, npt.NDArray[np.float64]]
    """Each view's own p-values by the view's name."""
    numbers: dict[str, npt.NDArray[np.float64]]
    """What the reason states: `mean`, `median`, `spread`, `z`, `slope`, `run_length`, `break_rate`, `cusum`."""
    threshold: float
    """The p-value at or under which a row was called anomalous in this run (after FDR); 0 when none was."""
