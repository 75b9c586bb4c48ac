"""Closing the like as the like was closed: the desk's usual comment, drafted and put before a person."""

from agents.brief import Known
from agents.desk import Desk
from agents.planner import source_hash
from agents.routing import destinations
from agents.templates import Sheet, payload
from memory.action import Action, Draft, Person


def draft_close(desk: Desk, known: Known, by: Person) -> Action | None:
    """A `recon.comment` with the precedents' own comment; None when there is no precedent or no break."""
    found = known.consensus
    if found is None or not known.breaks:
        return None
    to = destinations(known, desk.settings)
    fixed = {
        "recon": known.case.recon,
        "breaks": [b.break_id for b in known.breaks],
        "rows": sorted({b.row for b in known.breaks}),
    }
    sheet = Sheet("recon.comment", fixed)
    return desk.ledger.draft(
        Draft(
            case_id=known.case.id,
            recon=known.case.recon,
            kind="recon.comment",
            payload=payload(sheet, known, {"title": "", "body": found.comment, "comment": found.comment}),
            rationale=f"{found.statement()}.",
            scope_key=to.scope_key,
            source_hash=source_hash(known.breaks),
            policy=to.policy,
            maker=by.name,
            meta={"model": "rules", "precedents": list(found.ids)},
        )
    )
