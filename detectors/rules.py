"""Rules: what tags called false have in common, as a person would say it: «spikes in Currency EUR», «up to 300».

A rule is a pattern, a value of a column, a largest amount, or two of these together. It is believed when the tags that
it speaks for are so much oftener false than all others that this outweighs how many rules there were to try (a Bayes
factor: Kass and Raftery, Bayes Factors, JASA 1995). The best one is taken, its tags are set aside, and the next is
sought among the rest (a rule list: Letham, Rudin, McCormick and Madigan, Interpretable Classifiers Using Rules and
Bayesian Analysis, Annals of Applied Statistics 2015).

What is learnt is replayed before it is used: the tags are told ten times, each time without a tenth of them, and a row
is kept quiet only where nearly all of the replays would do so. No rule is about large amounts, and none speaks for a
row that is larger or stranger than 1.5 times what was called false in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from detectors.lessons import GROWN, Lesson, Mask, Seen, where

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ENOUGH: Final = 6
"""Keys tagged from which anything is learnt; under it only what was said counts."""
FEWEST: Final = 3
"""Tags called false that a rule needs."""
BROAD: Final = 5
"""Tags called false that a rule about whatever pattern needs: four of four in one of six books come by chance too."""
SMALL: Final = 10
"""Tags called false that a largest amount needs: any few rows have some that are the smallest."""
REAL: Final = 0.06
"""The share of a rule's tags that may have been called real: 1 of 17, and none of 16."""
PRIOR: Final = (4.0, 0.5)
"""False and real tags of a rule before any was told: a beta distribution."""
CUTS: Final = 32
"""Largest amounts that are tried."""
PAIRED: Final = 64
"""Conditions of which every two are tried together: those with the most false tags."""
REPLAYS: Final = 10
QUIET: Final = 0.25
"""A row is kept quiet when fewer than this share of the replays would show it."""


@dataclass(frozen=True)
class Rule:
    """Which rows it speaks for, and the tags that it was learnt from."""

    pattern: str = ""
    """Empty: whatever the pattern."""
    pair: str = ""
    """Empty: whatever the pair."""
    scope: Mapping[str, str] = field(default_factory=dict)
    at_most: float | None = None
    """The largest amount, in the pair's unit; None: whatever the amount."""
    false: int = 0
    """The tags called false that it was learnt from."""
    told: int = 0
    """All tags that it was learnt from."""
    surprise: float = math.inf
    """The strangest of those called false, in -ln p."""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """By pair the largest of those called false; it speaks for these pairs alone. "": for whatever pair."""

    def holds(self, seen: Seen, shown: npt.NDArray[np.object_]) -> Mask:
        """The rows that it is about. `shown`: each row's pattern, as people corrected it."""
        other = self.pair and seen.pair and self.pair != seen.pair
        if other or not self.amounts.keys() & {seen.pair, ""}:
            return np.zeros(seen.m, np.bool_)
        here = where(self.scope, seen) if self.scope else np.ones(seen.m, np.bool_)
        if self.pattern:
            here &= np.asarray(shown == self.pattern, np.bool_)
        if self.at_most is not None:
            here &= seen.amount <= self.at_most
        return here

    def grown(self, seen: Seen) -> Mask:
        """The rows for which it does not speak, being too strange or too large."""
        largest = max(self.amounts.get(pair, -math.inf) for pair in (seen.pair, ""))
        return np.asarray((seen.surprise > GROWN * self.surprise) | (seen.amount > GROWN * largest), np.bool_)

    def __str__(self) -> str:
        """
        >>> str(Rule(pattern="level_shift", scope={"Currency": "EUR"}, at_most=1300.0))
        'pattern level shift, Currency EUR, up to 1,300.00'
        """
        amount = [] if self.at_most is None else [f"up to {self.at_most:,.2f}"]
        scope = [f"{name} {value}" for name, value in self.scope.items()]
        pattern = [f"pattern {self.pattern.replace('_', ' ')}"] if self.pattern else []
        return ", ".join([*pattern, *scope, *amount])


@dataclass(frozen=True)
class Learnt:
    """The rules of all tags, and those of each replay without a part of them."""

    rules: tuple[Rule, ...]
    replays: tuple[tuple[Rule, ...], ...]

    def shown(self, seen: Seen, pattern: npt.NDArray[np.object_]) -> tuple[Floats, Ints, Mask]:
        """By row: the share of the replays that would show it, the first rule that is about it (-1 for none), and
        whether it has outgrown all of those."""
        by, outgrown = np.full(seen.m, -1, np.int64), np.full(seen.m, -1, np.int64)
        for i in reversed(range(len(self.rules))):
            about, too_far = self.rules[i].holds(seen, pattern), self.rules[i].grown(seen)
            by[about & ~too_far], outgrown[about & too_far] = i, i
        grown = (by < 0) & (outgrown >= 0)
        quiet = np.zeros(seen.m)
        for rules in self.replays:
            quiet += np.any([rule.holds(seen, pattern) & ~rule.grown(seen) for rule in rules], axis=0) if rules else 0
        share = np.where(by >= 0, 1.0 - quiet / len(self.replays), 1.0)
        return share, np.where(grown, outgrown, by), grown


def learn(lessons: Sequence[Lesson]) -> Learnt | None:
    """What the tags, oldest first, have in common; None when that is nothing. A correction does not say whether a row
    is real."""
    # a key that was called false day after day says it once
    newest = {(k.pair, k.pattern, str(k.keys) if k.keys else k.id): k for k in lessons if k.verdict != "corrected"}
    told = list(newest.values())
    if len(told) < ENOUGH or not any(k.quiets for k in told):
        return None
    rules = _rules(told)
    if not rules:
        return None
    n = min(len(told), REPLAYS)
    return Learnt(rules, tuple(_rules([k for i, k in enumerate(told) if i % n != left]) for left in range(n)))


