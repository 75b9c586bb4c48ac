"""A shut door is seen, said and opened from the service; after a fault a person says what became of an action."""

from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient

from agents.desk import Desk
from memory.action import Action
from memory.schema import actions, doors


def waiting(desk: Desk, **values: Any) -> Action:
    """An approved action as the executor leaves it."""
    action = next(a for a in desk.ledger.list(state="pending") if a.kind == "jira.create")
    given = {"state": "approved", "approved_hash": action.payload_hash, "approved_by": "ann", "order_n": 1, **values}
    with desk.db.begin() as connection:
        connection.execute(actions.update().where(actions.c.id == action.id).values(**given))
    return desk.ledger.get(action.id)


def shut(desk: Desk) -> None:
    now = desk.clock()
    said = "Jira does not accept our token any more (401); put a new one into TIEOUT_JIRA_TOKEN. Nothing is lost."
    with desk.db.begin() as connection:
        values = {"name": "jira", "paused": True, "sentence": said, "since": now, "next_at": now + timedelta(hours=1)}
        connection.execute(doors.insert().values(**values))


def test_a_paused_door_is_listed_with_what_waits_and_opened_by_a_button(client: TestClient, desk: Desk) -> None:
    action = waiting(desk)
    shut(desk)
    told = {door["name"]: door for door in client.get("/api/v1/doors").json()["items"]}
    assert (told["jira"]["paused"], told["jira"]["waiting"]) == (True, 1)
    assert "TIEOUT_JIRA_TOKEN" in told["jira"]["sentence"]
    page = client.get(f"/?case={action.case_id}").text
    assert "TIEOUT_JIRA_TOKEN" in page
    assert "Try again now" in page
    form = {"decision": "open_door", "back": "/"}
    assert client.post(f"/actions/{action.id}/decision", data=form, follow_redirects=False).status_code == 303
    assert desk.ledger.doors() == []
    assert "Try again now" not in client.get(f"/?case={action.case_id}").text


def test_a_program_opens_a_door_and_a_name_that_is_none_is_told_so(client: TestClient, desk: Desk) -> None:
    name = client.get("/api/v1/doors").json()["items"][0]["name"]
    assert client.post(f"/api/v1/doors/{name}/open").json() == {
        "name": name, "shut": False, "paused": False, "sentence": "", "since": None, "next_at": None, "waiting": 0,
    }  # fmt: skip
    wrong = client.post("/api/v1/doors/pigeon/open")
    assert wrong.status_code == 404
    assert name in wrong.json()["detail"]


def test_a_dry_run_shows_what_would_leave_and_sends_nothing(client: TestClient, desk: Desk) -> None:
    action = next(a for a in desk.ledger.list(state="pending") if a.kind == "jira.create")
    told = client.get(f"/api/v1/actions/{action.id}/dry-run").json()
    assert action.payload["summary"] in told["leaves"]
    assert desk.ledger.get(action.id) == action


def test_after_a_fault_a_person_says_what_became_of_it(client: TestClient, desk: Desk) -> None:
    action = waiting(desk, state="unknown")
    path = f"/api/v1/actions/{action.id}/outcome"
    assert client.post(path, json={"outcome": "found"}).status_code == 422
    told = client.post(path, json={"outcome": "found", "reference": "REC-9"}).json()
    assert (told["action"]["state"], told["action"]["receipt"]["reference"]) == ("done", "REC-9")
    assert client.post(path, json={"outcome": "give_up"}).status_code == 409
    assert desk.audit.rows(target=action.id)[-1].what == "found"


def test_sending_again_asks_for_an_approver(as_role: Any, desk: Desk) -> None:
    action = waiting(desk, state="failed")
    path = f"/api/v1/actions/{action.id}/outcome"
    assert as_role("operator").post(path, json={"outcome": "send_again"}).status_code == 403
    assert as_role("approver").post(path, json={"outcome": "send_again"}).json()["action"]["state"] == "approved"
