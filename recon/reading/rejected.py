"""The rows that could not be read, in the order of their files, each with its line and why."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from recon.errors import UnreadableFile
from recon.reading.assemble import ReadPart
from recon.reading.table import row_text
from recon.rows import Reject

MAX_REJECTS: Final = 1_000_000
"""Rejected rows that are listed, some 500 bytes of memory each; with more, the file is refused as a whole."""


def rejects_of(parts: Sequence[ReadPart]) -> tuple[Reject, ...]:
    offset = 0
    found: list[Reject] = []
    count = sum(len(part.why) + len(part.part.table.rejects) for part in parts)
    if count > MAX_REJECTS:
        raise _too_many(parts, count)
    for part in parts:
        table = part.part.table
        mine = [Reject(table.name, r.line, r.ordinal + offset, r.why, r.text) for r in table.rejects]
        rows = sorted(part.why)
        texts = zip(*table.few(np.array(rows)), strict=True) if rows else ()
        for row, cells in zip(rows, texts, strict=True):
            text = row_text(cells)
            mine.append(Reject(table.name, int(table.line[row]), int(table.ordinal[row]) + offset, part.why[row], text))
        found.extend(sorted(mine, key=lambda reject: reject.row))
        offset += table.rows_in
    return tuple(found)


def _too_many(parts: Sequence[ReadPart], count: int) -> UnreadableFile:
    table, why = next((part.part.table, part.why) for part in parts if part.why or part.part.table.rejects)
    firsts = [(reject.line, reject.why) for reject in table.rejects[:1]]
    firsts += [(int(table.line[row]), why[row]) for row in sorted(why)[:1]]
    line, said = min(firsts)
    return UnreadableFile(
        f"{table.name}: line {line}: {said}; {count:,} rows cannot be read, more than the {MAX_REJECTS:,} that are "
        "listed one by one: name the right columns or formats in the recon file, or export the file anew"
    )
