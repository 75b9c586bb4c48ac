"""Charts as SVG made on the server: a series with its band and marks, and the queue's sparkline.

No style attribute and no script: colours come from classes, so light and dark are one drawing.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from markupsafe import Markup, escape

from web.shown import MINUS, compact, day, number
from web.ticks import date_ticks, nice_ticks

MarkKind = Literal["comment", "ticket", "email", "decision", "promise"]

PLOT_LEFT: Final = 58
PLOT_RIGHT: Final = 14
PLOT_TOP: Final = 14
LANE: Final = 20
"""Height of the strip under the plot where comments and tickets stand."""
AXIS: Final = 22


@dataclass(frozen=True)
class Point:
    """One day of a series; amounts in the pair's own unit. None where nothing is known."""

    day: date
    value: float | None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    left: float | None = None
    right: float | None = None
    is_break: bool = False
    anomaly: bool = False
    here: bool = False
    """Belongs to the case on the page."""
    label: str = ""
    """The exact value as decimal text, for reading."""


@dataclass(frozen=True)
class TimeMark:
    """Something that happened on a day: an operator's comment, a ticket, a mail."""

    day: date
    kind: MarkKind
    text: str


@dataclass(frozen=True)
class SeriesChart:
    """What one chart shows. `points` are in date order."""

    name: str
    points: tuple[Point, ...]
    marks: tuple[TimeMark, ...] = ()
    onset: date | None = None
    unit: str = ""
    left_name: str = "left"
    right_name: str = "right"
    width: int = 660
    height: int = 190
    slim: bool = False
    """Drawn for a narrow place."""
    ident: str = "c"
    """Distinct on a page: ids inside the drawing are made from it."""
    missing: tuple[date, ...] = field(default=())


