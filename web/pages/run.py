"""Runs: upload by dropping or choosing, live progress, the import doctor's findings with their remedies."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi import Form as FormField
from fastapi.responses import RedirectResponse, Response

from agents.desk import Desk
from memory.case_query import CaseQuery
from memory.recons import RunStore
from recon.errors import BadInput
from recon.recon_file import parse_recon_file
from web.api.runs import UPLOAD_LIMIT, begin
from web.hub import Here, OnDesk, Who
from web.pages.forms import Form, go_back
from web.recons import forget, names, words_of
from web.render import page
from web.rows import QueueRow, row_of
from web.runner import OVER, said_of

FIRST = 8
"""Cases that a run's page shows; the queue has them all."""

route_run_pages = APIRouter(include_in_schema=False)


@route_run_pages.get("/runs")
def runs_page(request: Request, desk: OnDesk) -> Response:
    """Every run, newest first, and the way to start one."""
    store = RunStore(desk.db, desk.clock)
    return page(request, "runs.html", runs=store.newest(limit=60), recons=names(desk.db), limit=desk.settings.upload_mb)


@route_run_pages.post("/runs", max_body_size=UPLOAD_LIMIT)
async def start(
    request: Request,
    hub: Here,
    who: Who,
    current: Annotated[list[UploadFile], File()],
    history: Annotated[list[UploadFile] | None, File()] = None,
    recon_file: Annotated[UploadFile | None, File()] = None,
    recon: Annotated[str, FormField(max_length=200)] = "",
) -> Response:
    """Takes files in and begins the run."""
    said = recon_file if recon_file is not None and recon_file.filename else recon.strip() or None
    run_id = await begin(hub, who.name, current, history or [], said)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


@route_run_pages.get("/runs/{run_id}")
def run_page(request: Request, desk: OnDesk, run_id: str) -> Response:
    """One run: how far it is, what it found in the files, what came of it."""
    store = RunStore(desk.db, desk.clock)
    run = store.get(run_id)
    said = words_of(desk, run["recon"]).said if run["recon"] else None
    return page(
        request,
        "run.html",
        run=run,
        over=run["state"] in OVER,
        first=first_cases(desk, run["recon"]) if run["counts"] else [],
        findings=[asdict(f) for f in store.findings(run_id)],
        remedies=said.remedies if said else {},
    )


def first_cases(desk: Desk, recon: str) -> list[QueueRow]:
    """What matters most of the reconciliation just now, as the queue shows it."""
    lines = desk.cases.lines(CaseQuery(state=("open",), recon=recon, limit=FIRST)).lines
    return [row_of(desk, line, f"/?case={line.id}", waiting=False) for line in lines]


@route_run_pages.post("/runs/{run_id}/cancel")
def cancel(hub: Here, run_id: str) -> Response:
    """Asks a run to stop."""
    state = hub.runner().cancel(run_id)
    return go_back(f"/runs/{run_id}", "Cancelled." if state == "cancelled" else "It stops at its next step.")


@route_run_pages.post("/runs/{run_id}/remedy")
def remedy(desk: OnDesk, who: Who, run_id: str, form: Form) -> Response:
    """Keeps what to do about an oddity from now on, in the reconciliation's own file."""
    store = RunStore(desk.db, desk.clock)
    run = store.get(run_id)
    found = next((f for f in store.findings(run_id) if f.code == form.get("code")), None)
    if found is None or not run["recon"]:
        msg = f"{form.get('code')!r}: this run found no such oddity"
        raise BadInput(msg)
    _, said = said_of(desk, run["recon"], None)
    body = said.model_dump(mode="json")
    remedies = dict(said.remedies)
    if form.get("forget"):
        remedies.pop(found.code, None)
    else:
        remedies[found.code] = found.remedy or found.done
    kept = parse_recon_file({**body, "name": run["recon"], "remedies": remedies}, run["recon"])
    store.keep_recon(run["recon"], kept, None, who.name)
    with desk.db.begin() as connection:
        text = remedies.get(found.code, "")
        desk.audit.append(connection, who.name, "remedy.kept", run["recon"][:80], {"code": found.code, "remedy": text})
    forget(run["recon"])
    return go_back(f"/runs/{run_id}", "Kept: it is decided for the files to come.")
