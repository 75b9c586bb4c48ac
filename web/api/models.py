"""What the API answers and takes: pydantic at the door, in the words of PRODUCT.md."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from memory.action import Action
from memory.cases import CaseEvent, CaseRecord
from recon.case import BreakRow
from recon.words import ActionState, AnomalyAnswer, CaseKind, CaseState, Severity, Side, Verdict


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = "holds half a character (a lone surrogate)"
        raise ValueError(msg) from None
    if "\x00" in text:
        msg = "holds a NUL character"
        raise ValueError(msg)
    return text


Words = Annotated[str, AfterValidator(_unicode)]
Note = Annotated[Words, Field(max_length=4000)]
Name = Annotated[Words, Field(min_length=1, max_length=200)]
Ident = Annotated[Words, Field(min_length=1, max_length=80)]


class Strict(BaseModel):
    """A body that refuses words it does not know."""

    model_config = ConfigDict(extra="forbid")


class ScopeOut(BaseModel):
    column: str
    value: str


class EvidenceOut(BaseModel):
    id: str
    kind: str
    statement: str
    values: dict[str, Any]


class HypothesisOut(BaseModel):
    cause: str
    statement: str
    confidence: float
    evidence_ids: list[str]


class SimilarOut(BaseModel):
    resolution_id: str
    score: float
    outcome: str
    comment: str
    date: str


class CaseOut(BaseModel):
    """A case: the object of cases.json with what the desk adds to it."""

    id: str
    kind: CaseKind
    state: CaseState
    title: str
    recon: str
    pattern: str
    cause: str
    cause_detail: str
    confidence: float
    severity: Severity
    scope: list[ScopeOut]
    break_count: int
    amount: str = Field(description="Sum of the absolute differences, decimal text.")
    currency: str
    onset: date | None
    rows: list[int]
    evidence: list[EvidenceOut]
    hypotheses: list[HypothesisOut]
    suspect_side: Side
    similar: list[SimilarOut]
    summary: str
    actions: list[str] = Field(description="Ids of its actions.")
    owner: str | None
    due_on: date | None
    snooze_until: date | None
    score: float
    version: int = Field(description="Grows with every change; send it back to be told when somebody was faster.")
    created_at: datetime
    updated_at: datetime


def case_out(record: CaseRecord, actions: tuple[str, ...] = ()) -> CaseOut:
    """A record as the API gives it."""
    return CaseOut.model_validate(
        {
            **record.case.to_json(actions),
            "owner": record.owner,
            "due_on": record.due_on,
            "snooze_until": record.snooze_until,
            "score": record.score,
            "version": record.version,
            "created_at": record.created_at,
            "updated_at": record.updated_at,
        }
    )


class CasePageOut(BaseModel):
    items: list[CaseOut]
    next_cursor: str | None = Field(description="Give it back as `cursor` for the next page; null on the last.")


class BreakOut(BaseModel):
    """One finding of a case."""

    break_id: str
    item_id: str
    row: int
    business_date: date | None
    pair: str
    key: dict[str, str]
    columns: dict[str, str]
    left: str | None
    right: str | None
    difference: str
    currency: str | None
    is_break: bool
    anomaly: AnomalyAnswer
    score: float
    pvalue: float | None
    expected: float | None
    low: float | None
    high: float | None
    pattern: str
    cause: str
    reason: str
    comment: str


def break_out(brk: BreakRow) -> BreakOut:
    """A break as the API gives it."""
    return BreakOut.model_validate(brk, from_attributes=True)


class BreakPageOut(BaseModel):
    items: list[BreakOut]
    next_cursor: str | None


class WorthOut(BaseModel):
    """A break that was not flagged, and whose tag would teach."""

    case_id: str
    brk: BreakOut


class PointOut(BaseModel):
    """One day of a series; null where nothing is known."""

    day: date
    value: float | None
    text: str = Field(description="The exact difference as decimal text.")
    expected: float | None
    low: float | None
    high: float | None
    left: float | None
    right: float | None
    is_break: bool
    anomaly: bool
    in_case: bool


class MarkOut(BaseModel):
    day: date
    kind: Literal["comment", "ticket", "email", "decision", "promise"]
    text: str


class SeriesOut(BaseModel):
    name: str
    unit: str
    onset: date | None
    left_name: str
    right_name: str
    points: list[PointOut]
    marks: list[MarkOut]


class EventOut(BaseModel):
    """One line of a case's history."""

    n: int
    at: datetime
    who: str
    kind: str
    body: dict[str, Any]
    undo_id: str | None = Field(description="What `POST /undo/{id}` takes; null when it cannot be undone.")