class _Scale:
    """Days to x and values to y, in pixels with one decimal."""

    def __init__(self, chart: SeriesChart, ticks: Sequence[float], plot_height: float) -> None:
        self.first = chart.points[0].day
        self.days = max(1, (chart.points[-1].day - self.first).days)
        self.width = chart.width - PLOT_LEFT - PLOT_RIGHT
        self.low, self.high = ticks[0], ticks[-1]
        self.plot_height = plot_height

    def x(self, on: date) -> float:
        return round(PLOT_LEFT + self.width * (on - self.first).days / self.days, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(PLOT_TOP + self.plot_height * (1.0 - min(1.0, max(0.0, share))), 1)


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None and math.isfinite(v)]


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Splits at the gaps, so that a line never crosses a day that is not known."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _path(runs: Sequence[Sequence[tuple[float, float]]]) -> str:
    """Lines; a point alone becomes a stroke of no length, which round caps make visible."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in (run if len(run) > 1 else [*run, *run])) for run in runs)


def _band(scale: _Scale, points: Sequence[Point]) -> str:
    top: list[tuple[float, float]] = []
    bottom: list[tuple[float, float]] = []
    shapes: list[str] = []

    def close() -> None:
        if len(top) > 1:
            edge = [*top, *reversed(bottom)]
            shapes.append("M" + "L".join(f"{x:g} {y:g}" for x, y in edge) + "Z")
        elif top:
            x = top[0][0]
            shapes.append(f"M{x - 3:g} {top[0][1]:g}h6V{bottom[0][1]:g}h-6Z")
        top.clear()
        bottom.clear()

    for point in points:
        if point.low is None or point.high is None:
            close()
            continue
        x = scale.x(point.day)
        top.append((x, scale.y(point.high)))
        bottom.append((x, scale.y(point.low)))
    close()
    return "".join(shapes)


def _axes(chart: SeriesChart, scale: _Scale, ticks: Sequence[float], base: float) -> list[str]:
    parts = []
    right = chart.width - PLOT_RIGHT
    for tick in ticks:
        y = scale.y(tick)
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{PLOT_LEFT} {y:g}H{right}"/>')
        parts.append(f'<text class="tick" x="{PLOT_LEFT - 8}" y="{y + 3.5:g}" text-anchor="end">{compact(tick)}</text>')
    dates = date_ticks(chart.points[0].day, chart.points[-1].day, 3 if chart.slim else 7)
    years = len({tick.year for tick in dates}) > 1
    for on in dates:
        x = scale.x(on)
        words = f"{on:%b} {on:%y}" if years and on.day == 1 else f"{on.day} {on:%b}"
        anchor = "end" if x > right - 18 else "start" if x < PLOT_LEFT + 6 else "middle"
        parts.append(f'<text class="tick" x="{x:g}" y="{base:g}" text-anchor="{anchor}">{words}</text>')
    return parts


def _point_words(chart: SeriesChart, point: Point) -> str:
    shown = number(point.label) if point.label else ("missing" if point.value is None else number(point.value, 2))
    words = f"{day(point.day)}: {shown} {chart.unit}".rstrip()
    if point.low is not None and point.high is not None:
        words += f", expected {number(point.low, 2)} to {number(point.high, 2)}"
    if point.anomaly:
        words += ", out of pattern"
    elif point.is_break:
        words += ", a break"
    return words


def _marks(chart: SeriesChart, scale: _Scale, lane: float) -> list[str]:
    parts = []
    few = len(chart.marks) <= 6
    for mark in chart.marks:
        if not chart.points[0].day <= mark.day <= chart.points[-1].day:
            continue
        x = scale.x(mark.day)
        title = f"<title>{escape(day(mark.day))}, {mark.kind}: {escape(mark.text[:300])}</title>"
        if few:
            parts.append(f'<path class="drop" d="M{x:g} {PLOT_TOP}V{lane - 6:g}"/>')
        shape = {
            "comment": f"M{x - 5:g} {lane - 4:g}h10v7h-5l-3 3v-3h-2z",
            "ticket": f"M{x - 5:g} {lane - 4:g}h10v3a2 2 0 0 0 0 4v3h-10v-3a2 2 0 0 0 0 -4z",
            "email": f"M{x - 6:g} {lane - 4:g}h12v9h-12zM{x - 6:g} {lane - 4:g}l6 5l6 -5",
            "decision": f"M{x - 5:g} {lane:g}l4 4l7 -8",
            "promise": f"M{x:g} {lane - 5:g}l5 5l-5 5l-5 -5z",
        }[mark.kind]
        parts.append(f'<g class="mark {mark.kind}">{title}<path d="{shape}"/></g>')
    return parts


def _dots(chart: SeriesChart, scale: _Scale) -> list[str]:
    parts = []
    crowded = sum(p.is_break for p in chart.points) > len(chart.points) / 3
    for point in chart.points:
        marked = point.anomaly or point.here or (point.is_break and not crowded)
        if point.value is None or not marked:
            continue
        x, y = scale.x(point.day), scale.y(point.value)
        kind = "anomaly" if point.anomaly else "brk"
        here = f'<circle class="here" cx="{x:g}" cy="{y:g}" r="8"/>' if point.here else ""
        radius = 4 if point.anomaly else 2.5
        title = f"<title>{escape(_point_words(chart, point))}</title>"
        parts.append(f'<g>{title}{here}<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="{radius}"/></g>')
    return parts


def describe(chart: SeriesChart) -> str:
    """The chart in words, for who cannot see it."""
    if not chart.points:
        return f"{chart.name}: no points are known."
    values = _known([p.value for p in chart.points])
    strange = [p for p in chart.points if p.anomaly]
    breaks = sum(p.is_break for p in chart.points)
    words = [
        f"{chart.name}, {len(chart.points)} days from {day(chart.points[0].day)} to {day(chart.points[-1].day)}.",
        f"Between {number(min(values), 2)} and {number(max(values), 2)} {chart.unit}." if values else "No values.",
        f"{breaks} break{'s' if breaks != 1 else ''}, {len(strange)} out of pattern.",
    ]
    words += [_point_words(chart, p) + "." for p in strange[-3:]]
    return " ".join(words)


def series_svg(chart: SeriesChart) -> Markup:
    """The difference over time: its band, its line, breaks, anomalies, the onset, and what was said and done when."""
    if not chart.points:
        return Markup('<p class="empty">No point of this series is known yet.</p>')
    lane_height = LANE if chart.marks else 0
    plot_height = chart.height - PLOT_TOP - AXIS - lane_height
    ticks = nice_ticks(*_reach(chart.points), 4 if chart.slim else 5)
    scale = _Scale(chart, ticks, plot_height)
    bottom = PLOT_TOP + plot_height
    lane = bottom + lane_height - 6
    line = [(scale.x(p.day), scale.y(p.value)) if p.value is not None else None for p in chart.points]
    expected = [(scale.x(p.day), scale.y(p.expected)) if p.expected is not None else None for p in chart.points]
    parts = _axes(chart, scale, ticks, chart.height - 5)
    parts.append(f'<path class="band" d="{_band(scale, chart.points)}"/>')
    parts.append(f'<path class="expected" d="{_path(_runs(expected))}"/>')
    if chart.onset and chart.points[0].day <= chart.onset <= chart.points[-1].day:
        x = scale.x(chart.onset)
        side = ("end", -13) if x > chart.width * 0.7 else ("start", 5)
        parts.append(
            f'<path class="onset" d="M{x:g} {PLOT_TOP - 6}V{bottom:g}"/>'
            f'<text class="note" x="{x + side[1]:g}" y="{PLOT_TOP + 2}" text-anchor="{side[0]}">'
            f"onset {chart.onset.day} {chart.onset:%b}</text>"
        )
    parts += _marks(chart, scale, lane)
    parts.append(f'<path class="line" d="{_path(_runs(line))}"/>')
    parts += _dots(chart, scale)
    return _wrap(chart, parts, _readings(chart, scale))


def _reach(points: Sequence[Point]) -> tuple[float, float]:
    """How far up and down the drawing goes: all values, and the bands as far as they do not press the line flat."""
    values = _known([p.value for p in points]) or [0.0]
    low, high = min(values), max(values)
    room = 0.6 * (high - low) or abs(high) or 1.0
    least = 0.03 * (high - low)
    bands = _known([v for p in points for v in (p.low, p.high)])
    below, above = min([low, *bands]), max([high, *bands])
    return (
        max(low - room, below) if low - below > least else low,
        min(high + room, above) if above - high > least else high,
    )


def sides_svg(chart: SeriesChart) -> Markup:
    """Both sides over time, on one scale: which one moved."""
    values = _known([v for p in chart.points for v in (p.left, p.right)])
    if not values:
        return Markup('<p class="empty">Neither side is known for this series.</p>')
    plot_height = chart.height - PLOT_TOP - AXIS
    ticks = nice_ticks(min(values), max(values), 4)
    scale = _Scale(chart, ticks, plot_height)
    parts = _axes(chart, scale, ticks, chart.height - 5)
    for name in ("left", "right"):
        known = [(scale.x(p.day), scale.y(v)) if (v := getattr(p, name)) is not None else None for p in chart.points]
        parts.append(f'<path class="side-{name}" d="{_path(_runs(known))}"/>')
    words = f"{chart.left_name} and {chart.right_name} over the same days."
    return _wrap(chart, parts, "", suffix="-sides", words=words)


def _readings(chart: SeriesChart, scale: _Scale) -> str:
    """What the script reads out under the pointer: [x, words] for each point."""
    return json.dumps([[scale.x(p.day), _point_words(chart, p)] for p in chart.points], ensure_ascii=False)


def _wrap(chart: SeriesChart, parts: list[str], readings: str, suffix: str = "", words: str = "") -> Markup:
    ident = escape(chart.ident + suffix)
    name = escape(chart.name + (", both sides" if suffix else ""))
    data = f' data-readings="{escape(readings)}" tabindex="0"' if readings else ""
    head = (
        f'<svg class="chart{" slim" if chart.slim else ""}" viewBox="0 0 {chart.width} {chart.height}"'
        f' role="img" focusable="false"'
        f' aria-labelledby="{ident}-t {ident}-d"{data}>'
        f'<title id="{ident}-t">{name}</title><desc id="{ident}-d">{escape(words or describe(chart))}</desc>'
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - texts were escaped, numbers are ours


@lru_cache(maxsize=4096)
def sparkline(values: tuple[float, ...], width: int = 92, height: int = 22) -> Markup:
    """The last differences as a small line with its last point; no text: the row beside it says the numbers."""
    known = [v for v in values if math.isfinite(v)][-40:]
    if len(known) < 2:
        return Markup(f'<svg class="spark" width="{width}" height="{height}" aria-hidden="true"></svg>')  # noqa: S704
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = (width - 6) / (len(known) - 1)
    points = [(3 + i * step, 3 + (height - 6) * (1 - (v - low) / span)) for i, v in enumerate(known)]
    if high == low:
        points = [(x, height / 2) for x, _ in points]
    line = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return Markup(  # noqa: S704 - numbers of ours
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<polyline points="{line}"/><circle cx="{x:.0f}" cy="{y:.1f}" r="2.2"/></svg>'
    )


def bar(share: float, kind: str = "", width: int = 120, label: str = "") -> Markup:
    """A share of one as a bar; the number stands beside it in text."""
    full = max(0.0, min(1.0, share)) * width
    title = f"<title>{escape(label)}</title>" if label else ""
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704 - texts were escaped
        f'<svg class="bar {escape(kind)}" width="{width}" height="8" viewBox="0 0 {width} 8" {role}>{title}'
        f'<rect class="all" width="{width}" height="8" rx="2"/>'
        f'<rect class="part" width="{full:.1f}" height="8" rx="2"/></svg>'
    )


__all__ = ["MINUS", "Point", "SeriesChart", "TimeMark", "bar", "describe", "series_svg", "sides_svg", "sparkline"]
