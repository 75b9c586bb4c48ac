"""The API against its own document: whatever is sent, the answer is documented and never a fault of ours."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from memory.case_query import CaseQuery
from server import create_app
from tests.web.builders import open_home
from web.auth import issue_token

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hardened(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A filled service and a token with every right."""
    home = tmp_path_factory.mktemp("schemathesis") / "home"
    shutil.copytree(filled_home, home)
    desk = open_home(home)
    app = create_app(desk, executor=False)
    yield app, issue_token(desk.db, "fuzz", "admin"), desk
    desk.db.close()


def test_nothing_that_can_be_sent_makes_a_fault(hardened: Any) -> None:
    app, token, desk = hardened
    real = desk.cases.page(CaseQuery(limit=1)).records[0].case.id
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    tried: dict[str, int] = {}

    def attack(operation: Any) -> None:
        @given(case=operation.as_strategy())
        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        def one(case: Any) -> None:
            parameters = case.path_parameters or {}
            if "case_id" in parameters and len(str(parameters["case_id"])) % 2:
                parameters["case_id"] = real
            answer = case.call(headers={"authorization": f"Bearer {token}", "host": "127.0.0.1"})
            assert answer.status_code < 500, (operation.label, answer.text[:400])
            tried[operation.label] = tried.get(operation.label, 0) + 1

        one()

    for found in schema.get_all_operations():
        attack(found.ok())  # type: ignore[union-attr]
    assert len(tried) > 30
