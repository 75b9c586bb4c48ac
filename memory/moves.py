"""Recognises an item whose key was misspelt or renamed: it disappears under one key and stands under another."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein

CLOSE: Final = 0.75
"""Share of letters that must agree in the one key column that differs."""

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
    """Pairs that are the same break: same currency, exactly the same amount that no other candidate has, and a
    key that differs in one column only, by a slip or by its spelling. Each side is used once.

    >>> old = Stand({"Account": "1619205", "AU": "4398"}, -1500075, "USD")
    >>> new = Stand({"Account": "1619250", "AU": "4398"}, -1500075, "USD")
    >>> recognise([old], [new])[0][2]
    'Account 1619205 became 1619250 (2 letters swapped); the rest of the key and the amount are the same'
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
    differing = [name for name in old.key if old.key[name] != new.key.get(name)]
    if len(differing) != 1 or old.key.keys() != new.key.keys():
        return None
    telling = len(str(abs(new.units)).strip("0")) >= TELLING_DIGITS
    if len(old.key) == 1 and not telling:
        return None
    name = differing[0]
    how = _slip(old.key[name], new.key[name])
    if how is None:
        return None
    same = "the rest of the key and the amount are" if len(old.key) > 1 else "the amount is"
    return f"{name} {old.key[name]} became {new.key[name]} ({how}); {same} the same"


def _slip(old: str, new: str) -> str | None:
    if _folded(old) == _folded(new):
        return "spelt differently"
    distance = DamerauLevenshtein.distance(old.casefold(), new.casefold())
    if distance == 1 and len(old) == len(new) and sorted(old.casefold()) == sorted(new.casefold()):
        return "2 letters swapped"
    share = 1 - distance / max(len(old), len(new), 1)
    if share < CLOSE:
        return None
    return "1 letter differs" if distance == 1 else f"{distance} letters differ"


def _folded(text: str) -> str:
    """Letters and digits only, leading zeros off: 00012-A and 12A are one spelling."""
    return "".join(sign for sign in text.casefold() if sign.isalnum()).lstrip("0")
