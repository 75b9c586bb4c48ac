"""A feed that failed as a whole is one case; what breaks as often on other days is none."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from math import comb, log
from pathlib import Path
from random import Random

import numpy as np
import pytest
from judged_files import TODAY, judged_on

from detectors.concentrate import tail
from detectors.grouping import Group, group
from detectors.reasons import reason

KEYS = 120
Spoilt = Callable[[Random, int], int]
"""What the sending side says instead of an amount."""


def day_of(rng: Random, day: date, spoilt: Spoilt | None = None, share: float = 1.0) -> list[list[str]]:
    """A balance of each account, one in thirty off; `spoilt` in a share of them."""
    rows = []
    for n in range(KEYS):
        settled = 1_000_000 + 7_919 * n + rng.randint(-40_000, 40_000)
        sent = settled + (rng.randint(100, 9_000) if rng.random() < 0.03 else 0)
        if spoilt is not None and rng.random() < share:
            sent = spoilt(rng, sent)
        place = ("WXYZ"[n % 4], "ABCDE"[n % 5])
        rows.append([f"A{n}", day.isoformat(), *place, f"{sent / 100:.2f}", f"{settled / 100:.2f}"])
    return rows


def cases(folder: Path, past: list[list[str]], today: list[list[str]]) -> list[Group]:
    return [g for g in group(judged_on(folder, past, today)) if g.kind == "anomaly"]


def past(rng: Random, days: int = 12, spoilt: Spoilt | None = None, share: float = 0.0) -> list[list[str]]:
    return [row for n in range(days, 0, -1) for row in day_of(rng, TODAY - timedelta(days=n), spoilt, share)]


@pytest.mark.parametrize("days", [4, 12])
@pytest.mark.parametrize(("cause", "spoilt"), [("scale", lambda _, x: x * 100), ("sign_flip", lambda _, x: -x)])
def test_a_feed_that_is_wrong_throughout_is_one_case_of_every_row(
    cause: str, spoilt: Spoilt, days: int, tmp_path: Path
) -> None:
    rng = Random(1)
    (case,) = cases(tmp_path, past(rng, days), day_of(rng, TODAY, spoilt))
    # also the rows that were off by themselves, of which nothing can be proved
    assert (case.cause, case.scope, len(case.members)) == (cause, (), KEYS)


def test_breaks_all_over_the_file_that_nothing_explains_are_one_new_case(tmp_path: Path) -> None:
    rng = Random(2)
    judged = judged_on(tmp_path, past(rng), day_of(rng, TODAY, lambda r, x: x + r.randint(-90_000, 90_000), 0.4))
    (case,) = [g for g in group(judged) if g.kind == "anomaly" and len(g.members) > 5]
    assert (case.cause, case.scope) == ("new", ())
    p, j = case.members[0]
    said = reason(judged.panels[p], judged.judgements[p], j)
    assert f"{len(case.members)} of the {KEYS} rows beside it break alike today" in said


def test_breaks_as_on_every_day_stay_in_line_beside_a_flood(tmp_path: Path) -> None:
    rng = Random(6)
    judged = judged_on(tmp_path, past(rng, 20), day_of(rng, TODAY, lambda _, x: x * 100, 0.5))
    panel, judgement = judged.panels[0], judged.judgements[0]
    strange = judgement.anomaly == 1
    proved = judged.causes[0] == "scale"
    usual = panel.is_break[judgement.rows] & ~proved
    assert np.count_nonzero(strange & proved) > KEYS / 3
    assert np.count_nonzero(usual) > 0
    assert np.count_nonzero(strange & ~proved) <= np.count_nonzero(usual) / 3


def test_a_file_that_breaks_so_on_other_days_has_no_flood(tmp_path: Path) -> None:
    rng = Random(3)
    noise: Spoilt = lambda r, x: x + r.randint(-90_000, 90_000)  # noqa: E731
    found = cases(tmp_path, past(rng, spoilt=noise, share=0.3), day_of(rng, TODAY, noise, 0.4))
    assert all(len(g.members) < 5 for g in found)


def test_a_usual_day_has_no_flood(tmp_path: Path) -> None:
    rng = Random(4)
    assert all(len(g.members) < 5 for g in cases(tmp_path, past(rng), day_of(rng, TODAY)))


def test_a_side_rounded_to_whole_units_throughout_is_no_fixed_charge(tmp_path: Path) -> None:
    rng = Random(7)
    today = [[*row[:4], f"{round(float(row[5])):.2f}", row[5]] for _ in range(8) for row in day_of(rng, TODAY)]
    today = [[f"{row[0]}-{n}", *row[1:]] for n, row in enumerate(today)]
    before = [[f"{row[0]}-{n}", *row[1:]] for n, row in enumerate(past(rng, 40))]
    judged = judged_on(tmp_path, before, today)
    counted = Counter(judged.causes[0].tolist())
    assert counted["rounding"] > 20 * counted["fee_or_tax"]


def test_a_slice_is_named_before_the_whole_file(tmp_path: Path) -> None:
    rng = Random(5)
    today = [row if row[2] != "X" else [*row[:4], "-" + row[4], row[5]] for row in day_of(rng, TODAY)]
    found = [g for g in cases(tmp_path, past(rng), today) if len(g.members) > 5]
    assert [g.scope for g in found] == [(("Channel", "X"),)]


def test_a_first_file_in_which_much_breaks_is_a_case_for_each_cause(tmp_path: Path) -> None:
    rng = Random(8)
    rows = day_of(rng, TODAY, lambda r, x: x + r.randint(-90_000, 90_000), 0.5)
    flipped = [row if n % 4 else [*row[:4], f"-{row[5]}", row[5]] for n, row in enumerate(rows)]
    for i, row in enumerate(flipped):
        row[2:4] = ["W", "A"] if i % 2 else ["X", "B"]
    found = group(judged_on(tmp_path, None, flipped))
    assert {g.kind for g in found} == {"anomaly"}
    assert {g.cause for g in found if len(g.members) >= 20} == {"unknown", "sign_flip"}
    assert len(found) < 12


@pytest.mark.parametrize(("hits", "inside", "percent"), [(3, 5, 10), (60, 400, 5), (300, 400, 5), (390, 400, 10)])
def test_the_chance_of_so_many_is_the_binomial_one(hits: int, inside: int, percent: int) -> None:
    rate = Fraction(percent, 100)
    terms = [comb(inside, k) * rate**k * (1 - rate) ** (inside - k) for k in range(hits, inside + 1)]
    exact = sum(terms, Fraction(0))
    assert tail(hits, inside, percent / 100) == pytest.approx(log(exact.numerator) - log(exact.denominator), rel=1e-3)


def test_no_slice_is_infinitely_unlikely() -> None:
    assert -1e6 < tail(4_900, 5_000, 0.01) < tail(4_800, 5_000, 0.01) < -690
