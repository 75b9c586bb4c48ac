"""A queued run keeps what was asked and who works on it until when: another server takes up what a dead one left."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns; runs from before have no lease and are nobody's to take up."""
    op.add_column("runs", sa.Column("asked", sa.JSON(), nullable=True))
    op.add_column("runs", sa.Column("lease_owner", sa.String(80), nullable=True))
    op.add_column("runs", sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
