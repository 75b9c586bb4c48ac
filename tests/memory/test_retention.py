"""Retention removes what is old and done, says so, and leaves the rest."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.audit import AuditLog
from memory.database import Database
from memory.retention import sweep
from memory.schema import cases, messages

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=40), NOW - timedelta(days=5)


def case(case_id: str, state: str, at: datetime) -> dict[str, object]:
    words = dict.fromkeys(("recon", "kind", "title", "pattern", "cause", "amount", "currency", "family", "search"), "x")
    numbers = dict.fromkeys(("severity", "score", "confidence", "break_count", "amount_base", "version"), 1)
    return {
        **words,
        **numbers,
        "id": case_id,
        "state": state,
        "created_at": at,
        "updated_at": at,
        "spark": [],
        "body": {},
    }


@pytest.fixture
def db(empty: Database) -> Database:
    empty.upgrade()
    with empty.begin() as connection:
        for case_id, state, at in (("done-old", "resolved", OLD), ("done-new", "resolved", NEW), ("open", "open", OLD)):
            connection.execute(sa.insert(cases).values(**case(case_id, state, at)))
            said = {"case_id": case_id, "role": "user", "who": "ann", "text": "why", "body": {}, "at": OLD}
            connection.execute(sa.insert(messages).values(**said))
        afterwards = {"case_id": "done-old", "role": "user", "who": "bob", "text": "and now?", "body": {}, "at": NEW}
        connection.execute(sa.insert(messages).values(**afterwards))
    return empty


def test_only_what_is_old_and_done_goes(db: Database, tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    for name, at in (("old.eml", OLD), ("new.eml", NEW)):
        (tmp_path / "outbox" / name).write_text("To: ops")
        os.utime(tmp_path / "outbox" / name, (at.timestamp(), at.timestamp()))
    audit = AuditLog(db, lambda: NOW)
    said = sweep(tmp_path, db, audit, lambda: NOW, 30)
    assert said == "Retention of 30 days: 1 chat messages, 1 files and 0 cached rows removed."
    with db.read() as connection:
        left = connection.execute(sa.select(messages.c.case_id, messages.c.who)).all()
    assert sorted(map(tuple, left)) == [("done-new", "ann"), ("done-old", "bob"), ("open", "ann")]
    assert [p.name for p in (tmp_path / "outbox").iterdir()] == ["new.eml"]
    assert [row.what for row in audit.rows()] == ["retention"]
    assert sweep(tmp_path, db, audit, lambda: NOW, 30) is None
    assert audit.verify().rows == 1
