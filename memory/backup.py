"""Backup and restore of a workspace: one archive, every file hashed, the audit verified, nothing overwritten."""

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory import pgcopy
from memory.audit import AuditLog
from memory.database import Database
from recon.clock import system_clock
from recon.errors import BadInput

MANIFEST = "manifest.json"
DATABASE = "tieout.db"
POSTGRES = ".postgresql"
"""The folder of the archive that holds a PostgreSQL database, one file a table."""
SKIPPED = ("-wal", "-shm", ".tmp")


@dataclass(frozen=True)
class Restored:
    """What a restore came to."""

    ok: bool
    """False: everything is there, but the audit does not verify; it did not when the backup was made."""
    sentence: str


def write_backup(home: Path, db: Database, out: Path, lake_url: str | None = None) -> str:
    """Writes the workspace to `out` (tar.gz) while it may be in use; returns a sentence. Raises BadInput."""
    if not home.is_dir():
        msg = f"{home}: there is no workspace here to back up"
        raise BadInput(msg)
    if out.resolve().is_relative_to(home.resolve()):
        msg = f"{out}: write the archive outside of the workspace that it holds"
        raise BadInput(msg)
    hashes: dict[str, str] = {}
    aside = out.with_name(out.name + ".writing")
    try:
        with tarfile.open(aside, "w:gz") as archive, tempfile.TemporaryDirectory() as scratch:
            for name, path in _files(home, db, Path(scratch)):
                hashes[name] = _digest(path)
                archive.add(path, name)
            kind = "sqlite" if db.is_sqlite else "postgresql"
            body = json.dumps({"files": hashes, "database": kind, "revision": db.revision()}).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        aside.replace(out)
    except OSError as error:
        aside.unlink(missing_ok=True)
        msg = f"{out}: the archive cannot be written: {error.strerror or error}"
        raise BadInput(msg) from error
    rest = f" The lake at {lake_url} is not in it: back it up where it is kept." if lake_url else ""
    return f"{len(hashes):,} files in {out}.{rest}"


def _files(home: Path, db: Database, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Every file with its name in the archive; databases as a consistent copy, not as bytes in motion."""
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_symlink() or path.name.endswith(SKIPPED):
            continue
        name = path.relative_to(home).as_posix()
        if path.suffix in (".db", ".sqlite3"):
            copy = scratch / hashlib.sha256(name.encode()).hexdigest()
            with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
                source.backup(target)
            yield name, copy
        else:
            yield name, path
    if not db.is_sqlite:
        for name, path in pgcopy.dump(db, scratch):
            yield f"{POSTGRES}/{name}", path


def restore_backup(archive: Path, home: Path, db_url: str | None = None) -> Restored:
    """Checks every byte of the archive, then puts it into `home`, which must be empty, and verifies the audit.

    `db_url` is where a PostgreSQL backup goes: a database without tables that nobody else is using. Raises BadInput.
    """
    if not archive.is_file():
        msg = f"{archive}: there is no such archive"
        raise BadInput(msg)
    if home.exists() and any(home.iterdir()):
        msg = f"{home}: this folder is not empty; restore into an empty one, so that nothing is overwritten"
        raise BadInput(msg)
    home.mkdir(parents=True, exist_ok=True)
    # Beside its place and not in /tmp: moved there in one step, and as large as the disk allows.
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".restoring-") as scratch:
        said = _checked(archive, Path(scratch))
        if said["database"] == "postgresql":
            _fill_postgres(archive, Path(scratch) / POSTGRES, said["revision"], db_url)
        shutil.rmtree(Path(scratch) / POSTGRES, ignore_errors=True)
        (Path(scratch) / MANIFEST).unlink()
        for path in sorted(Path(scratch).iterdir()):
            shutil.move(path, home / path.name)
    return _verified(home, said, db_url)


def _checked(archive: Path, scratch: Path) -> dict[str, Any]:
    try:
        with tarfile.open(archive, "r:gz") as bundle:
            bundle.extractall(scratch, filter="data")
        said: dict[str, Any] = json.loads((scratch / MANIFEST).read_text(encoding="utf-8"))
        expected: dict[str, str] = said["files"]
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        msg = f"{archive}: this is no whole archive of a workspace: {error}"
        raise BadInput(msg) from error
    found = {p.relative_to(scratch).as_posix() for p in scratch.rglob("*") if p.is_file()} - {MANIFEST}
    for name in sorted(found | expected.keys()):
        if name not in found or _digest(scratch / name) != expected.get(name):
            msg = f"{archive}: {name} is not what was backed up; take another archive"
            raise BadInput(msg)
    return said


def _fill_postgres(archive: Path, folder: Path, revision: str, db_url: str | None) -> None:
    if db_url is None or not db_url.startswith("postgresql"):
        msg = f"{archive}: it holds a PostgreSQL database; set TIEOUT_DATABASE_URL to an empty one to restore into"
        raise BadInput(msg)
    db = Database(db_url)
    try:
        pgcopy.load(db, folder, revision)
    finally:
        db.close()


def _verified(home: Path, said: dict[str, Any], db_url: str | None) -> Restored:
    count = f"{len(said['files']):,} files restored into {home}"
    url = db_url if said["database"] == "postgresql" and db_url else f"sqlite:///{home / DATABASE}"
    db = Database(url)
    try:
        db.upgrade()
        verdict = AuditLog(db, system_clock).verify(home / "audit")
    finally:
        db.close()
    return Restored(verdict.ok, f"{count}. Audit: {verdict.sentence}")


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
