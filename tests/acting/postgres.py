"""Finds or starts a PostgreSQL for tests: the one that is named, the one that answers, or a temporary one."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"


@contextmanager
def postgres_url(folder: Path) -> Iterator[str | None]:
    """An address with the right to create databases; None when there is no PostgreSQL to be had."""
    named = os.environ.get("TIEOUT_TEST_POSTGRES_URL")
    if named:
        yield named
    elif _answers(LOCAL):
        yield LOCAL
    else:
        with cluster(folder) as made:
            yield made.url if made else None


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.Error:
        return False


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


class Cluster:
    """A PostgreSQL of a test's own, which it may stop as a power cut does, and start again on the same port."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._port = 0

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            shutil.chown(self._folder, "postgres")
            self._folder.chmod(0o755)
            for parent in list(self._folder.parents)[:3]:
                if parent.stat().st_uid == 0 and parent != Path("/tmp"):
                    parent.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "-N")

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self) -> None:
        """At once, without a checkpoint or a word to anybody: what was not committed is gone."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, name: str, *words: str) -> None:
        subprocess.run([*self._user, str(self._binaries / name), *words], check=True, capture_output=True, cwd="/")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster | None]:
    """A running cluster; None where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        yield None
        return
    made = Cluster(binaries, folder)
    made.make()
    made.start()
    try:
        yield made
    finally:
        made.stop()
