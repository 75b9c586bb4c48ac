"""What operators tagged, as lessons for the next run."""

from agents.desk import Desk
from detectors.learning import Lessons
from detectors.lessons import Lesson, lesson_of
from memory.feedback import Feedback


def lessons_of(desk: Desk, recon: str) -> Lessons:
    """The tags of a reconciliation that are in force today: neither undone nor expired."""
    return Lessons.of([lesson(f) for f in desk.feedback.list(recon=recon)], desk.clock().date())


def lesson(said: Feedback) -> Lesson:
    """One stored tag as the detectors need it."""
    return lesson_of(
        said.id,
        said.verdict,
        said.features,
        said.at.date(),
        scope=said.scope,
        expires_on=said.expires_at.date() if said.expires_at else None,
        corrected=said.pattern,
        corrected_cause=said.cause,
    )
