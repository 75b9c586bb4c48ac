"""Engines: what runs the buckets of a run; the numbers are the same from each.

A bucket is held once and asked several times: `hold` loads it, `each` asks every bucket one question and returns the
answers in the order of buckets. A task is a plain function of what is held and of what all buckets share; only its
answer comes back. Nothing here knows what is asked.
"""

import logging
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

from recon.errors import TieoutError
from recon.threads import one_thread

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

EngineName = Literal["local", "dask"]

RETRIES: Final = 3
"""How often a task is begun again on another worker after its own died."""


class EngineFailed(TieoutError):
    """The cluster could not do the work; nothing was written."""


class Held(Protocol[T_co]):
    """The buckets of one run, loaded where they are worked on."""

    def each(self, task: Callable[..., R], *shared: Any) -> list[R]:
        """`task(bucket, *shared)` for every bucket; the answers in the order of buckets."""
        ...


class Engine(Protocol):
    """Where buckets are worked on."""

    name: EngineName

    def hold(self, load: Callable[[int], T], buckets: int, *, keep: bool = True) -> Held[T]:
        """Loads buckets 0 to `buckets`. `keep`: False where all of them together would not fit into memory."""
        ...


class Threads:
    """This process: threads over buckets, and compiled kernels that use all cores within one."""

    name: EngineName = "local"

    def hold(self, load: Callable[[int], T], buckets: int, *, keep: bool = True) -> "_HeldHere[T]":
        return _HeldHere(load, buckets, keep)


class _HeldHere(Generic[T]):
    def __init__(self, load: Callable[[int], T], buckets: int, keep: bool) -> None:
        self._load = load
        self._buckets = buckets
        self._keep = keep
        self._held: dict[int, T] = {}

    def each(self, task: Callable[..., R], *shared: Any) -> list[R]:
        if self._buckets == 1:
            return [task(self._get(0), *shared)]
        with ThreadPoolExecutor(_threads()) as pool:
            return list(pool.map(lambda i: task(self._get(i), *shared), range(self._buckets)))

    def _get(self, bucket: int) -> T:
        if bucket in self._held:
            return self._held[bucket]
        loaded = self._load(bucket)
        if self._keep:
            self._held[bucket] = loaded
        return loaded


def _threads() -> int:
    """One where compiled kernels may not be started from two threads at once, else one for each core."""
    import numba

    try:
        layer = numba.threading_layer()
    except ValueError:
        return 1
    return 1 if layer == "workqueue" else min(os.cpu_count() or 1, 4)


class Cluster:
    """Dask: a bucket is a task on a worker, begun again on another when its worker dies."""

    name: EngineName = "dask"

    def __init__(self, client: Any) -> None:
        self._client = client

    def hold(self, load: Callable[[int], T], buckets: int, *, keep: bool = True) -> "_HeldThere[T]":
        ask = partial(_alone, load)
        futures = self._client.map(ask, range(buckets), key=_name(load), retries=RETRIES, pure=False)
        return _HeldThere(self._client, futures)


class _HeldThere(Generic[T]):
    def __init__(self, client: Any, futures: list[Any]) -> None:
        self._client = client
        self._futures = futures

    def each(self, task: Callable[..., R], *shared: Any) -> list[R]:
        from distributed import KilledWorker

        # sent once, as a task of its own: it is made again when its worker dies, as scattered data is not
        common = self._client.submit(_same, shared, retries=RETRIES, pure=False)
        ask = partial(_alone, partial(_asked, task))
        futures = [
            self._client.submit(ask, held, common, key=f"{_name(task)}-{uuid.uuid4().hex}", retries=RETRIES, pure=False)
            for held in self._futures
        ]
        try:
            return list(self._client.gather(futures))
        except KilledWorker as error:
            msg = f"dask: {error}; give the workers more memory or run with --engine local"
            raise EngineFailed(msg) from error


def _name(task: Callable[..., Any]) -> str:
    """By it Dask tells short tasks from long ones: else it moves a bucket to another worker to ask next to nothing."""
    return getattr(task, "__name__", "task").strip("_")


def _same(shared: tuple[Any, ...]) -> tuple[Any, ...]:
    return shared


def _asked(task: Callable[..., R], held: Any, shared: tuple[Any, ...]) -> R:
    return task(held, *shared)


def _alone(task: Callable[..., R], *given: Any) -> R:
    """Runs a task with one compiled thread: the cores of a cluster are shared by its workers."""
    with one_thread():
        return task(*given)


@contextmanager
def dask_cluster(scheduler: str | None) -> Iterator[Any]:
    """A client of the scheduler at this address; None: of single-threaded workers on this machine, for the while."""
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.ERROR)
    if scheduler:
        try:
            client = Client(scheduler, timeout="20s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            msg = f"TIEOUT_DASK_SCHEDULER={scheduler}: no scheduler answers there ({error}); start one or unset it"
            raise EngineFailed(msg) from error
        with client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory(prefix="tieout-dask-") as folder,
        LocalCluster(
            n_workers=os.cpu_count() or 1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=folder,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
