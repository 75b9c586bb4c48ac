"""Parquet into a raw table: every column as text, so that one set of rules reads all files."""

from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from recon.errors import UnreadableFile
from recon.reading.table import MAX_COLUMNS, RawTable, text_table

MAX_TEXT: Final = 400_000_000
"""Bytes of text that any file may unpack to; a large one to so many times its own size."""
TIMES: Final = 40
BATCH: Final = 20_000
"""Rows that are fetched at a time."""


def read_parquet(path: Path, connection: duckdb.DuckDBPyConnection) -> RawTable:
    """Reads a Parquet file; its line numbers are row numbers. Raises UnreadableFile."""
    try:
        relation = connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
        names = tuple(relation.columns)
        if len(names) > MAX_COLUMNS:
            msg = f"{path.name}: {len(names):,} columns; at most {MAX_COLUMNS:,} can be read"
            raise UnreadableFile(msg)
        texts = ", ".join(f"coalesce(CAST(#{i + 1} AS VARCHAR), '') AS c{i}" for i in range(len(names)))
        table = _fetched(path, relation.project(texts))
    except (duckdb.Error, RuntimeError) as error:  # bytes that are no text end in a bare RuntimeError
        reason = " ".join(str(error).split())[:200]
        msg = f"{path.name}: the Parquet file cannot be read: {reason}"
        raise UnreadableFile(msg) from error
    n = table.num_rows
    line = np.arange(1, n + 1, dtype=np.int64)
    return RawTable(path.name, names, text_table(table.columns), line, line.copy(), None, (), (), {"rows": n})


def _fetched(path: Path, relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows, unless a value that is stored once and repeated makes of a small file more than memory holds."""
    reader = relation.to_arrow_reader(BATCH)
    most = max(MAX_TEXT, TIMES * path.stat().st_size)
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        most -= batch.nbytes
        if most < 0:
            msg = f"{path.name}: the Parquet file unpacks to more than {TIMES} times its size; export it as CSV"
            raise UnreadableFile(msg)
    return pa.Table.from_batches(batches, reader.schema)
