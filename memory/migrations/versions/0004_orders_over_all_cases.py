"""Orders over every case, closed ones too: without them the whole queue and the API's plain list sort all rows."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three indexes beside those over open cases."""
    op.create_index("ix_cases_all_severity", "cases", ["severity", "amount_base", "id"])
    op.create_index("ix_cases_all_recon", "cases", ["recon", "severity", "amount_base", "id"])
    op.create_index("ix_cases_all_amount", "cases", ["amount_base", "id"])
