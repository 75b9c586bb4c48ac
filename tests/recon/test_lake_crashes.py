"""Whatever is cut off in the middle, the lake is what it was before, and of two writers none is lost."""

import errno
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest
from builders import LAYOUT, reading_of

from recon.errors import NoRoom
from recon.lake import Lake
from recon.lake import ledger as ledger_module
from recon.rows import Reading

HERE = Path(__file__).resolve().parent.parent
HEADER = "date,account,desk,currency,ledger,bank,comment"


def file_of(number: int, rows: int = 1) -> Reading:
    """A file of one day of its own with `rows` keys, whose hash is its number."""
    lines = [f"2026-{1 + number // 28:02}-{1 + number % 28:02},K{i},d,USD,{number},1," for i in range(rows)]
    return replace(reading_of("\n".join([HEADER, *lines])), file_hashes=(f"file-{number}",))


def rows_in(url: str) -> int:
    history = Lake(url).history("r", LAYOUT)
    return history.rows.n if history else 0


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]) / "recon")]
from test_lake_crashes import file_of
from recon.lake import Lake
from recon.lake import ledger as ledger_module
lake, first, step = Lake(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
for number in range(first, first + 60 * step, step):
    lake.append("r", file_of(number, int(sys.argv[5])))
    lake.compact("r")
    print(number, flush=True)
"""


def writer(url: str, first: int, step: int, rows: int, **said: Any) -> subprocess.Popen[str]:
    words = [sys.executable, "-W", "ignore", "-c", WRITER, str(HERE), url, str(first), str(step), str(rows)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **said)


@pytest.mark.slow
def test_killed_at_any_moment_what_was_told_is_kept_and_nothing_by_half(tmp_path: Path) -> None:
    url, number, rows = str(tmp_path), 0, 300
    for wait in (0.0, 0.02, 0.05, 0.11, 0.17):
        process = writer(url, number, 1, rows)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.communicate()[0].split()]
        lake = Lake(url)
        held = {int(h.removeprefix("file-")) for a in lake.manifest("r").arrivals for h in a.hashes}
        assert set(range(max([number, *told]) + 1)) <= held
        assert rows_in(url) == len(held) * rows
        number = max(held) + 1


@pytest.mark.slow
def test_two_processes_appending_at_once_lose_nothing(tmp_path: Path) -> None:
    both = [writer(str(tmp_path), first, 2, 2) for first in (0, 1)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    lake = Lake(str(tmp_path))
    assert {h for a in lake.manifest("r").arrivals for h in a.hashes} == {f"file-{n}" for n in range(120)}
    assert rows_in(str(tmp_path)) == 240
    assert len({a.seq for a in lake.manifest("r").arrivals}) == 120


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_threads_with_lakes_of_their_own_lose_nothing(kind: str, tmp_path: Path) -> None:
    url = str(tmp_path) if kind == "disk" else f"memory://{uuid.uuid4().hex}"

    def append(first: int) -> None:
        lake = Lake(url)
        for number in range(first, 24, 3):
            lake.append("r", file_of(number))

    threads = [threading.Thread(target=append, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows_in(url) == 24


def test_the_same_file_by_two_writers_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = Lake(str(tmp_path)), Lake(str(tmp_path))
    ledger, _ = slow._of("r")
    publish = ledger.publish

    def overtaken(manifest: Any) -> bool:
        monkeypatch.setattr(ledger, "publish", publish)
        quick.append("r", file_of(1), file_of(2))
        return publish(manifest)

    monkeypatch.setattr(ledger, "publish", overtaken)
    slow.append("r", file_of(1), file_of(3))
    assert rows_in(str(tmp_path)) == 3
    assert len(list(tmp_path.rglob("*.parquet"))) == 3


def limited() -> None:
    """A kernel that refuses to write more than a few kilobytes into one file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.slow
def test_a_disk_that_refuses_leaves_the_old_state_and_says_so(tmp_path: Path) -> None:
    Lake(str(tmp_path)).append("r", file_of(0))
    before = sorted(p.name for p in tmp_path.rglob("*"))
    process = writer(str(tmp_path), 1, 1, 60_000, preexec_fn=limited)
    _, errors = process.communicate(timeout=120)
    assert "NoRoom" in errors
    assert "nothing was added" in errors
    assert sorted(p.name for p in tmp_path.rglob("*")) == before
    assert rows_in(str(tmp_path)) == 1


class FullDisk(fsspec.get_filesystem_class("memory")):  # type: ignore[misc]
    """A store that has room for the parts, or for nothing."""

    protocol = "fulldisk"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    refuses = ""

    def _open(self, path: str, mode: str = "rb", **said: Any) -> Any:
        if "r" not in mode and type(self).refuses in path and type(self).refuses:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._open(path, mode, **said)


@pytest.mark.parametrize("refuses", ["part-", "manifests/"])
def test_no_room_for_a_part_or_for_the_manifest_adds_nothing(refuses: str) -> None:
    fsspec.register_implementation("fulldisk", FullDisk, clobber=True)
    url = f"fulldisk://{uuid.uuid4().hex}"
    Lake(url).append("r", file_of(0))
    FullDisk.refuses = refuses
    try:
        with pytest.raises(NoRoom, match="nothing was added"):
            Lake(url).append("r", file_of(1))
        assert rows_in(url) == 1
    finally:
        FullDisk.refuses = ""
    Lake(url).append("r", file_of(1))
    assert rows_in(url) == 2


def test_a_writer_so_slow_that_its_number_was_tidied_away_begins_again(tmp_path: Path) -> None:
    slow, quick = Lake(str(tmp_path)), Lake(str(tmp_path))
    slow.append("r", file_of(0))
    ledger, _ = slow._of("r")
    stale = ledger.newest("r")
    for number in range(1, 20):
        quick.append("r", file_of(number))
    assert not ledger.publish(replace(stale, number=stale.number + 1))
    assert rows_in(str(tmp_path)) == 20


def followed_by(quick: Lake, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """`quick` appends so many files the moment that the next manifest of another writer stands."""
    create = ledger_module._create

    def create_and_pause(*args: Any) -> None:
        create(*args)
        monkeypatch.setattr(ledger_module, "_create", create)
        for number in range(100, 100 + times):
            quick.append("r", file_of(number))

    monkeypatch.setattr(ledger_module, "_create", create_and_pause)


@pytest.mark.parametrize("times", [1, 20])
def test_a_writer_that_others_follow_at_once_knows_that_it_was_not_lost(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = Lake(str(tmp_path)), Lake(str(tmp_path))
    slow.append("r", file_of(0, 3))
    followed_by(quick, monkeypatch, times)
    # the day once more, without its third key: a part of tombstones is written too
    assert slow.append("r", replace(file_of(0, 2), file_hashes=("again",))) == 2
    assert rows_in(str(tmp_path)) == 2 + times


def test_a_compaction_that_others_follow_at_once_keeps_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = Lake(str(tmp_path)), Lake(str(tmp_path))
    for number in range(10):
        slow.append("r", file_of(number))
    followed_by(quick, monkeypatch, 20)
    assert slow.compact("r", whole=True)
    assert rows_in(str(tmp_path)) == 30
