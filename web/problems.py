"""Errors as the API tells them: RFC 9457 problem documents, one handler for each family of errors."""

import logging
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from memory.action import NotAllowed as LedgerRefuses
from memory.action import StaleHash, TicketExists, WrongState
from memory.cases import StaleCase
from memory.vectors import VectorsDown
from recon.errors import BadInput, Damaged, NoRoom, NotFound, TieoutError

log = logging.getLogger("tieout.web")

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(default="about:blank", description="Which kind of problem, as a URI reference.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int
    detail: str = Field(description="What happened here, and what to do.")
    instance: str = Field(description="The path asked for.")
    errors: list[dict[str, Any]] | None = Field(default=None, description="Each wrong field, where there are some.")
    request_id: str | None = None


class WebError(TieoutError):
    """A refusal that the web layer makes itself, with its HTTP status."""

    status = 400


class SignedOut(WebError):
    """Nobody is signed in."""

    status = 401


class NotAllowed(WebError):
    """Signed in, but the role does not reach."""

    status = 403


class Conflict(WebError):
    """What the caller saw is no longer so."""

    status = 409


class Unavailable(WebError):
    """A part that is needed is not there now."""

    status = 503


def status_of(error: TieoutError) -> int:
    """The HTTP status of a family of errors."""
    match error:
        case WebError():
            return error.status
        case NotFound():
            return 404
        case StaleCase() | StaleHash() | WrongState() | TicketExists():
            return 409
        case LedgerRefuses():
            return 403
        case BadInput():
            return 422
        case NoRoom():
            return 507
        case Damaged() | VectorsDown():
            return 503
        case _:
            return 400


def problem(request: Request, status: int, detail: str, errors: Sequence[dict[str, Any]] | None = None) -> JSONResponse:
    """The problem document as an answer."""
    title = HTTPStatus(status).phrase
    body = Problem(
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors) if errors else None,
        request_id=request.scope.get("state", {}).get("request_id"),
    )
    headers = {"WWW-Authenticate": 'Bearer realm="tieout"'} if status == 401 else None
    content = body.model_dump(exclude_none=True, mode="json")
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """True for a browser on a page of the workbench; programs and the API get problem documents."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _clean(error: dict[str, Any]) -> dict[str, Any]:
    return {"where": ".".join(str(p) for p in error.get("loc", ())), "what": str(error.get("msg", ""))}


def install(app: FastAPI, page: Any) -> None:
    """Adds the handlers. `page(request, status, detail)` renders an error for people."""

    def answer(request: Request, status: int, detail: str, errors: Sequence[dict[str, Any]] | None = None) -> Response:
        if wants_page(request):
            shown: Response = page(request, status, detail)
            return shown
        return problem(request, status, detail, errors)

    async def on_tieout(request: Request, error: Exception) -> Response:
        assert isinstance(error, TieoutError)
        return answer(request, status_of(error), str(error))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail if isinstance(error.detail, str) else str(error.detail)
        if error.status_code == 404:
            detail = f"{request.url.path}: there is no such page; the queue is at /, the API at /docs"
        if error.status_code == 405:
            detail = f"{request.method} is not offered here; see /docs for what is"
        response = answer(request, error.status_code, detail)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [_clean(dict(e)) for e in error.errors()][:20]
        first = found[0] if found else {"where": "the request", "what": "is not understood"}
        return answer(request, 422, f"{first['where']}: {first['what']}", found)

    app.add_exception_handler(TieoutError, on_tieout)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)


def fault(request: Request, error: Exception, page: Any) -> Response:
    """A fault of ours: a number for the log, nothing of its inside."""
    ident = uuid.uuid4().hex[:12]
    log.error("fault %s on %s %s", ident, request.method, request.url.path, exc_info=error)
    detail = f"A fault of ours, number {ident}; the server's log has it under that number. Nothing was sent."
    if wants_page(request):
        shown: Response = page(request, 500, detail)
        return shown
    return problem(request, 500, detail)
