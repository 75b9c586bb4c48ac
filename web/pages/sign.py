"""Signing in and out: by the one-time link, or with an API token."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from web.auth import COOKIE, SESSION_LASTS, end_session, redeem_link, session_for_token
from web.hub import OnDesk
from web.pages.forms import Form, safe_back
from web.render import page

route_sign_pages = APIRouter(include_in_schema=False)


def _signed_in(request: Request, secret: str, to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
    return response


@route_sign_pages.get("/enter")
def enter(request: Request, desk: OnDesk, key: str = "") -> Response:
    """The one-time link. Used up, it still leads a browser that is signed in to its queue."""
    secret = redeem_link(desk.db, key, desk.clock) if 0 < len(key) < 200 else None
    if secret is not None:
        return _signed_in(request, secret, "/")
    if request.scope.get("state", {}).get("person") is not None:
        return RedirectResponse("/", status_code=303)
    detail = "This link was used before, or is too old. Stop and start `tieout serve` for a new one."
    return page(request, "sign.html", 401, detail=detail, next="/", auth=desk.settings.auth)


@route_sign_pages.post("/sign-in")
def sign_in(request: Request, desk: OnDesk, form: Form) -> Response:
    """Signs a browser in with an API token."""
    secret = session_for_token(desk.db, form.get("token", "").strip(), desk.clock)
    if secret is None:
        detail = "No living token is like this one. Ask an administrator for a new one."
        return page(
            request, "sign.html", 401, detail=detail, next=safe_back(form.get("next", "/")), auth=desk.settings.auth
        )
    return _signed_in(request, secret, safe_back(form.get("next", "/")))


@route_sign_pages.post("/sign-out")
def sign_out(request: Request, desk: OnDesk) -> Response:
    """Ends this browser's session."""
    end_session(desk.db, request.scope["state"].get("session", ""), desk.clock)
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response
