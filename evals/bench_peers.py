"""`python -m evals.bench_peers NAME FILE...`: one other way with the same rows, in a process of its own."""

import sys
from collections.abc import Callable, Sequence


def bare(files: Sequence[str]) -> None:
    """DuckDB's CREATE TABLE AS on the files: the floor under any reader."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("create table t as select * from read_csv(?)", [list(files)])


def boilerplate(files: Sequence[str]) -> None:
    """The usual notebook: pandas rolling mean and deviation by key, and one IsolationForest."""
    import pandas as pd
    from sklearn.ensemble import IsolationForest

    frame = pd.concat([pd.read_csv(f) for f in files]).sort_values(["Account", "As of Date"])
    rolled = frame.groupby("Account")["Balance Difference"].rolling(20)
    rolled.mean()
    rolled.std()
    IsolationForest(contamination=0.05, random_state=0).fit_predict(frame[["Balance Difference", "GL Balance"]])


def polars(files: Sequence[str]) -> None:
    """Rolling mean, deviation and median by key, eager and on all cores."""
    import polars as pl

    frame = pl.concat([pl.read_csv(f) for f in files]).sort(["Account", "As of Date"])
    value = pl.col("Balance Difference")
    frame.with_columns(
        value.rolling_mean(20).over("Account").alias("mean"),
        value.rolling_std(20).over("Account").alias("std"),
        value.rolling_median(20).over("Account").alias("median"),
    )


def ecod(files: Sequence[str]) -> None:
    """PyOD's ECOD over the difference and both balances."""
    import pandas as pd
    from pyod.models.ecod import ECOD

    frame = pd.concat([pd.read_csv(f) for f in files])
    ECOD(contamination=0.05).fit(frame[["Balance Difference", "GL Balance", "IHub Balance"]].to_numpy())


WAYS: dict[str, Callable[[Sequence[str]], None]] = {
    "bare": bare,
    "boilerplate": boilerplate,
    "polars": polars,
    "ecod": ecod,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](sys.argv[2:])
