"""What the graph asks of the ledger beyond its own verbs: one decision by id."""

import sqlalchemy as sa

from memory.action import Decision
from memory.database import Database
from memory.schema import decisions
from recon.errors import NotFound


def decision_of(db: Database, decision_id: str) -> Decision:
    """Raises NotFound: a thread is never resumed by a decision that was not stored."""
    with db.read() as connection:
        row = connection.execute(sa.select(decisions).where(decisions.c.id == decision_id)).mappings().first()
    if row is None:
        msg = f"{decision_id}: the ledger holds no such decision"
        raise NotFound(msg)
    return Decision(**{name: value for name, value in row.items() if name != "payload"})
