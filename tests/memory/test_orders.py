"""Every order of the queue is read from an index: no page sorts the whole table."""

from typing import Any

import pytest
import sqlalchemy as sa

from memory.case_query import SORTS, CaseQuery
from tests.agents.desks import make_break, put_case
from tests.web.builders import open_home

NARROWED: tuple[dict[str, Any], ...] = ({}, {"recon": "gl"}, {"cause": ("fx_rate",)}, {"q": "gl"})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = open_home(tmp_path_factory.mktemp("orders"))
    put_case(made, make_break(), recon="gl")
    yield made
    made.db.close()


@pytest.mark.parametrize("state", [(), ("open",)])
@pytest.mark.parametrize("sort", [sign + name for name in SORTS for sign in ("", "-")])
def test_no_order_sorts_the_table(
    desk: Any, state: tuple[str, ...], sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.cases.FEW_FOUND", 0)  # as of a word that many cases hold
    asked: list[tuple[str, Any]] = []

    def hear(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(desk.db.engine, "before_cursor_execute", hear)
    for narrowed in NARROWED:
        desk.cases.lines(CaseQuery(state=state, sort=sort, **narrowed))
    sa.event.remove(desk.db.engine, "before_cursor_execute", hear)
    pages = [(text, given) for text, given in asked if "ORDER BY" in text]
    assert len(pages) == len(NARROWED)
    with desk.db.read() as connection:
        for text, given in pages:
            plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given))
            assert "TEMP B-TREE" not in plan, (text, plan)
