"""Runs: files in, a run in the background, its progress as a stream; and rows judged as they happen."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Header, Query, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from memory.recons import RunStore
from recon.errors import BadInput
from web.api.models import BreaksIn, BreaksOut, Ident, Name, RunOut, RunPageOut
from web.hub import Here, Hub, OnDesk, Who
from web.runner import OVER, Asked, events_after, said_of, throw_away
from web.uploads import keep

route_runs = APIRouter(prefix="/api/v1", tags=["runs"])

UPLOAD_LIMIT = 1 << 36
"""What the framework lets through; the real limit is TIEOUT_UPLOAD_MB, told as one sentence."""


def run_out(row: dict[str, Any], findings: list[dict[str, Any]] | None = None) -> RunOut:
    """A run's row as the API gives it."""
    return RunOut.model_validate({**row, "findings": findings})


async def begin(
    hub: Hub,
    who: str,
    current: list[UploadFile],
    history: list[UploadFile],
    recon: str | UploadFile | None,
    agents: bool = True,
) -> str:
    """Keeps the files and queues the run; answers its id. Nothing stays when the upload is refused."""
    desk, runner = hub.desk(), hub.runner()
    run_id = "R" + desk.new_id()[:16]
    folder = runner.folder(run_id)
    try:
        asked = await _kept(hub, folder, current, history, recon, agents)
        await asyncio.to_thread(runner.queue, run_id, asked, who)
    except BaseException:
        await asyncio.to_thread(throw_away, folder)
        raise
    return run_id


async def _kept(
    hub: Hub, folder: Path, current: list[UploadFile], history: list[UploadFile], recon: str | UploadFile | None,
    agents: bool,
) -> Asked:  # fmt: skip
    """The run as asked for, its files in its folder."""
    desk = hub.desk()
    limit = desk.settings.upload_mb
    name: str | None = None
    recon_path: Path | None = None
    if isinstance(recon, str):
        name = recon.strip() or None
    elif recon is not None and recon.filename:
        (recon_path,) = await keep([recon], folder / "recon", 1)
    now = await keep([f for f in current if f.filename], folder / "current", limit)
    past = await keep([f for f in history if f.filename], folder / "history", limit)
    if not now:
        msg = "current: give the reconciliation's output, a CSV, Excel or Parquet file"
        raise BadInput(msg)
    known, said = await asyncio.to_thread(said_of, desk, name, recon_path)
    return Asked(now, past, known, said, agents)


@route_runs.post("/runs", status_code=202, max_body_size=UPLOAD_LIMIT)
async def start_run(
    hub: Here,
    who: Who,
    response: Response,
    current: Annotated[list[UploadFile], File(description="The present: one or more files.")],
    history: Annotated[list[UploadFile] | None, File(description="The past.")] = None,
    recon: Annotated[UploadFile | str | None, File(description="A recon file, or the name of a kept one.")] = None,
) -> RunOut:
    """Runs a reconciliation's files in the background. Follow it at `GET /runs/{id}/events`."""
    run_id = await begin(hub, who.name, current, history or [], recon)
    response.headers["location"] = f"/api/v1/runs/{run_id}"
    desk = hub.desk()
    return run_out(await asyncio.to_thread(RunStore(desk.db, desk.clock).get, run_id))


@route_runs.get("/runs")
def list_runs(desk: OnDesk, recon: Name | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> RunPageOut:
    """Runs, newest first."""
    rows = RunStore(desk.db, desk.clock).newest(recon, limit)
    return RunPageOut(items=[run_out(r) for r in rows])


@route_runs.get("/runs/{run_id}")
def get_run(desk: OnDesk, run_id: Ident) -> RunOut:
    """One run with what the import doctor found."""
    store = RunStore(desk.db, desk.clock)
    return run_out(store.get(run_id), [asdict(f) for f in store.findings(run_id)])


@route_runs.post("/runs/{run_id}/cancel")
def cancel_run(hub: Here, desk: OnDesk, run_id: Ident) -> RunOut:
    """Cancels a queued run at once, and a running one at its next step."""
    hub.runner().cancel(run_id)
    return run_out(RunStore(desk.db, desk.clock).get(run_id))


def existing_run(desk: OnDesk, run_id: Ident) -> str:
    """The run's id; raises NotFound before the stream begins."""
    RunStore(desk.db, desk.clock).get(run_id)
    return run_id


@route_runs.get("/runs/{run_id}/events", response_class=EventSourceResponse)
async def follow_run(
    hub: Here,
    desk: OnDesk,
    run_id: Annotated[str, Depends(existing_run)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Progress as it is made: `queued`, `progress` (stage, done, total), then `done`, `failed` or `cancelled`.
    After a lost connection, Last-Event-ID goes on where it was."""
    after = int(last_event_id) if last_event_id and last_event_id.isdigit() and len(last_event_id) < 16 else 0
    while not hub.stop.is_set():
        lines = await asyncio.to_thread(events_after, desk, run_id, after)
        for line in lines:
            after = line.n
            yield ServerSentEvent(event=line.kind, id=str(line.n), data=line.body)
            if line.kind in OVER:
                return
        if not lines:
            row = await asyncio.to_thread(RunStore(desk.db, desk.clock).get, run_id)
            if row["state"] in OVER:
                yield ServerSentEvent(event=row["state"], data={"counts": row["counts"], "error": row["error"]})
                return
            await asyncio.sleep(0.3)


@route_runs.post("/breaks")
def judge_rows(hub: Here, desk: OnDesk, who: Who, said: BreaksIn) -> BreaksOut:
    """Judges rows at once, against the history that the workspace keeps of their reconciliation. No drafts are made."""
    from agents.run import RunRequest, run

    run_id = "R" + desk.new_id()[:16]
    folder = hub.runner().folder(run_id)
    current = _as_file(said, folder)
    _, recon = said_of(desk, said.recon, None)
    out = folder / "out"
    request = RunRequest(
        (current,),
        said=recon,
        recon=said.recon,
        out=out,
        agents=False,
        requested_by=who.name,
        partial=True,
        run_id=run_id,
    )
    result = run(desk, request)
    return BreaksOut(
        run_id=result.run_id, counts=result.counts, case_ids=list(result.case_ids), rows=_rows(out / "breaks.csv")
    )


def _as_file(said: BreaksIn, folder: Path) -> Path:
    columns = list(dict.fromkeys(name for row in said.rows for name in row))
    if not columns or len(columns) > 500 or any("\x00" in c for c in columns):
        msg = "rows: give between 1 and 500 named columns"
        raise BadInput(msg)
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in said.rows:
        writer.writerow({name: "" if value is None else value for name, value in row.items()})
    path = folder / "rows.csv"
    path.write_text(text.getvalue(), encoding="utf-8", errors="replace")
    return path


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as source:
        return [dict(row) for row in csv.DictReader(source)]
