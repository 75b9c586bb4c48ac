"""Where the agents' threads are kept between two steps: in PostgreSQL beside the ledger, or in the workspace."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from recon.errors import Damaged
from recon.settings import Settings


@asynccontextmanager
async def open_checkpointer(settings: Settings) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Where threads are kept: PostgreSQL when the ledger is there, else SQLite in the workspace. Raises Damaged."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    strict = JsonPlusSerializer(allowed_msgpack_modules=None)
    path = threads_file(settings)
    if path is None:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        url = settings.sqlalchemy_url()
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        async with AsyncPostgresSaver.from_conn_string(plain, serde=strict) as kept:
            await kept.setup()
            yield kept
        return
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    path.parent.mkdir(parents=True, exist_ok=True)
    async with aiosqlite.connect(path, timeout=30) as connection:
        saver = AsyncSqliteSaver(connection, serde=strict)
        try:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            await saver.setup()
        except sqlite3.OperationalError:
            raise  # locked, or the disk: not what is in the file
        except sqlite3.DatabaseError as error:
            raise _damaged(path, error) from error
        yield saver


def threads_file(settings: Settings) -> Path | None:
    """The file with the threads of an embedded workspace; None when they are in PostgreSQL."""
    return None if settings.sqlalchemy_url().startswith("postgresql") else settings.home / "threads.db"


def check_threads(settings: Settings) -> str:
    """Where threads are kept, in words. Raises Damaged for a file that is none."""
    path = threads_file(settings)
    if path is None:
        return "kept in PostgreSQL"
    if path.exists():
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise _damaged(path, error) from error
    return "kept in the workspace"


def _damaged(path: Path, why: Exception) -> Damaged:
    """Threads can be done without: what was drafted and decided stands in the database."""
    return Damaged(
        f"{path}: the agents' threads cannot be read ({why}). Stop Tieout and move it away, with {path.name}-wal and "
        f"{path.name}-shm: drafts and decisions stand in the database, and work goes on from there"
    )
