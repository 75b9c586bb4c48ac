"""Learning from a person's tags: which views to trust, and what to keep quiet about, in which neighbourhood."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lessons:
    """What the tags taught, ready for the next run."""
