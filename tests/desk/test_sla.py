"""Deadlines and escalation stand on business days, and say when nobody owned the case."""

from datetime import date

import pytest

from memory.database import Database
from memory.sla import Standing, due_on, escalations, limits, severity, term_days
from recon.calendar import BusinessCalendar
from recon.errors import BadReconFile
from recon.recon_file import CalendarSaid, Sla
from tests.desk.deskkit import ANNA, CALENDAR, FRI, MON, SAID, THU, TUE, Workspace


def test_a_due_date_skips_weekends_and_the_currencys_holidays() -> None:
    calendar = BusinessCalendar.of(CalendarSaid(by_currency={"JPY": [date(2026, 6, 8)]}))
    assert due_on("high", FRI, "USD", SAID, calendar) == date(2026, 6, 8)
    assert due_on("high", FRI, "JPY", SAID, calendar) == date(2026, 6, 9)
    assert due_on("low", MON, "USD", SAID, calendar) == date(2026, 6, 8)


def test_terms_are_read_and_nonsense_is_refused_with_its_place() -> None:
    assert (term_days("3d"), term_days("2w"), term_days("24h")) == (3, 10, 1)
    with pytest.raises(BadReconFile, match=r"sla.high: '3 moons'"):
        term_days("3 moons", "sla.high")
    assert limits(Sla(low="8d")) == (8, 30, 60, 90)


def test_age_a_broken_promise_and_repetition_each_raise_the_severity() -> None:
    assert severity("low", Standing()) == "low"
    assert severity("low", Standing(age=31)) == "medium"
    assert severity("low", Standing(promise_broken=True, repeated=True)) == "high"
    assert severity("high", Standing(age=99, promise_broken=True)) == "high"


@pytest.fixture
def desk(db: Database) -> Workspace:
    made = Workspace(db)
    made.open_case("C1", due_on=TUE)
    made.open_case("C2", due_on=TUE)
    made.work.take("C2", ANNA)
    return made


def test_escalation_waits_for_its_term_and_says_that_nobody_owned_it(desk: Workspace) -> None:
    records = [desk.cases.record(one) for one in ("C1", "C2")]
    assert escalations(records, date(2026, 6, 3), SAID, CALENDAR) == []
    found = escalations(records, THU, SAID, CALENDAR)
    assert [(e.case_id, e.to, e.days_over) for e in found] == [
        ("C1", "boss@bank.example", 2),
        ("C2", "boss@bank.example", 2),
    ]
    assert "aged because nobody owns it" in found[0].why
    assert "anna owns it" in found[1].why


def test_a_snoozed_or_escalated_case_is_not_escalated_again(desk: Workspace) -> None:
    desk.work.snooze("C1", ANNA, until=date(2026, 7, 1))
    desk.work.escalate("C2", ANNA, why="late")
    records = [desk.cases.record(one) for one in ("C1", "C2")]
    assert escalations(records, date(2026, 6, 12), SAID, CALENDAR) == []
