"""Builds panels from plain arrays: a test says only what it is about."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.recon_file import CalendarSaid
from recon.rows import Codes, Pair

CALENDAR = BusinessCalendar.of(CalendarSaid())
MONDAY = 20_000 - 20_000 % 7 + 4
"""A day number that is a Monday."""


def business_days(n: int, start: int = MONDAY) -> np.ndarray:
    """n weekdays from a Monday on."""
    i = np.arange(n)
    return (start + i // 5 * 7 + i % 5).astype(np.int32)


def panel_of(
    series: Sequence[Sequence[float]],
    *,
    now: int = 1,
    tolerance: float = 1.0,
    scale: int = 2,
    days: np.ndarray | None = None,
    stamps: np.ndarray | None = None,
    left: Sequence[Sequence[float]] | None = None,
    groups: Sequence[Sequence[int]] = (),
    two_sided: bool = True,
    ids: Sequence[int] | None = None,
    excluded: Sequence[Sequence[bool]] | None = None,
) -> Panel:
    """A panel of differences, one list per series; the last `now` rows of each are current. right = left - diff."""
    lengths = [len(one) for one in series]
    n, s = sum(lengths), len(series)
    value = np.concatenate([np.asarray(one, float) for one in series]) if n else np.zeros(0)
    diff = np.round(value * 10**scale).astype(np.int64)
    if left is None:
        lefts = np.full(n, 100_000 * 10**scale, np.int64)
    else:
        lefts = np.round(np.concatenate([np.asarray(x, float) for x in left]) * 10**scale).astype(np.int64)
    longest = max(lengths, default=0)
    line = business_days(longest) if days is None else np.asarray(days, np.int32)
    day = np.concatenate([line[len(line) - k :] for k in lengths]) if n else np.zeros(0, np.int32)
    current = np.concatenate([np.arange(k) >= k - now for k in lengths]) if n else np.zeros(0, bool)
    tol = np.full(n, round(tolerance * 10**scale), np.int64)
    levels = [*[np.asarray(g, np.int32) for g in groups], np.zeros(s, np.int32)]
    return Panel(
        pair=Pair("Balance", "GL", "IHub" if two_sided else None, None, "number", tolerance=str(tolerance)),
        scale=scale,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        series_id=np.asarray(ids if ids is not None else np.arange(s), np.uint64),
        day=day,
        stamp=None if stamps is None else np.concatenate([stamps[len(stamps) - k :] for k in lengths]),
        current=current,
        source=np.arange(n, dtype=np.int64),
        left=lefts if two_sided else diff,
        right=lefts - diff if two_sided else np.zeros(n, np.int64),
        left_missing=np.zeros(n, bool),
        right_missing=np.zeros(n, bool),
        diff=diff,
        tolerance=tol,
        is_break=np.abs(diff) > tol,
        excluded=np.zeros(n, bool) if excluded is None else np.concatenate([np.asarray(e, bool) for e in excluded]),
        columns={"key": Codes(np.repeat(np.arange(s), lengths).astype(np.int32), pa.array([str(i) for i in range(s)]))},
        groups=np.stack(levels),
        group_names=(*[f"G{i}" for i in range(len(groups))], "all"),
    )
