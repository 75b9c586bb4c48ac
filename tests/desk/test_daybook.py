"""Cases follow their items: they clear, come back, go on in another case; promises are checked on their day."""

from datetime import date

import pytest

from memory.action_lists import TicketLink
from memory.alarms import FileSeen
from memory.brief import brief, hand_over
from memory.database import Database
from memory.daybook import Daybook
from memory.promises import Made, PromiseStore
from memory.replay import queue_as_of, replay
from memory.settling import after_clearing, after_reopening, settle
from recon.errors import NotFound
from recon.ids import item_id
from tests.acting.desk import ANN, wanted
from tests.desk.deskkit import ANNA, CALENDAR, EVA, FRI, MON, SAID, THU, TUE, WED, Workspace, rules
from tests.desk.test_items import seen


@pytest.fixture
def desk(any_db: Database) -> Workspace:
    return Workspace(any_db)


def run(desk: Workspace, day: date, rows: dict[str, int | None], *, cases: dict[str, list[str]] | None = None) -> None:
    """Follows a day's rows; `cases`: case -> the accounts whose items it holds."""
    desk.at(day)
    run_id = f"r-{day}"
    followed = desk.items.follow(run_id, [seen(day, rows)], rules())
    sighting, owners = followed._sightings[0], followed._owners[0]
    names = sighting.keys.column("Account").to_pylist()
    held = {name: item_id(int(number)) for name, number in zip(names, owners, strict=True) if number}
    for identity, accounts in (cases or {}).items():
        items = tuple(held[a] for a in accounts if a in held)
        desk.open_case(identity, items=items, run_id=run_id, last_date=day)
    desk.items.attach(run_id)


def test_a_case_clears_when_its_last_break_is_gone_and_reopens_when_it_returns(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000, "B": 6000}, cases={"C1": ["A", "B"]})
    assert settle(desk.db, desk.cases, "gl", MON, CALENDAR).cleared == ()
    run(desk, TUE, {"A": None, "B": 6000}, cases={"C1": ["B"]})
    assert settle(desk.db, desk.cases, "gl", TUE, CALENDAR).cleared == ()
    run(desk, WED, {"A": None, "B": None})
    assert settle(desk.db, desk.cases, "gl", WED, CALENDAR).cleared == ("C1",)
    assert desk.cases.get("C1").state == "cleared"
    run(desk, FRI, {"A": 5000, "B": None}, cases={"C1": ["A"]})
    assert settle(desk.db, desk.cases, "gl", FRI, CALENDAR).reopened == ("C1",)
    assert [e.kind for e in desk.cases.events("C1")] == ["opened", "cleared", "reopened"]


