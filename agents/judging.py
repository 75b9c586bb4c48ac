"""Which engine judges a run's rows, and from where: what was read, or buckets of the lake."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from agents.desk import Desk
from agents.lessons import lessons_of
from detectors.bucketwise import WHOLE, Judged, Terms, judge_in_buckets
from detectors.forest import MANY, make_ready
from memory.judged import confirmed_days
from recon.buckets import Bucket, Place, buckets_of
from recon.calendar import BusinessCalendar, to_day
from recon.engines import Cluster, Engine, EngineName, Threads
from recon.errors import BadInput
from recon.lake.arriving import Arriving, Loose
from recon.panels import KnownAnomalies, bucket_panels, shared_of
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Reading
from recon.threads import FEW, one_thread

KEPT: Final = 20_000_000
"""Rows of a run that stay in memory, at about 100 bytes each; of more, the past is let go of once it is on the disk,
and every bucket is read again for each question."""


@dataclass
class Both:
    """What a run read. A large past is let go of once its rows lie on the disk: whoever holds this holds no other."""

    current: Reading
    history: Reading | None
    arriving: Arriving | None = None
    """Where the rows are on their way into the lake."""

    @property
    def rows(self) -> int:
        return self.current.rows.n + (self.history.rows.n if self.history else 0)

    def settled(self) -> Loose | None:
        """The past on the disk, and no more in memory; None where it must stay, for not all of it is new."""
        if self.history is None or self.arriving is None:
            return None
        found = self.arriving.settle(self.history)
        self.history = None if found is not None else self.history
        return found


class Timed(Protocol):
    """What takes a stage's time."""

    def stage(self, name: str) -> AbstractContextManager[None]: ...


def stays_in_the_lake(desk: Desk, recon: str, engine: EngineName) -> bool:
    """Whether history from the lake is judged where it lies, bucket by bucket, and never whole in memory."""
    return engine == "dask" or desk.lake.manifest(recon).rows > WHOLE


def judge_run(desk: Desk, engine: Engine, recon: str, said: ReconFile, read: Both, stages: Timed) -> Judged:
    """Judges the current rows of `read` by the past: the history beside them, else the lake's."""
    current, history = read.current, read.history
    terms = Terms(current.layout, said, BusinessCalendar.of(said.calendar), lessons_of(desk, recon))
    known = known_anomalies(desk, recon)
    in_lake = history is None and stays_in_the_lake(desk, recon, "local")
    if in_lake or read.rows > MANY:
        make_ready()
    if engine.name == "local" and not in_lake and read.rows <= KEPT:
        with stages.stage("series"), one_thread(read.rows <= FEW):
            whole = Bucket(bucket_panels(current, history, said, known), history)
        with stages.stage("judge"), one_thread(read.rows <= FEW):
            judged = judge_in_buckets(engine.hold(lambda _: whole, 1), terms)
            return judged if judged.rows > WHOLE else replace(judged, history=history)
    del history
    with _staged(desk, recon, said, known, read, stages) as place, stages.stage("judge"):
        keep = engine.name == "dask" or place.rows <= KEPT
        return judge_in_buckets(engine.hold(place.load, place.buckets, keep=keep), terms)


@contextmanager
def _staged(
    desk: Desk,
    recon: str,
    said: ReconFile,
    known: KnownAnomalies,
    read: Both,
    stages: Timed,
) -> Iterator[Place]:
    """The run's rows laid out in the lake, for whoever reads a bucket of its own; taken away at the end."""
    current = read.current
    past = read.history.rows.n if read.history is not None else desk.lake.manifest(recon).rows
    days = current.rows.day[current.rows.day != NO_DAY]
    with stages.stage("series"):
        rows = desk.lake.stage(recon, current)
        settled = read.settled()
        files = desk.lake.stage(recon, read.history) if read.history is not None else None
    try:
        yield Place(
            url=desk.lake.url,
            recon=recon,
            layout=current.layout,
            said=said,
            known=known,
            current=rows,
            history=settled or files,
            before_hashes=current.file_hashes,
            until=int(days.max()) if len(days) else None,
            shared=shared_of(current.rows),
            rows=past + current.rows.n,
            buckets=buckets_of(past + current.rows.n),
        )
    finally:
        desk.lake.release(recon, rows, files)


@contextmanager
def engine_for(desk: Desk, name: EngineName) -> Iterator[Engine]:
    """The engine of this name. Dask: the scheduler of TIEOUT_DASK_SCHEDULER, else workers on this machine."""
    if name == "local":
        yield Threads()
        return
    if desk.lake.url.startswith("memory:"):
        msg = (
            "--engine dask: the lake is in this process's memory; give TIEOUT_LAKE_URL an address every worker reaches"
        )
        raise BadInput(msg)
    from recon.engines import dask_cluster

    with dask_cluster(desk.settings.dask_scheduler) as client:
        yield Cluster(client)


def known_anomalies(desk: Desk, recon: str) -> KnownAnomalies:
    """Past points that are out of pattern and not resolved, or that a person called so: no baseline learns them."""
    said = confirmed_days(desk.db, desk.feedback.list(recon=recon))
    known = sorted({*desk.cases.unresolved_anomalies(recon), *said})
    return KnownAnomalies(
        np.array([series for series, _ in known], np.uint64), np.array([to_day(day) for _, day in known], np.int32)
    )
