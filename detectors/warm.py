"""Compiles every kernel once, so that the first run of a fresh clone is as quick as the second."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from detectors.assess import Question, assess
from detectors.bucketwise import newest_or_whole
from detectors.grouping import group
from recon.calendar import BusinessCalendar
from recon.compiled import config
from recon.order import FEW, by_series_and_time
from recon.panels import build_panels
from recon.picking import picked
from recon.reading.twice import any_twice
from recon.recon_file import ReconFile
from recon.rows import PRESENT, Codes, Layout, Pair, PairColumns, Reading, Rows

_LAYOUT = Layout(
    key=("key",),
    pairs=(Pair("amount", "left", "right", None, "number", tolerance="0"),),
    historical=("group",),
    date="date",
)


def _reading(days: range, keys: int, stamped: bool) -> Reading:
    """A few small series; the last key of the last day is far out."""
    n = len(days) * keys
    key = np.tile(np.arange(keys, dtype=np.int32), len(days))
    day = np.repeat(np.array(days, np.int32), keys)
    left = 1000 * (key.astype(np.int64) + 1) + day * 7 % 13
    right = left - (day * 5 + key) % 3
    left[-2:] += 100_000
    state = np.full(n, PRESENT, np.uint8)
    rows = Rows(
        n=n,
        files=("warm",),
        file=np.zeros(n, np.int16),
        line=np.arange(n),
        row=np.arange(1, n + 1),
        day=day,
        stamp=day.astype(np.int64) * 86_400_000_000 if stamped else None,
        text=pa.table({"key": pa.array(key.astype(str).tolist())}),
        columns={
            "key": Codes(key, pa.array([f"K{i}" for i in range(keys)])),
            "group": Codes((key % 2).astype(np.int32), pa.array(["even", "odd"])),
        },
        pairs=(PairColumns(_LAYOUT.pairs[0], 2, left, right, state, state, None, np.zeros(n, np.int64)),),
        comment=pa.array([""] * n),
    )
    return Reading(_LAYOUT, rows, (), (), n)


def warm() -> None:
    """Runs the numbers on a handful of rows, with a past, without one, and with times of day."""
    said = ReconFile()
    calendar = BusinessCalendar.of(said.calendar)
    for current, history, stamped in (
        (range(40, 41), range(40), False),
        (range(1), None, False),
        (range(60), None, True),
    ):
        past = _reading(history, 8, stamped) if history is not None else None
        panels = build_panels(_reading(current, 8, stamped), past, said)
        group(assess(Question(panels, _LAYOUT, said, calendar)))
    _warm_many()


def _warm_many() -> None:
    """What only many rows call."""
    order = by_series_and_time(np.arange(FEW, dtype=np.uint64)[::-1], np.zeros(FEW, np.int64))
    for kind in (np.int64, np.int32, np.uint64, np.bool_):
        values = np.zeros(FEW, kind)
        picked(values[:0], values, order)
    any_twice(order)
    newest_or_whole(np.array([0, 1]), np.ones(1, np.bool_), np.ones(1, np.bool_), 1)


def forget_others() -> None:
    """Takes away what earlier texts of the kernels were compiled to."""
    mine = Path(config.CACHE_DIR)
    for folder in mine.parent.glob("kernels-*"):
        if folder != mine:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    warm()
    forget_others()
