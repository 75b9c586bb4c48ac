"""What is remembered: resolutions, the audit, the brief, and who I am."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from memory.embedding import Features
from memory.resolution import Resolution
from recon.errors import BadInput
from recon.ids import short_id
from web.api.models import (
    AuditPageOut,
    AuditRowOut,
    LearnedOut,
    MeOut,
    Name,
    ResolutionIn,
    ResolutionOut,
    ResolutionPageOut,
    ResolutionsIn,
    Words,
)
from web.briefing import brief_of
from web.hub import OnDesk, Who

route_records = APIRouter(prefix="/api/v1", tags=["records"])


@route_records.get("/me")
def get_me(desk: OnDesk, who: Who) -> MeOut:
    """Who is asking, with which role."""
    return MeOut(name=who.name, role=who.role, auth=desk.settings.auth)


def _out(r: Resolution) -> ResolutionOut:
    return ResolutionOut(
        id=r.id,
        recon=r.recon,
        business_date=r.business_date,
        comment=r.comment,
        pattern=r.features.pattern,
        cause=r.features.cause,
        action=r.action,
        outcome=r.outcome,
        source=r.source,
    )


@route_records.get("/resolutions")
def list_resolutions(
    desk: OnDesk,
    recon: Annotated[Words | None, Query(max_length=200)] = None,
    q: Annotated[Words | None, Query(max_length=400)] = None,
    cursor: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ResolutionPageOut:
    """Past resolutions, newest first; `q` looks in their comments."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        msg = "cursor: this is no cursor of ours; start again without one"
        raise BadInput(msg)
    offset = int(cursor or 0)
    found = desk.resolutions.page(recon or None, q or "", limit + 1, offset)
    return ResolutionPageOut(
        items=[_out(r) for r in found[:limit]], next_cursor=str(offset + limit) if len(found) > limit else None
    )


@route_records.post("/resolutions", status_code=201)
def learn_resolutions(desk: OnDesk, said: ResolutionsIn) -> LearnedOut:
    """Feeds past resolutions into memory. The same again adds nothing."""
    many = [_in(desk, r) for r in said.items]
    return LearnedOut(added=desk.resolutions.add_many(many), given=len(many))


def _in(desk: OnDesk, r: ResolutionIn) -> Resolution:
    day = r.business_date.isoformat() if r.business_date else ""
    keys = [f"{k}={v}" for k, v in sorted(r.key.items())]
    return Resolution(
        id=short_id("L", r.recon, day, r.comment, *keys),
        recon=r.recon,
        business_date=r.business_date,
        recorded_on=desk.clock().date(),
        comment=r.comment,
        features=Features(pattern=r.pattern, cause=r.cause, columns=dict(r.key)),
        action=r.action,
        outcome=r.outcome,
        source="learned",
    )


@route_records.get("/audit")
def list_audit(
    desk: OnDesk,
    target: Annotated[Words | None, Query(max_length=80)] = None,
    cursor: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPageOut:
    """The audit in order, after row number `cursor`, of one target or of all."""
    rows = desk.audit.rows(target=target, after=cursor, limit=limit + 1)
    n, head = desk.audit.head()
    return AuditPageOut(
        items=[AuditRowOut.model_validate(r.to_json()) for r in rows[:limit]],
        next_cursor=str(rows[limit - 1].n) if len(rows) > limit else None,
        head=f"{n}:{head}",
    )


@route_records.get("/brief")
def get_brief(desk: OnDesk, recon: Name | None = None, day: date | None = None) -> dict[str, Any]:
    """The morning brief, of one reconciliation or of all, as of a day."""
    return brief_of(desk, recon, day)
