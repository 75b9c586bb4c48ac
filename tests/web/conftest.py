"""A filled workspace and a signed-in client: what every web test starts from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agents.desk import Desk
from server import create_app
from tests.web.builders import fill, open_home
from web.auth import issue_link, issue_token


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that is filled once and copied for each test."""
    home = tmp_path_factory.mktemp("filled")
    desk = open_home(home)
    fill(desk)
    desk.db.close()
    return home


@pytest.fixture
def desk(filled_home: Path, tmp_path: Path) -> Iterator[Desk]:
    home = tmp_path / "home"
    shutil.copytree(filled_home, home)
    made = open_home(home)
    yield made
    made.db.close()


@pytest.fixture
def empty_desk(tmp_path: Path) -> Iterator[Desk]:
    made = open_home(tmp_path / "empty")
    yield made
    made.db.close()


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    """The application without what runs beside requests."""
    return create_app(desk, executor=False)


@pytest.fixture
def client(app: FastAPI, desk: Desk) -> TestClient:
    """Signed in as the single user, by the one-time link."""
    found = TestClient(app, base_url="http://127.0.0.1:8000")
    assert found.get(f"/enter?key={issue_link(desk.db, clock=desk.clock)}").status_code == 200
    return found


@pytest.fixture
def as_role(app: FastAPI, desk: Desk):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A client with an API token of a role."""

    def make(role: str, name: str = "") -> TestClient:
        token = issue_token(desk.db, name or role, role, now=desk.clock())
        return TestClient(app, base_url="http://127.0.0.1:8000", headers={"authorization": f"Bearer {token}"})

    return make