def event_out(event: CaseEvent) -> EventOut:
    """A history line as the API gives it."""
    undo = f"ev-{event.n}" if event.undo and event.undone_at is None else None
    return EventOut(n=event.n, at=event.at, who=event.who, kind=event.kind, body=event.body, undo_id=undo)


class CasePatch(Strict):
    """A change of a case. Several words at once are done in the order owner, state, due."""

    owner: Name | None = Field(default=None, description="A name; `-` passes the case back to nobody.")
    state: CaseState | None = None
    snooze_until: date | None = Field(default=None, description="Snoozes until this day.")
    due_on: date | None = None
    escalate: bool = False
    note: Note = ""
    version: int | None = Field(default=None, ge=0, description="The version you saw; 409 when it is no longer so.")


class FeedbackIn(Strict):
    verdict: Verdict
    note: Note = ""
    pattern: Annotated[Words, Field(max_length=64)] | None = None
    cause: Annotated[Words, Field(max_length=64)] | None = None
    whole_scope: bool = Field(default=False, description="It speaks for the case's whole scope.")
    expires_days: int | None = Field(default=None, ge=1, le=3650)
    on: date | None = Field(
        default=None, description="It speaks of this day of the case's main series, flagged or not, as `missed` would."
    )
    preview: bool = Field(default=False, description="True: only say what it would change; nothing is saved.")


class FeedbackOut(BaseModel):
    saved: bool
    id: str | None = Field(description="Its id, for undo; null for a preview.")
    verdict: Verdict
    would_change: dict[str, Any] = Field(description="The blast radius: what else the tag changes.")


class BulkIn(Strict):
    """One deed on many cases. Without `apply` nothing is written."""

    ids: list[Ident] = Field(min_length=1, max_length=1000)
    do: Literal[
        "assign", "unassign", "snooze", "in_review", "waiting", "escalate", "resolve", "reopen", "close", "approve",
        "false_positive", "true",
    ]  # fmt: skip
    owner: Name | None = None
    until: date | None = None
    note: Note = ""
    apply: bool = False


class DoneOut(BaseModel):
    id: str
    ok: bool
    sentence: str
    undo_id: str | None = None


class BulkOut(BaseModel):
    applied: bool
    results: list[DoneOut]


class UndoOut(BaseModel):
    ok: bool
    sentence: str


class ActionOut(BaseModel):
    """A drafted action and how far it has come."""

    id: str
    case_id: str
    recon: str
    kind: str
    payload: dict[str, Any]
    payload_hash: str = Field(description="SHA-256 of the RFC 8785 canonical JSON of `payload`.")
    state: ActionState
    rationale: str
    four_eyes: bool
    maker: str
    last_editor: str | None
    first_by: str | None
    approved_by: str | None
    approved_at: datetime | None
    not_before: datetime | None
    expires_at: datetime | None
    attempts: int
    receipt: dict[str, Any] | None
    fault: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


def action_out(action: Action) -> ActionOut:
    """An action as the API gives it."""
    return ActionOut.model_validate(action.to_json())


class ActionPageOut(BaseModel):
    items: list[ActionOut]
    next_cursor: str | None


class DoorOut(BaseModel):
    """A door by which approved actions leave."""

    name: str
    shut: bool
    paused: bool = Field(description="True: a person must act (a token expired). False: it is tried again by itself.")
    sentence: str = Field(description="Why it is shut; empty when it is open.")
    since: datetime | None
    next_at: datetime | None = Field(description="When it is tried again.")
    waiting: int = Field(description="Approved actions that have not left by it yet.")


class DoorPageOut(BaseModel):
    items: list[DoorOut]


class DryRunOut(BaseModel):
    door: str
    leaves: str = Field(description="The request or the letter as it would stand on the wire, without credentials.")


