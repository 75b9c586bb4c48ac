"""The librarian: writes what the operator decided back into memory, so that the next draft is made that way."""

from collections.abc import Callable
from typing import Any, Final

from agents.casework import Casebook, gather
from agents.desk import Desk
from agents.habits import learn_habits
from agents.ledger import decision_of
from agents.state import CaseState
from memory.action import Action, Decision
from memory.resolution import Resolution, resolution_id
from tools.similar import features_of_case

LEFT: Final = ("done", "failed", "unknown")
"""States in which an approval stands, whatever became of the sending."""


def make_librarian(desk: Desk, book: Casebook) -> Callable[[CaseState], CaseState]:
    """The node; everything it writes has an id of its own, so that running twice writes once."""

    def librarian(state: CaseState) -> CaseState:
        if state.get("decision_id"):
            decision = decision_of(desk.db, state["decision_id"])
            remember(desk, decision, desk.ledger.get(decision.action_id))
            desk.ledger.carried(decision.id)
        book.close(state["case_id"])
        return {"decision_id": "", "decision": "", "action_id": "", "left_open": _left_open(desk, state)}

    return librarian


def _left_open(desk: Desk, state: CaseState) -> int:
    mine = set(state.get("action_ids", []))
    open_states = ("draft", "pending")
    return sum(a.id in mine and a.state in open_states for a in desk.ledger.list(case_id=state["case_id"]))


def after_librarian(state: CaseState) -> str:
    """Back to the approval while drafts of this thread still wait for a person."""
    return "approval" if state.get("left_open") else "END"


def remember(desk: Desk, decision: Decision, action: Action) -> None:
    """An executed approval becomes a resolution and a habit; a rejection weighs against what it rejected."""
    case = desk.cases.get(decision.case_id)
    if decision.kind == "approve" and action.state in LEFT:
        known = gather(desk, case.id, similar=False)
        learn_habits(desk, known, action, decision.id, action.meta.get("words", {}))
    outcome = _outcome(decision, action)
    if outcome is None:
        return
    breaks = tuple(desk.cases.breaks(case.id))
    comment, did = said_and_done(action)
    newest = max((b.business_date for b in breaks if b.business_date), default=case.last_date)
    desk.resolutions.add_many(
        [
            Resolution(
                id=resolution_id(case.recon, f"{case.id}:{action.kind}", comment),
                recon=case.recon,
                business_date=newest,
                recorded_on=decision.at.date(),
                comment=comment,
                features=features_of_case(case, breaks),
                action=did,
                outcome=outcome,
                source="decision",
                body={"case_id": case.id, "action_id": action.id, "who": decision.who, "decision_id": decision.id},
            )
        ]
    )


def _outcome(decision: Decision, action: Action) -> str | None:
    if decision.kind == "approve" and action.state == "done":
        return "resolved"
    if decision.kind == "reject":
        return "rejected"
    return None


def said_and_done(action: Action) -> tuple[str, str]:
    """The words that a later operator would want to read, and what was done, in a few words."""
    p: dict[str, Any] = action.payload
    match action.kind:
        case "recon.comment":
            return str(p["comment"]), "commented"
        case "jira.create":
            return str(p["summary"]), f"ticket in {p['project']}"
        case "jira.comment":
            return str(p["body"]).partition("\n\n")[0], f"comment on {p['ticket']}"
        case "email.send":
            return str(p["subject"]), f"mail to {', '.join(p['to'])}"
        case _:
            return action.rationale, action.kind
