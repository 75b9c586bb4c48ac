"""Debit and credit in columns of their own sign the amounts, on whichever side of the books they are kept."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from recon.reading.profiles import profile_of, profile_recon_file, to_yaml
from recon.reading.reader import read
from recon.recon_file import ReconFile, load_recon_file
from recon.rows import Reading

TODAY = date(2026, 6, 1)
HEADER = "Date,Ref,Ledger Amount,Ledger D/C,Bank Amount,Bank D/C"


def lines(marks: Sequence[tuple[str, str]]) -> list[str]:
    return [f"2026-05-29,P{n:03d},{100 + n}.50,{a},{100 + n}.50,{b}" for n, (a, b) in enumerate(marks)]


def reading(folder: Path, rows: Sequence[str], said: ReconFile | None = None) -> Reading:
    path = folder / "payments.csv"
    path.write_text("\n".join([HEADER, *rows, ""]))
    return read([path], said or ReconFile(), today=TODAY)


@pytest.mark.parametrize(("debit", "credit"), [("D", "C"), ("dr", "cr"), ("Debit", "Credit"), ("S", "H")])
def test_credits_are_negative_and_a_wrong_mark_is_a_difference_of_twice_the_amount(
    tmp_path: Path, debit: str, credit: str
) -> None:
    (pair,) = reading(tmp_path, lines([(debit, debit), (credit, credit)] * 10 + [(debit, credit)])).rows.pairs
    assert pair.left[:2].tolist() == pair.right[:2].tolist() == [10050, -10150]
    assert (pair.left[20], pair.right[20]) == (12050, -12050)


def test_a_bank_that_books_the_other_way_round_is_turned_round(tmp_path: Path) -> None:
    found = reading(tmp_path, lines([("D", "C"), ("C", "D")] * 10 + [("D", "D")]))
    (pair,) = found.rows.pairs
    assert pair.pair.mirrored
    assert pair.left[:20].tolist() == pair.right[:20].tolist()
    assert (pair.left[20], pair.right[20]) == (12050, -12050)
    assert any("one side's debit being the other's credit" in line for line in found.layout.assumed)


def test_marks_that_agree_by_chance_only_sign_nothing(tmp_path: Path) -> None:
    pairs = reading(tmp_path, lines([("D", "C"), ("C", "C"), ("D", "D"), ("C", "D")] * 8)).rows.pairs
    assert [(pair.pair.kind, pair.pair.left_mark) for pair in pairs] == [("number", None), ("text", None)]
    assert pairs[0].left.min() > 0


def test_amounts_with_a_sign_of_their_own_keep_it(tmp_path: Path) -> None:
    rows = [line.replace(",100.50,D", ",-100.50,C") for line in lines([("D", "D"), ("C", "C")] * 10)]
    assert all(pair.pair.left_mark is None for pair in reading(tmp_path, rows).rows.pairs)


def test_a_mark_that_says_neither_is_told_and_the_recon_file_can_say_it_all(tmp_path: Path) -> None:
    rows = lines([("D", "D"), ("C", "C")] * 10)
    profile = profile_of(reading(tmp_path, rows))
    (tmp_path / "pay.yaml").write_text(to_yaml(profile_recon_file(profile, name="pay")))
    said = load_recon_file(tmp_path / "pay.yaml")
    assert said.columns.criteria[0].left_mark == "Ledger D/C"
    found = reading(tmp_path, [*rows, "2026-05-29,P900,7.00,?,7.00,D"], said)
    assert found.rows.pairs[0].right[:2].tolist() == [10050, -10150]
    assert [(f.code, f.count) for f in found.findings if f.code == "unknown_mark"] == [("unknown_mark", 1)]


def mirrored(folder: Path, header: str, rows: Sequence[str]) -> Reading:
    path = folder / "interco.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return read([path], ReconFile(), today=TODAY)


def test_a_receivable_is_compared_with_the_payable_across_from_it_and_their_sum_is_the_difference(
    tmp_path: Path,
) -> None:
    amounts = [(f"E{n:02d}", 5000 * n + 17, -(5000 * n + 17) + (1234 if n == 4 else 0)) for n in range(1, 31)]
    rows = [f"Mar-26,{entity},{a},{b},{a + b}" for entity, a, b in amounts]
    found = mirrored(tmp_path, "Period,Entity,IC Receivable,IC Payable,Net", rows)
    (pair,) = found.rows.pairs
    assert (pair.pair.left, pair.pair.right, pair.pair.derived) == ("IC Receivable", "IC Payable", "Net")
    assert pair.pair.mirrored
    off = pair.left - pair.right
    assert off[3] == 1234 * 10**pair.scale
    assert (off != 0).sum() == 1


def test_sides_that_agree_with_their_sign_are_not_turned_round_by_a_few_reversals(tmp_path: Path) -> None:
    rows = [f"2026-05-29,R{n:02d},{100 + n}.25,{'-' if n < 3 else ''}{100 + n}.25" for n in range(20)]
    (pair,) = mirrored(tmp_path, "Date,Ref,Book Amount,Bank Amount", rows).rows.pairs
    assert not pair.pair.mirrored
    assert pair.right[0] == -10025
