"""The pages: what a person finds on them, without a browser and without script."""

import html
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agents.desk import Desk
from memory.feedback import Tag
from memory.recons import RunRow, RunStore
from memory.schema import promises
from recon.errors import Damaged
from recon.recon_file import parse_recon_file
from recon.rows import ImportFinding
from recon.words import Verdict
from tests.web.builders import RECON
from web.auth import issue_link
from web.recons import forget
from web.trust import spent

PAGES = (
    "/",
    "/brief",
    "/handover",
    "/trust",
    "/runs",
    "/rules",
    "/audit",
    "/audit?check=1",
    "/settings",
    "/excel",
    "/keys",
    "/docs",
)


def first_case(desk: Desk) -> str:
    from memory.case_query import CaseQuery

    return desk.cases.page(CaseQuery()).records[0].case.id


def cases_of(desk: Desk) -> list[str]:
    from memory.case_query import CaseQuery

    return [r.case.id for r in desk.cases.page(CaseQuery()).records]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text[:400]
    assert len(re.findall("<h1", answer.text)) == 1


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_on_an_empty_desk(empty_desk: Desk, path: str) -> None:
    from server import create_app

    client = TestClient(create_app(empty_desk, executor=False), base_url="http://127.0.0.1")
    client.get(f"/enter?key={issue_link(empty_desk.db)}")
    assert client.get(path).status_code == 200


def test_signed_out_the_queue_is_a_sign_in_page_and_nothing_else_is_open(app: FastAPI) -> None:
    stranger = TestClient(app, base_url="http://127.0.0.1")
    answer = stranger.get("/")
    assert answer.status_code == 200
    assert "Sign in" in answer.text
    assert "NOSTRO" not in answer.text
    for path in (*PAGES[1:-1], "/api/v1/cases", "/metrics", "/export.csv"):
        assert stranger.get(path).status_code == 401, path


def test_the_link_signs_in_once(app: FastAPI, desk: Desk) -> None:
    link = f"/enter?key={issue_link(desk.db)}"
    assert TestClient(app, base_url="http://127.0.0.1").get(link).status_code == 200
    again = TestClient(app, base_url="http://127.0.0.1").get(link)
    assert again.status_code == 401
    assert "used before" in again.text


def test_signing_out_ends_the_session(client: TestClient) -> None:
    cookie = client.cookies["tieout_session"]
    client.post("/sign-out")
    client.cookies.set("tieout_session", cookie)
    assert client.get("/brief").status_code == 401


def test_the_case_says_what_why_and_what_would_leave(client: TestClient, desk: Desk) -> None:
    case = desk.cases.get(first_case(desk))
    page = client.get(f"/cases/{case.id}").text
    assert case.title in page
    assert case.evidence[0].statement in page
    assert 'id="E1"' in page
    assert 'href="#E1"' in page
    assert "fx.ops" in page
    assert "Exactly what leaves" in page
    assert page.count('<svg class="chart') >= 2


def test_a_case_can_be_decided_while_the_kept_history_cannot_be_read(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = first_case(desk)
    assert "kept history cannot be read" not in client.get(f"/cases/{case}").text

    def lost(*_: object) -> None:
        msg = "part-1.parquet: this part of the kept history cannot be read"
        raise Damaged(msg)

    monkeypatch.setattr(desk.lake, "series", lost)
    page = client.get(f"/cases/{case}")
    assert page.status_code == 200
    assert "The kept history cannot be read, so only this case's own rows are drawn." in html.unescape(page.text)
    answer = client.get(f"/api/v1/cases/{case}/series")
    assert (answer.status_code, answer.json()["detail"][:14]) == (503, "part-1.parquet")


def test_every_cited_fact_is_on_the_page(client: TestClient, desk: Desk) -> None:
    page = client.get(f"/cases/{first_case(desk)}").text
    linked = set(re.findall(r'href="#(E\d+)"', page))
    assert linked
    assert linked <= set(re.findall(r'id="(E\d+)"', page))
    rows = set(re.findall(r'href="#(row-\d+)"', page))
    assert rows
    assert rows <= set(re.findall(r'id="(row-\d+)"', page))


def test_ids_on_a_page_are_its_own(client: TestClient, desk: Desk) -> None:
    ids = re.findall(r'\sid="([^"]+)"', client.get(f"/?case={first_case(desk)}").text)
    assert len(ids) == len(set(ids))


def test_filter_sort_and_case_stand_in_the_url(client: TestClient) -> None:
    page = client.get("/?q=nostro&sort=-amount").text
    assert "GBP balances" in page
    assert "Custody fee" not in page
    assert client.get("/?view=late").status_code == 200
    assert client.get("/?view=nonsense", headers={"accept": "text/html"}).status_code == 422


def test_the_queue_is_light_and_blocks_nothing(client: TestClient) -> None:
    page = client.get("/").text
    sent = len(page.encode())
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        sent += len(client.get(path).content)
    assert sent < 200_000
    assert re.findall(r"<script[^>]*>", page) == [m for m in re.findall(r"<script[^>]*>", page) if 'type="module"' in m]


def test_no_page_asks_for_anything_from_elsewhere(client: TestClient, desk: Desk) -> None:
    for path in (*PAGES, f"/cases/{first_case(desk)}"):
        page = client.get(path).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page), path
        assert " style=" not in page, path
        assert not re.findall(r"<script(?![^>]*src=)", page), path
        assert not re.findall(r"\son\w+=", page), path


