"""The queue as files: Excel and CSV out, an edited workbook back in."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, File, Request, UploadFile
from fastapi import Form as FormField
from fastapi.responses import Response
from starlette.responses import StreamingResponse

from agents.desk import Desk
from memory.action import Person
from memory.schema import actions
from recon.errors import BadInput
from web.briefing import titles_of
from web.edits import Import, import_queue
from web.excel import export_queue
from web.hub import Here, OnDesk, Who
from web.queue import parse, query_of
from web.render import page
from web.uploads import keep

route_exchange_pages = APIRouter(include_in_schema=False)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _file(desk: Desk, who: Person, request: Request, ending: str, media: str) -> Response:
    query = query_of(parse(request.query_params), who, desk.clock())
    folder = tempfile.TemporaryDirectory(prefix="tieout-")
    path = Path(folder.name) / f"queue.{ending}"
    export_queue(desk, path, query)

    def chunks() -> Iterator[bytes]:
        with folder, path.open("rb") as source:
            while part := source.read(1 << 16):
                yield part

    name = f"tieout-queue-{desk.clock():%Y-%m-%d}.{ending}"
    return StreamingResponse(
        chunks(), media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@route_exchange_pages.get("/export.csv")
def export_csv(request: Request, desk: OnDesk, who: Who) -> Response:
    """The view as CSV, safe to open in a spreadsheet."""
    return _file(desk, who, request, "csv", "text/csv; charset=utf-8")


@route_exchange_pages.get("/export.xlsx")
def export_xlsx(request: Request, desk: OnDesk, who: Who) -> Response:
    """The view as a workbook, to edit and bring back."""
    return _file(desk, who, request, "xlsx", XLSX)


@route_exchange_pages.get("/excel")
def excel_page(request: Request) -> Response:
    """Where an edited workbook comes back."""
    return page(request, "excel.html", found=None, name="", kept="", titles={})


@route_exchange_pages.post("/excel", max_body_size=60_000_000)
async def excel_in(
    request: Request,
    hub: Here,
    desk: OnDesk,
    who: Who,
    file: Annotated[UploadFile | None, File()] = None,
    kept: Annotated[str, FormField(max_length=40)] = "",
    apply: Annotated[str, FormField(max_length=10)] = "",
) -> Response:
    """First the differences and conflicts; with `apply`, what has no conflict is saved."""
    from anyio.to_thread import run_sync

    folder = Path(desk.settings.home) / "exchange"
    if file is not None and file.filename:
        kept = desk.new_id()[:16]
        (path,) = await keep([file], folder / kept, 50)
    else:
        path = _again(folder, kept)

    def read() -> Import:
        return import_queue(desk, path, apply=apply == "yes", by=who)

    found: Import = await run_sync(read)
    if apply == "yes":
        hub.counts.forget()
    return page(
        request, "excel.html", found=found, name=path.name.partition("-")[2], kept=kept, titles=_titles(desk, found)
    )  # fmt: skip


def _titles(desk: Desk, found: Import) -> dict[str, str]:
    """What each edit is about: its case's title, for a draft too."""
    targets = {e.target for e in found.edits}
    query = sa.select(actions.c.id, actions.c.case_id).where(actions.c.id.in_(targets))
    with desk.db.read() as connection:
        case_of = {row.id: row.case_id for row in connection.execute(query)}
    titles = titles_of(desk, [case_of.get(t, t) for t in targets])
    return {t: titles.get(case_of.get(t, t), t) for t in targets}


def _again(folder: Path, kept: str) -> Path:
    files = list((folder / kept).glob("1-*")) if kept.isalnum() else []
    if not files:
        msg = "file: choose the workbook again"
        raise BadInput(msg)
    return files[0]
