"""The audit: an append-only, hash-chained list of who did what, when and on which bytes."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.canonical import canonical, hash_of
from memory.database import Database
from memory.schema import audit
from recon.clock import Clock

GENESIS = "0" * 64
ERASURE = "erased"
"""What the row of the chain says that tells which texts were let go."""
_LOCK = 7108
"""PostgreSQL advisory lock: one writer of the chain at a time."""


@dataclass(frozen=True)
class AuditRow:
    """One link of the chain."""

    n: int
    """1, 2, 3, ... without a gap."""
    at: datetime
    who: str
    what: str
    target: str
    payload_hash: str | None
    body: str
    """Canonical JSON."""
    previous: str
    hash: str
    body_hash: str | None = None
    """SHA-256 of a body that was erased; None while the body is there."""

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "at": self.at.isoformat(),
            "who": self.who,
            "what": self.what,
            "target": self.target,
            "payload_hash": self.payload_hash,
            "body": json.loads(self.body),
            "previous": self.previous,
            "hash": self.hash,
        }


@dataclass(frozen=True)
class Verdict:
    """What verifying found."""

    ok: bool
    rows: int
    head: str
    sentence: str
    first_bad: int | None = None


ERASED = '{"erased":true}'
"""What stands where a body was; the database lets nothing else take its place."""


class AuditLog:
    """Writes and checks the chain. `append` belongs into the transaction of the change that it tells of."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def lock(self, conn: Connection) -> None:
        """Waits for its turn to write the chain; released by commit or rollback. SQLite has one writer anyway."""
        if not self._db.is_sqlite:
            conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    def append(
        self,
        conn: Connection,
        who: str,
        what: str,
        target: str,
        body: Mapping[str, Any],
        payload_hash: str | None = None,
    ) -> AuditRow:
        """Adds one row within the caller's write transaction; raises NotCanonical for floats in the body."""
        self.lock(conn)
        last = conn.execute(sa.select(audit.c.n, audit.c.hash).order_by(audit.c.n.desc()).limit(1)).first()
        n, previous = (last.n + 1, last.hash) if last else (1, GENESIS)
        at = self._clock()
        text = canonical(dict(body))
        link = _link(n, at, who, what, target, payload_hash, _digest(text), previous)
        row = AuditRow(n, at, who, what, target, payload_hash, text, previous, link)
        conn.execute(audit.insert().values(**vars(row)))
        return row

    def head(self) -> tuple[int, str]:
        """The newest row's number and hash; (0, zeros) when there is none."""
        with self._db.read() as conn:
            last = conn.execute(sa.select(audit.c.n, audit.c.hash).order_by(audit.c.n.desc()).limit(1)).first()
        return (last.n, last.hash) if last else (0, GENESIS)

    def rows(
        self, *, target: str | None = None, after: int = 0, until: datetime | None = None, limit: int = 1000
    ) -> list[AuditRow]:
        """Rows in order, after number `after`, of one target or of all, no later than `until`."""
        query = sa.select(audit).where(audit.c.n > after).order_by(audit.c.n).limit(limit)
        if target is not None:
            query = query.where(audit.c.target == target)
        if until is not None:
            query = query.where(audit.c.at <= until)
        with self._db.read() as conn:
            return [AuditRow(**row._mapping) for row in conn.execute(query)]

    def verify(self, heads: Path | None = None) -> Verdict:
        """Walks the whole chain; with `heads`, also checks that each exported head is still part of it.

        A changed byte, a missing, added or moved row breaks the chain; a cut-off tail breaks an exported head.
        """
        marks = dict(read_heads(heads)) if heads is not None else {}
        previous, count = GENESIS, 0
        unexplained: set[int] = set()
        for row in self._walk():
            count += 1
            why = _fault(row, count, previous)
            if row.body_hash is not None:
                unexplained.add(row.n)
            elif row.what == ERASURE:
                unexplained -= set(json.loads(row.body)["audit_rows"])
            if why is None and marks.get(row.n, row.hash) != row.hash:
                why = f"row {row.n} is not the one whose hash was exported"
            if why:
                return Verdict(
                    ok=False, rows=count, head=previous, sentence=f"The audit is broken: {why}.", first_bad=count
                )
            previous = row.hash
        if unexplained:
            first = min(unexplained)
            why = f"The audit is broken: the text of row {first} is gone, and no later row says that it was erased."
            return Verdict(ok=False, rows=count, head=previous, sentence=why, first_bad=first)
        lost = [n for n in marks if n > count]
        if lost:
            why = f"The audit is broken: it ends at row {count}, but the head of row {max(lost)} was exported."
            return Verdict(ok=False, rows=count, head=previous, sentence=why, first_bad=count + 1)
        said = f"{count} rows, each linked to the one before; head {previous[:16]}."
        if marks:
            said += f" {len(marks)} exported heads agree."
        return Verdict(ok=True, rows=count, head=previous, sentence=said)

    def erase(self, conn: Connection, numbers: Sequence[int], who: str, target: str, body: Mapping[str, Any]) -> int:
        """Lets the texts of these rows go, their hashes stay; one row of the chain says which. How many those were."""
        query = sa.select(audit.c.n, audit.c.body).where(audit.c.n.in_(numbers), audit.c.body_hash.is_(None))
        rows = conn.execute(query).all()
        for row in rows:
            values = {"body": ERASED, "body_hash": _digest(row.body)}
            conn.execute(sa.update(audit).where(audit.c.n == row.n).values(values))
        self.append(conn, who, ERASURE, target, {**body, "audit_rows": sorted(row.n for row in rows)})
        return len(rows)

    def export_head(self, folder: Path) -> Path | None:
        """Writes the head into today's `audit-head-YYYY-MM-DD.json`; None when it stands there or there is nothing.

        Today's file follows the head, so that a day's file ends as that day's last row: nothing before it can be cut
        off unseen. What no longer holds the exported row is for `verify` to tell, not to paint over.
        Keep the folder, or a copy, where the database's administrator cannot write: that is what it is for.
        """
        path = folder / f"audit-head-{self._clock().date().isoformat()}.json"
        n, head = self.head()
        if n == 0 or (path.exists() and not self._follows(_read_head(path), n)):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{path.stem}-{uuid.uuid4().hex}.part"  # two executors may come to it at once
        with partial.open("w", encoding="utf-8") as out:
            json.dump({"day": path.stem.removeprefix("audit-head-"), "n": n, "hash": head}, out)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
        return path

    def _follows(self, exported: tuple[int, str], n: int) -> bool:
        """Whether the chain has grown since, and still holds the exported row."""
        with self._db.read() as conn:
            there = conn.execute(sa.select(audit.c.hash).where(audit.c.n == exported[0])).scalar_one_or_none()
        return n > exported[0] and there == exported[1]

    def _walk(self, batch: int = 2000) -> Iterator[AuditRow]:
        after: int | None = None
        while True:
            query = sa.select(audit).order_by(audit.c.n).limit(batch)
            if after is not None:
                query = query.where(audit.c.n > after)
            with self._db.read() as conn:
                rows = [AuditRow(**row._mapping) for row in conn.execute(query)]
            yield from rows
            if len(rows) < batch:
                return
            after = rows[-1].n


