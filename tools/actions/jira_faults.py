"""What each answer or failure of Jira means: whether it happened, and the sentence that says so."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from jira import JIRAError
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidSchema, InvalidURL, MissingSchema, ReadTimeout, SSLError
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from tools.actions.door import DoorError, Lost, NotSent, Paused, Refused

_LONGEST_WAIT = 3600.0


def writing(error: Exception, what: str) -> DoorError:
    """The fault of a request that changes something (POST, PUT). In doubt it is Lost: it may have happened."""
    if isinstance(error, JIRAError) and error.status_code and not _is_success(error.status_code):
        return _status(error, what, writes=True)
    if _is_garbled(error):
        return _garbled(error, what)
    if _never_left(error):
        return _out_of_reach(error)
    said = f"Jira's answer to {what} was lost ({_reason(error)}), so it may have happened."
    return Lost(said, code="answer_lost")


def reading(error: Exception, what: str) -> DoorError:
    """The fault of a request that only reads: nothing can have happened by it."""
    if isinstance(error, JIRAError) and error.status_code and not _is_success(error.status_code):
        return _status(error, what, writes=False)
    if isinstance(error, InvalidURL | MissingSchema | InvalidSchema):
        said = "TIEOUT_JIRA_URL is no address of a Jira; correct it and restart. Nothing is lost."
        return Paused(said, code="bad_address")
    if _is_login_page(error):
        return _login_page()
    if isinstance(error, requests.RequestException) and not _is_garbled(error):
        return _out_of_reach(error)
    said = f"Jira answered {what} with something that is no JSON; nothing was sent, and it is tried again."
    return NotSent(said, code="garbled_read")


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _status(error: JIRAError, what: str, *, writes: bool) -> DoorError:
    status = error.status_code
    text = _words(error)
    match status:
        case 400:
            return _bad_request(text, what)
        case 401:
            said = (
                "Jira does not accept our token any more (401); put a new one into TIEOUT_JIRA_TOKEN. Nothing is lost."
            )
            return Paused(said, code="token")
        case 403 if _is_captcha(error):
            said = "Jira wants this user to sign in by hand first (a CAPTCHA); do that in a browser. Nothing is lost."
            return Paused(said, code="captcha")
        case 403:
            return Refused(
                f"Our Jira user may not do this ({what}): {text}. Ask for the right, then send again.", code="forbidden"
            )
        case 404:
            said = f"Jira does not know what {what} is about, or hides it from our user: {text}. Edit it."
            return Refused(said, code="not_found")
        case 409:
            said = f"Jira is just changing the same ticket ({what}); it is tried again."
            return NotSent(said, code="conflict", whole_door=False)
        case 410:
            return Refused(f"This Jira no longer offers {what} (410); our adapter needs an update.", code="gone")
        case 413:
            return Refused(f"Jira says that {what} is too large; shorten it, then send again.", code="too_large")
        case 429:
            wait = retry_after(error.response)
            why = _header(error, "RateLimit-Reason")
            said = f"Jira asks us to slow down{f' ({why})' if why else ''}; it is tried again in order."
            return NotSent(said, code="slow_down", retry_after=wait)
        case _ if status >= 500 and writes:
            return Lost(f"Jira failed while doing {what} ({status}), so it may have happened.", code="server_error")
        case _ if status >= 500:
            said = f"Jira is out of order ({status}); nothing was sent, and it is tried again."
            return NotSent(said, code="out_of_order", retry_after=retry_after(error.response))
        case _:
            return Refused(f"Jira refused {what} ({status}): {text}.", code="refused")


def _bad_request(text: str, what: str) -> DoorError:
    if "label" in text.lower() and "screen" in text.lower():
        said = (
            "The field Labels is not on the project's create screen, and without it a ticket could be made twice; "
            "ask the Jira administrator to add it, then send again."
        )
        return Refused(said, code="label_screen")
    return Refused(f"Jira refused {what} (400): {text}. Edit it, or correct the routing.", code="bad_request")


def _is_garbled(error: Exception) -> bool:
    """The answer came, but is not what was promised: no JSON, or JSON without its parts."""
    return isinstance(
        error,
        JIRAError | ValueError | KeyError | TypeError | AttributeError | requests.exceptions.ContentDecodingError,
    )


def _garbled(error: Exception, what: str) -> DoorError:
    page = " It answered with a sign-in page." if _is_login_page(error) else ""
    return Lost(f"Jira's answer to {what} cannot be read, so it may have happened.{page}", code="garbled")


def _login_page() -> DoorError:
    said = "Jira answered with a sign-in page instead of data; check TIEOUT_JIRA_URL and the token. Nothing is lost."
    return Paused(said, code="login_page")


def _out_of_reach(error: Exception) -> DoorError:
    said = f"Jira is out of reach ({_reason(error)}); nothing was sent, and everything waits in its order."
    return NotSent(said, code="out_of_reach")


def _never_left(error: Exception) -> bool:
    """True only when no byte of the request can have left: no name, no connection, no TLS."""
    if isinstance(error, ConnectTimeout | SSLError):
        return True
    if not isinstance(error, RequestsConnectionError) or isinstance(error, ReadTimeout):
        return False
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        inner = inner.reason
    return isinstance(inner, NewConnectionError | NameResolutionError)


def _reason(error: Exception) -> str:
    match error:
        case ConnectTimeout():
            return "no connection in time"
        case ReadTimeout():
            return "no answer in time"
        case SSLError():
            return "its certificate is not trusted"
        case RequestsConnectionError():
            return "no connection" if _never_left(error) else "the connection broke"
        case _:
            return type(error).__name__


def _words(error: JIRAError) -> str:
    """Jira's own words on one line, without markup, at most 300 characters: they are data, not orders."""
    plain = re.sub(r"<[^>]*>", " ", error.text or "")
    return " ".join(plain.split())[:300].rstrip(". ") or "it gave no reason"


def _header(error: JIRAError, name: str) -> str:
    headers = getattr(error.response, "headers", None) or {}
    return " ".join(str(headers.get(name, "")).split())[:80]


def _is_captcha(error: JIRAError) -> bool:
    return "AUTHENTICATION_DENIED" in _header(error, "X-Seraph-LoginReason") or bool(
        _header(error, "X-Authentication-Denied-Reason")
    )


def _is_login_page(error: Exception) -> bool:
    text = getattr(error, "doc", None) or getattr(getattr(error, "response", None), "text", None) or ""
    return "<html" in str(text)[:2000].lower()


def retry_after(response: requests.Response | None) -> float | None:
    """Seconds from a Retry-After header in either of its forms; None when there is none that can be read."""
    text = response.headers.get("Retry-After", "") if response is not None else ""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 1.0), _LONGEST_WAIT)
