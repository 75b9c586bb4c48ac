"""A lesson: one tag of a person, which rows it speaks for, and how far they may grow before it is silent."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from detectors.judgement import Judgement
from recon.panel import Panel
from recon.rows import Codes
from recon.words import PATTERN_LABELS, Verdict

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PATTERNS: Final = tuple(PATTERN_LABELS)
GROWN: Final = 1.5
"""How much larger, or stranger (in -ln p), than what was tagged a row must be to come back."""
LOOKED_AT: Final = 2.9957
"""-ln 0.05: a match less strange than this is nothing that a tag could speak for."""


@dataclass(frozen=True)
class Lesson:
    """One tag, as the detectors need it."""

    id: str
    verdict: Verdict
    pattern: str
    """The pattern that the tagged row was given, of several the commonest."""
    columns: Mapping[str, str]
    """Key and historical columns of the tagged row."""
    said_on: date
    scope: Mapping[str, str] = field(default_factory=dict)
    """What the tag speaks for; empty: its own keys."""
    keys: Sequence[Mapping[str, str]] = ()
    """The keys of the tagged rows."""
    pair: str = ""
    surprise: float = 0.0
    """-ln p of the tagged row, of several the highest."""
    amount: float | None = None
    """The largest absolute difference tagged, in the pair's unit: for comparison, never written back."""
    expires_on: date | None = None
    corrected: str | None = None
    """The right pattern, when the tag said one."""
    patterns: frozenset[str] = frozenset()
    """All patterns that the tagged rows were given; empty: `pattern` alone."""
    causes: frozenset[str] = frozenset()
    """The causes that the tagged rows were given."""
    corrected_cause: str | None = None
    """The right cause, when the tag said one."""

    @property
    def quiets(self) -> bool:
        """A correction to «in line» says what a false positive says."""
        return self.verdict == "false_positive" or (self.verdict == "corrected" and self.corrected == "in_line")

    @property
    def day(self) -> str:
        """The day it was said, as a person writes it."""
        return f"{self.said_on.day} {self.said_on:%B %Y}"


def lesson_of(
    feedback_id: str,
    verdict: Verdict,
    features: Mapping[str, Any],
    said_on: date,
    *,
    scope: Mapping[str, str] | None = None,
    expires_on: date | None = None,
    corrected: str | None = None,
    corrected_cause: str | None = None,
) -> Lesson:
    """A lesson from a stored tag's features: `pattern`, `patterns`, `causes`, `pair`, `key` or `keys`, `columns`,
    `scores`, `pvalues`, `amounts`."""
    scores = [float(s) for s in features.get("scores") or [] if s is not None]
    # a row that was quiet already has a lower score than its p-value says
    strange = [-math.log(max(float(p), 1e-300)) for p in features.get("pvalues") or [] if p is not None]
    amounts = [abs(float(a)) for a in features.get("amounts") or [] if a is not None]
    keys = [_texts(k) for k in features.get("keys") or [features.get("key")] if k]
    return Lesson(
        id=feedback_id,
        verdict=verdict,
        pattern=str(features.get("pattern") or ""),
        columns={**_texts(features.get("columns")), **(keys[0] if keys else {})},
        said_on=said_on,
        scope=dict(scope or {}),
        keys=tuple(keys),
        pair=str(features.get("pair") or ""),
        surprise=max([*strange, *(float(surprise_of_score(s)) for s in scores)], default=0.0),
        amount=max(amounts, default=None),
        expires_on=expires_on,
        corrected=corrected,
        patterns=frozenset(str(p) for p in features.get("patterns") or ()),
        causes=frozenset(str(c) for c in features.get("causes") or ()),
        corrected_cause=corrected_cause,
    )


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(k): str(v) for k, v in (values or {}).items()}


def score_of_surprise(surprise: npt.ArrayLike) -> Floats:
    """The score of a -ln p: 0 at p = 1, strictly increasing, never 1, to 9 decimals."""
    of = np.asarray(surprise, dtype=np.float64)
    return np.asarray(np.round(of / (of + 12.0), 9) + 0.0, dtype=np.float64)


def surprise_of_score(score: npt.ArrayLike) -> Floats:
    """-ln p from a score: the inverse of the judge's score."""
    s = np.minimum(np.asarray(score, dtype=np.float64), 1.0 - 1e-9)
    return np.asarray(12.0 * s / (1.0 - s), dtype=np.float64)


@dataclass(frozen=True)
class Seen:
    """Rows as lessons look at them, just judged or taken from the store. All arrays have length m."""

    pair: str
    columns: Mapping[str, Codes]
    pattern: npt.NDArray[np.object_]
    """The pattern's word; "" for a match."""
    surprise: Floats
    """-ln p."""
    amount: Floats
    """Absolute difference in the pair's unit."""
    is_break: Mask

    @property
    def m(self) -> int:
        return len(self.surprise)

    def at(self, rows: npt.NDArray[np.int64]) -> "Seen":
        """Some of the rows."""
        columns = {name: Codes(column.codes[rows], column.vocabulary) for name, column in self.columns.items()}
        return Seen(self.pair, columns, self.pattern[rows], self.surprise[rows], self.amount[rows], self.is_break[rows])


def seen_of(panel: Panel, judgement: Judgement, at: npt.NDArray[np.int64]) -> Seen:
    """The judged rows at the given positions of the judgement."""
    rows = judgement.rows[at]
    words = np.array([*PATTERNS, ""], dtype=object)
    return Seen(
        panel.pair.name,
        {name: Codes(column.codes[rows], column.vocabulary) for name, column in panel.columns.items()},
        words[judgement.pattern[at]],
        judgement.numbers["surprise"][at],
        np.abs(judgement.numbers["x"][at]),
        panel.is_break[rows],
    )


def worth_looking(panel: Panel, judgement: Judgement) -> npt.NDArray[np.int64]:
    """Positions of the judged rows that a tag can speak for: breaks, and whatever is strange."""
    strange = judgement.numbers["surprise"] > LOOKED_AT
    return np.flatnonzero(panel.is_break[judgement.rows] | strange)


def spoken_for(lesson: Lesson, seen: Seen) -> Mask:
    """The rows of the lesson's pair within its scope, or without one of its own keys, whatever their pattern."""
    nobody = np.zeros(seen.m, np.bool_)
    if lesson.pair and seen.pair and lesson.pair != seen.pair:
        return nobody
    here = nobody
    for spoken in [lesson.scope] if lesson.scope else lesson.keys:
        here = here | where(spoken, seen)
    return here


def among(words: npt.NDArray[np.object_], wanted: Collection[str]) -> Mask:
    """Where the word is one of the wanted."""
    found = np.zeros(len(words), np.bool_)
    for word in wanted:
        found |= np.asarray(words == word, np.bool_)
    return found


def where(spoken: Mapping[str, str], seen: Seen) -> Mask:
    """The rows with these values; none when a column is not there."""
    if not spoken or any(name not in seen.columns for name in spoken):
        return np.zeros(seen.m, np.bool_)
    here = np.ones(seen.m, np.bool_)
    for name, value in spoken.items():
        code = pc.index(seen.columns[name].vocabulary, value).as_py()
        here &= (seen.columns[name].codes == code) & (code >= 0)
    return here
