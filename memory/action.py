"""The nouns of acting: the action, the person, the decision's outcome, the receipt and the fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from memory.canonical import parse
from memory.policy import Policy, policy_from_json
from recon.errors import BadInput, NotFound
from recon.words import ActionKind, ActionState, DecisionKind, Role

MACHINE = "tieout"
"""The maker of what no person asked for."""

ON_THE_WAY: Final[tuple[ActionState, ...]] = ("approved", "executing", "checking")
"""States in which the executor has the action in hand."""

DOOR_OF: Mapping[ActionKind, str] = {
    "jira.create": "jira",
    "jira.comment": "jira",
    "jira.transition": "jira",
    "email.send": "mail",
    "webhook.call": "webhook",
    "recon.comment": "recon",
    "task.create": "tracker",
}
"""Which door a kind leaves by; order is kept and pauses hold per door."""


@dataclass(frozen=True)
class Person:
    """Who decides, as the door (web, terminal) has established it."""

    name: str
    role: Role


@dataclass(frozen=True)
class Receipt:
    """What the outside system answered, or where the work was found."""

    reference: str
    """The ticket key, Message-ID, file name or request id."""
    url: str = ""
    detail: str = ""
    """One sentence more: adopted, assignee not set, ..."""
    extra: dict[str, Any] = field(default_factory=dict)
    """JSON-ready facts: status, attachments, the ticket that was linked."""

    def to_json(self) -> dict[str, Any]:
        return {"reference": self.reference, "url": self.url, "detail": self.detail, **self.extra}


@dataclass(frozen=True)
class Fault:
    """Why an action did not go through: a stable code and one sentence that says who can do what."""

    code: str
    sentence: str

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "sentence": self.sentence}


@dataclass(frozen=True)
class Action:
    """One drafted step to the outside and how far it has come."""

    id: str
    case_id: str
    recon: str
    kind: ActionKind
    state: ActionState
    generation: int
    """Grows with each draft and edit in its slot."""
    payload_text: str
    """The canonical JSON: the very bytes that `payload_hash` names."""
    payload_hash: str
    proposal_text: str
    """The payload as first drafted."""
    rationale: str
    scope_key: str
    source_hash: str
    amount_base: Decimal
    """In the materiality currency."""
    four_eyes: bool
    maker: str
    last_editor: str | None
    slot: str
    first_by: str | None
    """Who gave the first of two approvals on `first_hash`."""
    first_hash: str | None
    approved_hash: str | None
    approved_by: str | None
    approved_at: datetime | None
    not_before: datetime | None
    """The end of the undo window."""
    expires_at: datetime | None
    order_n: int | None
    lease_owner: str | None
    lease_until: datetime | None
    fence: int
    attempts: int
    attempted_at: datetime | None
    """Set before a call leaves, cleared when it is certain that it did not."""
    resent: int
    next_at: datetime | None
    receipt: dict[str, Any] | None
    fault: dict[str, Any] | None
    thread_id: str | None
    meta: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def payload(self) -> dict[str, Any]:
        return parse(self.payload_text)

    @property
    def proposal(self) -> dict[str, Any]:
        return parse(self.proposal_text)

    @property
    def policy(self) -> Policy:
        return policy_from_json(self.meta["policy"])

    @property
    def door(self) -> str:
        return DOOR_OF[self.kind]

    @property
    def humans(self) -> frozenset[str]:
        """The persons who had a hand in these bytes: none of them may be the second pair of eyes."""
        first = self.first_by if self.first_hash == self.payload_hash else None
        return frozenset({name for name in (self.maker, self.last_editor, first) if name and name != MACHINE})

    def to_json(self) -> dict[str, Any]:
        """The object of actions.json and of the API, without what only the screen adds."""

        def moment(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "id": self.id,
            "case_id": self.case_id,
            "recon": self.recon,
            "kind": self.kind,
            "payload": self.payload,
            "payload_hash": self.payload_hash,
            "state": self.state,
            "rationale": self.rationale,
            "four_eyes": self.four_eyes,
            "maker": self.maker,
            "last_editor": self.last_editor,
            "first_by": self.first_by,
            "approved_by": self.approved_by,
            "approved_at": moment(self.approved_at),
            "not_before": moment(self.not_before),
            "expires_at": moment(self.expires_at),
            "attempts": self.attempts,
            "receipt": self.receipt,
            "fault": self.fault,
            "created_at": moment(self.created_at),
            "updated_at": moment(self.updated_at),
        }


@dataclass(frozen=True)
class Draft:
    """What a planner or an operator asks to be drafted."""

    case_id: str
    recon: str
    kind: ActionKind
    payload: Mapping[str, Any]
    """`message_id` and `date` of a mail may be left out: the ledger fills them in."""
    rationale: str
    scope_key: str
    source_hash: str
    policy: Policy
    amount_base: Decimal = Decimal(0)
    """Sum of absolute differences in the materiality currency."""
    maker: str = MACHINE
    slot: str = ""
    """Tells two drafts of one kind in one case apart, such as two mails; a newer draft replaces its own slot's."""
    thread_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Model, prompt versions, evidence ids."""
    ready: bool = True
    """False: not yet put to a person (state `draft`)."""


@dataclass(frozen=True)
class Decision:
    """What a person decided, on which bytes."""

    id: str
    action_id: str
    case_id: str
    kind: DecisionKind
    who: str
    role: Role
    at: datetime
    seen_hash: str
    new_hash: str | None
    note: str
    carried_at: datetime | None
    """When the graph took it up; None: a sweep must still resume it."""


@dataclass(frozen=True)
class Outcome:
    """What a decision or an operation came to."""

    action: Action
    changed: bool
    """False: it was so already; nothing was written."""
    sentence: str
    decision_id: str | None = None


class StaleHash(BadInput):
    """The operator decided on bytes that are no longer the draft's (HTTP 409)."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.current_hash = action.payload_hash
        super().__init__(
            f"{action.id} has changed since you saw it: its hash is now {action.payload_hash}; "
            "look at the current draft and decide again"
        )


class WrongState(BadInput):
    """The action is past the point where this can be decided (HTTP 409)."""

    def __init__(self, action: Action, wanted: str, why: str = "") -> None:
        self.action = action
        because = why or f"it is {action.state}"
        super().__init__(f"{action.id} cannot be {wanted}: {because}")


class NotAllowed(BadInput):
    """The person's role, or the four eyes rule, forbids it (HTTP 403)."""


class NoSuchAction(NotFound):
    """No action has this id (HTTP 404)."""


class TicketExists(BadInput):
    """The scope has an open ticket, or one on its way: comment on it instead of drafting another."""

    def __init__(self, ticket: str | None, action_id: str | None) -> None:
        self.ticket = ticket
        self.action_id = action_id
        where = f"ticket {ticket}" if ticket else f"action {action_id}, which is on its way"
        super().__init__(f"this scope already has {where}; comment on it instead of opening a second one")
