"""Identity: a break that left one key and came back under a misspelt or renamed one, and why it is the same item."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA

from detectors.digits import Units
from detectors.mechanisms.wording import day_text, figure
from detectors.onset import changes
from recon.panel import Panel

CLOSE: Final = 0.6
"""Two keys' texts are alike from this share of unchanged characters on."""
CROWDED: Final = 200
"""Equal amounts on more keys than this prove nobody's identity."""


@dataclass(frozen=True)
class Moved:
    """One item under two keys."""

    old_series: int
    new_series: int
    """Indices into the panel's series."""
    row_before: int
    row: int
    """The last panel row of the old key, the first of the new one."""
    reason: str
    """How the keys differ: `leading zeros`, `two characters swapped`, `Account changed`."""
    likeness: float
    """0 to 1: the share of the key that stayed."""
    statement: str


def moved_keys(panel: Panel, day: int | None = None) -> list[Moved]:
    """Breaks that are gone from one key and stand with the same amounts on a similar new key, on `day` (the newest).

    A key counts as left when it has no row on the day, as new when it has none before it. Each key moves once at
    most, the likest pairs first. Equal amounts are required; the key may differ by spelling or in one column.
    """
    found = changes(panel, day)
    left = found.series[(found.row < 0) & (found.row_before >= 0)]
    came = found.series[(found.row >= 0) & (found.row == panel.offsets[found.series])]
    rows_left = found.row_before[(found.row < 0) & (found.row_before >= 0)]
    rows_came = found.row[(found.row >= 0) & (found.row == panel.offsets[found.series])]
    options = sorted(_options(panel, rows_left, rows_came), key=lambda o: (-o[2], o[0], o[1]))
    series_of = dict(zip([*rows_left.tolist(), *rows_came.tolist()], [*left.tolist(), *came.tolist()], strict=True))
    used: set[int] = set()
    answer = []
    for old, new, likeness, reason in options:
        if old not in used and new not in used:
            used |= {old, new}
            statement = _statement(panel, old, new, reason)
            answer.append(Moved(series_of[old], series_of[new], old, new, reason, likeness, statement))
    return answer


def _options(panel: Panel, old: Units, new: Units) -> Iterator[tuple[int, int, float, str]]:
    """Pairs of rows with the same amounts whose keys are alike: (old row, new row, likeness, reason)."""
    by_amount: dict[tuple[int, int, int], list[int]] = {}
    for row in old.tolist():
        by_amount.setdefault(_amounts(panel, row), []).append(row)
    for row in new.tolist():
        partners = by_amount.get(_amounts(panel, row), [])
        if len(partners) <= CROWDED:
            for partner in partners:
                alike = likeness(_key(panel, partner), _key(panel, row))
                if alike is not None:
                    yield partner, row, *alike


def _amounts(panel: Panel, row: int) -> tuple[int, int, int]:
    """Both sides where both are there, else the one that is."""
    gone = int(panel.left_missing[row]) * 2 + int(panel.right_missing[row])
    return int(panel.left[row]), int(panel.right[row]), gone


def _key(panel: Panel, row: int) -> dict[str, str]:
    columns = panel.key_columns or tuple(panel.columns)
    return {c: str(panel.columns[c].vocabulary[int(panel.columns[c].codes[row])].as_py()) for c in columns}


def likeness(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[float, str] | None:
    """How much of the key stayed, and how it differs; None when the keys are not alike.

    >>> likeness({"Account": "0012345"}, {"Account": "12345"})[1]
    'Account lost or gained leading zeros'
    >>> likeness({"Account": "12345", "AU": "77"}, {"Account": "12354", "AU": "77"})[1]
    'Account has two characters swapped'
    >>> likeness({"Account": "12345", "AU": "77"}, {"Account": "98761", "AU": "52"}) is None
    True
    """
    changed = [c for c in old if old[c] != new.get(c, "")]
    if not changed:
        return 1.0, "the key is the same"
    kept = (len(old) - len(changed)) / len(old)
    if len(changed) == 1:
        how, alike = spelling(old[changed[0]], new[changed[0]])
        if alike >= CLOSE:
            return (kept * (len(old) - 1) + alike) / max(len(old), 1), f"{changed[0]} {how}"
        return (kept * 0.9, f"{changed[0]} was renamed") if len(old) > 1 else None
    if sorted(old.values()) == sorted(new.values()):
        return 0.9, f"{' and '.join(changed)} are exchanged"
    parts = [spelling(old[c], new[c]) for c in changed]
    if all(alike >= CLOSE for _, alike in parts) and len(changed) <= 2:
        said = " and ".join(f"{c} {how}" for c, (how, _) in zip(changed, parts, strict=True))
        return sum(alike for _, alike in parts) / len(parts) * 0.9, said
    return None


def spelling(old: str, new: str) -> tuple[str, float]:
    """How two texts differ, in words, and the share of characters that stayed.

    >>> spelling("AB-1001", "ab 1001"), spelling("GS London", "London GS")[0], spelling("ACC1", "ACC12")[0]
    (('is written differently', 0.95), 'has its words in another order', 'has one character more')
    """
    if old.lstrip("0") == new.lstrip("0"):
        return "lost or gained leading zeros", 0.97
    plain_old, plain_new = (re.sub(r"[\W_]+", "", t).casefold() for t in (old, new))
    if plain_old == plain_new:
        return "is written differently", 0.95
    words_old, words_new = (sorted(re.split(r"[\W_]+", t.casefold())) for t in (old, new))
    if words_old == words_new:
        return "has its words in another order", 0.93
    distance = OSA.distance(old, new)
    alike = 1.0 - distance / max(len(old), len(new), 1)
    if distance == 1:
        return _one_edit(old, new), max(alike, 0.8 if max(len(old), len(new)) >= 4 else alike)
    shorter, longer = sorted((old, new), key=len)
    if len(shorter) >= 3 and (longer.startswith(shorter) or longer.endswith(shorter)):
        return "has a part added or cut off", max(alike, 0.75)
    return f"differs in {distance} characters", alike


def _one_edit(old: str, new: str) -> str:
    if len(old) == len(new):
        return "has two characters swapped" if sorted(old) == sorted(new) else "has one character changed"
    return "has one character more" if len(new) > len(old) else "has one character less"


def _statement(panel: Panel, old: int, new: int, reason: str) -> str:
    key_old, key_new = _key(panel, old), _key(panel, new)
    changed = [c for c in key_old if key_old[c] != key_new[c]]
    was = ", ".join(f"{c} {key_old[c]}" for c in changed)
    now = ", ".join(f"{c} {key_new[c]}" for c in changed)
    amount = figure(int(panel.diff[new]), panel.scale)
    return (
        f"The difference of {amount} that stood on {was} until {day_text(int(panel.day[old]))} "
        f"stands on {now} since {day_text(int(panel.day[new]))}: {reason}."
    )
