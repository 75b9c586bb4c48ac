"""Who may do what: every route of the application, asked by every role with ids that exist, its own and others'."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agents.desk import Desk
from memory.action import Draft
from memory.case_query import CaseQuery
from memory.schema import metadata, runs
from recon.settings import Settings
from server import create_app
from tests.web.builders import POLICY, RECON, open_home
from web.access import RANK, RULES
from web.auth import (
    LINK_LASTS,
    issue_link,
    issue_session,
    issue_token,
    list_tokens,
    local_person,
    redeem_link,
    revoke,
    session_for_token,
)

ROLES = ("viewer", "operator", "approver", "admin")
BASE = "http://127.0.0.1:8000"
UNCOUNTED = {"tokens", "alembic_version", "run_events", "idempotency"}
"""Tables in which signing in and reading leave their own traces."""


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Every (method, path) that the application answers, however its routers are nested."""

    def walk(routes: Any) -> Any:
        for route in routes:
            inner = getattr(getattr(route, "original_router", None), "routes", None) or getattr(route, "routes", None)
            if getattr(route, "methods", None):
                yield from ((m, route.path) for m in route.methods)
            elif inner:
                yield from walk(inner)
            else:
                yield ("GET", f"{route.path}/{{path:path}}")

    return {(m, p) for m, p in walk(app.routes) if m not in ("HEAD", "OPTIONS")}


def test_a_new_route_without_a_rule_fails(app: FastAPI) -> None:
    missing = {r for r in routes_of(app) if r not in RULES and r[1] not in ("/static/{path:path}",)}
    assert not missing, f"give these a line in web.access.RULES: {missing}"

    @app.get("/api/v1/forgotten")
    def forgotten() -> str:
        return "open"

    assert ("GET", "/api/v1/forgotten") not in RULES
    client = TestClient(app, base_url=BASE)
    for headers in ({}, {"authorization": f"Bearer {issue_token(app.state.hub.desk().db, 'root', 'admin')}"}):
        assert client.get("/api/v1/forgotten", headers=headers).status_code in (401, 403)


def test_the_table_of_rules_gives_away_nothing() -> None:
    """What the other tests take from the table, once more by itself: a rule that is set too low fails here."""
    admins = {(m, p) for (m, p), least in RULES.items() if least == "admin"}
    assert admins == {
        ("PUT", "/api/v1/recons/{name}"),
        ("GET", "/api/v1/tokens"),
        ("POST", "/api/v1/tokens"),
        ("DELETE", "/api/v1/tokens/{token_id}"),
    }
    changing = {(m, p) for (m, p), least in RULES.items() if m != "GET" and RANK[least] < RANK["operator"]}
    assert changing == {("POST", "/sign-in"), ("POST", "/sign-out")}
    signed_out = {p for (_, p), least in RULES.items() if least == "anyone"}
    pages = {"/", "/enter", "/sign-in", "/docs", "/openapi.json", "/static/{path:path}"}
    assert signed_out == pages | {"/healthz", "/readyz"}


def ids_of(desk: Desk) -> dict[str, str]:
    """An existing thing for each place in a path, none of it made by the one who asks."""
    case = desk.cases.page(CaseQuery()).records[0].case
    action = desk.ledger.list(case_id=case.id)[0]
    issue_token(desk.db, "somebody", "viewer")
    with desk.db.begin() as connection:
        empty: dict[str, Any] = {"files": [], "counts": {}, "settings": {}, "progress": {}}
        connection.execute(sa.insert(runs).values(id="R1", recon=RECON, state="done", started_at=desk.clock(), **empty))
    return {
        "case_id": case.id,
        "break_id": desk.cases.breaks(case.id)[0].break_id,
        "action_id": action.id,
        "run_id": "R1",
        "name": RECON,
        "token_id": list_tokens(desk.db)[0].id,
        "undo_id": f"ev-{desk.cases.events(case.id)[0].n}",
        "rule_id": "P1",
        "chat_id": "Q1",
        "path:path": "app.css",
    }


def fingerprint(desk: Desk) -> dict[str, list[str]]:
    """All that is stored, so that a refused request can be seen to have changed none of it."""
    with desk.db.read() as connection:
        return {
            name: sorted(map(str, connection.execute(sa.select(table)).all()))
            for name, table in metadata.tables.items()
            if name not in UNCOUNTED
        }


BODIES: dict[str, Any] = {
    "/api/v1/actions/{action_id}/decision": {"decision": "approve", "payload_hash": "0" * 64},
    "/api/v1/cases/{case_id}": {"owner": "eve"},
    "/api/v1/cases/bulk": {"ids": [], "do": "assign", "apply": True},
    "/api/v1/cases/{case_id}/feedback": {"verdict": "false_positive"},
    "/api/v1/breaks/{break_id}/feedback": {"verdict": "false_positive"},
    "/api/v1/tokens": {"person": "eve", "role": "admin"},
    "/api/v1/recons/{name}": {"name": RECON},
}
STREAMS = re.compile(r"/events$|/chat$|/ask$")


