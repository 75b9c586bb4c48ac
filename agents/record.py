"""The record: reads the decision back from the ledger, so that the thread follows what was really decided."""

from collections.abc import Callable
from typing import Final

from agents.desk import Desk
from agents.ledger import decision_of
from agents.state import CaseState

OPEN: Final = ("draft", "pending")


def make_record(desk: Desk) -> Callable[[CaseState], CaseState]:
    """The node; it reads only, and may run again."""

    def record(state: CaseState) -> CaseState:
        decision = decision_of(desk.db, state["decision_id"])
        drafts = desk.ledger.list(case_id=state["case_id"])
        mine = set(state.get("action_ids", []))
        return {
            "decision": decision.kind,
            "action_id": decision.action_id,
            "words_from": decision.id if decision.kind == "respond" else "",
            "left_open": sum(a.id in mine and a.state in OPEN for a in drafts),
        }

    return record


def after_record(state: CaseState) -> str:
    """Where the thread goes: the operator's words to the planner, an approval to the executor."""
    match state["decision"]:
        case "respond":
            return "planner"
        case "approve":
            return "executor"
        case _:
            return "librarian"
