"""A real scheduler and two workers give the files that one process gives, though one worker dies on the way."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from evals.bench import write_file
from recon import buckets, engines

pytestmark = pytest.mark.slow


def begun(words: list[str], marker: str, log: Path) -> subprocess.Popen[bytes]:
    """A process that has said `marker`."""
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", *words], stderr=sink, stdout=sink)
    for _ in range(600):
        if marker in log.read_text(errors="replace"):
            return process
        assert process.poll() is None, log.read_text(errors="replace")
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """(the scheduler's address, its two workers)."""
    log = tmp_path / "scheduler.log"
    words = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = begun(words, "Scheduler at:", log)
    found = re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text())
    assert found
    address = found.group(1)
    words = ["distributed.cli.dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny"]
    words += ["--no-dashboard", "--local-directory", str(tmp_path)]
    workers = [begun(words, "Registered to", tmp_path / f"worker-{i}.log") for i in range(2)]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def run(home: Path, monkeypatch: pytest.MonkeyPatch, *words: object) -> bytes:
    """What a run in a workspace of its own writes as breaks.csv."""
    monkeypatch.setenv("TIEOUT_HOME", str(home))
    out = home / "out"
    result = CliRunner().invoke(app, ["run", *map(str, words), "--no-agents", "--out", str(out), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return (out / "breaks.csv").read_bytes() + (out / "findings.csv").read_bytes() + (out / "cases.json").read_bytes()


def test_a_worker_that_dies_changes_no_byte(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, workers = cluster
    monkeypatch.setattr(buckets, "BUCKET_ROWS", 2_000)
    history, current, next_day = (tmp_path / name for name in ("h.csv", "c.csv", "n.csv"))
    write_file(history, 300, range(30), 1)
    write_file(current, 300, range(30, 31), 2)
    write_file(next_day, 300, range(31, 32), 3)
    here = run(tmp_path / "here", monkeypatch, current, "--history", history)
    here_next = run(tmp_path / "here", monkeypatch, next_day)
    monkeypatch.setenv("TIEOUT_DASK_SCHEDULER", address)
    asked: list[str] = []
    each = engines._HeldThere.each

    def dying(self: Any, task: Any, *shared: Any) -> Any:
        asked.append(task.__name__)
        if task.__name__ == "_walked" and workers[0].poll() is None:
            # half of the buckets are held there: they must be loaded again by the other one
            os.kill(workers[0].pid, signal.SIGKILL)
        return each(self, task, *shared)

    monkeypatch.setattr(engines._HeldThere, "each", dying)
    there = run(tmp_path / "there", monkeypatch, current, "--history", history, "--engine", "dask")
    assert asked == ["_surveyed", "_walked"]
    assert workers[0].wait(10) == -signal.SIGKILL
    assert there == here
    # the next day's history is the lake's, read by the worker that is left
    assert run(tmp_path / "there", monkeypatch, next_day, "--engine", "dask") == here_next
    staged = list((tmp_path / "there").rglob("part-*.parquet"))
    assert len(staged) == len(list((tmp_path / "here").rglob("part-*.parquet")))


def test_dask_learns_how_long_each_question_takes(cluster: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    """Under one name for all it took a question to last as long as the loading, and moved buckets for it."""

    def loaded(number: int) -> int:
        time.sleep(0.5)
        return number

    def doubled(held: int) -> int:
        return 2 * held

    with engines.dask_cluster(cluster[0]) as client:
        held = engines.Cluster(client).hold(loaded, 4)
        assert held.each(doubled) == [0, 2, 4, 6]
        took = client.run_on_scheduler(
            lambda dask_scheduler: {name: of.duration_average for name, of in dask_scheduler.task_prefixes.items()}
        )
    assert took["doubled"] < 0.1 < took["loaded"]


def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path))
    monkeypatch.setenv("TIEOUT_DASK_SCHEDULER", "tcp://127.0.0.1:1")
    write_file(tmp_path / "c.csv", 3, range(2), 1)
    result = CliRunner().invoke(app, ["run", str(tmp_path / "c.csv"), "--no-agents", "--engine", "dask"])
    assert isinstance(result.exception, engines.EngineFailed)
    assert "TIEOUT_DASK_SCHEDULER" in str(result.exception)
