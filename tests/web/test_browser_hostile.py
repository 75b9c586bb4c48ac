"""In a browser: hostile keys, comments and headers are inert and shown exactly, on every page that shows them."""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from memory.action import Person
from tests.shared import SHARED
from tests.web.browser import ARGS, CHROMIUM, Server, Watched
from tests.web.builders import PLANS, fill, open_home

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]

OURS = (
    "<script>window.struck=1</script>",
    "<img src=x onerror=window.struck=1>",
    "\"><svg onload=window.struck=1>",
    "' autofocus onfocus=window.struck=1 x='",
    "javascript:window.struck=1",
    "{{ 7*7 }}{% raw %}${7*7}",
    "=HYPERLINK(\"https://evil.example/\",\"x\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "[click](https://evil.example/) ![](https://evil.example/p.png)",
    "</textarea></title><style>*{display:none}</style>",
    "\u202egnp.exe \u200b\u2066hidden\u2069",
    "-2 -3,000 (band -1 to 5) [E1] «-4»",
    "https://evil.example/track?x=1",
)  # fmt: skip


def hostile() -> Sequence[str]:
    """A dozen of our own kind, and a slice of the shared ones where they are there."""
    path = SHARED / "injections.jsonl"
    if not path.exists():
        return OURS
    lines = path.read_text(encoding="utf-8").splitlines()[::24]
    return [*OURS, *(" ".join(json.loads(line)["text"].split())[:300] for line in lines)]


@pytest.fixture(scope="module")
def texts() -> Sequence[str]:
    return hostile()


def key_of(n: int, text: str) -> str:
    """The text as a key; the builder's history is a bare CSV, so without what would need quoting there."""
    shown = "".join(c for c in text if c.isprintable())  # a draft refuses hidden characters
    return f"{n}-{shown.replace(',', ';').replace(chr(34), chr(39))}"[:120]


@pytest.fixture(scope="module")
def server(texts: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Every text as a case's title, key, column, comment, evidence, precedent and draft."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    desk = open_home(home)
    ids = fill(desk, [replace(PLANS[n % 3], account=key_of(n, text)) for n, text in enumerate(texts)])
    for case_id, text in zip(ids, texts, strict=True):
        case = desk.cases.get(case_id)
        evidence = tuple(replace(e, statement=text, values={text[:40]: text}) for e in case.evidence)
        similar = tuple(replace(s, comment=text, why=text) for s in case.similar)
        desk.cases.update_judgement(
            case_id, title=text, summary=f"{text} [E1]", evidence=evidence, similar=similar, cause_detail=text
        )
        for action in desk.ledger.list(case_id=case_id, state="pending"):
            field = {"jira.create": "description", "email.send": "body", "recon.comment": "comment"}.get(action.kind)
            if field and text.isprintable():
                changed = {**action.payload, field: text}
                desk.ledger.decide(action.id, "edit", action.payload_hash, Person("olga", "operator"), changed)
    desk.db.close()
    made = Server(home).start()
    yield made
    made.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def context(server: Server) -> Iterator[Any]:
    """A signed-in browser: the link works once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        made = browser.new_context(viewport={"width": 1280, "height": 900})
        made.set_default_timeout(30_000)
        made.new_page().goto(server.link)
        yield made
        browser.close()


@pytest.fixture
def page(server: Server, context: Any) -> Iterator[Any]:
    watched = Watched()
    yield watched.on(context.new_page(), server.url)
    assert watched.errors == []
    assert watched.elsewhere == []


def plain(text: str) -> str:
    """Text as a page lays it out: runs of spaces are one."""
    return " ".join(text.split())


def test_hostile_text_is_inert_and_shown_exactly_from_queue_to_export(
    page: Any, server: Server, texts: Sequence[str]
) -> None:
    page.goto(f"{server.url}/?limit=200")
    listed = page.request.get(f"{server.url}/api/v1/cases?limit=100").json()["items"]
    by_title = {case["title"]: case["id"] for case in listed}
    assert set(by_title) == set(texts)
    for text in texts:
        page.goto(f"{server.url}/cases/{by_title[text]}")
        shown = plain(page.evaluate("() => document.body.textContent"))
        # a figure of ours carries a true minus; a quotation and a draft stay as they were written
        for place in (".quote", ".letter") if text.isprintable() else (".quote",):
            assert plain(text) in plain(" ".join(page.locator(place).all_text_contents())), place
        assert plain(text) in shown
        assert page.evaluate("() => window.struck") is None
        assert page.evaluate("() => getComputedStyle(document.body).display") != "none"
        assert page.locator("a[href*='evil.example'], img, iframe, article style").count() == 0
    page.goto(f"{server.url}/brief")
    page.goto(f"{server.url}/audit")
    assert page.evaluate("() => window.struck") is None
    export = page.request.get(f"{server.url}/export.csv?limit=200").body().decode("utf-8-sig")
    for row in csv.reader(io.StringIO(export)):
        assert not any(cell[:1] in "=+@\t\r" and cell[:1] for cell in row), row


def test_a_hostile_question_is_answered_as_text(page: Any, server: Server, texts: Sequence[str]) -> None:
    case = page.request.get(f"{server.url}/api/v1/cases?limit=1").json()["items"][0]["id"]
    page.goto(f"{server.url}/cases/{case}")
    for n, text in enumerate(texts[:4], 1):
        page.locator("[name=question]").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_function("n => document.querySelectorAll('#chat-log .said-by:not(.live)').length >= n", arg=2 * n)
        assert plain(text) in plain(" ".join(page.locator("#chat-log .me .text").all_text_contents()))
    assert page.evaluate("() => window.struck") is None
