"""Erasing a person's data by key: rows, comments, drafts, chat and files go; ids and hashes stay for the audit."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory import schema as s
from memory.action import Person
from memory.audit import ERASURE, AuditLog
from memory.cases import _body, case_from_body
from memory.database import Database
from memory.resolutions import Resolutions
from recon.errors import BadInput
from recon.lake import Lake

GONE: Final = "[erased]"
SHORTEST: Final = 4
"""A value of fewer characters is not looked for in texts: it would take «USD» out of everybody's."""
LIVE: Final = ("approved", "executing", "checking")
OPEN: Final = ("draft", "pending")
CACHES: Final = ("model_answers", "idempotency", "autosaves")
KEPT_COLUMNS: Final = frozenset({"hash", "payload_hash", "amount", "difference"})


@dataclass(frozen=True)
class Erasure:
    """What holds a key, and whether it is gone."""

    recon: str
    key: dict[str, str]
    applied: bool
    lake_rows: int
    items: int
    cases: int
    """Cases of this key alone: their texts go."""
    shared_cases: int
    """Cases in which other keys stand too: the key's rows and values go."""
    resolutions: int
    texts: int
    """Other cells in which a value of the key stands: it is replaced there."""
    audit_rows: int
    files: tuple[str, ...]
    """Outputs, uploads and mails of the workspace that hold it, by name."""

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "files": list(self.files)}

    def text(self) -> str:
        """What was, or would be, erased."""
        named = ", ".join(f"{column} {value}" for column, value in self.key.items())
        short = [v for v in self.key.values() if len(v) < SHORTEST]
        lines = [
            f"{'Erased' if self.applied else 'Would erase'} {named} of {self.recon}:",
            f"  {self.lake_rows:,} rows in the lake, {self.items:,} items, {self.resolutions:,} resolutions",
            f"  {self.cases:,} cases of this key alone, {self.shared_cases:,} shared with others",
            f"  {self.texts:,} other texts, {self.audit_rows:,} texts of the audit (their hashes stay)",
            f"  {len(self.files):,} files: {', '.join(self.files[:10]) or 'none'}",
        ]
        if short:
            lines.append(f"  Not looked for in texts, for being too short: {', '.join(short)}")
        if not self.applied:
            lines.append("Nothing was changed; --apply does it, and it cannot be undone.")
        lines.append("Backups, exports and outside systems (Jira, mail) are not reached; erase there too.")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Ids:
    """What belongs to the key."""

    items: frozenset[str]
    series: frozenset[str]
    breaks: frozenset[str]
    own: frozenset[str]
    shared: frozenset[str]
    actions: frozenset[str]
    resolutions: frozenset[str]


@dataclass(frozen=True)
class Eraser:
    """The stores that hold what is to go."""

    home: Path
    db: Database
    lake: Lake
    audit: AuditLog
    resolutions: Resolutions

    def erase(self, recon: str, key: Mapping[str, str], by: Person, *, apply: bool) -> Erasure:
        """Finds, and with `apply` erases. Raises BadInput for a key that is none, and while one of its actions leaves.

        Files go first and the audit row last: a crash in between is finished by erasing again.
        """
        if by.role != "admin":
            msg = f"Erasing needs the role admin; {by.name} is {by.role}."
            raise BadInput(msg)
        self._check(recon, key)
        with self.db.read() as connection:
            ids = _ids_of(connection, recon, key)
            words = _words(connection, recon, key, ids)
            live = _column(connection, s.actions, "id", ids.own | ids.shared, "case_id", states=LIVE)
        if live:
            msg = f"{sorted(live)[0]} is approved and not yet done; undo it or let it leave, then erase"
            raise BadInput(msg)
        look_for = _pattern(words)
        files = [path for path in self._files() if _holds(path, words or set(key.values()))]
        if apply:
            for path in files:
                path.unlink(missing_ok=True)
            self.resolutions.forget(recon, sorted(ids.resolutions))
        rows = self.lake.erase(recon, key, apply=apply)
        with self.db.begin() as connection:
            texts = _replaced(connection, look_for, apply=apply)
            numbers = _audit_rows(connection, ids, look_for)
            if apply:
                _forget(connection, ids)
                said = {"recon": recon, "columns": sorted(key), "cases": sorted(ids.own | ids.shared)}
                for start in range(0, max(len(numbers), 1), 500):
                    self.audit.erase(connection, numbers[start : start + 500], by.name, recon[:80], said)
        if apply:
            self._overwrite()
        names = tuple(sorted(path.relative_to(self.home).as_posix() for path in files))
        return Erasure(
            recon, dict(key), apply, rows, len(ids.items), len(ids.own), len(ids.shared),
            len(ids.resolutions), texts, len(numbers), names,
        )  # fmt: skip

    def _check(self, recon: str, key: Mapping[str, str]) -> None:
        layout = self.lake.layout(recon)
        if layout is None:
            msg = f"{recon}: no rows of a reconciliation of this name are kept here"
            raise BadInput(msg)
        foreign = [column for column in key if column not in layout.key]
        if foreign or not key:
            msg = f"{', '.join(foreign) or 'nothing'}: no key column of {recon}; its key is {', '.join(layout.key)}"
            raise BadInput(msg)

    def _files(self) -> Iterator[Path]:
        for folder in ("out", "runs", "demo", "outbox"):
            yield from (p for p in sorted((self.home / folder).rglob("*")) if p.is_file())

    def _overwrite(self) -> None:
        """What was deleted must not be found in the file's free pages either."""
        if not self.db.is_sqlite:
            return
        raw = self.db.engine.raw_connection()
        try:
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def _words(connection: Connection, recon: str, key: Mapping[str, str], ids: _Ids) -> set[str]:
    """What to look for in texts: the values of the key, and what operators wrote of it and of nothing else.

    A comment on this key may have been proposed for another one; «timing», which all share, tells of nobody.
    """
    mine: set[str] = set()
    others: set[str] = set()
    query = sa.select(s.resolutions.c.id, s.resolutions.c.comment).where(s.resolutions.c.recon == recon)
    for row in connection.execute(query):
        (mine if row.id in ids.resolutions else others).add(row.comment.strip())
    return {word for word in (mine - others) | set(key.values()) if len(word) >= SHORTEST}


