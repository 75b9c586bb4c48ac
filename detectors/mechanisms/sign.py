"""Sign reversed: one side is exactly the other's opposite."""

from collections.abc import Iterator

import numpy as np

from detectors.digits import digit_count
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair:
        return
    off = np.abs(table.left + table.right)
    passed = table.both & ((table.left > 0) != (table.right > 0)) & (off <= table.noise)
    chance = table.coincidence(table.left) * (2 * np.minimum(off, table.noise) + 1)
    for i in np.flatnonzero(table.believable(passed, chance, digit_count(table.left))):
        yield int(i), _proof(table, int(i), float(chance[i]))


def _proof(table: Breaks, i: int, chance: float) -> Proof:
    same = "the same amount" if table.left[i] == -table.right[i] else "the same amount within tolerance"
    statement = (
        f"{table.left_name} has {table.figure(table.left[i])} and {table.right_name} "
        f"{table.figure(table.right[i])}: {same} with the sign reversed, "
        f"so the difference is twice the amount."
    )
    return Proof("sign_flip", "sign", statement, chance, table.suspect(i), values=table.values(i))
