"""Which columns pair up: the two sources' names found in the headers, and proved on the rows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from recon.reading.columns import Column
from recon.reading.words import BARE_PAIRS, SIDES, is_sidelike
from recon.text import squash

Side = tuple[str, ...]
MAX_GROUP = 12


@dataclass(frozen=True)
class Couple:
    """Two columns that hold the same thing of the two sources."""

    stem: Side
    left: Column
    right: Column
    closeness: float
    """0 to 1: how alike the two columns' values are."""


@dataclass(frozen=True)
class Sides:
    """The two sources as the headers call them, and every couple of columns between them."""

    left: Side
    right: Side
    couples: tuple[Couple, ...]
    left_columns: tuple[Column, ...]
    """All columns of the side, coupled or not."""
    right_columns: tuple[Column, ...]


def closeness(a: Column, b: Column) -> float:
    """How alike two columns' values are, row by row; 0 when they cannot be compared.

    For numbers the larger of the share of near-equal rows and the rank correlation; for text the share of equals.
    """
    if a.kind != b.kind and not {a.kind, b.kind} <= {"text", "number"}:
        return 0.0
    both = ~a.blank & ~b.blank
    if not both.any():
        return 0.0
    if a.is_number and b.is_number:
        return _number_closeness(a.numbers[both], b.numbers[both])
    left, right = np.array(a.values)[both], np.array(b.values)[both]
    equal = float(np.mean([squash(x) == squash(y) for x, y in zip(left, right, strict=True)]))
    shared = len(a.distinct_values & b.distinct_values) / max(1, min(len(a.distinct_values), len(b.distinct_values)))
    return max(equal, 0.5 * shared if a.kind == "text" else 0.0)


def _number_closeness(x: np.ndarray, y: np.ndarray) -> float:
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if not x.size:
        return 0.0
    span = np.maximum(np.abs(x), np.abs(y))
    near = np.abs(x - y) <= 0.1 * span
    share = float((near & (span > 0)).sum() / max(1, (span > 0).sum())) if (span > 0).any() else 0.3
    return max(share, _rank_correlation(x, y))


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 8 or len(np.unique(x)) < 4 or len(np.unique(y)) < 4:
        return 0.0
    ranks = np.corrcoef(np.argsort(np.argsort(x)), np.argsort(np.argsort(y)))[0, 1]
    same_size = 1 / 20 < (np.median(np.abs(x)) + 1e-9) / (np.median(np.abs(y)) + 1e-9) < 20
    return float(max(0.0, ranks)) if same_size else 0.0


Alike = Callable[[Column, Column], float]


def find_sides(columns: Sequence[Column], alike: Alike = closeness) -> Sides | None:
    """The two side names that explain the most columns, or None when the headers name no sides."""
    groups: dict[Side, list[tuple[Side, Column]]] = defaultdict(list)
    for column in columns:
        for side, stem in _splits(column.tokens):
            groups[stem].append((side, column))
    votes: dict[tuple[Side, Side], list[Couple]] = defaultdict(list)
    for stem, members in groups.items():
        if len(members) <= MAX_GROUP * 4:
            _vote(stem, members, votes, alike)
    scored = [(_score(names, couples), names) for names, couples in votes.items()]
    best, names = max(scored, key=lambda pair: pair[0], default=(0.0, ((), ())))
    if best < 0.6:
        return None
    couples = _one_each(votes[names])
    names, couples = _in_file_order(names, couples)
    return Sides(
        names[0],
        names[1],
        couples,
        tuple(c for c in columns if _belongs(c, names[0], names[1])),
        tuple(c for c in columns if _belongs(c, names[1], names[0])),
    )


def _in_file_order(
    names: tuple[Side, Side], couples: tuple[Couple, ...]
) -> tuple[tuple[Side, Side], tuple[Couple, ...]]:
    """Left is the side whose first number column comes first in the file."""
    numeric = [couple for couple in couples if couple.left.kind == "number"] or list(couples)
    first = min(numeric, key=lambda c: min(c.left.position, c.right.position))
    if first.left.position < first.right.position:
        return names, couples
    turned = tuple(Couple(c.stem, c.right, c.left, c.closeness) for c in couples)
    return (names[1], names[0]), turned


def _splits(words: tuple[str, ...]) -> Iterable[tuple[Side, Side]]:
    """Every reading of a header as side and stem: up to three words before, after or one within."""
    for k in range(1, min(3, len(words) - 1) + 1):
        yield words[:k], words[k:]
        yield words[-k:], words[:-k]
    for k in range(1, len(words) - 1):
        yield words[k : k + 1], words[:k] + words[k + 1 :]
    if words:
        yield (), words


