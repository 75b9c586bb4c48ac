"""The quick order is the slow one, whatever the hashes and times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.order import FEW, by_series_and_time, in_order

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
