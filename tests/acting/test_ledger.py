"""The ledger: what was approved is what leaves, once, and who may say so."""

import pytest

from agents.executor import Executor
from recon.words import ActionKind
from tests.acting.desk import TestDesk, approved
from tools.actions.outbox import Outbox
from tools.actions.recon_comment import ReconComments
from tools.actions.tracker import Tracker


@pytest.fixture
def local(desk: TestDesk) -> TestDesk:
    desk.put(Tracker(desk.db, desk.clock))
    desk.put(Outbox(desk.settings.home / "outbox", "tieout@bank.example"))
    desk.put(ReconComments(desk.db, desk.clock))
    return desk


@pytest.mark.parametrize("kind", ["jira.create", "email.send", "recon.comment", "task.create"])
def test_what_is_approved_is_done_and_leaves_a_receipt(local: TestDesk, kind: ActionKind) -> None:
    action = approved(local, kind)
    assert Executor(local).run_once() == 1
    action = local.ledger.get(action.id)
    assert action.state == "done"
    assert action.receipt
    assert action.receipt["reference"]
    assert local.audit.verify().ok
