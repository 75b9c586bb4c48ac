"""The laws that make p-values honest, their combination, and the rate that is promised."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_builder import CALENDAR, panel_of

from detectors.calibration import (
    Counts,
    benjamini_hochberg,
    calibrate,
    combine_log_p,
    fit_law,
    nominal_law,
)
from detectors.judge import _of_break, judge, observe
from detectors.strata import BIN_WIDTH, BINS, STRATA, TALLY, stratum_of
from detectors.survey import priors, survey
from detectors.views import LEVEL, MATCH, NAMES, SHIFT, VIEWS
from detectors.walk import S_LEFT, WALKED
from evals.series import planted, sparse
from recon.rows import Pair


def counts_of(surprises: np.ndarray) -> np.ndarray:
    return np.bincount(np.minimum((surprises / BIN_WIDTH).astype(int), BINS - 1), minlength=BINS)


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_p_values_are_uniform_whatever_the_surprises_law(rate: float) -> None:
    rng = np.random.default_rng(1)
    law = fit_law(counts_of(rng.exponential(1 / rate, 50_000)), nominal_law())
    p = np.exp(law.log_p(rng.exponential(1 / rate, 50_000)))
    for level in (0.1, 0.01, 0.001):
        assert (p <= level).mean() == pytest.approx(level, rel=0.35)


@given(st.lists(st.floats(0.01, 400), min_size=2, max_size=30, unique=True))
def test_what_is_stranger_has_a_smaller_p(values: list[float]) -> None:
    rng = np.random.default_rng(2)
    law = fit_law(counts_of(rng.exponential(1.0, 3_000)), nominal_law())
    ordered = np.sort(np.round(np.array(values), 3))
    log_p = law.log_p(np.unique(ordered))
    assert (np.diff(log_p) <= 0).all()
    assert np.isfinite(log_p).all()


def test_counts_of_buckets_add_up_in_any_order() -> None:
    rng = np.random.default_rng(3)
    parts = [Counts(rng.integers(0, 9, (1, WALKED, STRATA, BINS)), rng.integers(0, 99, (1, TALLY))) for _ in range(3)]
    one, two = calibrate(parts), calibrate(parts[::-1])
    for view in (0, 3):
        for stratum in (0, 23):
            assert np.array_equal(one.laws[0][view][stratum].log_tail, two.laws[0][view][stratum].log_tail)


@settings(max_examples=50)
@given(st.lists(st.floats(1e-300, 0.9), min_size=3, max_size=3), st.floats(1.0, 1e6))
def test_the_combination_falls_when_a_view_falls(p: list[float], factor: float) -> None:
    weights = np.array([3.0, 1.0, 2.0])
    before = combine_log_p(np.log(np.array([p])).T, weights)[0]
    after = combine_log_p(np.log(np.array([[max(p[0] / factor, 1e-305), *p[1:]]])).T, weights)[0]
    assert after <= before + 1e-6
    assert before <= 0


def test_the_combination_keeps_its_level_when_all_views_say_the_same() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(size=100_000)
    together = combine_log_p(np.log(np.tile(p, (5, 1))), np.ones(5))
    for level in (0.05, 0.001):
        assert (together <= np.log(level)).mean() <= 1.15 * level


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=40), st.floats(0.01, 0.5))
def test_benjamini_hochberg_is_its_textbook_self(p: list[float], target: float) -> None:
    limit = benjamini_hochberg(np.log(np.array(p)), target)
    ordered = sorted(p)
    passed = [x for i, x in enumerate(ordered, 1) if np.round(np.log(x), 9) <= np.log(target * i / len(p))]
    assert limit == pytest.approx(np.log(passed[-1]) if passed else -np.inf, abs=1e-8)


def test_every_view_has_a_name_a_question_and_a_weight() -> None:
    assert len(set(NAMES)) == len(VIEWS) == WALKED + 1
    for view in VIEWS:
        assert view.asks.rstrip(")").endswith(("?", "only"))
        assert view.weight > 0


@pytest.mark.parametrize("past", [6, 12, 24])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_where_breaks_are_common_all_over_a_break_like_the_others_is_in_line(rate: float, past: int) -> None:
    # each key breaks too seldom to be known for it: only the keys together say that breaks are usual here
    rng = np.random.default_rng(7)
    broke = rng.random((500, past + 1)) < rate
    usual = np.where(broke, rng.standard_t(3, broke.shape) * 500, 0.0)
    answer = judge(panel_of(usual.tolist()), calendar=CALENDAR)
    assert np.count_nonzero(answer.anomaly == 1) <= 0.02 * np.count_nonzero(broke[:, -1])


@pytest.mark.parametrize("seed", range(4))
def test_a_break_far_beyond_all_of_its_kind_is_called_in_a_small_file(seed: int) -> None:
    """A hundred monthly keys: 5% of 1,400 past rows break, the largest by some 1,500; today one by 200,000."""
    rng = np.random.default_rng(seed)
    usual = np.where(rng.random((100, 14)) < 0.05, rng.normal(0, 500, (100, 14)), 0.0)
    usual[:, -1] = 0.0
    usual[:6, -1] = [200_000.0, *rng.normal(0, 500, 5)]
    answer = judge(panel_of(usual.tolist()), calendar=CALENDAR)
    assert answer.anomaly[:6].tolist() == [1, 0, 0, 0, 0, 0]


def test_the_tail_of_a_view_that_seldom_speaks_begins_where_it_speaks() -> None:
    counts = np.zeros(BINS, np.int64)
    counts[0] = 7_950
    said = np.random.default_rng(5).normal(3.0, 0.4, 50) / BIN_WIDTH
    np.add.at(counts, said.astype(np.int64), 1)
    far = np.array([8.0])
    assert fit_law(counts, nominal_law(), 1.0).log_p(far)[0] < -10.0
    assert fit_law(counts, nominal_law(), 1.0, spell=True).log_p(far)[0] > -8.0, "of a spell it may be a mixture"


def test_two_errors_stand_for_two_degrees_of_freedom() -> None:
    # with fewer, and keys that differ too much to lend each other anything, nothing after three points was strange
    rng = np.random.default_rng(11)
    noise = 40 * np.exp(rng.normal(0, 2, (200, 1)))
    answer = judge(panel_of((500 * noise + noise * rng.normal(size=(200, 4))).tolist()), calendar=CALENDAR)
    assert np.median(answer.numbers["nu"]) >= 2.0


def test_a_break_where_they_are_rare_is_called() -> None:
    rng = np.random.default_rng(8)
    value = np.where(rng.random((500, 25)) < 0.002, 300.0, 0.0)
    value[:4, -1] = 900.0
    answer = judge(panel_of(value.tolist()), calendar=CALENDAR)
    assert set(np.flatnonzero(answer.anomaly == 1)) >= {0, 1, 2, 3}


@pytest.mark.parametrize("past", [5, 7, 8, 9, 10, 12, 14])
def test_a_key_that_has_always_broken_is_no_burst(past: int) -> None:
    # half of the keys break every day by nature: on no day may all of them look as if they had only begun to
    rng = np.random.default_rng(9)
    level = np.where(np.arange(600) % 2, rng.normal(0, 3_000, 600), 0.0)
    answer = judge(
        panel_of((level[:, None] + np.where(level, 40.0, 0.0)[:, None] * rng.normal(size=(600, past + 1))).tolist()),
        calendar=CALENDAR,
    )
    dense = np.abs(level) > 500
    assert np.median(answer.views["breaks"][dense]) > 0.05
    assert np.count_nonzero(answer.anomaly == 1) <= 3


@pytest.mark.parametrize("past", [3, 4, 6, 12, 40])
def test_what_has_begun_to_drift_comes_first_of_what_is_in_line(past: int) -> None:
    rng = np.random.default_rng(10)
    small = rng.choice([0.0, 0.0, 0.01, -0.01, 0.1, -0.1], (300, past + 1))
    small[:30, -1] = 0.9
    answer = judge(panel_of(small.tolist(), tolerance=1.0), calendar=CALENDAR)
    assert answer.score[:30].min() > np.median(answer.score[30:])
    assert np.mean(answer.score[:30].mean() > answer.score[30:]) > 0.95
    assert not (answer.anomaly == 1).any()


@pytest.mark.parametrize(("rate", "past"), [(0.02, 40), (0.05, 20)])
def test_keys_that_break_alike_by_nature_keep_the_promise(rate: float, past: int) -> None:
    # a second or third break of a key within days is what chance brings to some of 400
    alarmed = 0
    for seed in range(12):
        quiet = sparse(seed, rate=rate, days=past + 10, judged=10).panel
        alarmed += (judge(quiet, calendar=CALENDAR, target_fdr=0.1).anomaly == 1).any()
    assert alarmed <= 2


def test_a_few_wild_rows_lean_on_the_calm_ones_of_their_kind() -> None:
    counts = np.zeros((1, WALKED, STRATA, BINS), np.int64)
    counts[0, :, stratum_of(50, False, True), 0] = 9_800
    counts[0, :, stratum_of(50, False, True), round(45 / BIN_WIDTH)] = 200
    counts[0, :, stratum_of(50, True, True), 0] = 60
    law = calibrate([Counts(counts, np.zeros((1, TALLY), np.int64))]).laws[0][LEVEL][stratum_of(50, True, True)]
    assert law.log_p(np.array([45.0]))[0] > np.log(0.005), "one calm row in fifty is as strange"


@pytest.mark.parametrize(
    ("rates", "least", "most"),
    [((0.1,), 20.0, 30.0), ((1.0,), 30.0, 30.0), ((0.0, 0.9), 2.0, 2.5), ((0.02, 0.3), 2.0, 8.0)],
)
def test_a_group_lends_its_break_rate_by_how_alike_its_keys_are(
    rates: tuple[float, ...], least: float, most: float
) -> None:
    rng = np.random.default_rng(12)
    rate = np.array(rates)[np.arange(600) % len(rates)][:, None]
    panel = panel_of(np.where(rng.random((600, 17)) < rate, 500.0, 0.0).tolist())
    assert least <= priors(panel, survey(panel)).table[0, 3] <= most


def test_two_breaks_of_a_matching_series_say_together_what_two_breaks_say() -> None:
    before = np.zeros(40)
    before[[8, 24]] = 400.0
    panel = panel_of([[*before, 300.0, 300.0]] * 20)
    shift = observe(panel, CALENDAR, survey(panel)).narrow[:, SHIFT]
    assert (shift > 0).all()
    assert shift.max() < 7.0, "residuals of four deviations each would say 11.7"


def test_a_side_that_moves_is_no_stranger_for_having_been_watched_longer() -> None:
    told = []
    for past in (8, 30):
        panel = panel_of([[0.0] * past + [60.0]], left=[[1000.0 + t % 2 for t in range(past)] + [1060.0]])
        told.append(float(observe(panel, CALENDAR, survey(panel)).narrow[0, S_LEFT]))
    assert told[0] == pytest.approx(told[1], abs=0.1)


def test_matches_and_breaks_of_one_series_share_the_promise() -> None:
    worlds = [planted(seed, series=1_500, natures=("matches",)).panel for seed in range(4)]
    small = [(judge(panel, calendar=CALENDAR).pvalue <= 0.005).mean() for panel in worlds]
    assert np.mean(small) < 1.25 * 0.005


def test_what_is_back_where_it_was_is_in_pattern() -> None:
    rng = np.random.default_rng(13)
    x = 500.0 + rng.normal(0, 4.0, (60, 42)).cumsum(axis=1)
    x[:, 40] += 26.0
    forth_and_back = judge(panel_of(x.tolist(), now=2), calendar=CALENDAR).pvalue.reshape(60, 2)
    assert np.median(forth_and_back[:, 0]) < 0.05
    assert np.median(forth_and_back[:, 1]) > 0.2


def test_near_the_chance_of_a_break_its_p_value_doubles_and_far_below_it_stays() -> None:
    p, sparse = np.array([0.02, 2e-8, 0.02]), np.array([True, True, False])
    honest = np.exp(_of_break(np.log(p), sparse, np.log(np.full(3, 0.02))))
    assert honest == pytest.approx([2 * 0.02 / (1 - MATCH), 2e-8 / (1 - MATCH), 0.02], rel=1e-4)


@pytest.mark.parametrize(
    ("keys", "past", "rate"), [(30, 2, 0.15), (4_000, 2, 0.05), (400, 3, 0.15), (4_000, 5, 0.15), (4_000, 6, 0.05)]
)
def test_breaks_that_come_by_nature_are_no_storm_on_a_desks_first_days(keys: int, past: int, rate: float) -> None:
    """Each view's first words, and what it says after one row more than it was counted after, are held against nothing
    that was met."""
    called = breaks = 0
    for seed in range(3):
        world = sparse(9_000 + seed, rate=rate, days=past + 1, judged=1, series=keys, tolerance=0.0)
        judged = judge(world.panel, calendar=CALENDAR)
        called += int((judged.anomaly == 1).sum())
        breaks += int(world.panel.is_break[judged.rows].sum())
    assert called <= 0.05 * breaks


def test_where_no_view_may_speak_a_break_is_as_strange_as_breaks_are_rare() -> None:
    past, now = np.zeros((6_000, 2)), np.zeros((6_000, 1))
    now[:300] = 250.0
    never = judge(panel_of(np.hstack([past, now]).tolist()), calendar=CALENDAR)
    assert (never.anomaly[:300] == 1).all()
    past[300:600, 0] = 250.0
    often = judge(panel_of(np.hstack([past, now]).tolist()), calendar=CALENDAR)
    assert not (often.anomaly == 1).any()
    assert often.pvalue[:300] == pytest.approx(301 / 12_002)


def test_series_that_broke_often_lately_are_counted_among_those_of_as_long_a_past() -> None:
    """By clean rows alone they were behind, and all of them reached the next step on one day."""
    world = sparse(7_000, rate=0.2, days=11, judged=1, series=20_000)
    assert (judge(world.panel, calendar=CALENDAR).anomaly == 1).sum() <= 3


@pytest.mark.parametrize("past", [6, 8])
def test_words_that_differ_now_and_then_are_no_storm_either(past: int) -> None:
    differs = np.random.default_rng(past).random((4_000, past + 1)) < 0.05
    panel = panel_of(differs.astype(float).tolist(), tolerance=0.0, scale=0)
    words = replace(panel, pair=Pair("Side", "OMS", "Bank", None, "text"))
    assert (judge(words, calendar=CALENDAR).anomaly == 1).sum() <= 0.05 * differs[:, -1].sum()


@pytest.mark.parametrize(("keys", "past"), [(40, 3), (40, 8), (400, 3), (400, 8)])
def test_the_first_break_of_a_young_reconciliation_is_called(keys: int, past: int) -> None:
    rows = np.zeros((keys, past + 1))
    rows[0, -1] = 5_000.0
    assert judge(panel_of(rows.tolist()), calendar=CALENDAR).anomaly[0] == 1
