"""The service about itself: alive, ready, measured, described; and the workbench's static files."""

import mimetypes
import sqlite3
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from agents.desk import Desk
from agents.threads import check_threads
from recon.errors import Damaged, NotFound
from web.api.models import HealthOut, ReadyOut
from web.hub import Here, OnDesk
from web.render import STATIC, page, static_version

route_service = APIRouter(tags=["service"])


@route_service.get("/healthz")
def healthz() -> HealthOut:
    """The process answers."""
    return HealthOut(status="ok")


@route_service.get("/readyz", responses={503: {"model": ReadyOut, "description": "Something is missing."}})
def readyz(desk: OnDesk, response: Response) -> ReadyOut:
    """Whether it can work, and what is missing if not."""
    checks = {name: _checked(check, desk) for name, check in _CHECKS.items()}
    missing = [name for name in ("database", "workspace") if checks[name] != "ok"]
    response.status_code = 503 if missing else 200
    return ReadyOut(ready=not missing, checks=checks)


def _database(desk: Desk) -> str:
    with desk.db.read() as connection:
        connection.execute(sa.text("SELECT 1 FROM cases LIMIT 1"))
    return "ok"


def _workspace(desk: Desk) -> str:
    home = desk.settings.home
    if not home.is_dir():
        return f"{home} is not there"
    probe = home / ".writable"
    probe.touch()
    probe.unlink(missing_ok=True)
    return "ok"


def _model(desk: Desk) -> str:
    return "ok" if not desk.settings.has_live_model() else f"ok (live: {desk.settings.model})"


def _doors(desk: Desk) -> str:
    shut = desk.ledger.doors()
    return "; ".join(f"{d.name}: {d.sentence}" for d in shut) or "ok"


def _threads(desk: Desk) -> str:
    check_threads(desk.settings)
    return "ok"


_CHECKS = {"database": _database, "workspace": _workspace, "threads": _threads, "model": _model, "doors": _doors}


def _checked(check: Any, desk: Desk) -> str:
    try:
        return str(check(desk))
    except (sa.exc.SQLAlchemyError, OSError, sqlite3.Error, Damaged) as error:
        return f"out of reach ({type(error).__name__})"


@route_service.get("/metrics")
def metrics(hub: Here, desk: OnDesk) -> Response:
    """For Prometheus, in its text format."""
    return Response(hub.metrics.text(desk), media_type="text/plain; version=0.0.4; charset=utf-8")


@route_service.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """The API listed from its own OpenAPI document; nothing is loaded from elsewhere."""
    document = request.app.openapi()
    by_tag: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append({"path": path, "method": method.upper(), **_described(operation)})
    return page(request, "docs.html", groups=by_tag, schemas=sorted(document["components"]["schemas"].items()))


def _described(operation: dict[str, Any]) -> dict[str, Any]:
    content = (operation.get("requestBody") or {}).get("content", {})
    answers = {
        code: [_type(c.get("schema", {})) for c in answer.get("content", {}).values()]
        for code, answer in operation.get("responses", {}).items()
        if code.startswith("2")
    }
    return {
        "words": operation.get("description") or operation.get("summary", ""),
        "parameters": [
            {"name": p["name"], "where": p["in"], "required": p.get("required", False), "type": _type(p["schema"])}
            for p in operation.get("parameters", [])
        ],
        "body": [(media, _type(c.get("schema", {}))) for media, c in content.items()],
        "answers": answers,
    }


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_type(s) for s in schema[word])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"])
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "any")


@route_service.get("/static/{path:path}", include_in_schema=False)
def static_file(path: str) -> FileResponse:
    """The sheet, the script and the icon. Under the version of now they may be cached for good."""
    version, _, name = path.rpartition("/")
    found = STATIC / name
    known = {p.name for p in STATIC.iterdir() if p.is_file()}
    if name not in known or "/" in version:
        msg = f"{path}: no such file"
        raise NotFound(msg)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind = "text/javascript" if name.endswith(".js") else kind
    caching = "public, max-age=31536000, immutable" if version == static_version() else "no-cache"
    return FileResponse(found, media_type=kind, headers={"cache-control": caching})
