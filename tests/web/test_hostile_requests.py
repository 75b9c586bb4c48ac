"""A real server under hostile requests: whatever the bytes, a refusal in our own form and never a fault."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.browser import Server


@pytest.fixture(scope="module")
def server(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("hostile") / "home"
    shutil.copytree(filled_home, home)
    made = Server(home).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=30) as client:
        assert client.get(server.link).status_code == 200
        yield client


def answered(server: Server, head: bytes) -> bytes:
    """The answer to raw bytes; the server's own Host stands for HOST."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as wire:
        wire.sendall(head.replace(b"HOST", f"127.0.0.1:{server.port}".encode()) + b"Connection: close\r\n\r\n")
        parts = []
        while part := wire.recv(65536):
            parts.append(part)
    return b"".join(parts)


GET = b"GET /api/v1/cases HTTP/1.1\r\nHost: HOST\r\n"
POST = b"POST /api/v1/cases/bulk HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n"
HEADS = {
    "host-bracket": b"GET /api/v1/cases HTTP/1.1\r\nHost: [\r\n",
    "host-half-address": b"GET /api/v1/cases HTTP/1.1\r\nHost: [::1\r\n",
    "host-empty": b"GET /api/v1/cases HTTP/1.1\r\nHost: \r\n",
    "host-not-latin": b"GET /api/v1/cases HTTP/1.1\r\nHost: \xff\xfe\r\n",
    "host-port": b"GET /api/v1/cases HTTP/1.1\r\nHost: 127.0.0.1:99999999\r\n",
    "host-huge": b"GET /api/v1/cases HTTP/1.1\r\nHost: " + b"a" * 5000 + b"\r\n",
    "host-twice": GET + b"Host: evil.example\r\n",
    "origin-bracket": POST + b"Origin: http://[\r\n",
    "origin-not-latin": POST + b"Origin: \xff\xfe\r\n",
    "forwarded": GET + b'X-Forwarded-For: \xff, ::::\r\nX-Forwarded-Host: evil.example\r\nForwarded: for="[::"\r\n',
    "token-not-latin": GET + b"Authorization: Bearer \xff\xfe\xe9\r\n",
    "token-twice": GET + b"Authorization: Bearer a\r\nAuthorization: Basic b\r\n",
    "path-not-text": b"GET /api/v1/cases/%ff%fe%00 HTTP/1.1\r\nHost: HOST\r\n",
    "key-not-latin": POST + b"Idempotency-Key: \xff\xfe\r\n",
    "many-headers": GET + b"".join(b"X-%d: 1\r\n" % n for n in range(2000)),
}


@pytest.mark.parametrize("name", sorted(HEADS))
def test_a_hostile_header_is_refused_in_a_problem_document(server: Server, name: str) -> None:
    answer = answered(server, HEADS[name])
    status = int(answer.split(b" ", 2)[1])
    assert 400 <= status < 500, answer[:200]
    assert b"application/problem+json" in answer, answer[:400]


@pytest.mark.parametrize(
    "head", [b"Cookie: tieout_session=\xff\xff; a=;=\r\n", b"Accept-Language: " + b"," * 3000 + b"\r\n"]
)
def test_a_page_answers_whatever_a_browser_sends_along(server: Server, head: bytes) -> None:
    assert answered(server, b"GET / HTTP/1.1\r\nHost: HOST\r\n" + head).startswith(b"HTTP/1.1 200")


JSON = "application/json"
BODIES: dict[str, tuple[str, str, bytes]] = {
    "nested-lists": ("POST", "/api/v1/breaks", b"[" * 100_000 + b"]" * 100_000),
    "nested-objects": ("POST", "/api/v1/cases/bulk", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "nested-recon": ("PUT", "/api/v1/recons/x", b'{"columns":' * 900 + b"{}" + b"}" * 900),
    "huge-number": ("POST", "/api/v1/resolutions", b'{"recon":' + b"9" * 5000 + b"}"),
    "no-number": ("POST", "/api/v1/breaks", b'{"recon":"x","rows":[{"a":NaN,"b":1e999}]}'),
    "half-character": ("POST", "/api/v1/breaks", b'{"recon":"\\ud800","rows":[{"\\ud800":"\\udfff"}]}'),
    "half-character-recon": ("PUT", "/api/v1/recons/x", b'{"sources":{"left":"\\ud800","right":"b"}}'),
    "nul": ("POST", "/api/v1/breaks", b'{"recon":"a\\u0000b","rows":[{"x":"\\u0000"}]}'),
    "not-text": ("POST", "/api/v1/breaks", b"\xff\xfe{}"),
    "too-large": ("POST", "/api/v1/cases/bulk", b'{"ids":["' + b"a" * 3_000_000 + b'"]}'),
}


@pytest.mark.parametrize("keyed", [False, True], ids=["", "keyed"])
@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_hostile_body_is_refused_in_a_problem_document(api: httpx.Client, name: str, keyed: bool) -> None:
    method, path, body = BODIES[name]
    headers = {"content-type": JSON} | ({"idempotency-key": name} if keyed else {})
    answer = api.request(method, path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text[:400]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


def test_an_upload_without_its_boundary_is_refused(api: httpx.Client) -> None:
    answer = api.post("/api/v1/runs", content=b"garbage", headers={"content-type": "multipart/form-data"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
