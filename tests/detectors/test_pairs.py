"""Pairs: breaks that cancel are found as a slow search over all pairs finds them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from two_sides import Line, panel

from detectors.mechanisms.aggregation import subset
from detectors.mechanisms.scale import is_scaled
from detectors.mechanisms.slip import DROPPED, JUMPED, SWAPPED, WRONG, slips
from detectors.pairs import cancelling

DAY = "2024-05-31"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9).filter(bool), min_size=2, max_size=14))
def test_as_many_pairs_cancel_as_opposites_can_be_matched(diffs: list[int]) -> None:
    lines: list[Line] = [(f"{k:02d}", DAY, 100.0 + d, 100.0) for k, d in enumerate(diffs)]
    built = panel(lines)
    groups = [g for g in cancelling(built, np.arange(built.n)) if len(g.rows) == 2]
    most = sum(min(diffs.count(d), diffs.count(-d)) for d in set(map(abs, diffs)))
    assert len(groups) == most
    assert all(sum(int(built.diff[r]) for r in g.rows) == 0 for g in groups)
    rows = [r for g in groups for r in g.rows]
    assert len(rows) == len(set(rows))


def test_the_nearest_partner_is_taken() -> None:
    lines: list[Line] = [("1/A", DAY, 150.25, 100.0), ("2/B", DAY, 100.0, 150.25), ("3/A", DAY, 100.0, 150.25)]
    (group,) = cancelling(panel(lines, columns=("Account", "Desk")), np.arange(3))
    assert group.rows == (0, 2)
    assert group.shared == ("Desk",)


def test_two_against_one_cancel_too() -> None:
    lines: list[Line] = [("1", DAY, 61234.56, 0.01), ("2", DAY, 0.01, 41234.17), ("3", DAY, 0.01, 20000.40)]
    (group,) = cancelling(panel(lines), np.arange(3))
    assert group.rows == (0, 1, 2)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_slip_is_what_a_typist_could_do_to_the_text(a: int, b: int) -> None:
    assert int(slips(np.array([a]), np.array([b]))[0][0]) in typed(str(a), str(b))


@given(st.integers(10, 10**9), st.integers(0, 30), st.integers(0, 9), st.sampled_from("wsdxj"))
def test_every_typed_slip_is_seen(a: int, place: int, digit: int, how: str) -> None:
    text = list(str(a))
    place %= len(text)
    match how:
        case "w":
            text[place] = str(digit)
        case "s":
            other = (place + 1) % len(text)
            text[place], text[other] = text[other], text[place]
        case "d":
            del text[place]
        case "x":
            text.insert(place, str(digit))
        case _:
            other = (place + 2) % len(text)
            text[place], text[other] = text[other], text[place]
    b = int("".join(text))
    if b == 0:
        return
    found = int(slips(np.array([a]), np.array([b]))[0][0])
    assert found in typed(str(a), str(b))
    if len(str(b)) == len("".join(text)) and typed(str(a), str(b)) != {0}:
        assert found != 0


def typed(a: str, b: str) -> set[int]:
    """The naive twin: which slips turn one text into the other; {0} for none."""
    found = set()
    if len(a) == len(b):
        off = [k for k in range(len(a)) if a[k] != b[k]]
        if len(off) == 1:
            found.add(WRONG)
        if len(off) == 2 and off[1] - off[0] in (1, 2) and (a[off[0]], a[off[1]]) == (b[off[1]], b[off[0]]):
            found.add(SWAPPED if off[1] - off[0] == 1 else JUMPED)
    short, long = sorted((a, b), key=len)
    if len(long) == len(short) + 1 and short in {long[:k] + long[k + 1 :] for k in range(len(long))}:
        found.add(DROPPED)
    return found or {0}


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(1, 6))
def test_scaling_allows_exactly_half_a_unit(small: int, other: int, power: int) -> None:
    for big in (small * 10**power, small * 10**power + 10**power // 2, small * 10**power + 10**power // 2 + 1, other):
        naive = abs(small * 10**power - big) * 2 <= 10**power
        assert is_scaled(np.array([small]), np.array([big]), power, np.array([1])).tolist() == [naive]


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=7), st.integers(2, 200))
def test_a_subset_is_found_exactly_when_there_is_one(parts: list[int], goal: int) -> None:
    sums = {0: [()]}
    for k, part in enumerate(parts):
        for total, ways in list(sums.items()):
            sums.setdefault(total + part, []).extend([*way, k] for way in ways)  # type: ignore[arg-type]
    there = any(len(way) >= 2 for way in sums.get(goal, []))
    chosen, _ = subset(goal, parts)
    assert (chosen is not None) == there
    if chosen is not None:
        assert sum(parts[k] for k in chosen) == goal
