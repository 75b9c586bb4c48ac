"""Families of series unlike those of `evals.series`, as banks have them; by most of them no number was ever chosen.

`counts` and `two levels` showed that a series which began with equal values never learned a spread, and were looked at
when that was mended; whether series that mostly match should be left out of it was decided by `counts`, `mondays`,
`round amounts` and `often none`. The others were only measured.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evals.series import Planted, assemble, business_days, quiet_world

Floats = npt.NDArray[np.float64]
Made = tuple[Floats, Floats | float]
"""The differences, and the deviation of their noise."""
Family = Callable[[np.random.Generator, Floats], Made]
"""From a generator and each series' own size."""

SERIES, PAST, JUDGED, ANOMALIES = 300, 60, 5, 15
SHAPE: Final = (SERIES, PAST + JUDGED)
STRENGTHS: Final = (8.0, 20.0)
"""In deviations of the family's own noise."""


def fees(rng: np.random.Generator, size: Floats) -> Made:
    """Always one side, log-normal, slowly growing."""
    return size * rng.lognormal(0, 0.5, SHAPE) * (1 + 0.005 * np.arange(SHAPE[1])), size * 0.6


def counts(rng: np.random.Generator, size: Floats) -> Made:
    """Whole numbers of items."""
    rate = np.exp(rng.normal(1.5, 1, (SERIES, 1)))
    return rng.poisson(rate, SHAPE).astype(np.float64), np.sqrt(rate) + 1.0


def timing(rng: np.random.Generator, size: Floats) -> Made:
    """Booked a day apart: a break, and its opposite on the next day."""
    hit = np.where(rng.random(SHAPE) < 0.05, size * rng.lognormal(0, 0.7, SHAPE) * rng.choice([-1, 1], SHAPE), 0.0)
    return hit - np.pad(hit, ((0, 0), (1, 0)))[:, :-1], size


def stale(rng: np.random.Generator, size: Floats) -> Made:
    """One difference for weeks, then another."""
    moves = rng.random(SHAPE) < 1 / 15
    moves[:, 0] = True
    since = np.maximum.accumulate(np.where(moves, np.arange(SHAPE[1]), 0), axis=1)
    return np.take_along_axis(rng.normal(0, 3, SHAPE), since, axis=1) * size, size * 3


def shock(rng: np.random.Generator, size: Floats) -> Made:
    """On some days all series of a market move together."""
    days = np.where(rng.random((4, SHAPE[1])) < 0.15, rng.normal(0, 8, (4, SHAPE[1])), 0.0)
    return size * (rng.normal(size=SHAPE) + days[np.arange(SERIES) % 4]), size * 3


def growing(rng: np.random.Generator, size: Floats) -> Made:
    """Ever wider noise."""
    wide = size * np.exp(np.arange(SHAPE[1]) / 40)
    return wide * rng.normal(size=SHAPE), wide


def cents(rng: np.random.Generator, size: Floats) -> Made:
    """Rounding, and nothing is tolerated."""
    return rng.integers(-5, 6, SHAPE) / 100.0, 0.03


def mondays(rng: np.random.Generator, size: Floats) -> Made:
    """Breaks on most Mondays, else none."""
    monday = (np.arange(SHAPE[1]) % 5 == 0) & (rng.random(SHAPE) < 0.8)
    return np.where(monday, size * rng.lognormal(0, 0.5, SHAPE), 0.0), size * 0.6


def heavy(rng: np.random.Generator, size: Floats) -> Made:
    """A variance that does not exist."""
    return size * rng.standard_t(1.5, SHAPE), size * 6


def two_levels(rng: np.random.Generator, size: Floats) -> Made:
    """Now the one, now the other."""
    return size * (5.0 * rng.choice([-1, 1], SHAPE) + 0.3 * rng.normal(size=SHAPE)), size * 5


def round_amounts(rng: np.random.Generator, size: Floats) -> Made:
    """A few amounts that come again and again."""
    return rng.choice([0.0, 0.0, 0.0, 0.0, 100.0, -100.0, 50.0, 1000.0], SHAPE), 300.0


def often_none(rng: np.random.Generator, size: Floats) -> Made:
    """Three days in ten differ, always to one side."""
    return np.where(rng.random(SHAPE) < 0.3, np.abs(size * rng.normal(size=SHAPE)), 0.0), size


def cycle(rng: np.random.Generator, size: Floats) -> Made:
    """A wave of twenty days, in no calendar."""
    wave = 6 * np.sin(2 * np.pi * (np.arange(SHAPE[1]) / 20 + rng.random((SERIES, 1))))
    return size * (wave + rng.normal(size=SHAPE)), size


FAMILIES: Final[Mapping[str, tuple[Family, float]]] = {
    "fees": (fees, 1.0), "counts": (counts, 0.0), "timing": (timing, 1.0), "stale": (stale, 1.0),
    "shock": (shock, 1.0), "growing": (growing, 1.0), "cents": (cents, 0.0), "mondays": (mondays, 1.0),
    "heavy": (heavy, 1.0), "two levels": (two_levels, 1.0), "round amounts": (round_amounts, 1.0),
    "often none": (often_none, 1.0), "cycle": (cycle, 1.0),
}  # fmt: skip
"""Name -> (its maker, its tolerance)."""


def made(family: str, seed: int, strength: float) -> Planted:
    """A world of one family. With a strength above 0 one series in twenty has a spike, a new level or another value."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    make, tolerance = FAMILIES[family]
    x, noise = make(rng, np.exp(rng.normal(4, 1, (SERIES, 1))))
    noise = np.broadcast_to(noise, SHAPE)
    world = quiet_world(x, rng)
    for i in rng.choice(SERIES, ANOMALIES, replace=False) if strength else ():
        at, sign = PAST + int(rng.integers(JUDGED)), rng.choice([-1.0, 1.0])
        far = sign * strength * noise[i, at]
        match int(rng.integers(3)):
            case 0:
                x[i, at] += far
            case 1:
                x[i, at:] += far
                world.truth[i, at:] = 1
            case _:
                x[i, at] = far
        world.truth[i, at] = 1
        world.onset[i, at:] = np.arange(SHAPE[1] - at)
    np.round(x, 0 if family == "counts" else 2, out=x)
    return assemble(world, np.zeros(SERIES, np.int64), business_days(SHAPE[1]), JUDGED, tolerance)


def table(board: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each family."""
    return "\n".join(
        f"  {name:16}" + ", ".join(f"{what} {value:.2f}" for what, value in row.items()) for name, row in board.items()
    )
