"""The queue's lists and filters are answered from an index: what a page costs does not grow with the store."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from memory.case_query import SORTS, CaseQuery
from memory.cases import CaseStore, CaseWrite
from memory.database import Database
from memory.schema import cases
from tests.desk.deskkit import made_break, made_case

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)

CASES = 6_000
PATTERNS = ("spike", "drop", "level_shift", "in_line", "repeated", "reversal")
CAUSES = ("fx_rate", "timing", "unknown", "fee_or_tax", "missing_left")
STATES = ("open", "in_review", "escalated", "resolved", "cleared")

FILTERS: dict[str, dict[str, Any]] = {
    "everything": {},
    "open": {"state": ("open",)},
    "one state": {"state": ("escalated",)},
    "a pattern": {"pattern": ("spike",)},
    "a cause": {"cause": ("fx_rate",)},
    "a reconciliation": {"recon": "recon-3", "state": ("open",)},
    "an owner": {"owner": "olga"},
    "nobody": {"owner": "-", "state": ("open",)},
    "due": {"due_by": date(2026, 5, 5), "state": ("open",)},
    "new": {"created_after": NOW - timedelta(hours=1)},
    "some ids": {"ids": ("C00010", "C00020")},
    "acting": {"action_state": ("pending",)},
    "promised": {"promise_due_by": date(2026, 5, 5)},
}
FEW = ("some ids", "acting", "promised", "new")
"""Filters that name few cases: those are read by their own index, and may then be sorted."""


def fill(db: Database) -> CaseStore:
    """Many cases of every kind, written as a run writes them."""
    store = CaseStore(db, lambda: NOW)
    day = date(2026, 5, 1)
    writes = [
        CaseWrite(
            replace(
                made_case(id=f"C{i:05d}"),
                recon=f"recon-{i % 40}",
                pattern=PATTERNS[i % len(PATTERNS)],
                cause=CAUSES[i % len(CAUSES)],
                severity=("low", "medium", "high")[i % 3],
                amount_base=float(i * 7919 % 100_000),
                onset=day + timedelta(days=i % 90),
            ),
            (made_break(break_id=f"B{i:016x}", item_id=f"I{i:016x}"),),
            score=i % 997 / 997,
            due_on=day + timedelta(days=i % 60),
        )
        for i in range(CASES)
    ]
    store.upsert_many(writes, "R1")
    with db.begin() as connection:
        for i, state in enumerate(STATES):
            some = sa.cast(sa.func.substr(cases.c.id, 2), sa.Integer) % len(STATES) == i
            values = {"state": state, "owner": "olga" if state == "in_review" else None}
            connection.execute(sa.update(cases).where(some).values(**values))
        connection.exec_driver_sql("ANALYZE")
    return store


@contextmanager
def heard(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the block sends."""
    said: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", listen)
    yield said
    sa.event.remove(db.engine, "before_cursor_execute", listen)


def scans(db: Database, statement: str, parameters: Any, *, few: bool) -> list[str]:
    """The steps of the statement's plan that read every case, or sort what they read where that is not `few`."""
    with db.read() as connection:
        if db.is_sqlite:
            steps = [row[3] for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)]
            sorts = [step for step in steps if "ORDER BY" in step and not few]
            return [step for step in steps if step.startswith("SCAN cases") and "INDEX" not in step] + sorts
        found = connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement, parameters).scalar_one()
    seq = [n["Relation Name"] for n in _nodes(found[0]["Plan"]) if n["Node Type"] == "Seq Scan"]
    return [f"Seq Scan on {name}" for name in seq if name == "cases"]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@pytest.mark.slow
def test_no_page_of_any_list_reads_every_case(any_db: Database) -> None:
    store = fill(any_db)
    bad: dict[str, list[str]] = {}
    for name, words in FILTERS.items():
        for sort in (*SORTS, *(f"-{sort}" for sort in SORTS)):
            query = CaseQuery(**words, sort=sort, limit=20)
            with heard(any_db) as said:
                page = store.lines(query)
                if page.next_cursor:
                    store.lines(replace(query, cursor=page.next_cursor))
            for statement, parameters in said:
                if "FROM cases" in statement and (found := scans(any_db, statement, parameters, few=name in FEW)):
                    bad[f"{name} by {sort}"] = found
    assert bad == {}, json.dumps(bad, indent=1)


@pytest.mark.slow
def test_a_search_for_a_rare_word_reads_an_index_and_finds_what_reading_every_case_finds(any_db: Database) -> None:
    store = fill(any_db)
    rare, common = CaseQuery(q="c05432", limit=20), CaseQuery(q="rate FX_", sort="-amount", limit=20)
    with heard(any_db) as said:
        assert [line.id for line in store.lines(rare).lines] == ["C05432"]
    if any_db.is_sqlite:
        looked = [(statement, parameters) for statement, parameters in said if "FROM cases" in statement]
        assert [found for one in looked if (found := scans(any_db, *one, few=True))] == []
        assert "ix_cases_search" in plan(any_db, *looked[0])
    assert store.count(rare) == 1
    assert store.count(replace(rare, state=("resolved",))) == int(STATES[5432 % len(STATES)] == "resolved")
    with any_db.read() as connection:
        every = sa.select(cases.c.id).where(
            cases.c.search.contains("rate"), cases.c.search.contains("fx_", autoescape=True)
        )
        held = set(connection.execute(every).scalars())
    found = []
    page = store.lines(common)
    while page.next_cursor:
        found += page.lines
        page = store.lines(replace(common, cursor=page.next_cursor))
    found += page.lines
    assert {line.id for line in found} == held
    assert [line.amount_base for line in found] == sorted((line.amount_base for line in found), reverse=True)


def plan(db: Database, statement: str, parameters: Any) -> str:
    """How SQLite answers the statement."""
    with db.read() as connection:
        rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        return "; ".join(str(row[3]) for row in rows)
