"""Empty, migrated databases for crash trials: made once, then copied for each world."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from tests.acting.desk import open_desk


@contextmanager
def databases(folder: Path, postgres: str | None) -> Iterator[dict[str, str]]:
    """An empty, migrated database of each kind that can be had: backend -> address."""
    made = {"sqlite": f"sqlite:///{folder / 'tieout.db'}"}
    name = f"tieout_crash_{uuid.uuid4().hex[:10]}"
    if postgres is not None:
        with psycopg.connect(postgres, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
        url = sa.make_url(postgres).set(drivername="postgresql+psycopg", database=name)
        made["postgres"] = url.render_as_string(hide_password=False)
    for url_text in made.values():
        desk = open_desk(url_text, folder)
        desk.db.upgrade()
        desk.db.close()
    try:
        yield made
    finally:
        if postgres is not None:
            with psycopg.connect(postgres, autocommit=True) as conn:
                conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def fresh(url: str, home: Path) -> Iterator[str]:
    """A database of the world's own: a copy of the empty one."""
    made = sa.make_url(url)
    if made.get_backend_name() == "sqlite":
        path = home / "tieout.db"
        shutil.copy(str(made.database), path)
        yield f"sqlite:///{path}"
        return
    name = f"{made.database}_{uuid.uuid4().hex[:6]}"
    admin = made.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{made.database}"')
        # The clients die here, not the server: what it has committed stays, synced or not.
        conn.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        yield made.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: a killed process loses nothing that it wrote there, and fsync is free."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)
