"""Drafts that no model words: journals that net off or write off, and the closing of a cleared case's ticket."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from agents.casework import gather
from agents.desk import Desk
from agents.planner import source_hash
from agents.routing import facts_of, route_of
from memory.action import Action, Draft, TicketExists
from memory.cases import OPEN_STATES
from memory.policy import NotAllowedHere, policy_of
from memory.proposals import Proposal, cancelling, net_off, payload_of, write_off
from memory.settling import after_clearing
from recon.case import BreakRow, Case
from recon.ids import short_id
from recon.recon_file import ReconFile
from recon.words import ActionKind
from tools.said import said_of

DONE: Final = "Done"
"""The state to which a cleared case's ticket is moved; an edit of the draft names another."""

NETTED: Final = frozenset({"misposting", "aggregation"})
"""Causes by which breaks cancel out."""


def draft_routine(desk: Desk, case_ids: Sequence[str]) -> list[Action]:
    """Drafts what the cases' own numbers ask for; a second time it drafts nothing twice."""
    return [action for case_id in case_ids for action in _of_case(desk, case_id)]


def _of_case(desk: Desk, case_id: str) -> Iterator[Action]:
    case = desk.cases.get(case_id)
    if case.state == "cleared":
        yield from _closing(desk, case)
    elif case.state in OPEN_STATES:
        yield from _journals(desk, case)


def _journals(desk: Desk, case: Case) -> Iterator[Action]:
    said = said_of(desk.db, case.recon)
    if case.cause not in NETTED and not _may_be_small(case, said.file):
        return
    known = gather(desk, case.id, similar=False)
    pairs = [p for p in said.layout.get("pairs", ()) if p["kind"] == "number" and p["unit"] == "money"]
    money = {p["name"] for p in pairs}
    within = 2 * max((Decimal(p["tolerance"] or 0) for p in pairs), default=Decimal(0))
    breaks = [b for b in _newest(known.breaks) if b.pair in money]
    proposals = net_off(case, cancelling(breaks, within), said.file) if case.cause in NETTED else []
    netted = {name for proposal in proposals for name in proposal.breaks}
    proposals += write_off(case, [b for b in breaks if b.break_id not in netted], said.file)
    route = route_of(said.file, facts_of(case))
    for n, proposal in enumerate(proposals):
        kind, payload = payload_of(proposal, case, route)
        slot = f"{proposal.kind}:{proposal.currency}:{n}"
        rests_on = source_hash(known.breaks)
        action = _draft(
            desk, case, said.file, kind, payload, proposal.rationale, slot, rests_on, _base(proposal, said.file)
        )
        if action is not None:
            yield action


def _may_be_small(case: Case, said: ReconFile) -> bool:
    """Whether any of its breaks can be under the write-off limit: none is, where their mean is far above it."""
    rule = said.write_off
    return (
        rule is not None and rule.account is not None and case.amount_base <= 10 * float(rule.under) * case.break_count
    )


def _newest(breaks: Sequence[BreakRow]) -> list[BreakRow]:
    days = [b.business_date for b in breaks if b.business_date is not None]
    return [b for b in breaks if not days or b.business_date == max(days)]


def _base(proposal: Proposal, said: ReconFile) -> Decimal:
    """The journal's amount in the materiality currency, as the four eyes rule counts it."""
    rates: Mapping[str, Decimal] = said.materiality.rates
    return proposal.total * rates.get(proposal.currency, Decimal(1))


def _closing(desk: Desk, case: Case) -> Iterator[Action]:
    said = said_of(desk.db, case.recon).file
    day = case.last_date or desk.clock().date()
    for step in after_clearing(case, desk.ledger.links(case_id=case.id), day, done_state=DONE):
        if step.kind == "jira.transition":
            slot = f"close:{step.payload['ticket']}"
            rests_on = f"cleared:{slot}"
            action = _draft(desk, case, said, step.kind, step.payload, step.rationale, slot, rests_on, Decimal(0))
            if action is not None:
                yield action


def _draft(
    desk: Desk,
    case: Case,
    said: ReconFile,
    kind: str,
    payload: Mapping[str, Any],
    rationale: str,
    slot: str,
    rests_on: str,
    amount: Decimal,
) -> Action | None:
    """One draft; None where its destination is not allowed, or its ticket is there already."""
    kinds: Mapping[str, ActionKind] = {k: k for k in ("jira.create", "task.create", "jira.transition")}
    try:
        return desk.ledger.draft(
            Draft(
                case_id=case.id,
                recon=case.recon,
                kind=kinds[kind],
                payload=payload,
                rationale=rationale,
                scope_key=short_id("J", case.id, slot),
                source_hash=rests_on,
                policy=policy_of(said, jira_project=desk.settings.jira_project),
                amount_base=amount,
                slot=slot,
                meta={"model": "rules", "routine": slot},
            )
        )
    except (NotAllowedHere, TicketExists):
        return None