def ask(client: TestClient, method: str, path: str, ids: dict[str, str]) -> Any:
    url = re.sub(r"\{([^}]+)\}", lambda m: ids[m[1]], path)
    return client.request(method, url, json=BODIES.get(path, {}), headers={"accept": "application/json"})


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, "forged", "revoked", "expired", *ROLES])
def test_who_does_not_reach_a_route_is_refused_and_changes_nothing(desk: Desk, app: FastAPI, role: str | None) -> None:
    ids = ids_of(desk)
    client = TestClient(app, base_url=BASE, headers=bearer(desk, role), raise_server_exceptions=False)
    before = fingerprint(desk)
    for method, path in sorted(routes_of(app) & set(RULES)):
        least = RULES[(method, path)]
        if role in ROLES and RANK[role] >= RANK[least]:
            continue
        if least == "anyone":
            continue
        answer = ask(client, method, path, ids)
        expected = 403 if role in ROLES else 401
        assert answer.status_code == expected, (role, method, path, answer.status_code, answer.text[:200])
    assert fingerprint(desk) == before


def bearer(desk: Desk, role: str | None) -> dict[str, str]:
    if role is None:
        return {}
    if role == "forged":
        return {"authorization": "Bearer tieout_" + "A" * 43}
    secret = issue_token(desk.db, "eve", role if role in ROLES else "admin")
    mine = list_tokens(desk.db)[0].id
    if role == "revoked":
        revoke(desk.db, mine, desk.clock)
    if role == "expired":
        with desk.db.begin() as connection:
            table = metadata.tables["tokens"]
            connection.execute(sa.update(table).where(table.c.id == mine).values(expires_at=desk.clock()))
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_who_reaches_a_route_is_let_in(desk: Desk, app: FastAPI, role: str) -> None:
    ids = ids_of(desk)
    client = TestClient(app, base_url=BASE, headers=bearer(desk, role), raise_server_exceptions=False)
    for method, path in sorted(routes_of(app) & set(RULES)):
        if (
            RANK[role] < RANK[RULES[(method, path)]]
            or STREAMS.search(path)
            or path in ("/sign-in", "/sign-out", "/enter")
        ):
            continue
        answer = ask(client, method, path, ids)
        assert answer.status_code != 401, (role, method, path)
        assert "needs the role" not in answer.text, (role, method, path)
        assert answer.status_code < 500, (role, method, path, answer.text[:300])


# --- what is another's --------------------------------------------------------------------------------------------


def test_an_approval_of_ones_own_edit_is_not_given(as_role: Any, desk: Desk) -> None:
    """Maker and checker: who edits a draft above the limit does not approve it alone."""
    small = desk.ledger.list(kind="jira.create")[0]
    draft = desk.ledger.draft(
        Draft(
            case_id=small.case_id, recon=RECON, kind="jira.create", payload=small.payload, rationale="E1",
            scope_key="f" * 64, source_hash="s", policy=POLICY, amount_base=Decimal(900_000),
        )
    )  # fmt: skip
    assert draft.four_eyes
    eve = as_role("approver", "eve")
    for _ in range(2):
        now = desk.ledger.get(draft.id)
        body = {"decision": "approve", "payload_hash": now.payload_hash}
        eve.post(f"/api/v1/actions/{draft.id}/decision", json=body)
    assert desk.ledger.get(draft.id).state == "pending"


def test_an_autosaved_text_is_its_writers_alone(as_role: Any, desk: Desk) -> None:
    action = desk.ledger.list()[0]
    ana, eve = as_role("operator", "ana"), as_role("operator", "eve")
    body = {"base_hash": action.payload_hash, "payload": {**action.payload, "summary": "ana's own words"}}
    assert ana.put(f"/actions/{action.id}/autosave", json=body).status_code < 300
    assert "ana's own words" not in eve.get(f"/cases/{action.case_id}").text.replace("&#39;", "'")


@pytest.mark.parametrize("ident", ["A" + "0" * 12, "../../etc/passwd", "%2e%2e%2fx", "1 OR 1=1", "C\x00", "💥" * 30])
def test_a_guessed_id_tells_nothing(as_role: Any, ident: str) -> None:
    client = as_role("admin")
    for path in ("cases", "runs", "actions"):
        from urllib.parse import quote

        answer = client.get(f"/api/v1/{path}/{quote(ident, safe='%')}")
        assert answer.status_code in (404, 422), (path, answer.status_code)
        assert "Traceback" not in answer.text
        assert "SELECT" not in answer.text


# --- secrets that come a second time ----------------------------------------------------------------------------


def test_a_one_time_link_opens_once(app: FastAPI, desk: Desk) -> None:
    link = f"/enter?key={issue_link(desk.db)}"
    first, second = TestClient(app, base_url=BASE), TestClient(app, base_url=BASE)
    first.get(link)
    second.get(link)
    assert first.get("/api/v1/me").status_code == 200
    assert second.get("/api/v1/me").status_code == 401


def test_a_link_that_nobody_opened_in_time_opens_no_more(desk: Desk) -> None:
    secret = issue_link(desk.db)
    assert redeem_link(desk.db, secret, lambda: desk.clock() + LINK_LASTS + timedelta(seconds=60)) is None
    assert redeem_link(desk.db, secret, lambda: desk.clock()) is not None


