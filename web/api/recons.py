"""Reconciliations: the recon file as it is kept, and its change."""

import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Response

from memory.database import Database
from memory.recons import RunStore
from memory.schema import recons
from recon.errors import BadInput, NotFound
from recon.recon_file import parse_recon_file
from web.api.models import Name, ReconNamesOut, ReconOut
from web.hub import OnDesk, Who
from web.problems import Conflict
from web.recons import forget

route_recons = APIRouter(prefix="/api/v1", tags=["recons"])


def _read(db: Database, name: str) -> ReconOut:
    with db.read() as connection:
        row = connection.execute(sa.select(recons).where(recons.c.name == name)).one_or_none()
    if row is None:
        msg = f"{name}: no reconciliation of this name in this workspace"
        raise NotFound(msg)
    return ReconOut(
        name=row.name, recon=row.body, layout=row.layout, updated_at=row.updated_at, updated_by=row.updated_by
    )


@route_recons.get("/recons")
def list_recons(desk: OnDesk) -> ReconNamesOut:
    """The names of all reconciliations known here."""
    return ReconNamesOut(items=RunStore(desk.db, desk.clock).names())


@route_recons.get("/recons/{name}")
def get_recon(desk: OnDesk, name: Name, response: Response) -> ReconOut:
    """The recon file that is kept under a name, and how its columns were read."""
    found = _read(desk.db, name)
    response.headers["etag"] = f'"{found.updated_at.timestamp()}"'
    return found


@route_recons.put("/recons/{name}")
def put_recon(
    desk: OnDesk, who: Who, name: Name, said: dict[str, Any], if_match: Annotated[str | None, Header()] = None
) -> ReconOut:
    """Replaces the recon file. It is checked as `tieout run --recon` would; 422 names the place."""
    if "/" in name or not name.isprintable():
        msg = "name: printable characters without a slash"
        raise BadInput(msg)
    try:
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        msg = f"{name}: the file holds half a character (a lone surrogate)"
        raise BadInput(msg) from None
    checked = parse_recon_file({**said, "name": said.get("name") or name}, name)
    if checked.name != name:
        msg = f"name: the file says {checked.name!r}, the address {name!r}"
        raise BadInput(msg)
    if if_match is not None and f'"{_read(desk.db, name).updated_at.timestamp()}"' not in if_match:
        msg = f"{name}: somebody changed it meanwhile; read it again"
        raise Conflict(msg)
    RunStore(desk.db, desk.clock).keep_recon(name, checked, None, who.name)
    with desk.db.begin() as connection:
        body = {"recon": json.dumps(said, sort_keys=True, default=str)}
        desk.audit.append(connection, who.name, "recon.changed", name[:80], body)
    forget(name)
    return _read(desk.db, name)
