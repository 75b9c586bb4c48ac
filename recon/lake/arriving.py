"""Rows on their way into a lake: written aside while a run goes on, and visible all at once at its end."""

import contextlib
import errno
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.errors import NoRoom
from recon.lake.ledger import Ledger
from recon.lake.manifest import TOP, Arrival, Manifest, Part
from recon.lake.restating import COLUMNS, taken_back
from recon.lake.shelf import Shelf, buckets_for, spans
from recon.lake.tables import series_of, time_of, to_table
from recon.order import by_series_and_time
from recon.rows import Layout, Reading

AT: Final = "at"
WRITERS: Final = 2
FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Staged:
    """An arrival that is written aside and waits for its manifest."""

    layout: Layout
    arrival: Arrival
    parts: tuple[Part, ...]


class _Left(Exception):
    """Nobody waits for the rows any more."""


class Arriving:
    """The rows of files that are not in the lake yet, being written aside by a thread of its own.

    They become visible with the manifest that `publish` writes: a crash or a full disk leaves the old state whole,
    and of two processes at once both are kept. Nothing in here starts a parallel kernel: the run has those.
    """

    def __init__(self, ledger: Ledger, shelf: Shelf, recon: str, readings: Sequence[Reading], where: str) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._recon = recon
        self._readings = readings
        self._where = where
        self._left = threading.Event()
        self._staged: list[Staged] = []
        self._pool = ThreadPoolExecutor(1, "lake")
        self._ahead: Future[None] = self._pool.submit(self._write, ledger.newest(recon))

    def publish(self) -> int:
        """Waits for the rows and makes them visible; how many were added. Raises NoRoom; then nothing was."""
        with self._told():
            self._ahead.result()
            while self._staged:
                manifest = self._ledger.newest(self._recon)
                if any(manifest.hashes & set(s.arrival.hashes) for s in self._staged):
                    # another process brought some of the files meanwhile
                    self._discard()
                    self._write(manifest)
                    continue
                following, stones = _following(self._shelf, manifest, self._staged)
                if self._ledger.publish(following):
                    break
                self._shelf.remove(stones)
        published, self._staged = self._staged, []
        return sum(part.rows for s in published for part in s.parts)

    def close(self) -> None:
        """Ends the writing; what was written aside and not published is removed."""
        self._left.set()
        self._pool.shutdown()
        self._discard()

    def _write(self, manifest: Manifest) -> None:
        """Writes aside what is new in the readings; each is in `_staged` as soon as anything of it is written."""
        known = manifest.hashes
        for reading in self._readings:
            fresh = [i for i, h in enumerate(reading.file_hashes) if h not in known]
            if not fresh or not reading.rows.n:
                continue
            hashes = tuple(dict.fromkeys(reading.file_hashes[i] for i in fresh))
            known |= set(hashes)
            keep = np.flatnonzero(np.isin(reading.rows.file, fresh))
            days = tuple(int(day) for day in np.unique(reading.rows.day[keep]))
            scales = {p.pair.name: p.scale for p in reading.rows.pairs}
            self._staged.append(Staged(reading.layout, Arrival(0, hashes, days, scales), ()))
            for part in written(self._shelf, tables_of(reading, keep), scales):
                self._staged[-1] = replace(self._staged[-1], parts=(*self._staged[-1].parts, part))
                if self._left.is_set():
                    raise _Left

    def _discard(self) -> None:
        """Removes what was written aside, unless its manifest was published after all."""
        with contextlib.suppress(Exception):
            named = {p.name for p in self._ledger.newest(self._recon).parts}
            self._shelf.remove([p.name for s in self._staged for p in s.parts if p.name not in named])
        self._staged.clear()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """A full disk in words."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            msg = f"{self._where}: no room for the lake ({error.strerror}); nothing was added, free some and run again"
            raise NoRoom(msg) from error


def written(shelf: Shelf, tables: Iterable[pa.Table], scales: dict[str, int]) -> Iterator[Part]:
    """The tables' parts, in their order; while two are on their way to the disk the next is made.

    Writing took half of an append's time, and a table's words the rest. Whoever stops early leaves no part behind
    that it was not given.
    """
    waiting: deque[Future[Part]] = deque()
    with ThreadPoolExecutor(WRITERS) as pool:
        try:
            for table in tables:
                waiting.append(pool.submit(shelf.write, table, scales))
                if len(waiting) > WRITERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            ended = [one for one in waiting if not one.cancel()]
            shelf.remove([one.result().name for one in ended if one.exception() is None])
            raise


def tables_of(reading: Reading, keep: npt.NDArray[np.int64], *, placed: bool = False) -> Iterator[pa.Table]:
    """The rows at `keep`, sorted by series and time, a table for each hash bucket that holds any.

    `placed`: with a column of their positions in the reading.
    """
    rows = reading.rows
    series = series_of(rows, reading.layout)[keep]
    order = by_series_and_time(series, time_of(rows)[keep])
    series, at = series[order], keep[order]
    for low, high in spans(buckets_for(len(at))):
        begin = int(np.searchsorted(series, np.uint64(low)))
        end = len(series) if high >= TOP else int(np.searchsorted(series, np.uint64(high)))
        if begin < end:
            table = to_table(rows, at[begin:end], series[begin:end])
            yield table.append_column(AT, pa.array(at[begin:end])) if placed else table


def _following(shelf: Shelf, manifest: Manifest, staged: Sequence[Staged]) -> tuple[Manifest, list[str]]:
    """The next manifest, with what was staged in it, and the names of the tombstones' parts written for it."""
    out, stones = manifest, []
    for one in staged:
        fresh = [shelf.read(part, COLUMNS) for part in one.parts] if out.arrivals else []
        gone = taken_back(shelf, out, one.arrival.days or (), fresh)
        parts = list(one.parts)
        if gone is not None:
            parts.append(shelf.write(gone, {}))
            stones.append(parts[-1].name)
        seq, run = out.next_seq, out.next_run
        out = replace(
            out,
            layout=one.layout,
            arrivals=(*out.arrivals, replace(one.arrival, seq=seq)),
            parts=(*out.parts, *(replace(part, seq=seq, run=run) for part in parts)),
        )
    return replace(out, number=manifest.number + 1), stones
