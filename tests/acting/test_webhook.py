"""Webhooks: signed, allow-listed, never into our own network, never along a redirect."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from memory.action import Action
from memory.policy import Policy
from tests.acting.desk import TestDesk, approved
from tests.acting.hook_server import HookFault, HookServer
from tests.acting.mail_server import MailServer, client_context, make_certificate
from tests.acting.test_doors import executor_of
from tools.actions.webhook import Webhook

SECRET = "a-secret-of-ours"


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


def call(desk: TestDesk, door: Webhook, url: str) -> Action:
    desk.put(door)
    action = approved(desk, "webhook.call", payload={"url": url}, policy=Policy(webhooks=(url,)))
    executor_of(desk).run_once()
    return desk.ledger.get(action.id)


def test_the_call_is_signed_and_carries_its_idempotency_key(sqlite_desk: TestDesk, hooks: HookServer) -> None:
    door = Webhook(SECRET, allow_loopback=True)
    action = call(sqlite_desk, door, hooks.url)
    headers, body = hooks.kept[0]
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-tieout-signature"] == f"sha256={signature}"
    assert headers["idempotency-key"] == action.id
    assert headers["x-tieout-payload"] == action.approved_hash
    assert json.loads(body)["body"] == action.payload["body"]
    assert body in door.dry_run(action)
    assert f"sha256={signature}".encode() in door.dry_run(action)
    assert action.receipt
    assert action.receipt["reference"] == "req-1"


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        (200, "done", ""), (204, "done", ""),
        (301, "failed", "redirects are not followed"), (302, "failed", "redirects"), (307, "failed", "redirects"),
        (400, "failed", "refused the call (400)"), (404, "failed", "404"), (410, "failed", "410"),
        (401, "approved", "TIEOUT_WEBHOOK_SECRET"), (403, "approved", "TIEOUT_WEBHOOK_SECRET"),
        (408, "unknown", "could not say"), (409, "unknown", "could not say"),
        (429, "approved", "slow down"),
        (500, "unknown", "failed while it handled"), (502, "unknown", "502"), (503, "unknown", "503"),
    ],
)  # fmt: skip
def test_each_answer_has_its_state_and_sentence(
    sqlite_desk: TestDesk, hooks: HookServer, status: int, state: str, says: str
) -> None:
    hooks.faults.append(HookFault("status", after=status < 300, status=status, headers={"Location": "http://x/"}))
    action = call(sqlite_desk, Webhook(SECRET, allow_loopback=True), hooks.url)
    assert action.state == state
    assert says in str(action.fault)


def at(*addresses: str) -> Any:
    def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b:1::1", "64:ff9b::a00:1", "2002:a00:1::",
    ],
)  # fmt: skip
def test_no_call_goes_into_a_private_network(sqlite_desk: TestDesk, address: str) -> None:
    action = call(sqlite_desk, Webhook(SECRET, resolve=at("93.184.216.34", address)), "https://api.bank.example/x")
    assert action.state == "failed"
    assert "private network" in (action.fault or {})["sentence"]


def test_loopback_is_private_unless_a_test_allows_it(sqlite_desk: TestDesk, hooks: HookServer) -> None:
    action = call(sqlite_desk, Webhook(SECRET), hooks.url)
    assert action.state == "failed"
    assert hooks.kept == []


def test_the_checked_address_is_the_one_that_is_called(sqlite_desk: TestDesk, hooks: HookServer) -> None:
    """A name that leads elsewhere at its second look leads nowhere: it is looked up once."""
    looks: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        looks.append(host)
        return ["127.0.0.1"] if len(looks) == 1 else ["10.0.0.1"]

    url = hooks.url.replace("127.0.0.1", "localhost")
    action = call(sqlite_desk, Webhook(SECRET, resolve=resolve, allow_loopback=True), url)
    assert action.state == "done"
    assert looks == ["localhost"]
    assert hooks.kept[0][0]["host"].startswith("localhost:")


@pytest.mark.parametrize("url", ["http://api.bank.example/x", "https://user@api.bank.example/x"])
def test_a_place_that_is_not_plain_https_is_refused(sqlite_desk: TestDesk, url: str) -> None:
    assert call(sqlite_desk, Webhook(SECRET, resolve=at("93.184.216.34")), url).state == "failed"


def test_nothing_leaves_unsigned(sqlite_desk: TestDesk, hooks: HookServer) -> None:
    door = Webhook(None, allow_loopback=True)
    action = call(sqlite_desk, door, hooks.url)
    assert action.state == "approved"
    assert "TIEOUT_WEBHOOK_SECRET is not set" in sqlite_desk.ledger.doors()[0].sentence
    assert hooks.kept == []
    assert door.check()[0].sentence.startswith("Off")


def test_a_name_that_is_not_found_waits(sqlite_desk: TestDesk) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError(host)

    action = call(sqlite_desk, Webhook(SECRET, resolve=resolve), "https://api.bank.example/x")
    assert action.state == "approved"
    assert "cannot be found" in (action.fault or {})["sentence"]


def looked_at(url: str, addresses: Sequence[str], *, allowed: bool = True) -> tuple[bool, str]:
    (check,) = Webhook(SECRET, resolve=at(*addresses), places=[(url, allowed)], timeout=2.0).check()
    return check.ok, check.sentence


def test_doctor_looks_at_every_address_and_calls_none(hooks: HookServer) -> None:
    places = [(hooks.url, True), (hooks.url + "/other", False)]
    first, second = Webhook(SECRET, allow_loopback=True, places=places).check()
    assert first.ok
    assert "nothing was called" in first.sentence
    assert "add it" in second.sentence
    assert hooks.kept == []


def test_doctor_says_what_is_wrong_with_an_address() -> None:
    assert "must be https" in looked_at("http://api.bank.example/x", ["93.184.216.34"])[1]
    assert "private network" in looked_at("https://api.bank.example/x", ["10.0.0.1"])[1]
    assert "leads nowhere" in looked_at("https://api.bank.example/x", [])[1]


def test_doctor_asks_for_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    path = make_certificate(tmp_path)
    with MailServer(tls=path, implicit=True) as speaks_tls:
        url = f"https://127.0.0.1:{speaks_tls.port}/hook"
        strange = Webhook(SECRET, allow_loopback=True, places=[(url, True)]).check()[0]
        known = Webhook(SECRET, allow_loopback=True, places=[(url, True)], tls=client_context(path)).check()[0]
    assert "certificate is not trusted" in strange.sentence
    assert known.ok, known.sentence
