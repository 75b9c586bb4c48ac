"""Databases for the acting tests: SQLite always, PostgreSQL where one can be had."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.acting.desk import TestDesk, open_desk
from tests.acting.postgres import postgres_url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file: copying it is faster than migrating."""
    path = tmp_path_factory.mktemp("template") / "tieout.db"
    desk = open_desk(f"sqlite:///{path}", path.parent)
    desk.db.upgrade()
    desk.db.close()
    return path


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_url(tmp_path_factory.mktemp("postgres")) as url:
        if url is None:
            pytest.skip("no PostgreSQL: set TIEOUT_TEST_POSTGRES_URL, start one on 127.0.0.1:5432, or install initdb")
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """One database for the whole session, migrated; its tables are emptied between tests."""
    name = f"tieout_test_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    url = sa.make_url(postgres_server).set(drivername="postgresql+psycopg", database=name)
    text = url.render_as_string(hide_password=False)
    desk = open_desk(text, Path("unused"))
    desk.db.upgrade()
    desk.db.close()
    yield text
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestDesk]:
    """An empty desk on each database."""
    if request.param == "sqlite":
        path = tmp_path / "tieout.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        made = hurry(open_desk(f"sqlite:///{path}", tmp_path))
    else:
        made = open_desk(request.getfixturevalue("postgres_database"), tmp_path)
        empty(made)
    yield made
    made.db.close()


@pytest.fixture
def sqlite_desk(sqlite_template: Path, tmp_path: Path) -> Iterator[TestDesk]:
    """An empty desk where the database does not matter."""
    path = tmp_path / "tieout.db"
    shutil.copy(sqlite_template, path)
    made = hurry(open_desk(f"sqlite:///{path}", tmp_path))
    yield made
    made.db.close()


def hurry(desk: TestDesk) -> TestDesk:
    """Spares the disk: these tests lose no power."""

    @sa.event.listens_for(desk.db.engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    return desk


def empty(desk: TestDesk) -> None:
    """Removes every row that acting leaves, the audit's too: a test's database, not a bank's."""
    ours = ("decisions", "actions", "audit", "doors", "tickets", "ticket_comments", "ticket_links", "recon_comments")
    with desk.db.begin() as conn:
        conn.exec_driver_sql("SET session_replication_role = replica")
        for name in ours:
            conn.exec_driver_sql(f"DELETE FROM {name}")
        conn.exec_driver_sql("SET session_replication_role = DEFAULT")


QUICK_ON_POSTGRES = (
    "test_an_approval_names_the_bytes",
    "test_approving_again",
    "test_a_decision_and_its_audit_row",
    "test_over_the_limit",
    "test_of_two_approved_tickets",
    "test_what_is_approved_is_done",
    "test_a_bulk_preview",
    "test_the_database_refuses",
    "test_a_cut_tail",
    "test_postgres_restarting",
    "test_a_server_frozen",
    "test_of_four_approvals",
    "test_an_approved_action_arrives_once",
)
"""What differs between the databases, or must never break on either; the other twins run in `make check`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The PostgreSQL twin of a test is slow, but for those that are there for it."""
    here = Path(__file__).parent
    for item in items:
        on_postgres = here in item.path.parents and item.get_closest_marker("postgres") is not None
        if on_postgres and not item.name.startswith(QUICK_ON_POSTGRES):
            item.add_marker(pytest.mark.slow)
