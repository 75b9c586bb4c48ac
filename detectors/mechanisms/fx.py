"""An FX rate: the ratio of the two amounts is a rate of the run, its inverse, or today's rate over yesterday's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

import numpy as np

from detectors.mechanisms.fee import as_share, one_currency
from detectors.mechanisms.ratios import Cluster, clusters, simplest
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof

GATE: Final = 7e-4
RATE_COLUMN: Final = re.compile(r"(?i)fx|(?<![a-z])rate(?![a-z])|exchange|(?<![a-z])spot")


@dataclass(frozen=True)
class Rate:
    """A rate that the run itself or its recon file holds."""

    value: Fraction
    where: str
    """Where it was seen, as a person would say it."""
    currency: int | None
    """The code of the only currency it applies to, None for any."""
    own: bool = False
    """The recon file's own rate of the currency, rather than a cross or a number of some column."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    if table.is_text or table.one_sided_pair or table.panel.pair.unit not in ("money", "other"):
        return
    rates = _rates(bench, table)
    yield from _known(table, rates)
    yield from _recurring(table, rates)


def _rates(bench: Bench, table: Breaks) -> list[Rate]:
    """The recon file's rates with their crosses, then the numbers of the file's own rate columns."""
    said = {code.upper(): Fraction(rate) for code, rate in bench.rates.items() if rate > 0}
    codes, whose = _currencies(table), table.panel.columns.get(table.currency_column or "") is None
    rates = []
    for one, first in said.items():
        if one in codes or whose:
            rates.append(Rate(first, f"the {one} rate of the recon file", codes.get(one), own=True))
        for two, second in said.items():
            if one != two and (one in codes or (whose and one < two)):
                rates.append(Rate(first / second, f"the {one}/{two} cross of the recon file", codes.get(one)))
    return rates + _column_rates(table)


def _currencies(table: Breaks) -> dict[str, int]:
    column = table.panel.columns.get(table.currency_column or "")
    if column is None:
        return {}
    return {str(text).upper(): code for code, text in enumerate(column.vocabulary.to_pylist())}


def _column_rates(table: Breaks, most: int = 64) -> list[Rate]:
    found: dict[Fraction, Rate] = {}
    for header, column in table.panel.columns.items():
        if RATE_COLUMN.search(header) is None or len(column.vocabulary) > 10 * most:
            continue
        for text in column.vocabulary.to_pylist()[:most]:
            value = _number(str(text))
            if value is not None:
                found.setdefault(value, Rate(value, f"{text} in column {header}", None))
    values = list(found.values())
    moves = [
        Rate(a.value / b.value, f"{a.where.split()[0]} over {b.where}", None)
        for a in values[:16]
        for b in values[:16]
        if a.value != b.value and abs(a.value / b.value - 1) < Fraction(1, 10)
    ]
    return values + moves


def _number(text: str) -> Fraction | None:
    try:
        value = Fraction(Decimal(text.replace(",", "")))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return value if value > 0 and value != 1 else None


def _known(table: Breaks, rates: list[Rate]) -> Iterator[Found]:
    if not rates:
        return
    left, right = np.abs(table.left), np.abs(table.right)
    tested = table.both & ((table.left > 0) == (table.right > 0))
    small = np.minimum(left, right)
    luck = table.coincidence(np.maximum(small, 1))
    ratio = np.divide(left, right, out=np.ones(len(left)), where=tested)
    done: set[int] = set()
    for rate in rates:
        mine = tested if rate.currency is None else tested & (table.currency == rate.currency)
        value = float(rate.value)
        rivals = 1 if rate.own else sum(not r.own and r.currency == rate.currency for r in rates)
        chance = np.minimum(1.0, 2 * rivals * luck)
        for up in (True, False):
            goal = value if up else 1 / value
            near = mine & (np.abs(ratio / goal - 1) <= 2 * 10**table.grain / np.maximum(small, 1))
            for i in np.flatnonzero(near & (chance <= GATE)):
                if int(i) not in done and _holds(table, int(i), rate.value if up else 1 / rate.value):
                    done.add(int(i))
                    yield int(i), _by_rate(table, int(i), rate, up, float(chance[i]))


def _holds(table: Breaks, i: int, rate: Fraction) -> bool:
    """left = right x rate to half a step of either, in exact arithmetic."""
    half = Fraction(10**table.grain, 2)
    left, right = abs(int(table.left[i])), abs(int(table.right[i]))
    return abs(right * rate - left) <= half or abs(left / rate - right) <= half


def _by_rate(table: Breaks, i: int, rate: Rate, up: bool, chance: float) -> Proof:
    number = _decimal(rate.value)
    one, other = (table.left[i], table.right[i]) if up else (table.right[i], table.left[i])
    statement = (
        f"{table.figure(one)} is {table.figure(other)} x {number}, {rate.where}: "
        f"one side is converted, the other is not."
    )
    values = table.values(i) | {"rate": number, "seen": rate.where}
    return Proof("fx_rate", "rate", statement, chance, table.suspect(i), values=values)


def _decimal(value: Fraction) -> str:
    found = simplest(value, value, 9)
    if found is None:
        return f"{Decimal(value.numerator) / Decimal(value.denominator):.6f}"
    text = str(found[0]).zfill(found[1] + 1)
    return f"{text[: -found[1]]}.{text[-found[1] :]}" if found[1] else text


def _recurring(table: Breaks, rates: list[Rate]) -> Iterator[Found]:
    """A ratio that several breaks share and that is no round share: a rate, or the move of a rate since yesterday."""
    for cluster in clusters(table):
        if as_share(table, cluster) is None or one_currency(table, cluster):
            yield from _shared(table, cluster)


def _shared(table: Breaks, cluster: Cluster) -> Iterator[Found]:
    found = simplest(cluster.low, cluster.high, 9) or (0, 0)
    inverse = simplest(1 / cluster.high, 1 / cluster.low, 9) or (0, 0)
    if inverse[1] and len(str(inverse[0])) < len(str(found[0])):
        rate = _decimal(Fraction(inverse[0], 10 ** inverse[1]))
    else:
        rate = _decimal(Fraction(found[0], 10 ** found[1]))
    others = len(cluster.whole) - 1
    close = cluster.high < Fraction(103, 100)
    what = "one rate over another, such as today's over yesterday's" if close else "a rate applied on one side only"
    for i in cluster.whole:
        statement = (
            f"{table.figure(table.left[i])} and {table.figure(table.right[i])} stand in the ratio {rate}, as "
            f"{others} other break{'s do' if others > 1 else ' does'}: {what}."
        )
        values = table.values(int(i)) | {"rate": rate, "others": others}
        rows = tuple(int(table.rows[j]) for j in cluster.whole if j != i)
        yield int(i), Proof("fx_rate", "recurring_ratio", statement, cluster.chance, "unclear", rows[:20], values)
