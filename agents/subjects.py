"""The subject of each number in a sentence: its role, the side, keys and day that it is said of."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.claim import Claim, Day, Names
from agents.number_roles import role_and_noun

_OPENING: Final = re.compile(
    r"\b(?:since|until|till|from|between|last|last on|closed on|by|due|after|before|and|to)\s+$", re.I
)


def with_subjects(text: str, span: tuple[int, int], found: Sequence[Claim], names: Names) -> list[Claim]:
    """The claims of one sentence, each number with what the sentence says of it."""
    mine = [c for c in found if span[0] <= c.at < span[1]]
    sides = _mentions(text, span, names)
    numbers = [c for c in mine if c.kind == "number"]
    keys = _key_mentions(text, span, names)
    days = [c for c in mine if c.kind == "date" and not _is_opening(text, c)]
    respectively = "respectively" in text[span[0] : span[1]].lower() and len(sides) == len(numbers) > 1
    out = []
    for c in mine:
        if c.kind != "number":
            out.append(c)
            continue
        n = numbers.index(c)
        roles, noun = role_and_noun(text, span, c, numbers, sides)
        if respectively:
            roles = frozenset({sides[n][1]})
        out.append(replace(c, roles=c.roles or roles, noun=noun, day=_nearest_day(c, days), bound=_bound(c, keys)))
    return out


def _mentions(text: str, span: tuple[int, int], names: Names) -> list[tuple[int, str, int]]:
    """Where the sentence names a side: (start, side, end)."""
    out: list[tuple[int, str, int]] = []
    for side, names_of_side in (("left", names.left), ("right", names.right)):
        for m in re.finditer(side_pattern(side, names_of_side), text[span[0] : span[1]], re.I):
            out.append((span[0] + m.start(), side, span[0] + m.end()))
    return sorted(out)


def side_pattern(side: str, names: Sequence[str]) -> str:
    """What names a side in a text: any of its sources' names, or «the left side»."""
    spelled = [
        re.escape(name) for name in sorted(names, key=len, reverse=True) if name.lower() not in ("left", "right")
    ]
    generic = rf"{side}(?:[- ]hand)?(?: side| source| system| balance| ledger| {side}\b)"
    if any(name.lower() == side for name in names):
        generic = rf"{generic}|{side}"
    return rf"(?<!\w)(?:{'|'.join([*spelled, generic])})(?!\w)"


def _key_mentions(text: str, span: tuple[int, int], names: Names) -> list[tuple[int, str]]:
    """Where the sentence names a key's value: (start, value)."""
    part = text[span[0] : span[1]]
    out = []
    for key in names.keys:
        for m in re.finditer(rf"(?<!\w){re.escape(key)}(?!\w)", part, re.I):
            out.append((span[0] + m.start(), key))
    return sorted(out)


def _is_opening(text: str, c: Claim) -> bool:
    """«since 9 March»: a date that bounds a span; it does not date the number beside it."""
    return bool(_OPENING.search(text[: c.at]))


def _nearest_day(c: Claim, days: Sequence[Claim]) -> Day | None:
    """The date of the sentence that stands nearest to the number, where it has one reading."""
    near = [d for d in days if len(d.days) == 1 and d.days[0].weekday is None]
    if not near:
        return None
    return min(near, key=lambda d: min(abs(d.at - c.end), abs(c.at - d.end))).days[0]


def _bound(c: Claim, keys: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """The keys named beside the number; not the number itself, where it is one of them."""
    others = [(at, key) for at, key in keys if not c.at <= at < c.end]
    return tuple(sorted({key for _, key in others}))