def _pattern(words: set[str]) -> "re.Pattern[str] | None":
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)") if words else None


def _holds(path: Path, words: set[str]) -> bool:
    """Whether a file may hold one of the words: a text with it, or a table that cannot be searched."""
    if path.suffix in (".parquet", ".xlsx", ".xls", ".gz", ".zip"):
        return True
    wanted = [form for word in words for form in (word.encode(), json.dumps(word)[1:-1].encode())]
    overlap = max(map(len, wanted), default=0)
    with path.open("rb") as source:
        tail = b""
        while block := source.read(1 << 20):
            if any(word in tail + block for word in wanted):
                return True
            tail = block[-overlap:]
    return False


def _ids_of(connection: Connection, recon: str, key: Mapping[str, str]) -> _Ids:
    rows = connection.execute(
        sa.select(s.items.c.id, s.items.c.series_id, s.items.c.key, s.items.c.case_id).where(s.items.c.recon == recon)
    ).all()
    mine = [r for r in rows if all(r.key.get(column) == value for column, value in key.items())]
    items, series = frozenset(r.id for r in mine), frozenset(r.series_id for r in mine)
    breaks = _column(connection, s.case_breaks, "break_id", items, "item_id")
    cases = frozenset(r.case_id for r in mine if r.case_id) | _column(
        connection, s.case_breaks, "case_id", items, "item_id"
    )
    others = set()
    for part in _parts(cases):
        held = sa.select(s.case_breaks.c.case_id, s.case_breaks.c.item_id).where(s.case_breaks.c.case_id.in_(part))
        others |= {r.case_id for r in connection.execute(held) if r.item_id not in items}
    own = cases - others
    return _Ids(
        items, series, breaks, own, cases & others,
        _column(connection, s.actions, "id", own, "case_id"),
        _resolutions_of(connection, recon, key, series),
    )  # fmt: skip


def _resolutions_of(
    connection: Connection, recon: str, key: Mapping[str, str], series: frozenset[str]
) -> frozenset[str]:
    """By their series, which they write in hexadecimal, or by the columns that they remember."""
    names = {f"{int(name):016x}" for name in series}
    query = sa.select(s.resolutions.c.id, s.resolutions.c.series_id, s.resolutions.c.body)
    found = set()
    for row in connection.execute(query.where(s.resolutions.c.recon == recon)):
        columns = (row.body.get("features") or {}).get("columns") or {}
        if row.series_id in names or all(columns.get(column) == value for column, value in key.items()):
            found.add(row.id)
    return frozenset(found)


def _parts(ids: frozenset[str] | Sequence[str], each: int = 500) -> Iterator[list[str]]:
    listed = sorted(ids)
    for start in range(0, len(listed), each):
        yield listed[start : start + each]


def _column(
    connection: Connection, table: sa.Table, column: str, ids: frozenset[str], by: str, states: Sequence[str] = ()
) -> frozenset[str]:
    found: set[str] = set()
    for part in _parts(ids):
        query = sa.select(table.c[column]).where(table.c[by].in_(part))
        if states:
            query = query.where(table.c.state.in_(states))
        found |= {str(row[0]) for row in connection.execute(query)}
    return frozenset(found)


