"""Learning from a person's tags: what to keep quiet about and what to raise, in which neighbourhood, until when.

Two layers, both moving the threshold and never the p-value, so that calibration survives them.
The said one: a tag speaks for its scope (`column = value`), or without one for its own key, always for its pattern.
The learnt one: a regularised logistic model of «real or not» over pattern, columns, pair, strangeness and views
(Gaussian prior at trust: without tags every alarm is real). It is used only when, replayed on the tags
themselves with each left out in turn, it predicts them better than trusting all of them does.
Neither quiets a row stranger than 1.5 times the strangest one called false: a growing one comes back.

Choosing what to show follows Active Anomaly Discovery (Das, Wong, Dietterich, Fern, Emmott: Incorporating Expert
Feedback into Active Anomaly Discovery, ICDM 2016): the most anomalous under what is known so far, one of each
kind first, since ten alike teach as little as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from detectors.views import NAMES
from recon.panel import Panel
from recon.words import PATTERN_LABELS

Floats = npt.NDArray[np.float64]
PATTERNS: Final = tuple(PATTERN_LABELS)

QUIET: Final = 0.35
"""Below this chance of being real an alarm is kept quiet."""
GROWN: Final = 1.5
"""How much stranger than the strangest tagged one (in -ln p) a row must be to come back."""
HASHED: Final = 64
"""Width of the hashed `pair, pattern, column = value` features."""
WIDTH: Final = len(PATTERNS) + HASHED + len(NAMES) + 1
ENOUGH: Final = 6
"""Tags from which the model is fitted; under it only what was said counts."""


@dataclass(frozen=True)
class Lesson:
    """One tag, as the detectors need it."""

    id: str
    verdict: Literal["true", "false_positive", "missed", "corrected"]
    pattern: str
    """The pattern that the tagged row was given."""
    columns: Mapping[str, str]
    """Key and historical columns of the tagged row."""
    said_on: date
    scope: Mapping[str, str] = field(default_factory=dict)
    """What the tag speaks for; empty: its own key."""
    key: Mapping[str, str] = field(default_factory=dict)
    pair: str = ""
    score: float = 0.0
    """The score it had when it was tagged."""
    expires_on: date | None = None
    corrected: str | None = None
    """The right pattern, when the tag said one."""
    views: Mapping[str, float] = field(default_factory=dict)
    """Each view's p-value, when known."""

    @property
    def real(self) -> bool:
        return self.verdict != "false_positive"


def lesson_of(
    feedback_id: str,
    verdict: Literal["true", "false_positive", "missed", "corrected"],
    features: Mapping[str, Any],
    said_on: date,
    *,
    scope: Mapping[str, str] | None = None,
    expires_on: date | None = None,
    corrected: str | None = None,
) -> Lesson:
    """A lesson from a stored tag's features: `pattern`, `pair`, `key`, `columns`, `scores`, `views`."""
    scores = [float(s) for s in features.get("scores") or [0.0] if s is not None]
    key = {str(k): str(v) for k, v in (features.get("key") or {}).items()}
    columns = {str(k): str(v) for k, v in (features.get("columns") or {}).items()}
    views = {str(k): float(v) for k, v in (features.get("views") or {}).items() if v is not None}
    return Lesson(
        feedback_id, verdict, str(features.get("pattern") or ""), {**columns, **key}, said_on, dict(scope or {}),
        key, str(features.get("pair") or ""), max(scores, default=0.0), expires_on, corrected, views,
    )  # fmt: skip


def surprise_of_score(score: npt.ArrayLike) -> Floats:
    """-ln p from a score: the inverse of the judge's score."""
    s = np.minimum(np.asarray(score, dtype=np.float64), 1.0 - 1e-9)
    return np.asarray(12.0 * s / (1.0 - s), dtype=np.float64)


def features_of(
    pattern: str, pair: str, columns: Mapping[str, str], surprise: float, views: Mapping[str, float]
) -> Floats:
    """What the model knows of one row: pattern, hashed column values with it, strangeness, the views."""
    out = np.zeros(WIDTH)
    if pattern in PATTERNS:
        out[PATTERNS.index(pattern)] = 1.5
    for column, value in columns.items():
        out[len(PATTERNS) + crc32(f"{pair}\x1f{pattern}\x1f{column}\x1f{value}".encode()) % HASHED] += 0.5
    for i, name in enumerate(NAMES):
        p = views.get(name, 1.0)
        out[len(PATTERNS) + HASHED + i] = min(-np.log(max(p, 1e-9)), 20.0) / 40.0
    out[-1] = min(surprise, 40.0) / 40.0
    return out


