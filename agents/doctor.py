"""`tieout doctor`: every connection and every right that the work needs, one line each, nothing changed."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from agents.desk import Desk
from agents.threads import check_threads
from memory.recons import RunStore
from memory.vectors import VectorsDown
from recon.errors import Damaged, TieoutError
from tools.actions.door import Check


def examine(opener: Callable[[], Desk]) -> list[Check]:
    """One line per thing that could be wrong. Raises BadInput for settings that are wrong, and nothing else.

    Without a database there is no desk: the one line says so.
    """
    try:
        desk = opener()
    except sa.exc.DBAPIError as error:
        said = " ".join(str(error.orig).split())[:300]
        return [Check("database", False, f"It does not answer; look at TIEOUT_DATABASE_URL: {said}")]
    checks = [
        _try("workspace", lambda: _workspace(desk.settings.home)),
        _try("database", lambda: _database(desk)),
        _try("audit", lambda: _audit(desk)),
        _try("lake", lambda: _lake(desk)),
        _try("threads", lambda: check_threads(desk.settings)),
        _try("memory", lambda: _memory(desk)),
        _try("model", lambda: _model(desk)),
    ]
    for door in {id(d): d for d in desk.doors.values()}.values():
        checks += door.check()
    checks += list(_shut_doors(desk))
    return checks


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except TieoutError as error:
        return Check(name, False, str(error))
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _workspace(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    probe = home / f".probe-{uuid.uuid4().hex}"
    probe.write_bytes(b"")
    probe.unlink()
    free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize / 2**30
    if free < 1:
        msg = f"only {free:.1f} GiB are free under {home}; make room before the next run"
        raise OSError(msg)
    return f"{home} can be written; {free:,.0f} GiB are free"


def _database(desk: Desk) -> str:
    with desk.db.read() as connection:
        revision = connection.execute(sa.text("select version_num from alembic_version")).scalar_one()
    if desk.db.is_sqlite and not _begins_as_sqlite(desk.db.engine.url.database or ":memory:"):
        msg = "the file is not a database any more; what answers is its log alone. Stop Tieout and restore a backup"
        raise Damaged(msg)
    kind = "SQLite in the workspace" if desk.db.is_sqlite else "PostgreSQL"
    return f"{kind}, schema {revision}"


def _begins_as_sqlite(path: str) -> bool:
    """Asked of the file, since SQLite reads what its log holds from there and never looks at a file under it."""
    if not Path(path).is_file():
        return True  # in memory
    with Path(path).open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _audit(desk: Desk) -> str:
    found = desk.audit.verify(desk.settings.home / "audit")
    if not found.ok:
        raise ValueError(found.sentence)
    return found.sentence


def _lake(desk: Desk) -> str:
    recons = RunStore(desk.db, desk.clock).names()
    rows = sum(desk.lake.check(recon) for recon in recons)
    where = desk.settings.lake_url or "the workspace"
    return f"{rows:,} rows of {len(recons)} reconciliations at {where}, every part can be opened"


def _memory(desk: Desk) -> str:
    try:
        desk.resolutions.check()
    except VectorsDown as down:
        where = desk.settings.chroma_url
        does = "start it" if where else f"stop Tieout and move {desk.settings.home / 'chroma'} away: it is made anew"
        msg = f"{down}; resolutions are looked up in the database alone until it does. To mend it, {does}."
        raise VectorsDown(msg) from down
    return f"Chroma answers ({desk.settings.chroma_url or 'embedded'})"


def _model(desk: Desk) -> str:
    if not desk.settings.has_live_model():
        return "offline: no key is set, the rules speak"
    from langchain_core.messages import HumanMessage

    answer = desk.model.invoke([HumanMessage("Answer with the one word: ready")])
    return f"{desk.settings.model} answers ({str(answer.content)[:40]!r})"


def _shut_doors(desk: Desk) -> Iterator[Check]:
    for door in desk.ledger.doors():
        yield Check(door.name, False, door.sentence)
