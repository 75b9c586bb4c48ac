"""What forms share: their fields as text, and the way back with a word on what was done."""

from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from recon.errors import BadInput


async def form_words(request: Request) -> dict[str, str]:
    """A posted form's fields, the last of each name; files are left out. Raises BadInput for text that is none."""
    form = await request.form(max_fields=2000, max_part_size=2_000_000)
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        if "\x00" in value or "\x00" in name:
            msg = f"{name}: the text holds a NUL character"
            raise BadInput(msg)
        found[name] = value
    return found


async def form_lists(request: Request) -> dict[str, list[str]]:
    """A posted form's fields with every value of each name."""
    form = await request.form(max_fields=5000)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


Form = Annotated[dict[str, str], Depends(form_words)]
FormLists = Annotated[dict[str, list[str]], Depends(form_lists)]


def safe_back(back: str, otherwise: str = "/") -> str:
    """A place of ours to go back to; anything that leaves this site is replaced.

    >>> safe_back("/?case=C1"), safe_back("//evil.example/"), safe_back("https://evil.example"), safe_back("/\\\\evil")
    ('/?case=C1', '/', '/', '/')
    """
    parts = urlsplit(back)
    fine = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if fine and not parts.netloc and len(back) < 3000 else otherwise


def go_back(back: str, said: str = "", undo: str = "", **changes: str) -> RedirectResponse:
    """See other: the page again, with a word on what was done. `changes` replace words of the query."""
    parts = urlsplit(safe_back(back))
    kept = {k: v for k, v in parse_qsl(parts.query) if k not in ("said", "undo")}
    kept |= changes
    if said:
        kept["said"] = said[:390]
    if undo:
        kept["undo"] = undo
    query = urlencode({k: v for k, v in kept.items() if v})
    return RedirectResponse(parts.path + (f"?{query}" if query else ""), status_code=303)
