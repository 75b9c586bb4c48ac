"""Newcomers: trades and payments, each of which comes once, so that only the others' past says what is usual."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.judge import judge
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.recon_file import CalendarSaid
from recon.rows import Pair

Floats = npt.NDArray[np.float64]

CALENDAR: Final = BusinessCalendar.of(CalendarSaid())
DAYS: Final = 12
"""Days of past: few enough that counting alone (2 in n + 1) could never call one row of a day."""
A_DAY: Final = 150
PLANTED: Final = 1
FACTOR: Final = 1_000.0
"""A planted difference is so many times the usual size of one."""

SIZES: Final[dict[str, Callable[[np.random.Generator, int], Floats]]] = {
    "narrow": lambda rng, n: 20.0 * np.exp(0.5 * rng.standard_normal(n)),
    "log-normal": lambda rng, n: 20.0 * np.exp(1.0 * rng.standard_normal(n)),
    "Pareto": lambda rng, n: 10.0 * (1.0 - rng.random(n)) ** -0.8,
}
"""How large a usual difference is, by the law that it follows."""


def _panel(diff: Floats, pair: Pair, scale: int) -> Panel:
    """One row for each series; the last `A_DAY` are today's."""
    n = len(diff)
    units = np.round(diff * 10**scale).astype(np.int64)
    right = np.full(n, 1_000_000 * 10**scale, np.int64)
    nothing = np.zeros(n, np.bool_)
    words = pa.array([], pa.string()) if pair.kind == "text" else None
    return Panel(
        pair=pair, scale=scale, offsets=np.arange(n + 1, dtype=np.int64), series_id=np.arange(n, dtype=np.uint64),
        day=(20_000 + np.arange(n) // A_DAY).astype(np.int32), stamp=None, current=np.arange(n) >= n - A_DAY,
        source=np.arange(n) % A_DAY, left=right + units, right=right, left_missing=nothing, right_missing=nothing,
        diff=units, tolerance=np.zeros(n, np.int64), is_break=units != 0, excluded=nothing, key_columns=("Trade",),
        words=words, columns={}, groups=np.zeros((1, n), np.int32), group_names=("all",),
    )  # fmt: skip


def amounts(seed: int, planted: int, *, law: str, rate: float) -> tuple[Panel, npt.NDArray[np.bool_]]:
    """A pair of amounts that differs on `rate` of its rows, and which of today's rows are planted."""
    rng = np.random.default_rng([seed, len(law), round(rate * 1e6)])
    n = (DAYS + 1) * A_DAY
    diff = np.where(rng.random(n) < rate, SIZES[law](rng, n) * rng.choice([-1.0, 1.0], n), 0.0)
    truth = np.zeros(A_DAY, np.bool_)
    truth[rng.choice(A_DAY, planted, replace=False)] = True
    usual = float(np.median(SIZES[law](rng, 2_000)))
    diff[-A_DAY:][truth] = FACTOR * usual * np.exp(0.3 * rng.standard_normal(planted))
    return _panel(diff, Pair("Net", "OMS", "Bank", None, "number", tolerance="0"), 2), truth


def words(seed: int, planted: int, *, rate: float) -> tuple[Panel, npt.NDArray[np.bool_]]:
    """A pair of words that differs on `rate` of its rows, and on two of today's for each one planted."""
    rng = np.random.default_rng([seed, round(rate * 1e6)])
    differs = (rng.random((DAYS + 1) * A_DAY) < rate).astype(np.float64)
    truth = np.zeros(A_DAY, np.bool_)
    truth[rng.choice(A_DAY, 2 * planted, replace=False)] = True
    differs[-A_DAY:][truth] = 1.0
    return _panel(differs, Pair("Side", "OMS", "Bank", None, "text"), 0), truth


def run(seeds: int) -> dict[str, Any]:
    """Recall of what is planted, the false share of what is called, and quiet days with an alarm, by kind of pair."""
    found = {
        f"{law}, {rate:.1%} differ": _measured(partial(amounts, law=law, rate=rate), seeds)
        for law in SIZES
        for rate in (0.002, 0.02)
    }
    return found | {"words, none differs": _measured(partial(words, rate=0.0), seeds)}


def _measured(make: Callable[[int, int], tuple[Panel, npt.NDArray[np.bool_]]], seeds: int) -> dict[str, float]:
    found, false, quiet = [], [], []
    for seed in range(seeds):
        panel, truth = make(seed, PLANTED)
        yes = judge(panel, calendar=CALENDAR).anomaly == 1
        found.append((yes & truth).sum() / truth.sum())
        false.append((yes & ~truth).sum() / max(int(yes.sum()), 1))
        quiet.append((judge(make(10_000 + seed, 0)[0], calendar=CALENDAR).anomaly == 1).any())
    measured = {"recall": found, "fdp": false, "quiet days with an alarm": quiet}
    return {name: float(np.mean(values)) for name, values in measured.items()}


def table(board: Mapping[str, Mapping[str, float]]) -> str:
    """One line for each kind of pair."""
    return "\n".join(
        f"{pair:26}" + ", ".join(f"{name} {value:.3f}" for name, value in values.items())
        for pair, values in board.items()
    )


if __name__ == "__main__":
    print(table(run(60)))
