"""Runs and chats as streams: in the background, followed, resumed where they were, stopped, cancelled."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.desk import Desk
from memory.case_query import CaseQuery
from server import create_app
from tests.web.builders import PLANS, business_days, history_text
from web.auth import issue_link
from web.chats import Chat


def events(text: str) -> list[dict[str, Any]]:
    """A stream's events as (event, id, data)."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


@pytest.fixture
def serving(empty_desk: Desk) -> Iterator[TestClient]:
    """A server with its runs going on beside."""
    with TestClient(create_app(empty_desk, executor=False), base_url="http://127.0.0.1") as client:
        client.get(f"/enter?key={issue_link(empty_desk.db)}")
        yield client


def upload(client: TestClient, **more: Any) -> Any:
    text = history_text(PLANS[:3], business_days(__import__("datetime").date(2026, 11, 20), 40))
    return client.post("/api/v1/runs", files={"current": ("gl.csv", text.encode())}, **more)


def until_over(client: TestClient, run_id: str) -> dict[str, Any]:
    for _ in range(600):
        run: dict[str, Any] = client.get(f"/api/v1/runs/{run_id}").json()
        if run["state"] in ("done", "failed", "cancelled"):
            return run
        time.sleep(0.1)
    raise AssertionError(run)


@pytest.mark.slow
def test_an_upload_runs_in_the_background_and_is_followed_to_its_end(serving: TestClient) -> None:
    begun = upload(serving)
    assert begun.status_code == 202
    assert begun.headers["location"].endswith(begun.json()["id"])
    run = until_over(serving, begun.json()["id"])
    assert run["state"] == "done", run["error"]
    assert run["counts"]["rows_in"] == run["counts"]["rows_scored"] + run["counts"]["rows_rejected"]
    told = events(serving.get(f"/api/v1/runs/{run['id']}/events").text)
    assert told[0]["event"] == "queued"
    assert told[-1]["event"] == "done"
    rest = events(serving.get(f"/api/v1/runs/{run['id']}/events", headers={"last-event-id": told[2]["id"]}).text)
    assert [e["id"] for e in rest] == [e["id"] for e in told[3:]]
    assert serving.get("/api/v1/cases").json()["items"]
    page = serving.get(f"/runs/{run['id']}").text
    assert "rows scored" in page


@pytest.mark.slow
def test_rows_are_judged_as_they_happen(serving: TestClient) -> None:
    run = until_over(serving, upload(serving, data={"recon": "live"}).json()["id"])
    assert run["state"] == "done", run["error"]
    row = {"Account": "1203-NOSTRO", "Currency": "GBP", "Desk": "Treasury", "As of Date": "2026-11-23",
           "GL Balance": "9999999.00", "IHub Balance": "1204118.20", "Comments": ""}  # fmt: skip
    judged = serving.post("/api/v1/breaks", json={"recon": "live", "rows": [row]})
    assert judged.status_code == 200, judged.text
    assert judged.json()["rows"][0]["tieout_break"] == "yes"


def test_a_queued_run_is_cancelled_at_once(client: TestClient) -> None:
    run_id = upload(client).json()["id"]  # nothing takes it up: this server's runs are not started
    assert client.post(f"/api/v1/runs/{run_id}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/v1/runs/{run_id}/cancel").status_code == 409


def test_an_upload_under_a_used_key_is_replayed_when_its_files_are_the_same_and_refused_when_not(
    client: TestClient,
) -> None:
    def send(text: bytes, key: str = "k", name: str = "a.csv", boundary: str = "one") -> Any:
        headers = {"idempotency-key": key, "content-type": f"multipart/form-data; boundary={boundary}"}
        return client.post("/api/v1/runs", files={"current": (name, text)}, headers=headers)

    large = b"id,date,left,right\n" + b"1,2026-11-19,1,2\n" * 200_000  # it waits on disk, in several parts
    first = send(large)
    assert first.status_code == 202, first.text
    again = send(large, boundary="another")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    for other in (send(large[:-1] + b"3"), send(large, name="b.csv"), send(b"1")):
        assert (other.status_code, other.json()["title"]) == (422, "Unprocessable Content")
        assert "was used for another request" in other.json()["detail"]
    assert len(client.get("/api/v1/runs").json()["items"]) == 1
    assert send(large, key="k2").json()["id"] != first.json()["id"]


def test_a_keyed_body_over_the_limit_is_refused_before_anything_is_done(client: TestClient) -> None:
    answer = client.post("/api/v1/breaks", content=b"x" * 2_100_000, headers={"idempotency-key": "k"})
    assert answer.status_code == 413


def test_a_refused_upload_leaves_nothing(client: TestClient, desk: Desk) -> None:
    before = len(client.get("/api/v1/runs").json()["items"])
    assert client.post("/api/v1/runs", files={"current": ("a.csv", b"")}).status_code == 422
    files = {"current": ("a.csv", b"a,b\n1,2\n"), "recon": ("r.yaml", b"target_fdr: seven")}
    assert client.post("/api/v1/runs", files=files).status_code == 422
    assert len(client.get("/api/v1/runs").json()["items"]) == before
    assert list((Path(desk.settings.home) / "runs").glob("R*")) == []


def test_an_answer_is_streamed_with_its_evidence_and_resumed_where_it_was(client: TestClient, desk: Desk) -> None:
    case = desk.cases.page(CaseQuery()).records[0].case
    path = f"/api/v1/cases/{case.id}/chat"
    told = events(client.post(path, json={"question": "Why did this break?"}).text)
    kinds = [e["event"] for e in told]
    assert "token" in kinds
    assert kinds[-1] == "done"
    middle = told[len(told) // 2]["id"]
    rest = events(client.post(path, json={"question": "Why?"}, headers={"last-event-id": middle}).text)
    assert [e["id"] for e in rest] == [e["id"] for e in told[len(told) // 2 + 1 :]]
    said = client.get(path).json()["items"]
    assert [m["role"] for m in said][-2:] == ["user", "assistant"]
    assert client.post("/api/v1/cases/Cnone/chat", json={"question": "x"}).status_code == 404
    assert client.post(path, json={"question": ""}).status_code == 422


def test_another_worker_resumes_an_answer_from_what_was_written_down(client: TestClient, desk: Desk) -> None:
    case = desk.cases.page(CaseQuery()).records[0].case.id
    path = f"/api/v1/cases/{case}/chat"
    told = events(client.post(path, json={"question": "Is it timing?"}).text)
    other = TestClient(create_app(desk, executor=False), base_url="http://127.0.0.1")
    other.cookies = client.cookies
    for _ in range(50):
        rest = events(other.post(path, json={"question": "-"}, headers={"last-event-id": told[0]["id"]}).text)
        if len(rest) == len(told) - 1:
            break
        time.sleep(0.1)
    assert [e["event"] for e in rest] == [e["event"] for e in told[1:]]


async def test_followers_get_every_event_once_and_the_end() -> None:
    chat = Chat("Q1", "C1", 0.0)
    chat.add("token", "a")
    chat.add("token", "b")
    chat.add("done", {})
    chat.add("error", "too late")
    assert [(s.n, s.kind) async for s in chat.follow(1)] == [(2, "token"), (3, "done")]
