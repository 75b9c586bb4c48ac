"""Parquet into a raw table: every column as text, so that one set of rules reads all files."""

from pathlib import Path

import duckdb
import numpy as np

from recon.errors import UnreadableFile
from recon.reading.table import MAX_COLUMNS, RawTable, text_table


def read_parquet(path: Path, connection: duckdb.DuckDBPyConnection) -> RawTable:
    """Reads a Parquet file; its line numbers are row numbers. Raises UnreadableFile."""
    try:
        relation = connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
        names = tuple(relation.columns)
        if len(names) > MAX_COLUMNS:
            msg = f"{path.name}: {len(names):,} columns; at most {MAX_COLUMNS:,} can be read"
            raise UnreadableFile(msg)
        texts = ", ".join(f"coalesce(CAST(#{i + 1} AS VARCHAR), '') AS c{i}" for i in range(len(names)))
        table = relation.project(texts).to_arrow_table()
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:200]
        msg = f"{path.name}: the Parquet file cannot be read: {reason}"
        raise UnreadableFile(msg) from error
    n = table.num_rows
    line = np.arange(1, n + 1, dtype=np.int64)
    return RawTable(path.name, names, text_table(table.columns), line, line.copy(), None, (), (), {"rows": n})
