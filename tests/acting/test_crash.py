"""Kill -9 at every step: a part in each run, all of it by `make crash`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acting.bugs import BUGS

ROOT = Path(__file__).parents[2]
QUICK = ("no_intent", "hash_ignored", "done_first")


def crash(*words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: workers are forked before there are threads."""
    run = [sys.executable, "-m", "tests.acting.crash", *words]
    return subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_hundred_crashes_break_no_promise() -> None:
    ended = crash("--trials", "100", "--seed", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_five_hundred_crashes_break_no_promise() -> None:
    ended = crash("--trials", "500", "--seed", "7000")
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("bug", [pytest.param(bug, marks=[] if bug in QUICK else pytest.mark.slow) for bug in BUGS])
def test_the_harness_catches_a_planted_bug(bug: str) -> None:
    ended = crash("--bug", bug)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{bug}: caught" in ended.stdout
