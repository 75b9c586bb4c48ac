"""Recognises an item whose key was misspelt or renamed: it disappears under one key and stands under another."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detectors.identity import likeness

CLOSE: Final = 0.6
"""Share of the key that must have stayed."""

TELLING_DIGITS: Final = 4
"""Significant digits from which an amount alone tells two breaks apart."""

MOST: Final = 5000
"""More candidates than this on one side are no drifted keys but another file."""


@dataclass(frozen=True)
class Stand:
    """A break under a key: what disappeared, or what is new."""

    key: Mapping[str, str]
    units: int
    currency: str


Recogniser = Callable[[Sequence[Stand], Sequence[Stand]], Sequence[tuple[int, int, str]]]
"""(what disappeared, what is new) -> (position in the first, position in the second, why)."""


def recognise(gone: Sequence[Stand], fresh: Sequence[Stand]) -> list[tuple[int, int, str]]:
    """Pairs that are the same break: same currency, exactly the same amount that no other candidate has, and keys
    that are alike: by a slip, another spelling, or one column of several. Each side is used once.

    >>> old = Stand({"Account": "1619205", "AU": "4398"}, -1500075, "USD")
    >>> new = Stand({"Account": "1619250", "AU": "4398"}, -1500075, "USD")
    >>> recognise([old], [new])[0][2].split(";")[0]
    'Account 1619205 became 1619250 (Account has two characters swapped)'
    """
    if not gone or not fresh or max(len(gone), len(fresh)) > MOST:
        return []
    amounts = Counter((s.currency, s.units) for s in gone), Counter((s.currency, s.units) for s in fresh)
    waiting = {(s.currency, s.units): i for i, s in enumerate(gone)}
    found = []
    for j, stand in enumerate(fresh):
        amount = (stand.currency, stand.units)
        if amount not in waiting or amounts[0][amount] > 1 or amounts[1][amount] > 1:
            continue
        i = waiting[amount]
        why = _why(gone[i], stand)
        if why:
            found.append((i, j, why))
    return found


def _why(old: Stand, new: Stand) -> str | None:
    if old.key.keys() != new.key.keys():
        return None
    alike = likeness(old.key, new.key)
    if alike is None or alike[0] < CLOSE:
        return None
    telling = len(str(abs(new.units)).strip("0")) >= TELLING_DIGITS
    if not telling and (len(old.key) == 1 or "renamed" in alike[1]):
        return None
    changed = [name for name in old.key if old.key[name] != new.key[name]]
    became = ", ".join(f"{name} {old.key[name]} became {new.key[name]}" for name in changed)
    same = "the rest of the key and the amount are" if len(changed) < len(old.key) else "the amount is"
    return f"{became} ({alike[1]}); {same} the same"
