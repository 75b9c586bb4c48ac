"""Excel and CSV: nothing that leaves is a formula, nothing that comes back overwrites what a colleague did."""

import csv
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from agents.desk import Desk
from memory.case_query import CaseQuery
from recon.errors import BadInput
from tests.web.builders import APPROVER, OPERATOR
from web.deeds import Change, change_case
from web.edits import import_queue
from web.excel import export_queue


def edited(path: Path, edits: dict[tuple[str, int], dict[str, Any]]) -> None:
    """Changes cells by sheet, data row (1-based) and column title."""
    book = load_workbook(path)
    for (sheet, row), cells in edits.items():
        head = [c.value for c in book[sheet][1]]
        for title, value in cells.items():
            book[sheet].cell(row + 1, head.index(title) + 1).value = value
    book.save(path)


def ids(desk: Desk) -> list[str]:
    return [r.case.id for r in desk.cases.page(CaseQuery(state=("open",))).records]


def test_the_round_trip_of_an_untouched_workbook_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    assert export_queue(desk, path) == 8
    assert import_queue(desk, path, by=OPERATOR).edits == ()


def test_keys_are_locked_and_choices_are_drop_downs(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    export_queue(desk, path)
    sheet = load_workbook(path)["Queue"]
    head = [c.value for c in sheet[1]]
    assert sheet.protection.sheet
    assert sheet.cell(2, 1).protection.locked
    assert not sheet.cell(2, head.index("Owner") + 1).protection.locked
    assert any("in_review" in v.formula1 for v in sheet.data_validations.dataValidation)


def test_edits_are_shown_first_and_saved_when_asked(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    export_queue(desk, path)
    edited(path, {("Queue", 1): {"Owner": "olga", "State": "in_review", "Tag": "true", "Note": "mine"}})
    preview = import_queue(desk, path, by=OPERATOR)
    assert [e.what for e in preview.edits] == ["owner", "state", "tag"]
    assert desk.cases.record(ids(desk)[0]).owner is None
    first = ids(desk)[0]
    assert import_queue(desk, path, apply=True, by=OPERATOR).applied
    record = desk.cases.record(first)
    assert (record.owner, record.case.state) == ("olga", "in_review")
    assert desk.feedback.list(target_id=first)[0].verdict == "true"
    assert import_queue(desk, path, by=OPERATOR).edits[0].what == "tag"


def test_what_a_colleague_changed_meanwhile_is_a_conflict_and_stays(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    export_queue(desk, path)
    first = ids(desk)[0]
    edited(path, {("Queue", 1): {"Owner": "olga", "State": "waiting"}})
    change_case(desk, APPROVER, first, Change("assign"))
    found = import_queue(desk, path, apply=True, by=OPERATOR)
    assert [(e.what, bool(e.conflict)) for e in found.edits] == [("owner", True), ("state", False)]
    assert desk.cases.record(first).owner == "amir"
    assert desk.cases.record(first).case.state == "waiting"


def test_a_decision_in_the_workbook_is_bound_to_the_bytes_it_showed(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "q.xlsx"
    export_queue(desk, path)
    book = load_workbook(path)
    draft, seen = str(book["Drafts"].cell(2, 1).value), str(book["Drafts"].cell(2, 6).value)
    edited(path, {("Drafts", 1): {"Decision": "reject", "Note": "not ours"}})
    action = desk.ledger.get(draft)
    assert action.payload_hash == seen
    prose = next(n for n in ("description", "body", "comment") if n in action.payload)
    desk.ledger.decide(draft, "edit", seen, APPROVER, {**action.payload, prose: "changed"})
    found = import_queue(desk, path, apply=True, by=OPERATOR)
    assert "changed since" in found.edits[0].conflict
    assert desk.ledger.get(draft).state == "pending"


def test_a_file_that_is_none_of_ours_is_refused_in_one_sentence(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(BadInput, match="no Excel workbook"):
        import_queue(desk, path, by=OPERATOR)


def test_the_pages_offer_the_same_round_trip(client: TestClient, desk: Desk, tmp_path: Path) -> None:
    out = client.get("/export.xlsx")
    path = tmp_path / "q.xlsx"
    path.write_bytes(out.content)
    edited(path, {("Queue", 1): {"Owner": "olga"}})
    shown = client.post("/excel", files={"file": ("q.xlsx", path.read_bytes())}).text
    assert "1 edit in 8 rows" in shown
    assert desk.cases.get(ids(desk)[0]).title in shown
    kept = shown.split('name="kept" value="')[1].split('"')[0]
    assert "olga" in client.post("/excel", data={"kept": kept, "apply": "yes"}, files={}).text


def test_csv_rows_are_the_queue(client: TestClient) -> None:
    text = client.get("/export.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 8
    assert rows[0]["Severity"] == "high"
