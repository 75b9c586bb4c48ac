"""Runs what arrives in a folder, once it has arrived whole; what is late, short, empty or repeated is an alarm."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.desk import Desk
from agents.run import RunRequest, run
from memory.alarms import Alarm, AlarmKind, AlarmStore, judge_file, late
from memory.alarms import FileSeen as Arrived
from recon.calendar import BusinessCalendar
from recon.errors import BadInput
from recon.recon_file import ReconFile

KINDS: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet", ".gz", ".zip")
UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".filepart", ".swp")

SETTLED: Final = 2.0
"""Seconds for which neither size nor time of a file may change before it counts as whole."""

PAUSE: Final = 1.0
"""Seconds between two looks into the folder."""


@dataclass(frozen=True)
class Shape:
    """What tells whether a file is still being written."""

    size: int
    changed: int
    """Nanoseconds."""


@dataclass
class Arrivals:
    """Files of a folder that came, and since when each has been of one shape."""

    since: dict[Path, tuple[Shape, float]] = field(default_factory=dict)
    taken: dict[Path, Shape] = field(default_factory=dict)

    def look(self, folder: Path, now: float) -> list[Path]:
        """The files that have settled and were not taken in this shape, by name. `now` in seconds, monotonic."""
        here = {path: shape for path in _candidates(folder) if (shape := _shape(path)) is not None}
        self.since = {
            path: self.since[path] if path in self.since and self.since[path][0] == shape else (shape, now)
            for path, shape in here.items()
        }
        settled = [path for path, (_, begun) in self.since.items() if now - begun >= SETTLED]
        return sorted(path for path in settled if self.taken.get(path) != here[path])

    def waiting(self) -> bool:
        """True while a file is there that was not taken in its present shape."""
        return any(self.taken.get(path) != shape for path, (shape, _) in self.since.items())

    def take(self, path: Path) -> None:
        """Remembers that the file was dealt with as it is now."""
        self.taken[path] = self.since[path][0]


def _candidates(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in KINDS
        and not path.name.startswith((".", "~"))
        and not path.name.lower().endswith(UNFINISHED)
        and path.is_file()
    ]


def _shape(path: Path) -> Shape | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return Shape(stat.st_size, stat.st_mtime_ns)


def watch(
    desk: Desk,
    folder: Path,
    said: ReconFile,
    name: str | None,
    *,
    once: bool = False,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Yields one line for each thing that happens. With `once` it ends when nothing is left to take.

    Raises BadInput when the folder is none. A file that cannot be run is an alarm and a line, never the end.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder to watch"
        raise BadInput(msg)
    arrivals = Arrivals()
    store = AlarmStore(desk.db, desk.clock)
    while True:
        for path in arrivals.look(folder, monotonic()):
            # What an earlier watch ran and what has only stayed where it was is no news.
            if path in arrivals.taken or not store.was_run(path.name, _digest(path)):
                yield from _take(desk, store, path, said, name)
            arrivals.take(path)
        if name is not None:
            yield from _late(desk, store, said, name)
        if once and not arrivals.waiting():
            return
        pause(PAUSE)


def _take(desk: Desk, store: AlarmStore, path: Path, said: ReconFile, name: str | None) -> Iterator[str]:
    known = name or said.name
    digest = _digest(path)
    again = _repeated(store, known, path, digest) if known else None
    if again is not None:
        store.raise_all([again])
        yield f"{path.name}: not run. {again.statement}"
        return
    if path.stat().st_size == 0:
        yield from _refused(store, known, path, digest, "empty", f"{path.name} holds nothing at all.")
        return
    out = desk.settings.home / "out" / path.stem
    try:
        result = run(desk, RunRequest((path,), (), said, name, out, requested_by="watch"))
    except BadInput as error:
        yield from _refused(store, known, path, digest, "unreadable", str(error))
        return
    counts = result.counts
    yield (
        f"{path.name}: {counts['rows_scored']:,} rows, {counts['breaks']:,} breaks, "
        f"{counts['anomalies']:,} out of pattern, {counts['cases']:,} cases; {out}"
    )
    for alarm in result.run.get("desk", {}).get("alarms", []):
        yield f"{path.name}: {alarm['kind']}. {alarm['statement']}"


def _repeated(store: AlarmStore, recon: str, path: Path, digest: str) -> Alarm | None:
    """The alarm of a file that came before, byte for byte, and still is the newest word on its date."""
    past = store.past(recon)
    same = next((p for p in past if p.hash == digest), None)
    if same is None:
        return None
    arrived = Arrived(recon, path.name, digest, same.rows, same.first_day, same.last_day, same.control)
    return next((alarm for alarm in judge_file(arrived, past) if alarm.kind == "repeated"), None)


def _refused(
    store: AlarmStore, recon: str | None, path: Path, digest: str, kind: AlarmKind, statement: str
) -> Iterator[str]:
    alarm = Alarm(recon or path.stem, kind, None, statement, {"file": path.name, "hash": digest})
    if store.is_new(alarm):
        store.raise_all([alarm])
        yield f"{path.name}: not run ({kind}). {statement}"


def _late(desk: Desk, store: AlarmStore, said: ReconFile, recon: str) -> Iterator[str]:
    newest = max((p.last_day for p in store.past(recon, 50) if p.last_day), default=None)
    alarm = late(recon, newest, desk.clock(), BusinessCalendar.of(said.calendar))
    if alarm is not None and store.is_new(alarm):
        store.raise_all([alarm])
        yield f"{recon}: late. {alarm.statement}"


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
