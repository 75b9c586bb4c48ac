"""What the assistant may set in motion: each deed only makes a draft or a proposal that waits for a person."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.closing import draft_close
from agents.turn import Turn
from recon.words import Cause, Pattern
from tools.bench import ToolFault


class ReviseArgs(BaseModel):
    """Makes the open drafts anew by the operator's own words; they wait for approval again."""

    model_config = ConfigDict(extra="ignore")

    words: str = Field(default="", description="left empty: the operator's own words are used")


class TagArgs(BaseModel):
    """Proposes a tag for the case; the operator saves it or not."""

    model_config = ConfigDict(extra="ignore")

    verdict: Literal["true", "false_positive", "missed", "corrected"]
    cause: Cause | None = None
    pattern: Pattern | None = None
    words: str = ""


class CloseArgs(BaseModel):
    """Drafts the comment that breaks like these were closed with; it waits for approval."""

    model_config = ConfigDict(extra="ignore")


DEEDS: Final[Mapping[str, type[BaseModel]]] = {
    "revise_draft": ReviseArgs,
    "propose_tag": TagArgs,
    "propose_close": CloseArgs,
}
"""Each deed's name, as the model calls it, and what it takes."""


@cache
def deed_schemas() -> list[dict[str, Any]]:
    """The assistant's own tools in OpenAI's form."""
    out = []
    for name, args in DEEDS.items():
        form = args.model_json_schema()
        says = form.pop("description", "")
        form.pop("title", None)
        out.append({"type": "function", "function": {"name": name, "description": says, "parameters": form}})
    return out


async def do_deed(turn: Turn, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Does a deed and says what came of it; raises ValidationError or ToolFault, which the model is told."""
    given = DEEDS[name].model_validate(dict(args))
    match given:
        case ReviseArgs():
            return await _revise(turn)
        case TagArgs():
            return _propose_tag(turn, given)
        case _:
            return _propose_close(turn)


async def _revise(turn: Turn) -> dict[str, Any]:
    """By the operator's own words, never the model's: a draft is not steered by what a model read somewhere."""
    from agents.graph import redraft

    if turn.by.role == "viewer":
        msg = f"{turn.by.name} may look but not revise; ask an operator"
        raise ToolFault(msg)
    made: list[str] = []
    for known in turn.cases:
        worked = await redraft(turn.desk, known.case.id, turn.question, turn.by)
        for action_id in worked.action_ids:
            action = turn.desk.ledger.get(action_id)
            if action.state == "pending":
                made.append(action_id)
                turn.tell({"do": "revised", "action_id": action_id, "kind": action.kind, "payload": action.payload})
    if not made:
        return _note("There is no open draft to revise.")
    count = "The draft is" if len(made) == 1 else "The drafts are"
    statement = f"{count} revised and waiting for approval: {', '.join(made)}."
    return _note(statement, action_ids=made)


def _propose_tag(turn: Turn, given: TagArgs) -> dict[str, Any]:
    words = {
        "true": "a true break",
        "false_positive": "a false positive",
        "missed": "missed",
        "corrected": "corrected to " + " and ".join(v.replace("_", " ") for v in (given.pattern, given.cause) if v),
    }[given.verdict]
    for known in turn.cases:
        tag = {
            "do": "tag",
            "case_id": known.case.id,
            "verdict": given.verdict,
            "pattern": given.pattern,
            "cause": given.cause,
            "note": turn.question,
        }
        turn.tell(tag)
    statement = f"I propose to tag it as {words}. It is saved when you confirm; the preview shows what it would change."
    return _note(statement, verdict=given.verdict)


def _propose_close(turn: Turn) -> dict[str, Any]:
    if turn.by.role == "viewer":
        msg = f"{turn.by.name} may look but not draft; ask an operator"
        raise ToolFault(msg)
    lines: list[str] = []
    for known in turn.cases:
        action = draft_close(turn.desk, known, turn.by)
        if action is None or known.consensus is None:
            lines.append(f"For case {known.case.id} no resolution like it is known, so there is no comment to reuse.")
            continue
        turn.tell({"do": "drafted", "action_id": action.id, "kind": action.kind, "payload": action.payload})
        lines.append(
            f"{known.consensus.statement()}: «{known.consensus.comment}». "
            f"The comment is drafted as {action.id} and waiting for approval."
        )
    return _note(" ".join(lines))


def _note(statement: str, **values: Any) -> dict[str, Any]:
    return {"id": "note", "kind": "action", "statement": statement, "values": values}
