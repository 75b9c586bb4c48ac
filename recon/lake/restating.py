"""Restating: when a later file has the word on a whole day of an earlier one, rows that it dropped included.

A file restates another's day when it names more than half of the keys (and times) of which the other has the last
word on that day. What it does not name of them is dropped then: a corrected file that leaves a row out takes it back.
A file that shares few or none of them is another part of the same day (a desk, a currency), and both stand; where
single keys meet, the later one still has the last word on them. Undated rows restate nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.lake.manifest import Manifest
from recon.lake.shelf import Shelf
from recon.lake.tables import DROPPED, alive, last_word, moment_of, tombstones
from recon.rows import NO_DAY

COLUMNS: Final = {"series", "day", "stamp", "seq", DROPPED}


def taken_back(shelf: Shelf, manifest: Manifest, days: Iterable[int], fresh: Sequence[pa.Table]) -> pa.Table | None:
    """Tombstones of what the rows of `fresh` restate and do not name; None for none. Reads only days met again."""
    mine = set(days) - {int(NO_DAY)}
    met = {a.seq for a in manifest.arrivals if a.days is None or mine & set(a.days)}
    if not met or not fresh:
        return None
    tables = [
        _of_days(shelf.read(part, COLUMNS), mine) for part in manifest.parts if part.seq is None or part.seq in met
    ]
    if not any(t.num_rows for t in tables):
        return None
    known = alive(last_word(pa.concat_tables(tables, promote_options="default")))
    new = np.unique(np.concatenate([_moments(_of_days(t, mine)) for t in fresh]))
    named = np.isin(_moments(known), new)
    gone = known.filter(pa.array(~named & _restated(known, named)))
    if not gone.num_rows:
        return None
    stamp = moment_of(gone) if "stamp" in gone.column_names else None
    return tombstones(gone.column("series").to_numpy(), gone.column("day").to_numpy(), stamp)


def _of_days(table: pa.Table, days: set[int]) -> pa.Table:
    return table.filter(pa.array(np.isin(table.column("day").to_numpy(), np.array(sorted(days), np.int32))))


def _moments(table: pa.Table) -> npt.NDArray[np.uint64]:
    """One number for each row's key and time."""
    with np.errstate(over="ignore"):
        spread = np.uint64(0x9E3779B97F4A7C15)
        series = table.column("series").to_numpy()
        return np.asarray(series * spread + moment_of(table).view(np.uint64), dtype=np.uint64)


def _restated(known: pa.Table, named: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows of an arrival and day of which more than half of the rows are named."""
    seq = known.column("seq").to_numpy().astype(np.int64)
    day = known.column("day").to_numpy().astype(np.int64)
    _, which = np.unique((seq << 32) | (day & 0xFFFFFFFF), return_inverse=True)
    held, met = np.bincount(which), np.bincount(which, weights=named)
    return np.asarray((2 * met > held)[which])
