"""What travels along the graph: ids and small typed values; the case itself stays in the store."""

from typing import Literal, TypedDict

from pydantic import BaseModel

Source = Literal["model", "rules"]
"""Whose words they are: the chat model's, or the deterministic wording."""


class Opinion(TypedDict):
    """What one agent said of the case."""

    agent: str
    verdict: Literal["agree", "disagree", "abstain"]
    words: str
    cites: list[str]
    """Evidence ids."""
    pattern: str
    cause: str
    """Differ from the case's own only when the verdict is `disagree`."""
    source: Source
    why_rules: str
    """Why the model's words were not used; empty when they were or none was asked."""


class CaseState(TypedDict, total=False):
    """One thread: one case, from the generation of drafts at which the thread was opened."""

    case_id: str
    thread_id: str
    generation: int
    family: str
    detector: Opinion
    classifier: Opinion
    analyst: Opinion
    words_from: str
    """The decision whose note is the operator's wish for the next drafts; empty at first."""
    action_ids: list[str]
    """The drafts of this generation."""
    decision_id: str
    """The decision being carried."""
    decision: str
    """Its kind."""
    action_id: str
    """The action that it decided."""
    left_open: int
    """Drafts that still wait for a person."""


class _Opening(TypedDict):
    case_id: str


class CaseInput(_Opening, total=False):
    """What opens a thread; the case id is the only thing that Studio has to be given."""

    thread_id: str
    generation: int
    words_from: str


class Answer(BaseModel):
    """What resumes the approval: a decision that the ledger already holds, by id."""

    decision_id: str


class Settled(BaseModel):
    """What resumes the wait for a receipt: the action's state in the ledger; read again, never trusted."""

    state: str