@dataclass(frozen=True)
class _Condition:
    said: Rule
    """What a rule says that has this condition alone, or two together."""
    kinds: frozenset[tuple[str, ...]]
    """What it is about: patterns, one column of a pair, amounts of a pair."""
    holds: Mask
    """The tags that meet it."""
    cost: float
    """The log of how many like it could be tried."""


def _rules(told: Sequence[Lesson]) -> tuple[Rule, ...]:
    """The best rule, the best of what it leaves, and so on, while there is one that is believed."""
    real = np.array([not k.quiets for k in told])
    tried = _conditions(told, real)
    if not tried:
        return ()
    holds, cost = np.array([c.holds for c in tried]), np.array([c.cost for c in tried])
    fewest = np.array([FEWEST if c.said.pattern else BROAD for c in tried])
    left, found = np.ones(len(told), np.bool_), list[Rule]()
    while True:
        evidence = _evidence(holds & left, left, real, fewest) - cost
        best = int(np.argmax(evidence))
        if evidence[best] <= 0.0:
            return tuple(found)
        mine = holds[best] & left
        false = [told[i] for i in np.flatnonzero(mine & ~real).tolist()]
        found.append(_learnt_from(false, replace(tried[best].said, told=int(mine.sum()))))
        left &= ~mine


def _learnt_from(false: Sequence[Lesson], rule: Rule) -> Rule:
    """With what its false tags say of how far it reaches."""
    amounts: dict[str, float] = {}
    for k in false:
        amounts[k.pair] = max(amounts.get(k.pair, 0.0), math.inf if k.amount is None else k.amount)
    return replace(rule, false=len(false), surprise=max(k.surprise for k in false), amounts=amounts)


def _evidence(holds: npt.NDArray[np.bool_], left: Mask, real: Mask, fewest: Ints) -> Floats:
    """By candidate the log of the Bayes factor: its tags are of a rule, against: they are like the others that are
    left. -inf where too few are false or too many real."""
    false, true = (holds @ np.asarray(of, np.float64) for of in (~real, real))
    rest_false, rest_true = float((left & ~real).sum()) - false, float((left & real).sum()) - true
    # the others lean to real, so that a few false tags alone are something in common
    others = np.stack([1.0 + rest_false, 4.0 + rest_true])
    of_a_rule = betaln(PRIOR[0] + false, PRIOR[1] + true) - betaln(*PRIOR)
    like_others = betaln(others[0] + false, others[1] + true) - betaln(*others)
    believable = (false >= fewest) & (true <= REAL * (false + true))
    return np.asarray(np.where(believable, of_a_rule - like_others, -np.inf), np.float64)


def _conditions(told: Sequence[Lesson], real: Mask) -> list[_Condition]:
    """Whatever at least FEWEST false tags meet, alone or two together."""
    holding: dict[tuple[str, ...], dict[str, set[int]]] = {}
    for i, k in enumerate(told):
        for kind, value in [(("pattern",), k.pattern), *((("column", k.pair, c), v) for c, v in k.columns.items())]:
            holding.setdefault(kind, {}).setdefault(value, set()).add(i)
    found = []
    kinds = len(holding) + len({k.pair for k in told})
    for kind, values in sorted(holding.items()):
        for value, tags in sorted(values.items()):
            mask = np.isin(np.arange(len(told)), list(tags))
            said = Rule(pattern=value) if kind == ("pattern",) else Rule(pair=kind[1], scope={kind[2]: value})
            if value:
                found.append(_Condition(said, frozenset([kind]), mask, math.log(kinds * len(values))))
    found += _amounts(told, real, kinds)
    found = [c for c in found if (c.holds & ~real).sum() >= FEWEST]
    most = sorted(range(len(found)), key=lambda i: (-int((found[i].holds & ~real).sum()), i))[:PAIRED]
    return found + [_both(found[i], found[j]) for i, j in combinations(most, 2) if _together(found[i], found[j])]


def _amounts(told: Sequence[Lesson], real: Mask, kinds: int) -> list[_Condition]:
    """Amounts up to one that was called false: never up to one beyond."""
    found = []
    for pair in sorted({k.pair for k in told}):
        amounts = np.array([k.amount if k.pair == pair and k.amount is not None else np.nan for k in told])
        cuts = np.unique(np.sort(amounts[~real & np.isfinite(amounts)])[SMALL - 1 :])
        if len(cuts) > CUTS:
            cuts = np.unique(np.quantile(cuts, np.linspace(0.0, 1.0, CUTS), method="nearest"))
        cost = math.log(kinds * max(len(cuts), 1))
        kind = frozenset([("amount", pair)])
        found += [_Condition(Rule(pair=pair, at_most=float(cut)), kind, amounts <= cut, cost) for cut in cuts]
    return found


def _together(one: _Condition, other: _Condition) -> bool:
    """Two that are about different things of one pair."""
    pairs = {c.said.pair for c in (one, other)} - {""}
    return not one.kinds & other.kinds and len(pairs) < 2


def _both(one: _Condition, other: _Condition) -> _Condition:
    a, b = one.said, other.said
    said = Rule(
        pattern=a.pattern or b.pattern,
        pair=a.pair or b.pair,
        scope={**a.scope, **b.scope},
        at_most=a.at_most if b.at_most is None else b.at_most,
    )
    return _Condition(said, one.kinds | other.kinds, one.holds & other.holds, one.cost + other.cost)
