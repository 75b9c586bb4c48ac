"""Backup and restore of a workspace: one archive, every file hashed, and nothing restored that does not match."""

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.database import Database
from recon.errors import BadInput

MANIFEST = "manifest.json"
SKIPPED = ("-wal", "-shm", ".tmp")


def write_backup(home: Path, db: Database, out: Path) -> str:
    """Writes the workspace to `out` (tar.gz) while it may be in use; returns a sentence. Raises BadInput."""
    if not home.is_dir():
        msg = f"{home}: there is no workspace here to back up"
        raise BadInput(msg)
    if out.resolve().is_relative_to(home.resolve()):
        msg = f"{out}: write the archive outside of the workspace that it holds"
        raise BadInput(msg)
    hashes: dict[str, str] = {}
    aside = out.with_name(out.name + ".writing")
    with tarfile.open(aside, "w:gz") as archive, tempfile.TemporaryDirectory() as scratch:
        for name, path in _files(home, Path(scratch)):
            content = path.read_bytes()
            hashes[name] = hashlib.sha256(content).hexdigest()
            archive.add(path, name)
        body = json.dumps({"files": hashes, "database": "sqlite" if db.is_sqlite else "external"}).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    aside.replace(out)
    rest = "" if db.is_sqlite else " The database is not in it: back PostgreSQL up with pg_dump."
    return f"{len(hashes):,} files in {out}.{rest}"


def _files(home: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Every file with its name in the archive; SQLite databases as a consistent copy, not as bytes in motion."""
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.name.endswith(SKIPPED):
            continue
        name = path.relative_to(home).as_posix()
        if path.suffix in (".db", ".sqlite3"):
            copy = scratch / hashlib.sha256(name.encode()).hexdigest()
            with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
                source.backup(target)
            yield name, copy
        else:
            yield name, path


def restore_backup(archive: Path, home: Path) -> str:
    """Checks every byte of the archive, then puts it into `home`, which must be empty. Raises BadInput."""
    if home.exists() and any(home.iterdir()):
        msg = f"{home}: this folder is not empty; restore into an empty one, so that nothing is overwritten"
        raise BadInput(msg)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            count = _checked(archive, Path(scratch))
            home.mkdir(parents=True, exist_ok=True)
            for path in sorted(Path(scratch).rglob("*")):
                target = home / path.relative_to(scratch)
                if path.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                elif path.name != MANIFEST or path.parent != Path(scratch):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(path.read_bytes())
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        if isinstance(error, BadInput):
            raise
        msg = f"{archive}: this is no whole archive of a workspace: {error}"
        raise BadInput(msg) from error
    return f"{count:,} files restored into {home}"


def _checked(archive: Path, scratch: Path) -> int:
    with tarfile.open(archive, "r:gz") as bundle:
        bundle.extractall(scratch, filter="data")
    said = json.loads((scratch / MANIFEST).read_text(encoding="utf-8"))["files"]
    for name, expected in said.items():
        path = scratch / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            msg = f"{archive}: {name} is not what was backed up; take another archive"
            raise BadInput(msg)
    return len(said)
