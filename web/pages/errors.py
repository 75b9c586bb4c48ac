"""An error as a page: what happened, in one sentence, and where to go from there."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response

from web.render import page

TITLES = {
    401: "Sign in first",
    403: "That is not yours to do",
    404: "There is nothing here",
    409: "Somebody was faster",
    413: "Too large",
    422: "That cannot be meant",
    500: "A fault of ours",
    503: "Not just now",
}


def error_page(request: Request, status: int, detail: str) -> Response:
    """A refusal for people. Signed out, it is the sign-in page."""
    if status == 401:
        return page(request, "sign.html", 401, detail=detail, next=_back(request), auth=_auth(request))
    title = TITLES.get(status) or HTTPStatus(status).phrase
    back = request.headers.get("referer", "")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}/"
    return page(
        request, "error.html", status, title_words=title, detail=detail, back=back if back.startswith(own) else "/"
    )


def _back(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "") if request.method == "GET" else "/"


def _auth(request: Request) -> str:
    return str(request.app.state.hub.desk().settings.auth)
