"""The Excel round trip: the queue out with drop-downs and locked keys, edits back in with conflicts told first."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.utils.escape import escape, unescape
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from agents.desk import Desk
from memory.action import Action, Person
from memory.cases import CaseQuery, CaseRecord
from recon.errors import BadInput, TieoutError
from web.deeds import STATE_DO, Change, Said, change_case, give_feedback, tag_of
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


# --- out -------------------------------------------------------------------------------------------------------


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


# --- back in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """One changed cell."""

    target: str
    """The case, or the draft."""
    what: str
    """`owner`, `state`, `snooze_until`, `tag`, `decision`."""
    before: str
    after: str
    note: str = ""
    conflict: str = ""
    """Why it cannot simply be done: somebody changed the same meanwhile, or the word is none."""
    result: str = ""
    """What came of it; empty before it is applied."""
    ok: bool = True


@dataclass(frozen=True)
class Import:
    """What a workbook would change, or changed."""

    edits: tuple[Edit, ...]
    rows: int
    applied: bool

    @property
    def conflicts(self) -> int:
        return sum(bool(e.conflict) for e in self.edits)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "applied": self.applied,
            "conflicts": self.conflicts,
            "edits": [{name: getattr(e, name) for name in e.__dataclass_fields__} for e in self.edits],
        }

    def text(self) -> str:
        """For the terminal: a line for each edit."""
        head = f"{self.rows} rows read, {len(self.edits)} edits, {self.conflicts} conflicts."
        lines = [
            f"{e.target}  {e.what}: {e.before or '-'} -> {e.after or '-'}"
            + (f"  CONFLICT: {e.conflict}" if e.conflict else f"  {e.result}" if e.result else "")
            for e in self.edits
        ]
        tail = (
            [] if self.applied or not self.edits else ["Nothing was saved; add --apply to save what has no conflict."]
        )
        return "\n".join([head, *lines, *tail])


def import_queue(desk: Desk, path: Path, *, apply: bool = False, by: Person) -> Import:
    """Reads an edited workbook back. Without `apply` it only tells; with it, edits in conflict are left out.

    Raises BadInput when the file is no workbook of ours.
    """
    book = _load(path)
    try:
        kept = {str(r[0]): r for r in _rows(book, KEPT) if r and r[0]}
        queue = [r for r in _named(book, QUEUE) if r.get("Case")]
        drafts = [r for r in _named(book, DRAFTS) if r.get("Draft")] if DRAFTS in book.sheetnames else []
    finally:
        book.close()
    edits = [e for row in queue for e in _case_edits(desk, row, kept)]
    edits += [e for row in drafts if (e := _draft_edit(desk, row)) is not None]
    if apply:
        edits = [e if e.conflict else _applied(desk, e, by) for e in edits]
    return Import(tuple(edits), len(queue), apply)


def _load(path: Path) -> Any:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError, TypeError) as error:
        msg = f"{path.name}: this is no Excel workbook (.xlsx); export the queue, edit that file and bring it back"
        raise BadInput(msg) from error
    missing = [name for name in (QUEUE, KEPT) if name not in book.sheetnames]
    if missing:
        book.close()
        msg = f"{path.name}: the sheet {missing[0]!r} is missing; only a workbook that Tieout exported can come back"
        raise BadInput(msg)
    return book


def _rows(book: Any, name: str) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(book[name].iter_rows(values_only=True)):
        if n > LARGEST + 1:
            msg = f"{name}: more than {LARGEST:,} rows; bring back fewer at once"
            raise BadInput(msg)
        yield row


def _named(book: Any, name: str) -> list[dict[str, Any]]:
    rows = iter(_rows(book, name))
    head = [str(h) for h in next(rows, ())]
    return [dict(zip(head, row, strict=False)) for row in rows]


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    return unescape(str(value)).strip()


def _case_edits(desk: Desk, row: Mapping[str, Any], kept: Mapping[str, tuple[Any, ...]]) -> Iterator[Edit]:
    case_id = _said(row["Case"])
    was = kept.get(case_id)
    note = _said(row.get("Note"))
    if was is None:
        yield Edit(case_id, "case", "", "", conflict="this case was not in the export; keys cannot be edited", ok=False)
        return
    try:
        record = desk.cases.record(case_id)
    except TieoutError as error:
        yield Edit(case_id, "case", "", "", conflict=str(error), ok=False)
        return
    now = {"owner": record.owner or "", "state": record.case.state, "snooze_until": str(record.snooze_until or "")}
    cells = {"owner": ("Owner", 2), "state": ("State", 3), "snooze_until": ("Snooze until", 4)}
    for what, (title, n) in cells.items():
        after, before = _said(row.get(title)), _said(was[n])
        if after == before or after == now[what]:
            continue
        conflict = _unfit(what, after)
        if now[what] != before and not conflict:
            conflict = f"meanwhile it became {now[what] or 'empty'}"
        yield Edit(case_id, what, now[what], after, note, conflict, ok=not conflict)
    if tag := _said(row.get("Tag")):
        conflict = "" if tag in TAGS else f"{tag!r} is none of {', '.join(TAGS)}"
        yield Edit(case_id, "tag", "", tag, note, conflict, ok=not conflict)


def _unfit(what: str, after: str) -> str:
    if what == "state" and after not in STATES:
        return f"{after!r} is none of {', '.join(STATES)}"
    if what == "snooze_until" and after:
        try:
            date.fromisoformat(after)
        except ValueError:
            return f"{after!r} is no day"
    return ""


def _draft_edit(desk: Desk, row: Mapping[str, Any]) -> Edit | None:
    decision = _said(row.get("Decision"))
    if not decision:
        return None
    draft, seen, note = _said(row["Draft"]), _said(row.get("Hash")), _said(row.get("Note"))
    conflict, state = "", ""
    try:
        action = desk.ledger.get(draft)
        state = action.state
        if action.payload_hash != seen:
            conflict = "the draft was changed since it was exported; look at it again"
        elif action.state not in ("draft", "pending"):
            conflict = f"it is {action.state} by now"
    except TieoutError as error:
        conflict = str(error)
    if decision not in DECISIONS:
        conflict = f"{decision!r} is none of {', '.join(DECISIONS)}"
    return Edit(draft, "decision", state, decision, note, conflict, ok=not conflict)


def _applied(desk: Desk, edit: Edit, by: Person) -> Edit:
    try:
        return replace(edit, result=_apply(desk, edit, by))
    except TieoutError as error:
        return replace(edit, result=str(error), ok=False)


def _apply(desk: Desk, edit: Edit, by: Person) -> str:
    match edit.what:
        case "owner":
            do = "assign" if edit.after else "unassign"
            return change_case(desk, by, edit.target, Change(do, edit.note or "by Excel", edit.after or None))[
                1
            ].sentence
        case "state":
            if edit.after == "snoozed":
                return "Snoozed by its date."
            do = {"open": "wake", **STATE_DO}[edit.after]
            return change_case(desk, by, edit.target, Change(do, edit.note))[1].sentence
        case "snooze_until":
            until = date.fromisoformat(edit.after) if edit.after else None
            do = "snooze" if until else "wake"
            return change_case(desk, by, edit.target, Change(do, edit.note, until=until))[1].sentence
        case "tag":
            tag = tag_of(desk, desk.cases.get(edit.target), Said(edit.after, edit.note))
            give_feedback(desk, by, tag, edit.target)
            return "Tagged."
        case _:
            seen = desk.ledger.get(edit.target).payload_hash
            return desk.ledger.decide(edit.target, edit.after, seen, by, None, edit.note).sentence  # type: ignore[arg-type]
