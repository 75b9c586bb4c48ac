"""Migrations: they end where schema.py stands, carry a first workspace along, and never misread a newer one."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from memory.database import Database, revisions
from memory.schema import metadata
from recon.errors import BadInput

FIRST = Path(__file__).with_name("first-schema.sql")
"""The rows of a workspace of the first schema: a run, an approval that was done, a rejection, a chat and a tag."""


def partial_indexes(connection: sa.Connection) -> dict[str, str]:
    """Index -> its condition, which the comparison of metadata does not see."""
    found = {}
    for table in metadata.tables:
        for index in sa.inspect(connection).get_indexes(table):
            options: dict[str, Any] = dict(index.get("dialect_options", {}))
            where = options.get("sqlite_where", options.get("postgresql_where"))
            if where is not None:
                found[str(index["name"])] = "".join(str(where).split()).lower()
    return found


def test_from_nothing_to_here_is_what_the_schema_says(empty: Database) -> None:
    empty.upgrade("0001")
    assert empty.revision() == "0001"
    empty.upgrade()
    elsewhere = set() if empty.is_sqlite else {"ix_cases_search"}

    def belongs(_object: object, name: str | None, *_: object) -> bool:
        return name not in elsewhere

    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": belongs})
        assert compare_metadata(context, metadata) == []
        assert len(partial_indexes(connection)) == 8


def test_upgrading_again_changes_nothing(empty: Database) -> None:
    empty.upgrade()
    empty.upgrade()
    assert empty.revision() == revisions()[-1]


def test_a_newer_workspace_is_refused_in_one_sentence(empty: Database) -> None:
    empty.upgrade()
    with empty.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadInput, match=r"schema 9999 and this program knows \d+ at most: a newer Tieout wrote it"):
        empty.upgrade()
    assert empty.revision() == "9999"


@pytest.fixture
def first_home(tmp_path: Path) -> Path:
    """A workspace as the first schema left it."""
    db = Database(f"sqlite:///{tmp_path / 'tieout.db'}")
    db.upgrade("0001")
    db.close()
    with sqlite3.connect(tmp_path / "tieout.db") as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
    connection.close()
    return tmp_path


def test_a_workspace_of_the_first_schema_goes_on(first_home: Path) -> None:
    from recon.settings import Settings
    from server import open_desk

    desk = open_desk(Settings(_env_file=None, home=first_home))  # type: ignore[call-arg]
    try:
        verdict = desk.audit.verify()
        assert verdict.ok, verdict.sentence
        assert verdict.rows == 11
        states = {a.state for a in desk.ledger.list(limit=100)}
        assert {"done", "pending", "rejected"} <= states
        assert all(desk.cases.get(c.case_id).title for c in desk.ledger.list(limit=100))
        assert [f.note for f in desk.feedback.list(recon="loans")] == ["known"]
        draft = desk.ledger.list(state="pending")[0]
        from memory.action import Person

        desk.ledger.decide(draft.id, "approve", draft.payload_hash, Person("ann", "admin"))
        assert desk.audit.verify().rows == 12
    finally:
        desk.db.close()


def test_a_first_workspace_is_not_changed_by_a_failing_upgrade(
    first_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    def break_down(*_: object, **__: object) -> None:
        msg = "the disk is full"
        raise OSError(msg)

    monkeypatch.setattr(op, "add_column", break_down)
    db = Database(f"sqlite:///{first_home / 'tieout.db'}")
    with pytest.raises(OSError, match="disk is full"):
        db.upgrade()
    assert db.revision() == "0001"
    with db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audit").scalar() == 11
    db.close()
