"""Webhooks: one signed POST to an allow-listed address, never into our own network, never along a redirect."""

import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from memory.action import Action, Receipt
from memory.canonical import canonical
from recon.words import ActionKind
from tools.actions.door import UNKNOWN, Check, DoorError, Lost, NotSent, Paused, Recovery, Refused
from tools.actions.render import shown_request

Resolve = Callable[[str, int], Sequence[str]]
_LONGEST_ANSWER = 65_536
_TUNNELS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")))
"""Public by name, but they lead to whatever IPv4 address they hold."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system knows them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Webhook:
    """The receiver checks the signature and should answer the same to the same idempotency key.

    `allow_loopback` is for tests: a real webhook is HTTPS and public.
    """

    name = "webhook"
    kinds: frozenset[ActionKind] = frozenset({"webhook.call"})

    def __init__(
        self,
        secret: str | None,
        *,
        timeout: float = 30.0,
        resolve: Resolve = resolve,
        allow_loopback: bool = False,
        places: Sequence[tuple[str, bool]] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._secret = secret
        self._timeout = timeout
        self._resolve = resolve
        self._allow_loopback = allow_loopback
        self._places = places
        self._tls = tls

    def recovery(self, kind: ActionKind) -> Recovery:
        return UNKNOWN

    def dry_run(self, action: Action) -> bytes:
        body = _body(action)
        return shown_request("POST", action.payload["url"], self._headers(action, body), body)

    def do(self, action: Action) -> Receipt:
        if not self._secret:
            said = "TIEOUT_WEBHOOK_SECRET is not set, and nothing leaves unsigned; set it, then try again."
            raise Paused(said, code="no_secret")
        parts = urlsplit(action.payload["url"])
        host, port = self._refuse_place(action.payload["url"])
        address = self._one_address(host, port)
        body = _body(action)
        shown = f"[{address}]" if ":" in address else address
        path = parts.path or "/"
        target = f"{parts.scheme}://{shown}:{port}{path}{'?' + parts.query if parts.query else ''}"
        headers = {**self._headers(action, body), "Host": parts.netloc}
        return self._post(target, headers, body, host)

    def look_up(self, action: Action) -> Receipt | None:
        return None

    def check(self) -> list[Check]:
        if not self._secret:
            return [
                Check("webhook", True, "Off: TIEOUT_WEBHOOK_SECRET is not set, so none is signed and none is sent.")
            ]
        if not self._places:
            said = "Webhooks are signed; no recon file allows an address under allow.webhooks."
            return [Check("webhook", True, said)]
        return [self._look_at(url, allowed) for url, allowed in self._places]

    def _look_at(self, url: str, allowed: bool) -> Check:
        """Name, network, certificate and permission of one address; nothing is called."""
        try:
            host, port = self._refuse_place(url)
            address = self._one_address(host, port)
            if url.startswith("https:"):
                _shake_hands(address, port, host, min(self._timeout, 10.0), self._tls)
        except DoorError as no:
            said = no.fault.sentence.replace("; nothing was sent, and it is tried again", "; correct the address")
            return Check("webhook", False, f"{url}: {said}")
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "no TLS"
            return Check("webhook", False, f"{url}: its certificate is not trusted ({reason}); ask who runs it.")
        except OSError:
            return Check(
                "webhook", False, f"{url}: {host} at {address} is out of reach; open the way for this machine."
            )
        if not allowed:
            return Check("webhook", False, f"{url} is routed to, but not in allow.webhooks of its recon file; add it.")
        return Check("webhook", True, f"{url} leads to {address}, its certificate is trusted; nothing was called.")

    def doubles(self, action: Action) -> list[str]:
        return []

    def _headers(self, action: Action, body: bytes) -> dict[str, str]:
        key = (self._secret or "").encode()
        return {
            "Content-Type": "application/json",
            "User-Agent": "tieout",
            "Idempotency-Key": action.id,
            "X-Tieout-Event": action.payload["event"],
            "X-Tieout-Payload": action.payload_hash,
            "X-Tieout-Signature": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
        }

    def _refuse_place(self, url: str) -> tuple[str, int]:
        parts = urlsplit(url)
        host = parts.hostname
        if host is None or parts.username is not None or parts.fragment:
            said = f"{url} is no plain address; edit it."
            raise Refused(said, code="bad_address")
        loopback = self._allow_loopback and host in ("127.0.0.1", "::1", "localhost")
        if parts.scheme != "https" and not loopback:
            said = "A webhook must be https; edit it."
            raise Refused(said, code="not_https")
        return host, parts.port or (443 if parts.scheme == "https" else 80)

    def _one_address(self, host: str, port: int) -> str:
        """The address to connect to, checked; connecting to the name again could lead somewhere else."""
        try:
            found = self._resolve(host, port)
        except OSError:
            said = f"The name {host} cannot be found; nothing was sent, and it is tried again."
            raise NotSent(said, code="no_name", whole_door=False) from None
        for text in found:
            place = ipaddress.ip_address(text.partition("%")[0])
            if not _is_public(place) and not (self._allow_loopback and place.is_loopback):
                said = f"{host} leads into a private network ({place}), where webhooks may not go; nothing was sent."
                raise Refused(said, code="private")
        if not found:
            said = f"The name {host} leads nowhere; it is tried again."
            raise NotSent(said, code="no_name", whole_door=False)
        return found[0]

    def _post(self, target: str, headers: dict[str, str], body: bytes, host: str) -> Receipt:
        try:
            with (
                httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "POST", target, content=body, headers=headers, extensions={"sni_hostname": host}
                ) as answer,
            ):
                _read_some(answer)
                return _receipt(answer, host)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            said = f"{host} is out of reach; nothing was sent, and it is tried again."
            raise NotSent(said, code="out_of_reach", whole_door=False) from None
        except (httpx.HTTPError, httpx.StreamError):
            said = f"The answer of {host} was lost after the call had left."
            raise Lost(said, code="answer_lost") from None


def _shake_hands(address: str, port: int, host: str, timeout: float, tls: ssl.SSLContext | None) -> None:
    """A TLS handshake and no more. Raises OSError, of which ssl.SSLError is one."""
    context = tls or ssl.create_default_context()
    with socket.create_connection((address, port), timeout) as wire, context.wrap_socket(wire, server_hostname=host):
        pass


def _is_public(place: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(place, ipaddress.IPv6Address):
        if place.ipv4_mapped is not None:
            return _is_public(place.ipv4_mapped)
        if any(place in tunnel for tunnel in _TUNNELS):
            return False
    return place.is_global and not place.is_multicast


def _body(action: Action) -> bytes:
    said = {"id": action.id, "event": action.payload["event"], "case_id": action.case_id, **_inner(action)}
    return canonical(said).encode()


def _inner(action: Action) -> dict[str, object]:
    return {"recon": action.recon, "body": action.payload["body"]}


def _read_some(answer: httpx.Response) -> None:
    size = 0
    for chunk in answer.iter_raw():
        size += len(chunk)
        if size > _LONGEST_ANSWER:
            return


def _receipt(answer: httpx.Response, host: str) -> Receipt:
    status = answer.status_code
    if 200 <= status < 300:
        return Receipt(answer.headers.get("X-Request-Id", f"{status}")[:200], detail=f"{host} answered {status}.")
    raise _refusal(status, host, answer.headers.get("Retry-After"))


def _refusal(status: int, host: str, retry_after: str | None) -> DoorError:
    match status:
        case 401 | 403:
            said = f"{host} does not accept our signature ({status}); correct TIEOUT_WEBHOOK_SECRET. Nothing is lost."
            return Paused(said, code="signature")
        case 429:
            wait = float(retry_after) if retry_after and retry_after.isdigit() else None
            said = f"{host} asks us to slow down; it is tried again."
            return NotSent(said, code="slow_down", retry_after=wait, whole_door=False)
        case _ if 300 <= status < 400:
            said = f"{host} wants to send us elsewhere ({status}), and redirects are not followed; correct the address."
            return Refused(said, code="redirect")
        case 408 | 409 | 425:
            said = f"{host} could not say whether it took the call ({status})."
            return Lost(said, code="undecided")
        case _ if status >= 500:
            return Lost(f"{host} failed while it handled the call ({status}).", code="server_error")
        case _:
            return Refused(f"{host} refused the call ({status}); edit it, or give up.", code="refused")
