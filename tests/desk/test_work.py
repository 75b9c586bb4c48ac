"""Work on cases: one owner, told by mail without data, and every step that can be taken back is."""

from datetime import date

import pytest

from memory.action import NotAllowed, Person
from memory.cases import StaleCase
from memory.database import Database
from memory.notices import draft_notice
from recon.errors import BadInput
from tests.desk.deskkit import ANNA, BEN, EVA, FRI, MON, SAID, TUE, WED, Workspace


@pytest.fixture
def desk(db: Database) -> Workspace:
    made = Workspace(db)
    made.know("anna", "ben", "eva")
    made.open_case()
    return made


def owner(desk: Workspace) -> str | None:
    return desk.cases.record("C1").owner


def state(desk: Workspace) -> str:
    return desk.cases.get("C1").state


def test_an_assigned_case_has_one_owner_who_is_told_without_any_data(desk: Workspace) -> None:
    done = desk.work.assign("C1", "ben", ANNA)
    assert owner(desk) == "ben"
    (notice,) = done.notices
    assert notice.to == "ben@bank.example"
    text = str(notice.payload())
    assert "C1" in text
    assert "15000" not in text
    assert "1619205" not in text


def test_assigning_to_its_owner_again_changes_nothing(desk: Workspace) -> None:
    desk.work.assign("C1", "ben", ANNA)
    before = desk.cases.record("C1").version
    assert desk.work.assign("C1", "ben", ANNA).notices == ()
    assert desk.cases.record("C1").version == before


def test_passing_back_gives_it_to_who_had_it_before_with_a_reason(desk: Workspace) -> None:
    desk.work.take("C1", ANNA)
    desk.work.assign("C1", "ben", ANNA)
    with pytest.raises(BadInput, match="why it is not yours"):
        desk.work.pass_back("C1", BEN, reason=" ")
    desk.work.pass_back("C1", BEN, reason="tax knows this")
    assert owner(desk) == "anna"
    desk.work.pass_back("C1", ANNA, reason="not mine either")
    assert owner(desk) is None


def test_bulk_assign_previews_and_gives_each_case_its_own_result(desk: Workspace) -> None:
    desk.open_case("C2")
    preview = desk.work.assign_many(["C1", "C2", "C9"], "ben", ANNA, preview=True)
    assert [line.ok for line in preview] == [True, True, False]
    assert owner(desk) is None
    applied = desk.work.assign_many(["C1", "C2", "C9"], "ben", ANNA)
    assert [line.ok for line in applied] == [True, True, False]
    assert desk.work.load() == {"ben": 2}


def test_a_snooze_ends_on_its_day_and_its_owner_hears_of_it(desk: Workspace) -> None:
    desk.work.take("C1", ANNA)
    with pytest.raises(BadInput, match="not in the future"):
        desk.work.snooze("C1", ANNA, until=MON)
    desk.work.snooze("C1", ANNA, until=WED)
    assert state(desk) == "snoozed"
    assert desk.work.wake_due(TUE) == []
    (woken,) = desk.work.wake_due(WED)
    assert woken.notices[0].reason == "snooze_over"
    assert state(desk) == "open"


def test_a_snooze_on_a_condition_ends_when_the_amount_changes(desk: Workspace) -> None:
    desk.work.snooze("C1", ANNA, condition="until_change")
    assert desk.work.wake_due(FRI) == []
    desk.open_case("C1", break_count=2, run_id="r2")
    assert [done.sentence for done in desk.work.wake_due(FRI)] == ["C1: its amount changed"]


def test_closing_by_force_needs_the_right_and_a_reason(desk: Workspace) -> None:
    with pytest.raises(NotAllowed, match="approver or admin"):
        desk.work.force_close("C1", ANNA, reason="immaterial")
    with pytest.raises(BadInput, match="why"):
        desk.work.force_close("C1", EVA, reason="")
    desk.work.force_close("C1", EVA, reason="immaterial, agreed with finance")
    assert state(desk) == "closed_forced"
    with pytest.raises(BadInput, match="closed_forced already"):
        desk.work.force_close("C1", EVA, reason="again")


def test_every_step_can_be_undone_until_somebody_changes_it_again(desk: Workspace) -> None:
    taken = desk.work.take("C1", ANNA)
    forced = desk.work.force_close("C1", EVA, reason="immaterial")
    assert forced.event is not None
    assert taken.event is not None
    desk.work.undo(forced.event, EVA)
    assert state(desk) == "open"
    assert desk.work.undo(forced.event, EVA).sentence == "It was undone already."
    desk.work.assign("C1", "ben", ANNA)
    with pytest.raises(StaleCase, match="changed again"):
        desk.work.undo(taken.event, ANNA)


def test_another_persons_step_is_undone_by_an_approver_only(desk: Workspace) -> None:
    done = desk.work.take("C1", ANNA)
    assert done.event is not None
    with pytest.raises(NotAllowed, match="only anna"):
        desk.work.undo(done.event, BEN)
    desk.work.undo(done.event, EVA)
    assert owner(desk) is None


def test_a_note_tells_its_owner_and_whom_it_mentions_but_not_its_words(desk: Workspace) -> None:
    desk.work.take("C1", ANNA)
    done = desk.work.note("C1", EVA, "@ben please look at account 1619205, mail x@anna.example")
    assert {(n.reason, n.to) for n in done.notices} == {
        ("mentioned", "ben@bank.example"),
        ("commented", "anna@bank.example"),
    }
    assert all("1619205" not in str(n.payload()) for n in done.notices)
    assert done.event is not None
    desk.work.undo(done.event, EVA)
    assert next(e for e in desk.cases.events("C1") if e.kind == "note").undone_at is not None


def test_a_viewer_may_only_look_and_a_stranger_gets_no_case(desk: Workspace) -> None:
    with pytest.raises(NotAllowed, match="may only look"):
        desk.work.take("C1", Person("vic", "viewer"))
    with pytest.raises(BadInput, match="nobody known"):
        desk.work.assign("C1", "mallory", ANNA)


def test_a_stale_version_is_refused(desk: Workspace) -> None:
    desk.work.take("C1", ANNA, version=1)
    with pytest.raises(StaleCase):
        desk.work.assign("C1", "ben", ANNA, version=1)


def test_an_approvers_step_approves_its_own_mail_and_other_mails_wait(desk: Workspace) -> None:
    mine = draft_notice(desk.ledger, desk.work.assign("C1", "ben", EVA).notices[0], SAID, EVA)
    assert mine is not None
    assert (mine.state, mine.approved_by) == ("approved", "eva")
    desk.open_case("C2")
    hers = draft_notice(desk.ledger, desk.work.assign("C2", "ben", ANNA).notices[0], SAID, ANNA)
    assert hers is not None
    assert hers.state == "pending"
    late = desk.work.escalate("C1", Person("tieout", "admin"), why="2 days over", to="boss@bank.example")
    theirs = draft_notice(desk.ledger, late.notices[0], SAID)
    assert theirs is not None
    assert theirs.state == "pending"


def test_what_is_over_its_due_date_is_listed(desk: Workspace) -> None:
    desk.open_case("C7", due_on=date(2026, 6, 2))
    assert [r.case.id for r in desk.work.over_due(WED)] == ["C7"]
    assert desk.work.over_due(TUE) == []
