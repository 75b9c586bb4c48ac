"""Families of series that no detector was made for: what is planted is what the truth says, and nothing else."""

import numpy as np
import pytest

from detectors.judge import judge
from evals.detection import CALENDAR
from evals.unlike import ANOMALIES, FAMILIES, JUDGED, SERIES, made


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_quiet_but_for_what_was_planted(family: str) -> None:
    quiet, loud = made(family, 1, 0.0), made(family, 1, 20.0)
    assert not quiet.truth.any()
    assert len(np.unique(loud.panel.series_at(np.flatnonzero(loud.truth == 1)))) == ANOMALIES
    assert loud.panel.current[loud.truth == 1].all()
    changed = quiet.panel.diff != loud.panel.diff
    assert not changed[loud.truth == 0].any()
    assert quiet.panel.current.sum() == SERIES * JUDGED


def test_what_no_detector_was_made_for_comes_first_all_the_same() -> None:
    for family in ("mondays", "two levels", "counts"):
        data = made(family, 2, 20.0)
        answer = judge(data.panel, calendar=CALENDAR)
        truth = data.truth[answer.rows] == 1
        first = np.argsort(-answer.score)[: truth.sum()]
        assert truth[first].mean() > 0.85, family
