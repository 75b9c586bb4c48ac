"""What goes with a ticket as evidence: the case's rows as CSV, and the difference over time as a picture of its own."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from recon.case import BreakRow
from recon.rows import EPOCH, NO_DAY
from recon.series import SeriesHistory
from recon.text import neutralise

DAYS: Final = 260
"""Points drawn at most: the newest, about a year of business days."""
WIDTH: Final = 720
HEIGHT: Final = 240
LEFT: Final = 130
TOP: Final = 34
BOTTOM: Final = 212
RIGHT: Final = 706


@dataclass(frozen=True)
class Dot:
    """One day of the drawn series."""

    day: date
    value: Decimal
    is_break: bool


def rows_csv(breaks: Sequence[BreakRow], left: str, right: str) -> str:
    """The case's breaks as CSV, one line each; cells that a spreadsheet would run are neutralised.

    `left` and `right` are what the two sides are called.
    """
    columns = list(dict.fromkeys(name for b in breaks for name in b.key))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ["row", "break", "date", *columns, "compared", left, right, "difference", "currency", "reason"]
    writer.writerow([neutralise(name) for name in head])
    for b in breaks:
        said = [b.row, b.break_id, b.business_date or "", *(b.key.get(name, "") for name in columns), b.pair]
        said += [b.left or "", b.right or "", b.difference, b.currency or "", b.reason]
        writer.writerow([neutralise(str(value)) for value in said])
    return out.getvalue()


def dots_of(history: SeriesHistory | None, breaks: Sequence[BreakRow], strangest: BreakRow) -> tuple[Dot, ...]:
    """The series of the case's strangest break, oldest first; without a dated history its breaks alone."""
    dated = [] if history is None else np.flatnonzero(history.day != NO_DAY)[-DAYS:].tolist()
    if history is not None and dated:
        return tuple(_dot(history, i) for i in dated)
    same = [b for b in breaks if b.key == strangest.key and b.pair == strangest.pair and b.business_date is not None]
    known = [(b.business_date, number) for b in same if (number := _number(b.difference)) is not None]
    return tuple(Dot(day, value, True) for day, value in sorted(known, key=lambda k: str(k[0])) if day is not None)


def _dot(history: SeriesHistory, i: int) -> Dot:
    day = EPOCH + timedelta(days=int(history.day[i]))
    return Dot(day, history.amount(int(history.diff[i])), bool(history.is_break[i]))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def chart_svg(dots: Sequence[Dot], title: str, words: str) -> str:
    """The difference over time as a standalone SVG: a line, its breaks as dots, first and last day, least and most.

    `words` say the same for who cannot see it. Empty text when there is nothing to draw.
    """
    if not dots:
        return ""
    low, high = min(Decimal(0), *(d.value for d in dots)), max(Decimal(0), *(d.value for d in dots))
    days = max((dots[-1].day - dots[0].day).days, 1)

    def height(value: Decimal) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * float((value - low) / ((high - low) or 1)), 1)

    def at(dot: Dot) -> tuple[float, float]:
        return round(LEFT + (RIGHT - LEFT) * (dot.day - dots[0].day).days / days, 1), height(dot.value)

    zero = height(Decimal(0))
    line = " ".join(f"{x:g},{y:g}" for x, y in map(at, dots))
    marks = [f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="#b3261e"/>' for x, y in (at(d) for d in dots if d.is_break)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(_inline(title))}</title><desc>{escape(_inline(words))}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 18, title[:90], "start"),
        f'<path d="M{LEFT} {zero:g}H{RIGHT}" stroke="#c8c8c8"/>',
        f'<polyline points="{line}" fill="none" stroke="#1f4e79" stroke-width="1.5"/>',
        *marks,
        *(_text(LEFT - 8, height(v) + 4, format(v, ",f"), "end") for v in dict.fromkeys((low, Decimal(0), high))),
        _text(LEFT, BOTTOM + 20, dots[0].day.isoformat(), "start"),
        _text(RIGHT, BOTTOM + 20, dots[-1].day.isoformat(), "end"),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="#333333">{escape(_inline(words))}</text>'


def _inline(words: str) -> str:
    """One line of what XML may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
