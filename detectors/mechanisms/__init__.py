"""Mechanisms: exact tests of why two amounts differ, one a file, each returning its proof as a sentence."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from detectors.digits import Units
from detectors.mechanisms import (
    aggregation,
    duplicate,
    factor,
    fee,
    fx,
    inverse,
    lag,
    misposting,
    missing,
    money,
    movement,
    reference,
    rounding,
    scale,
    sign,
    slip,
    split,
    stale,
    timing,
    unit,
)
from detectors.mechanisms.proving import Ranked, prove_with
from detectors.mechanisms.table import Mechanism
from recon.calendar import BusinessCalendar
from recon.panel import Panel

MECHANISMS: Final[tuple[Mechanism, ...]] = (
    reference.find,
    missing.find,
    timing.find,
    split.find,
    duplicate.find,
    sign.find,
    scale.find,
    slip.find,
    rounding.find,
    factor.find,
    money.find,
    fx.find,
    inverse.find,
    fee.find,
    lag.find,
    movement.find,
    stale.find,
    misposting.find,
    aggregation.find,
    unit.find,
)
"""A new mechanism is a file with a `find`, named here; the shared tests then ask it too."""


def prove(
    panels: Sequence[Panel],
    rows: Sequence[Units],
    *,
    left_name: str,
    right_name: str,
    currency_column: str | None,
    rates: Mapping[str, Decimal],
    calendar: BusinessCalendar | None,
) -> list[Ranked]:
    """`proving.prove_with` all registered mechanisms."""
    return prove_with(
        MECHANISMS,
        panels,
        rows,
        left_name=left_name,
        right_name=right_name,
        currency_column=currency_column,
        rates=rates,
        calendar=calendar,
    )
