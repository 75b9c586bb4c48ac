"""Builds small panels for tests: one line per row, everything else by default."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from recon.calendar import to_day
from recon.panel import Panel
from recon.rows import Codes, Pair

Line = tuple[str, str, float | None, float | None]
"""(key, ISO date, left, right); the key's parts are separated by `/`."""


def panel(
    lines: Sequence[Line],
    *,
    scale: int = 2,
    tolerance: float = 0.0,
    unit: Any = "money",
    name: str = "Balance",
    columns: Sequence[str] = ("Account",),
    today: str | None = None,
    kind: Any = "number",
) -> Panel:
    """Rows sorted into series by key and date; current is the newest date, or every row of `today` on."""
    order = sorted(range(len(lines)), key=lambda i: (lines[i][0], lines[i][1], i))
    rows = [lines[i] for i in order]
    keys = [row[0] for row in rows]
    first = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    day = np.array([to_day(date.fromisoformat(row[1])) for row in rows], dtype=np.int32)
    newest = to_day(date.fromisoformat(today)) if today else int(day.max())
    left, right = (_units([row[k] for row in rows], scale) for k in (2, 3))
    left_gone, right_gone = (np.array([row[k] is None for row in rows], dtype=np.bool_) for k in (2, 3))
    diff = (left != right).astype(np.int64) if kind == "text" else left - right
    limits = np.full(len(rows), round(tolerance * 10**scale), dtype=np.int64)
    return Panel(
        pair=Pair(name, f"GL {name}", f"IHub {name}", None, kind, unit=unit),
        scale=scale,
        offsets=np.array([*first, len(rows)], dtype=np.int64),
        series_id=np.arange(len(first), dtype=np.uint64),
        day=day,
        stamp=None,
        current=day >= newest,
        source=np.array(order, dtype=np.int64),
        left=left,
        right=right,
        left_missing=left_gone,
        right_missing=right_gone,
        diff=diff,
        tolerance=limits,
        is_break=(np.abs(diff) > limits) | (left_gone ^ right_gone),
        excluded=np.zeros(len(rows), dtype=np.bool_),
        columns={c: _codes([k.split("/")[n] for k in keys]) for n, c in enumerate(columns)},
        groups=np.zeros((1, len(first)), dtype=np.int32),
        group_names=("all",),
        key_columns=tuple(columns),
    )


def _units(values: Sequence[float | None], scale: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([0 if v is None else round(v * 10**scale) for v in values], dtype=np.int64)


def _codes(texts: Sequence[str]) -> Codes:
    words, codes = np.unique(np.array(texts), return_inverse=True)
    return Codes(codes.astype(np.int32), pa.array(words.tolist()))
