"""PostgreSQL is cut off and started again while people approve and two executors send: nothing is lost or doubled."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from agents.executor import Executor
from memory.action import Action
from memory.canonical import hash_of
from memory.standing import marker
from recon.clock import system_clock
from tests.acting.desk import POLICY, TestDesk, approve, open_desk, wanted
from tests.acting.jira_server.server import TOKEN, JiraServer
from tests.acting.postgres import Cluster, cluster
from tools.actions.jira import Jira

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
ACTIONS = 60
AT_ONCE = POLICY.__class__(**{**vars(POLICY), "undo_seconds": 0})


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        if made is None:
            pytest.skip("no initdb and pg_ctl here: PostgreSQL cannot be restarted for real")
        yield made


def open_here(server: Cluster, home: Path) -> TestDesk:
    url = server.url.replace("postgresql://", "postgresql+psycopg://")
    desk = open_desk(url, home)
    desk.clock = system_clock  # type: ignore[assignment]
    desk.__post_init__()
    return desk


def approve_through_it(desk: TestDesk, action: Action) -> bool:
    """As an operator does: what was answered with an error is pressed again. True: the first answer was an error."""
    failed = False
    end = time.monotonic() + 60
    while True:
        try:
            approve(desk, action)
        except DBAPIError:
            failed = True
            assert time.monotonic() < end, "the database does not come back"
            time.sleep(0.05)
        else:
            return failed


def test_postgres_cut_off_and_started_again_loses_no_approval_and_doubles_no_ticket(
    server: Cluster, tmp_path: Path
) -> None:
    desk, other = open_here(server, tmp_path), open_here(server, tmp_path)
    desk.db.upgrade()
    drafts = [
        desk.ledger.draft(
            wanted(
                payload={"case_id": f"C{n}", "assignee": None}, case_id=f"C{n}", scope_key=hash_of(n), policy=AT_ONCE
            )
        )
        for n in range(ACTIONS)
    ]
    stop = threading.Event()
    with JiraServer("dc") as jira:
        workers = []
        for each in (desk, other):
            each.put(Jira(jira.url, jira.user, TOKEN, settle=0.5, timeout=(2.0, 5.0)))
            work = Executor(each, lease_seconds=3.0).run_forever
            workers.append(threading.Thread(target=work, args=(stop, 0.05)))
        for worker in workers:
            worker.start()
        errors = 0
        for n, draft in enumerate(drafts):
            if n in (ACTIONS // 4, ACTIONS // 2, 3 * ACTIONS // 4):
                threading.Thread(target=cut, args=(server,)).start()
            errors += approve_through_it(desk if n % 2 else other, draft)
            time.sleep(0.02)
        end = time.monotonic() + 120
        while moving(desk) and time.monotonic() < end:
            time.sleep(0.2)
        stop.set()
        for worker in workers:
            worker.join()
        ended = [desk.ledger.get(draft.id) for draft in drafts]
        assert [action.state for action in ended] == ["done"] * ACTIONS
        assert [len(jira.state.labelled(marker(action))) for action in ended] == [1] * ACTIONS
    assert errors, "no approval met the restart; it came too late"
    assert desk.audit.verify().ok
    desk.db.close()
    other.db.close()


def cut(server: Cluster) -> None:
    server.stop()
    time.sleep(0.3)
    server.start()


def moving(desk: TestDesk) -> bool:
    try:
        return bool(desk.ledger.list(state=("approved", "executing", "checking"), limit=1))
    except DBAPIError:
        return True
