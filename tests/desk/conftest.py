"""An empty migrated database for each test: SQLite always, PostgreSQL where one can be had."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from memory.database import Database
from memory.schema import metadata
from tests.acting.postgres import postgres_url


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file: copying it is faster than migrating."""
    path = tmp_path_factory.mktemp("migrated") / "tieout.db"
    db = Database(f"sqlite:///{path}")
    db.upgrade()
    db.close()
    return path


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database of its own for the session."""
    with postgres_url(tmp_path_factory.mktemp("postgres")) as server:
        if server is None:
            pytest.skip("no PostgreSQL: set TIEOUT_TEST_POSTGRES_URL, start one on 127.0.0.1:5432, or install initdb")
        name = f"tieout_desk_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        url = sa.make_url(server).set(drivername="postgresql+psycopg", database=name)
        db = Database(url.render_as_string(hide_password=False))
        db.upgrade()
        yield db
        db.close()
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def db(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty workspace's database, where the kind does not matter."""
    path = tmp_path / "tieout.db"
    shutil.copy(migrated, path)
    found = Database(f"sqlite:///{path}")
    sa.event.listen(found.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    yield found
    found.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_db(request: pytest.FixtureRequest) -> Database:
    """An empty database of each kind; what the audit holds stays, since nothing may take it away."""
    if request.param == "sqlite":
        found: Database = request.getfixturevalue("db")
        return found
    server: Database = request.getfixturevalue("on_postgres")
    with server.begin() as connection:
        tables = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table.name != "audit")
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return server
