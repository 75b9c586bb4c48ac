"""In a browser: the day by keyboard, nothing typed is lost, two operators meet, nothing comes from elsewhere."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from memory.case_query import CaseQuery
from memory.cases import CaseWrite
from tests.web.browser import ARGS, CHROMIUM, Server, Watched
from tests.web.builders import PLANS, business_days, history_text, open_home
from web.access import RULES
from web.render import STATIC

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]

TIMEOUT = 30_000
"""Milliseconds; generous, since every wait is for a state and ends with it."""
PAGES = sorted(p for m, p in RULES if m == "GET" and "{" not in p and not p.startswith(("/api", "/export"))
               and p not in ("/enter", "/healthz", "/readyz", "/openapi.json", "/metrics", "/news"))  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(filled_home, home)
    made = Server(home).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def signed_in(chromium: Any, server: Server) -> Any:
    """The state of a browser that opened the link."""
    context = chromium.new_context()
    context.new_page().goto(server.link)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def page(chromium: Any, server: Server, signed_in: Any, watched: Watched) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, storage_state=signed_in)
    context.set_default_timeout(TIMEOUT)
    yield watched.on(context.new_page(), server.url)
    context.close()
    assert watched.errors == []
    assert watched.elsewhere == []


WIDE = """() => [...document.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > 401 && !e.closest("nav, .scroll, details:not([open])"))
    .map((e) => `${e.tagName}.${e.className}`).slice(0, 9)"""


def open_case(page: Any, server: Server, n: int = 1) -> str:
    """Opens the n-th case of the queue by keyboard; answers its id."""
    page.goto(f"{server.url}/?sort=onset")
    for _ in range(n):
        page.keyboard.press("j")
    page.wait_for_selector(".case h1")
    page.wait_for_function(
        "() => document.querySelector('.case')?.dataset.id === new URL(location).searchParams.get('case')"
    )
    return str(page.locator(".case").get_attribute("data-id"))


def approve(page: Any) -> None:
    """`a`, and once more where the draft first had to come into view."""
    page.keyboard.press("a")
    if page.get_by_text("Press a again").count():
        page.keyboard.press("a")


def toast(page: Any, words: str) -> None:
    page.wait_for_function("w => document.querySelector('#toasts')?.textContent.includes(w)", arg=words)


def test_moving_keeps_the_url_and_back_and_forward_work(page: Any, server: Server) -> None:
    first = open_case(page, server)
    page.keyboard.press("j")
    page.wait_for_function("f => document.querySelector('.case').dataset.id !== f", arg=first)
    second = page.locator(".case").get_attribute("data-id")
    assert f"case={second}" in page.url
    page.go_back()
    page.wait_for_function("f => document.querySelector('.case')?.dataset.id === f", arg=first)
    page.go_forward()
    page.wait_for_function("f => document.querySelector('.case')?.dataset.id === f", arg=second)
    page.reload()
    assert page.locator(".case").get_attribute("data-id") == second


def test_a_decision_shows_its_undo_and_the_key_takes_it_back(page: Any, server: Server) -> None:
    open_case(page, server, 8)
    before = page.locator(".draft .chip.pending").count()
    approve(page)
    toast(page, "it leaves in")
    page.wait_for_function("n => document.querySelectorAll('.draft .chip.pending').length < n", arg=before)
    page.keyboard.press("u")
    toast(page, "Undone")
    page.wait_for_function("n => document.querySelectorAll('.draft .chip.pending').length === n", arg=before)


def test_a_reason_is_typed_and_sent_without_the_mouse(page: Any, server: Server) -> None:
    open_case(page, server, 7)
    page.keyboard.press("r")
    page.keyboard.type("booked by the custodian already")
    page.keyboard.press("Control+Enter")
    toast(page, "Rejected")


def test_a_false_positive_shows_its_blast_radius_before_it_is_saved(page: Any, server: Server) -> None:
    open_case(page, server, 6)
    page.keyboard.press("f")
    page.wait_for_selector("dialog[open] .note")
    assert "from the next run on" in page.locator("dialog .note").inner_text()
    page.locator("dialog select[name=days]").select_option("30")
    page.wait_for_function("() => document.querySelector('dialog .note').textContent.includes('It is forgotten on')")
    page.locator("dialog textarea").focus()
    page.keyboard.type("known and harmless")
    page.keyboard.press("Control+Enter")
    toast(page, "Tagged: false positive")
    page.keyboard.press("u")
    toast(page, "taken back")


def test_selecting_and_deciding_on_many_says_first_what_would_happen(page: Any, server: Server) -> None:
    open_case(page, server)
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.wait_for_selector("#bulk.on")
    assert "2 selected" in page.locator("#bulk-count").inner_text()
    page.locator("#bulk .go").click()
    page.wait_for_selector("text=Nothing is done yet")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=2 of 2 done")


def test_an_answer_is_streamed_cited_and_kept(page: Any, server: Server) -> None:
    open_case(page, server, 5)
    page.keyboard.press("c")
    page.keyboard.type("Why did this break?")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelectorAll('#chat-log .said-by:not(.live)').length >= 2", timeout=30_000
    )
    page.wait_for_selector("#chat-log .said-by:not(.me) a.ev")
    said = page.locator("#chat-log .said-by:not(.me) .text").last.inner_text()
    page.reload()
    assert page.locator("#chat-log .said-by:not(.me) .text").last.inner_text() == said


def test_a_draft_is_revised_in_place_by_what_is_said_beside_it(page: Any, server: Server) -> None:
    open_case(page, server, 5)
    before = page.locator(".draft").evaluate_all("all => all.map(d => d.dataset.hash)")
    page.keyboard.press("c")
    page.keyboard.type("make the ticket shorter")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.draft')].some(d => !before.includes(d.dataset.hash))", arg=before
    )
    assert page.locator(".draft .chip.pending").count() >= 1, "it waits for a person again"


def test_an_answer_can_be_stopped_and_the_next_question_asked(page: Any, server: Server) -> None:
    open_case(page, server, 3)
    page.route("**/chat", lambda route: None)  # an answer that does not come
    page.keyboard.press("c")
    page.wait_for_selector(".composer textarea:focus")
    page.keyboard.type("Why?")
    page.keyboard.press("Enter")
    page.locator("[data-stop]").click()
    page.wait_for_selector("#chat-log .meta:has-text('stopped')")
    page.wait_for_selector("[data-stop]", state="hidden")
    page.unroute("**/chat")
    page.locator(".composer textarea").fill("Why did this break?")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat-log .said-by:not(.me):not(.live) a.ev")


def test_a_question_goes_to_the_whole_selection_and_says_so(page: Any, server: Server) -> None:
    case = open_case(page, server, 2)
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.wait_for_function("c => document.querySelector('.case').dataset.id !== c", arg=case)
    assert page.locator("[data-about]").inner_text() == "about this and 1 selected"
    page.keyboard.press("c")
    page.keyboard.type("What do they share?")
    with page.expect_request("**/chat") as asked:
        page.keyboard.press("Enter")
    assert asked.value.post_data_json["cases"] == [case]
    page.wait_for_function("() => document.querySelectorAll('#chat-log .said-by:not(.live)').length >= 2")


def test_every_key_has_its_line_in_the_help(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] .keys")
    said = {word for text in page.locator("dialog .keys kbd").all_inner_texts() for word in text.split()}
    script = (STATIC / "keys.js").read_text()
    assert set(re.findall(r'case "(.+?)":', script)) <= said
    places = re.search(r"const to = \{(.*?)\}", script)
    assert places
    assert set(re.findall(r"(\w): ", places.group(1))) <= said
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


LONGEST_UNKEPT = """() => {
    const asked = performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/autosave"));
    return asked[0].startTime - window.firstKey;
}"""


def test_typing_survives_a_killed_server(page: Any, server: Server, watched: Watched) -> None:
    case = open_case(page, server, 4)
    page.evaluate("addEventListener('input', () => (window.firstKey ??= performance.now()), true)")
    page.keyboard.press("e")
    page.keyboard.press("End")
    page.keyboard.type(" and these words were typed")
    page.wait_for_function("() => document.querySelector('[data-typed]').textContent.includes('kept as you type')")
    waited = page.evaluate(LONGEST_UNKEPT)
    assert 0 < waited <= 1000, f"{waited} ms from a key to its request: more than a second of typing could be lost"
    server.kill()
    page.keyboard.type(" while it was down")
    page.wait_for_function("() => document.querySelector('[data-typed]').textContent.includes('trying again')")
    server.start()
    page.wait_for_function("() => document.querySelector('[data-typed]').textContent.includes('kept as you type')")
    page.goto(f"{server.url}/?case={case}")
    value = page.locator(".edit[open] input[name='p.summary']").input_value()
    assert value.endswith("and these words were typed while it was down")
    page.locator(".edit[open] button[value=discard]").click()
    toast(page, "Thrown away")
    watched.errors.clear()  # the browser's own lines on a server that was not there


def test_an_open_edit_is_never_passed_over_by_an_approval(page: Any, server: Server) -> None:
    open_case(page, server, 1)
    page.keyboard.press("e")
    page.keyboard.press("End")
    page.keyboard.type(" changed")
    page.locator(".case h1").click()
    page.keyboard.press("a")
    toast(page, "Store your edit or throw it away first.")
    assert not page.locator(".draft.now [data-key=a]").is_visible()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    toast(page, "not stored")
    page.wait_for_function("() => document.querySelector('[data-typed]').textContent.includes('kept as you type')")
    page.locator(".draft.now [data-key=e]").click()
    page.locator(".draft.now button[value=discard]").click()
    toast(page, "Thrown away")


def test_two_operators_on_one_draft_are_told_and_nothing_is_overwritten(
    page: Any, chromium: Any, server: Server, signed_in: Any, watched: Watched
) -> None:
    open_case(page, server, 3)
    page.keyboard.press("e")
    page.wait_for_selector(".edit[open] input[name='p.summary']")
    other = chromium.new_context(storage_state=signed_in).new_page()
    other.goto(page.url)
    form = other.locator(".draft.now .edit form")
    other.keyboard.press("e")
    form.locator("input[name='p.summary']").fill("Theirs")
    form.locator("button[value=edit]").click()
    toast(other, "Stored as a new draft")
    page.locator(".edit[open] input[name='p.summary']").fill("Mine")
    page.locator(".edit[open] button[value=edit]").click()
    page.wait_for_selector("text=Somebody was faster")
    assert "Theirs" in page.locator("#main").inner_text()
    assert "Mine" in page.locator("textarea").first.input_value()
    other.reload()
    assert other.locator(".draft.now .letter strong").inner_text() == "Theirs"
    other.context.close()
    watched.errors[:] = [e for e in watched.errors if "409" not in e]


def test_what_is_new_is_told_and_the_list_does_not_jump(page: Any, server: Server) -> None:
    page.clock.install()
    page.goto(f"{server.url}/?sort=onset")
    before = page.locator(".queue tbody tr").count()
    a_case_comes(server.home)
    page.clock.fast_forward(16_000)
    page.wait_for_selector("text=1 new since you looked")
    assert page.locator(".queue tbody tr").count() == before
    page.keyboard.press(".")
    page.wait_for_function("n => document.querySelectorAll('.queue tbody tr').length === n", arg=before + 1)


def a_case_comes(home: Path) -> None:
    """Another process's run puts one more case on the desk, the last by onset."""
    desk = open_home(home)
    like = desk.cases.page(CaseQuery(sort="onset")).records[-1].case
    tomorrow = like.onset + timedelta(days=1) if like.onset else None
    case = replace(like, id="C0ffee000001", title="A break that came while you read", onset=tomorrow)
    desk.cases.upsert_many([CaseWrite(case, (), (1.0, 2.0), 0.5, None)], "Rlate")
    desk.db.close()