def _vote(
    stem: Side,
    members: list[tuple[Side, Column]],
    votes: dict[tuple[Side, Side], list[Couple]],
    alike: Alike,
) -> None:
    for (side_a, a), (side_b, b) in combinations(members, 2):
        if a is b or side_a == side_b or set(side_a) & set(side_b):
            continue
        (left, first), (right, second) = sorted(((side_a, a), (side_b, b)), key=lambda part: part[0])
        near = alike(first, second)
        blank = "blank" in (first.kind, second.kind)
        if blank:
            near = 0.3 if is_sidelike(left) and is_sidelike(right) else 0.0
        if first.kind == second.kind or near > 0.3 or blank:
            votes[(left, right)].append(Couple(stem, first, second, near))


def _score(names: tuple[Side, Side], couples: list[Couple]) -> float:
    """Number couples count whole, others a third; known side words and like values speak for them."""
    known = sum(is_sidelike(side) for side in names)
    bare = not names[0] or not names[1]
    total = 0.0
    for couple in couples:
        weight = 1.0 if couple.left.kind in ("number", "blank") else 0.34
        total += weight * (0.1 + couple.closeness + (0.3 * known if not bare else 0.0))
    numeric = any(c.left.kind in ("number", "blank") and c.right.kind in ("number", "blank") for c in couples)
    if not numeric and known < 2:
        return 0.0
    words = len(names[0]) + len(names[1])
    return total * (0.5 if bare else 1.0) - 0.01 * words


def _one_each(couples: list[Couple]) -> tuple[Couple, ...]:
    """Each column in one couple at most, the likest first; in the file's order."""
    taken: set[str] = set()
    kept: list[Couple] = []
    for couple in sorted(couples, key=lambda c: (-len(c.stem), -c.closeness, c.left.position)):
        if couple.left.name in taken or couple.right.name in taken:
            continue
        taken |= {couple.left.name, couple.right.name}
        kept.append(couple)
    return tuple(sorted(kept, key=lambda c: c.left.position))


def _belongs(column: Column, side: Side, other: Side) -> bool:
    words = column.tokens
    if not side or len(words) < len(side):
        return False
    if words == side and column.kind == "text":
        # `Custodian` beside `Custodian Quantity` says who the side is on this line, not what it says of it
        return False
    here = words[: len(side)] == side or words[-len(side) :] == side
    there = bool(other) and (words[: len(other)] == other or words[-len(other) :] == other)
    return here and not there


def couple_of(a: Column, b: Column, alike: float) -> tuple[Couple, Sides | None]:
    """Two columns as a couple, with the words they share as its stem and those they do not as the sides."""
    left, right = sorted((a, b), key=lambda column: column.position)
    for stem in _shared(left.tokens, right.tokens):
        first, second = (_rest(column.tokens, stem) for column in (left, right))
        if first and second:
            couple = Couple(stem, left, right, alike)
            return couple, Sides(first, second, (couple,), (left,), (right,))
    return Couple((), left, right, alike), None


def _shared(a: Side, b: Side) -> Iterable[Side]:
    """What two headers have in common at their end, then at their beginning."""
    for k in range(min(len(a), len(b)) - 1, 0, -1):
        if a[-k:] == b[-k:]:
            yield a[-k:]
        if a[:k] == b[:k]:
            yield a[:k]


def _rest(words: Side, stem: Side) -> Side:
    return words[: -len(stem)] if words[-len(stem) :] == stem else words[len(stem) :]


def bare_couples(columns: Sequence[Column]) -> tuple[Couple, ...]:
    """Couples of headers that are a side each and nothing else: `ledger` and `statement`."""
    by_name = {column.squashed: column for column in columns}
    for left, right in BARE_PAIRS:
        if left in by_name and right in by_name:
            a, b = sorted((by_name[left], by_name[right]), key=lambda column: column.position)
            return (Couple((), a, b, closeness(a, b)),)
    return ()


def side_named(columns: Sequence[Column]) -> tuple[Couple, ...]:
    """The two number columns whose names hold side words, where exactly two do: `Bank stmt`, `Ledger amt`."""
    named = [column for column in columns if any(word in SIDES for word in column.tokens)]
    if len(named) != 2:
        return ()
    a, b = sorted(named, key=lambda column: column.position)
    return (Couple((), a, b, closeness(a, b)),)
