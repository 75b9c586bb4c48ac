"""Two servers behind one PostgreSQL, one killed at work: the other finishes, nothing is doubled, nothing is lost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from test_main_job import HEADER, MONTHS, SERIES, TODAY, line

from memory.database import Database
from tests.acting.jira_server.server import TOKEN, USER, JiraServer
from tests.acting.postgres import postgres_url
from web.auth import issue_token

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

ROOT = Path(__file__).resolve().parents[2]
RECON = """
name: loans
approval: {undo_seconds: 0}
allow: {jira_projects: [REC]}
routing: [{when: {}, jira: {project: REC}}]
"""
LEASE = 4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, look: Callable[[], Any], seconds: float = 120) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if found := look():
                return found
        time.sleep(0.05)
    msg = f"not within {seconds} s: {what}"
    raise AssertionError(msg)


@dataclass
class Site:
    """What the servers share: a database, a folder, a Chroma server, a Jira."""

    environment: dict[str, str]
    database: str
    log: Path

    @contextlib.contextmanager
    def serve(self) -> Iterator["Machine"]:
        port = free_port()
        words = [sys.executable, "-W", "ignore", "-m", "cli", "serve", "--port", str(port)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(words, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        try:
            yield Machine(process, f"http://127.0.0.1:{port}", self)
        finally:
            process.kill()
            process.wait()


@dataclass
class Machine:
    """One server."""

    process: "subprocess.Popen[bytes]"
    url: str
    site: Site

    def ready(self) -> "Machine":
        until(f"{self.url} is ready", lambda: httpx.get(f"{self.url}/readyz").status_code == 200)
        return self

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.site.environment['TOKEN']}"}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def jira() -> Iterator[JiraServer]:
    with JiraServer("cloud") as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, jira: JiraServer) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    chroma_port = free_port()
    with postgres_url(tmp_path_factory.mktemp("postgres")) as server, (folder / "log").open("ab") as log:
        if server is None:
            pytest.skip("no PostgreSQL to be had")
        name = f"tieout_test_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        url = server.rsplit("/", 1)[0] + f"/{name}"
        chroma = subprocess.Popen(
            [sys.executable, "-c", "from chromadb.cli.cli import app; app()", "run", "--path", str(folder / "vectors"),
             "--host", "127.0.0.1", "--port", str(chroma_port)],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TIEOUT_HOME": str(folder / "home"),
            "TIEOUT_DATABASE_URL": url,
            "TIEOUT_CHROMA_URL": f"http://127.0.0.1:{chroma_port}",
            "TIEOUT_JIRA_URL": jira.url,
            "TIEOUT_JIRA_USER": USER,
            "TIEOUT_JIRA_TOKEN": TOKEN,
            "TIEOUT_JIRA_PROJECT": "REC",
            "TIEOUT_AUTH": "token",
            "TIEOUT_LEASE_SECONDS": str(LEASE),
            "OPENAI_API_KEY": "",
            "OPENAI_BASE_URL": "",
        }
        db = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        db.upgrade()
        environment["TOKEN"] = issue_token(db, "ann", "admin", timedelta(hours=1))
        db.close()
        yield Site(environment, url, folder / "log")
        chroma.terminate()
        chroma.wait()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def count(site: Site, query: str) -> int:
    with psycopg.connect(site.database) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])


def test_of_two_servers_one_dies_at_work_and_the_other_finishes(site: Site, jira: JiraServer) -> None:
    history = [HEADER] + [line(d, a, *v) for a, points in SERIES.items() for d, v in zip(MONTHS, points, strict=True)]
    current = [HEADER, *(line("2024-05-31", a, *v) for a, v in TODAY.items())]
    files = [
        ("current", ("today.csv", "\n".join(current).encode())),
        ("history", ("past.csv", "\n".join(history).encode())),
        ("recon", ("loans.yaml", RECON.encode())),
    ]
    with site.serve() as one, site.serve() as two:
        # It dies while it triages: the run has begun and its cases are being worked on.
        one.ready()
        two.process.send_signal(signal.SIGSTOP)  # so that it is surely the first that takes the run
        run_id = one.call("POST", "/runs", files=files)["id"]
        at_work = f"SELECT count(*) FROM runs WHERE id = '{run_id}' AND state = 'running'"
        until("the first server is at work", lambda: count(site, at_work))
        time.sleep(0.5)
        one.kill()
        assert count(site, at_work) == 1, "it had finished before it was killed"
        two.process.send_signal(signal.SIGCONT)
        two.ready()
        run = until("the other finishes", lambda: (r := two.call("GET", f"/runs/{run_id}"))["state"] == "done" and r)
        assert run["counts"]["rows_in"] == run["counts"]["rows_scored"] == 4
        assert count(site, "SELECT count(*) FROM cases") == count(site, "SELECT count(DISTINCT title) FROM cases") == 4
        live = "FROM actions WHERE state = 'pending'"
        assert count(site, f"SELECT count(*) {live}") == count(site, f"SELECT count(DISTINCT (case_id, kind)) {live}")

        # It dies while it executes: the ticket stands in Jira, the answer never reached the server.
        with site.serve() as three:
            three.ready()
            ticket = next(a for a in three.call("GET", "/actions?state=pending")["items"] if a["kind"] == "jira.create")
            two.process.send_signal(signal.SIGSTOP)
            jira.fault("POST .*/issue$", "drop", after=True)
            jira.on_drop = lambda: three.process.send_signal(signal.SIGKILL)
            said = {"decision": "approve", "payload_hash": ticket["payload_hash"]}
            three.call("POST", f"/actions/{ticket['id']}/decision", json=said)
            three.process.wait(timeout=60)
            two.process.send_signal(signal.SIGCONT)
            two.ready()

            def state() -> Any:
                found = two.call("GET", f"/actions/{ticket['id']}")
                return found if found["state"] not in ("approved", "executing", "checking") else None

            done = until("the other finds the ticket", state)
            assert done["state"] == "done", done
            assert len(jira.state.labelled(f"tieout-{ticket['id']}")) == 1
        db = Database(site.database.replace("postgresql://", "postgresql+psycopg://"))
        from memory.audit import AuditLog
        from recon.clock import system_clock

        verdict = AuditLog(db, system_clock).verify()
        db.close()
        assert verdict.ok, verdict.sentence
