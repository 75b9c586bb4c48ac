"""The decisions that no graph has taken up yet, in an index: the sweep looks for them about once a second."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NOT_CARRIED = sa.text("carried_at IS NULL")


def upgrade() -> None:
    """One index over a few of the decisions."""
    op.create_index("ix_decisions_waiting", "decisions", ["at"], sqlite_where=NOT_CARRIED, postgresql_where=NOT_CARRIED)
