"""Runs migrations on the connection that `Database.upgrade` hands over, inside its transaction."""

from alembic import context

from memory.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
