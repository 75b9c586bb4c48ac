"""The words that the queue's search looks in, in an index: SQLite reads that instead of every case.

PostgreSQL cannot: its index rows are shorter than the words of a case may be.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index, in a workspace's own database."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_cases_search", "cases", ["search", "id"])
