"""Several pieces of work side by side, each in a process, as many at a time as there are processors."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""With a process on every processor, threads within one would only wait for each other."""


def side_by_side(work: Callable[[str], T], names: Sequence[str], processes: int | None = None) -> dict[str, T]:
    """What `work` says of each name; begun in the given order.

    Each that is done is told on stderr. One that fails, or Ctrl-C, ends the others, which clean up behind themselves.
    """
    count = min(processes or os.cpu_count() or 1, len(names))
    if count < 2:
        return {name: work(name) for name in names}
    with _single_threads(), _pool(count) as pool:
        asked = {pool.submit(_unless_stopped, work, name): name for name in names}
        return dict(_as_they_come(asked))


def _as_they_come(asked: dict[Future[T], str]) -> Iterator[tuple[str, T]]:
    for n, done in enumerate(as_completed(asked), 1):
        yield asked[done], done.result()
        sys.stderr.write(f"{asked[done]} is measured, {n} of {len(asked)}\n")
        sys.stderr.flush()


@contextmanager
def _pool(count: int) -> Iterator[ProcessPoolExecutor]:
    # A forked process would share locks and threads of DuckDB and numba in whatever state they stood.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_heed_the_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown()


@contextmanager
def _single_threads() -> Iterator[None]:
    """Children read these as they import what they compute with."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


# --- in a child ---------------------------------------------------------------------------------------------------


class _Child:
    """What a process of the pool is at."""

    working = False
    stopped = False


def _heed_the_parent() -> None:
    """Ctrl-C reaches the whole group: the parent hears it and says it to each child in turn."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)


def _stop(*_: object) -> None:
    _Child.stopped = True
    if _Child.working:
        raise KeyboardInterrupt  # folders that the work made for itself go away as it unwinds


def _unless_stopped(work: Callable[[str], T], name: str) -> T:
    """A pool hands a child its next piece ahead of time; a child that was stopped leaves it."""
    if _Child.stopped:
        raise KeyboardInterrupt
    _Child.working = True
    try:
        return work(name)
    finally:
        _Child.working = False
