"""Which side moved, and how far causes are believed."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from two_sides import Line, panel

from detectors.hypotheses import name_new, rank
from detectors.proof import Proof
from detectors.sides import Peers, suspect

DAYS = [f"2024-05-{d:02d}" for d in (20, 21, 22, 23, 24, 27, 28, 29, 30, 31)]
WALK = [50123.11, 51299.42, 49871.65, 50611.9, 52310.77, 51877.03, 50990.58, 52001.36, 51433.29, 53120.84]


def moved(left: float | None, right: float | None) -> tuple[str, str]:
    lines: list[Line] = [("a", d, v, v) for d, v in zip(DAYS[:-1], WALK, strict=False)]
    built = panel([*lines, ("a", DAYS[-1], left, right)])
    judgement: Any = SimpleNamespace(rows=np.array([built.n - 1]))
    side, statement, _ = suspect(built, judgement, 0, ("GL", "IHub"), Peers.of(built))
    return side, statement


def test_the_side_that_left_its_own_past_is_named_with_its_numbers() -> None:
    side, statement = moved(531208.4, WALK[9])
    assert side == "left"
    assert "GL moved by 479,775.11 since 2024-05-30" in statement
    assert moved(WALK[9], -WALK[9])[0] == "right"


def test_a_missing_side_is_the_suspect() -> None:
    assert moved(None, WALK[9])[0] == "left"
    assert moved(WALK[9], None)[0] == "right"


def test_neither_or_both_are_not_blamed_on_one() -> None:
    assert moved(WALK[9], WALK[9] + 700)[0] == "unclear"
    assert moved(531208.4, 433188.1)[0] == "both"


def test_a_movement_that_all_peers_made_is_nobodys_fault() -> None:
    lines: list[Line] = []
    for n in range(6):
        lines += [(f"k{n}", d, v, v) for d, v in zip(DAYS[:-1], WALK, strict=False)]
        lines.append((f"k{n}", DAYS[-1], WALK[8] * 1.5, WALK[8] * (1.5 if n else 1.0)))
    alone = panel(lines)
    beside = replace(alone, groups=np.zeros((2, 6), np.int32), group_names=("Desk", "all"))
    judgement: Any = SimpleNamespace(rows=np.array([len(DAYS) - 1]))
    names = ("GL", "IHub")
    assert suspect(alone, judgement, 0, names, Peers.of(alone))[0] == "left"
    assert suspect(beside, judgement, 0, names, Peers.of(beside))[0] == "right"


def test_peers_are_the_others_of_a_group() -> None:
    built = panel([(f"k{n}", DAYS[0], 1.0, 1.0) for n in range(7)])
    grouped = replace(built, groups=np.array([[1, -1, 0, 1, 0, 1, -1], [0] * 7], np.int32), group_names=("Desk", "all"))
    peers = Peers.of(grouped)
    assert [peers.near(grouped, n).tolist() for n in range(7)] == [[3, 5], [], [4], [0, 5], [2], [0, 3], []]


def test_no_past_says_nothing() -> None:
    built = panel([("a", DAYS[0], 5.0, 1.0)])
    judgement: Any = SimpleNamespace(rows=np.array([0]))
    assert suspect(built, judgement, 0, ("GL", "IHub"), Peers.of(built)) == ("unclear", "", {})


def test_confidences_fall_in_rank_and_sum_to_one_at_most() -> None:
    proofs = [Proof("scale", "scale", "a.", 1e-5), Proof("digit_slip", "wrong_digit", "b.", 6e-4)]
    found = rank(proofs)
    held = [confidence for _, confidence, _ in found]
    assert found[0][0] == "scale"
    assert sum(held) <= 1.0 + 1e-9
    assert held[0] > 0.9


def test_a_likely_coincidence_is_believed_less() -> None:
    rare, likely = (rank([Proof("digit_slip", "wrong_digit", "a.", chance)])[0][1] for chance in (1e-6, 1e-2))
    assert rare > likely


def test_a_coherent_group_without_a_cause_is_new_and_has_a_name() -> None:
    cause, _, statement = rank([], coherent=True, scope=[("Desk", "Rates")])[0]
    assert cause == "new"
    assert "Desk Rates" in statement
    assert rank([])[0][0] == "unknown"
    assert name_new("", "unclear", []).name == "Several keys: shared difference"
