"""Learning from a person's tags: what to keep quiet about and what to raise, in which neighbourhood, until when.

Two layers. The said one: a tag speaks for its scope (`column = value`), or without one for its own keys. The learnt
one (`detectors.rules`): what several tags have in common. Neither quiets a row that is larger or stranger than 1.5
times what was called false: a growing one comes back, and says so.

A p-value is never touched, and no tag changes a row outside its neighbourhood. Where a person confirmed one, the
p-values of that scope count for more under the weighted procedure, which keeps the run's rate (Genovese, Roeder,
Wasserman: False Discovery Control with P-Value Weighting, Biometrika 2006); weights go by scope alone, never by
today's pattern. What is quiet is taken from what the numbers called, after the limit is found: the promised rate is
of what they call, and of what is left the false share can be larger by the share that was quieted (measured by
`python -m evals.learning`). To tighten the limit instead would make a tag drop alarms elsewhere: it was tried, and
cost two to eight of a hundred real anomalies. What was missed is shown on a person's word, outside the promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.lessons import GROWN, LOOKED_AT, Lesson, Mask, Seen, among, spoken_for
from detectors.rules import QUIET, Learnt, Rule, learn
from recon.words import CAUSE_LABELS, PATTERN_LABELS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALIKE: Final = 0.8
"""From this share of a missed one's amount a break of its scope is raised, however often it comes."""
FAVOUR: Final = 4.0
"""How much more a p-value counts where a person confirmed one."""
NOBODY: Final = -1
LEARNT: Final = -2
"""What decided: no lesson, or the first rule that was learnt; the next is one less, and so on."""


@dataclass(frozen=True)
class Effect:
    """What the lessons do to each row."""

    trust: Floats
    """How far the row is to be shown: 0 by a word said of it, else the share of replays that would; 1 where nothing was
    learnt."""
    by: Ints
    """The lesson that decided, or NOBODY, or LEARNT less the position of the rule."""
    raised: Mask
    outgrown: Mask
    """It would be quiet, had it not grown."""
    weight: Floats
    """How much its p-value counts: FAVOUR where one like it was confirmed, else 1."""

    @property
    def quiet(self) -> Mask:
        return np.asarray(self.trust < QUIET, np.bool_)


