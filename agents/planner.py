"""The planner: code decides which drafts there are and where they go; the model writes their wording."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from agents.brief import Known
from agents.casework import Casebook
from agents.desk import Desk
from agents.habits import apply_habits, told
from agents.ledger import decision_of
from agents.prompting import version
from agents.routing import Destinations, destinations
from agents.speaker import Said, Speaker
from agents.state import CaseState
from agents.templates import Sheet, facts_table, payload, sheets, uncited
from agents.toolbox import bench_of
from agents.views import PlannerView
from agents.wishes import Wish, read_wish
from memory.action import Action, Draft, TicketExists
from memory.canonical import hash_of
from memory.payloads import BadPayload, attachment
from memory.policy import NotAllowedHere
from memory.preferences import Preferences
from recon.case import BreakRow
from recon.text import quoted
from recon.words import ActionState
from tools.bench import ToolFault, where
from tools.exhibit import chart_svg, dots_of, rows_csv

log = logging.getLogger(__name__)

_GONE: Final[tuple[ActionState, ...]] = ("approved", "executing", "checking", "done", "unknown")


def make_planner(desk: Desk, book: Casebook, speaker: Speaker) -> Callable[[CaseState], Awaitable[CaseState]]:
    """The node: words the drafts and puts them into the ledger; run twice, it drafts once.

    A `respond` counts as carried when its drafts stand in the ledger, not before.
    """

    async def planner(state: CaseState) -> CaseState:
        case_id = state["case_id"]
        known = book.known(case_id)
        wish = decision_of(desk.db, state["words_from"]).note if state.get("words_from") else ""
        to = destinations(known, desk.settings)
        plan = [s for s in sheets(known, to, open_ticket(desk, to)) if not _left_already(desk, case_id, s)]
        drafted: list[Action] = []
        if plan:
            known = replace(known, wish=wish, template={"kinds": [s.kind for s in plan]})
            said = await speaker.ask("planner", known, **prompt_of(plan, wish, examples_of(desk, known, plan)))
            drafted = [d for s in plan if (d := put(desk, known, s, to, said, state)) is not None]
        if wish:
            desk.ledger.carried(state["words_from"])
        return {
            "action_ids": [a.id for a in drafted],
            "generation": state.get("generation", 1) + bool(wish and drafted),
            "left_open": len(drafted),
            "words_from": "",
        }

    return planner


def after_planner(state: CaseState) -> str:
    """Nothing drafted, nothing to approve: a case without a valid destination ends here."""
    return "approval" if state.get("action_ids") else "librarian"


def open_ticket(desk: Desk, to: Destinations) -> str | None:
    """The ticket that covers the scope already."""
    return next((link.ticket for link in desk.ledger.links(scope_key=to.scope_key) if link.state == "open"), None)


def _left_already(desk: Desk, case_id: str, sheet: Sheet) -> bool:
    """A draft of this kind that was approved is not worded again."""
    if sheet.kind == "jira.comment":
        return False
    return any(
        a.kind == sheet.kind and a.slot == sheet.slot and a.state in _GONE for a in desk.ledger.list(case_id=case_id)
    )


def prompt_of(plan: list[Sheet], wish: str, examples: str = "none yet") -> dict[str, str]:
    """The planner's prompt values."""
    kinds = ", ".join(s.kind for s in plan)
    return {"kinds": kinds, "examples": examples, "wish": quoted(wish) if wish else "none"}


def source_hash(breaks: Sequence[BreakRow]) -> str:
    """The rows a draft rests on: a change of any of them voids it."""
    rows = sorted((b.break_id, b.left or "", b.right or "", b.difference) for b in breaks)
    return hash_of([list(row) for row in rows])


