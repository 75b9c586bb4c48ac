"""Mails that tell a colleague of work, without the data itself: who, what and where to look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import sqlalchemy as sa

from memory.action import MACHINE, Action, Draft, NotAllowed, Person
from memory.actions import Ledger
from memory.database import Database
from memory.policy import policy_of
from memory.schema import people
from recon.errors import BadInput
from recon.ids import short_id
from recon.recon_file import ReconFile

Reason = Literal["assigned", "mentioned", "commented", "escalated", "snooze_over", "returned"]


@dataclass(frozen=True)
class Notice:
    """One mail to one colleague. It names the case by its id and severity; never an account, amount or comment."""

    to: str
    """A mail address."""
    case_id: str
    reason: Reason
    by: str
    severity: str
    recon: str
    detail: str = ""
    """For an escalation: why. It holds dates and names, no data."""

    @property
    def slot(self) -> str:
        """Tells the ledger's drafts apart: one notice of a reason to one address."""
        return f"notice:{self.reason}:{self.to}"

    def payload(self) -> dict[str, Any]:
        """The `email.send` payload; the ledger adds Message-ID and date."""
        return {
            "to": [self.to],
            "cc": [],
            "subject": f"[{self.recon}] {self.case_id}: {self._headline()}",
            "body": self._body(),
        }

    def _headline(self) -> str:
        match self.reason:
            case "assigned":
                return "assigned to you"
            case "mentioned":
                return "you were mentioned"
            case "commented":
                return "a new note"
            case "escalated":
                return "escalated to you"
            case "snooze_over":
                return "its snooze is over"
            case "returned":
                return "it came back"
            case _:
                assert_never(self.reason)

    def _body(self) -> str:
        lines = [f"Case {self.case_id} of {self.recon}, severity {self.severity}: {self._headline()} ({self.by})."]
        if self.detail:
            lines.append(self.detail)
        lines += ["", f"Look at it: /cases/{self.case_id}", "", "This mail carries no data of the case on purpose."]
        return "\n".join(lines)


def addresses(db: Database, names: list[str]) -> Mapping[str, str]:
    """Name -> mail address of those colleagues who have one."""
    query = sa.select(people.c.name, people.c.email).where(people.c.name.in_(names), people.c.email.is_not(None))
    with db.read() as connection:
        return {row.name: row.email for row in connection.execute(query)}


def draft_notice(ledger: Ledger, notice: Notice, said: ReconFile, by: Person | None = None) -> Action | None:
    """Drafts the mail. The step of a person who may approve (`by`) approves its bytes with it, and their undo
    window stops it too; other mails wait for a decision. None where the address is no plain one.
    """
    words = [notice.slot, notice.case_id, notice.by, notice.detail]
    try:
        action = ledger.draft(
            Draft(
                case_id=notice.case_id,
                recon=notice.recon,
                kind="email.send",
                payload=notice.payload(),
                rationale=f"Tells {notice.to}: {notice.reason.replace('_', ' ')}. It carries no data of the case.",
                scope_key=short_id("N", *words),
                source_hash=short_id("N", *words),
                policy=policy_of(said),
                maker=by.name if by else MACHINE,
                slot=notice.slot,
                meta={"notice": notice.reason},
            )
        )
        if by is not None and by.role in ("approver", "admin") and action.state == "pending":
            return ledger.decide(action.id, "approve", action.payload_hash, by).action
    except (BadInput, NotAllowed):
        return None
    return action
