"""Rows become series: sorted, cut into keys, breaks decided, nothing depending on the order of lines."""

from pathlib import Path

import numpy as np
from builders import LAYOUT, panels_of, reading_of
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.ids import break_numbers
from recon.lake import Lake
from recon.money import MOST_UNITS
from recon.panels import KnownAnomalies, build_panels
from recon.recon_file import ReconFile

HEADER = "date,account,desk,currency,ledger,bank,comment"


def test_a_series_is_one_key_in_order_of_time_with_its_past_before_it() -> None:
    (panel,) = panels_of(
        f"{HEADER}\n2026-03-01,B,d,USD,5,4,\n2026-03-01,A,d,USD,1,1,",
        f"{HEADER}\n2026-02-02,A,d,USD,3,1,\n2026-02-01,A,d,USD,2,1,\n2026-02-01,B,d,USD,9,9,",
    )
    keys = panel.columns["account"]
    told = [(keys.vocabulary[int(c)].as_py(), int(d)) for c, d in zip(keys.codes, panel.diff, strict=True)]
    cut = int(panel.offsets[1])
    assert sorted([told[:cut], told[cut:]]) == [[("A", 100), ("A", 200), ("A", 0)], [("B", 0), ("B", 100)]]
    assert np.count_nonzero(panel.current) == 2


def test_a_break_is_outside_tolerance_or_one_sided() -> None:
    (panel,) = panels_of(
        f"{HEADER}\n2026-03-01,A,d,USD,1.00,1.00,\n2026-03-01,B,d,USD,1.01,1.00,\n2026-03-01,C,d,USD,,0,"
    )
    accounts = panel.columns["account"]
    answer = {accounts.vocabulary[int(c)].as_py(): bool(b) for c, b in zip(accounts.codes, panel.is_break, strict=True)}
    assert answer == {"A": False, "B": True, "C": True}


def test_zero_is_missing_only_where_the_sides_own_past_never_was_zero() -> None:
    (panel,) = panels_of(
        f"{HEADER}\n2026-03-03,A,d,USD,500,0,\n2026-03-03,B,d,USD,500,0,",
        f"{HEADER}\n2026-03-01,A,d,USD,500,500,\n2026-03-01,B,d,USD,500,0,\n2026-03-02,B,d,USD,500,500,",
    )
    accounts = panel.columns["account"]
    gone = {
        accounts.vocabulary[int(c)].as_py()
        for c, missing in zip(accounts.codes, panel.right_missing, strict=True)
        if missing
    }
    assert gone == {"A"}


def test_a_past_row_that_the_current_file_restates_is_left_out() -> None:
    (panel,) = panels_of(
        f"{HEADER}\n2026-03-01,A,d,USD,7,1,",
        f"{HEADER}\n2026-03-01,A,d,USD,3,1,\n2026-02-01,A,d,USD,2,1,",
    )
    assert panel.diff.tolist() == [100, 600]


def test_todays_amounts_stay_exact_whatever_decimals_the_past_was_written_with() -> None:
    now = reading_of(f"{HEADER}\n2026-03-01,A,d,IDR,98765432109876.54,98765432109876.04,")
    past = reading_of(f"{HEADER}\n2026-02-01,A,d,IDR,2.1234567,1.1234561,", scale=7)
    (panel,) = build_panels(now, past, ReconFile())
    assert panel.scale == 4
    assert panel.left[panel.current].tolist() == [987654321098765400]
    assert panel.diff.tolist() == [10_000, 5_000]


def test_a_past_amount_too_large_for_todays_decimals_is_the_most_there_is_and_still_matches(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(f"{HEADER}\n2026-02-01,A,d,IDR,98765432109876.54,98765432109876.54,"))
    lake.append("r", reading_of(f"{HEADER}\n2026-02-02,B,d,IDR,1.1234567,1.1234567,", scale=7))
    found = lake.history("r", LAYOUT)
    assert found is not None
    pair = found.rows.pairs[0]
    assert (pair.scale, sorted(pair.left.tolist())) == (7, [11_234_567, MOST_UNITS])
    assert (pair.left == pair.right).all()


def test_known_anomalies_stay_out_of_the_baseline() -> None:
    history = reading_of(f"{HEADER}\n2026-02-01,A,d,USD,9,1,\n2026-02-02,A,d,USD,2,1,")
    current = reading_of(f"{HEADER}\n2026-03-01,A,d,USD,2,1,")
    (plain,) = build_panels(current, history, ReconFile())
    known = KnownAnomalies(plain.series_id[:1], plain.day[:1])
    (panel,) = build_panels(current, history, ReconFile(), known)
    assert panel.excluded.tolist() == [True, False, False]


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_lines_says_nothing(order: list[int]) -> None:
    texts = [f"2026-03-0{1 + i % 3},{'ABC'[i % 2]},d,USD,{i * i},{i}," for i in range(8)]
    (one,) = panels_of("\n".join([HEADER, *texts]))
    (two,) = panels_of("\n".join([HEADER, *(texts[i] for i in order)]))
    assert np.array_equal(one.diff, two.diff)
    assert np.array_equal(one.series_id, two.series_id)


def test_a_break_id_depends_on_key_pair_day_and_occurrence_only() -> None:
    series, day = np.array([3, 3], np.uint64), np.array([20000, 20000], np.int32)
    one, two = break_numbers("r", "p", series, day, np.array([0, 1]))
    assert one != two
    assert one == break_numbers("r", "p", series[:1], day[:1], np.array([0]))[0]
    assert one != break_numbers("r", "q", series[:1], day[:1], np.array([0]))[0]