def put(desk: Desk, known: Known, sheet: Sheet, to: Destinations, said: Said, state: CaseState) -> Action | None:
    """One draft into the ledger; None when it has no valid destination after all."""
    view = said.view
    assert isinstance(view, PlannerView)
    words = {"title": uncited(view.title), "body": uncited(view.body), "comment": uncited(view.comment)}
    made = apply_habits(desk, known, sheet, payload(sheet, known, words), words, to)
    files = {"attachments": exhibits(desk, known)} if sheet.kind == "jira.create" else {}
    draft = Draft(
        case_id=known.case.id,
        recon=known.case.recon,
        kind=sheet.kind,
        payload={**wished(sheet.kind, made.payload, read_wish(known.wish), assignees(desk, known)), **files},
        rationale=view.rationale,
        scope_key=to.scope_key,
        source_hash=source_hash(known.breaks),
        policy=to.policy,
        amount_base=Decimal(str(round(known.case.amount_base, 2))),
        slot=sheet.slot,
        thread_id=state.get("thread_id"),
        meta={**meta_of(desk, said, view), "words": words, "habits": told(made.habits)},
    )
    try:
        return desk.ledger.draft(draft)
    except (TicketExists, BadPayload, NotAllowedHere) as error:
        log.warning("case %s: no %s drafted: %s", known.case.id, sheet.kind, error)
        return None


def exhibits(desk: Desk, known: Known) -> list[dict[str, str]]:
    """The case's rows and its chart, as a new ticket carries them; part of the bytes that are approved."""
    case, breaks, bench = known.case, known.breaks, bench_of(desk, known)
    if not breaks:
        return []
    strangest = bench.break_of_row(None)
    try:
        history = bench.series_of(strangest)
    except ToolFault:
        history = None  # a past that cannot be read: the chart is of the case's own rows
    words = f"{strangest.pair} difference of {where(tuple(strangest.key.items()))}"
    dots = () if strangest.in_words else dots_of(history, breaks, strangest)
    picture = chart_svg(dots, words, facts_table(known))
    rows = rows_csv(breaks, known.sources.left, known.sources.right)
    files = [attachment(f"rows-{case.id}.csv", rows)]
    return [attachment(f"chart-{case.id}.svg", picture), *files] if picture else files


def wished(kind: str, payload: dict[str, Any], wish: Wish, known_here: Collection[str]) -> dict[str, Any]:
    """The fields that an operator may name in words: a priority, and somebody who is known here.

    Destinations are not among them; whoever is new comes in by an edit of the draft, where he is seen.
    """
    if kind != "jira.create":
        return payload
    by_name = {name.casefold(): name for name in known_here}
    said = {"priority": wish.priority, "assignee": by_name.get((wish.assignee or "").casefold())}
    return {**payload, **{name: value for name, value in said.items() if value}}


def assignees(desk: Desk, known: Known) -> set[str]:
    """Whom the recon file names, and who was assigned in a ticket that somebody approved."""
    named = {route.jira.assignee for route in known.said.routing if route.jira}
    past = desk.ledger.list(recon=known.case.recon, kind="jira.create", state=_GONE, limit=1000) if known.wish else ()
    return {name for name in (*named, *(a.payload.get("assignee") for a in past)) if name}


def examples_of(desk: Desk, known: Known, plan: Sequence[Sheet]) -> str:
    """How this desk words such drafts: what its people made of earlier ones, with places for the case's own figures."""
    if known.said.mask:
        return "none: masked columns stay here"
    kinds = {s.kind for s in plan}
    texts: list[str] = []
    for o in Preferences(desk.db, desk.clock).observations(known.case.recon):
        kind, _, name = o.field.rpartition(".")
        if o.edited and kind in kinds and name in ("summary", "description", "subject", "body", "comment"):
            line = f"{o.field}: {quoted(' '.join(str(o.value).split())[:400])}"
            if line not in texts:
                texts.append(line)
        if len(texts) == 3:
            break
    return "\n".join(texts) or "none yet"


def meta_of(desk: Desk, said: Said, view: PlannerView) -> dict[str, Any]:
    """By what the draft was made: the model, the prompt's version, the evidence cited."""
    model = str(getattr(desk.model, "model_name", "offline"))
    return {
        "model": model if said.source == "model" else "rules",
        "prompt": version("planner"),
        "evidence": list(view.cites),
        "why_rules": said.why_rules,
    }