@dataclass(frozen=True)
class Effect:
    """What the lessons do to each judged row."""

    trust: Floats
    """The chance that the row is real, 1 where nothing was learnt."""
    by: npt.NDArray[np.int64]
    """The lesson that decided, -1: none, -2: the model of all of them."""
    raised: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lessons:
    """What the tags taught, ready for the next run. Build it with `Lessons.of`."""

    lessons: tuple[Lesson, ...] = ()
    weights: Floats | None = None
    """Of the model, the last one its constant; None: too few tags, or it did not survive its replay."""

    @classmethod
    def of(cls, lessons: Sequence[Lesson], today: date) -> "Lessons":
        """From the tags that are in force today; a tag of a later day is not known yet.

        >>> Lessons.of([], date(2026, 5, 12)).lessons
        ()
        """
        live = [x for x in lessons if x.said_on <= today and (x.expires_on is None or x.expires_on > today)]
        live.sort(key=lambda x: (x.said_on, x.id))
        return cls(tuple(live), _fit(live))

    def effect(self, panel: Panel, judgement: Judgement) -> Effect:
        """Trust in every judged row; only rows with p under 0.05 are looked at."""
        m = len(judgement.rows)
        effect = Effect(np.ones(m), np.full(m, -1, np.int64), np.zeros(m, np.bool_))
        surprise = judgement.numbers["surprise"]
        look = np.flatnonzero(surprise > 2.9957)
        if not self.lessons or not len(look):
            return effect
        texts = {name: codes.vocabulary.to_pylist() for name, codes in panel.columns.items()}
        for i in look:
            row = int(judgement.rows[i])
            columns = {name: str(texts[name][int(codes.codes[row])]) for name, codes in panel.columns.items()}
            pattern = PATTERNS[int(judgement.pattern[i])] if judgement.pattern[i] >= 0 else ""
            views = {name: float(p[i]) for name, p in judgement.views.items()}
            trust, by, raised = self._of_row(pattern, panel.pair.name, columns, float(surprise[i]), views)
            effect.trust[i], effect.by[i], effect.raised[i] = trust, by, raised
        return effect

    def _of_row(
        self, pattern: str, pair: str, columns: Mapping[str, str], surprise: float, views: Mapping[str, float]
    ) -> tuple[float, int, bool]:
        said = [k for k, x in enumerate(self.lessons) if _speaks_for(x, pattern, pair, columns)]
        if said:
            # the newest word counts
            newest = self.lessons[said[-1]]
            if newest.real:
                return 1.0, said[-1], newest.verdict == "missed"
            limit = GROWN * max(float(surprise_of_score(self.lessons[k].score)) for k in said)
            return (0.0, said[-1], False) if surprise <= limit else (1.0, -1, False)
        if self.weights is None:
            return 1.0, -1, False
        false_ones = [x for x in self.lessons if not x.real and x.pattern == pattern]
        if len(false_ones) < 2:
            return 1.0, -1, False
        limit = GROWN * max(float(surprise_of_score(x.score)) for x in false_ones)
        if surprise > limit:
            return 1.0, -1, False
        trust = _chance(self.weights, features_of(pattern, pair, columns, surprise, views)[None])[0]
        return float(trust), -2 if trust < QUIET else -1, False

    def why(self, by: int, quiet: int) -> str:
        """The sentence under a row that a lesson decided: «since you said so on 12 May 2026, 3 like it are quiet»."""
        like = "1 like it is quiet" if quiet == 1 else f"{quiet} like it are quiet"
        if by >= 0:
            day = self.lessons[by].said_on
            return f"since you said so on {day.day} {day:%B %Y}, {like}"
        if by == -2:
            n = sum(not x.real for x in self.lessons)
            return f"since {n} tags called such rows false, {like}"
        return ""


def _speaks_for(lesson: Lesson, pattern: str, pair: str, columns: Mapping[str, str]) -> bool:
    if lesson.pair and pair and lesson.pair != pair:
        return False
    if lesson.verdict in {"false_positive", "missed"} and lesson.pattern and pattern != lesson.pattern:
        return False
    spoken = lesson.scope or lesson.key
    return bool(spoken) and all(columns.get(name) == value for name, value in spoken.items())


