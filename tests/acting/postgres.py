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
    elif binaries := _binaries():
        with _temporary(binaries, folder) as url:
            yield url
    else:
        yield None


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


@contextmanager
def _temporary(binaries: Path, folder: Path) -> Iterator[str | None]:
    data = folder / "data"
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
        folder.chmod(0o755)
        for parent in list(folder.parents)[:3]:
            if parent.stat().st_uid == 0 and parent != Path("/tmp"):
                parent.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*words: str) -> None:
        subprocess.run([*user, *words], check=True, capture_output=True, cwd="/")

    run(str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-N")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