def test_a_session_that_was_planted_before_the_sign_in_is_not_taken_over(app: FastAPI, desk: Desk) -> None:
    planted = "planted-by-somebody-else-0123456789"
    victim = TestClient(app, base_url=BASE, cookies={"tieout_session": planted})
    victim.get(f"/enter?key={issue_link(desk.db)}")
    thief = TestClient(app, base_url=BASE, cookies={"tieout_session": planted})
    assert thief.get("/api/v1/me").status_code == 401


def test_a_session_ends_when_its_person_signs_out(app: FastAPI, desk: Desk) -> None:
    secret = issue_session(desk.db, local_person(), clock=desk.clock)
    client = TestClient(app, base_url=BASE, cookies={"tieout_session": secret})
    assert client.get("/api/v1/me").status_code == 200
    client.post("/sign-out", headers={"origin": BASE})
    replayed = TestClient(app, base_url=BASE, cookies={"tieout_session": secret})
    assert replayed.get("/api/v1/me").status_code == 401


def test_a_revoked_token_takes_the_sessions_that_it_opened_with_it(app: FastAPI, desk: Desk) -> None:
    secret = issue_token(desk.db, "eve", "approver")
    session = session_for_token(desk.db, secret, desk.clock)
    assert session is not None
    client = TestClient(app, base_url=BASE, cookies={"tieout_session": session})
    assert client.get("/api/v1/me").status_code == 200
    revoke(desk.db, list_tokens(desk.db)[0].id, desk.clock)
    assert client.get("/api/v1/me").status_code == 401


def test_a_kind_of_secret_serves_for_its_own_purpose_only(app: FastAPI, desk: Desk) -> None:
    api, link = issue_token(desk.db, "eve", "admin"), issue_link(desk.db)
    session = issue_session(desk.db, local_person(), clock=desk.clock)
    anonymous = TestClient(app, base_url=BASE)
    for secret in (link, session):
        assert anonymous.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}).status_code == 401
    for secret in (link, api):
        cookie = TestClient(app, base_url=BASE, cookies={"tieout_session": secret})
        assert cookie.get("/api/v1/me").status_code == 401
    anonymous.get(f"/enter?key={api}")
    assert anonymous.get("/api/v1/me").status_code == 401


# --- headers that lie -------------------------------------------------------------------------------------------

SPOOFED = (
    {"x-forwarded-user": "admin", "x-forwarded-role": "admin"},
    {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1"},
    {"x-forwarded-host": "127.0.0.1", "x-original-url": "/healthz", "x-rewrite-url": "/healthz"},
    {"x-http-method-override": "GET", "x-method-override": "GET"},
    {"remote-user": "admin", "x-remote-user": "admin", "x-auth-request-user": "admin"},
)


@pytest.mark.parametrize("headers", SPOOFED)
@pytest.mark.parametrize("auth", ["local", "token", "proxy"])
def test_a_header_that_anybody_can_send_signs_nobody_in(tmp_path: Any, headers: dict[str, str], auth: Any) -> None:
    desk = open_home(tmp_path / "home", auth=auth, proxy_peers="10.0.0.1")
    client = TestClient(create_app(desk, executor=False), base_url="http://127.0.0.1", client=("10.0.0.2", 5))
    for method, path in (("GET", "/api/v1/me"), ("GET", "/api/v1/cases"), ("POST", "/api/v1/tokens")):
        assert client.request(method, path, headers=headers).status_code == 401
    desk.db.close()


def test_a_proxy_that_passes_a_strangers_header_on_beside_its_own_is_not_believed(tmp_path: Any) -> None:
    desk = open_home(tmp_path / "home", auth="proxy", proxy_peers="10.0.0.1")
    client = TestClient(create_app(desk, executor=False), base_url="http://desk", client=("10.0.0.1", 5))
    twice = [("x-forwarded-user", "admin"), ("x-forwarded-user", "ana"), ("x-forwarded-role", "admin")]
    assert client.get("/api/v1/me", headers=twice).status_code == 401
    roles = [("x-forwarded-user", "ana"), ("x-forwarded-role", "admin"), ("x-forwarded-role", "viewer")]
    assert client.get("/api/v1/me", headers=roles).json()["role"] == "viewer"
    desk.db.close()


def test_no_role_is_higher_for_being_spelt_otherwise(tmp_path: Any) -> None:
    desk = open_home(tmp_path / "home", auth="proxy", proxy_peers="10.0.0.1")
    client = TestClient(create_app(desk, executor=False), base_url="http://desk", client=("10.0.0.1", 5))
    for role in ("ADMIN", "admin,viewer", "root", "", "anyone"):
        found = client.get("/api/v1/me", headers={"x-forwarded-user": "ana", "x-forwarded-role": role}).json()
        assert found["role"] == "viewer", role
    desk.db.close()


def test_the_settings_page_shows_no_secret(client: TestClient, desk: Desk) -> None:
    assert isinstance(desk.settings, Settings)
    assert "tieout_" not in client.get("/settings").text.replace("tieout_session", "").replace("TIEOUT_", "")
