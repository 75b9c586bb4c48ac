"""One suite for every door: an approved action arrives once, with a receipt, and a lost answer is never a guess."""

from collections.abc import Iterator

import pytest

from agents.executor import Executor
from memory.action import Action
from memory.policy import Policy
from tests.acting.desk import POLICY, TestDesk, approve, wanted
from tests.acting.outsides import OUTSIDES, Outside
from tools.actions.door import Door

FOREVER = 400.0
"""Seconds: longer than any settle time, lease or pause but that of a paused door."""


@pytest.fixture(params=sorted(OUTSIDES))
def outside(request: pytest.FixtureRequest, desk: TestDesk) -> Iterator[Outside]:
    with OUTSIDES[request.param](desk) as made:
        desk.put(made.door)
        yield made


def ready(desk: TestDesk, outside: Outside, **also: object) -> Action:
    """An action for this door, approved and due."""
    policy = Policy(**{**vars(POLICY), "webhooks": (*POLICY.webhooks, outside.payload.get("url", ""))})
    action = desk.ledger.draft(wanted(outside.kind, outside.payload, **{"policy": policy, **also}))
    approve(desk, action)
    desk.clock.move(POLICY.undo_seconds)
    return action


def settle(desk: TestDesk, executor: Executor, rounds: int = 60, step: float = FOREVER / 40) -> None:
    """Lets time pass until nothing moves any more."""
    for _ in range(rounds):
        executor.run_once()
        if not desk.ledger.list(state=("approved", "executing", "checking")):
            return
        desk.clock.move(step)


def executor_of(desk: TestDesk, **also: object) -> Executor:
    return Executor(desk, monotonic=desk.clock.monotonic, boot="test", **also)  # type: ignore[arg-type]


def test_an_approved_action_arrives_once_and_leaves_a_receipt(desk: TestDesk, outside: Outside) -> None:
    action = ready(desk, outside)
    executor = executor_of(desk)
    settle(desk, executor)
    executor.run_once()
    done = desk.ledger.get(action.id)
    assert done.state == "done", done.fault
    assert outside.arrived(action.id) == 1
    assert done.receipt
    assert done.receipt["reference"]
    assert desk.audit.verify().ok


def test_a_dry_run_sends_nothing_and_shows_the_payload(desk: TestDesk, outside: Outside) -> None:
    action = ready(desk, outside)
    shown = outside.door.dry_run(action)
    assert outside.arrived(action.id) == 0
    telling = {
        "jira.create": b"20,000.00 USD",
        "email.send": b"Please check the rate.",
        "webhook.call": b'"amount":"20000.00"',
        "recon.comment": b"FX rate, ticket raised.",
        "task.create": b"Call the custodian",
    }
    assert telling[outside.kind] in shown


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_ends_in_done_or_unknown_and_never_twice(desk: TestDesk, outside: Outside, after: bool) -> None:
    if outside.lose is None:
        pytest.skip("this door has no answer to lose")
    action = ready(desk, outside)
    outside.lose(after)
    executor = executor_of(desk)
    settle(desk, executor)
    ended = desk.ledger.get(action.id)
    assert outside.arrived(action.id) <= 1
    if outside.door.recovery(outside.kind).can_look:
        assert ended.state == "done"
        assert outside.arrived(action.id) == 1
    else:
        assert ended.state == "unknown"
        assert outside.arrived(action.id) == int(after)


@pytest.mark.parametrize("step", ["claimed", "intended", "called"])
def test_a_worker_that_dies_at_any_step_leaves_no_double_and_no_false_done(
    desk: TestDesk, outside: Outside, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        if name == step:
            raise Killed

    action = ready(desk, outside)
    with pytest.raises(Killed):
        executor_of(desk, on_step=die).run_once()
    desk.clock.move(FOREVER)
    settle(desk, executor_of(desk))
    ended = desk.ledger.get(action.id)
    assert outside.arrived(action.id) <= 1
    if ended.state == "done":
        assert outside.arrived(action.id) == 1
    else:
        assert ended.state == "unknown"
        assert not outside.door.recovery(outside.kind).can_look
        assert step != "claimed"


def test_doing_it_twice_by_hand_is_harmless_where_the_door_says_so(desk: TestDesk, outside: Outside) -> None:
    if outside.door.recovery(outside.kind).settle or not outside.door.recovery(outside.kind).can_look:
        pytest.skip("this door does not promise it")
    action = ready(desk, outside)
    assert outside.door.do(action).reference == outside.door.do(action).reference
    assert outside.arrived(action.id) == 1


def test_looking_finds_what_arrived_and_nothing_else(desk: TestDesk, outside: Outside) -> None:
    if not outside.door.recovery(outside.kind).can_look:
        pytest.skip("this door cannot look")
    action = ready(desk, outside)
    assert outside.door.look_up(action) is None
    done = outside.door.do(action)
    found = outside.door.look_up(action)
    assert found is not None
    assert found.reference == done.reference


def test_doctor_says_that_it_works(desk: TestDesk, outside: Outside) -> None:
    checks = outside.door.check()
    assert checks
    assert all(check.ok for check in checks), checks
    assert all(check.sentence.endswith(".") or "outbox" in check.sentence for check in checks)


def test_a_door_says_what_it_can_do(outside: Outside) -> None:
    door: Door = outside.door
    assert outside.kind in door.kinds
    assert door.name
