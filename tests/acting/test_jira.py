"""Jira: looked for before it is created, completed after a crash, and the test server is like the real one."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from jira import JIRA

from memory.action import Action
from memory.payloads import attachment
from tests.acting.desk import TestDesk, approve, approved, wanted
from tests.acting.jira_server.server import TOKEN, JiraServer
from tests.acting.test_doors import executor_of, settle
from tests.shared import SHARED
from tools.actions.door import Paused
from tools.actions.jira import CLOUD_SETTLE, DATA_CENTER_SETTLE, Jira, scope_label
from tools.actions.wiki import plain_for_wiki

DESCRIPTION = SHARED.parent / "jira" / "jira-cloud-v3.min.openapi.json"
CHART = attachment("chart.svg", "<svg/>")
ROWS = attachment("rows.csv", "key,difference\n1607,20000.00\n")


@pytest.fixture(params=["cloud", "dc"])
def jira(request: pytest.FixtureRequest, sqlite_desk: TestDesk) -> Iterator[JiraServer]:
    with JiraServer(request.param, sqlite_desk.clock.monotonic) as server:
        sqlite_desk.put(door_to(server))
        yield server


def door_to(server: JiraServer, **also: Any) -> Jira:
    return Jira(server.url, server.user, TOKEN, projects=["REC"], timeout=(2.0, 5.0), **also)


def sent(desk: TestDesk, kind: Any = "jira.create", **also: Any) -> Action:
    action = approved(desk, kind, **also)
    executor_of(desk).run_once()
    return desk.ledger.get(action.id)


def test_the_dry_run_is_what_leaves(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    action = approved(sqlite_desk, payload={"description": "{code} of [~admin]"})
    head, _, rest = door_to(jira).dry_run(action).partition(b"\n\n")
    body, after = rest.split(b"\n}\n", 1)
    assert head.startswith(b"POST ")
    assert b"then assign to fx.ops" in after
    executor_of(sqlite_desk).run_once()
    issue = next(iter(jira.state.issues.values()))
    assert json.loads(body + b"\n}")["fields"] == issue.fields


def test_evidence_and_assignee_follow_the_ticket(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    action = sent(sqlite_desk, payload={"attachments": [CHART, ROWS]})
    issue = jira.state.find("REC-1")
    assert [file["filename"] for file in issue.attachments] == ["chart.svg", "rows.csv"]
    assert issue.attachments[1]["size"] == len(ROWS["text"])
    assert issue.assignee == "fx.ops", "fx.ops.lead resembles it too"
    assert action.receipt == {
        "reference": "REC-1",
        "url": f"{jira.url}/browse/REC-1",
        "detail": "",
        "attachments": ["chart.svg", "rows.csv"],
    }


def test_what_a_crash_left_undone_is_finished_once(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    jira.fault("POST .*/issue$", "drop", after=True)
    action = sent(sqlite_desk, payload={"attachments": [CHART]})
    assert action.state == "checking"
    settle(sqlite_desk, executor_of(sqlite_desk))
    assert sqlite_desk.ledger.get(action.id).state == "done"
    issue = jira.state.find("REC-1")
    assert issue.assignee == "fx.ops"
    door_to(jira).look_up(action)
    assert len(issue.attachments) == 1


def test_an_open_ticket_of_the_scope_is_found_in_jira_itself(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    draft = sqlite_desk.ledger.draft(wanted())
    jira.state.create(
        {
            "project": {"key": "TREAS"},
            "issuetype": {"name": "Task"},
            "summary": "Somebody was first",
            "labels": [scope_label(draft)],
        }
    )
    approve(sqlite_desk, draft)
    sqlite_desk.clock.move(20)
    executor_of(sqlite_desk).run_once()
    action = sqlite_desk.ledger.get(draft.id)
    assert action.state == "superseded"
    assert "TREAS-1 is open in Jira for the same scope" in (action.fault or {})["sentence"]
    assert [link.ticket for link in sqlite_desk.ledger.links(case_id="C1")] == ["TREAS-1"]
    assert len(jira.state.issues) == 1


def test_a_closed_ticket_of_the_scope_does_not_stand_in_the_way(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    first = sent(sqlite_desk)
    assert sent(sqlite_desk, "jira.transition").state == "done"
    assert sqlite_desk.ledger.links(scope_key=first.scope_key)[0].state == "closed"
    second = sent(sqlite_desk, slot="again")
    assert second.receipt
    assert second.receipt["reference"] == "REC-2"


def test_a_break_that_clears_comments_and_closes_its_ticket(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    sent(sqlite_desk)
    comment = sent(sqlite_desk, "jira.comment")
    moved = sent(sqlite_desk, "jira.transition")
    issue = jira.state.find("REC-1")
    assert issue.status == "Done"
    assert issue.comments[0]["body"].splitlines() == [
        "The break is gone since 2026-03-01.",
        "",
        f"tieout-{comment.id}",
    ]
    assert moved.receipt
    assert moved.receipt["closed"]


def test_text_from_data_is_no_markup(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    hostile = "{html}<b>x</b>{html} [click|http://evil.example] [~admin] !http://evil.example/a.png! ||h|| \\{code}"
    sent(sqlite_desk, payload={"description": hostile})
    stored = jira.state.find("REC-1").fields["description"]
    assert not re.search(r"(?<!\\)[{\[!|]", stored)
    assert "\\\\" not in stored
    assert plain_for_wiki("plain, 20,000.00 USD") == "plain, 20,000.00 USD"


def test_a_double_that_a_slow_index_allowed_is_reported(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    """The promise holds as long as the index catches up in time; where it did not, a sweep says so."""
    jira.state.index_lag = 3600.0
    jira.fault("POST .*/issue$", "drop", after=True)
    action = sent(sqlite_desk)
    settle(sqlite_desk, executor_of(sqlite_desk))
    assert sqlite_desk.ledger.get(action.id).state == "done"
    assert len(jira.state.issues) == 2
    jira.state.index_lag = 0.0
    sqlite_desk.clock.move(400)
    executor_of(sqlite_desk).run_once()
    action = sqlite_desk.ledger.get(action.id)
    assert "It stands there 2 times (REC-1, REC-2); close all but one." in (action.fault or {})["sentence"]
    assert "double" in [row.what for row in sqlite_desk.audit.rows(target=action.id)]


def test_the_settle_time_follows_the_kind_of_jira(jira: JiraServer) -> None:
    door = door_to(jira)
    assert door.recovery("jira.create").settle == CLOUD_SETTLE
    door.check()
    wanted_seconds = CLOUD_SETTLE if jira.mode == "cloud" else DATA_CENTER_SETTLE
    assert door.recovery("jira.create").settle == wanted_seconds
    assert door_to(jira, settle=7.0).recovery("jira.create").settle == 7.0


# --- doctor -----------------------------------------------------------------------------------------------------


def test_doctor_finds_a_project_without_labels_on_its_create_screen(jira: JiraServer) -> None:
    jira.state.labels_on_screen = False
    failed = [check for check in door_to(jira).check() if not check.ok]
    assert [check.name for check in failed] == ["jira REC labels"]
    assert "add it" in failed[0].sentence


def test_doctor_names_the_rights_that_our_user_lacks(jira: JiraServer) -> None:
    assert all(check.ok for check in door_to(jira).check())
    jira.state.lacking = ("CREATE_ATTACHMENTS", "ASSIGN_ISSUES")
    failed = [check for check in door_to(jira).check() if not check.ok]
    assert [check.name for check in failed] == ["jira REC rights"]
    assert "may not attach files, assign them in REC" in failed[0].sentence


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda jira: setattr(jira, "token_expired", True), "TIEOUT_JIRA_TOKEN"),
        (lambda jira: jira.fault("serverInfo", "html"), "sign-in page"),
        (lambda jira: jira.fault("serverInfo", "drop"), "out of reach"),
        (lambda jira: jira.state.projects.pop("REC"), "does not know"),
    ],
)
def test_doctor_says_what_is_wrong_with_the_connection(jira: JiraServer, break_it: Any, says: str) -> None:
    break_it(jira)
    failed = [check for check in door_to(jira).check() if not check.ok]
    assert len(failed) == 1
    assert says in failed[0].sentence


def test_an_address_that_is_none_pauses_and_says_so() -> None:
    with pytest.raises(Paused, match="TIEOUT_JIRA_URL"):
        Jira("not an address", None, "t")._client()


def test_no_fault_repeats_the_token(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    jira.fault("POST .*/issue$", "status", status=400, body=b'{"errorMessages":["no"],"errors":{}}')
    action = sent(sqlite_desk)
    assert TOKEN not in json.dumps([action.to_json(), *[row.to_json() for row in sqlite_desk.audit.rows()]])
    assert TOKEN not in door_to(jira).dry_run(action).decode()


# --- the test server against Atlassian's own description ----------------------------------------------------------


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Atlassian's description is not at shared/jira/")
def test_the_test_servers_answers_fit_atlassians_description() -> None:
    described = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    with JiraServer("cloud") as server:
        _visit_everything(server)
        seen = list(server.seen)
    visited = set()
    for line, status, body in seen:
        method, path = line.split(" ")
        found = _described(described, method.lower(), path)
        assert found is not None, f"{line} is not described"
        template, responses = found
        visited.add(f"{method} {template}")
        assert str(status) in responses, f"{line} answers {status}"
        content = responses[str(status)].get("content", {}).get("application/json")
        if content and "schema" in content and body is not None:
            schema = {**_plain(content["schema"]), "components": _plain(described["components"])}
            jsonschema.validate(body, schema)
    assert len(visited) >= 18, sorted(visited)


def _visit_everything(server: JiraServer) -> None:
    client = JIRA(server.url, basic_auth=(server.user or "", TOKEN), max_retries=0)
    client.myself()
    client.fields()
    client.project("REC")
    client.issue_types_for_project("REC")
    for path in ("issue/createmeta/REC/issuetypes", "issue/createmeta/REC/issuetypes/10001"):
        client._get_json(path)
    fields = {"project": {"key": "REC"}, "issuetype": {"name": "Task"}, "summary": "s", "labels": ["a"]}
    issue = client.create_issue(fields=fields)
    client.search_issues('labels in ("a")', json_result=True)
    client.search_issues('labels in ("a")', json_result=True, use_post=True)
    issue.update(summary="t")
    client.add_comment(issue.key, "text")
    client.comments(issue.key)
    client.transition_issue(issue.key, "31")
    client.search_users(query="fx")
    client._session.put(client._get_latest_url(f"issue/{issue.key}/assignee"), data='{"accountId": "5b10-fx.ops"}')
    Jira(server.url, server.user, TOKEN)._write(
        lambda known: known.add_attachment(issue.key, io.BytesIO(b"x"), filename="x.csv"), "attaching"
    )
    client.add_issue_property(issue.key, "tieout", {"action": "A1"})
    client.issue_property(issue.key, "tieout")
    client.add_simple_link(issue.key, {"url": "https://tieout.example/cases/C1", "title": "C1"})


def _described(described: dict[str, Any], method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    wanted_path = re.sub("/rest/api/(2|latest)/", "/rest/api/3/", path)
    for template, methods in described["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, wanted_path) and method in methods:
            return template, methods[method]["responses"]
    return None


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, and formats are not asserted."""
    if isinstance(schema, list):
        return [_plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    out = {name: _plain(inner) for name, inner in schema.items() if name not in ("nullable", "discriminator", "xml")}
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        out["type"] = [schema["type"], "null"]
    return out


def test_a_newer_worker_sees_the_same_ticket(sqlite_desk: TestDesk, jira: JiraServer) -> None:
    action = sent(sqlite_desk)
    found = door_to(jira).look_up(action)
    assert found is not None
    assert found.reference == "REC-1"
    assert door_to(jira).doubles(action) == ["REC-1"]
