"""A series as the screen shows it: its past, the band, the two sides, and what changed since the day before."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np

from recon.case import BreakRow, Evidence
from recon.rows import EPOCH
from recon.series import SeriesHistory
from recon.text import of_side
from tools.bench import Bench, where

SHOWN: Final = 12


def readable(value: Decimal) -> str:
    """An amount with thousands separators and every digit it has."""
    return format(value, ",f")


def _day(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def _told(value: Decimal | None) -> str:
    return "missing" if value is None else readable(value)


def _sides(history: SeriesHistory, i: int) -> tuple[Decimal | None, Decimal | None, Decimal]:
    left = None if history.left_missing[i] else history.amount(int(history.left[i]))
    right = None if history.right_missing[i] else history.amount(int(history.right[i]))
    return left, right, history.amount(int(history.diff[i]))


def _point(bench: Bench, brk: BreakRow, history: SeriesHistory, i: int) -> tuple[str, dict[str, Any]]:
    left, right, diff = _sides(history, i)
    day = _day(int(history.day[i])).isoformat()
    broken = "a break" if history.is_break[i] else "within tolerance"
    statement = (
        f"On {day} {of_side(bench.left, brk.pair)} is {_told(left)} and {of_side(bench.right, brk.pair)} is "
        f"{_told(right)}: "
        f"difference {readable(diff)}, {broken}"
    )
    values = {
        "date": day,
        "left": None if left is None else format(left, "f"),
        "left_source": bench.left,
        "right": None if right is None else format(right, "f"),
        "right_source": bench.right,
        "difference": format(diff, "f"),
        "break": bool(history.is_break[i]),
        "key": dict(brk.key),
        "pair": brk.pair,
    }
    return statement, values


def show_history(
    bench: Bench, first: int, *, row: int | None = None, last: int = SHOWN, since: date | None = None
) -> tuple[Evidence, ...]:
    """The last points of a break's series, newest last, one evidence each."""
    brk = bench.break_of_row(row)
    history = bench.series_of(brk)
    if history is None or not len(history.day):
        statement = f"No history of {brk.pair} for {where(tuple(brk.key.items()))} was found; the lake was searched"
        return (Evidence(f"E{first}", "series", statement, {"key": dict(brk.key), "count": 0}, (brk.row,)),)
    known = [i for i in range(len(history.day)) if since is None or _day(int(history.day[i])) >= since]
    out: list[Evidence] = []
    for i in known[-max(1, min(last, 60)) :]:
        statement, values = _point(bench, brk, history, i)
        out.append(Evidence(f"E{first + len(out)}", "series", statement, values, (brk.row,)))
    if not out:
        statement = f"No point since {since} is known; {len(history.day)} older points are"
        out.append(Evidence(f"E{first}", "series", statement, {"count": len(history.day)}, (brk.row,)))
    return tuple(out)


def summarise(bench: Bench, first: int, *, row: int | None = None) -> tuple[Evidence, ...]:
    """How the series behaved before this break: points, mean, least and greatest difference, share of breaks."""
    brk = bench.break_of_row(row)
    history = bench.series_of(brk)
    before = _before(history, brk)
    if history is None or not len(before):
        statement = f"No earlier point of {where(tuple(brk.key.items()))} is known; the lake was searched"
        return (Evidence(f"E{first}", "series", statement, {"count": 0, "key": dict(brk.key)}, (brk.row,)),)
    diff = [history.amount(int(history.diff[i])) for i in before]
    broken = int(np.count_nonzero(history.is_break[before]))
    low, high = min(diff), max(diff)
    since = _day(int(history.day[before[0]])).isoformat()
    statement = (
        f"{len(before)} earlier points since {since}: difference from {readable(low)} to {readable(high)}, "
        f"{broken} of them breaks"
    )
    values = {
        "points": len(before),
        "since": since,
        "low": format(low, "f"),
        "high": format(high, "f"),
        "break_points": broken,
        "key": dict(brk.key),
        "pair": brk.pair,
    }
    return (Evidence(f"E{first}", "series", statement, values, (brk.row,)),)