class OutcomeIn(Strict):
    """What a person found out, or wants, after a fault: the three buttons."""

    outcome: Literal["found", "send_again", "give_up"]
    reference: Annotated[Words, Field(max_length=500, description="For `found`: the ticket key, the Message-ID.")] = ""
    note: Note = ""


class DecisionIn(Strict):
    """What a person decides, on exactly the bytes they saw."""

    decision: Literal["approve", "edit", "reject", "respond"]
    payload_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    payload: dict[str, Any] | None = None
    note: Note = ""


class DecisionOut(BaseModel):
    action: ActionOut
    changed: bool = Field(description="False: it was so already; nothing was written.")
    sentence: str


class RunOut(BaseModel):
    id: str
    recon: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    business_date: date | None
    files: list[dict[str, Any]]
    counts: dict[str, int]
    progress: dict[str, Any]
    error: str | None
    requested_by: str | None
    findings: list[dict[str, Any]] | None = Field(default=None, description="What the import doctor found.")


class RunPageOut(BaseModel):
    items: list[RunOut]


class BreaksIn(Strict):
    """Rows as they happen."""

    recon: Name
    rows: list[dict[str, str | int | float | bool | None]] = Field(min_length=1, max_length=5000)


class BreaksOut(BaseModel):
    run_id: str
    counts: dict[str, int]
    case_ids: list[str]
    rows: list[dict[str, Any]] = Field(description="Each row with its `tieout_` columns, as in breaks.csv.")


class ReconOut(BaseModel):
    name: str
    recon: dict[str, Any] = Field(description="The recon file as JSON.")
    layout: dict[str, Any] | None = Field(description="Which column plays which role, as last read.")
    updated_at: datetime
    updated_by: str | None


class ReconNamesOut(BaseModel):
    items: list[str]


class ResolutionOut(BaseModel):
    id: str
    recon: str
    business_date: date | None
    comment: str
    pattern: str
    cause: str
    action: str
    outcome: str
    source: str


class ResolutionPageOut(BaseModel):
    items: list[ResolutionOut]
    next_cursor: str | None


class ResolutionIn(Strict):
    recon: Name
    comment: Annotated[Words, Field(min_length=1, max_length=8000)]
    business_date: date | None = None
    pattern: Annotated[Words, Field(max_length=64)] = ""
    cause: Annotated[Words, Field(max_length=64)] = ""
    action: Note = ""
    outcome: Literal["resolved", "reopened", "rejected", "unknown"] = "unknown"
    key: dict[Words, Words] = {}


class ResolutionsIn(Strict):
    items: list[ResolutionIn] = Field(min_length=1, max_length=5000)


class LearnedOut(BaseModel):
    added: int
    given: int


class AuditRowOut(BaseModel):
    n: int
    at: datetime
    who: str
    what: str
    target: str
    payload_hash: str | None
    body: dict[str, Any]
    previous: str
    hash: str


class AuditPageOut(BaseModel):
    items: list[AuditRowOut]
    next_cursor: str | None
    head: str


class MeOut(BaseModel):
    name: str
    role: str
    auth: str


class TokenIn(Strict):
    person: Name
    role: Literal["viewer", "operator", "approver", "admin"] = "operator"
    days: int = Field(default=90, ge=1, le=400)


class TokenMadeOut(BaseModel):
    token: str = Field(description="Shown this once; only its hash is kept.")
    person: str
    role: str


class TokenOut(BaseModel):
    id: str
    person: str
    role: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenPageOut(BaseModel):
    items: list[TokenOut]


class ChatIn(Strict):
    question: Annotated[Words, Field(min_length=1, max_length=4000)]
    cases: list[Ident] = Field(
        default=[], max_length=50, description="Further cases: the question is over all of them."
    )


class MessageOut(BaseModel):
    n: int
    role: Literal["user", "assistant"]
    who: str
    text: str
    body: dict[str, Any]
    at: datetime


class MessagePageOut(BaseModel):
    items: list[MessageOut]


class ReadyOut(BaseModel):
    ready: bool
    checks: dict[str, str] = Field(description="Each part and `ok`, or what is missing.")


class HealthOut(BaseModel):
    status: Literal["ok"]
