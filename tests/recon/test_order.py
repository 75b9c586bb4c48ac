"""What is quick with many rows says what the plain way says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.order import FEW, by_series_and_time, in_order
from recon.picking import picked
from recon.reading.twice import any_twice

N = st.integers(0, 40)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_packed_sort_orders_as_the_plain_one(data: st.DataObject) -> None:
    n = data.draw(N)
    # hashes that share their upper bits, times that fit beside them and times that do not
    series = data.draw(arrays(np.uint64, n, elements=st.sampled_from([0, 1, 1 << 19, 1 << 20, (1 << 64) - 1, 1 << 63])))
    wide = data.draw(st.sampled_from([3, 1 << 18, 1 << 40]))
    time = data.draw(arrays(np.int64, n, elements=st.integers(-wide, wide)))
    perm = by_series_and_time(series, time)
    assert perm.tolist() == np.lexsort((np.arange(n), time, series)).tolist()
    assert in_order(series[perm], time[perm])


@pytest.mark.parametrize("shape", ["a day after the other", "days mixed", "hashes that share their upper bits"])
def test_many_rows_are_ordered_as_few(shape: str) -> None:
    rng = np.random.default_rng(5)
    n = 2 * FEW
    names = rng.integers(0, 2**63, 5_000).astype(np.uint64) * np.uint64(2)
    series, time = rng.choice(names, n), np.sort(rng.integers(0, 50, n))
    if shape == "days mixed":
        time = rng.permutation(time)
    if shape == "hashes that share their upper bits":
        series = series & ~np.uint64((1 << 20) - 1) | rng.integers(0, 3, n).astype(np.uint64)
    assert np.array_equal(by_series_and_time(series, time), np.lexsort((time, series)))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint64, np.bool_])
@pytest.mark.parametrize("n", [50, 2 * FEW])
def test_many_values_are_gathered_as_few(kind: type, n: int) -> None:
    rng = np.random.default_rng(3)
    before, now = (rng.integers(0, 99, size).astype(kind) for size in (n, n // 3))
    at = rng.permutation(n + n // 3)[:n]
    assert np.array_equal(picked(before, now, at), np.concatenate([before, now])[at])
    assert picked(before, now, at).dtype == kind


@pytest.mark.parametrize("n", [50, 2 * FEW])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_number_that_is_there_twice_is_seen_wherever_it_stands(place: int, n: int) -> None:
    numbers = np.random.default_rng(4).permutation(n).astype(np.int64) * 2**40
    assert not any_twice(numbers)
    numbers[place] = numbers[n // 2]
    assert any_twice(numbers)
