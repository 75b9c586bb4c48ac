"""Every fault has its state and its sentence, and none of them makes a double."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from memory.action import Action
from memory.standing import standing
from tests.acting import jira_faults, smtp_faults
from tests.acting.desk import POLICY, TestDesk, approve, wanted
from tests.acting.jira_server.server import TOKEN, JiraServer
from tests.acting.mail_server import MailServer, client_context, make_certificate
from tests.acting.test_doors import executor_of, settle
from tools.actions.jira import Jira
from tools.actions.smtp import Server, Smtp


@pytest.fixture(params=["cloud", pytest.param("dc", marks=pytest.mark.slow)])
def jira(request: pytest.FixtureRequest, sqlite_desk: TestDesk) -> Iterator[JiraServer]:
    with JiraServer(request.param, sqlite_desk.clock.monotonic) as server:
        server.state.projects = {"REC": "Reconciliation"}
        server.state.people = ("fx.ops",)
        sqlite_desk.put(Jira(server.url, server.user, TOKEN, timeout=(1.0, 0.4)))
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def said(desk: TestDesk, action: Action, by_door: bool) -> str:
    """What the operator reads."""
    shut = {door.name: door for door in desk.ledger.doors()}
    if by_door:
        assert action.door in shut, "the door should be shut"
    return standing(action, desk.clock(), shut).sentence


def send(desk: TestDesk, action: Action) -> Action:
    approve(desk, action)
    desk.clock.move(POLICY.undo_seconds)
    executor_of(desk).run_once()
    return desk.ledger.get(action.id)


@pytest.mark.parametrize("fault", jira_faults.FAULTS, ids=lambda fault: fault.name)
def test_a_jira_fault_has_its_state_and_sentence(
    sqlite_desk: TestDesk, jira: JiraServer, fault: jira_faults.JiraFault
) -> None:
    if fault.kind != "jira.create":
        first = sqlite_desk.ledger.draft(wanted("jira.create", {"assignee": None}, slot="first"))
        assert send(sqlite_desk, first).state == "done"
    fault.plant(jira)
    own = {"assignee": "fx.ops"} if fault.kind == "jira.create" else {}
    draft = sqlite_desk.ledger.draft(wanted(fault.kind, {**own, **fault.payload}))
    action = send(sqlite_desk, draft)
    if "no answer in time" in fault.name:  # the desk's clock is not the server's: a slow machine may still be at it
        time.sleep(1.0)
    assert action.state == fault.state, action.fault
    assert fault.says in str(action.fault or action.receipt), action.fault
    assert fault.says in said(sqlite_desk, action, fault.door_says) or fault.state == "checking"
    settle(sqlite_desk, executor_of(sqlite_desk), step=60.0)
    ended = sqlite_desk.ledger.get(action.id)
    assert ended.state == fault.ends, ended.fault
    assert count(jira, action) == fault.arrives
    assert sqlite_desk.audit.verify().ok


def count(jira: JiraServer, action: Action) -> int:
    mark = f"tieout-{action.id}"
    match action.kind:
        case "jira.create":
            return len(jira.state.labelled(mark))
        case "jira.comment":
            found = [c for issue in jira.state.issues.values() for c in issue.comments if mark in c["body"]]
            return len(found)
        case _:
            return int(jira.state.find("REC-1").status == action.payload["to"])


@pytest.mark.parametrize("fault", smtp_faults.FAULTS, ids=lambda fault: fault.name)
def test_a_mail_fault_has_its_state_and_sentence(
    sqlite_desk: TestDesk, certificate: Path, fault: smtp_faults.SmtpFault
) -> None:
    has_tls = fault.server.get("tls", False)
    setup = {**fault.server, "tls": certificate if has_tls else None}
    with MailServer(**setup) as mail:
        trusts = client_context(certificate) if has_tls and fault.client.get("trusts", True) else None
        port = 1 if fault.client.get("down") else mail.port
        user, password = fault.client.get("user"), fault.client.get("password")
        server = Server("127.0.0.1", port, fault.server.get("implicit", False), user, password)
        sqlite_desk.put(Smtp(server, "tieout@bank.example", timeout=2.0, tls=trusts))
        if fault.fault is not None:
            mail.faults.append(replace(fault.fault))
        action = send(sqlite_desk, sqlite_desk.ledger.draft(wanted("email.send", fault.payload)))
        assert action.state == fault.state, action.fault
        assert fault.says in said(sqlite_desk, action, fault.door_says)
        settle(sqlite_desk, executor_of(sqlite_desk), rounds=4, step=60.0)
        ended = sqlite_desk.ledger.get(action.id)
        assert ended.state == fault.ends, ended.fault
        assert len(mail.kept) == fault.arrives


def test_there_are_forty_jira_faults_and_twenty_five_mail_faults() -> None:
    assert len({fault.name for fault in jira_faults.FAULTS}) >= 40
    assert len({fault.name for fault in smtp_faults.FAULTS}) >= 25
