"""What compose.yaml starts, started by hand on loopback as it is written: commands, variables, health checks, proxy."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from test_main_job import HEADER, MONTHS, SERIES, TODAY, line

from memory.database import Database
from tests.acting.postgres import postgres_url
from tests.machines.test_compose import ROOT, TEXT
from tests.machines.test_several_machines import free_port, until
from web.auth import issue_token

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PORTS = {"server-1": "8321", "server-2": "8321", "chroma": "8000", "dask-scheduler": "8786"}
"""Where each service listens in its own container."""


@dataclass
class Site:
    """One machine in place of seven: every name is loopback with a port of its own."""

    folder: Path
    database: str
    log: Any
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in (*PORTS, "proxy")})

    def here(self, text: str, service: str) -> str:
        """A text of compose.yaml as it reads on this machine."""
        text = re.sub(r"postgresql://.*@postgres/tieout", self.database, text)
        for name, port in PORTS.items():
            text = text.replace(f"{name}:{port}", f"127.0.0.1:{self.ports[name]}")
        text = text.replace("127.0.0.1:8321", f"127.0.0.1:{self.ports.get(service, 0)}")
        text = text.replace("0.0.0.0", "127.0.0.1").replace(":8080", f":{self.ports['proxy']}")
        if text == PORTS.get(service):
            return str(self.ports[service])
        return re.sub(r"^/(data|vectors)$", rf"{self.folder}/\1", text)

    def environment(self, service: dict[str, Any], name: str) -> dict[str, str]:
        said = {k: re.sub(r"\$\{\w+:-\}", "", v) for k, v in service.get("environment", {}).items()}
        return {**os.environ, "PYTHONPATH": str(ROOT), **{k: self.here(v, name) for k, v in said.items()}}

    def command(self, words: list[str], name: str) -> list[str]:
        """By the script's entry point, which needs no folder of scripts on the path."""
        made = [self.here(word, name) for word in words]
        if made[0] == "python":
            return [sys.executable, *made[1:]]
        (script,) = entry_points(group="console_scripts", name=made[0])
        start = (
            f"import sys; from {script.module} import {script.attr} as go; sys.argv[0] = {made[0]!r}; sys.exit(go())"
        )
        return [sys.executable, "-W", "ignore", "-c", start, *made[1:]]

    @contextlib.contextmanager
    def started(self, name: str, service: dict[str, Any]) -> Iterator["subprocess.Popen[bytes]"]:
        process = subprocess.Popen(
            self.command(service["command"], name),
            env=self.environment(service, name),
            cwd=self.folder,
            stdout=self.log,
            stderr=self.log,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    def healthy(self, name: str, service: dict[str, Any]) -> bool:
        """The health check as it is written."""
        words = service["healthcheck"]["test"][1:]
        command = self.command(words, name)
        return subprocess.run(command, env=self.environment(service, name), capture_output=True).returncode == 0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with postgres_url(tmp_path / "postgres") as server, (tmp_path / "log").open("wb") as log:
        if server is None:
            pytest.skip("no PostgreSQL to be had")
        name = f"tieout_compose_{os.getpid()}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        for folder in ("data", "vectors"):
            (tmp_path / folder).mkdir()
        yield Site(tmp_path, server.rsplit("/", 1)[0] + f"/{name}", log)
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def files(folder: Path) -> list[tuple[str, tuple[str, bytes]]]:
    history = [HEADER] + [line(d, a, *v) for a, points in SERIES.items() for d, v in zip(MONTHS, points, strict=True)]
    current = [HEADER, *(line("2024-05-31", a, *v) for a, v in TODAY.items())]
    named = {"history": "\n".join(history).encode(), "current": "\n".join(current).encode()}
    for name, data in named.items():
        (folder / f"{name}.csv").write_bytes(data)
    return [(name, (f"{name}.csv", data)) for name, data in named.items()]


def test_every_service_starts_as_it_is_written_and_a_run_goes_through_the_proxy(site: Site) -> None:
    compose = yaml.safe_load(TEXT)
    services = compose["services"]
    with contextlib.ExitStack() as stack:
        for name in ("chroma", "dask-scheduler", "dask-worker", "server-1", "server-2"):
            stack.enter_context(site.started(name, services[name]))
        for name in ("server-1", "server-2"):
            until(f"{name} is healthy", lambda name=name: site.healthy(name, services[name]))  # type: ignore[misc]
        gate = stack.enter_context(front_door(site, compose))
        db = Database(site.database.replace("postgresql://", "postgresql+psycopg://"))
        stack.callback(db.close)
        # As a browser behind the proxy would name it, by the bank's own name.
        headers = {"Authorization": f"Bearer {issue_token(db, 'ann', 'admin')}", "Host": "tieout.bank.example"}
        client = stack.enter_context(httpx.Client(base_url=f"{gate}/api/v1", headers=headers, timeout=30))
        answer = client.post("/runs", files=files(site.folder))
        assert answer.status_code == 202, answer.text
        done = until(
            "the run is done", lambda: (r := client.get(f"/runs/{answer.json()['id']}").json())["state"] == "done" and r
        )
        assert done["counts"]["rows_scored"] == 4
        assert on_the_workers(site, services["server-1"]) == 4


def on_the_workers(site: Site, server: dict[str, Any]) -> int:
    """Rows that a run scored on the Dask workers, started where a server stands."""
    words = ["tieout", "run", "current.csv", "--history", "history.csv", "--engine", "dask"]
    command = site.command([*words, "--no-agents", "--out", "out"], "server-1")
    done = subprocess.run(command, env=site.environment(server, "server-1"), cwd=site.folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return len((site.folder / "out" / "breaks.csv").read_text().splitlines()) - 1


@contextlib.contextmanager
def front_door(site: Site, compose: dict[str, Any]) -> Iterator[str]:
    """Caddy with the file of compose.yaml; where there is no Caddy, the first server's own door."""
    caddy = shutil.which("caddy")
    if caddy is None:
        yield f"http://127.0.0.1:{site.ports['server-1']}"
        return
    said = site.folder / "Caddyfile"
    said.write_text(
        "{\n admin off\n default_bind 127.0.0.1\n}\n" + site.here(compose["configs"]["proxy"]["content"], "proxy")
    )
    environment = {**os.environ, "HOME": str(site.folder), "XDG_DATA_HOME": str(site.folder)}
    words = [caddy, "run", "--config", str(said), "--adapter", "caddyfile"]
    process = subprocess.Popen(words, env=environment, stdout=site.log, stderr=site.log)
    gate = f"http://127.0.0.1:{site.ports['proxy']}"
    try:
        until("the proxy answers", lambda: httpx.get(f"{gate}/readyz").status_code == 200)
        yield gate
    finally:
        process.terminate()
        process.wait(timeout=60)
