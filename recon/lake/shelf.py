"""The shelf: the Parquet parts of one reconciliation on a file system, written once, never changed, read by ranges."""

import contextlib
import os
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from recon.errors import Damaged
from recon.lake.manifest import TOP, Part
from recon.lake.tables import is_text

ROW_GROUP: Final = 8_192
"""Rows in one row group: small enough that one series is read in milliseconds."""

PART_ROWS: Final = 1 << 20
"""Rows that one part holds at most, give or take: what a bucket of a big lake is read with."""

FEW_GROUPS: Final = 4
"""Row groups that are read on one thread: handing them out would take longer."""

MOST_FOOTERS: Final = 512
"""Footers of parts that stay at hand; parts never change."""

ORPHANED: Final = 86_400.0
"""Seconds after which a part that no manifest names is rubbish: no writer and no run holds one for so long."""


def buckets_for(rows: int, each: int = PART_ROWS) -> int:
    """How many hash buckets of at most about `each` rows: a power of two.

    >>> buckets_for(10), buckets_for(3 * PART_ROWS)
    (1, 4)
    """
    count = 1
    while rows > count * each:
        count *= 2
    return count


def spans(buckets: int) -> list[tuple[int, int]]:
    """The half-open ranges of series ids of equal buckets."""
    return [(i * TOP // buckets, (i + 1) * TOP // buckets) for i in range(buckets)]


def _write(table: pa.Table, sink: Any) -> None:
    """Amounts and moments hardly repeat: to look for a dictionary of them, and for the extremes of every column, took
    half of the writing, and doubled the file."""
    named = [name for name, kind in zip(table.schema.names, table.schema.types, strict=True) if kind == pa.int64()]
    apart = [name for name in named if name == "stamp" or name.endswith((":left", ":right"))]
    pq.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP,
        compression="lz4",
        use_dictionary=[name for name in table.schema.names if name not in apart],
        column_encoding=dict.fromkeys(apart, "DELTA_BINARY_PACKED"),
        write_statistics=False,
        write_page_checksum=True,
    )


class PartGone(Damaged):
    """A part that a manifest names is not there: it was merged into another since, or lost."""


class Shelf:
    """The folder with the parts."""

    def __init__(self, fs: Any, folder: str, clock: Callable[[], float] = time.time) -> None:
        self._fs = fs
        self._folder = folder
        self._clock = clock
        self._footers: dict[str, Any] = {}

    def write(self, table: pa.Table, scales: dict[str, int]) -> Part:
        """A new part with the rows of `table`, which are sorted by series and time; on the disk before it returns."""
        self._fs.makedirs(self._folder, exist_ok=True)
        name = f"part-{int(self._clock()):x}-{uuid.uuid4().hex}.parquet"
        try:
            with self._fs.open(f"{self._folder}/{name}", "wb") as sink:
                _write(_spelt(table), sink)
                if isinstance(self._fs, LocalFileSystem):
                    sink.flush()
                    os.fsync(sink.fileno())
        except BaseException:
            self.remove([name])
            raise
        with self._fs.open(f"{self._folder}/{name}", "rb") as source:
            footer = _checksum(source)
        ids = table.column("series").to_numpy()
        groups = tuple(int(ids[i]) for i in range(0, len(ids), ROW_GROUP))
        return Part(name, 0, None, len(ids), groups, int(ids[-1]) if len(ids) else 0, scales, footer)

    def read(self, part: Part, columns: set[str] | None = None, low: int = 0, high: int = TOP) -> pa.Table:
        """The part's rows of the series in the half-open range, with a `seq` column; only the row groups that can
        hold them are read. Raises Damaged, PartGone for a part that is not there (any more)."""
        wanted = groups_of(part, low, high)
        with self._opened(part) as source:
            footer = self._footer(part, source)
            names = [n for n in footer.schema.names if columns is None or n in columns]
            words = [n for n in names if is_text(n)]
            file = pq.ParquetFile(source, metadata=footer, read_dictionary=words, page_checksum_verification=True)
            table = (
                file.read_row_groups(wanted, columns=names, use_threads=len(wanted) > FEW_GROUPS)
                if wanted
                else file.schema_arrow.empty_table().select(names)
            )
        if part.seq is not None:
            table = table.append_column("seq", pa.array(np.full(table.num_rows, part.seq, np.int32)))
        return _within(table, low, high)

    def check(self, part: Part) -> None:
        """Opens a part and reads how many rows it has, not the rows. Raises Damaged."""
        with self._opened(part) as source:
            rows = self._footer(part, source).num_rows
        if rows != part.rows:
            raise self._damaged(part, f"{rows} rows where {part.rows} were written")

    def _damaged(self, part: Part, why: str, error: type[Damaged] = Damaged) -> Damaged:
        return error(
            f"{self._folder}/{part.name}: this part of the kept history cannot be read ({why}). Restore a backup "
            f"(`tieout restore`), or move {self._folder} away and run once with the whole history"
        )

    @contextlib.contextmanager
    def _opened(self, part: Part) -> Iterator[Any]:
        """What Parquet finds wrong with a part is said as damage; what the file system says goes on as it is."""
        try:
            with self._fs.open(f"{self._folder}/{part.name}", "rb") as source:
                yield source
        except FileNotFoundError as error:
            raise self._damaged(part, "it is not there", PartGone) from error
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise self._damaged(part, " ".join(str(error).split())[:200]) from error

    def _footer(self, part: Part, source: Any) -> Any:
        if part.name not in self._footers:
            if len(self._footers) > MOST_FOOTERS:
                self._footers.clear()
            if part.footer is not None and _checksum(source) != part.footer:
                raise self._damaged(part, "its footer is not as it was written")
            self._footers[part.name] = pq.read_metadata(source)
            source.seek(0)
        return self._footers[part.name]

    def remove(self, names: Iterable[str]) -> None:
        """Takes parts away; what is not there is as good as taken away."""
        for name in names:
            try:
                self._fs.rm_file(f"{self._folder}/{name}")
            except OSError:
                continue

    def sweep(self, named: Sequence[str]) -> int:
        """Removes old parts that none of the standing manifests names; returns how many."""
        keep = set(named)
        try:
            there = [path.rsplit("/", 1)[-1] for path in self._fs.ls(self._folder, detail=False, refresh=True)]
        except FileNotFoundError:
            return 0
        old = [name for name in there if name not in keep and _written(name) < self._clock() - ORPHANED]
        self.remove(old)
        return len(old)


def _checksum(source: Any) -> int:
    """CRC-32 of a Parquet file's footer: its length stands in the four bytes before the closing magic.

    Of a file that is cut short it is that of what is left.
    """
    ends = max(source.seek(0, os.SEEK_END) - 8, 0)
    source.seek(ends)
    source.seek(max(ends - int.from_bytes(source.read(4), "little"), 0))
    found = zlib.crc32(source.read())
    source.seek(0)
    return found


def groups_of(part: Part, low: int, high: int) -> list[int]:
    """The row groups of a part that can hold a series in the half-open range."""
    if not part.meets(low, high):
        return []
    starts = np.array(part.groups, np.uint64)
    first = int(np.searchsorted(starts, np.uint64(low), side="left"))
    last = len(starts) if high >= TOP else int(np.searchsorted(starts, np.uint64(high), side="left"))
    return list(range(max(first - 1, 0), last))


def _spelt(table: pa.Table) -> pa.Table:
    """Words as words: Parquet gives each row group a dictionary of its own, where Arrow's would stand in every one."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return table


def _within(table: pa.Table, low: int, high: int) -> pa.Table:
    """The rows of the series in the half-open range: one slice, as they are sorted by series."""
    series = table.column("series").to_numpy()
    first = int(np.searchsorted(series, np.uint64(low)))
    last = len(series) if high >= TOP else int(np.searchsorted(series, np.uint64(high)))
    return table if last - first == len(series) else table.slice(first, last - first)


def _written(name: str) -> float:
    """When a part was written, by its name; parts of the first version do not say and are never swept."""
    words = name.split("-")
    return float(int(words[1], 16)) if name.startswith("part-") and len(words) == 3 else float("inf")
