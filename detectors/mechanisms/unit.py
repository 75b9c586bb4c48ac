"""The price or the quantity differs: what is known of a break in such a pair when no finer test holds."""

from collections.abc import Iterator

import numpy as np

from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Cause


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    unit = table.panel.pair.unit
    if table.is_text or table.one_sided_pair or unit not in ("price", "quantity"):
        return
    cause: Cause = "price" if unit == "price" else "quantity"
    for i in np.flatnonzero(table.both):
        statement = (
            f"The {cause} is {table.figure(table.left[i])} on {table.left_name} and "
            f"{table.figure(table.right[i])} on {table.right_name}."
        )
        yield int(i), Proof(cause, "unit", statement, 1.0, table.suspect(int(i)), values=table.values(int(i)))
