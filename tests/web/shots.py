"""The README's pictures: `python -m tests.web.shots WORKSPACE docs`, a workspace of `tieout demo --no-serve`.

It works on a copy: a few tags, owners and a question come first, so that the pages have something to tell.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.web.browser import ARGS, CHROMIUM, Server

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 400, "height": 860}
HERE = "() => document.querySelector('.case')?.dataset.id === new URL(location).searchParams.get('case')"


def open_nth(page: Any, url: str, n: int) -> None:
    """Opens the n-th case by amount."""
    page.goto(f"{url}/?sort=-amount")
    for _ in range(n):
        page.keyboard.press("j")
    page.wait_for_function(HERE)


def told(page: Any, words: str) -> None:
    page.wait_for_function("w => document.querySelector('#toasts')?.textContent.includes(w)", arg=words)


def work(page: Any, url: str) -> None:
    """A little of a morning's work."""
    for n, key, note in ((4, "t", "Asked the feed's owner."), (7, "f", "Known until month end."), (9, "t", "Booked.")):
        open_nth(page, url, n)
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open] textarea")
        page.keyboard.type(note)
        page.keyboard.press("Control+Enter")
        told(page, "Tagged")
    for n in (3, 5, 6):
        open_nth(page, url, n)
        page.keyboard.press("m")
        told(page, "'s now")
    open_nth(page, url, 1)
    page.keyboard.press("c")
    page.keyboard.type("Which side is it, and how did such breaks end?")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('#chat-log .said-by:not(.live)').length >= 2")


def shoot(home: Path, out: Path) -> None:
    """Writes the pictures into a folder."""
    from playwright.sync_api import sync_playwright

    server = Server(home).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
            first = browser.new_context(viewport=WIDE)
            page = first.new_page()
            page.goto(server.link)
            work(page, server.url)
            state = first.storage_state()
            for name, size, scheme, path, deed in SHOTS:
                context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=state)
                page = context.new_page()
                if isinstance(path, int):
                    open_nth(page, server.url, path)
                else:
                    page.goto(server.url + path)
                deed(page)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=str(out / f"{name}.png"), animations="disabled")
                context.close()
            browser.close()
    finally:
        server.stop()


def nothing(page: Any) -> None:
    """The page as it comes."""


def editing(page: Any) -> None:
    """The draft in view, its summary being edited."""
    page.keyboard.press("e")
    page.keyboard.press("End")
    page.keyboard.type(", please check today")
    page.wait_for_function("() => document.querySelector('[data-typed]').textContent.includes('kept as you type')")
    page.locator(".draft.now").evaluate("e => e.scrollIntoView({block: 'start'})")


SHOTS = (
    ("workbench-light", WIDE, "light", 2, nothing),
    ("workbench-dark", WIDE, "dark", 2, nothing),
    ("workbench-narrow", NARROW, "light", "/", nothing),
    ("drafts-light", WIDE, "light", 2, editing),
    ("brief-light", WIDE, "light", "/brief", nothing),
)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(sys.argv[1], copy)
        shoot(copy, Path(sys.argv[2]))