def _before(history: SeriesHistory | None, brk: BreakRow) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    if history is None:
        return np.zeros(0, np.int64)
    if brk.business_date is None:
        return np.arange(len(history.day) - 1)
    return np.flatnonzero(history.day < (brk.business_date - EPOCH).days)


def what_changed(bench: Bench, first: int, *, row: int | None = None) -> tuple[Evidence, ...]:
    """Each side's movement from the point before to this break: which source moved."""
    brk = bench.break_of_row(row)
    history = bench.series_of(brk)
    before = _before(history, brk)
    if history is None or not len(before):
        statement = (
            f"Nothing before {brk.business_date} is known of {where(tuple(brk.key.items()))}; nothing to compare"
        )
        return (Evidence(f"E{first}", "changed", statement, {"count": 0, "key": dict(brk.key)}, (brk.row,)),)
    i = int(before[-1])
    statement, values = _point(bench, brk, history, i)
    out = [
        Evidence(f"E{first}", "changed", f"The point before: {statement[0].lower()}{statement[1:]}", values, (brk.row,))
    ]
    left, right, diff = _sides(history, i)
    now_left = Decimal(brk.left) if brk.left is not None and left is not None else None
    now_right = Decimal(brk.right) if brk.right is not None and right is not None else None
    if brk.in_words or (now_left is None and now_right is None):
        return tuple(out)
    moved_left = None if now_left is None or left is None else now_left - left
    moved_right = None if now_right is None or right is None else now_right - right
    out.append(
        _movement(bench, brk, first + 1, (moved_left, moved_right, Decimal(brk.difference) - diff), values["date"])
    )
    return tuple(out)


def _movement(
    bench: Bench, brk: BreakRow, number: int, moved: tuple[Decimal | None, Decimal | None, Decimal], since: str
) -> Evidence:
    left, right, diff = moved
    parts = [
        f"{name} {'did not move' if move == 0 else f'moved by {readable(move)}'}"
        for name, move in ((bench.left, left), (bench.right, right))
        if move is not None
    ]
    statement = f"Since {since}, {' and '.join(parts)}; the difference moved by {readable(diff)}"
    values: dict[str, Any] = {
        "since": since,
        "date": brk.business_date.isoformat() if brk.business_date else None,
        "left_moved": None if left is None else format(left, "f"),
        "right_moved": None if right is None else format(right, "f"),
        "difference_moved": format(diff, "f"),
        "key": dict(brk.key),
    }
    return Evidence(f"E{number}", "changed", statement, values, (brk.row,))


def show_sides(bench: Bench, first: int, *, row: int | None = None) -> tuple[Evidence, ...]:
    """What each side says of a break, and which is suspect."""
    brk = bench.break_of_row(row)
    on = f"On {brk.business_date.isoformat()} " if brk.business_date else ""
    unit = f" {brk.currency}" if brk.currency else ""
    told = [
        f"{of_side(name, brk.pair)} is {'missing' if value is None else value + unit}"
        for name, value in ((bench.left, brk.left), (bench.right, brk.right))
    ]
    values = {
        "left": brk.left,
        "left_source": bench.left,
        "right": brk.right,
        "right_source": bench.right,
        "difference": brk.difference,
        "currency": brk.currency,
        "date": brk.business_date.isoformat() if brk.business_date else None,
        "key": dict(brk.key),
        "pair": brk.pair,
    }
    statement = f"{on}{' and '.join(told)}" + ("" if brk.in_words else f": difference {brk.difference}{unit}")
    out = [Evidence(f"E{first}", "break", statement, values, (brk.row,))]
    side = bench.case.suspect_side
    names = {"left": bench.left, "right": bench.right, "both": f"{bench.left} and {bench.right}"}
    said = next((e for e in bench.case.evidence if e.kind == "side"), None)
    verdict = (
        f"The suspect side is {names[side]}" if side in names else "Which side is wrong cannot be told from the numbers"
    )
    why = f": {said.statement.rstrip('.')}" if said else ""
    out.append(
        Evidence(f"E{first + 1}", "side", verdict + why, {"side": side, **(said.values if said else {})}, (brk.row,))
    )
    return tuple(out)
