"""The third full disk: the folder that a run writes into. The ledger's and the outbox's stand in test_weather."""

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from agents.outputs import CannotWrite
from agents.run import RunRequest, run
from memory.recons import RunStore
from tests.web.builders import PLANS, business_days, history_text, open_home


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 KiB, where this machine lets us mount one."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_output_folder_is_one_sentence_and_what_stood_there_stands(tiny_disk: Path, tmp_path: Path) -> None:
    (tiny_disk / "breaks.csv").write_text("of an earlier run\n")
    current = tmp_path / "gl.csv"
    current.write_text(history_text(PLANS[:3], business_days(date(2026, 11, 20), 60)))
    desk = open_home(tmp_path / "home")
    with pytest.raises(CannotWrite, match=r"tiny: .*No space left on device.*make room or name another --out"):
        run(desk, RunRequest((current,), recon="gl", out=tiny_disk, agents=False))
    assert [(p.name, p.read_text()) for p in tiny_disk.iterdir()] == [("breaks.csv", "of an earlier run\n")]
    assert {row["state"] for row in RunStore(desk.db, desk.clock).newest()} == {"failed"}
    again = run(desk, RunRequest((current,), recon="gl", out=tmp_path / "out", agents=False))
    assert again.counts["rows_in"] == again.counts["rows_scored"] == 180
    assert (tmp_path / "out" / "breaks.csv").exists()
    desk.db.close()
