"""An edited workbook back in: every difference is told first, and what a colleague changed meanwhile stays."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from agents.desk import Desk
from memory.action import Person
from recon.errors import BadInput, TieoutError
from web.deeds import STATE_DO, Change, change_case
from web.excel import DECISIONS, DRAFTS, KEPT, LARGEST, QUEUE, STATES, TAGS
from web.tags import Said, give_feedback, tag_of


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
    with _readable(path), path.open("rb") as source, closing(_load(source, path.name)) as book:
        kept = {str(r[0]): r for r in _rows(book, KEPT) if r and r[0]}
        queue = [r for r in _named(book, QUEUE) if r.get("Case")]
        drafts = [r for r in _named(book, DRAFTS) if r.get("Draft")] if DRAFTS in book.sheetnames else []
    edits = [e for row in queue for e in _case_edits(desk, row, kept)]
    edits += [e for row in drafts if (e := _draft_edit(desk, row)) is not None]
    if apply:
        edits = [e if e.conflict else _applied(desk, e, by) for e in edits]
    return Import(tuple(edits), len(queue), apply)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """openpyxl tells of a damaged part by whatever its parsers raise, and only when it comes to the rows."""
    try:
        yield
    except TieoutError:
        raise
    except Exception as error:
        msg = f"{path.name}: this is no Excel workbook (.xlsx); export the queue, edit that file and bring it back"
        raise BadInput(msg) from error


def _load(source: BinaryIO, name: str) -> Any:
    # The file is ours to close: openpyxl leaves its own open when a part is damaged.
    book = load_workbook(source, read_only=True, data_only=True)
    missing = [sheet for sheet in (QUEUE, KEPT) if sheet not in book.sheetnames]
    if missing:
        book.close()
        msg = f"{name}: the sheet {missing[0]!r} is missing; only a workbook that Tieout exported can come back"
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
