"""The quick order is the slow one, whatever the hashes and times."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.order import by_series_and_time, in_order

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