def test_files_dropped_on_any_page_land_in_the_upload(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.evaluate(
        """() => {
        const data = new DataTransfer();
        data.items.add(new File(["a,b\\n1,2\\n"], "today.csv"));
        data.items.add(new File(["a,b\\n1,2\\n"], "history.csv"));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    )
    page.wait_for_selector("dialog[open] #upload")
    page.wait_for_function("() => document.querySelector('#upload [name=current]').files.length === 1")
    assert page.evaluate("document.querySelector('#upload [name=history]').files[0].name") == "history.csv"


def test_no_page_has_a_serious_accessibility_fault_light_or_dark(
    chromium: Any, server: Server, signed_in: Any, watched: Watched
) -> None:
    """Every rule of axe in light; in dark, what depends on colour."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, storage_state=signed_in, bypass_csp=True, reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT)
    page = watched.on(context.new_page(), server.url)
    case = open_case(page, server, 2)
    found: list[str] = []
    for path in (*PAGES, f"/?case={case}", f"/cases/{case}", f"/cases/{case}/feedback?verdict=false_positive"):
        page.emulate_media(color_scheme="light")
        page.goto(server.url + path)
        found += serious(page, path, {})
        page.emulate_media(color_scheme="dark")
        found += serious(page, f"{path} in dark", {"runOnly": ["color-contrast"]})
    context.close()
    assert found == []
    assert watched.elsewhere == []


def serious(page: Any, where: str, options: dict[str, Any]) -> list[str]:
    """What axe calls serious or critical, one line each."""
    from axe_core_python.sync_playwright import Axe

    faults = Axe().run(page, options={"resultTypes": ["violations"], **options})["violations"]
    return [
        f"{where}: {fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in faults
        if fault["impact"] in ("serious", "critical")
    ]


def test_at_400_pixels_nothing_is_wider_than_the_screen(chromium: Any, server: Server, signed_in: Any) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 860}, storage_state=signed_in)
    page = context.new_page()
    page.goto(server.url)
    page.locator(".queue a").first.click()
    page.wait_for_selector(".case h1")
    wide = []
    for path in (page.url.removeprefix(server.url), *PAGES):
        page.goto(server.url + path)
        if page.evaluate("document.documentElement.scrollWidth") > 401:
            wide.append((path, page.evaluate(WIDE)))
    context.close()
    assert wide == []


