"""A backup brings back what was there, and nothing that was changed on the way."""

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.audit import AuditLog
from memory.backup import restore_backup, write_backup
from memory.database import Database
from memory.schema import audit, messages
from recon.errors import BadInput


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    db = Database(f"sqlite:///{home / 'tieout.db'}")
    db.upgrade()
    db.close()
    (home / "lake").mkdir()
    (home / "lake" / "part.parquet").write_bytes(b"rows")
    return home


def back(home: Path, out: Path) -> str:
    db = Database(f"sqlite:///{home / 'tieout.db'}")
    said = write_backup(home, db, out)
    db.close()
    return said


def test_what_was_there_comes_back(home: Path, tmp_path: Path) -> None:
    back(home, tmp_path / "b.tar.gz")
    restore_backup(tmp_path / "b.tar.gz", tmp_path / "new")
    assert (tmp_path / "new" / "lake" / "part.parquet").read_bytes() == b"rows"
    db = Database(f"sqlite:///{tmp_path / 'new' / 'tieout.db'}")
    with db.read() as connection:
        assert connection.exec_driver_sql("select count(*) from cases").scalar() == 0
    db.close()


def test_a_changed_byte_restores_nothing(home: Path, tmp_path: Path) -> None:
    back(home, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as bundle:
        bundle.extractall(tmp_path / "open", filter="data")
    (tmp_path / "open" / "lake" / "part.parquet").write_bytes(b"rowz")
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as bundle:
        for path in sorted((tmp_path / "open").rglob("*")):
            bundle.add(path, path.relative_to(tmp_path / "open").as_posix(), recursive=False)
    with pytest.raises(BadInput, match="not what was backed up"):
        restore_backup(tmp_path / "bad.tar.gz", tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def test_a_workspace_in_use_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    back(home, tmp_path / "b.tar.gz")
    with pytest.raises(BadInput, match="not empty"):
        restore_backup(tmp_path / "b.tar.gz", home)


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="no whole archive"):
        restore_backup(tmp_path / "x.tar.gz", tmp_path / "new")
    with pytest.raises(BadInput, match="there is no such archive"):
        restore_backup(tmp_path / "y.tar.gz", tmp_path / "new")


def test_a_file_that_was_slipped_in_restores_nothing(home: Path, tmp_path: Path) -> None:
    back(home, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as bundle:
        bundle.extractall(tmp_path / "open", filter="data")
    (tmp_path / "open" / "outbox.eml").write_bytes(b"To: mallory")
    with tarfile.open(tmp_path / "more.tar.gz", "w:gz") as bundle:
        bundle.add(tmp_path / "open", "")
    with pytest.raises(BadInput, match=r"outbox\.eml is not what was backed up"):
        restore_backup(tmp_path / "more.tar.gz", tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def written(db: Database, rows: int) -> AuditLog:
    log = AuditLog(db, lambda: datetime(2026, 6, 2, 12, tzinfo=UTC))
    for n in range(rows):
        with db.begin() as connection:
            log.append(connection, "ann", "noted", f"C{n}", {"note": f"seen, \t and «{n}»"})
    return log


def test_the_audit_is_verified_after_a_restore(home: Path, tmp_path: Path) -> None:
    db = Database(f"sqlite:///{home / 'tieout.db'}")
    written(db, 3).export_head(home / "audit")
    write_backup(home, db, tmp_path / "whole.tar.gz")
    with db.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
        connection.exec_driver_sql("DELETE FROM audit WHERE n = 3")
    write_backup(home, db, tmp_path / "cut.tar.gz")
    db.close()
    whole = restore_backup(tmp_path / "whole.tar.gz", tmp_path / "whole")
    assert whole.ok
    assert "3 rows, each linked" in whole.sentence
    cut = restore_backup(tmp_path / "cut.tar.gz", tmp_path / "cut")
    assert not cut.ok
    assert "the head of row 3 was exported" in cut.sentence


@pytest.mark.postgres
def test_a_postgres_database_comes_back_into_an_empty_one(
    postgres_address: str, other_postgres_address: str, tmp_path: Path
) -> None:
    db = Database(postgres_address)
    db.upgrade()
    written(db, 5)
    with db.begin() as connection:
        connection.execute(
            messages.insert().values(
                case_id="C1", role="user", who="ann", text="why\n\\N?", body={"a": [1, None]}, at=datetime.now(UTC)
            )
        )
    (tmp_path / "home").mkdir()
    assert "files in" in write_backup(tmp_path / "home", db, tmp_path / "b.tar.gz")
    with pytest.raises(BadInput, match="holds tables already"):
        restore_backup(tmp_path / "b.tar.gz", tmp_path / "no", postgres_address)
    with pytest.raises(BadInput, match="set TIEOUT_DATABASE_URL"):
        restore_backup(tmp_path / "b.tar.gz", tmp_path / "no")
    there = Database(other_postgres_address)
    with there.read(), pytest.raises(BadInput, match="a server is using this database"):
        restore_backup(tmp_path / "b.tar.gz", tmp_path / "no", other_postgres_address)
    there.close()
    assert restore_backup(tmp_path / "b.tar.gz", tmp_path / "new", other_postgres_address).ok
    for table in (audit, messages):
        with db.read() as old, there.read() as new:
            assert old.execute(sa.select(table)).all() == new.execute(sa.select(table)).all()
    with there.begin() as connection:
        again = messages.insert().values(case_id="C1", role="user", who="b", text="", body={}, at=datetime.now(UTC))
        assert connection.execute(again).inserted_primary_key == (2,)
    db.close()
    there.close()
