"""The bench: the stores that read-only tools look into, and the case that they are asked about."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from memory.actions import Ledger
from memory.cases import CaseStore
from memory.database import Database
from memory.resolutions import Resolutions
from recon.case import BreakRow, Case
from recon.errors import Damaged, TieoutError
from recon.ids import series_hashes, text_hashes
from recon.series import SeriesHistory, SeriesSource

log = logging.getLogger(__name__)


class ToolFault(TieoutError):
    """What was asked cannot be answered as asked; the message tells a model or a person how to ask."""


@dataclass(frozen=True)
class Bench:
    """Everything a tool may read. No tool has more, and none writes."""

    db: Database
    cases: CaseStore
    ledger: Ledger
    resolutions: Resolutions
    lake: SeriesSource
    case: Case
    breaks: tuple[BreakRow, ...]
    left: str
    right: str
    today: date

    def break_of_row(self, row: int | None) -> BreakRow:
        """The case's break of a tieout_row, or its strangest. Raises ToolFault naming the rows there are."""
        if not self.breaks:
            msg = "the case has no breaks any more"
            raise ToolFault(msg)
        if row is None:
            return max(self.breaks, key=lambda b: (b.score, -b.row))
        for b in self.breaks:
            if b.row == row:
                return b
        rows = ", ".join(str(b.row) for b in self.breaks[:20])
        msg = f"row {row} is none of this case's rows; they are {rows}"
        raise ToolFault(msg)

    def series_of(self, brk: BreakRow) -> SeriesHistory | None:
        """All known days of the break's series; None when the lake has none.

        Raises ToolFault where they cannot be read; which file it is, is for the log and not for a model.
        """
        try:
            return self.lake.series(self.case.recon, brk.pair, series_number(brk.key))
        except Damaged as damaged:
            log.warning("%s", damaged)
            msg = "The kept history cannot be read now; what this case's own rows and evidence say still holds"
            raise ToolFault(msg) from damaged


def series_number(key: Mapping[str, str]) -> int:
    """The id of the series of a key; columns in the reconciliation's own key order."""
    columns: list[tuple[np.ndarray[tuple[int], np.dtype[np.int32]], np.ndarray[tuple[int], np.dtype[np.uint64]]]] = []
    for value in key.values():
        columns.append((np.zeros(1, np.int32), text_hashes(pa.array([value]))))
    return int(series_hashes(columns, 1)[0])


def where(keys: Sequence[tuple[str, str]]) -> str:
    """Column values as words: «Account 1619205, Currency USD»."""
    return ", ".join(f"{column} {value}" for column, value in keys)