def read_heads(folder: Path) -> Sequence[tuple[int, str]]:
    """The exported heads in a folder as (row number, hash)."""
    return [_read_head(path) for path in sorted(folder.glob("audit-head-*.json"))]


def _read_head(path: Path) -> tuple[int, str]:
    said = json.loads(path.read_text(encoding="utf-8"))
    return int(said["n"]), str(said["hash"])


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _link(
    n: int,
    at: datetime,
    who: str,
    what: str,
    target: str,
    payload_hash: str | None,
    body_hash: str,
    previous: str,
) -> str:
    return hash_of(
        {
            "n": n,
            "at": at.isoformat(),
            "who": who,
            "what": what,
            "target": target,
            "payload_hash": payload_hash,
            "body": body_hash,
            "previous": previous,
        }
    )


def _fault(row: AuditRow, n: int, previous: str) -> str | None:
    if row.n != n:
        return f"row {n} is missing (the next is {row.n})"
    if row.previous != previous:
        return f"row {n} does not follow row {n - 1}"
    if row.body_hash is not None and row.body != ERASED:
        return f"row {n} was changed after it was written"
    body_hash = row.body_hash or _digest(row.body)
    found = _link(row.n, row.at, row.who, row.what, row.target, row.payload_hash, body_hash, row.previous)
    if found != row.hash:
        return f"row {n} was changed after it was written"
    return None
