"""The blast radius of a tag before it is saved, over rows already judged, by the same rule that the next run uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from detectors.learning import NOBODY, Effect, Lessons
from detectors.lessons import Lesson, Mask, Seen


@dataclass(frozen=True)
class Known:
    """Rows judged before, and what is known of them. The arrays have the length of `seen`."""

    seen: Seen
    cause: npt.NDArray[np.object_]
    called: Mask
    """Called an anomaly when it was judged."""
    confirmed: Mask
    """A person called it real."""


@dataclass(frozen=True)
class Radius:
    """What a tag would change among rows already judged."""

    quieted: int
    raised: int
    relabelled: int
    """Rows that would be given another pattern or cause."""
    quieted_confirmed: int
    """Of the quieted, how many a person had confirmed real."""
    weighed: int
    """Rows whose p-value would count for more."""
    rows: tuple[tuple[int, int], ...]
    """(index into what was known, row) of every row whose answer would change, the strangest first."""


def preview(lessons: Lessons, tag: Lesson, today: date, known: Sequence[Known]) -> Radius:
    """What `tag` would change of the rows known."""
    after = Lessons.of([*lessons.lessons, tag], today)
    changed: list[tuple[float, int, int]] = []
    quieted = raised = relabelled = confirmed = weighed = 0
    for k, rows in enumerate(known):
        old, new = lessons.effect(rows.seen), after.effect(rows.seen)
        was, now = _called(rows, old), _called(rows, new)
        gone, come, other = was & ~now, now & ~was, _relabelled(lessons, after, rows)
        quieted, raised, relabelled = quieted + int(gone.sum()), raised + int(come.sum()), relabelled + int(other.sum())
        confirmed += int((gone & rows.confirmed).sum())
        weighed += int((new.weight > old.weight).sum())
        changed += [(-float(rows.seen.surprise[i]), k, int(i)) for i in np.flatnonzero(gone | come | other)]
    where = tuple((k, i) for _, k, i in sorted(changed))
    return Radius(quieted, raised, relabelled, confirmed, weighed, where)


def _called(rows: Known, effect: Effect) -> Mask:
    """Called under these lessons: what was called and is not kept quiet, what a lesson let go again, what one raises.

    A row that an earlier lesson kept quiet was as strange as the least strange of those that were called.
    """
    least = float(rows.seen.surprise[rows.called].min()) if rows.called.any() else np.inf
    strange = rows.called | ((effect.weight > 1.0) & (rows.seen.surprise >= least))
    return np.asarray((strange & ~effect.quiet) | effect.raised, np.bool_)


def _relabelled(before: Lessons, after: Lessons, rows: Known) -> Mask:
    other = _words(before, rows, "pattern") != _words(after, rows, "pattern")
    return np.asarray(other | (_words(before, rows, "cause") != _words(after, rows, "cause")), np.bool_)


def _words(lessons: Lessons, rows: Known, which: str) -> npt.NDArray[np.object_]:
    """The pattern or the cause that each row has under these lessons."""
    given = rows.seen.pattern if which == "pattern" else rows.cause
    by = lessons.corrections(rows.seen) if which == "pattern" else lessons.causes(rows.seen, given)
    out = given.copy()
    for i in np.flatnonzero(by != NOBODY):
        lesson = lessons.lessons[by[i]]
        out[i] = (lesson.corrected if which == "pattern" else lesson.corrected_cause) or given[i]
    return out
