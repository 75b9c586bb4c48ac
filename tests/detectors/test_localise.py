"""Localisation keeps its promises: exact slices, nothing out of noise, the shortest that explains."""

import numpy as np
import pytest

from detectors.localise import localise
from evals.localisation import FAMILIES, LEAVES, Planted, full_grid, ours, rows_of, run, weighted_risk_run


def planted(combos: dict[tuple[tuple[str, int], ...], float], noise: float, seed: int = 3) -> Planted:
    """A grid of four columns in which each combo's rows are off by its share."""
    rng = np.random.default_rng(seed)
    codes = full_grid((6, 8, 5, 7))
    expected = rng.weibull(0.7, len(codes["a"])) * 100 + 1
    actual = expected * (1 + rng.normal(0, noise, len(expected)))
    for combo, share in combos.items():
        inside = rows_of(codes, frozenset(combo))
        actual[inside] = expected[inside] * (1 + share) * (1 + rng.normal(0, noise / 2, int(inside.sum())))
    return Planted(codes, actual, expected, frozenset(frozenset(c) for c in combos))


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_three_causes_of_both_signs_and_different_depths_are_named_exactly(noise: float) -> None:
    made = planted({(("a", 1),): -0.5, (("b", 2), ("c", 3)): 0.6, (("a", 4), ("b", 6), ("d", 5)): -0.7}, noise)
    assert ours(made) == made.truth


def test_the_sides_may_be_swapped() -> None:
    made = planted({(("b", 2), ("c", 3)): -0.5}, 0.05)
    assert ours(Planted(made.codes, made.expected, made.actual, made.truth)) == made.truth


def test_a_single_leaf_far_out_of_the_noise_is_named_by_all_its_columns() -> None:
    rng = np.random.default_rng(5)
    made = weighted_risk_run(rng, LEAVES)
    assert ours(made) == made.truth


def test_noise_holds_no_slice() -> None:
    for seed in range(6):
        made = planted({}, 0.2, seed)
        assert ours(made) == set()


def test_breaks_at_random_among_exact_matches_hold_no_slice() -> None:
    rng = np.random.default_rng(8)
    codes = full_grid((6, 8, 5, 7))
    expected = rng.uniform(10, 1000, len(codes["a"]))
    broken = rng.uniform(size=len(expected)) < 0.08
    actual = np.where(broken, expected * rng.uniform(0.2, 2, len(expected)), expected)
    assert localise(codes, actual, expected) == []


def test_what_a_column_says_is_not_said_again_by_a_second() -> None:
    codes = full_grid((6, 8, 5))
    codes["office"] = codes["a"].copy()
    expected = np.linspace(50, 500, len(codes["a"]))
    actual = np.where(codes["a"] == 2, expected + 40, expected)
    assert [set(s.parts) for s in localise(codes, actual, expected)] == [{"a"}]


def test_a_slice_says_what_it_covers_and_against_what() -> None:
    made = planted({(("a", 1), ("c", 2)): -0.5}, 0.0)
    (found,) = localise(made.codes, made.actual, made.expected)
    assert found.coverage == pytest.approx(1.0)
    assert (found.purity, found.base_rate, found.direction) == (1.0, 0.0, "below")
    assert found.deviation == pytest.approx(-0.5)
    assert len(found.deviating) == len(found.rows) == 56
    assert "56 of 56 rows deviate" in found.statement()


def test_equal_or_empty_or_broken_numbers_are_no_slice_and_no_error() -> None:
    codes = {"a": np.array([0, 1, 0, 1], dtype=np.int32), "b": np.array([0, 0, 1, 1], dtype=np.int32)}
    same = np.array([1.0, 2.0, 3.0, 4.0])
    assert localise(codes, same, same) == []
    assert localise({}, same, same * 2) == []
    assert localise(codes, np.zeros(4), np.zeros(4)) == []
    assert localise(codes, np.full(4, np.nan), np.full(4, np.inf)) == []


def test_the_same_run_gives_the_same_slices_whatever_the_order_of_rows() -> None:
    made = planted({(("a", 1),): -0.4, (("b", 2), ("c", 3)): 0.6}, 0.1)
    turn = np.random.default_rng(1).permutation(len(made.actual))
    turned = Planted({k: v[turn] for k, v in made.codes.items()}, made.actual[turn], made.expected[turn], made.truth)
    assert ours(turned) == ours(made) == made.truth


@pytest.mark.slow
def test_the_scoreboard_stays_where_it_was_won() -> None:
    board = run(quick=True)
    assert set(board) == set(FAMILIES)
    assert board["single leaves"]["Tieout"]["f1"] >= 0.95
    assert board["mixed depth"]["Tieout"]["f1"] >= 0.90
    assert board["ripple"]["Tieout"]["f1"] >= 0.95
    assert board["nothing"]["Tieout"]["false_per_run"] <= 0.5
    assert all(family["Adtributor"]["f1"] <= family["Tieout"]["f1"] for family in board.values())
