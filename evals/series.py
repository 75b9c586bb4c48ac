"""Series of several natures, quiet or with anomalies of many kinds planted in them, and the truth beside them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.panel import Panel
from recon.rows import Codes, Pair

Floats = npt.NDArray[np.float64]

NATURES: Final = ("matches", "normal", "heavy", "constant", "trend", "walk", "weekday", "month_end", "persistent")
"""What a series is like when nothing is wrong; the first is the commonest in a reconciliation."""
SHARES: Final = (0.44, 0.09, 0.09, 0.09, 0.06, 0.06, 0.06, 0.05, 0.06)

KINDS: Final = (
    "spike", "drop", "sign_flip", "times_ten", "doubled", "missing_side", "level_shift", "ramp", "burst",
    "repeated", "drift", "wrong_day", "trend_turn", "small_spike",
)  # fmt: skip
LASTING: Final = {"level_shift": 5, "ramp": 8, "burst": 6, "repeated": 6, "drift": 15, "trend_turn": 5}
"""Days an anomaly lasts; the others are one day. A shift stays; its days count until the fifth has agreed."""
STRENGTHS: Final = {"weak": 6.0, "medium": 12.0, "strong": 30.0}
"""In deviations of the series' own noise."""

TOLERANCE: Final = 1.0
SCALE: Final = 2


@dataclass
class Planted:
    """A panel with its truth, every array in the panel's row order."""

    panel: Panel
    truth: npt.NDArray[np.int8]
    """1 anomaly, 0 none, -1 not counted (after the days in which it must be seen)."""
    kind: npt.NDArray[np.int8]
    """Index into KINDS, -1 for none."""
    nature: npt.NDArray[np.int8]
    onset: npt.NDArray[np.int32]
    """Days since the row's anomaly began, -1 for none."""


@dataclass
class World:
    """What planting changes: shape (series, days) each."""

    x: Floats
    left: Floats
    truth: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    onset: npt.NDArray[np.int32]
    one_sided: npt.NDArray[np.bool_]


