"""Runs in the background: queued in the table, taken up one at a time by whichever server comes first, cancellable."""

import json
import logging
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.recons import RunStore
from memory.schema import run_events, runs
from recon.errors import BadInput, NotFound, TieoutError
from recon.recon_file import ReconFile, load_recon_file, parse_recon_file
from web.problems import Conflict

log = logging.getLogger("tieout.runs")

OVER: Final = frozenset({"done", "failed", "cancelled"})
PROGRESS_EVERY: Final = 0.2


class Cancelled(TieoutError):
    """Somebody asked the run to stop."""


class Stopping(TieoutError):
    """This server is being stopped; the run is not to blame."""


@dataclass(frozen=True)
class Asked:
    """A run as it was asked for; its files lie in its own folder."""

    current: tuple[Path, ...]
    history: tuple[Path, ...]
    recon: str | None
    said: ReconFile
    agents: bool


class Runner:
    """One worker thread; the table is the queue."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.store = RunStore(desk.db, desk.clock)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    def folder(self, run_id: str) -> Path:
        """Where a run's uploads and outputs lie."""
        return Path(self.desk.settings.home) / "runs" / run_id

    def queue(self, run_id: str, asked: Asked, who: str) -> None:
        """Puts a run in line and returns at once."""
        now = self.desk.clock()
        settings = {
            "current": [str(p) for p in asked.current],
            "history": [str(p) for p in asked.history],
            "recon": asked.recon,
            "said": json.loads(asked.said.model_dump_json()),
            "agents": asked.agents,
        }
        files = [{"name": p.name, "role": role} for role in ("current", "history") for p in getattr(asked, role)]
        with self.desk.db.begin() as connection:
            connection.execute(
                sa.insert(runs).values(
                    id=run_id,
                    recon=asked.recon or asked.said.name or "",
                    state="queued",
                    started_at=now,
                    files=files,
                    counts={},
                    settings=settings,
                    asked=settings,
                    progress={"stage": "queued", "done": 0, "total": 0},
                    out_dir=str(self.folder(run_id) / "out"),
                    requested_by=who,
                )
            )
        self.tell(run_id, "queued", {"stage": "queued"})
        self._wake.set()

    def start(self) -> None:
        """Begins to take up queued runs, and those whose server has died."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="tieout-runs", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Asks the run under way to stop and waits for it a little."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=15)

    def cancel(self, run_id: str) -> str:
        """Cancels a queued run at once and a running one at its next step; answers the state. Raises NotFound."""
        with self.desk.db.begin() as connection:
            state = connection.execute(sa.select(runs.c.state).where(runs.c.id == run_id)).scalar_one_or_none()
            if state is None:
                msg = f"{run_id}: no such run in this workspace"
                raise NotFound(msg)
            if state in OVER:
                msg = f"{run_id} is {state}; there is nothing to cancel"
                raise Conflict(msg)
            to = "cancelled" if state == "queued" else "cancelling"
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(state=to))
        self.tell(run_id, to, {"stage": to})
        return to

    def tell(self, run_id: str, kind: str, body: Mapping[str, Any]) -> None:
        """Adds a line that the run's followers read."""
        with self.desk.db.begin() as connection:
            values = {"run_id": run_id, "at": self.desk.clock(), "kind": kind, "body": dict(body)}
            connection.execute(sa.insert(run_events).values(**values))

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                claimed = self._claim()
            except Exception:
                log.exception("the queue of runs could not be read")
                claimed = None
                self._stop.wait(5)
            if claimed is None:
                self._wake.wait(2.0)
                self._wake.clear()
                continue
            self._work(*claimed)

    def _claim(self) -> tuple[str, dict[str, Any]] | None:
        """The oldest run that waits, or whose server gives no sign of life: a run again leaves what one run leaves."""
        now = self.desk.clock()
        orphaned = runs.c.state.in_(("running", "cancelling")) & (runs.c.lease_until < now)
        with self.desk.db.begin() as connection:
            row = connection.execute(
                sa.select(runs.c.id, runs.c.asked, runs.c.requested_by, runs.c.state, runs.c.lease_owner)
                .where((runs.c.state == "queued") | orphaned, runs.c.asked.is_not(None))
                .order_by(runs.c.started_at, runs.c.id)
                .limit(1)
            ).one_or_none()
            if row is None:
                return None
            as_seen = (runs.c.state == row.state, runs.c.lease_owner.is_not_distinct_from(row.lease_owner))
            taken = connection.execute(
                sa.update(runs).where(runs.c.id == row.id, *as_seen).values(state="running", **self._lease())
            )
        if taken.rowcount != 1:
            return None
        if row.state != "queued":
            log.warning("%s: its server gave no sign of life; this one takes it up anew", row.id)
        return row.id, {**row.asked, "who": row.requested_by}

    def _lease(self) -> dict[str, Any]:
        until = self.desk.clock() + timedelta(seconds=self.desk.settings.lease_seconds)
        return {"lease_owner": self._owner, "lease_until": until}

    def _give_back(self, run_id: str) -> None:
        """Into the queue again: another server takes it, or this one when it is back."""
        values = {"state": "queued", "lease_owner": None, "lease_until": None, "finished_at": None, "error": None}
        with self.desk.db.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))
        self.tell(run_id, "queued", {"stage": "queued"})

    @contextmanager
    def _alive(self, run_id: str) -> Iterator[None]:
        """Gives signs of life while the block runs: its stages may each take longer than a lease."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.desk.settings.lease_seconds / 4):
                try:
                    with self.desk.db.begin() as connection:
                        mine = (runs.c.id == run_id, runs.c.lease_owner == self._owner)
                        connection.execute(sa.update(runs).where(*mine).values(**self._lease()))
                except sa.exc.DBAPIError:
                    log.warning("%s: no sign of life could be written; the database did not answer", run_id)

        thread = threading.Thread(target=beat, name=f"tieout-alive-{run_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _work(self, run_id: str, settings: dict[str, Any]) -> None:
        with self._alive(run_id):
            self._run(run_id, settings)

    def _run(self, run_id: str, settings: dict[str, Any]) -> None:
        from agents.run import RunRequest, run

        began = time.monotonic()
        try:
            request = RunRequest(
                current=tuple(Path(p) for p in settings["current"]),
                history=tuple(Path(p) for p in settings["history"]),
                said=parse_recon_file(settings["said"], settings["recon"] or "the recon file"),
                recon=settings["recon"],
                out=self.folder(run_id) / "out",
                agents=settings["agents"],
                requested_by=settings["who"] or "operator",
                run_id=run_id,
            )
            result = run(self.desk, request, self._progress(run_id))
            body = {
                "counts": result.counts,
                "cases": len(result.case_ids),
                "seconds": round(time.monotonic() - began, 1),
            }
            self.tell(run_id, "done", body)
        except Stopping:
            self._give_back(run_id)
        except Cancelled:
            self.store.finish(run_id, "cancelled", {}, "cancelled by an operator")
            self.tell(run_id, "cancelled", {})
        except TieoutError as error:
            self.store.finish(run_id, "failed", {}, str(error))
            self.tell(run_id, "failed", {"error": str(error)})
        except Exception as error:
            log.exception("run %s", run_id)
            said = f"A fault of ours ({type(error).__name__}); the server's log has the whole of it."
            self.store.finish(run_id, "failed", {}, said)
            self.tell(run_id, "failed", {"error": said})

    def _progress(self, run_id: str) -> Callable[[str, int, int], None]:
        told, stage_told = 0.0, ""

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal told, stage_told
            now = time.monotonic()
            if stage == stage_told and now - told < PROGRESS_EVERY and done != total:
                return
            told, stage_told = now, stage
            if self._stop.is_set():
                msg = "The server is stopping; the run goes back into the queue."
                raise Stopping(msg)
            if self.store.get(run_id)["state"] == "cancelling":
                msg = "The run was cancelled."
                raise Cancelled(msg)
            self.store.progress(run_id, stage, done, total if done else 0)

        return progress


def said_of(desk: Desk, recon: str | None, recon_file: Path | None) -> tuple[str | None, ReconFile]:
    """The name and the recon file of a run: a file that came with it, one that is kept, or nothing said."""
    if recon_file is not None:
        said = load_recon_file(recon_file)
        return said.name, said
    if recon:
        try:
            return recon, RunStore(desk.db, desk.clock).recon(recon)
        except NotFound:
            if len(recon) > 200 or not recon.isprintable():
                msg = "recon: a name has at most 200 printable characters"
                raise BadInput(msg) from None
            return recon, ReconFile()
    return None, ReconFile()


def events_after(desk: Desk, run_id: str, after: int, limit: int = 200) -> Sequence[Any]:
    """The lines of a run after a number, oldest first."""
    query = (
        sa.select(run_events)
        .where(run_events.c.run_id == run_id, run_events.c.n > after)
        .order_by(run_events.c.n)
        .limit(limit)
    )
    with desk.db.read() as connection:
        return list(connection.execute(query))


def running_now(desk: Desk) -> dict[str, Any] | None:
    """The newest run under way, for the head of every page."""
    query = (
        sa.select(runs.c.id, runs.c.recon, runs.c.progress, runs.c.state)
        .where(runs.c.state.in_(("queued", "running", "cancelling")))
        .order_by(runs.c.started_at.desc())
        .limit(1)
    )
    with desk.db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return {"id": row.id, "recon": row.recon or "run", "state": row.state, **row.progress}


def throw_away(folder: Path) -> None:
    """Removes the folder of an upload that came to nothing."""
    shutil.rmtree(folder, ignore_errors=True)
