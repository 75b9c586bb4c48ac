"""Suites run side by side answer as one after the other would, and leave nothing behind when they are stopped."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from evals.beside import side_by_side

ROOT = Path(__file__).resolve().parents[2]
STOPPED = """
import signal
from evals.beside import side_by_side
from tests.evals.test_beside import in_a_folder
if __name__ == "__main__":
    # a shell lets what it runs in the background ignore Ctrl-C, and so all that this begins
    signal.signal(signal.SIGINT, signal.default_int_handler)
    side_by_side(in_a_folder, ["a", "b", "c", "d"], 2)
"""


def doubled(name: str) -> tuple[str, int]:
    return name * 2, os.getpid()


def failing(name: str) -> str:
    if name == "bad":
        raise ValueError(name)
    time.sleep(30)
    return name


def in_a_folder(name: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f"beside-{name}-"):
        time.sleep(60)


def until_gone(group: int) -> None:
    """Returns when no process of the group is left; its last one is Python's own tracker, which ends by itself."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process was left behind")


def test_each_name_is_answered_in_another_process() -> None:
    found = side_by_side(doubled, ["a", "b", "c"], 2)
    assert {name: text for name, (text, _) in found.items()} == {"a": "aa", "b": "bb", "c": "cc"}
    assert os.getpid() not in {process for _, process in found.values()}


def test_one_processor_or_one_name_needs_no_other_process() -> None:
    assert side_by_side(doubled, ["a"], 4)["a"] == ("aa", os.getpid())
    assert side_by_side(doubled, ["a", "b"], 1)["b"] == ("bb", os.getpid())


def test_what_fails_is_raised_and_ends_the_others() -> None:
    begun = time.monotonic()
    with pytest.raises(ValueError, match="bad"):
        side_by_side(failing, ["slow", "bad"], 2)
    assert time.monotonic() - begun < 25


def test_stopped_by_hand_its_folders_and_processes_go(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    (tmp_path / "main.py").write_text(STOPPED)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")], env=environment, start_new_session=True, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("beside-*"))) < 2:
        assert time.monotonic() < end, "the work never began"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert not list(tmp_path.glob("beside-*"))
    assert said.decode().rstrip().endswith("KeyboardInterrupt")
    until_gone(process.pid)
