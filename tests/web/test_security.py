"""The walls: headers on every answer, no foreign origin or host, secrets hashed, hostile text inert and exact."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from agents.desk import Desk
from memory.case_query import CaseQuery
from memory.schema import tokens
from server import create_app
from tests.shared import SHARED
from tests.web.builders import PLANS, fill, open_home
from web.auth import issue_link, issue_token
from web.excel import export_queue


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/api/v1/cases/none", "/static/app.css", "/brief"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    csp = headers["content-security-policy"]
    assert "default-src 'self'" in csp
    assert "unsafe" not in csp
    assert "frame-ancestors 'none'" in csp
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_the_session_cookie_is_out_of_reach_for_script_and_strangers(app: FastAPI, desk: Desk) -> None:
    browser = TestClient(app, base_url="http://127.0.0.1")
    answer = browser.get(f"/enter?key={issue_link(desk.db)}", follow_redirects=False)
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_change_asked_for_by_another_site_is_not_made(
    client: TestClient, desk: Desk, headers: dict[str, str]
) -> None:
    case = desk.cases.page(CaseQuery()).records[0].case.id
    for answer in (
        client.post(f"/cases/{case}/change", data={"do": "assign"}, headers=headers),
        client.patch(f"/api/v1/cases/{case}", json={"owner": "eve"}, headers=headers),
    ):
        assert answer.status_code == 403
    assert desk.cases.record(case).owner is None


def test_the_same_change_from_our_own_page_is_made(client: TestClient, desk: Desk) -> None:
    case = desk.cases.page(CaseQuery()).records[0].case.id
    headers = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post(f"/cases/{case}/change", data={"do": "assign"}, headers=headers).status_code == 200
    assert desk.cases.record(case).owner


def test_a_name_that_was_made_to_point_here_is_refused(app: FastAPI) -> None:
    assert TestClient(app, base_url="http://evil.example").get("/").status_code == 421


def test_no_get_changes_state(client: TestClient, desk: Desk) -> None:
    before = desk.audit.head(), [r.version for r in desk.cases.page(CaseQuery()).records]
    case = desk.cases.page(CaseQuery()).records[0].case.id
    for path in (
        "/",
        f"/cases/{case}",
        "/rules",
        "/excel",
        f"/cases/{case}/feedback?verdict=true",
        "/news?since=2026-01-01",
    ):
        client.get(path)
    assert before == (desk.audit.head(), [r.version for r in desk.cases.page(CaseQuery()).records])


def test_secrets_are_stored_hashed_only(desk: Desk) -> None:
    secret = issue_token(desk.db, "bo", "viewer")
    with desk.db.read() as connection:
        rows = [dict(r) for r in connection.execute(sa.select(tokens)).mappings()]
    assert secret not in str(rows)
    assert len(secret) > 40


def test_proxy_headers_are_believed_from_listed_peers_only(tmp_path: Path) -> None:
    for peers, status in (("", 401), ("10.0.0.0/8", 401), ("testclient", 401), ("127.0.0.0/8", 200)):
        desk = open_home(tmp_path / (peers.replace("/", "_") or "none"), auth="proxy", proxy_peers=peers)
        client = TestClient(create_app(desk, executor=False), base_url="http://desk", client=("127.0.0.1", 5))
        answer = client.get("/api/v1/me", headers={"x-forwarded-user": "ana", "x-forwarded-role": "operator"})
        assert answer.status_code == status, peers
        if status == 200:
            assert answer.json() == {"name": "ana", "role": "operator", "auth": "proxy"}
        desk.db.close()


def test_an_upload_cannot_leave_its_folder_or_pass_its_limit(client: TestClient, app: FastAPI, desk: Desk) -> None:
    from web.uploads import safe_name

    assert "/" not in safe_name("../../x/..", 1)
    object.__setattr__(desk.settings, "upload_mb", 0)
    answer = client.post("/api/v1/runs", files={"current": ("a.csv", b"x" * 2000)})
    assert answer.status_code == 413
    assert list((desk.settings.home / "runs").glob("*")) == []


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    path = SHARED / "injections.jsonl"
    if not path.exists():
        pytest.skip("no injections.jsonl beside the project")
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def text_of(page: str) -> str:
    """What a browser would show of a page, roughly: tags gone, entities read."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_hostile_text_is_inert_and_shown_exactly(empty_desk: Desk, hostile: list[str], tmp_path: Path) -> None:
    plan = PLANS[0]
    (case_id,) = fill(empty_desk, [plan])
    client = TestClient(create_app(empty_desk, executor=False), base_url="http://127.0.0.1")
    client.get(f"/enter?key={issue_link(empty_desk.db)}")
    case = empty_desk.cases.get(case_id)
    for start in range(0, len(hostile), 30):
        some = hostile[start : start + 30]
        evidence = tuple(
            replace(case.evidence[0], id=f"E{n}", statement=text, values={"comment": text})
            for n, text in enumerate(some, 1)
        )
        similar = tuple(replace(case.similar[0], comment=text, resolution_id=str(n)) for n, text in enumerate(some[:6]))
        empty_desk.cases.update_judgement(
            case_id, title=some[0].replace("\n", " "), summary=some[-1], evidence=evidence, similar=similar
        )
        page = client.get(f"/cases/{case_id}").text
        shown = text_of(page)
        for text in some:
            assert text.replace("\r\n", "\r\n") in shown, text
        tags = {t.lower() for t in re.findall(r"<\s*/?\s*([a-zA-Z][\w-]*)", page)}
        assert not tags & {"img", "iframe", "object", "embed", "style", "base", "marquee", "audio", "video"}, tags
        assert not re.findall(r"<[^>]*\son\w+\s*=", page)
        assert not re.findall(r'(?:href|src)="(?:javascript|data):', page, re.IGNORECASE)
        assert client.get("/").status_code == 200
        _exported(empty_desk, tmp_path, case_id)


def _exported(desk: Desk, tmp_path: Path, case_id: str) -> None:
    case = desk.cases.get(case_id)
    export_queue(desk, tmp_path / "q.xlsx")
    export_queue(desk, tmp_path / "q.csv")
    row = next(load_workbook(tmp_path / "q.xlsx")["Queue"].iter_rows(min_row=2))
    assert all(cell.data_type != "f" for cell in row)
    assert unescape(str(row[1].value)) == case.title
    assert not re.search(r'(^|,)"?[=@+]', (tmp_path / "q.csv").read_text(encoding="utf-8-sig").splitlines()[1])


def test_hostile_words_in_urls_forms_and_chat_are_refused_or_shown(
    client: TestClient, desk: Desk, hostile: list[str]
) -> None:
    case = desk.cases.page(CaseQuery()).records[0].case.id
    for text in hostile[::6]:
        page = client.get("/", params={"q": text[:390]})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        change = client.post(f"/cases/{case}/change", data={"do": "in_review", "note": text, "back": text})
        assert change.status_code in (200, 422), text
        assert change.url.host == "127.0.0.1"
    shown = text_of(client.get(f"/cases/{case}").text)
    assert hostile[0] in shown


def test_a_header_cannot_be_made_of_text(client: TestClient, desk: Desk) -> None:
    answer = client.post("/sign-in", data={"token": "x", "next": "/\r\nset-cookie: a=b"})
    assert "a=b" not in str(answer.headers)
    anything: Any = client.get("/enter", params={"key": "x\r\ny"})
    assert anything.status_code in (200, 401)