@dataclass(frozen=True)
class Lessons:
    """What the tags taught, ready for the next run. Build it with `Lessons.of`."""

    lessons: tuple[Lesson, ...] = ()
    learnt: Learnt | None = None
    """None: too few tags, or nothing in common."""

    @classmethod
    def of(cls, lessons: Sequence[Lesson], today: date) -> "Lessons":
        """From the tags that are in force today; a tag of a later day is not known yet.

        >>> Lessons.of([], date(2026, 5, 12)).lessons
        ()
        """
        live = [x for x in lessons if x.said_on <= today and (x.expires_on is None or x.expires_on > today)]
        live.sort(key=lambda x: (x.said_on, x.id))
        return cls(tuple(live), learn(live))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What was learnt, the surest first."""
        return self.learnt.rules if self.learnt is not None else ()

    def effect(self, seen: Seen) -> Effect:
        """Trust and weight of every row: the newest word said of it counts, else what all tags taught."""
        shown = seen.pattern.copy()
        limit = np.full((2, seen.m), -np.inf)
        by = np.full(seen.m, NOBODY, np.int64)
        raised, weight = np.zeros(seen.m, np.bool_), np.ones(seen.m)
        for k, lesson in enumerate(self.lessons):
            scope = spoken_for(lesson, seen)
            if not scope.any():
                continue
            alike = scope & _of_its_pattern(lesson, shown)
            if lesson.quiets:
                limit[:, alike] = np.maximum(limit[:, alike], _limits(lesson)[:, None])
                by[alike], raised[alike] = k, False
            elif lesson.verdict in ("true", "missed"):
                back = alike if lesson.verdict == "true" else scope
                limit[:, back], by[back] = -np.inf, k
                weight[scope] = FAVOUR
                if lesson.verdict == "missed":
                    raised |= scope & _as_bad(lesson, seen)
            if lesson.corrected:
                shown[alike] = lesson.corrected
        said = limit[0] > -np.inf
        outgrown = said & ((seen.surprise > limit[0]) | (seen.amount > limit[1]))
        trust = np.where(said & ~outgrown, 0.0, 1.0)
        effect = Effect(trust, by, raised & ~(said & ~outgrown), outgrown, weight)
        return self._learnt(seen, shown, effect, by == NOBODY)

    def _learnt(self, seen: Seen, shown: npt.NDArray[np.object_], effect: Effect, open_to: Mask) -> Effect:
        """The rules' word on strange rows that no tag speaks for."""
        at = np.flatnonzero(open_to & (shown != "") & (seen.surprise > LOOKED_AT))
        if self.learnt is None or not len(at):
            return effect
        share, rule, grown = self.learnt.shown(seen.at(at), shown[at])
        effect.trust[at] = share
        decided = grown | (share < QUIET)
        effect.by[at[decided]] = LEARNT - rule[decided]
        effect.outgrown[at] = grown
        return effect

    def corrections(self, seen: Seen) -> Ints:
        """The lesson that gave each row another pattern, or NOBODY."""
        shown, by = seen.pattern.copy(), np.full(seen.m, NOBODY, np.int64)
        for k, lesson in enumerate(self.lessons):
            if lesson.corrected:
                here = spoken_for(lesson, seen) & _of_its_pattern(lesson, shown)
                shown[here], by[here] = lesson.corrected, k
        return by

    def causes(self, seen: Seen, given: npt.NDArray[np.object_]) -> Ints:
        """The lesson that gave each row another cause than `given`, or NOBODY; another proof stands."""
        shown, by = given.copy(), np.full(seen.m, NOBODY, np.int64)
        for k, lesson in enumerate(self.lessons):
            if lesson.corrected_cause:
                here = spoken_for(lesson, seen) & among(shown, lesson.causes)
                shown[here], by[here] = lesson.corrected_cause, k
        return by

    def agreeing(self, k: int) -> int:
        """How many tags in force correct the same cause to the same other one."""
        one = self.lessons[k]
        return sum(bool(x.causes & one.causes) and x.corrected_cause == one.corrected_cause for x in self.lessons)

    # --- what stands under a row ---------------------------------------------------------------------------------

    def why_quiet(self, by: int, quiet: int) -> str:
        """«since you said so on 12 May 2026, 3 like it are quiet»."""
        like = "1 like it is quiet" if quiet == 1 else f"{quiet} like it are quiet"
        if by <= LEARNT:
            return f"since {self._common(by)}, {like}"
        return f"since you said so on {self.lessons[by].day}, {like}"

    def why_back(self, by: int) -> str:
        """Of a row that has outgrown the word that would have kept it quiet."""
        if by <= LEARNT:
            return f"{self._common(by)}, but this one is larger or stranger than all of those, so it is back"
        lesson = self.lessons[by]
        at = f" at {lesson.amount:,.2f}" if lesson.amount else ""
        return f"you called it false on {lesson.day}{at}; it has grown beyond that, so it is back"

    def _common(self, by: int) -> str:
        """«16 of 16 tags with Book 5 were called false»."""
        rule = self.rules[LEARNT - by]
        return f"{rule.false} of {rule.told} tags with {rule} were called false"

    def why_called(self, by: int) -> str:
        """Of a row that is raised, or called sooner."""
        lesson = self.lessons[by]
        if lesson.verdict == "missed":
            return f"you said on {lesson.day} that one like it was missed"
        return f"you confirmed one like it on {lesson.day}"

    def why_pattern(self, by: int) -> str:
        """«you called this recurring on 3 June 2026»."""
        lesson = self.lessons[by]
        return f"you called this {_plain(lesson.corrected or '')} on {lesson.day}"

    def why_cause(self, by: int) -> str:
        """The statement of a cause that a person gave: a word, and no proof."""
        lesson = self.lessons[by]
        word = lesson.corrected_cause or ""
        label = CAUSE_LABELS.get(word, word).replace("{left}", "left").replace("{right}", "right")
        return f"You called the cause of this {label} on {lesson.day}; no arithmetic proves it"


def _plain(pattern: str) -> str:
    """
    >>> _plain("level_shift")
    'level shift'
    """
    return pattern.replace("_", " ") if pattern in PATTERN_LABELS else f"«{pattern}»"


def _of_its_pattern(lesson: Lesson, shown: npt.NDArray[np.object_]) -> Mask:
    """A tag speaks for the pattern it was said of; one that knows none speaks for all."""
    patterns = lesson.patterns or ({lesson.pattern} if lesson.pattern else frozenset())
    return among(shown, patterns) if patterns else np.ones(len(shown), np.bool_)


def _limits(lesson: Lesson) -> Floats:
    """The strangeness and the amount up to which a quieting tag speaks."""
    amount = np.inf if lesson.amount is None else lesson.amount
    return GROWN * np.array([lesson.surprise, amount])


def _as_bad(lesson: Lesson, seen: Seen) -> Mask:
    """Breaks about as large as the one that was missed, and rows about as strange that are strange at all."""
    large = seen.amount >= ALIKE * lesson.amount if lesson.amount is not None else np.zeros(seen.m, np.bool_)
    strange = seen.surprise > max(LOOKED_AT, ALIKE * lesson.surprise)
    return np.asarray(strange | (seen.is_break & large), np.bool_)
