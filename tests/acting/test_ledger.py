"""The ledger: what was approved is what leaves, once, and who may say so."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from agents.executor import Executor
from memory.action import Action, NoSuchAction, NotAllowed, Person, StaleHash, TicketExists, WrongState
from memory.payloads import BadPayload
from memory.policy import NotAllowedHere, Policy, policy_from_json, policy_of
from memory.schema import actions
from memory.standing import standing
from recon.errors import BadInput
from recon.recon_file import parse_recon_file
from tests.acting.desk import ANN, BOB, OPAL, POLICY, VIC, TestDesk, approve, approved, wanted
from tests.acting.test_doors import executor_of, settle
from tools.actions.outbox import Outbox
from tools.actions.recon_comment import ReconComments
from tools.actions.tracker import Tracker

ADA = Person("ada", "admin")
OVER: dict[str, Any] = {"amount_base": Decimal("100000.01")}


@pytest.fixture
def local(desk: TestDesk) -> TestDesk:
    """A desk with nothing configured: the local tracker, the outbox, comments."""
    desk.put(Tracker(desk.db, desk.clock))
    desk.put(Outbox(desk.settings.home / "outbox", "tieout@bank.example"))
    desk.put(ReconComments(desk.db, desk.clock))
    return desk


def decide(desk: TestDesk, action: Action, decision: Any, by: Person, **also: Any) -> Any:
    return desk.ledger.decide(action.id, decision, action.payload_hash, by, **also)


def told(desk: TestDesk, action: Action) -> list[str]:
    return [row.what for row in desk.audit.rows(target=action.id)]


# --- approving --------------------------------------------------------------------------------------------------


def test_an_approval_names_the_bytes_that_were_seen(desk: TestDesk) -> None:
    seen = desk.ledger.draft(wanted())
    decide(desk, seen, "edit", OPAL, payload={**seen.payload, "summary": "Another"})
    with pytest.raises(StaleHash) as refused:
        approve(desk, seen)
    assert refused.value.current_hash == desk.ledger.get(seen.id).payload_hash != seen.payload_hash
    assert refused.value.current_hash in str(refused.value)
    assert desk.ledger.get(seen.id).state == "pending"


def test_approving_again_changes_nothing_and_says_so(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    assert approve(desk, action).changed
    rows = desk.audit.head()
    again = approve(desk, action, BOB)
    assert not again.changed
    assert "already approved by ann" in again.sentence
    assert desk.audit.head() == rows
    assert len(desk.ledger.decisions(action.id)) == 1


def test_a_decision_and_its_audit_row_are_one_transaction(desk: TestDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    action = desk.ledger.draft(wanted())
    monkeypatch.setattr(desk.audit, "append", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        approve(desk, action)
    assert desk.ledger.get(action.id).state == "pending"
    assert not desk.ledger.decisions(action.id)


@pytest.mark.parametrize(
    ("decision", "by", "may"),
    [
        ("approve", VIC, False), ("approve", OPAL, False), ("approve", ANN, True), ("approve", ADA, True),
        ("edit", VIC, False), ("edit", OPAL, True),
        ("reject", VIC, False), ("reject", OPAL, True),
        ("respond", VIC, False), ("respond", OPAL, True),
    ],
)  # fmt: skip
def test_a_role_may_do_what_it_may(desk: TestDesk, decision: str, by: Person, may: bool) -> None:
    action = desk.ledger.draft(wanted())
    also = {"payload": {**action.payload, "summary": "Another"}, "note": "shorter, please"}
    if may:
        assert decide(desk, action, decision, by, **also).changed
        assert desk.ledger.decisions(action.id)[0].who == by.name
    else:
        with pytest.raises(NotAllowed, match=by.role):
            decide(desk, action, decision, by, **also)
        assert desk.ledger.get(action.id) == action


def test_an_unknown_action_is_not_found(desk: TestDesk) -> None:
    with pytest.raises(NoSuchAction, match="A0"):
        desk.ledger.decide("A0", "approve", "x", ANN)


# --- four eyes --------------------------------------------------------------------------------------------------


def test_over_the_limit_the_machines_draft_needs_two_persons(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted(**OVER))
    assert action.four_eyes
    first = approve(desk, action, ANN)
    assert first.changed
    assert first.action.state == "pending"
    assert "second person" in first.sentence
    again = approve(desk, action, ANN)
    assert not again.changed
    assert again.action.state == "pending"
    assert approve(desk, action, BOB).action.state == "approved"
    assert told(desk, action) == ["drafted", "first_approved", "approved"]


def test_an_operator_may_be_the_first_but_not_the_second(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted(**OVER))
    approve(desk, action, OPAL)
    with pytest.raises(NotAllowed, match="operator"):
        approve(desk, action, Person("otto", "operator"))
    assert approve(desk, action, ANN).action.state == "approved"


def test_exactly_at_the_limit_one_person_is_enough(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted(amount_base=Decimal(100000)))
    assert not action.four_eyes
    assert approve(desk, action).action.state == "approved"


@pytest.mark.parametrize("by_edit", [False, True])
def test_maker_last_editor_and_checker_differ(desk: TestDesk, by_edit: bool) -> None:
    if by_edit:
        action = desk.ledger.draft(wanted(**OVER))
        action = decide(desk, action, "edit", ANN, payload={**action.payload, "summary": "Another"}).action
    else:
        action = desk.ledger.draft(wanted(maker="ann", **OVER))
    with pytest.raises(NotAllowed, match="second person"):
        approve(desk, action, ANN)
    assert approve(desk, action, BOB).action.state == "approved"


def test_an_edit_voids_the_first_of_two_approvals(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted(**OVER))
    approve(desk, action, ANN)
    edited = decide(desk, action, "edit", ANN, payload={**action.payload, "summary": "Another"}).action
    with pytest.raises(NotAllowed):
        approve(desk, edited, ANN)
    assert desk.ledger.get(action.id).state == "pending"


def test_a_recipient_outside_the_allowed_domains_needs_two_persons(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted("email.send"))
    assert not action.four_eyes
    edited = decide(desk, action, "edit", OPAL, payload={**action.payload, "cc": ["x@elsewhere.example"]})
    assert edited.action.four_eyes
    assert "x@elsewhere.example is outside" in edited.sentence
    with pytest.raises(NotAllowed, match="outside"):
        approve(desk, edited.action, Person("opal", "approver"))
    back = decide(desk, edited.action, "edit", OPAL, payload={**action.payload, "subject": "Shorter"})
    assert not back.action.four_eyes


# --- editing ----------------------------------------------------------------------------------------------------


def test_an_edit_is_a_new_draft_to_be_approved_as_a_second_step(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    out = decide(desk, action, "edit", OPAL, payload={**action.payload, "summary": "Another"})
    assert out.action.state == "pending"
    assert out.action.payload_hash != action.payload_hash
    assert out.action.last_editor == "opal"
    assert out.action.proposal == action.payload
    assert approve(desk, out.action).action.state == "approved"


def test_an_edit_that_changes_nothing_says_so(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    assert not decide(desk, action, "edit", OPAL, payload=action.payload).changed


def test_an_edit_voids_an_approval_that_has_not_left(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    approve(desk, action)
    out = decide(desk, action, "edit", OPAL, payload={**action.payload, "summary": "Another"})
    assert out.action.state == "pending"
    assert out.action.approved_hash is None


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("jira.create", {"project": "HR"}, "project HR is not allowed here"),
        ("jira.create", {"summary": "two\nlines"}, "one line"),
        ("jira.create", {"summary": "x" * 256}, "255"),
        ("jira.create", {"description": "x" * 32768}, "32767"),
        ("jira.create", {"case_id": "C9"}, "cannot be edited"),
        ("jira.create", {"surprise": 1}, "surprise"),
        ("jira.comment", {"ticket": "HR-1"}, "project HR is not allowed here"),
        ("jira.comment", {"ticket": "REC-1; DROP"}, "pattern"),
        ("email.send", {"to": []}, "at least 1"),
        ("email.send", {"to": ["no address"]}, "no plain mail address"),
        ("email.send", {"to": ["a@b.example>\r\nBcc: c@d.example"]}, "no plain mail address"),
        ("email.send", {"subject": "a\r\nBcc: c@d.example"}, "one line"),
        ("email.send", {"message_id": "<other@tieout>"}, "cannot be edited"),
        ("webhook.call", {"url": "https://evil.example/"}, "not in allow.webhooks"),
        ("webhook.call", {"url": "https://api.bank.example/hooks/../x"}, "not in allow.webhooks"),
        ("webhook.call", {"url": "https://api.bank.example/hooks/@evil"}, None),
        ("webhook.call", {"body": {"amount": 0.1}}, "float"),
        ("recon.comment", {"breaks": ["B9"]}, "cannot be edited"),
    ],
)
def test_an_edit_is_checked_like_a_draft(desk: TestDesk, kind: Any, change: dict[str, Any], says: str | None) -> None:
    action = desk.ledger.draft(wanted(kind))
    if says is None:
        assert decide(desk, action, "edit", OPAL, payload={**action.payload, **change}).changed
        return
    with pytest.raises(BadInput, match=says):
        decide(desk, action, "edit", OPAL, payload={**action.payload, **change})
    assert desk.ledger.get(action.id) == action


def test_no_action_is_drafted_without_a_valid_destination(desk: TestDesk) -> None:
    for want in (
        wanted("jira.create", {"project": "HR"}),
        wanted("email.send", {"to": []}),
        wanted("webhook.call", policy=Policy()),
    ):
        with pytest.raises((BadPayload, NotAllowedHere)):
            desk.ledger.draft(want)
    assert desk.ledger.list() == []


# --- rejecting, responding --------------------------------------------------------------------------------------


def test_a_rejected_action_never_leaves(local: TestDesk) -> None:
    action = local.ledger.draft(wanted())
    approve(local, action)
    decide(local, action, "reject", OPAL, note="wrong team")
    local.clock.move(100)
    executor_of(local).run_once()
    assert local.ledger.get(action.id).state == "rejected"
    with pytest.raises(WrongState):
        approve(local, action)


def test_a_response_is_kept_for_the_planner_and_its_new_draft_supersedes(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    with pytest.raises(BadPayload, match="words"):
        decide(desk, action, "respond", OPAL)
    out = decide(desk, action, "respond", OPAL, note="name the account")
    waiting = desk.ledger.waiting_decisions()
    assert [decision.note for decision in waiting] == ["name the account"]
    assert waiting[0].id == out.decision_id
    assert desk.ledger.carried(waiting[0].id)
    assert not desk.ledger.carried(waiting[0].id)
    assert desk.ledger.waiting_decisions() == []
    newer = desk.ledger.draft(wanted(payload={"summary": "Account 1607"}))
    assert newer.id != action.id
    assert desk.ledger.get(action.id).state == "superseded"
    with pytest.raises(WrongState):
        approve(desk, action)


# --- drafts: the same, newer, stale, expired --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jira.create", "email.send"])
def test_the_same_draft_twice_is_one(desk: TestDesk, kind: Any) -> None:
    action = desk.ledger.draft(wanted(kind))
    desk.clock.move(60)
    assert desk.ledger.draft(wanted(kind)) == action
    approve(desk, action)
    assert desk.ledger.draft(wanted(kind)).state == "approved"


def test_what_was_rejected_is_not_proposed_again_on_the_same_rows(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    decide(desk, action, "reject", OPAL)
    assert desk.ledger.draft(wanted()).state == "rejected"
    assert desk.ledger.draft(wanted(source_hash="s2")).state == "pending"


def test_a_draft_again_does_not_undo_an_operators_edit(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    decide(desk, action, "edit", OPAL, payload={**action.payload, "summary": "Another"})
    assert desk.ledger.draft(wanted()).payload["summary"] == "Another"


def test_a_changed_source_file_voids_the_approval(local: TestDesk) -> None:
    action = local.ledger.draft(wanted())
    approve(local, action)
    voided = local.ledger.supersede_stale("C1", "s2", "The file was restated.")
    assert [gone.id for gone in voided] == [action.id]
    local.clock.move(100)
    executor_of(local).run_once()
    gone = local.ledger.get(action.id)
    assert gone.state == "superseded"
    assert standing(gone, local.clock()).sentence == "The file was restated."


def test_what_nobody_decides_expires(local: TestDesk) -> None:
    action = local.ledger.draft(wanted())
    late = local.ledger.draft(wanted(case_id="C2", scope_key="b" * 64))
    local.clock.move(29.9 * 86400)
    approve(local, late)
    local.clock.move(0.2 * 86400)
    with pytest.raises(WrongState, match="expired"):
        approve(local, action)
    executor_of(local).run_once()
    assert local.ledger.get(action.id).state == "expired"
    assert local.ledger.get(late.id).state == "expired"


def test_two_slots_of_one_case_live_side_by_side(desk: TestDesk) -> None:
    one = desk.ledger.draft(wanted("email.send", slot="custodian"))
    two = desk.ledger.draft(wanted("email.send", slot="desk"))
    assert one.payload["message_id"] != two.payload["message_id"]
    assert {one.state, two.state} == {"pending"}


def test_an_unready_draft_waits_to_be_submitted(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted(ready=False))
    assert action.state == "draft"
    assert desk.ledger.submit(action.id).state == "pending"


# --- one ticket a scope -----------------------------------------------------------------------------------------


def test_a_scope_with_an_open_ticket_gets_no_second_one(local: TestDesk) -> None:
    action = approved(local)
    executor_of(local).run_once()
    ticket = local.ledger.links(case_id="C1")[0]
    with pytest.raises(TicketExists) as refused:
        local.ledger.draft(wanted(case_id="C2"))
    assert refused.value.ticket == ticket.ticket
    close = approved(local, "jira.transition", payload={"ticket": ticket.ticket})
    executor_of(local).run_once()
    assert local.ledger.get(close.id).state == "done"
    assert local.ledger.links(scope_key=action.scope_key)[0].state == "closed"
    assert local.ledger.draft(wanted(case_id="C2")).state == "pending"


def test_of_two_approved_tickets_of_one_scope_one_leaves(local: TestDesk) -> None:
    one = local.ledger.draft(wanted(case_id="C1"))
    two = local.ledger.draft(wanted(case_id="C2"))
    approve(local, one)
    approve(local, two)
    local.clock.move(20)
    executor_of(local).run_once()
    assert local.ledger.get(one.id).state == "done"
    gone = local.ledger.get(two.id)
    assert gone.state == "superseded"
    assert "REC-1 is open for the same scope" in standing(gone, local.clock()).sentence


# --- undo -------------------------------------------------------------------------------------------------------


def test_nothing_leaves_within_the_undo_window_and_an_undo_takes_it_back(local: TestDesk) -> None:
    action = local.ledger.draft(wanted())
    approve(local, action)
    local.clock.move(9.9)
    assert executor_of(local).run_once() == 0
    out = local.ledger.undo(action.id, ANN)
    assert out.action.state == "pending"
    local.clock.move(100)
    assert executor_of(local).run_once() == 0
    assert told(local, action)[-1] == "undone"
    assert approve(local, action).changed


def test_an_executor_with_nothing_due_leaves_the_writer_to_others(local: TestDesk) -> None:
    approve(local, local.ledger.draft(wanted()))
    wrote = []

    def hear(connection: sa.Connection) -> None:
        wrote.append(connection.get_execution_options().get("tieout_writes", True))

    sa.event.listen(local.db.engine, "begin", hear)
    executor_of(local).run_once()
    assert wrote
    assert not any(wrote), "nothing is due within the undo window"
    local.clock.move(POLICY.undo_seconds)
    executor_of(local).run_once()
    assert any(wrote)


def test_what_has_left_cannot_be_undone(local: TestDesk) -> None:
    action = approved(local)
    executor_of(local).run_once()
    with pytest.raises(WrongState, match="done"):
        local.ledger.undo(action.id, ANN)


def test_anothers_approval_is_undone_by_an_approver_only(desk: TestDesk) -> None:
    action = desk.ledger.draft(wanted())
    approve(desk, action)
    with pytest.raises(NotAllowed):
        desk.ledger.undo(action.id, OPAL)
    assert desk.ledger.undo(action.id, BOB).changed


# --- bulk -------------------------------------------------------------------------------------------------------


def test_a_bulk_preview_says_what_would_happen_and_writes_nothing(desk: TestDesk) -> None:
    fine = desk.ledger.draft(wanted("email.send", case_id="C1"))
    large = desk.ledger.draft(wanted("email.send", case_id="C2", **OVER))
    which = [(fine.id, fine.payload_hash), (large.id, large.payload_hash), (fine.id, "0" * 64), ("A0", "x")]
    head = desk.audit.head()
    previewed = desk.ledger.decide_many(which, "approve", ANN, preview=True)
    assert desk.audit.head() == head
    applied = desk.ledger.decide_many(which[:2] + which[3:], "approve", ANN)
    assert [(r.ok, r.state) for r in previewed] == [(True, "approved"), (True, "pending"), (False, None), (False, None)]
    assert [r.state for r in applied] == ["approved", "pending", None]
    assert all(result.sentence for result in [*previewed, *applied])


# --- the buttons ------------------------------------------------------------------------------------------------


def unknown(desk: TestDesk) -> Action:
    action = approved(desk, "email.send")
    with desk.db.begin() as conn:
        conn.execute(
            sa.update(actions)
            .where(actions.c.id == action.id)
            .values(state="unknown", attempted_at=desk.clock(), attempts=1)
        )
    return desk.ledger.get(action.id)


def test_unknown_is_shown_with_its_age_and_three_buttons(desk: TestDesk) -> None:
    action = unknown(desk)
    desk.clock.move(2 * 3600)
    shown = standing(action, desk.clock())
    assert "since 2 hours" in shown.sentence
    assert action.payload["message_id"] in shown.sentence
    assert [button.label for button in shown.buttons] == ["I found it", "Send again", "Give up"]


def test_i_found_it(desk: TestDesk) -> None:
    action = unknown(desk)
    out = desk.ledger.found(action.id, OPAL, "in the sent folder")
    assert out.action.state == "done"
    assert out.action.receipt is not None
    assert out.action.receipt["found_by"] == "opal"


def test_send_again_sends_the_same_bytes(local: TestDesk) -> None:
    action = unknown(local)
    with pytest.raises(NotAllowed):
        local.ledger.send_again(action.id, OPAL)
    local.ledger.send_again(action.id, ANN)
    settle(local, executor_of(local))
    assert local.ledger.get(action.id).state == "done"
    assert told(local, action)[-3:] == ["sent_again", "sending", "done"]


def test_give_up_ends_it_and_says_that_nobody_knows(desk: TestDesk) -> None:
    action = unknown(desk)
    out = desk.ledger.give_up(action.id, OPAL)
    assert out.action.state == "failed"
    assert "opal gave it up. Whether it arrived is not known." in standing(out.action, desk.clock()).sentence
    assert not desk.ledger.give_up(action.id, OPAL).changed
    with pytest.raises(WrongState):
        decide(desk, out.action, "edit", OPAL, payload=action.payload)


@pytest.mark.parametrize("button", ["found", "send_again", "give_up"])
def test_the_buttons_are_refused_where_they_make_no_sense(desk: TestDesk, button: str) -> None:
    action = desk.ledger.draft(wanted())
    also = ("x",) if button == "found" else ()
    with pytest.raises(WrongState):
        getattr(desk.ledger, button)(action.id, ANN, *also)


def test_every_state_has_a_sentence(desk: TestDesk) -> None:
    action = approved(desk, "email.send")
    for state in (
        "draft", "pending", "approved", "executing", "checking", "done", "rejected", "failed", "unknown",
        "superseded", "expired",
    ):  # fmt: skip
        with desk.db.begin() as conn:
            conn.execute(sa.update(actions).where(actions.c.id == action.id).values(state=state))
        sentence = standing(desk.ledger.get(action.id), desk.clock()).sentence
        assert sentence.endswith((".", "so.")), sentence
        assert "None" not in sentence


# --- the policy -------------------------------------------------------------------------------------------------


def test_the_recon_files_own_routing_is_what_is_allowed_where_it_lists_nothing() -> None:
    said = parse_recon_file(
        {
            "routing": [
                {"jira": {"project": "TREAS"}, "email": {"to": ["fx.ops@Bank.example"]}},
            ],
            "sla": {"escalate_to": "boss@head.example"},
            "approval": {"four_eyes_over": 500, "undo_seconds": 3},
        },
        "here",
    )
    policy = policy_of(said, jira_project="REC")
    assert policy.email_domains == ("bank.example", "head.example")
    assert policy.jira_projects == ("REC", "TREAS")
    assert policy.webhooks == ()
    assert policy_from_json(policy.to_json()) == policy
    strict = parse_recon_file({"allow": {"jira_projects": ["REC"]}, "routing": [{"jira": {"project": "X"}}]}, "here")
    assert policy_of(strict, jira_project="Y").jira_projects == ("REC",)


@pytest.mark.parametrize("kind", ["jira.create", "email.send", "recon.comment", "task.create"])
def test_what_is_approved_is_done_without_any_setting(local: TestDesk, kind: Any) -> None:
    action = approved(local, kind)
    assert Executor(local).run_once() == 1
    assert local.ledger.get(action.id).state == "done"
    assert local.audit.verify().ok


def test_the_newest_comment_of_a_break_is_the_one_exported(local: TestDesk) -> None:
    approved(local, "recon.comment", slot="a")
    executor_of(local).run_once()
    approved(local, "recon.comment", payload={"breaks": ["B2"], "rows": [2], "comment": "Cleared."}, slot="b")
    executor_of(local).run_once()
    assert local.ledger.comments("gl") == {"B1": "FX rate, ticket raised.", "B2": "Cleared."}
    assert local.ledger.comments("other") == {}


def test_a_policy_is_kept_with_its_action(desk: TestDesk) -> None:
    assert desk.ledger.draft(wanted()).policy == POLICY
