"""The approval: waits for a person, and does nothing else, since this node runs again from its top on resume."""

from typing import Any

from langgraph.types import interrupt

from agents.state import Answer, CaseState


def make_requests(state: CaseState) -> list[dict[str, Any]]:
    """What the person is asked, in the form that Agent Inbox shows; ids only, the ledger has the bytes."""
    return [
        {
            "action_request": {"action": action_id, "args": {"case_id": state["case_id"], "action_id": action_id}},
            "config": {
                "allow_accept": True,
                "allow_edit": True,
                "allow_respond": True,
                "allow_ignore": True,
            },
            "description": f"Decide on draft {action_id} of case {state['case_id']}: approve, edit, reject or respond.",
        }
        for action_id in state.get("action_ids", [])
    ]


def approval(state: CaseState) -> CaseState:
    """Rests until a decision that the ledger holds is named."""
    answer: Answer = interrupt(make_requests(state), response_schema=Answer)
    return {"decision_id": answer.decision_id}
