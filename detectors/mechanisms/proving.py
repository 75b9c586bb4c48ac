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
    "cancels": 3,
    "clears_by_itself": 4,
    "missing_absent": 5,
    "missing_zero": 5,
    "sign": 10,
    "times_2": 10,
    "scale": 10,
    "factor": 11,
    "stale": 12,
    "a_day_behind": 12,
    "rate": 13,
    "share": 13,
    "recurring_ratio": 13,
    "rounded": 14,
    "last_unit": 14,
    "small_quantity": 14,
    "fixed": 15,
    "transposition": 16,
    "wrong_digit": 16,
    "dropped_digit": 16,
    "undone": 17,
    "late_movement": 17,
    "times_3": 17,
    "price_times_quantity": 18,
    "sum_cancels": 19,
    "unit": 30,
}
"""Which mechanism speaks first when several hold: what explains the whole break before what explains its size."""


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
    """The order among the proofs of one break: standing, then surprise."""
    return STANDING.get(proof.mechanism, 20), log10(max(proof.chance, 1e-12)), proof.statement
