"""Reference data: the two sides name different things (a CUSIP, a date, a book) for the same item."""

from collections.abc import Iterator

import numpy as np

from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if not table.is_text or table.one_sided_pair:
        return
    differs = ~table.left_gone & ~table.right_gone & (table.left != table.right)
    for i in np.flatnonzero(differs):
        yield int(i), _proof(table, int(i))


def _proof(table: Breaks, i: int) -> Proof:
    name = table.panel.pair.name
    statement = (
        f"{name} is {table.figure(table.left[i])} on {table.left_name} and {table.figure(table.right[i])} on "
        f"{table.right_name}."
    )
    return Proof("reference_data", "text_differs", statement, 0.0, "unclear", values=table.values(i) | {"pair": name})
