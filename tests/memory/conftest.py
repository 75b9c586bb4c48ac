"""Empty databases for the memory tests: SQLite always, PostgreSQL where one can be had."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from memory.database import Database
from tests.acting.postgres import postgres_url


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_url(tmp_path_factory.mktemp("postgres")) as url:
        if url is None:
            pytest.skip("no PostgreSQL: set TIEOUT_TEST_POSTGRES_URL, start one on 127.0.0.1:5432, or install initdb")
        yield url


@pytest.fixture
def postgres_address(postgres_server: str) -> Iterator[str]:
    with _database(postgres_server) as url:
        yield url


@pytest.fixture
def other_postgres_address(postgres_server: str) -> Iterator[str]:
    with _database(postgres_server) as url:
        yield url


@contextmanager
def _database(postgres_server: str) -> Iterator[str]:
    """A database of its own, gone afterwards."""
    name = f"tieout_test_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    url = sa.make_url(postgres_server).set(drivername="postgresql+psycopg", database=name)
    yield url.render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a table, on each kind."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path / 'tieout.db'}")
    else:
        db = Database(request.getfixturevalue("postgres_address"))
    yield db
    db.close()
