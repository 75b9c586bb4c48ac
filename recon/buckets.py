"""The buckets of one run: current rows staged in the lake, history beside them, each loaded where it is judged.

What is sent to a worker is only where things lie (`Place`); the worker reads its own bucket from the lake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.lake.arriving import Loose
from recon.lake.lake import Lake
from recon.lake.shelf import buckets_for, spans
from recon.panel import Panel
from recon.panels import KnownAnomalies, Shared, bucket_panels
from recon.recon_file import ReconFile
from recon.rows import Layout, Reading, take

BUCKET_ROWS = 1 << 21
"""Rows that one bucket holds at most, give or take, history and current together."""


@dataclass(frozen=True)
class Bucket:
    """One bucket of a run, loaded."""

    panels: tuple[Panel, ...]
    history: Reading | None
    """Its past rows; `source` of a past panel row is a position in them, of a current one in the whole reading."""

    def __sizeof__(self) -> int:
        """Bytes: what an engine weighs before it moves a bucket rather than waits for whoever holds it."""
        return _bytes_of([self.panels, self.history], set())


def _bytes_of(held: object, seen: set[int]) -> int:
    """The bytes of all arrays within, each counted once."""
    if id(held) in seen:
        return 0
    seen.add(id(held))
    if isinstance(held, (np.ndarray, pa.Array, pa.ChunkedArray, pa.Table)):
        return int(held.nbytes)
    if isinstance(held, (list, tuple)):
        return sum(_bytes_of(one, seen) for one in held)
    if isinstance(held, dict):
        return sum(_bytes_of(one, seen) for one in held.values())
    if is_dataclass(held):
        return sum(_bytes_of(getattr(held, field.name), seen) for field in fields(held))
    return 0


@dataclass(frozen=True)
class Place:
    """Where the rows of a run lie. Small: it is sent with every task."""

    url: str
    recon: str
    layout: Layout
    said: ReconFile
    known: KnownAnomalies | None
    current: Loose
    history: Loose | None
    """History that came in files; None: the lake's own."""
    before_hashes: tuple[str, ...]
    until: int | None
    """The newest day of history from the lake that may be seen."""
    shared: tuple[Shared, ...]
    """What the whole current reading says of each pair."""
    rows: int
    """About how many there are, past and current."""

    buckets: int
    """How many buckets they are dealt to; `buckets_of` says how many there should be."""

    def load(self, bucket: int) -> Bucket:
        """Reads one bucket from the lake and sorts it into panels."""
        lake, span = Lake(self.url), spans(self.buckets)[bucket]
        current, at = lake.loose(self.recon, self.layout, self.current, span)
        history = self._past(lake, span)
        panels = bucket_panels(current, history, self.said, self.known, self.shared)
        return Bucket(tuple(_placed(panel, at) for panel in panels), history)

    def _past(self, lake: Lake, span: tuple[int, int]) -> Reading | None:
        if self.history is not None:
            return lake.loose(self.recon, self.layout, self.history, span)[0]
        found = lake.history(self.recon, self.layout, before_hashes=self.before_hashes, span=span)
        return found if found is None or self.until is None else seen_until(found, self.until)


def seen_until(history: Reading, day: int) -> Reading:
    """History without the days after `day`: a replay must not see them."""
    known = history.rows.day <= day
    return history if known.all() else take(history, np.flatnonzero(known))


def buckets_of(rows: int) -> int:
    """How many buckets a run of so many rows has."""
    return buckets_for(rows, BUCKET_ROWS)


def _placed(panel: Panel, at: npt.NDArray[np.int64]) -> Panel:
    """With `source` of current rows as positions in the whole current reading."""
    if not len(at):
        return panel
    return replace(panel, source=np.where(panel.current, at[np.where(panel.current, panel.source, 0)], panel.source))


def together(parts: Sequence[Reading | None]) -> Reading | None:
    """The readings of several buckets as one, for their comments and positions; None when there are none."""
    there = [part for part in parts if part is not None and part.rows.n]
    if not there:
        return None
    first = there[0]
    n = sum(part.rows.n for part in there)
    rows = replace(
        first.rows,
        n=n,
        file=np.zeros(n, np.int16),
        line=np.zeros(n, np.int64),
        row=np.arange(1, n + 1),
        day=np.concatenate([part.rows.day for part in there]),
        stamp=None,
        columns={},
        pairs=(),
        comment=pa.concat_arrays([part.rows.comment for part in there]),
    )
    return replace(first, rows=rows, rows_in=n)