def _forget(connection: Connection, ids: _Ids) -> None:
    """The rows of the key go; what other things point at stays as a shell without a text."""
    for table, column, which in (
        (s.item_events, "item_id", ids.items),
        (s.promises, "item_id", ids.items),
        (s.promises, "series_id", ids.series),
        (s.case_breaks, "item_id", ids.items),
        (s.items, "id", ids.items),
        (s.resolutions, "id", ids.resolutions),
        (s.recon_comments, "break_id", ids.breaks),
        (s.messages, "case_id", ids.own),
        (s.case_events, "case_id", ids.own),
        (s.autosaves, "action_id", ids.actions),
    ):
        for part in _parts(which):
            connection.execute(sa.delete(table).where(table.c[column].in_(part)))
    blank = json.dumps({"erased": True}, separators=(",", ":"))
    shells: tuple[tuple[sa.Table, str, frozenset[str], dict[str, Any]], ...] = (
        (s.actions, "id", ids.actions, {"payload": blank, "proposal": blank, "rationale": GONE}),
        (s.decisions, "action_id", ids.actions, {"payload": None, "note": ""}),
        (s.feedback, "target_id", ids.own | ids.breaks, {"note": "", "scope": {}, "features": {}, "active": False}),
        (s.tickets, "action_id", ids.actions, {"body": {}}),
        (s.ticket_comments, "id", ids.actions, {"body": GONE}),
    )
    for table, column, which, values in shells:
        for part in _parts(which):
            connection.execute(sa.update(table).where(table.c[column].in_(part)).values(**values))
    for part in _parts(ids.actions):
        for row in connection.execute(
            sa.select(s.actions.c.id, s.actions.c.meta).where(s.actions.c.id.in_(part))
        ).all():
            meta = {"amount_base": row.meta["amount_base"]}
            connection.execute(sa.update(s.actions).where(s.actions.c.id == row.id).values(meta=meta))
    for part in _parts(ids.own | ids.shared):
        waiting = s.actions.c.case_id.in_(part) & s.actions.c.state.in_(OPEN)
        connection.execute(sa.update(s.actions).where(waiting).values(state="superseded"))
    for part in _parts(ids.own):
        for row in connection.execute(sa.select(s.cases.c.id, s.cases.c.body).where(s.cases.c.id.in_(part))).all():
            shell = replace(
                case_from_body(row.body), title=GONE, summary=GONE, cause_detail="", scope=(), evidence=(),
                hypotheses=(), similar=(), key={}, rows=(), state="closed_forced",
            )  # fmt: skip
            values = {"title": GONE, "search": "", "spark": [], "body": _body(shell), "state": "closed_forced"}
            connection.execute(sa.update(s.cases).where(s.cases.c.id == row.id).values(**values))


def _replaced(connection: Connection, look_for: "re.Pattern[str] | None", *, apply: bool) -> int:
    """Every other cell in which a value stands, in every table; caches lose the whole row."""
    if look_for is None:
        return 0
    count = 0
    for table in s.metadata.sorted_tables:
        if table.name == "audit":
            continue
        columns = [c for c in table.columns if not c.primary_key and _is_text(c)]
        for row in connection.execute(sa.select(*table.primary_key.columns, *columns)).mappings().all():
            found = {c.name: new for c in columns if (new := _without(row[c.name], look_for)) != row[c.name]}
            if not found:
                continue
            count += len(found)
            here = [c == row[c.name] for c in table.primary_key.columns]
            if apply and table.name in CACHES:
                connection.execute(sa.delete(table).where(*here))
            elif apply:
                connection.execute(sa.update(table).where(*here).values(**found))
    return count


def _is_text(column: "sa.Column[Any]") -> bool:
    if column.name in KEPT_COLUMNS or column.name.endswith(("_hash", "_id", "_by", "_key")):
        return False
    return isinstance(column.type, sa.Text | sa.JSON | sa.LargeBinary) or (
        isinstance(column.type, sa.String) and (column.type.length or 0) >= 120
    )


def _without(value: Any, look_for: "re.Pattern[str]") -> Any:
    match value:
        case str():
            return look_for.sub(GONE, value)
        case bytes():
            return look_for.sub(GONE, value.decode("utf-8", "replace")).encode() if _in(value, look_for) else value
        case dict():
            return {_without(k, look_for): _without(v, look_for) for k, v in value.items()}
        case list():
            return [_without(v, look_for) for v in value]
        case _:
            return value


def _in(value: bytes, look_for: "re.Pattern[str]") -> bool:
    return look_for.search(value.decode("utf-8", "replace")) is not None


def _audit_rows(connection: Connection, ids: _Ids, look_for: "re.Pattern[str] | None") -> list[int]:
    """Rows that speak of the key's cases, drafts and breaks, or in whose text one of its values stands."""
    targets = ids.own | ids.actions | ids.breaks
    rows = connection.execute(
        sa.select(s.audit.c.n, s.audit.c.target, s.audit.c.body).where(
            s.audit.c.body_hash.is_(None), s.audit.c.what != ERASURE
        )
    )
    return [r.n for r in rows if r.target in targets or (look_for is not None and look_for.search(r.body))]
