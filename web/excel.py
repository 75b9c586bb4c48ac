"""The queue out of the house, as a workbook with drop-downs and locked keys, or as CSV that no sheet can run."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.utils.escape import escape
from openpyxl.worksheet.datavalidation import DataValidation

from agents.desk import Desk
from memory.action import Action
from memory.case_query import CaseQuery
from memory.cases import CaseRecord
from web.recons import words_of

LARGEST: Final = 20_000
"""Cases in one workbook."""
QUEUE, DRAFTS, KEPT = "Queue", "Drafts", "_exported"
LOCKED: Final = (
    ("Case", 16),
    ("Title", 52),
    ("Severity", 10),
    ("Amount", 16),
    ("Currency", 9),
    ("Onset", 12),
    ("Business days", 9),
    ("Reconciliation", 20),
    ("Pattern", 22),
    ("Cause", 22),
    ("Scope", 30),
    ("Breaks", 8),
    ("Summary", 60),
)
OPEN: Final = (("Owner", 16), ("State", 14), ("Snooze until", 14), ("Tag", 16), ("Note", 40))
DRAFT_LOCKED: Final = (("Draft", 16), ("Case", 16), ("Kind", 14), ("Where", 36), ("Text", 80), ("Hash", 18))
DRAFT_OPEN: Final = (("Decision", 12), ("Note", 40))
STATES: Final = ("open", "in_review", "waiting", "escalated", "resolved", "reopened", "closed_forced", "snoozed")
TAGS: Final = ("true", "false_positive")
DECISIONS: Final = ("approve", "reject")

_PLAIN_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?")


def safe_cell(text: str) -> str:
    """Text for a CSV cell: what a spreadsheet would take for a formula gets an apostrophe, plain numbers stay.

    >>> safe_cell("=1+1"), safe_cell("-12.50"), safe_cell("-cmd|' /C calc'!A0"), safe_cell("ok")
    ("'=1+1", '-12.50', "'-cmd|' /C calc'!A0", 'ok')
    """
    risky = text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") or text.lstrip()[:1] in ("=", "+", "-", "@")
    return f"'{text}" if risky and not _PLAIN_NUMBER.fullmatch(text) else text


def records_of(desk: Desk, query: CaseQuery | None = None) -> Iterator[CaseRecord]:
    """Every case of a question, page by page, at most `LARGEST`."""
    query = replace(query or CaseQuery(state=("open",)), cursor=None, limit=500)
    left = LARGEST
    while left > 0:
        page = desk.cases.page(query)
        yield from page.records[:left]
        left -= len(page.records)
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


def _locked(desk: Desk, record: CaseRecord) -> list[Any]:
    case = record.case
    words = words_of(desk, case.recon)
    scope = "; ".join(f"{p.column}={p.value}" for p in case.scope)
    return [
        case.id, case.title, case.severity, case.amount, case.currency, case.onset,
        words.age(case.onset, desk.clock(), case.currency), case.recon, words.pattern(case.pattern),
        words.cause(case.cause, case.cause_detail), scope, case.break_count, case.summary,
    ]  # fmt: skip


def _open(record: CaseRecord) -> list[Any]:
    return [record.owner or "", record.case.state, record.snooze_until, "", ""]


def export_queue(desk: Desk, path: Path, query: CaseQuery | None = None) -> int:
    """Writes the queue to `path`, .xlsx or .csv by its ending; answers how many cases that were."""
    return _export_csv(desk, path, query) if path.suffix == ".csv" else _export_xlsx(desk, path, query)


def _export_csv(desk: Desk, path: Path, query: CaseQuery | None) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([name for name, _ in (*LOCKED, *OPEN[:3])])
        for record in records_of(desk, query):
            cells = [*_locked(desk, record), *_open(record)[:3]]
            writer.writerow([safe_cell("" if c is None else str(c)) for c in cells])
            count += 1
    return count


def _export_xlsx(desk: Desk, path: Path, query: CaseQuery | None) -> int:
    book = Workbook(write_only=True)
    sheet = _sheet(book, QUEUE, (*LOCKED, *OPEN), len(LOCKED))
    kept: list[list[Any]] = []
    waiting: list[Action] = []
    for record in records_of(desk, query):
        cells = [*_locked(desk, record), *_open(record)]
        sheet.append([_cell(sheet, value, open_=n >= len(LOCKED)) for n, value in enumerate(cells)])
        kept.append(
            [record.case.id, record.version, record.owner or "", record.case.state, str(record.snooze_until or "")]
        )
        waiting += desk.ledger.list(case_id=record.case.id, state="pending")
    first = len(LOCKED) + 1
    _choices(sheet, first + 1, STATES, len(kept))
    _choices(sheet, first + 3, TAGS, len(kept))
    drafts = _sheet(book, DRAFTS, (*DRAFT_LOCKED, *DRAFT_OPEN), len(DRAFT_LOCKED))
    for action in waiting:
        row = [action.id, action.case_id, action.kind, _where(action), _text(action), action.payload_hash, "", ""]
        drafts.append([_cell(drafts, value, open_=n >= len(DRAFT_LOCKED)) for n, value in enumerate(row)])
    _choices(drafts, len(DRAFT_LOCKED) + 1, DECISIONS, len(waiting))
    hidden = book.create_sheet(KEPT)
    hidden.sheet_state = "hidden"
    for row in kept:
        hidden.append([_cell(hidden, value, open_=False) for value in row])
    book.save(path)
    return len(kept)


def _sheet(book: Workbook, name: str, columns: Sequence[tuple[str, int]], locked: int) -> Any:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "C2"
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.autoFilter = False
    sheet.protection.sort = False
    for n, (_, width) in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(n)].width = width
    head = []
    for n, (title, _) in enumerate(columns):
        cell = WriteOnlyCell(sheet, title)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="5B6670" if n < locked else "0A6767")
        head.append(cell)
    sheet.append(head)
    return sheet


def _cell(sheet: Any, value: Any, *, open_: bool) -> Any:
    """A cell that holds exactly the value: text is never a formula, whatever it begins with."""
    cell: Any = WriteOnlyCell(sheet)
    if isinstance(value, str):
        text = escape(value)[:32_000]
        # Set past the guess of what text means: a string that begins with = would become a formula.
        cell._value = text
        cell.data_type = "s"
        cell.alignment = Alignment(vertical="top", wrap_text=len(text) > 60)
    else:
        cell.value = value
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"
    cell.protection = Protection(locked=not open_)
    return cell


def _choices(sheet: Any, column: int, words: Sequence[str], rows: int) -> None:
    rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True, showErrorMessage=True)
    rule.error = f"One of: {', '.join(words)}"
    letter = get_column_letter(column)
    rule.add(f"{letter}2:{letter}{max(2, rows + 1)}")
    sheet.data_validations.append(rule)


def _where(action: Action) -> str:
    payload = action.payload
    to = (
        payload.get("to")
        or payload.get("project")
        or payload.get("ticket")
        or payload.get("url")
        or payload.get("recon")
    )
    return ", ".join(to) if isinstance(to, list) else str(to or "")


def _text(action: Action) -> str:
    payload = action.payload
    head = payload.get("summary") or payload.get("subject") or payload.get("title") or ""
    prose = payload.get("description") or payload.get("body") or payload.get("comment") or ""
    return f"{head}\n{prose}".strip() if isinstance(prose, str) else str(head)
