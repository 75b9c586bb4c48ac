"""Pages from templates: autoescaping on, undefined names are errors, static files addressed by their content."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from web import charts, shown
from web.access import may
from web.cite import case_links, cited, minus, uncited
from web.rows import without_amount

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
MODULES: Final = tuple(sorted(p.name for p in STATIC.glob("*.js") if p.name != "app.js"))
"""What app.js imports, asked for at once instead of one after the other."""
PAGES: Final = (
    ("/", "Queue"),
    ("/brief", "Brief"),
    ("/runs", "Runs"),
    ("/trust", "Trust"),
    ("/rules", "Rules"),
    ("/audit", "Audit"),
    ("/excel", "Excel"),
    ("/settings", "Settings"),
)


@lru_cache(maxsize=1)
def static_version() -> str:
    """A word for the content of all static files: in their address, so that they may be cached for good."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a static file; what a script imports from beside it has the same version by itself."""
    return f"/static/{static_version()}/{name}"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one template environment."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=100,
    )
    env.globals.update(modules=MODULES, static=static_url, pages=PAGES, may=may, bar=charts.bar, Markup=Markup)
    env.filters.update(
        number=shown.number,
        compact=shown.compact,
        percent=shown.percent,
        day=shown.day,
        short_day=shown.short_day,
        moment=shown.moment,
        exact=shown.exact,
        cited=cited,
        case_links=case_links,
        uncited=uncited,
        minus=minus,
        without_amount=without_amount,
        series_svg=charts.series_svg,
        sides_svg=charts.sides_svg,
        state_label=lambda s: shown.STATE_LABELS.get(s, s),
        action_label=lambda k: shown.ACTION_LABELS.get(k, k),
        action_state=lambda s: shown.ACTION_STATES.get(s, s),
        verdict_label=lambda v: shown.VERDICT_LABELS.get(v, v),
    )
    return env


def render(name: str, /, **context: Any) -> str:
    """A template as text."""
    return environment().get_template(name).render(**context)


def page(request: Request, name: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """A whole page, with what every page shows: who is signed in, the theme, a word on what was just done."""
    state = request.scope.get("state", {})
    theme = request.cookies.get("tieout_theme", "")
    body = render(
        name,
        request=request,
        path=request.url.path,
        person=state.get("person"),
        theme=theme if theme in ("light", "dark") else "",
        here=_here(request),
        said=request.query_params.get("said", "")[:400],
        undo=_ident(request.query_params.get("undo", "")),
        running=state.get("running"),
        **context,
    )
    return HTMLResponse(body, status)


def _here(request: Request) -> str:
    """This page's own address, without the word on what was done."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("said", "undo")]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def _ident(text: str) -> str:
    return text if len(text) <= 60 and text.replace("-", "").replace("_", "").isalnum() else ""