def test_what_was_closed_by_force_is_not_reopened(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    desk.work.force_close("C1", EVA, reason="immaterial")
    run(desk, TUE, {"A": 5000}, cases={"C1": ["A"]})
    assert settle(desk.db, desk.cases, "gl", TUE, CALENDAR).reopened == ()
    assert desk.cases.get("C1").state == "closed_forced"


def test_a_case_whose_breaks_go_on_in_another_says_where(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    run(desk, TUE, {"A": 5000}, cases={"C2": ["A"]})
    settled = settle(desk.db, desk.cases, "gl", TUE, CALENDAR)
    assert settled.continued == {"C1": "C2"}
    assert desk.cases.get("C2").state == "open"


def test_open_tickets_of_a_cleared_case_are_commented_and_moved_only_where_said(desk: Workspace) -> None:
    desk.open_case("C1")
    case = desk.cases.get("C1")
    link = TicketLink("s", "REC-1", "jira", "C1", "open", "", desk.now)
    closed = TicketLink("s", "REC-2", "jira", "C1", "closed", "", desk.now)
    assert [s.kind for s in after_clearing(case, [link, closed], TUE, done_state=None)] == ["jira.comment"]
    steps = after_clearing(case, [link, closed], TUE, done_state="Done")
    assert [(s.kind, s.payload["ticket"]) for s in steps] == [("jira.comment", "REC-1"), ("jira.transition", "REC-1")]
    assert [s.payload["ticket"] for s in after_reopening(case, [link, closed], TUE)] == ["REC-1", "REC-2"]


def promised(desk: Workspace, due: date | None) -> PromiseStore:
    (item,) = desk.items.open_items("gl")
    store = PromiseStore(desk.db, desk.clock)
    made = Made("gl", str(item.series_id), item.id, None, "will clear on Wednesday", due, MON, {}, "comment")
    assert store.add_many([made, made]) == 1
    assert store.add_many([made]) == 0
    return store


def test_a_promise_is_checked_once_on_its_day_and_kept_when_the_break_is_gone(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    store = promised(desk, WED)
    assert store.check("gl", MON, CALENDAR) == []
    run(desk, TUE, {"A": 5000})
    assert store.check("gl", TUE, CALENDAR) == []
    run(desk, WED, {"A": None})
    (checked,) = store.check("gl", WED, CALENDAR)
    assert checked.kept
    run(desk, THU, {"A": None})
    assert store.check("gl", THU, CALENDAR) == []


def test_a_broken_promise_is_told_on_its_day_and_a_restated_file_mends_it(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    store = promised(desk, TUE)
    run(desk, TUE, {"A": 5000}, cases={"C1": ["A"]})
    assert [c.kept for c in store.check("gl", TUE, CALENDAR)] == [False]
    assert [e.kind for e in desk.cases.events("C1")] == ["opened", "promise_broken"]
    run(desk, TUE, {"A": None})
    assert [c.kept for c in store.check("gl", TUE, CALENDAR)] == [True]


def test_a_promise_for_a_day_off_is_checked_on_the_next_business_day(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    store = promised(desk, date(2026, 6, 6))
    run(desk, FRI, {"A": 5000})
    assert store.check("gl", FRI, CALENDAR) == []
    run(desk, date(2026, 6, 8), {"A": None})
    assert [c.kept for c in store.check("gl", date(2026, 6, 8), CALENDAR)] == [True]


def test_the_brief_has_ten_lines_that_say_nothing_when_there_is_nothing(desk: Workspace) -> None:
    empty = brief(desk.db, None, MON)
    assert len(empty.lines) == 10
    assert sum(line.count for line in empty.lines) == 0
    assert empty.markdown().count("\n1. ") == 1


def test_the_brief_tells_new_late_promised_and_cleared_with_their_cases(desk: Workspace) -> None:
    run(desk, MON, {"A": 500_000, "B": 700}, cases={"C1": ["A"], "C2": ["B"]})
    desk.open_case("C3", due_on=MON)
    promised_on = Made("gl", "1", desk.items.open_items("gl")[0].id, "C1", "by Tuesday", TUE, MON, {}, "comment")
    PromiseStore(desk.db, desk.clock).add_many([promised_on])
    run(desk, TUE, {"A": 500_000, "B": None, "D": 900}, cases={"C1": ["A"], "C4": ["D"]})
    told = brief(desk.db, "gl", TUE)
    assert [told.of(name).count for name in ("new", "cleared", "over_sla", "promises", "nobody")] == [1, 1, 1, 1, 4]
    assert told.of("new").cases == ("C4",)
    assert told.of("cleared").cases == ("C2",)
    assert told.of("over_sla").cases == ("C3",)
    assert told.of("promises").cases == ("C1",)
    assert brief(desk.db, "other", TUE).of("new").count == 0


def test_the_hand_over_note_is_about_ones_own_cases_only(desk: Workspace) -> None:
    run(desk, MON, {"A": 500_000, "B": 700}, cases={"C1": ["A"], "C2": ["B"]})
    desk.know("anna")
    desk.work.take("C2", ANNA)
    note = hand_over(desk.db, None, MON, "anna")
    assert note.of("new").cases == ("C2",)
    assert note.of("money").cases == ("C2",)
    assert note.to_json()["title"] == "Hand-over from anna"


def test_replay_shows_a_case_as_it_was_on_a_past_day(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    desk.at(TUE, 10)
    desk.work.take("C1", ANNA)
    run(desk, WED, {"A": 9000}, cases={"C1": ["A"]})
    desk.at(WED, 12)
    desk.work.snooze("C1", ANNA, until=date(2026, 6, 20))
    on = {day: replay(desk.db, "C1", day) for day in (MON, TUE, WED)}
    assert [(r.state, r.owner) for r in on.values()] == [("open", None), ("open", "anna"), ("snoozed", "anna")]
    assert [r.items[0]["difference"] for r in on.values()] == ["50.00", "50.00", "90.00"]
    assert "taken" in on[TUE].text()
    assert [q["state"] for q in queue_as_of(desk.db, TUE)] == ["open"]
    with pytest.raises(NotFound, match="opened on 2026-06-01"):
        replay(desk.db, "C1", date(2026, 5, 31))


def test_replay_says_what_was_known_and_said_then_not_what_is_known_now(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    desk.cases.update_judgement("C1", summary="It looks like timing.", cause="timing")
    draft = desk.ledger.draft(wanted(case_id="C1", recon="gl"))
    desk.at(WED, 9)
    desk.cases.update_judgement("C1", summary="It is the FX rate.", cause="fx_rate")
    desk.cases.update_judgement("C1", summary="It is the FX rate of Monday.")
    changed = {**draft.payload, "summary": "Other words"}
    desk.ledger.decide(draft.id, "edit", draft.payload_hash, ANN, changed)
    then, now = replay(desk.db, "C1", TUE), replay(desk.db, "C1", WED)
    assert (then.known["cause"], then.known["summary"]) == ("timing", "It looks like timing.")
    assert (now.known["cause"], now.known["summary"]) == ("fx_rate", "It is the FX rate of Monday.")
    assert [then.actions[0]["payload"], now.actions[0]["payload"]] == [draft.payload, changed]
    assert "It looks like timing." in then.text()
    assert "knew" not in now.text()
    assert [e.kind for e in desk.cases.events("C1")] == ["opened"]


def test_promises_in_notes_and_replies_are_checked_like_those_in_comments(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    desk.work.note("C1", ANNA, "desk will book it on 03-Jun-2026")
    assert desk.work.reply("C1", "REC-7", "cleared last week, thanks") == 0
    store = PromiseStore(desk.db, desk.clock)
    assert [p.due_on for p in store.of_case("C1")] == [WED]
    run(desk, WED, {"A": 5000}, cases={"C1": ["A"]})
    assert [c.kept for c in store.check("gl", WED, CALENDAR)] == [False]


def test_a_reply_ends_the_snooze_that_waits_for_it(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000}, cases={"C1": ["A"]})
    desk.work.snooze("C1", ANNA, condition="until_reply")
    assert desk.work.wake_due(TUE) == []
    desk.work.reply("C1", "REC-7", "please look again")
    assert [done.case_id for done in desk.work.wake_due(TUE)] == ["C1"]


def test_time_alone_wakes_escalates_and_misses_files_each_once(desk: Workspace) -> None:
    run(desk, MON, {"A": 5000, "B": 6000}, cases={"C1": ["A"], "C2": ["B"]})
    desk.open_case("C3", due_on=TUE)
    desk.work.snooze("C1", ANNA, until=THU)
    book = Daybook(desk.db, desk.cases, desk.clock, desk.ledger)
    book.alarms.take_in(FileSeen("gl", "a.csv", "h", 2, MON, MON), None)
    assert book.tend("gl", SAID) == []
    desk.at(THU)
    told = book.tend("gl", SAID)
    assert [("snooze ended" in t, "escalated" in t, "No file for" in t) for t in told] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    (mail,) = desk.ledger.list(state="pending")
    assert mail.payload["to"] == ["boss@bank.example"]
    assert book.tend("gl", SAID) == []
