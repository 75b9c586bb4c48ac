"""Bad weather: the disk is full, the database restarts, the clock moves, the outside is gone for an hour."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from memory.action import Action
from memory.canonical import hash_of
from memory.policy import Policy
from memory.standing import standing
from tests.acting.desk import ANN, START, TestDesk, approve, approved, wanted
from tests.acting.hook_server import HookServer
from tests.acting.jira_server.server import TOKEN, JiraServer
from tests.acting.mail_server import MailFault, MailServer
from tests.acting.outsides import jira_outside, webhook_outside
from tests.acting.test_doors import executor_of, settle
from tools.actions.jira import Jira
from tools.actions.outbox import Outbox
from tools.actions.smtp import Server, Smtp
from tools.actions.webhook import Webhook


@contextmanager
def no_more_disk() -> Iterator[None]:
    """Every write to a file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- the disk is full -------------------------------------------------------------------------------------------


def test_disk_full_while_deciding_loses_nothing_and_pretends_nothing(sqlite_desk: TestDesk) -> None:
    action = sqlite_desk.ledger.draft(wanted())
    with no_more_disk(), pytest.raises(DBAPIError):
        approve(sqlite_desk, action)
    assert sqlite_desk.ledger.get(action.id) == action
    assert sqlite_desk.ledger.decisions(action.id) == []
    assert approve(sqlite_desk, action).changed
    assert sqlite_desk.audit.verify().ok


@pytest.mark.parametrize("door", ["jira", "webhook"])
def test_disk_full_when_the_receipt_should_be_written_makes_no_double(sqlite_desk: TestDesk, door: str) -> None:
    opened = jira_outside("cloud", sqlite_desk) if door == "jira" else webhook_outside(sqlite_desk)
    with opened as outside:
        sqlite_desk.put(outside.door)
        policy = Policy(webhooks=(outside.payload.get("url", ""),), jira_projects=("REC",))
        action = approved(sqlite_desk, outside.kind, payload=outside.payload, policy=policy)
        full: list[Any] = []

        def fill(step: str) -> None:
            if step == "called" and not full:
                full.append(no_more_disk())
                full[0].__enter__()

        with pytest.raises(DBAPIError):
            executor_of(sqlite_desk, on_step=fill).run_once()
        full[0].__exit__(None, None, None)
        assert outside.arrived(action.id) == 1
        sqlite_desk.clock.move(400)
        settle(sqlite_desk, executor_of(sqlite_desk))
        assert outside.arrived(action.id) == 1
        assert sqlite_desk.ledger.get(action.id).state == ("done" if door == "jira" else "unknown")


def test_disk_full_in_the_outbox_waits_and_leaves_no_half_mail(sqlite_desk: TestDesk) -> None:
    folder = sqlite_desk.settings.home / "outbox"
    folder.mkdir()
    sqlite_desk.put(Outbox(folder, "tieout@bank.example"))
    action = approved(sqlite_desk, "email.send")
    (folder / f"{action.id}.part").symlink_to("/dev/full")
    executor_of(sqlite_desk).run_once()
    waiting = sqlite_desk.ledger.get(action.id)
    assert waiting.state == "approved"
    shut = {door.name: door for door in sqlite_desk.ledger.doors()}
    assert "No space left on device" in standing(waiting, sqlite_desk.clock(), shut).sentence
    assert list(folder.iterdir()) == []
    sqlite_desk.clock.move(60)
    executor_of(sqlite_desk).run_once()
    assert sqlite_desk.ledger.get(action.id).state == "done"
    assert len(list(folder.glob("*.eml"))) == 1


# --- PostgreSQL restarts ----------------------------------------------------------------------------------------


def cut(desk: TestDesk) -> None:
    """Ends every connection to the test's database, as a restart does."""
    other = sa.create_engine(desk.db.url, isolation_level="AUTOCOMMIT")
    with other.connect() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("desk", ["postgres"], indirect=True)
@pytest.mark.parametrize("step", ["claimed", "intended", "called"])
def test_postgres_restarting_between_two_steps_is_not_noticed(desk: TestDesk, step: str) -> None:
    with jira_outside("cloud", desk) as outside:
        desk.put(outside.door)
        action = approved(desk)
        executor_of(desk, on_step=lambda name: cut(desk) if name == step else None).run_once()
        assert desk.ledger.get(action.id).state == "done"
        assert outside.arrived(action.id) == 1


@pytest.mark.postgres
@pytest.mark.parametrize("desk", ["postgres"], indirect=True)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_postgres_restarting_within_a_transaction_makes_no_double(desk: TestDesk, nth: int) -> None:
    with jira_outside("cloud", desk) as outside:
        desk.put(outside.door)
        action = approved(desk)
        writes: list[int] = []

        def die(conn: sa.Connection, cursor: Any, statement: str, *args: Any) -> None:
            if statement.startswith("UPDATE actions"):
                writes.append(1)
                if len(writes) == nth:
                    cut(desk)

        sa.event.listen(desk.db.engine, "before_cursor_execute", die)
        with pytest.raises(DBAPIError):
            executor_of(desk).run_once()
        sa.event.remove(desk.db.engine, "before_cursor_execute", die)
        desk.clock.move(400)
        settle(desk, executor_of(desk))
        assert desk.ledger.get(action.id).state == "done"
        assert outside.arrived(action.id) == 1
        assert desk.audit.verify().ok


