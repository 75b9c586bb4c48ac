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
from recon.lake.manifest import Arrival, Manifest, Part
from recon.lake.restating import COLUMNS, taken_back
from recon.lake.shelf import Shelf, buckets_for, spans
from recon.lake.tables import series_of, time_of, to_table
from recon.order import by_series_and_time
from recon.rows import Layout, Reading

AT: Final = "at"
WRITERS: Final = 2
FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Loose:
    """Rows that lie in parts which no manifest names (yet): those of one run."""

    parts: tuple[Part, ...]
    scales: dict[str, int]


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
        self._readings = list(readings)
        self._where = where
        self._left = threading.Event()
        self._settled: list[Staged] = []
        self._staged: list[Staged] = []
        self._pool = ThreadPoolExecutor(1, "lake")
        self._ahead: Future[None] = self._pool.submit(self._write, ledger.newest(recon))

    def publish(self) -> int:
        """Waits for the rows and makes them visible; how many were added. Raises NoRoom; then nothing was."""
        with self._told():
            self._ahead.result()
            while self._settled or self._staged:
                manifest = self._ledger.newest(self._recon)
                self._settled = [s for s in self._settled if not self._brought(s, manifest)]
                if any(manifest.hashes & set(s.arrival.hashes) for s in self._staged):
                    # another process brought some of the files meanwhile
                    self._discard()
                    self._write(manifest)
                    continue
                following, stones = _following(self._shelf, manifest, [*self._settled, *self._staged])
                if self._ledger.publish(following):
                    break
                self._shelf.remove(stones)
        published = [*self._settled, *self._staged]
        self._settled, self._staged = [], []
        return sum(part.rows for s in published for part in s.parts)

    def settle(self, reading: Reading) -> Loose | None:
        """Waits for the rows of one of the readings and lets go of it: from here on they are on the disk alone.

        None, and nothing is let go, where not all of its files are new: then their rows are not all here.
        """
        with self._told():
            self._ahead.result()
        mine = next((s for s in self._staged if set(s.arrival.hashes) == set(reading.file_hashes)), None)
        if mine is None:
            return None
        self._readings = [one for one in self._readings if one is not reading]
        self._staged.remove(mine)
        self._settled.append(mine)
        return Loose(tuple(replace(part, seq=0) for part in mine.parts), mine.arrival.scales)

    def close(self) -> None:
        """Ends the writing; what was written aside and not published is removed."""
        self._left.set()
        self._pool.shutdown()
        self._staged += self._settled
        self._settled = []
        self._discard()

    def _brought(self, one: Staged, manifest: Manifest) -> bool:
        """Whether another process brought all of its files meanwhile: their rows are the same. Of some of them the
        rows are published once more, and the later ones count."""
        if not set(one.arrival.hashes) <= manifest.hashes:
            return False
        self._shelf.remove([part.name for part in one.parts])
        return True

    def _write(self, manifest: Manifest) -> None:
        """Writes aside what is new in the readings; each is in `_staged` as soon as anything of it is written."""
        known = manifest.hashes
        for reading in self._readings:
            fresh = [i for i, h in enumerate(reading.file_hashes) if h not in known]
            if not fresh or not reading.rows.n:
                continue
            hashes = tuple(dict.fromkeys(reading.file_hashes[i] for i in fresh))
            known |= set(hashes)
            whole = len(fresh) == len(reading.file_hashes)
            keep = None if whole else np.flatnonzero(np.isin(reading.rows.file, fresh))
            days = tuple(int(day) for day in np.unique(reading.rows.day if keep is None else reading.rows.day[keep]))
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


def tables_of(
    reading: Reading, keep: npt.NDArray[np.int64] | None = None, *, placed: bool = False
) -> Iterator[pa.Table]:
    """The rows (those at `keep`), sorted by series and time, a table for each hash bucket that holds any.

    Sorted bucket by bucket: sorting them all at once took as much memory again as the rows themselves.
    `placed`: with a column of their positions in the reading.
    """
    rows = reading.rows
    series = series_of(rows, reading.layout)
    series = series if keep is None else series[keep]
    time = time_of(rows)
    edges = spans(buckets_for(len(series)))
    bucket = np.searchsorted(np.array([low for low, _ in edges[1:]], np.uint64), series, side="right")
    bucket = bucket.astype(np.int16)
    for i in range(len(edges)):
        mine = np.flatnonzero(bucket == i)
        at = mine if keep is None else keep[mine]
        order = by_series_and_time(series[mine], time[at])
        if len(order):
            table = to_table(rows, at[order], series[mine[order]])
            yield table.append_column(AT, pa.array(at[order])) if placed else table


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