def business_days(n: int, monday: int = 19_366) -> npt.NDArray[np.int32]:
    """n weekdays from Monday 9 January 2023 on."""
    i = np.arange(n)
    return (monday + i // 5 * 7 + i % 5).astype(np.int32)


def planted(
    seed: int,
    *,
    series: int = 400,
    days: int = 90,
    judged: int = 20,
    rate: float = 0.0,
    strength: float = 12.0,
    natures: tuple[str, ...] = NATURES,
    clean_past: bool = False,
) -> Planted:
    """`rate`: the chance that a series gets an anomaly within any `judged` days, history included."""
    rng = np.random.default_rng(seed)
    line = business_days(days)
    month = line.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    month_end = np.append(month[1:] != month[:-1], False)
    shares = np.array([SHARES[NATURES.index(name)] for name in natures])
    nature = rng.choice([NATURES.index(name) for name in natures], series, p=shares / shares.sum())
    noise = np.exp(rng.normal(3.0, 1.5, series))
    quiet = [_quiet(NATURES[k], days, s, line, month_end, rng) for k, s in zip(nature, noise, strict=True)]
    world = quiet_world(np.stack(quiet), rng)
    for i in range(series):
        for window in range(1 if clean_past else days // judged):
            first = days - (window + 1) * judged
            hit, at = rng.random() < rate, int(rng.integers(max(first, 12), max(first, 12) + judged))
            if hit and at < days:
                _plant(world, i, at, NATURES[nature[i]], noise[i], strength, rng)
    return assemble(world, nature, line, judged)


def sparse(
    seed: int, *, rate: float, days: int, judged: int, series: int = 400, tolerance: float = TOLERANCE
) -> Planted:
    """Quiet: every key breaks at the same `rate` by sizes of one log-normal law, one day independent of the other."""
    rng = np.random.default_rng(seed)
    shape = (series, days)
    sizes = rng.lognormal(5.0, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    world = quiet_world(np.where(rng.random(shape) < rate, sizes, 0.0), rng)
    return assemble(world, np.zeros(series, np.int64), business_days(days), judged, tolerance)


def quiet_world(x: Floats, rng: np.random.Generator) -> World:
    """These differences, nothing planted in them, between sides that wander."""
    left = np.round(np.abs(rng.normal(1e5, 3e4, (len(x), 1))) + rng.normal(0, 500, x.shape).cumsum(axis=1), 2)
    none = (np.zeros(x.shape, np.int8), np.full(x.shape, -1, np.int8), np.full(x.shape, -1, np.int32))
    return World(x, left, *none, np.zeros(x.shape, np.bool_))


def _quiet(
    nature: str,
    days: int,
    noise: float,
    line: npt.NDArray[np.int32],
    month_end: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    small = rng.choice([0.0, 0.0, 0.0, 0.01, -0.01, 0.25, -0.25], days)
    match nature:
        case "matches":
            breaks = rng.random(days) < rng.choice([0.0, 0.01, 0.04])
            sizes = noise * rng.lognormal(0, 0.8, days) * rng.choice([-1, 1], days)
            return np.asarray(np.where(breaks, sizes, small))
        case "normal":
            return np.asarray(rng.normal(0, 10) * noise + noise * rng.normal(size=days))
        case "heavy":
            return np.asarray(rng.normal(0, 3) * noise + noise * rng.standard_t(3, days))
        case "constant":
            return np.asarray(np.full(days, np.round(noise * 20, 2)) + small)
        case "trend":
            return np.asarray(noise * (rng.normal(0, 1) * np.arange(days) + rng.normal(size=days)))
        case "walk":
            return np.asarray(noise * rng.normal(size=days).cumsum())
        case "weekday":
            return np.asarray(noise * (8 * rng.normal(size=7)[(line + 3) % 7] + rng.normal(size=days)))
        case "month_end":
            return np.asarray(np.where(month_end, noise * (25 + rng.normal(size=days)), small))
        case _:
            out = np.zeros(days)
            for t in range(1, days):
                out[t] = 0.7 * out[t - 1] + rng.normal()
            return np.asarray(noise * (5 + out))


def _plant(world: World, i: int, at: int, nature: str, noise: float, strength: float, rng: np.random.Generator) -> None:
    """Changes series i in place from day `at` on, by one of the kinds that fit its nature."""
    x, days = world.x[i], world.x.shape[1]
    fits = [k for k in KINDS if _fits(k, nature)]
    name = fits[int(rng.integers(len(fits)))]
    last = min(at + LASTING.get(name, 1), days)
    n = last - at
    sign = rng.choice([-1.0, 1.0])
    unit = max(noise, 2.0)
    usual = float(np.median(np.abs(x[max(0, at - 20) : at])))
    match name:
        case "spike" | "wrong_day":
            x[at] += sign * strength * unit
        case "small_spike":
            x[at] += sign * 0.6 * strength * unit
        case "drop":
            x[at] -= np.sign(x[at]) * strength * unit
        case "sign_flip":
            x[at] = -x[at]
        case "times_ten":
            x[at] = 10 * x[at] if usual > unit else sign * strength * unit
        case "doubled":
            x[at] = 2 * x[at] if usual > 4 * unit else sign * strength * unit
        case "missing_side":
            x[at] = world.left[i, at]
            world.one_sided[i, at] = True
        case "level_shift":
            x[at:] += sign * strength * 0.75 * unit
        case "ramp":
            x[at:last] += sign * strength * unit * np.arange(1, n + 1) / 5
        case "burst":
            x[at:last] += rng.choice([-1.0, 1.0], n) * strength * 0.5 * unit * rng.uniform(0.6, 1.4, n)
        case "repeated":
            x[at:last] = rng.choice([-1.0, 1.0], n) * strength * 0.2 * unit * rng.lognormal(0, 0.5, n)
        case "drift":
            x[at:last] = sign * TOLERANCE * rng.uniform(0.5, 0.95, n)
        case _:
            x[at:last] += sign * strength * unit * np.arange(1, n + 1) / 3
    world.truth[i, at:last] = 1
    world.kind[i, at:last] = KINDS.index(name)
    world.onset[i, at:last] = np.arange(n)
    # what follows a lasting one is not counted: a shift for good, the others until the baseline has come back
    if name == "level_shift":
        world.truth[i, last:] = -1
    elif n > 1:
        world.truth[i, last : last + 2] = -1


def _fits(kind: str, nature: str) -> bool:
    match kind:
        case "drift" | "repeated":
            return nature == "matches"
        case "drop" | "doubled" | "times_ten":
            return nature in {"normal", "constant", "persistent"}
        case "sign_flip":
            return nature == "constant"
        case "wrong_day":
            return nature in {"weekday", "month_end"}
        case "trend_turn":
            return nature == "trend"
        case "ramp":
            return nature in {"matches", "normal", "constant", "persistent"}
        case _:
            return True


def assemble(
    world: World,
    nature: npt.NDArray[np.int64],
    line: npt.NDArray[np.int32],
    judged: int,
    tolerance: float = TOLERANCE,
) -> Planted:
    """The world as a panel of which the last `judged` days are current; series of like nature are of one desk."""
    series, days = world.x.shape
    n = series * days
    diff = np.round(world.x * 10**SCALE).astype(np.int64).ravel()
    left = np.round(world.left * 10**SCALE).astype(np.int64).ravel()
    one_sided = world.one_sided.ravel()
    right = np.where(one_sided, 0, left - diff)
    allowed = np.full(n, round(tolerance * 10**SCALE), np.int64)
    keys = pa.array([str(i) for i in range(series)])
    panel = Panel(
        pair=Pair("Balance", "GL Balance", "IHub Balance", None, "number", tolerance=str(tolerance)),
        scale=SCALE,
        offsets=np.arange(0, n + 1, days).astype(np.int64),
        series_id=np.arange(series, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        day=np.tile(line, series),
        stamp=None,
        current=np.tile(np.arange(days) >= days - judged, series),
        source=np.arange(n, dtype=np.int64),
        left=left,
        right=right,
        left_missing=np.zeros(n, np.bool_),
        right_missing=one_sided,
        diff=left - right,
        tolerance=allowed,
        is_break=(np.abs(left - right) > allowed) | one_sided,
        excluded=np.zeros(n, np.bool_),
        columns={"Account": Codes(np.repeat(np.arange(series), days).astype(np.int32), keys)},
        groups=np.stack([nature.astype(np.int32) // 3, np.zeros(series, np.int32)]),
        group_names=("Desk", "all"),
    )
    return Planted(
        panel, world.truth.ravel(), world.kind.ravel(), np.repeat(nature, days).astype(np.int8), world.onset.ravel()
    )
