"""The first schema."""

from alembic import op

from memory.schema import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes every table."""
    metadata.create_all(op.get_bind())