def _fit(lessons: Sequence[Lesson]) -> Floats | None:
    """The model's weights, or None when replay says that trusting every alarm predicts the tags as well."""
    if len(lessons) < ENOUGH:
        return None
    x = np.array(
        [features_of(k.pattern, k.pair, k.columns, float(surprise_of_score(k.score)), k.views) for k in lessons]
    )
    y = np.array([k.real for k in lessons], dtype=np.float64)
    if y.all():
        return None
    folds = np.arange(len(y)) % min(len(y), 10)
    guess = np.zeros(len(y))
    for fold in range(folds.max() + 1):
        here = folds == fold
        guess[here] = _chance(_logistic(x[~here], y[~here]), x[here])
    return _logistic(x, y) if _loss(guess, y) < _loss(np.full(len(y), 0.9), y) else None


def _loss(guess: Floats, y: Floats) -> float:
    p = np.clip(guess, 1e-6, 1.0 - 1e-6)
    return float(-(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)).mean())


def _logistic(x: Floats, y: Floats) -> Floats:
    """L2-regularised; three remembered real rows of every pattern say that an alarm is real until told otherwise."""
    from sklearn.linear_model import LogisticRegression

    prior = np.zeros((len(PATTERNS), x.shape[1]))
    prior[np.arange(len(PATTERNS)), np.arange(len(PATTERNS))] = 1.5
    both = np.concatenate([x, prior, np.zeros((1, x.shape[1]))])
    real = np.concatenate([y, np.ones(len(PATTERNS)), [0.0]])
    weight = np.concatenate([np.ones(len(y)), np.full(len(PATTERNS), 0.4), [1e-3]])
    model = LogisticRegression(C=3.0, max_iter=500).fit(both, real, sample_weight=weight)
    return np.concatenate([model.coef_[0], model.intercept_])


def _chance(weights: Floats, x: Floats) -> Floats:
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(x @ weights[:-1] + weights[-1], -30, 30)))
    return out


@dataclass(frozen=True)
class Preview:
    """The blast radius of a tag before it is saved, over the rows judged now and before."""

    quieted: int
    raised: int
    quieted_confirmed: int
    """Of the quieted, how many a person had confirmed real."""
    rows: tuple[int, ...]
    """Panel rows whose answer would change, the strangest first."""
    sentence: str


def preview(
    lessons: Lessons,
    tag: Lesson,
    today: date,
    judged: Sequence[tuple[Panel, Judgement]],
    confirmed: Sequence[npt.NDArray[np.bool_]] | None = None,
) -> Preview:
    """What `tag` would change on the panels judged so far; `confirmed` says which rows a person called real."""
    after = Lessons.of([*lessons.lessons, tag], today)
    rows: list[tuple[float, int]] = []
    quieted = raised = known = 0
    for k, (panel, judgement) in enumerate(judged):
        old, new = lessons.effect(panel, judgement), after.effect(panel, judgement)
        called = _called(judgement)
        gone = called & (old.trust >= QUIET) & (new.trust < QUIET)
        come = (called & (old.trust < QUIET) & (new.trust >= QUIET)) | (~called & ~old.raised & new.raised)
        quieted += int(gone.sum())
        raised += int(come.sum())
        if confirmed is not None:
            known += int((gone & confirmed[k]).sum())
        rows += [(-float(judgement.score[i]), int(judgement.rows[i])) for i in np.flatnonzero(gone | come)]
    sentence = (
        f"{quieted} past and present {'break' if quieted == 1 else 'breaks'} would become quiet, {known} of them "
        f"confirmed real; {raised} would be raised"
    )
    return Preview(quieted, raised, known, tuple(row for _, row in sorted(rows)), sentence)


def _called(judgement: Judgement) -> npt.NDArray[np.bool_]:
    """Called an anomaly before any lesson."""
    return np.asarray((judgement.anomaly == 1) | (judgement.numbers["quieted"] > 0))


def to_show(judgement: Judgement, count: int, effect: Effect | None = None) -> npt.NDArray[np.int64]:
    """The rows (indices into the judgement) whose labels are worth most: strange and trusted, unlike each other.

    Round after round over the kinds (pattern, deciding view), in each the strangest that is left.
    """
    trust = effect.trust if effect is not None else np.ones(len(judgement.rows))
    worth = judgement.numbers["surprise"] * trust
    order = np.argsort(-worth, kind="stable")
    names = np.array([judgement.views[name] for name in NAMES])
    view = names.argmin(axis=0)
    kind = judgement.pattern.astype(np.int64) * len(NAMES) + view
    seen: dict[int, int] = {}
    rank = np.empty(len(order))
    for i in order:
        seen[int(kind[i])] = seen.get(int(kind[i]), 0) + 1
        rank[i] = worth[i] / seen[int(kind[i])] ** 0.5
    best: npt.NDArray[np.int64] = np.argsort(-rank, kind="stable")[:count]
    return best
