"""A backup brings back what was there, and nothing that was changed on the way."""

import tarfile
from pathlib import Path

import pytest

from memory.backup import restore_backup, write_backup
from memory.database import Database
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
    assert not (tmp_path / "new").exists()


def test_a_workspace_in_use_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    back(home, tmp_path / "b.tar.gz")
    with pytest.raises(BadInput, match="not empty"):
        restore_backup(tmp_path / "b.tar.gz", home)


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="no whole archive"):
        restore_backup(tmp_path / "x.tar.gz", tmp_path / "new")
