"""The forest: what is rare as a combination, from any buckets, and only where there is enough to learn from."""

import numpy as np
from panel_builder import CALENDAR

from detectors.calibration import calibrate
from detectors.calling import combine
from detectors.forest import LEAST, SERIES, Sample, features_of, plant, scrambled
from detectors.judge import conclude, observe
from detectors.survey import survey
from detectors.views import FOREST, NAMES
from evals.series import planted

RNG = np.random.default_rng(3)


def sample(series: int, each: int = 10) -> Sample:
    """Past breaks of which the first two views always agree."""
    hashes = np.sort(scrambled(np.arange(series, dtype=np.uint64)))
    first = RNG.uniform(0, 9, series * each)
    surprises = np.column_stack([first, first + RNG.normal(0, 0.1, len(first)), np.ones((len(first), 2))])
    return Sample(np.repeat(hashes, each), features_of(surprises.clip(0), np.full(len(first), 50.0)), hashes[:SERIES])


def test_a_combination_that_no_past_break_had_is_rare_though_each_part_is_usual() -> None:
    forest = plant([sample(100)])
    assert forest is not None
    usual, odd = forest.log_p(features_of([[4.0, 4.0, 1.0, 1.0], [8.5, 0.1, 1.0, 1.0]], [50.0, 50.0]))
    assert usual > np.log(0.2)
    assert odd < np.log(0.01)
    assert len(forest.log_p(np.zeros((0, 5)))) == 0


def test_few_past_breaks_make_no_forest() -> None:
    assert plant([sample(LEAST // 10 - 1)]) is None


def test_buckets_in_any_order_make_the_same_forest() -> None:
    whole = sample(400)
    odd = whole.hashes % np.uint64(2) == 1
    drawn = whole.drawn % np.uint64(2) == 1
    parts = [Sample(whole.hashes[m], whole.features[m], whole.drawn[d]) for m, d in ((odd, drawn), (~odd, ~drawn))]
    here = features_of(RNG.uniform(0, 9, (20, 4)), np.full(20, 50.0))
    answers = [plant(order).log_p(here).tolist() for order in (parts, parts[::-1])]  # type: ignore[union-attr]
    assert answers[0] == answers[1]


def test_the_forest_has_a_say_of_candidates_and_of_no_other_row() -> None:
    panel = planted(11, rate=0.2, series=150, days=60, judged=1).panel
    counted = survey(panel)
    seen = observe(panel, CALENDAR, counted)
    law, forest = calibrate([seen.counts]), plant([seen.sample])
    with_it, without = (combine([conclude(panel, seen, law, counted, forest=f)])[0] for f in (forest, None))
    asked = with_it.views[NAMES[FOREST]] < 1
    assert 0 < asked.sum() < panel.is_break[with_it.rows].sum()
    assert panel.is_break[with_it.rows][asked].all()
    assert (without.views[NAMES[FOREST]] == 1).all()
    assert (with_it.score[asked] != without.score[asked]).all()
