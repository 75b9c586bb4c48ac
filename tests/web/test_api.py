"""The API's promises: typed answers, keyset pages, problem documents, one effect for one intent."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agents.desk import Desk
from memory.case_query import CaseQuery
from web.access import RULES

SNAPSHOT = Path(__file__).parent / "openapi.json"


def ids(desk: Desk) -> list[str]:
    return [r.case.id for r in desk.cases.page(CaseQuery()).records]


def pending(desk: Desk, kind: str = "jira.create") -> Any:
    return next(a for a in desk.ledger.list(state="pending") if a.kind == kind)


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["detail"]
    return body


# --- the document ----------------------------------------------------------------------------------------------


def test_the_openapi_document_is_the_snapshot(app: FastAPI) -> None:
    document = json.dumps(app.openapi(), indent=1, sort_keys=True) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(document)
    assert document == SNAPSHOT.read_text(), f"the API changed; if it is meant, delete {SNAPSHOT.name} and run again"


def flat(routes: Any) -> Any:
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None) or getattr(route, "routes", None)
        if inner and not getattr(route, "methods", None):
            yield from flat(inner)
        else:
            yield route


def test_every_route_has_its_rule_of_access_and_every_rule_its_route(app: FastAPI) -> None:
    from web.api import API_ROUTERS
    from web.pages import PAGE_ROUTERS

    routed = {
        (method, route.path)  # type: ignore[attr-defined]
        for router in (*API_ROUTERS, *PAGE_ROUTERS)
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
        if method != "HEAD"
    } | {("GET", "/openapi.json")}
    assert routed == set(RULES)


ROLES = ("viewer", "operator", "approver", "admin")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_its_routes_and_no_more(as_role: Any, role: str) -> None:
    client = as_role(role)
    rank = {"anyone": -1, **{r: n for n, r in enumerate(ROLES)}}
    for (method, path), least in RULES.items():
        if path.endswith("/events") or ("{" not in path and method == "GET" and path in ("/", "/enter")):
            continue
        answer = client.request(method, path.replace("{", "").replace("}", ""), headers={"accept": "application/json"})
        refused = answer.status_code == 403 and "needs the role" in answer.text
        assert refused == (rank[role] < rank[least]), (method, path, answer.status_code)


# --- cases -----------------------------------------------------------------------------------------------------


def test_pages_by_cursor_show_each_case_once(client: TestClient, desk: Desk) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get("/api/v1/cases", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [c["id"] for c in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == ids(desk)


def test_filters_narrow(client: TestClient) -> None:
    found = client.get("/api/v1/cases", params={"cause": "fx_rate,duplicate", "state": "open"}).json()["items"]
    assert {c["cause"] for c in found} == {"fx_rate", "duplicate"}
    assert client.get("/api/v1/cases", params={"q": "NOSTRO gbp"}).json()["items"][0]["cause"] == "fx_rate"
    assert client.get("/api/v1/cases", params={"owner": "me"}).json()["items"] == []


@pytest.mark.parametrize(
    "params", [{"sort": "colour"}, {"cursor": "!!"}, {"cursor": "bnVsbA"}, {"limit": "0"}, {"limit": "x"}]
)
def test_wrong_words_are_told_as_a_problem(client: TestClient, params: dict[str, str]) -> None:
    is_problem(client.get("/api/v1/cases", params=params), 422)


def test_a_missing_case_is_a_problem_that_says_where_to_look(client: TestClient) -> None:
    assert "tieout cases" in is_problem(client.get("/api/v1/cases/Cnope"), 404)["detail"]


def test_the_series_has_its_band_marks_and_both_sides(client: TestClient, desk: Desk) -> None:
    case = next(r.case for r in desk.cases.page(CaseQuery()).records if r.case.cause == "fx_rate")
    series = client.get(f"/api/v1/cases/{case.id}/series").json()
    assert len(series["points"]) == 90
    assert series["points"][-1]["anomaly"]
    assert series["points"][-1]["low"] < series["points"][-1]["high"]
    assert series["points"][0]["left"] is not None
    assert {"comment", "promise"} <= {m["kind"] for m in series["marks"]}


def test_a_change_made_on_an_old_version_is_told_and_overwrites_nothing(client: TestClient, desk: Desk) -> None:
    case_id = ids(desk)[0]
    version = client.get(f"/api/v1/cases/{case_id}").json()["version"]
    assert client.patch(f"/api/v1/cases/{case_id}", json={"owner": "ana", "version": version}).status_code == 200
    is_problem(client.patch(f"/api/v1/cases/{case_id}", json={"owner": "bo", "version": version}), 409)
    is_problem(
        client.patch(f"/api/v1/cases/{case_id}", json={"owner": "bo"}, headers={"if-match": f'"{version}"'}), 409
    )
    assert client.get(f"/api/v1/cases/{case_id}").json()["owner"] == "ana"


def test_a_change_is_undone_by_its_history_line(client: TestClient, desk: Desk) -> None:
    case_id = ids(desk)[0]
    client.patch(f"/api/v1/cases/{case_id}", json={"state": "in_review"})
    undo = [e["undo_id"] for e in client.get(f"/api/v1/cases/{case_id}/events").json() if e["undo_id"]][-1]
    assert client.post(f"/api/v1/undo/{undo}").json()["ok"]
    assert client.get(f"/api/v1/cases/{case_id}").json()["state"] == "open"
    is_problem(client.post("/api/v1/undo/ev-999999"), 404)


def test_closing_by_force_asks_for_an_approver_and_a_reason(as_role: Any, desk: Desk) -> None:
    case_id = ids(desk)[0]
    close = {"state": "closed_forced", "note": "written off"}
    is_problem(as_role("operator").patch(f"/api/v1/cases/{case_id}", json=close), 403)
    is_problem(as_role("approver").patch(f"/api/v1/cases/{case_id}", json={"state": "closed_forced"}), 422)
    assert as_role("approver").patch(f"/api/v1/cases/{case_id}", json=close).json()["state"] == "closed_forced"


def test_bulk_says_first_and_does_later_with_a_result_for_each(client: TestClient, desk: Desk) -> None:
    body = {"ids": [*ids(desk)[:3], "Cnope"], "do": "assign"}
    preview = client.post("/api/v1/cases/bulk", json=body).json()
    assert [r["ok"] for r in preview["results"]] == [True, True, True, False]
    assert desk.cases.record(ids(desk)[0]).owner is None
    done = client.post("/api/v1/cases/bulk", json={**body, "apply": True}).json()
    assert done["applied"]
    assert [r["ok"] for r in done["results"]] == [True, True, True, False]
    assert desk.cases.record(ids(desk)[0]).owner


def test_feedback_is_previewed_saved_and_taken_back(client: TestClient, desk: Desk) -> None:
    case_id = ids(desk)[0]
    path = f"/api/v1/cases/{case_id}/feedback"
    preview = client.post(path, json={"verdict": "false_positive", "note": "known", "preview": True}).json()
    assert not preview["saved"]
    assert preview["would_change"]["sentence"]
    assert desk.feedback.list() == []
    saved = client.post(path, json={"verdict": "false_positive", "note": "known"}).json()
    assert desk.feedback.list(target_id=case_id)[0].note == "known"
    client.post(f"/api/v1/undo/{saved['id']}")
    assert desk.feedback.list() == []
    is_problem(client.post(path, json={"verdict": "corrected"}), 422)
    brk = client.get(f"/api/v1/cases/{case_id}/breaks").json()["items"][0]["break_id"]
    assert client.post(f"/api/v1/breaks/{brk}/feedback", json={"verdict": "true"}).json()["saved"]


# --- actions ---------------------------------------------------------------------------------------------------


def test_an_approval_binds_the_bytes_that_were_seen(client: TestClient, desk: Desk) -> None:
    action = pending(desk)
    path = f"/api/v1/actions/{action.id}/decision"
    is_problem(client.post(path, json={"decision": "approve", "payload_hash": "0" * 64}), 409)
    edited = {**action.payload, "summary": "Another title"}
    first = client.post(path, json={"decision": "edit", "payload_hash": action.payload_hash, "payload": edited}).json()
    assert first["action"]["state"] == "pending"
    is_problem(client.post(path, json={"decision": "approve", "payload_hash": action.payload_hash}), 409)
    now = first["action"]["payload_hash"]
    done = client.post(path, json={"decision": "approve", "payload_hash": now})
    assert done.json()["action"]["state"] == "approved"
    assert not client.post(path, json={"decision": "approve", "payload_hash": now}).json()["changed"]
    assert client.post(f"/api/v1/undo/{action.id}").json()["ok"]
    assert client.get(f"/api/v1/actions/{action.id}").json()["state"] == "pending"


def test_a_draft_known_by_its_etag_is_not_sent_again(client: TestClient, desk: Desk) -> None:
    path = f"/api/v1/actions/{pending(desk).id}"
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"if-none-match": etag}).status_code == 304


def test_operators_do_not_approve(as_role: Any, desk: Desk) -> None:
    action = pending(desk)
    body = {"decision": "approve", "payload_hash": action.payload_hash}
    is_problem(as_role("operator").post(f"/api/v1/actions/{action.id}/decision", json=body), 403)
    is_problem(as_role("viewer").post(f"/api/v1/actions/{action.id}/decision", json=body), 403)
    assert desk.ledger.get(action.id).state == "pending"


def test_the_same_idempotency_key_has_one_effect_and_one_answer(client: TestClient, desk: Desk) -> None:
    action = pending(desk)
    path = f"/api/v1/actions/{action.id}/decision"
    body = {"decision": "respond", "payload_hash": action.payload_hash, "note": "shorter please"}
    first = client.post(path, json=body, headers={"idempotency-key": "k1"})
    again = client.post(path, json=body, headers={"idempotency-key": "k1"})
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len(desk.ledger.decisions(action.id)) == 1
    is_problem(client.post(path, json={**body, "note": "x"}, headers={"idempotency-key": "k1"}), 422)


# --- the rest --------------------------------------------------------------------------------------------------


def test_recon_files_are_checked_and_kept(client: TestClient) -> None:
    before = client.get("/api/v1/recons/gl-vs-ihub").json()
    assert before["recon"]["sources"]["left"] == "GL"
    kept = client.put("/api/v1/recons/gl-vs-ihub", json={**before["recon"], "target_fdr": 0.2})
    assert kept.json()["recon"]["target_fdr"] == 0.2
    assert "target_fdr" in is_problem(client.put("/api/v1/recons/gl-vs-ihub", json={"target_fdr": 7}), 422)["detail"]


def test_resolutions_are_learned_once(client: TestClient) -> None:
    item = {"recon": "gl-vs-ihub", "comment": "Rate refreshed", "business_date": "2026-11-01", "cause": "fx_rate"}
    assert client.post("/api/v1/resolutions", json={"items": [item]}).json() == {"added": 1, "given": 1}
    assert client.post("/api/v1/resolutions", json={"items": [item]}).json()["added"] == 0
    assert (
        client.get("/api/v1/resolutions", params={"q": "refreshed"}).json()["items"][0]["comment"] == "Rate refreshed"
    )


def test_what_is_done_is_in_the_audit(client: TestClient, desk: Desk) -> None:
    client.patch(f"/api/v1/cases/{ids(desk)[0]}", json={"owner": "me"})
    rows = client.get("/api/v1/audit", params={"target": ids(desk)[0]}).json()["items"]
    assert rows[-1]["what"] == "case.assign"
    assert desk.audit.verify().ok


def test_tokens_work_until_they_are_ended(client: TestClient, app: FastAPI) -> None:
    secret = client.post("/api/v1/tokens", json={"person": "bo", "role": "viewer"}).json()["token"]
    bo = TestClient(app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {secret}"})
    assert bo.get("/api/v1/me").json() == {"name": "bo", "role": "viewer", "auth": "local"}
    listed = client.get("/api/v1/tokens").json()["items"]
    assert secret not in json.dumps(listed)
    client.delete(f"/api/v1/tokens/{listed[0]['id']}")
    is_problem(bo.get("/api/v1/me"), 401)


def test_the_brief_has_its_lines(client: TestClient) -> None:
    assert len(client.get("/api/v1/brief").json()["lines"]) == 10


def test_alive_ready_and_measured(client: TestClient, app: FastAPI) -> None:
    stranger = TestClient(app, base_url="http://127.0.0.1")
    assert stranger.get("/healthz").json() == {"status": "ok"}
    ready = stranger.get("/readyz").json()
    assert ready["ready"]
    assert ready["checks"]["database"] == "ok"
    assert stranger.get("/openapi.json").json()["openapi"].startswith("3.")
    client.get("/api/v1/cases")
    text = client.get("/metrics").text
    assert 'route="/api/v1/cases"' in text
    assert 'tieout_actions{state="pending"}' in text


def test_a_fault_of_ours_is_a_problem_with_a_number_and_no_inside(
    client: TestClient, desk: Desk, monkeypatch: Any
) -> None:
    def broken(_self: object, *_: object) -> None:
        msg = "/secret/path"
        raise RuntimeError(msg)

    monkeypatch.setattr(type(desk.cases), "record", broken)
    body = is_problem(client.get("/api/v1/cases/C1"), 500)
    assert "secret" not in json.dumps(body)
