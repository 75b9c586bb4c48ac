"""Trades of which a word differs: no amount of it, as grave as the money that the trade is about, and told in words."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from agents.run import RunRequest, run
from recon.case import Case
from tests.agents.desks import make_desk

HEADER = "Report Date,Trade Id,Book,Currency,FO Counterparty,BO Counterparty,FO Notional,BO Notional"
LAST = date(2026, 5, 29)


def rows(day: date, wrong: set[int], bank: str = "BANK ") -> list[str]:
    return [
        f"{day},T{n},BOOK{n % 5},USD,{bank}{n % 7},{bank}{7 if n in wrong else n % 7},{a:.2f},{a:.2f}"
        for n in range(150)
        for a in [2_500 + 31_000 * n]
    ]


def worked(folder: Path, wrong: set[int], bank: str = "BANK ") -> list[Case]:
    past = [line for n in range(40, 0, -1) for line in rows(LAST - timedelta(days=n), set(), bank)]
    for name, lines in (("past", past), ("now", rows(LAST, wrong, bank))):
        (folder / f"{name}.csv").write_text("\n".join([HEADER, *lines, ""]))
    desk = make_desk(folder / "home")
    found = run(desk, RunRequest((folder / "now.csv",), (folder / "past.csv",), out=folder / "out"))
    return [desk.cases.get(ident) for ident in found.case_ids]


@pytest.mark.parametrize(("trade", "severity"), [(100, "high"), (0, "medium")])
def test_a_word_has_no_amount_and_the_weight_of_its_trade(tmp_path: Path, trade: int, severity: str) -> None:
    (case,) = worked(tmp_path, {trade})
    assert (case.cause, case.amount, case.currency, case.severity) == ("reference_data", 0, "", severity)
    assert case.cause_detail == f"Counterparty is «BANK {trade % 7}» on FO and «BANK 7» on BO."
    text = (tmp_path / "out" / "summary.md").read_text()
    assert "1 break. 1 draft waiting." in text
    assert "which source holds the right details" in text


def test_a_slice_of_words_is_told_without_an_amount(tmp_path: Path) -> None:
    wrong = set(range(3, 150, 5))
    (case,) = worked(tmp_path, wrong)
    assert [(part.column, part.value) for part in case.scope] == [("Book", "BOOK3")]
    (told,) = [e.statement for e in case.evidence if e.kind == "slice"]
    assert told == "Book = BOOK3: 30 of 30 rows deviate (100%, against 0.4% elsewhere), 100% of all that do."
    assert next(e.statement for e in case.evidence if e.kind == "total") == "30 breaks in all."


def test_codes_whose_numbers_differ_by_one_are_words_all_the_same(tmp_path: Path) -> None:
    header = HEADER.replace("Counterparty", "Account Code")
    with pytest.MonkeyPatch.context() as changed:
        changed.setitem(globals(), "HEADER", header)
        (case,) = worked(tmp_path, {6, 13}, "77")
    told = {e.statement for e in case.evidence if e.kind == "break"}
    assert f"On {LAST} FO Account code is «776» and BO Account code is «777» (Trade Id T6)." in told
    text = (tmp_path / "out" / "summary.md").read_text()
    assert "FO 776, BO 777, Account code differs" in (tmp_path / "out" / "actions.json").read_text()
    assert "- 2 new: T6, Account code, for one." in text
    assert case.amount == 0
