"""Breaks that gather in one slice as its past never showed are one problem, though each of them is in line."""

from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from judged_files import TODAY, judged_on

from detectors.grouping import group
from detectors.reasons import reason


def payments(rng: Random, day: date, *, short: tuple[str, str] | None = None, broken: float = 0.02) -> list[list[str]]:
    """A day's payments, each told once; `short`: the channel and bank whose payments settle 2.5% short."""
    rows = []
    for n in range(400):
        channel, bank = rng.choice("WXYZ"), rng.choice("ABCDEFGH")
        sent = rng.randint(20_000, 2_000_000)
        settled = sent
        if (channel, bank) == short:
            settled = sent - round(sent * 0.025)
        elif rng.random() < broken:
            settled = sent - rng.randint(100, 30_000)
        rows.append([f"P{day:%m%d}{n}", day.isoformat(), channel, bank, f"{sent / 100:.2f}", f"{settled / 100:.2f}"])
    return rows


def days(count: int) -> list[date]:
    return [TODAY - timedelta(days=n) for n in range(count, 0, -1)]


def test_a_new_shortfall_of_one_slice_is_one_case_that_names_it(tmp_path: Path) -> None:
    rng = Random(1)
    past = [row for day in days(30) for row in payments(rng, day)]
    judged = judged_on(tmp_path, past, payments(rng, TODAY, short=("X", "C")))
    (case,) = [g for g in group(judged) if dict(g.scope) == {"Channel": "X", "Bank": "C"}]
    assert (case.kind, case.cause) == ("anomaly", "fee_or_tax")
    p, j = case.members[0]
    said = reason(judged.panels[p], judged.judgements[p], j)
    assert f"{len(case.members)} of the {len(case.members)} rows beside it break alike today" in said
    assert "out of pattern" in said


@pytest.mark.parametrize("seed", range(6))
def test_a_third_of_a_bank_that_breaks_as_others_do_is_one_case(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    past = [row for day in days(30) for row in payments(rng, day)]
    today = payments(rng, TODAY)
    hit = [row for row in today if row[3] == "C"][::3]
    assert len(hit) >= 10
    for row in hit:
        row[5] = f"{float(row[4]) - rng.randint(100, 30_000) / 100:.2f}"
    found = [g for g in group(judged_on(tmp_path, past, today)) if dict(g.scope) == {"Bank": "C"}]
    assert [(g.kind, len(g.members) >= len(hit)) for g in found] == [("anomaly", True)]


def test_a_slice_that_always_falls_short_is_in_line(tmp_path: Path) -> None:
    rng = Random(2)
    past = [row for day in days(30) for row in payments(rng, day, short=("X", "C"))]
    judged = judged_on(tmp_path, past, payments(rng, TODAY, short=("X", "C")))
    assert not (judged.judgements[0].anomaly == 1).any()


def test_a_past_in_which_slices_now_and_then_fall_short_is_no_surprise(tmp_path: Path) -> None:
    rng = Random(3)
    bursts = {n: (rng.choice("WXYZ"), rng.choice("ABDEFGH")) for n in range(0, 30, 4)}
    past = [row for n, day in enumerate(days(30)) for row in payments(rng, day, short=bursts.get(n))]
    judged = judged_on(tmp_path, past, payments(rng, TODAY, short=("X", "C")))
    assert not (judged.judgements[0].anomaly == 1).any()


@pytest.mark.parametrize("seed", range(8))
def test_scattered_breaks_gather_nowhere(seed: int, tmp_path: Path) -> None:
    rng = Random(100 + seed)
    past = [row for day in days(20) for row in payments(rng, day, broken=0.1)]
    judged = judged_on(tmp_path, past, payments(rng, TODAY, broken=0.1))
    assert not any(judged.judgements[0].numbers.get("gathered", [0]))
