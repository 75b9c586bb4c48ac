"""Hypotheses: the proofs of a group as ranked causes with calibrated confidence, open to `new` and to `unknown`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detectors.proof import SAID, Proof
from recon.words import CAUSE_LABELS, PATTERN_LABELS, Side

Ranked = tuple[str, float, str]
"""(cause, confidence between 0 and 1, statement)."""

HELD: Final[Mapping[str, float]] = {
    "price_times_quantity": 0.95,
    "unit": 0.8,
    "sum_cancels": 0.85,
    "clears_by_itself": 0.85,
    "late_movement": 0.9,
    "undone": 0.9,
    "times_3": 0.9,
    "wrong_digit": 0.93,
    "dropped_digit": 0.93,
    "last_unit": 0.93,
    "fixed": 0.95,
    "share": 0.95,
    "recurring_ratio": 0.93,
    "cancels": 0.95,
}
"""How often a mechanism that came first was right on planted causes (`python -m evals.causes`), rounded down."""
ELSE: Final = 0.97
SURPRISE: Final = 60.0
"""A chance of 1 in 60 halves the belief: about sixty breaks of a desk are ordinary for one of any one mechanism."""
LEAST: Final = 0.01


@dataclass(frozen=True)
class NewCause:
    """A bucket proposed for a group that hangs together but fits no known cause."""

    name: str
    details: str


def rank(
    proofs: Sequence[Proof],
    *,
    pattern: str = "",
    side: Side = "unclear",
    coherent: bool = False,
    scope: Sequence[tuple[str, str]] = (),
) -> list[Ranked]:
    """Causes, most believed first; what no proof claims is left to `new` (a coherent group) or `unknown`.

    The confidences sum to 1 at most: each proof takes its share of what the better ones left.

    >>> proof = Proof("scale", "scale", "897,040 is 89,704 x 10.", 1e-4)
    >>> [(cause, round(held, 2)) for cause, held, _ in rank([proof])]
    [('scale', 0.96), ('unknown', 0.04)]
    >>> rank([], coherent=True, scope=[("Desk", "Rates")])[0][0]
    'new'
    """
    left, answer, said = 1.0, [], set()
    for proof in proofs:
        if proof.cause in said:
            continue
        said.add(proof.cause)
        belief = left * belief_in(proof, side)
        left -= belief
        if belief >= LEAST:
            answer.append((str(proof.cause), belief, proof.statement))
    answer.append(_rest(left, coherent and not proofs, pattern, side, scope))
    return sorted(answer, key=lambda ranked: -ranked[1]) if not proofs else answer


def belief_in(proof: Proof, side: Side = "unclear") -> float:
    """How far one proof is to be believed on its own: its mechanism's record, less the chance of coincidence.

    A person's word is believed by the rule of succession: 2 in 3 once, 3 in 4 twice.
    """
    if proof.mechanism == SAID:
        times = int(proof.values["times"])
        return (times + 1) / (times + 2)
    record = HELD.get(proof.mechanism, ELSE)
    chance = 0.0 if proof.mechanism == "unit" else min(1.0, proof.chance)
    against = 0.9 if "unclear" not in (side, proof.suspect_side) and side not in ("both", proof.suspect_side) else 1.0
    return record * against / (1.0 + SURPRISE * chance)


def _rest(left: float, new: bool, pattern: str, side: Side, scope: Sequence[tuple[str, str]]) -> Ranked:
    if new:
        proposed = name_new(pattern, side, scope)
        return "new", 0.6 * left, f"{proposed.name}: {proposed.details}"
    return "unknown", left, f"{CAUSE_LABELS['unknown']}: none of the arithmetic tests holds for these amounts."


def name_new(pattern: str, side: Side, scope: Sequence[tuple[str, str]]) -> NewCause:
    """A name and details for a coherent group without a cause, for the operator to keep or to rename.

    >>> name_new("spike", "left", [("Desk", "Rates")]).name
    'Desk Rates: left moved'
    """
    where = ", ".join(f"{column} {value}" for column, value in scope) or "Several keys"
    what = f"{side} moved" if side in ("left", "right") else "shared difference"
    label = PATTERN_LABELS.get(pattern, pattern)
    details = "The breaks belong together, but no known mechanism explains their amounts"
    return NewCause(f"{where}: {what}", f"{details}; pattern: {label}." if label else f"{details}.")