def test_without_script_the_same_is_done_by_plain_forms(chromium: Any, server: Server, signed_in: Any) -> None:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, storage_state=signed_in, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(server.url)
    page.locator(".queue a").nth(1).click()
    assert "case=" in page.url
    page.locator("button[value=assign]").click()
    assert "is root's now" in page.locator("#toasts").inner_text() or "'s now" in page.locator("#toasts").inner_text()
    page.locator(".draft .deeds summary", has_text="Reject").first.click()
    page.locator(".draft details[open] textarea").fill("not ours")
    page.locator(".draft details[open] button").click()
    assert "Rejected" in page.locator("#toasts").inner_text()
    page.locator(".composer textarea").fill("Is it timing?")
    page.locator(".composer button").first.click()
    assert page.locator("#chat-log .said-by").count() >= 2
    context.close()


@pytest.mark.slow
def test_a_whole_day_by_keyboard_alone(chromium: Any, tmp_path: Path, watched: Watched) -> None:
    """Upload, run, ten cases: assign, approve, undo, edit, reject, respond, false positive, snooze, ask, tag."""
    home = tmp_path / "day"
    home.mkdir()
    plans = [
        replace(p, account=f"{p.account}-{n}", desk=f"{p.account[:4]}{n}", factor=p.factor * (n + 0.37), days=1 + n % 2)
        for n in range(1, 5)
        for p in PLANS
    ]
    file = tmp_path / "gl-2026-11-20.csv"
    file.write_text(history_text(plans, business_days(date(2026, 11, 20), 60)))
    server = Server(home).start()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TIMEOUT)
    page = watched.on(context.new_page(), server.url)
    try:
        page.goto(server.link)
        assert "No reconciliation has been run yet" in page.inner_text("#main")
        page.keyboard.press("g")
        page.keyboard.press("r")
        page.wait_for_selector("#upload")
        page.locator("[name=current]").set_input_files(file)  # the system's own dialog is no page of ours
        page.locator("#upload .btn.go").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".chip.done", timeout=90_000)
        page.keyboard.press("g")
        page.keyboard.press("q")
        page.wait_for_selector(".queue")
        assert page.locator(".queue tbody tr").count() >= 10
        worked = work_ten_cases(page)
        assert worked >= 10
        page.keyboard.press("g")
        page.keyboard.press("a")
        page.wait_for_selector("text=approved")
        assert page.locator("text=rejected").count() >= 1
        page.locator("button[name=check]").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("text=each linked to the one before")
    finally:
        context.close()
        server.stop()
    assert watched.errors == []
    assert watched.elsewhere == []


