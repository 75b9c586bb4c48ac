"""Proves the causes of a run's breaks: every mechanism over every panel, the proofs of each break ranked."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import log10
from typing import Final

from detectors.digits import Units
from detectors.mechanisms.table import Bench, Mechanism, lay_out
from detectors.proof import Proof
from recon.calendar import BusinessCalendar
from recon.panel import Panel

Ranked = dict[int, list[Proof]]
"""Panel row -> its proofs, best first. A row without one is not in it."""

STANDING: Final[dict[str, int]] = {
    "text_differs": 0,
    "repeated_row": 0,
    "subset_sum": 1,
    "arrives": 2,
    "split": 2,
    "cancels": 3,
    "clears_by_itself": 4,
    "missing_absent": 5,
    "missing_zero": 5,
    "unit": 30,
}
"""Which mechanism speaks first whatever the chances: those of rows and sides before those of amounts."""
AMOUNTS: Final = 10
LEANING: Final[dict[str, float]] = {
    "sign": -8.0,
    "times_2": -6.0,
    "scale": -6.0,
    "factor": -5.0,
    "stale": -4.0,
    "a_day_behind": -4.0,
    "rate": -2.0,
    "share": -1.0,
    "recurring_ratio": -1.0,
    "small_quantity": -1.0,
    "movement": 0.0,
    "undone": 1.0,
    "late_movement": 1.0,
    "sum_cancels": 1.0,
    "cancels": 1.0,
    "times_3": 2.0,
    "price_times_quantity": 4.0,
}
"""Among tests of amounts the most surprising speaks first, in powers of ten; what explains the whole break, and not
only its size, is given this much before it."""


def prove_with(
    mechanisms: Sequence[Mechanism],
    panels: Sequence[Panel],
    rows: Sequence[Units],
    *,
    left_name: str,
    right_name: str,
    currency_column: str | None,
    rates: Mapping[str, Decimal],
    calendar: BusinessCalendar | None,
) -> list[Ranked]:
    """One dict per panel: panel row -> the proofs that hold for it, best first; rows without any are left out.

    `rows` are the panel rows to explain. All of them are looked at together: recurring fees and rates, sums and
    pairs that cancel are found among them.
    """
    bench = Bench(lay_out(panels, rows, (left_name, right_name), currency_column), rates, calendar)
    answers: list[Ranked] = []
    for table in bench.tables:
        ranked: Ranked = {}
        if len(table.rows):
            for mechanism in mechanisms:
                for i, proof in mechanism(bench, table):
                    ranked.setdefault(int(table.rows[i]), []).append(proof)
        answers.append({row: sorted(ranked[row], key=rank) for row in sorted(ranked)})
    return answers


def rank(proof: Proof) -> tuple[int, float, str]:
    """The order among the proofs of one break: standing, then surprise, then the words."""
    standing = STANDING.get(proof.mechanism, AMOUNTS)
    leaning = LEANING.get(proof.mechanism, 0.0)
    if standing == STANDING["cancels"] and not proof.values.get("one_sided"):
        standing = AMOUNTS
    return standing, round(log10(max(proof.chance, 1e-15)) + leaning, 6), proof.statement
