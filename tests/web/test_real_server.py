"""A real server on a port: streams that are cut and resumed, a stop that is graceful, a kill that is told of."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from memory.recons import RunStore
from tests.web.browser import Server
from tests.web.builders import PLANS, business_days, history_text, open_home
from web.auth import issue_token

pytestmark = pytest.mark.slow


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    found = Server(home).start()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
    if found.process is not None:
        found.process.wait(20)
        assert found.process.stdout is not None
        found.process.stdout.close()


@pytest.fixture
def client(server: Server, home: Path) -> Iterator[httpx.Client]:
    desk = open_home(home)
    token = issue_token(desk.db, "ann", "admin", now=desk.clock())
    desk.db.close()
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=60) as made:
        yield made


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """A stream's events as they come."""
    fields: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield {**fields, "data": json.loads(fields["data"])}
            fields = {}


def words(told: list[dict[str, Any]]) -> str:
    return "".join(
        e["data"] if isinstance(e["data"], str) else e["data"]["text"] for e in told if e["event"] == "token"
    )


def test_a_chat_cut_in_the_middle_goes_on_with_no_token_lost_or_doubled(client: httpx.Client) -> None:
    cases = client.get("/api/v1/cases").json()["items"]
    for cut_after, case in zip((1, 3, 8), cases, strict=False):
        cut_and_resume(client, case["id"], cut_after)


def cut_and_resume(client: httpx.Client, case: str, cut_after: int) -> None:
    path, ask = f"/api/v1/cases/{case}/chat", {"question": "Why did this break, and what is it like?"}
    told: list[dict[str, Any]] = []
    with client.stream("POST", path, json=ask) as stream:
        for event in events(stream.iter_lines()):
            told.append(event)
            if len(told) == cut_after:
                break  # the connection is closed with the answer half told
    while told[-1]["event"] not in ("done", "error"):
        with client.stream("POST", path, json=ask, headers={"last-event-id": told[-1]["id"]}) as stream:
            for n, event in enumerate(events(stream.iter_lines())):
                told.append(event)
                if n == cut_after:
                    break
    numbers = [int(e["id"].rpartition(":")[2]) for e in told]
    assert numbers == list(range(1, len(told) + 1))
    said = client.get(path).json()["items"]
    assert [m["role"] for m in said][-2:] == ["user", "assistant"], "asked once, answered once"
    assert words(told).strip() == said[-1]["text"].strip()


def big_upload(client: httpx.Client) -> str:
    days = business_days(date(2026, 11, 20), 1200)
    text = history_text(PLANS, days)
    answer = client.post("/api/v1/runs", files={"current": ("gl.csv", text.encode())})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_stop_ends_streams_cleanly_and_the_run_goes_on_when_the_server_is_back(
    client: httpx.Client, server: Server, home: Path
) -> None:
    run_id = big_upload(client)
    told: list[dict[str, Any]] = []
    ended: list[str] = []

    def follow() -> None:
        with client.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
            told.extend(events(stream.iter_lines()))
            ended.append("cleanly")

    follower = threading.Thread(target=follow)
    follower.start()
    end = time.monotonic() + 60
    while not any(e["event"] == "progress" for e in told) and client.get(f"/api/v1/runs/{run_id}").json()["state"] in (
        "queued",
    ):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert server.process is not None
    began = time.monotonic()
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(30) in (0, -signal.SIGTERM)
    assert time.monotonic() - began < 25
    follower.join(10)
    assert ended == ["cleanly"]
    desk = open_home(home)
    run = RunStore(desk.db, desk.clock).get(run_id)
    desk.db.close()
    assert run["state"] in ("queued", "done"), run["error"]
    assert server.process.stdout is not None
    server.process.stdout.close()
    server.start()
    after = told[-1]["id"] if told else "0"
    with client.stream("GET", f"/api/v1/runs/{run_id}/events", headers={"last-event-id": after}) as stream:
        rest = list(events(stream.iter_lines()))
    assert rest[-1]["event"] == "done"
    numbers = [int(e["id"]) for e in (*told, *rest) if e.get("id")]
    assert numbers == sorted(set(numbers)), "no line is lost or told twice"
