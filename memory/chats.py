"""Conversations about cases: who said what, and what each answer rested on. Kept here, not in checkpoints."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memory.database import Database
from memory.schema import messages
from recon.clock import Clock


@dataclass(frozen=True)
class Message:
    """One thing said."""

    n: int
    case_id: str
    role: str
    """`user` or `assistant`."""
    who: str
    text: str
    body: dict[str, Any]
    at: datetime


class Chats:
    """The messages table."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, case_id: str, role: str, who: str, text: str, body: dict[str, Any] | None = None) -> int:
        """Stores a message and gives back its number."""
        values = {
            "case_id": case_id,
            "role": role,
            "who": who,
            "text": text,
            "body": body or {},
            "at": self._clock(),
        }
        with self._db.begin() as connection:
            result = connection.execute(sa.insert(messages).values(**values))
            return int(result.inserted_primary_key[0]) if result.inserted_primary_key else 0

    def of_case(self, case_id: str, limit: int = 200) -> list[Message]:
        """The newest messages of a case, oldest first."""
        query = sa.select(messages).where(messages.c.case_id == case_id).order_by(sa.desc(messages.c.n)).limit(limit)
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return [Message(**row._asdict()) for row in reversed(rows)]
