"""Where an axis has its ticks: round numbers, and days that people count by."""

import math
from datetime import date, timedelta


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that cover low..high, about `wanted` of them (steps of 1, 2, 2.5 or 5 times a power of ten).

    What sticks out by less than a hundredth asks for no tick of its own.

    >>> nice_ticks(0, 9.3)
    [0.0, 2.5, 5.0, 7.5, 10.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return [0.0, 1.0]
    if not low < high:
        pad = abs(high) * 0.1 or 1.0
        low, high = low - pad, high + pad
    rough = (high - low) / max(1, wanted - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough), power * 10)
    slack = 0.01 * (high - low)
    first = math.floor((low + slack) / step)
    last = math.ceil((high - slack) / step)
    return [round(i * step, 12) for i in range(first, last + 1)]


def date_ticks(first: date, last: date, wanted: int = 7) -> list[date]:
    """Dates for the axis: days, Mondays, month starts, quarter starts or years, about `wanted` of them."""
    span = (last - first).days
    if span <= wanted:
        return [first + timedelta(days=i) for i in range(span + 1)]
    for every in (2, 7, 14):
        if span / every <= wanted + 2:
            start = first + timedelta(days=(-first.toordinal() + 1) % 7) if every > 2 else first
            return [start + timedelta(days=i) for i in range(0, (last - start).days + 1, every)]
    for months in (1, 2, 3, 6, 12, 24, 60, 120):
        ticks = []
        index = first.year * 12 + first.month - 1
        index += (-index) % months
        while True:
            year, month = divmod(index, 12)
            tick = date(year, month + 1, 1)
            if tick > last:
                break
            if tick >= first:
                ticks.append(tick)
            index += months
        if len(ticks) <= wanted + 2:
            return ticks or [first, last]
    return [first, last]
