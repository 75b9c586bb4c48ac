"""`python -m evals.bench_dask`: the scoring stage on one single-threaded Dask worker and on two, in turns, in one run.

Two hundred days of history: what only one process does, concluding over the current rows, grows with the keys alone.
The clock of a busy machine says little, and a ratio of processor seconds nothing at all here: each number of workers
is timed several times, and the shortest counts.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Final

from evals.bench import main_job, make

TURNS: Final = 3


def scored(folder: Path, workers: int) -> list[float]:
    """Seconds of the scoring stage, turn by turn, on a cluster of so many workers; the first warms the workers up."""
    from distributed import LocalCluster

    words = ("--no-agents", "--format", "parquet", "--engine", "dask")
    with LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        more = {"TIEOUT_DASK_SCHEDULER": cluster.scheduler_address}
        homes = [f"dask-{workers}-{turn}" for turn in range(TURNS + 1)]
        runs = [main_job(folder, home, *words, environment=more) for home in homes]
    return [float(json.loads(run.said)["seconds"]["judge"]) for run in runs[1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=40_000, help="keys; fewer make too few buckets to share")
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the files are made, and left; else a temporary folder")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tieout-dask-") as name:
        folder = said.folder or Path(name)
        rows = make(folder, said.series, said.days)
        one, two = scored(folder, 1), scored(folder, 2)
    turns = ", ".join(f"{a:.1f} and {b:.1f} s" for a, b in zip(one, two, strict=True))
    print(f"scoring {rows:,} rows with one worker and with two: {turns}")
    print(f"two workers are {min(one) / min(two):.2f} times as fast (aim 1.7)")


if __name__ == "__main__":
    main()
