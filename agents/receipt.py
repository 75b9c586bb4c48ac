"""The executor's node: waits for the ledger's receipt. The executor itself is a loop over the ledger, not a node."""

from collections.abc import Callable

from langgraph.types import interrupt

from agents.desk import Desk
from agents.state import CaseState, Settled
from memory.action import ON_THE_WAY


def make_receipt(desk: Desk) -> Callable[[CaseState], CaseState]:
    """The node: reads the ledger, and rests while the action is on its way."""

    def executor(state: CaseState) -> CaseState:
        while desk.ledger.get(state["action_id"]).state in ON_THE_WAY:
            interrupt({"waiting_for": "receipt", "action_id": state["action_id"]}, response_schema=Settled)
        return {}

    return executor
