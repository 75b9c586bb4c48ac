"""What a status cell says: matched or broken, and by which pair."""

from typing import Final

from recon.reading.words import word_set
from recon.text import squash

_MATCHED: Final = word_set(
    """
    y yes true match matched matches ok okay reconciled balanced equal agreed pass passed cleared
    inbalance nobreak autopass automatched fullmatch fullymatched exactmatch closed settled tied success
    """
)
_BROKEN: Final = word_set(
    """
    n no false break broken breaks unmatched mismatch mismatched notmatched nomatch unreconciled
    notreconciled fail failed exception open outstanding difference different discrepancy unbalanced
    outofbalance missing onesided onlyinleft onlyinright error partial partialmatch partiallymatched
    unmatch notmatch diff variance
    """
)


def is_match(text: str) -> bool | None:
    """True for a match, False for a break, None when the text says neither.

    >>> is_match("Matched"), is_match("Quantity_Break"), is_match("Catalyst_Only"), is_match("Monday")
    (True, False, False, None)
    """
    word = squash(text)
    if not word:
        return None
    if word in _MATCHED:
        return True
    if word in _BROKEN or word.endswith(("break", "breaks", "only", "mismatch", "exception", "unmatched")):
        return False
    if word.startswith(("break", "missing", "unmatched", "mismatch", "notin", "onlyin", "unreconciled")):
        return False
    return True if word.startswith("match") else None


def names_pair(text: str, name: str) -> bool:
    """True when a status such as `Price_Break` or `Quantity & Price Break` names the pair."""
    return bool(squash(name)) and squash(name) in squash(text)


def only_side(text: str, side: str) -> bool:
    """True when the status says that the row is on this side alone: `Catalyst_Only`."""
    word, here = squash(text), squash(side)
    return bool(here) and word in (f"{here}only", f"onlyin{here}", f"only{here}", f"in{here}only", f"{here}sideonly")
