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


def revisions() -> list[str]:
    """The schemas that this program knows, oldest first."""
    return sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def alembic_config() -> Any:
    """Alembic's settings, without its file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


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

    def revision(self) -> str | None:
        """The schema that the database has; None when it is empty."""
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()
        return None if found is None else str(found)

    def upgrade(self, to: str | None = None) -> None:
        """Brings the tables to this version (or to revision `to`), from an empty database or any released schema.

        Raises BadInput when a newer program has written it: this one would misread what it does not know.
        """
        known = revisions()
        target, found = to or known[-1], self.revision()
        if found == target:
            return  # alembic takes a third of a second to import
        if found is not None and found not in known:
            msg = (
                f"this workspace has schema {found} and this program knows {known[-1]} at most: a newer Tieout wrote "
                "it; run that version, or restore a backup from before the upgrade"
            )
            raise BadInput(msg)
        from alembic import command

        config = alembic_config()
        with self.begin() as connection:
            if not self.is_sqlite:
                # Two servers that start together must not both migrate, however long the first one takes.
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7107)")
            config.attributes["connection"] = connection
            command.upgrade(config, target)

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()
