"""`python -m evals.bench_lake`: a lake of many rows: appended, merged, one series read back, one bucket loaded.

Prints seconds of processor time, and for one series its own thread's and the wall clock's: what a chart or a chat
answer waits for. The rows are made in memory; the CSV reader has a bench of its own.
"""

import argparse
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.bucketwise import Terms, judge_in_buckets
from recon.buckets import Place, buckets_of
from recon.calendar import BusinessCalendar
from recon.engines import Threads
from recon.ids import series_hashes, text_hashes
from recon.lake import Lake
from recon.lake.shelf import buckets_for, spans
from recon.panels import bucket_panels, shared_of
from recon.recon_file import ReconFile
from recon.rows import Codes, Layout, Pair, PairColumns, Reading, Rows

LAYOUT = Layout(
    key=("Company", "Account", "Currency"),
    pairs=(Pair("Balance", "GL Balance", "IHub Balance", None, "number", tolerance="1"),),
    historical=("Primary Account",),
    date="As of Date",
    currency="Currency",
    comment=("Comments",),
)


def rows_of(series: int, first: int, days: int, seed: int) -> Reading:
    """A reading of `series` keys on each of `days` days, from day `first` of 2026 on."""
    rng = np.random.default_rng(seed)
    n = series * days
    key = np.tile(np.arange(series, dtype=np.int32), days)
    right = rng.integers(100_000, 100_000_000, n)
    left = right + np.where(rng.random(n) < 0.05, rng.integers(-50_000, 50_000, n), 0)
    present = np.zeros(n, np.uint8)
    start = np.datetime64("2026-01-01").astype("datetime64[D]").astype(int) + first
    rows = Rows(
        n=n,
        files=("made.csv",),
        file=np.zeros(n, np.int16),
        line=np.arange(2, n + 2),
        row=np.arange(1, n + 1),
        day=(start + np.repeat(np.arange(days), series)).astype(np.int32),
        stamp=None,
        text=pa.table({}),
        columns={
            "Company": Codes(key % 7, pa.array([str(i) for i in range(7)])),
            "Account": Codes(key, pa.array([str(1_000_000 + i) for i in range(series)])),
            "Currency": Codes(key % 4, pa.array(["USD", "EUR", "GBP", "JPY"])),
            "Primary Account": Codes(key % 12, pa.array([f"PRIMARY {i}" for i in range(12)])),
        },
        pairs=(PairColumns(LAYOUT.pairs[0], 2, left, right, present, present, None, np.full(n, 100, np.int64)),),
        comment=pa.array([""]).take(pa.array(np.zeros(n, np.int64))),
    )
    return Reading(LAYOUT, rows, (), (), n, (f"made-{first}-{days}-{seed}",))


def series_id(reading: Reading, row: int) -> int:
    """The series id of one row."""
    columns = [reading.rows.columns[name] for name in LAYOUT.key]
    key = [(c.codes[row : row + 1], text_hashes(c.vocabulary)) for c in columns]
    return int(series_hashes(key, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=50)
    parser.add_argument("--chunk", type=int, default=25, help="days that arrive together before the daily ones")
    parser.add_argument("--nights", type=int, default=5, help="days that arrive one by one")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(str(Path(folder) / "lake"))
        history = said.days - said.nights
        begun = time.process_time()
        for first in range(0, history, said.chunk):
            lake.append("bench", rows_of(said.series, first, min(said.chunk, history - first), first))
        told("history appended", begun)
        for night in range(said.nights):
            newest = rows_of(said.series, history + night, 1, 1000 + night)
            begun = time.process_time()
            lake.append("bench", newest)
            lake.compact("bench")
        told("last night appended and merged", begun)
        manifest = lake.manifest("bench")
        size = sum(p.stat().st_size for p in Path(folder).rglob("*.parquet"))
        print(f"{manifest.rows:,} rows in {len(manifest.parts)} parts of {len({p.run for p in manifest.parts})} runs")
        print(f"{size / 1e6:.0f} MB, {size / manifest.rows:.1f} bytes a row")
        read_series(lake, newest)
        load_bucket(lake, newest)
        judge_night(lake, newest)


def read_series(lake: Lake, newest: Reading) -> None:
    """One hundred series, each read alone by a lake that was open already."""
    wanted = [series_id(newest, int(row)) for row in np.random.default_rng(0).integers(0, newest.rows.n, 101)]
    lake.series("bench", "Balance", wanted[0])
    walls, begun = [], time.thread_time()
    for one in wanted[1:]:
        start = time.perf_counter()
        found = lake.series("bench", "Balance", one)
        walls.append(time.perf_counter() - start)
        assert found is not None
    cpu = (time.thread_time() - begun) / len(walls)
    spread = np.percentile(walls, [50, 95]) * 1000
    print(
        f"one series: {cpu * 1000:.1f} ms of processor, {spread[0]:.1f} ms median, {spread[1]:.1f} ms p95 by the clock"
    )


def load_bucket(lake: Lake, newest: Reading) -> None:
    """The history of one bucket of about a million rows, sorted into its panel."""
    manifest = lake.manifest("bench")
    span = spans(buckets_for(manifest.rows))[0]
    begun = time.process_time()
    history = lake.history("bench", LAYOUT, before_hashes=newest.file_hashes, span=span)
    told("one bucket read", begun)
    assert history is not None
    nothing = replace(newest, rows=replace(newest.rows, n=0, **_empty(newest.rows)))
    begun = time.process_time()
    (panel,) = bucket_panels(nothing, history, ReconFile())
    told(f"its {panel.n:,} rows in {panel.s:,} series sorted into a panel", begun)


def judge_night(lake: Lake, newest: Reading) -> None:
    """The last night judged against all that the lake holds before it, in as many buckets as a run would take."""
    rows = lake.manifest("bench").rows
    begun = time.process_time()
    place = Place(
        url=lake.url, recon="bench", layout=LAYOUT, said=ReconFile(), known=None, current=lake.stage("bench", newest),
        history=None, before_hashes=newest.file_hashes, until=None, shared=shared_of(newest.rows), rows=rows,
        buckets=buckets_of(rows),
    )  # fmt: skip
    said = ReconFile()
    terms = Terms(LAYOUT, said, BusinessCalendar.of(said.calendar))
    held = Threads().hold(place.load, place.buckets, keep=False)
    judged = judge_in_buckets(held, terms)
    told(f"one night of {newest.rows.n:,} rows judged against {rows:,}, {judged.panels[0].n:,} of them kept", begun)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB")


def _empty(rows: Rows) -> dict[str, Any]:
    none: Any = np.zeros(0, np.int64)
    pairs = tuple(
        replace(p, left=none, right=none, left_state=none, right_state=none, tolerance=none) for p in rows.pairs
    )
    columns = {name: Codes(codes.codes[:0], codes.vocabulary) for name, codes in rows.columns.items()}
    return {"day": rows.day[:0], "pairs": pairs, "columns": columns, "file": rows.file[:0], "row": none, "line": none}


def told(what: str, begun: float) -> None:
    print(f"{what}: {time.process_time() - begun:.2f} s")


if __name__ == "__main__":
    main()