@pytest.mark.postgres
@pytest.mark.parametrize("desk", ["postgres"], indirect=True)
def test_a_server_frozen_within_a_transaction_holds_nobody_up_for_ever(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    with desk.db.engine.connect() as frozen:
        assert frozen.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "1min"
        assert frozen.exec_driver_sql("SHOW lock_timeout").scalar() == "30s"
        frozen.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '300ms'")
        desk.audit.lock(frozen)
        assert approve(desk, action).changed
        frozen.invalidate()
    assert desk.audit.verify().ok


# --- the clock moves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_moves_delays_at_most(desk: TestDesk, hours: int) -> None:
    with jira_outside("cloud", desk) as outside:
        desk.put(outside.door)
        action = desk.ledger.draft(wanted())
        approve(desk, action)
        desk.clock.move(hours * 3600)
        executor_of(desk).run_once()
        desk.clock.move(-hours * 3600 + 60)
        settle(desk, executor_of(desk))
        assert desk.ledger.get(action.id).state == "done"
        assert outside.arrived(action.id) == 1
        assert desk.audit.verify().ok


def test_a_clock_that_jumps_does_not_end_the_wait_for_a_lagging_index(desk: TestDesk) -> None:
    """Only the wall clock jumps; the index still needs its time, and the machine's own clock knows."""
    with jira_outside("cloud", desk, index_lag=100.0) as outside:
        assert outside.lose is not None
        outside.lose(True)
        desk.put(outside.door)
        action = approved(desk)
        machine = [0.0]
        (outside.also or {})["server"].state.clock = lambda: machine[0]
        executor = executor_of(desk)
        executor._monotonic = lambda: machine[0]
        executor.run_once()
        assert desk.ledger.get(action.id).state == "checking"
        for _ in range(40):
            desk.clock.move(3600)
            machine[0] += 10
            executor.run_once()
        assert desk.ledger.get(action.id).state == "done"
        assert outside.arrived(action.id) == 1


# --- gone for an hour -------------------------------------------------------------------------------------------


def test_jira_and_mail_gone_for_an_hour_drain_in_order_and_lose_nothing(desk: TestDesk) -> None:
    with JiraServer("cloud", desk.clock.monotonic) as jira, MailServer() as mail:
        desk.put(Jira(jira.url, jira.user, TOKEN, timeout=(2.0, 5.0)))
        server = Server("127.0.0.1", mail.port, False, None, None)
        desk.put(Smtp(server, "tieout@bank.example", timeout=5.0))
        jira.fault(".*", "drop", times=10**9)
        mail.faults.append(MailFault("connect", times=10**9))
        executor = executor_of(desk)
        order: list[Action] = []
        end = START + timedelta(hours=1)
        while desk.clock() < end:
            desk.clock.move(120)
            executor.run_once()
            if len(order) < 20:
                order.append(_one_more(desk, len(order)))
        shut = {door.name: door for door in desk.ledger.doors()}
        assert set(shut) == {"jira", "mail"}
        assert all(desk.ledger.get(action.id).state == "approved" for action in order)
        shown = standing(desk.ledger.get(order[0].id), desk.clock(), shut).sentence
        assert "out of reach" in shown
        assert "nothing is lost" in shown
        jira.faults.clear()
        mail.faults.clear()
        desk.clock.move(61)
        executor.run_once()
        assert all(desk.ledger.get(action.id).state == "done" for action in order)
        assert desk.ledger.doors() == []
        created = sorted(jira.state.issues.values(), key=lambda issue: int(issue.id))
        assert [issue.fields["summary"] for issue in created] == [
            action.payload["summary"] for action in order if action.kind == "jira.create"
        ]
        assert mail.message_ids() == [a.payload["message_id"] for a in order if a.kind == "email.send"]
        assert len({*mail.message_ids()}) == len(mail.message_ids()) == 10


def _one_more(desk: TestDesk, n: int) -> Action:
    """The rest of the product answers: people draft and decide all the while."""
    kind: Any = "jira.create" if n % 2 else "email.send"
    payload = {"case_id": f"C{n}", "summary": f"Break {n}", "assignee": None} if n % 2 else {}
    action = desk.ledger.draft(wanted(kind, payload, case_id=f"C{n}", scope_key=hash_of(n)))
    return desk.ledger.decide(action.id, "approve", action.payload_hash, ANN).action


def test_a_paused_door_says_why_and_opens_by_a_button(desk: TestDesk) -> None:
    with JiraServer("dc") as jira:
        desk.put(Jira(jira.url, jira.user, TOKEN, timeout=(2.0, 5.0)))
        jira.token_expired = True
        action = approved(desk)
        executor_of(desk).run_once()
        door = desk.ledger.doors()[0]
        assert door.paused
        assert "TIEOUT_JIRA_TOKEN" in door.sentence
        shown = standing(desk.ledger.get(action.id), desk.clock(), {door.name: door})
        assert shown.sentence.startswith("Paused")
        assert "open_door" in [button.name for button in shown.buttons]
        asked = len(jira.seen)
        desk.clock.move(600)
        executor_of(desk).run_once()
        assert len(jira.seen) == asked, "a refused token is not tried again every few seconds"
        jira.token_expired = False
        desk.ledger.open_door("jira", ANN)
        executor_of(desk).run_once()
        assert desk.ledger.get(action.id).state == "done"


def test_a_dead_webhook_does_not_hold_up_mail(sqlite_desk: TestDesk, tmp_path: Path) -> None:
    with HookServer() as hooks:
        dead = hooks.url
    sqlite_desk.put(Webhook("s", allow_loopback=True, timeout=2.0))
    sqlite_desk.put(Outbox(tmp_path / "outbox", "tieout@bank.example"))
    policy = Policy(webhooks=(dead,), email_domains=("bank.example",))
    call = approved(sqlite_desk, "webhook.call", payload={"url": dead}, policy=policy)
    mail = approved(sqlite_desk, "email.send")
    executor_of(sqlite_desk).run_once()
    assert sqlite_desk.ledger.get(call.id).state == "approved"
    assert sqlite_desk.ledger.get(mail.id).state == "done"
