"""Writes the migration from the last released schema to memory/schema.py as it stands: read what it wrote."""

import sys
import tempfile
from pathlib import Path

from memory.database import Database, alembic_config, revisions


def write(name: str) -> None:
    """The next file in versions/, from the difference between a database of the last one and the tables."""
    from alembic import command

    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'last.db'}")
        db.upgrade()
        config = alembic_config()
        with db.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, name, autogenerate=True, rev_id=f"{int(revisions()[-1]) + 1:04}")
        db.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name it: make migration NAME=what_it_does")
    write(sys.argv[1])
