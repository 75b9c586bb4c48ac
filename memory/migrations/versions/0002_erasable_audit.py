"""Lets the text of an audit row be erased while its hash stays: the chain is over hashes, so it still holds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = ("n", "at", "who", "what", "target", "payload_hash", "previous", "hash")


def upgrade() -> None:
    """One column, and guards that let exactly one change pass: a body that gives way to its hash."""
    op.add_column("audit", sa.Column("body_hash", sa.String(64), nullable=True))
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _guard_sqlite(connection)
    else:
        _guard_postgres(connection)


def _guard_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER audit_no_update")
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)
    connection.exec_driver_sql(
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
        f"WHEN NOT ({same} AND NEW.body = '{{\"erased\":true}}' AND OLD.body_hash IS NULL "
        "AND NEW.body_hash IS NOT NULL) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )


def _guard_postgres(connection: sa.Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER audit_append_only ON audit")
    connection.exec_driver_sql(
        "CREATE TRIGGER audit_append_only BEFORE DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in KEPT)
    connection.exec_driver_sql(
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW "
        f"WHEN (NOT ({same} AND NEW.body = '{{\"erased\":true}}' AND OLD.body_hash IS NULL "
        "AND NEW.body_hash IS NOT NULL)) EXECUTE FUNCTION audit_append_only()"
    )
