"""Operators' tags: true, false positive, missed, corrected; stored, listed, expired and undone, never lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.database import Database
from memory.schema import feedback
from recon.clock import Clock
from recon.errors import BadInput, NotFound
from recon.ids import short_id
from recon.words import Verdict


@dataclass(frozen=True)
class Feedback:
    """One tag by one person."""

    id: str
    recon: str
    target_kind: Literal["case", "break"]
    target_id: str
    verdict: Verdict
    pattern: str | None
    cause: str | None
    note: str
    scope: dict[str, str]
    """`column: value` that the tag speaks for; empty: this one only."""
    features: dict[str, Any]
    """What the detectors learn from: each view's p-value and the context."""
    who: str
    at: datetime
    expires_at: datetime | None
    active: bool


@dataclass(frozen=True)
class Tag:
    """What a person says of a case or a break, before it is saved."""

    recon: str
    target_kind: Literal["case", "break"]
    target_id: str
    verdict: Verdict
    pattern: str | None = None
    cause: str | None = None
    note: str = ""
    scope: Mapping[str, str] | None = None
    features: Mapping[str, Any] | None = None
    expires_at: datetime | None = None


Preview = Callable[[Tag, list[Feedback]], dict[str, Any]]
"""What a tag would change, computed by the detectors from the tag and what is already known."""


def check_tag(tag: Tag) -> None:
    """Raises BadInput when the words are none that a tag can have."""
    if tag.verdict not in get_args(Verdict):
        msg = f"verdict: {tag.verdict!r} is none of {', '.join(get_args(Verdict))}"
        raise BadInput(msg)
    if tag.verdict == "corrected" and not (tag.pattern or tag.cause):
        msg = "corrected: say the right pattern or the right cause"
        raise BadInput(msg)


class FeedbackStore:
    """The feedback table."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, tag: Tag, who: str, *, connection: Connection | None = None) -> Feedback:
        """Stores a tag. The same person tagging the same target again replaces the former tag."""
        check_tag(tag)
        now = self._clock()
        values = {
            "id": short_id("F", tag.target_id, who, now.isoformat()),
            "recon": tag.recon,
            "target_kind": tag.target_kind,
            "target_id": tag.target_id,
            "verdict": tag.verdict,
            "pattern": tag.pattern,
            "cause": tag.cause,
            "note": tag.note,
            "scope": dict(tag.scope or {}),
            "features": dict(tag.features or {}),
            "who": who,
            "at": now,
            "expires_at": tag.expires_at,
            "active": True,
        }
        if connection is not None:
            self._insert(connection, values)
        else:
            with self._db.begin() as own:
                self._insert(own, values)
        return Feedback(**values)  # type: ignore[arg-type]

    def _insert(self, connection: Connection, values: dict[str, Any]) -> None:
        connection.execute(
            sa.update(feedback)
            .where(
                feedback.c.target_id == values["target_id"],
                feedback.c.who == values["who"],
                feedback.c.active.is_(True),
            )
            .values(active=False)
        )
        connection.execute(sa.insert(feedback).values(**values))

    def get(self, feedback_id: str) -> Feedback:
        """Raises NotFound."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(feedback).where(feedback.c.id == feedback_id)).one_or_none()
        if row is None:
            msg = f"{feedback_id}: no such tag in this workspace"
            raise NotFound(msg)
        return Feedback(**row._asdict())

    def list(
        self, *, recon: str | None = None, target_id: str | None = None, active_only: bool = True
    ) -> list[Feedback]:
        """Tags, oldest first; the expired ones are left out with the inactive."""
        query = sa.select(feedback).order_by(feedback.c.at, feedback.c.id)
        if recon:
            query = query.where(feedback.c.recon == recon)
        if target_id:
            query = query.where(feedback.c.target_id == target_id)
        if active_only:
            now = self._clock()
            query = query.where(
                feedback.c.active.is_(True),
                sa.or_(feedback.c.expires_at.is_(None), feedback.c.expires_at > now),
            )
        with self._db.read() as connection:
            return [Feedback(**row._asdict()) for row in connection.execute(query)]

    def undo(self, feedback_id: str, *, connection: Connection | None = None) -> Feedback:
        """Takes a tag back: it stays on record and teaches nothing any more. Raises NotFound."""
        before = self.get(feedback_id)
        change = sa.update(feedback).where(feedback.c.id == feedback_id).values(active=False)
        if connection is not None:
            connection.execute(change)
        else:
            with self._db.begin() as own:
                own.execute(change)
        return Feedback(**{**before.__dict__, "active": False})

    def preview(self, tag: Tag, compute: Preview) -> dict[str, Any]:
        """What the tag would change, before it is saved; `compute` is the detectors' own."""
        check_tag(tag)
        return compute(tag, self.list(recon=tag.recon))
