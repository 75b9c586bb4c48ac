"""The database: one engine, short transactions, migrations; SQLite by default, PostgreSQL by address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from recon.errors import BadInput

MIGRATIONS = Path(__file__).parent / "migrations"


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, full durability, and transactions that begin when we say so.

    pysqlite's own BEGIN is deferred: two writers would read first and then one would fail to upgrade its lock
    (SQLITE_BUSY without waiting). `BEGIN IMMEDIATE` takes the lock at once and waits for it.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("tieout_writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _parsed(url: str) -> URL:
    """The address, checked; the message does not repeat it, for it may hold a password. Raises BadInput."""
    try:
        parsed = make_url(url)
        known = parsed.get_backend_name() in ("sqlite", "postgresql")
    except (sa.exc.ArgumentError, ValueError):
        known = False
    if not known:
        msg = "TIEOUT_DATABASE_URL: this is no address of a database; write postgresql://user:password@host/name"
        raise BadInput(msg)
    return parsed


def _prepare_postgres(engine: Engine) -> None:
    """A server that freezes within a transaction (a paused machine) must not hold the ledger's lock for ever, and who
    waits for a lock is told so after as long as on SQLite.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.execute("SET lock_timeout = '30s'")
        connection.autocommit = False


class Database:
    """A SQL database at an SQLAlchemy address. Opening it does no work; `upgrade()` makes the tables."""

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.url = url
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
            _prepare_sqlite(self.engine)
        else:
            self.engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
            _prepare_postgres(self.engine)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed when the block ends, rolled back when it raises."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot to read from; takes no write lock."""
        with self.engine.connect() as connection:
            reading = connection.execution_options(tieout_writes=False)
            with reading.begin():
                yield reading

    def upgrade(self) -> None:
        """Brings the tables to this version, from an empty database or any released schema."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        with self.begin() as connection:
            if not self.is_sqlite:
                # Two servers that start together must not both migrate, however long the first one takes.
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7107)")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()
