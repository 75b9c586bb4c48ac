"""Compaction: runs of like size become one run of hash buckets, so that a series is never far to read."""

import math
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from recon.lake.manifest import Manifest, Part
from recon.lake.shelf import ROW_GROUP, Shelf, buckets_for, spans
from recon.lake.tables import alive, last_word, rescaled

FAN: Final = 4
"""Runs of one size class before they are merged: a row is rewritten once per class, each four times the last, and
a series lies in at most about three runs per class (tiered compaction, as in log-structured merge trees)."""


def compacted(shelf: Shelf, manifest: Manifest, *, whole: bool = False) -> tuple[list[Part], list[Part]] | None:
    """(the parts that were merged, the parts that take their place), written aside; None when nothing is due.

    What an older run holds and these took back, their tombstones still hide. One bucket at a time is in memory.
    A crash leaves parts that no manifest names; they are swept later.
    """
    old = list(manifest.parts) if whole else _due(manifest.parts)
    if not old or (whole and len({p.run for p in old}) == 1):
        return None
    scales: dict[str, int] = {}
    for part in old:
        scales |= {pair: max(scale, scales.get(pair, 0)) for pair, scale in part.scales.items()}
    new: list[Part] = []
    try:
        for low, high in spans(buckets_for(sum(p.rows for p in old))):
            tables = [rescaled(shelf.read(p, None, low, high), p.scales, scales) for p in old if p.meets(low, high)]
            merged = last_word(pa.concat_tables(tables, promote_options="default")) if tables else None
            if merged is not None and len(old) == len(manifest.parts):
                # nothing older is left that a tombstone could still hide
                merged = alive(merged)
            if merged is not None and merged.num_rows:
                new.append(shelf.write(merged, scales))
    except BaseException:
        shelf.remove([p.name for p in new])
        raise
    return old, new


def _due(parts: Sequence[Part]) -> list[Part]:
    """The parts of every run up to the smallest size class that is full."""
    rows: dict[int, int] = {}
    for part in parts:
        rows[part.run] = rows.get(part.run, 0) + part.rows
    size = {run: int(math.log(max(n / ROW_GROUP, 1.0), FAN)) for run, n in rows.items()}
    for level in sorted(set(size.values())):
        if sum(of == level for of in size.values()) >= FAN:
            return [p for p in parts if size[p.run] <= level]
    return []
