"""`make bench`: the main job beside DuckDB's bare load and the usual boilerplate, on one file, in one run."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd


def write_file(path: Path, series: int, days: range, seed: int) -> None:
    """Rows of `series` keys on each day: ten columns, mostly matches, heavy-tailed breaks."""
    rng = np.random.default_rng(seed)
    n = series * len(days)
    key = np.tile(np.arange(series), len(days))
    right = rng.integers(100_000, 100_000_000, n)
    left = right + np.where(rng.random(n) < 0.05, rng.standard_t(3, n) * 50_000, 0).astype(np.int64)
    dates = np.datetime64("2026-01-01") + np.repeat(np.array(days), series)
    frame = pd.DataFrame(
        {
            "As of Date": dates.astype(str),
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
    frame.to_csv(path, index=False)


def bare_load(files: list[Path]) -> float:
    """Seconds of DuckDB's CREATE TABLE AS on the same files: the floor under any reader."""
    begun = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute("create table t as select * from read_csv(?)", [[str(f) for f in files]])
    return time.perf_counter() - begun


def boilerplate(files: list[Path]) -> float:
    """Seconds of the usual notebook: pandas rolling mean and deviation by key, and one IsolationForest."""
    from sklearn.ensemble import IsolationForest

    begun = time.perf_counter()
    frame = pd.concat([pd.read_csv(f) for f in files]).sort_values(["Account", "As of Date"])
    rolled = frame.groupby("Account")["Balance Difference"].rolling(20)
    rolled.mean()
    rolled.std()
    IsolationForest(contamination=0.05, random_state=0).fit_predict(frame[["Balance Difference", "GL Balance"]])
    return time.perf_counter() - begun


def main_job(current: Path, history: Path, folder: Path) -> tuple[float, dict[str, float], int]:
    """(seconds, seconds by stage, peak MB) of `tieout run` in a process of its own."""
    words = ["run", str(current), "--history", str(history), "--no-agents", "--format", "parquet", "--json"]
    command = [sys.executable, "-W", "ignore", "-m", "cli", "-q", *words, "--out", str(folder / "out")]
    begun = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"TIEOUT_HOME": str(folder / "home")}
    )
    seconds = time.perf_counter() - begun
    record = json.loads(done.stdout)
    return seconds, record["seconds"], max(record["peak_mb"].values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=50)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        history, current = folder / "history.csv", folder / "current.csv"
        write_file(history, said.series, range(said.days - 1), 1)
        write_file(current, said.series, range(said.days - 1, said.days), 2)
        bare = bare_load([history, current])
        seconds, stages, peak = main_job(current, history, folder)
        usual = boilerplate([history, current])
    rows = said.series * said.days
    print(f"{rows:,} rows ({said.series:,} series x {said.days} days)")
    print(f"{'DuckDB bare load':24}{bare:8.2f} s   1.0x")
    print(f"{'tieout run':24}{seconds:8.2f} s {seconds / bare:5.1f}x   peak {peak:,} MB")
    print(f"{'usual boilerplate':24}{usual:8.2f} s {usual / bare:5.1f}x   {usual / seconds:.1f} times tieout's")
    print("by stage: " + ", ".join(f"{stage} {taken:.2f} s" for stage, taken in stages.items()))
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB")


if __name__ == "__main__":
    main()
