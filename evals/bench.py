"""`python -m evals.bench`: the main job beside DuckDB's bare load and what else one could do, on one file, in one run.

Each line is a process of its own. Ratios are of processor seconds, children and all threads counted: a busy machine
stretches the clock, and not them. The wall clock and the peak of memory stand beside. `--series 200000` makes the
full size (10 million rows); `--grow 20` adds the same job on so many times the keys, and its seconds per row.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

PEERS: Final = {
    "boilerplate": "usual boilerplate: pandas rolling by key, IsolationForest",
    "polars": "polars rolling by key",
    "ecod": "PyOD ECOD",
}


@dataclass(frozen=True)
class Took:
    """What one process took."""

    cpu: float
    wall: float
    peak_mb: int
    said: str


def write_file(path: Path, series: int, days: range, seed: int) -> None:
    """Rows of `series` keys on each day: ten columns, mostly matches, heavy-tailed breaks. A day at a time."""
    rng = np.random.default_rng(seed)
    key = np.arange(series)
    for day in days:
        right = rng.integers(100_000, 100_000_000, series)
        left = right + np.where(rng.random(series) < 0.05, rng.standard_t(3, series) * 50_000, 0).astype(np.int64)
        frame = pd.DataFrame(
            {
                "As of Date": str(np.datetime64("2026-01-01") + day),
                "Company": (key % 7).astype(str),
                "Account": key + 1_000_000,
                "AU": key % 97,
                "Currency": np.array(["USD", "EUR", "GBP", "JPY"])[key % 4],
                "Primary Account": np.array([f"PRIMARY {i}" for i in range(12)])[key % 12],
                "GL Balance": left / 100,
                "IHub Balance": right / 100,
                "Balance Difference": np.round((left - right) / 100, 2),
                "Match Status": np.where(np.abs(left - right) > 100, "Break", "Match"),
            }
        )
        first = day == days[0]
        frame.to_csv(path, index=False, header=first, mode="w" if first else "a")


def took(words: Sequence[str], home: Path, environment: Mapping[str, str] | None = None) -> Took:
    """Runs a Python process to its end, with more in its environment, and says what it took. Raises when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *words],
            stdout=out,
            stderr=err,
            env={**os.environ, **(environment or {}), "TIEOUT_HOME": str(home)},
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            msg = f"{' '.join(words[:4])}: exit status {process.returncode}: {err.read()[-500:]}"
            raise RuntimeError(msg)
        said = out.read()
        return Took(used.ru_utime + used.ru_stime, wall, max(used.ru_maxrss // 1024, *_peaks(said)), said)


def _peaks(said: str) -> list[int]:
    """The stages' peaks of a run: it asks the system to forget each, which the parent is then told without them."""
    record = json.loads(said) if said.startswith("{") else {}
    return [0, *record.get("peak_mb", {}).values()]


def main_job(folder: Path, home: str, *more: str, environment: Mapping[str, str] | None = None) -> Took:
    """`tieout run` on the folder's files in a workspace of its own."""
    files = [str(folder / "current.csv"), "--history", str(folder / "history.csv")]
    out = str(folder / f"out-{home}")
    return took(["-m", "cli", "-q", "run", *files, "--json", "--out", out, *more], folder / home, environment)


def next_day(folder: Path, home: str, series: int, days: int) -> Took:
    """The file of the day after, in a workspace whose lake holds all days before it."""
    write_file(folder / "next.csv", series, range(days, days + 1), 3)
    out = str(folder / f"out-next-{home}")
    words = ["-m", "cli", "-q", "run", str(folder / "next.csv"), "--json", "--out", out, "--no-agents"]
    return took([*words, "--format", "parquet"], folder / home)


def peer(name: str, folder: Path) -> Took:
    """Another way with the same rows."""
    return took(["-m", "evals.bench_peers", name, str(folder / "history.csv"), str(folder / "current.csv")], folder)


@dataclass
class Table:
    """Lines as they come, the first of them the measure of the others."""

    unit: float = 0.0

    def line(self, what: str, took: Took, more: str = "") -> None:
        self.unit = self.unit or took.cpu
        ratio = f"{took.cpu / self.unit:8.2f}x"
        print(f"| {what:58} | {took.cpu:8.2f} | {ratio} | {took.wall:8.2f} | {took.peak_mb:6,} | {more}", flush=True)


HEADER: Final = (
    f"| {'what':58} | {'cpu s':>8} | {'of bare':>9} | {'wall s':>8} | {'MB':>6} | more\n"
    f"|{'-' * 60}|{'-' * 10}|{'-' * 11}|{'-' * 10}|{'-' * 8}|------"
)


def stages(took: Took) -> str:
    """Wall seconds and own peak of each stage, from run.json."""
    record = json.loads(took.said)
    peaks: Mapping[str, int] = record["peak_mb"]
    return ", ".join(f"{name} {s:.1f} s {peaks[name]:,} MB" for name, s in record["seconds"].items() if s >= 0.05)


def make(folder: Path, series: int, days: int) -> int:
    """The two files of a size; returns their rows."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "history.csv", series, range(days - 1), 1)
    write_file(folder / "current.csv", series, range(days - 1, days), 2)
    return series * days


def small(root: Path, table: Table) -> None:
    """What a person waits for on a file of ten rows, beyond the imports; and for help."""
    folder = root / "small"
    make(folder, 1, 10)
    imports = took(["-c", "import cli, server, agents.graph, agents.run, agents.routine"], folder)
    main_job(folder, "warm")
    run = main_job(folder, "home")
    table.line("the bare imports", imports)
    table.line("tieout run, 10 rows, agents and all", run, f"{run.cpu - imports.cpu:.2f} s beyond the imports (aim 2)")
    table.line("tieout --help", took(["-m", "cli", "--help"], folder), "aim 0.5 s")


def large(root: Path, series: int, days: int, grow: int, peers: Sequence[str]) -> None:
    """One size, beside the peers, and grown."""
    folder = root / "large"
    rows = make(folder, series, days)
    print(f"\n{rows:,} rows ({series:,} series x {days} days), history and current; each a process\n\n{HEADER}")
    table = Table()
    bare = peer("bare", folder)
    table.line("DuckDB: CREATE TABLE AS of both files", bare)
    run = main_job(folder, "parquet", "--no-agents", "--format", "parquet")
    table.line("tieout run, breaks.parquet", run, stages(run))
    again = main_job(folder, "csv", "--no-agents", "--format", "csv")
    table.line("tieout run, breaks.csv", again, f"{again.cpu / run.cpu:.2f} of the parquet run (aim 2)")
    night = next_day(folder, "parquet", series, days)
    table.line(
        "tieout run, the next day onto that lake", night, f"{night.cpu / run.cpu:.2f} of the full run (aim 0.05)"
    )
    for name in peers:
        one = peer(name, folder)
        table.line(PEERS[name], one, f"{one.cpu / run.cpu:.1f} times tieout's")
    if grow > 1:
        more = root / "grown"
        grown_rows = make(more, series * grow, days)
        grown = main_job(more, "parquet", "--no-agents", "--format", "parquet")
        nightly = next_day(more, "parquet", series * grow, days)
        per_row = (grown.cpu / grown_rows) / (run.cpu / rows)
        table.line(f"tieout run, {grown_rows:,} rows", grown, f"{per_row:.2f} of the seconds per row (aim 1.15)")
        table.line("its next day", nightly, f"{nightly.cpu / grown.cpu:.2f} of the full run (aim 0.05)")
    small(root, table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20_000, help="keys; 200000 is the full size")
    parser.add_argument("--days", type=int, default=50)
    parser.add_argument("--grow", type=int, default=4, help="the job on so many times the keys; 20 is the full size")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--folder", type=Path, help="where the files are made, and left; else a temporary folder")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as name:
        large(said.folder or Path(name), said.series, said.days, said.grow, said.peers)


if __name__ == "__main__":
    main()
