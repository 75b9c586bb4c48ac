"""Erasing a key from a lake: each part that holds it is written anew without it, and the old one is removed at once."""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from recon.lake.ledger import Ledger
from recon.lake.manifest import Part
from recon.lake.shelf import Shelf


def erase_key(ledger: Ledger, shelf: Shelf, recon: str, key: Mapping[str, str], *, apply: bool) -> int:
    """How many rows hold all of these values; with `apply` they are gone when it returns.

    A reader that began before may fail once: unlike compaction, this must not leave the old parts standing.
    """
    while True:
        manifest = ledger.newest(recon)
        found = 0
        parts: list[Part] = []
        written: list[str] = []
        removed: list[str] = []
        for part in manifest.parts:
            table = shelf.read(part)
            mine = _holding(table, key)
            hits = int(pc.sum(mine).as_py() or 0)
            found += hits
            if not hits or not apply:
                parts.append(part)
                continue
            removed.append(part.name)
            rest = _with_fresh_words(table.filter(pc.invert(mine)))
            if rest.num_rows:
                fresh = replace(shelf.write(rest, part.scales), run=part.run)
                parts.append(fresh)
                written.append(fresh.name)
        if not removed:
            return found
        if ledger.publish(replace(manifest, number=manifest.number + 1, parts=tuple(parts))):
            shelf.remove(removed)
            return found
        shelf.remove(written)


def _with_fresh_words(table: pa.Table) -> pa.Table:
    """Dictionaries made anew: filtering rows leaves the words that none of them uses any more."""
    for place, name in enumerate(table.column_names):
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            table = table.set_column(place, name, column.cast(pa.string()).dictionary_encode())
    return table


def _holding(table: pa.Table, key: Mapping[str, str]) -> pa.ChunkedArray:
    mine = pa.chunked_array([pa.repeat(pa.scalar(True), table.num_rows)])
    for column, value in key.items():
        name = f"c:{column}"
        if name not in table.column_names:
            return pa.chunked_array([pa.repeat(pa.scalar(False), table.num_rows)])
        same = pc.equal(table.column(name).cast(pa.string()), value)
        mine = pc.and_(mine, pc.fill_null(same, False))
    return mine