def work_ten_cases(page: Any) -> int:
    """One deed on each of ten cases; answers how many cases were opened."""
    seen = set()

    def opened() -> str:
        page.wait_for_function(
            "() => document.querySelector('.case')?.dataset.id === new URL(location).searchParams.get('case')"
        )
        return str(page.locator(".case").get_attribute("data-id"))

    def next_case() -> None:
        page.keyboard.press("j")
        page.wait_for_function(
            "seen => { const at = document.querySelector('.case')?.dataset.id;"
            " return at && !seen.includes(at) && at === new URL(location).searchParams.get('case'); }",
            arg=sorted(seen),
        )
        seen.add(opened())

    next_case()
    page.keyboard.press("m")
    toast(page, "'s now")
    next_case()
    approve(page)
    toast(page, "it leaves in")
    seen.add(opened())
    page.keyboard.press("u")
    toast(page, "Undone")
    next_case()
    page.keyboard.press("e")
    page.keyboard.press("End")
    page.keyboard.type(" (checked)")
    page.keyboard.press("Control+Enter")
    toast(page, "Stored as a new draft")
    next_case()
    page.keyboard.press("r")
    page.keyboard.type("already booked")
    page.keyboard.press("Control+Enter")
    toast(page, "Rejected")
    next_case()
    page.keyboard.press("w")
    page.keyboard.type("Name the custodian.")
    page.keyboard.press("Control+Enter")
    toast(page, "Sent to the planner")
    next_case()
    page.keyboard.press("f")
    page.wait_for_selector("dialog[open] textarea")
    page.keyboard.type("harmless")
    page.keyboard.press("Control+Enter")
    toast(page, "Tagged")
    page.keyboard.press("u")
    toast(page, "taken back")
    next_case()
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    toast(page, "rests until")
    next_case()
    page.keyboard.press("c")
    page.keyboard.type("Why did this break?")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelectorAll('#chat-log .said-by:not(.live)').length >= 2", timeout=30_000
    )
    page.keyboard.press("Escape")
    next_case()
    page.keyboard.press("t")
    page.wait_for_selector("dialog[open] textarea")
    page.keyboard.type("yes, ours")
    page.keyboard.press("Control+Enter")
    toast(page, "Tagged")
    next_case()
    approve(page)
    toast(page, "it leaves in")
    return len(seen)
