"""Races: two servers and four approvers on one action make one approval and one effect."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.executor import Executor
from memory.action import Person
from memory.policy import Policy
from tests.acting.conftest import empty, hurry
from tests.acting.desk import START, Hands, TestDesk, open_desk, wanted
from tests.acting.hook_server import HookServer
from tools.actions.webhook import Webhook

APPROVERS = tuple(Person(name, "approver") for name in ("ann", "bob", "cyd", "dee"))


@contextmanager
def two_servers(url: str, home: Path) -> Iterator[tuple[TestDesk, TestDesk]]:
    """Two desks with engines of their own on one database, as two processes have."""
    desks = (open_desk(url, home, Hands(START)), open_desk(url, home, Hands(START)))
    for desk in desks:
        if desk.db.is_sqlite:
            hurry(desk)
        desk.put(Webhook("s", allow_loopback=True, timeout=10.0))
    yield desks
    for desk in desks:
        desk.db.close()


def race(desks: tuple[TestDesk, TestDesk], hooks: HookServer, n: int) -> None:
    """Four persons approve at once on two servers while both servers' executors are at work."""
    draft = replace(
        wanted("webhook.call", {"url": hooks.url}, case_id=f"C{n}"),
        policy=Policy(webhooks=(hooks.url,), undo_seconds=0),
    )
    action = desks[0].ledger.draft(draft)
    gate = threading.Barrier(6)
    changed: list[str] = []
    faults: list[BaseException] = []

    def guarded(work: Any) -> None:
        gate.wait()
        try:
            work()
        except BaseException as error:
            faults.append(error)

    def approve(desk: TestDesk, by: Person) -> None:
        if desk.ledger.decide(action.id, "approve", action.payload_hash, by).changed:
            changed.append(by.name)

    def execute(desk: TestDesk) -> None:
        executor = Executor(desk)
        for _ in range(3):
            executor.run_once()

    works: list[Any] = [lambda desk=desks[k % 2], by=by: approve(desk, by) for k, by in enumerate(APPROVERS)]
    works += [lambda desk=desk: execute(desk) for desk in desks]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Executor(desks[0]).run_once()
    assert faults == []
    assert len(changed) == 1
    ended = desks[1].ledger.get(action.id)
    assert (ended.state, ended.approved_by) == ("done", changed[0])
    assert len(desks[1].ledger.decisions(action.id)) == 1
    assert [headers["idempotency-key"] for headers, _ in hooks.kept].count(action.id) == 1


@pytest.mark.parametrize(
    ("backend", "races"),
    [
        ("sqlite", 10),
        pytest.param("postgres", 10, marks=pytest.mark.postgres),
        pytest.param("sqlite", 200, marks=pytest.mark.slow),
        pytest.param("postgres", 200, marks=[pytest.mark.slow, pytest.mark.postgres]),
    ],
)
def test_of_four_approvals_one_counts_and_of_two_servers_one_sends(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str, races: int
) -> None:
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "tieout.db")
        url = f"sqlite:///{tmp_path / 'tieout.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
    with HookServer() as hooks, two_servers(url, tmp_path) as desks:
        if backend == "postgres":
            empty(desks[0])
        for n in range(races):
            race(desks, hooks, n)
            hooks.kept.clear()
        assert desks[0].audit.verify().ok
