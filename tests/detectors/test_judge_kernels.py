"""Every kernel against a plain twin, over hostile numbers."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors import kernels as k
from detectors.kernels import remember
from detectors.strata import bin_of, is_wild, stratum_of

# the first call of a kernel loads its compiled form
settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")

numbers = st.floats(-1e9, 1e9, allow_nan=False)
several = st.lists(numbers, min_size=1, max_size=60)


def window_of(values: list[float]) -> np.ndarray:
    window = np.zeros(len(values) + 1)
    for n, value in enumerate(values):
        k.insert_sorted(window, n, value)
    return window


@given(several)
def test_insertion_keeps_the_window_sorted(values: list[float]) -> None:
    assert window_of(values)[: len(values)].tolist() == sorted(values)


@given(several, st.data())
def test_removal_takes_out_one_value(values: list[float], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(values))
    window = window_of(values)
    k.remove_sorted(window, len(values), gone)
    rest = list(values)
    rest.remove(gone)
    assert window[: len(rest)].tolist() == sorted(rest)


@given(several)
def test_the_median_is_the_median(values: list[float]) -> None:
    assert k.median_sorted(window_of(values), len(values)) == pytest.approx(statistics.median(values), abs=1e-6)


@given(several, numbers)
def test_the_mad_is_the_median_of_the_distances(values: list[float], centre: float) -> None:
    plain = statistics.median([abs(v - centre) for v in values])
    assert k.mad_sorted(window_of(values), len(values), centre) == pytest.approx(plain, abs=1e-6)


@given(several)
def test_the_trimmed_spread_is_the_mean_of_the_smallest_four_fifths(values: list[float]) -> None:
    errors = sorted(abs(v) for v in values)
    keep = math.ceil(0.8 * len(errors))
    plain = 1.790 * sum(errors[:keep]) / keep
    assert k.trimmed_spread(window_of(errors), len(errors)) == pytest.approx(plain, rel=1e-9, abs=1e-9)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_a_slot_says_the_median_and_of_two_the_nearer_to_zero(values: list[float]) -> None:
    ring = np.zeros(5)
    ring[: len(values)] = values
    if len(values) == 2:
        plain = 0.0 if values[0] * values[1] <= 0 else min(values, key=abs)
    else:
        plain = statistics.median(values)
    assert k.slot_value(ring, len(values)) == pytest.approx(plain, rel=1e-9, abs=1e-9)


@given(st.floats(0.01, 60.0))
def test_the_normal_surprise_is_the_log_of_the_tail(u: float) -> None:
    assert k.normal_surprise(u) == pytest.approx(-(stats.norm.logsf(u) + math.log(2)), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("nu", [2.0, 3.0, 5.0, 8.0])
@given(z=st.floats(0.1, 1e6))
def test_the_t_surprise_is_near_the_log_of_the_tail_and_not_over_it_by_much(nu: float, z: float) -> None:
    plain = -(stats.t.logsf(z, nu) + math.log(2))
    assert k.t_surprise(z, nu) == pytest.approx(plain, rel=0.16, abs=0.05)
    assert k.t_surprise(z, nu) <= plain + 0.05


@given(st.floats(0, 1e300), st.floats(1.0001, 10.0))
def test_a_larger_error_is_never_less_surprising_and_always_finite(z: float, factor: float) -> None:
    assert math.isfinite(k.t_surprise(z, 4.0))
    assert k.t_surprise(min(z * factor, 1e305), 4.0) >= k.t_surprise(z, 4.0)


@given(st.integers(0, 12), st.integers(1, 12), st.floats(0.001, 0.999))
def test_the_beta_binomial_surprise_is_the_log_of_the_upper_tail(hits: int, trials: int, rate: float) -> None:
    hits = min(hits, trials)
    for known in (1.5, 12.0, 200.0):
        law = stats.betabinom(trials, rate * known, (1 - rate) * known)
        plain = -math.log(max(sum(law.pmf(n) for n in range(hits, trials + 1)), 1e-300))
        assert k.beta_binomial_surprise(hits, trials, rate, known) == pytest.approx(plain, rel=1e-6, abs=1e-9)
    certain = -math.log(max(stats.binom.sf(hits - 1, trials, rate), 1e-300))
    assert k.beta_binomial_surprise(hits, trials, rate, 1e12) == pytest.approx(certain, rel=1e-4, abs=1e-6)


@settings(max_examples=30)
@given(st.lists(st.floats(-100, 100), min_size=30, max_size=80))
def test_the_memory_of_a_short_past_is_near_its_mean(values: list[float]) -> None:
    centre = up = down = 0.0
    for n, x in enumerate(values, 1):
        centre, up, down = remember(x, float(n), centre, up, down)
    assert min(values) - 1e-9 <= centre <= max(values) + 1e-9
    assert up >= 0 <= down


@given(st.floats(0, 1e6), st.integers(0, 500), st.integers(0, 9), st.booleans())
def test_bins_and_strata_stay_in_their_tables(s: float, support: int, episodes: int, sparse: bool) -> None:
    assert 0 <= bin_of(s) < 1024
    assert 0 <= stratum_of(support, is_wild(episodes, float(support)), sparse) < 24