def test_a_missing_page_says_where_to_go(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "there is no such page" in answer.text


def test_a_view_of_my_own_has_its_count_and_can_be_forgotten(client: TestClient) -> None:
    client.post("/views", data={"name": "Nostros", "query": "q=nostro"})
    page = client.get("/?q=nostro").text
    found = re.search(r'<a href="/\?q=nostro"[^>]*aria-current="true"[^>]*><bdi>Nostros</bdi> <b>1</b>', page)
    assert found, page[page.index('class="views"') :][:2500]
    forget = re.search(r'name="forget" value="(V\w+)"', page)
    assert forget
    client.post("/views", data={"forget": forget.group(1)})
    assert "Nostros" not in client.get("/").text


def test_a_filter_is_said_so_that_a_part_is_not_taken_for_the_whole(client: TestClient) -> None:
    page = client.get("/?q=nostro&cause=fx_rate&owner=-").text
    assert "Only words “nostro”, cause fx rate, nobody&#39;s" in page


def test_the_brief_speaks_of_cases_by_what_they_are(client: TestClient, desk: Desk) -> None:
    lines = client.get("/brief").text.split('class="card lines"')[1].split("</section>")[0]
    links = re.findall(r'<a class="named" href="/\?case=(C\w+)"[^>]*><bdi>([^<]+)</bdi>', lines)
    assert links
    assert all(desk.cases.get(ident).title.startswith(words[:12]) for ident, words in links)


def test_a_broken_promise_is_counted_where_it_is_listed(client: TestClient, desk: Desk) -> None:
    def counted() -> int:
        return int(re.search(r'href="/\?view=promises"[^>]*>.*?(\d+)', client.get("/brief").text, re.S).group(1))  # type: ignore[union-attr]

    assert counted() == 1
    with desk.db.begin() as connection:
        connection.execute(sa.update(promises).values(state="broken"))
    assert counted() == 1
    assert "Custodian will rebook by Tuesday" in client.get("/brief").text
    with desk.db.begin() as connection:
        connection.execute(sa.update(promises).values(state="kept"))
    assert counted() == 0


def test_a_remedy_is_kept_for_the_files_to_come_and_forgotten_again(client: TestClient, desk: Desk) -> None:
    run = keep_run(desk, "R1", [ODDITY])
    assert "Always do this" in client.get(f"/runs/{run}").text
    client.post(f"/runs/{run}/remedy", data={"code": ODDITY.code})
    assert "decided for good" in client.get(f"/runs/{run}").text
    assert RunStore(desk.db, desk.clock).recon(RECON).remedies == {ODDITY.code: ODDITY.remedy}
    client.post(f"/runs/{run}/remedy", data={"code": ODDITY.code, "forget": "yes"})
    assert RunStore(desk.db, desk.clock).recon(RECON).remedies == {}


ODDITY = ImportFinding(
    "mixed_dates", "warning", "Two date formats.", "line 7", "Read as day first.", 3, "dates: dayfirst"
)


def keep_run(desk: Desk, ident: str, findings: list[ImportFinding]) -> str:
    store = RunStore(desk.db, desk.clock)
    day = date(2026, 11, 20)
    store.start(RunRow(ident, RECON, desk.clock(), day, ({"name": "gl.csv"},), {}, None, "ana"))
    store.keep_findings(ident, findings)
    store.finish(ident, "done", {"rows_in": 8, "rows_scored": 8, "rows_rejected": 0}, None)
    return ident


def test_what_the_model_cost_is_money_where_its_price_is_known(desk: Desk) -> None:
    used = [
        {"model": "m", "tokens_in": 3_000_000, "tokens_out": 500_000},
        {"model": "rules", "tokens_in": 9_000_000, "tokens_out": 0},
    ]
    said = desk.settings.model_copy(update={"model": "m", "price_in": Decimal("0.40"), "price_out": Decimal("1.60")})
    assert spent(replace(desk, settings=said), used) == Decimal("2.00")
    assert spent(desk, used) is None
    one_way = said.model_copy(update={"price_out": None})
    assert spent(replace(desk, settings=one_way), used) == Decimal("1.20")


def test_an_audit_row_is_read_by_a_person_first(client: TestClient, desk: Desk) -> None:
    case = first_case(desk)
    client.post(f"/cases/{case}/change", data={"do": "note", "note": "asked the custodian"})
    page = client.get(f"/audit?target={case}").text
    assert re.search(r"<summary><bdi>[^<]*asked the custodian", page)


def test_static_files_are_kept_for_good_under_their_version_and_the_script_imports_its_own(client: TestClient) -> None:
    script = re.findall(r'<script type="module" src="([^"]+)"', client.get("/").text)[0]
    folder = script.rpartition("/")[0]
    for name in re.findall(r'from "\./([\w.]+)"|import "\./([\w.]+)"', client.get(script).text):
        answer = client.get(f"{folder}/{''.join(name)}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/app.js").headers["cache-control"] == "no-cache"
    assert client.get("/static/of-yesterday/app.js").headers["cache-control"] == "no-cache"
    for path in ("/static/../cli.py", "/static/a/b/app.js", "/static/app.py"):
        assert client.get(path).status_code == 404, path


def test_a_few_tags_are_no_measured_share_of_false_alarms(client: TestClient, desk: Desk) -> None:
    case = first_case(desk)
    client.post(f"/cases/{case}/feedback", data={"verdict": "false_positive", "note": "Known."})
    assert "too few to say: 1 of 10 tags" in client.get("/trust").text


def test_what_all_rows_of_a_case_share_is_said_once_above_them(client: TestClient, desk: Desk) -> None:
    page = client.get(f"/cases/{first_case(desk)}").text
    rows = page.split('aria-label="Rows"')[1]
    assert "<strong><bdi>" in rows.split("<table")[0]
    assert "<th>Pair</th>" not in rows


def test_a_day_that_nobody_flagged_is_tagged_from_the_chart(client: TestClient, desk: Desk) -> None:
    case = next(c for c in cases_of(desk) if "on=" in client.get(f"/cases/{c}").text)
    link = html.unescape(
        re.findall(r'data-verdict="missed" href="([^"]+on=[^"]+)"', client.get(f"/cases/{case}").text)[0]
    )
    on = re.findall(r"on=([\d-]+)", link)[0]
    form = client.get(link).text
    assert f'name="on" value="{on}"' in form
    client.post(f"/cases/{case}/feedback", data={"verdict": "missed", "on": on, "note": "Seen by eye."})
    said = desk.feedback.list(recon=desk.cases.get(case).recon)[-1]
    assert (said.verdict, said.target_kind, said.note) == ("missed", "break", "Seen by eye.")
    assert said.features["amounts"]
    assert said.features["keys"]
    assert client.post(f"/cases/{case}/feedback", data={"verdict": "missed", "on": "1999-01-01"}).status_code == 404
    assert client.post(f"/cases/{case}/feedback", data={"verdict": "missed", "on": "soon"}).status_code == 422


def test_a_row_in_line_is_tagged_as_missed_by_itself(client: TestClient, desk: Desk) -> None:
    case, brk = next((c, b) for c in cases_of(desk) for b in desk.cases.breaks(c) if b.anomaly != "yes")
    assert f"break={brk.break_id}" in client.get(f"/cases/{case}").text
    client.post(f"/cases/{case}/feedback", data={"verdict": "missed", "break": brk.break_id, "note": "Too large."})
    assert desk.feedback.list(target_id=brk.break_id)[0].verdict == "missed"
    other = next(c for c in cases_of(desk) if c != case)
    assert client.post(f"/cases/{other}/feedback", data={"verdict": "missed", "break": brk.break_id}).status_code == 404


def test_the_correction_offers_the_desks_own_buckets(client: TestClient, desk: Desk) -> None:
    own = {
        "labels": {"spike": "Jump"},
        "patterns": {"quarter_end": "Quarter end"},
        "causes": {"cash_pool": "Cash pool"},
    }
    case = first_case(desk)
    name = desk.cases.get(case).recon
    store = RunStore(desk.db, desk.clock)
    body = store.recon(name).model_dump(mode="json", exclude_none=True)
    store.keep_recon(name, parse_recon_file({**body, "name": name, "buckets": own}, name), None, "ana")
    forget(name)
    form = client.get(f"/cases/{case}/feedback?verdict=corrected").text
    for option in (">Jump<", '"quarter_end">Quarter end<', '"cash_pool">Cash pool<'):
        assert option in form
    said = {"verdict": "corrected", "pattern": "quarter_end", "cause": "cash_pool", "note": "Ours."}
    client.post(f"/cases/{case}/feedback", data=said)
    assert desk.feedback.list(target_id=case)[0].cause == "cash_pool"


def test_the_rules_page_shows_what_tags_have_in_common(client: TestClient, desk: Desk) -> None:
    assert "Nothing yet: it takes several false positives" in client.get("/rules").text
    for i in range(20):
        features = {
            "pattern": "spike",
            "pair": "Balance",
            "key": {"Account": f"A{i}"},
            "columns": {"Desk": "<Fees>" if i < 9 else "Treasury"},
            "pvalues": [0.001],
            "amounts": ["120.00"],
        }
        verdict: Verdict = "false_positive" if i < 9 else "true"
        desk.feedback.add(Tag(RECON, "case", f"C{i:012}", verdict, features=features), "olga")
    page = client.get("/rules").text
    assert "<strong><bdi>Desk &lt;Fees&gt;</bdi></strong>" in page
    assert "9 of 9 tags were called false" in page
