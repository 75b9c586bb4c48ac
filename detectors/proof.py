"""What a mechanism yields: a cause with its arithmetic, and how likely chance would pass the same test."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from recon.words import Cause, Side

SAID: Final = "said"
"""The mechanism of a cause that a person gave: their word, and no arithmetic."""


@dataclass(frozen=True)
class Proof:
    """One mechanism that holds for one break."""

    cause: Cause
    mechanism: str
    """Which test: `scale`, `transposition`, `subset_sum`, `cancels`, `yesterdays_rate`."""
    statement: str
    """The arithmetic as a sentence with numbers: «897,040 is 89,704 x 10: an extra zero on the GL side»."""
    chance: float
    """The chance that a random amount of this size passes, over all tests tried together."""
    suspect_side: Side = "unclear"
    rows: tuple[int, ...] = ()
    """Other panel rows the proof rests on: the pair that cancels, the parts of the sum, the duplicate."""
    values: dict[str, Any] = field(default_factory=dict)
    """The numbers of the statement, amounts as decimal text: what evidence shows and grounding checks against."""


def said_proof(cause: str, statement: str, said_on: date, times: int) -> Proof:
    """A person's word as the first of the causes; `times` people or tags said the same."""
    values = {"said_on": said_on.isoformat(), "times": times}
    return Proof(cause, SAID, f"{statement}.", 1.0, values=values)  # type: ignore[arg-type]
