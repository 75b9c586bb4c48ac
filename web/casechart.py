"""The chart of a case: its main series from the lake with its band, and what was said and done on the time line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.cases import CaseRecord
from memory.schema import items, promises
from recon.calendar import to_date
from recon.case import BreakRow, Case
from recon.series import SeriesHistory
from web.bands import Bands, bands
from web.charts import Point, SeriesChart, TimeMark
from web.drafts import DraftView
from web.recons import words_of

DAYS_SHOWN: Final = 260


def series_id_of(desk: Desk, brk: BreakRow) -> int | None:
    """The series a break belongs to, from its item."""
    with desk.db.read() as connection:
        found = connection.execute(sa.select(items.c.series_id).where(items.c.id == brk.item_id)).scalar_one_or_none()
    try:
        return int(found) if found else None
    except ValueError:
        return None


def history_of(desk: Desk, case: Case, brk: BreakRow) -> SeriesHistory | None:
    """The series behind a break, from the lake; None when it is not kept there."""
    series_id = series_id_of(desk, brk)
    return None if series_id is None else desk.lake.series(case.recon, brk.pair, series_id)


def main_break(breaks: Sequence[BreakRow]) -> BreakRow | None:
    """The break that the chart is drawn for: the strangest, then the largest."""

    def size(brk: BreakRow) -> tuple[float, Decimal]:
        try:
            return brk.score, abs(Decimal(brk.difference))
        except InvalidOperation:
            return brk.score, Decimal(0)

    return max(breaks, key=size, default=None)


def points_of(series: SeriesHistory, here: Mapping[date, BreakRow], trace: Bands | None) -> tuple[Point, ...]:
    """A series as the chart's points, the newest `DAYS_SHOWN`; the case's own breaks bring their band."""
    unit = 10.0**series.scale
    points = []
    first = max(0, len(series.day) - DAYS_SHOWN)
    for i in range(first, len(series.day)):
        on = to_date(int(series.day[i]))
        if on is None:
            continue
        brk = here.get(on)
        low = _finite(trace.low[i]) if trace is not None else None
        high = _finite(trace.high[i]) if trace is not None else None
        expected = _finite(trace.expected[i]) if trace is not None else None
        if brk is not None and brk.low is not None:
            low, high, expected = brk.low, brk.high, brk.expected
        points.append(
            Point(
                day=on,
                value=float(series.diff[i]) / unit,
                low=low,
                high=high,
                expected=expected,
                left=None if series.left_missing[i] else float(series.left[i]) / unit,
                right=None if series.right_missing[i] else float(series.right[i]) / unit,
                is_break=bool(series.is_break[i]),
                anomaly=bool(brk and brk.anomaly == "yes"),
                here=brk is not None,
                label=format(series.amount(int(series.diff[i])), "f"),
            )
        )
    return _once_a_day(points)


def _once_a_day(points: Sequence[Point]) -> tuple[Point, ...]:
    """The last point of each day, in order: a series may have several rows a day."""
    by_day: dict[date, Point] = {}
    for point in points:
        kept = by_day.get(point.day)
        if kept is None or not (kept.here and not point.here):
            by_day[point.day] = point
    return tuple(by_day[d] for d in sorted(by_day))


def _finite(value: Any) -> float | None:
    found = float(value)
    return found if found == found and abs(found) != float("inf") else None


def from_breaks(breaks: Sequence[BreakRow]) -> tuple[Point, ...]:
    """Points from the case's own rows, where the lake has no series."""
    points = []
    for brk in breaks:
        if brk.business_date is None:
            continue
        try:
            value = float(Decimal(brk.difference))
        except InvalidOperation:
            continue
        points.append(
            Point(
                brk.business_date, value, brk.low, brk.high, brk.expected,
                _number(brk.left), _number(brk.right), brk.is_break, brk.anomaly == "yes", True, brk.difference,
            )
        )  # fmt: skip
    return _once_a_day(sorted(points, key=lambda p: p.day))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(Decimal(text))
    except InvalidOperation:
        return None


def chart_of(
    desk: Desk, record: CaseRecord, breaks: Sequence[BreakRow], drafts: Sequence[DraftView], *, kept: bool = True
) -> SeriesChart:
    """The chart of the case's main series with what was said and done on the time line.

    Without the past that is `kept` in the lake it shows the case's own rows. Raises Damaged.
    """
    case = record.case
    words = words_of(desk, case.recon)
    brk = main_break(breaks)
    same = [b for b in breaks if brk and b.key == brk.key and b.pair == brk.pair]
    here = {b.business_date: b for b in same if b.business_date}
    series = history_of(desk, case, brk) if brk and kept else None
    if series is not None and len(series.day):
        points = points_of(series, here, bands(series))
        said = [
            TimeMark(on, "comment", text)
            for on, text in ((to_date(int(d)), c) for d, c in zip(series.day, series.comment, strict=True))
            if on and text.strip()
        ]
    else:
        points, said = from_breaks(same), []
    key = " · ".join(brk.key.values()) if brk else case.title
    return SeriesChart(
        name=f"{brk.pair if brk else case.pair} difference, {key}",
        points=points,
        marks=tuple(_few(said) + _deeds(drafts) + _promise_marks(desk, case.id)),
        onset=case.onset,
        unit=(brk.currency if brk else None) or "",
        left_name=words.left,
        right_name=words.right,
        ident=f"c-{case.id}",
    )


def _few(marks: list[TimeMark], limit: int = 24) -> list[TimeMark]:
    """The newest of each different text, so that a comment that repeats daily does not fill the lane."""
    seen: dict[str, TimeMark] = {}
    for mark in marks:
        seen[mark.text] = mark
    return sorted(seen.values(), key=lambda m: m.day)[-limit:]


def _deeds(drafts: Sequence[DraftView]) -> list[TimeMark]:
    marks = []
    for draft in drafts:
        action = draft.action
        if action.state == "done" and action.approved_at:
            kind = {"email.send": "email", "recon.comment": "comment"}.get(action.kind, "ticket")
            reference = (action.receipt or {}).get("reference", "")
            marks.append(TimeMark(action.approved_at.date(), kind, f"{draft.label} {reference}"))  # type: ignore[arg-type]
    return marks


def _promise_marks(desk: Desk, case_id: str) -> list[TimeMark]:
    query = sa.select(promises.c.due_on, promises.c.text).where(
        promises.c.case_id == case_id, promises.c.due_on.is_not(None)
    )
    with desk.db.read() as connection:
        return [TimeMark(row.due_on, "promise", row.text) for row in connection.execute(query)]


def slim(chart: SeriesChart) -> SeriesChart:
    """The same chart for a narrow place."""
    return replace(chart, width=370, height=210, slim=True, ident=chart.ident + "n")


def with_breaks(chart: SeriesChart) -> str:
    """How many of the chart's days are breaks, in words."""
    return f"{sum(p.is_break for p in chart.points)} of {len(chart.points)} days break"
