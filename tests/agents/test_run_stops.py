"""Ctrl-C in the middle of a run leaves everything whole: no half folder, a lake that reads, a database that says so."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from agents.stages import Stages
from evals.bench import write_file
from memory.database import Database
from memory.schema import runs
from recon.lake import lake_in


def stop_in(folder: Path, stage: str) -> int:
    """Presses Ctrl-C as soon as the stage is said; the exit status."""
    process = run_in(folder)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(stage):
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=300)
    return process.returncode


def run_in(folder: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    words = ["--history", str(folder / "history.csv"), "--out", str(folder / "out"), "--progress"]
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "ignore", "-m", "cli", "run", str(folder / "current.csv"), *words],
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"TIEOUT_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"},
        # Whatever starts the tests in the background has them ignore Ctrl-C, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


def states(folder: Path) -> list[str]:
    """How the runs of the workspace ended, oldest first."""
    db = Database(f"sqlite:///{folder / 'home' / 'tieout.db'}")
    with db.read() as connection:
        return [row.state for row in connection.execute(sa.select(runs.c.state).order_by(runs.c.started_at))]


@pytest.mark.slow
def test_a_run_that_is_stopped_in_any_stage_leaves_everything_whole(tmp_path: Path) -> None:
    write_file(tmp_path / "history.csv", 60, range(30), 1)
    write_file(tmp_path / "current.csv", 60, range(30, 31), 2)
    stopped = ("read", "judge", "keep", "agents", "write", "lake")
    ends = {stage: stop_in(tmp_path, stage) for stage in stopped}
    # The last stages take milliseconds: the key may come when all is done, and then the run says so.
    in_time = [status for status in ends.values() if status == 130]
    assert ends["read"] == ends["judge"] == 130
    assert set(ends.values()) <= {0, 130}
    assert not list((tmp_path / "out").glob(".writing-*"))
    assert states(tmp_path).count("done") == len(ends) - len(in_time)
    assert set(states(tmp_path)) <= {"cancelled", "done"}
    last = run_in(tmp_path)
    last.communicate(timeout=300)
    assert last.returncode == 0
    assert states(tmp_path)[-1] == "done"
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["counts"]["rows_scored"] == 60
    lake = lake_in(tmp_path / "home", None)
    assert all(lake.has(record["recon"], file["sha256"]) for file in record["files"])


def test_a_stage_tells_its_own_peak_of_memory() -> None:
    stages = Stages(lambda *_: None)
    with stages.stage("read"):
        b"x" * (200 << 20)
    with stages.stage("write"):
        pass
    if stages.peak_is_of_stage:
        assert stages.peak_mb["read"] - stages.peak_mb["write"] > 100
    assert stages.seconds.keys() == stages.peak_mb.keys() == {"read", "write"}
