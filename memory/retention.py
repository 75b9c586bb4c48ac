"""Retention: what was only there for a case at work goes when the case has been closed for so many days."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from memory import schema as s
from memory.audit import AuditLog
from memory.database import Database
from recon.clock import Clock

BY_AGE: Final = (s.model_answers, s.idempotency, s.autosaves, s.run_events)
"""Tables with a moment `at`, of use for days only."""
FOLDERS: Final = ("outbox", "runs")
"""Copies of mails that were sent, and the files and outputs of runs; the lake and the ledger hold what counts."""


def sweep(home: Path, db: Database, audit: AuditLog, clock: Clock, days: int) -> str | None:
    """Removes what is older than `days`: chats of closed cases, caches, copies. A sentence, or None for nothing."""
    before = clock() - timedelta(days=days)
    files = list(_old_files(home, before))
    closed = sa.select(s.cases.c.id).where(s.cases.c.state.in_(s.CLOSED_STATES), s.cases.c.updated_at < before)
    with db.begin() as connection:
        chats = connection.execute(
            sa.delete(s.messages).where(s.messages.c.case_id.in_(closed), s.messages.c.at < before)
        ).rowcount
        rows = sum(connection.execute(sa.delete(table).where(table.c.at < before)).rowcount for table in BY_AGE)
        if chats or files:
            body = {"days": days, "messages": chats, "files": len(files)}
            audit.append(connection, "tieout", "retention", "workspace", body)
    for path in files:
        path.unlink(missing_ok=True)
    if not (chats or rows or files):
        return None
    return f"Retention of {days} days: {chats:,} chat messages, {len(files):,} files and {rows:,} cached rows removed."


def _old_files(home: Path, before: datetime) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                yield path
