"""A PostgreSQL database as one file a table, in one snapshot, and back into an empty one: no pg_dump is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from memory.database import Database
from memory.schema import metadata
from recon.errors import BadInput

CHUNK = 1 << 20


def dump(db: Database, folder: Path) -> Iterator[tuple[str, Path]]:
    """Writes every table of ours into `folder`, all as of one moment, and yields (name, path).

    Threads of the graph are left out: the ledger is the truth, and they are taken up anew from it.
    """
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        driver: Any = connection.connection.driver_connection
        for table in metadata.sorted_tables:
            path = folder / f"{table.name}.copy"
            columns = ", ".join(f'"{c.name}"' for c in table.columns)
            with path.open("wb") as out, driver.cursor().copy(f'COPY "{table.name}" ({columns}) TO STDOUT') as rows:
                for data in rows:
                    out.write(data)
            yield path.name, path


def load(db: Database, folder: Path, revision: str) -> None:
    """Fills a database that has no tables and no other user; all of it or nothing. Raises BadInput."""
    with db.read() as connection:
        if sa.inspect(connection).get_table_names():
            msg = "TIEOUT_DATABASE_URL: this database holds tables already; restore into an empty one"
            raise BadInput(msg)
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        if connection.exec_driver_sql(others).scalar_one():
            msg = "TIEOUT_DATABASE_URL: a server is using this database; stop it, then restore"
            raise BadInput(msg)
    db.upgrade(revision)
    with db.begin() as connection:
        driver: Any = connection.connection.driver_connection
        for table in metadata.sorted_tables:
            path = folder / f"{table.name}.copy"
            if path.is_file():
                _fill(driver, table, path)
                _count_on(connection, table)


def _fill(driver: Any, table: sa.Table, path: Path) -> None:
    columns = ", ".join(f'"{c.name}"' for c in table.columns)
    with path.open("rb") as source, driver.cursor().copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as rows:
        while data := source.read(CHUNK):
            rows.write(data)


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Numbers given by the database go on after the largest one."""
    key = table.autoincrement_column
    if key is None or key.autoincrement is False:
        return
    found = connection.execute(
        sa.text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": key.name}
    ).scalar()
    if found is not None:
        largest = connection.execute(sa.select(sa.func.max(key))).scalar()
        connection.execute(
            sa.text("SELECT setval(:name, :value, :called)"),
            {"name": found, "value": largest or 1, "called": largest is not None},
        )
