"""Misposting: two breaks of equal amount and opposite sign; what one key lacks the other has too much."""

from collections.abc import Iterator

import numpy as np

from detectors.chance import rarest
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.mechanisms.wording import listed
from detectors.pairs import Group, cancelling
from detectors.proof import Proof


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.panel.pair.unit not in ("money", "quantity", "other"):
        return
    groups = cancelling(table.panel, table.rows, table.noise)
    if not groups:
        return
    chance = np.array([g.chance for g in groups])
    place = {int(row): i for i, row in enumerate(table.rows)}
    for g in np.flatnonzero(rarest(chance, len(table.rows))):
        for row in groups[g].rows:
            yield place[row], _proof(table, place[row], groups[g])


def _proof(table: Breaks, i: int, group: Group) -> Proof:
    row = int(table.rows[i])
    others = tuple(r for r in group.rows if r != row)
    apart = _apart(table, group)
    mine = table.figure(table.panel.diff[row])
    within = "" if sum(int(table.panel.diff[r]) for r in group.rows) == 0 else " within tolerance"
    if len(others) == 1:
        theirs = table.figure(table.panel.diff[others[0]])
        what = f"This difference of {mine} and one of {theirs}{apart} cancel out{within}"
    else:
        theirs = listed([table.figure(table.panel.diff[r]) for r in others])
        what = f"This difference of {mine} adds up to zero with {theirs}"
    values = table.values(i) | {
        "one_sided": bool(table.left_gone[i] or table.right_gone[i]),
        "others": [table.plain(table.panel.diff[r]) for r in others],
        "shared": list(group.shared),
    }
    mechanism = "cancels" if len(others) == 1 else "sum_cancels"
    return Proof(
        "misposting",
        mechanism,
        f"{what}: one posting went to the wrong place.",
        group.chance,
        "unclear",
        others,
        values,
    )


def _apart(table: Breaks, group: Group) -> str:
    """Where the two differ, in words: `(Account 1001 and 1002)`."""
    said = []
    for header, column in table.panel.columns.items():
        if header not in group.shared:
            texts = [str(column.vocabulary[int(column.codes[r])].as_py()) for r in group.rows]
            said.append(f"{header} {' and '.join(texts)}")
    return f" ({'; '.join(said[:3])})" if said else ""
