"""How well slices are found: generated runs whose causes are known, beside Adtributor and a one-column ranking.

Each family makes leaf rows with an actual and an expected value and plants its causes in them:

- `mixed depth`: Weibull sizes, zeros, relative noise up to a quarter, causes of 1 to 3 slices at any depth.
- `single leaves`: 36,000 leaves, each cause one leaf: the shape in which every published method loses slices.
- `ripple`: skewed, sparse leaves; each slice has its own ratio, 1 to 3 slices at depth 1 to 3; five noise levels.
- `additive`: every leaf of a slice is off by about the same amount, not by the same share.
- `reconciliation`: nearly all rows match exactly; some break at random, slices break by a fee, a shift or anyhow.
- `counts`: small Poisson counts, expected from four past minutes; impure slices: as live traffic behaves.
- `stalls`, `rates`: a video service's minute, as a count and as a share of few or many viewers.
- `nothing`: noise, or random single breaks, and no slice at all: every slice found is false.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.localise import localise

Floats = npt.NDArray[np.float64]
Codes = dict[str, npt.NDArray[np.int32]]
Combo = frozenset[tuple[str, int]]
NAMES = "abcdefgh"


@dataclass(frozen=True)
class Planted:
    """One generated run and its truth."""

    codes: Codes
    actual: Floats
    expected: Floats
    truth: frozenset[Combo]


def full_grid(dims: tuple[int, ...]) -> Codes:
    """Every combination of values, one row each."""
    axes = np.meshgrid(*[np.arange(d, dtype=np.int32) for d in dims], indexing="ij")
    return {name: axis.ravel() for name, axis in zip(NAMES, axes, strict=False)}


def rows_of(codes: Codes, combo: Combo) -> npt.NDArray[np.bool_]:
    inside = np.ones(len(next(iter(codes.values()))), dtype=bool)
    for column, value in combo:
        inside &= codes[column] == value
    return inside


# --- mixed depth and single leaves ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """What a weighted-risk style run is drawn from; ranges are uniform."""

    dims: tuple[int, ...] = (10, 12, 10, 8, 5)
    zero_rate: tuple[float, float] = (0.0, 0.25)
    noise: tuple[float, float] = (0.0, 0.25)
    severity: tuple[float, float] = (0.2, 1.0)
    deviation: tuple[float, float] = (0.0, 0.1)
    causes: tuple[int, int] = (1, 3)
    slices: tuple[int, int] = (1, 3)
    leaves_only: bool = False


MIXED = Recipe()
LEAVES = Recipe(
    dims=(10, 24, 10, 15),
    noise=(0.0, 0.1),
    severity=(0.5, 1.0),
    deviation=(0.0, 0.0),
    causes=(1, 5),
    slices=(1, 1),
    leaves_only=True,
)


def _cause_slices(
    rng: np.random.Generator, recipe: Recipe, codes: Codes, live: npt.NDArray[np.bool_], taken: list[list[Combo]]
) -> list[Combo]:
    """The slices of one cause: one set of columns, values that no earlier cause uses in a shared column."""
    depth_max = len(recipe.dims)
    while True:
        depth = depth_max if recipe.leaves_only else int(rng.integers(1, depth_max + 1))
        count = int(rng.integers(recipe.slices[0], recipe.slices[1] + 1))
        columns = sorted(rng.choice(depth_max, size=depth, replace=False))
        names = [NAMES[c] for c in columns]
        if depth < depth_max and any({n for n, _ in cause[0]} == set(names) for cause in taken):
            continue
        picks = []
        for c, name in zip(columns, names, strict=True):
            used = {v for cause in taken for combo in cause for n, v in combo if n == name}
            free = [v for v in range(recipe.dims[c]) if v not in used]
            picks.append(rng.choice(free, size=count) if free else None)
        if any(p is None for p in picks):
            continue
        combos = [
            frozenset((name, int(p[i])) for name, p in zip(names, picks, strict=True) if p is not None)
            for i in range(count)
        ]
        if len(set(combos)) < count or (depth == depth_max and not all(live[rows_of(codes, c)].all() for c in combos)):
            continue
        return combos


def weighted_risk_run(rng: np.random.Generator, recipe: Recipe) -> Planted:
    codes = full_grid(recipe.dims)
    n = len(codes["a"])
    zero, noise = rng.uniform(*recipe.zero_rate), rng.uniform(*recipe.noise)
    real = rng.weibull(rng.uniform(0.5, 1.0), n) * 100 * (rng.uniform(size=n) > zero)
    other = np.maximum(real + real * rng.normal(0, noise, n), 0.0)
    swap = rng.integers(0, 2, n).astype(bool)
    real, predict = np.where(swap, other, real), np.where(swap, real, other)
    shrunk, kept = (predict, real) if real.sum() > predict.sum() else (real, predict)
    taken: list[list[Combo]] = []
    for _ in range(int(rng.integers(recipe.causes[0], recipe.causes[1] + 1))):
        combos = _cause_slices(rng, recipe, codes, (real > 0) | (predict > 0), taken)
        severity, spread = rng.uniform(*recipe.severity) + noise, rng.uniform(*recipe.deviation)
        for combo in combos:
            inside = rows_of(codes, combo)
            cut = rng.normal(severity, spread, int(inside.sum()))
            shrunk[inside] = np.maximum(kept[inside] * (1 - cut), 0.0)
        taken.append(combos)
    return Planted(codes, real, predict, frozenset(c for cause in taken for c in cause))


# --- ripple --------------------------------------------------------------------------------------------------


def skewed_leaves(rng: np.random.Generator, dims: tuple[int, ...], density: float) -> tuple[Codes, Floats]:
    """Sparse leaves whose sizes multiply over columns, as traffic does."""
    codes = full_grid(dims)
    size = np.exp(rng.normal(0, 0.7, len(codes["a"])))
    for name, d in zip(NAMES, dims, strict=False):
        size *= np.exp(rng.normal(0, 1.0, d))[codes[name]]
    keep = rng.uniform(size=len(size)) < density
    return {k: v[keep] for k, v in codes.items()}, np.round(100 * size[keep], 4)


def draw_slices(rng: np.random.Generator, codes: Codes, depth: int, count: int, least: int = 2) -> list[Combo]:
    """`count` slices of `depth` that hold `least` rows or more, none inside another."""
    names = list(codes)
    out: list[Combo] = []
    while len(out) < count:
        row = int(rng.integers(len(codes[names[0]])))
        chosen = rng.choice(len(names), size=depth, replace=False)
        combo = frozenset((names[c], int(codes[names[c]][row])) for c in chosen)
        if rows_of(codes, combo).sum() < least or any(combo <= o or o <= combo for o in out):
            continue
        out.append(combo)
    return out


def ripple_run(rng: np.random.Generator) -> Planted:
    dims = ((7, 9, 16, 10), (12, 33, 10, 9), (6, 10, 12, 5, 4))[int(rng.integers(3))]
    codes, expected = skewed_leaves(rng, dims, float(rng.uniform(0.3, 1.0)))
    level = (0.008, 0.031, 0.063, 0.092, 0.123)[int(rng.integers(5))]
    actual = expected * (1 + rng.normal(0, level, len(expected)))
    combos = draw_slices(rng, codes, int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    for combo in combos:
        inside = rows_of(codes, combo)
        score = rng.uniform(0.2, 0.95) * (1 if rng.uniform() < 0.7 else -1)
        ratio = (1 - score / 2) / (1 + score / 2) if rng.uniform() < 0.5 else 1 - score
        actual[inside] = expected[inside] * ratio * (1 + rng.normal(0, level / 2, int(inside.sum())))
    return Planted(codes, np.maximum(actual, 0), expected, frozenset(combos))


def additive_run(rng: np.random.Generator) -> Planted:
    columns = int(rng.integers(3, 7))
    dims = tuple(int(x) for x in rng.integers(4, {3: 30, 4: 14, 5: 8, 6: 6}[columns], columns))
    codes, expected = skewed_leaves(rng, dims, float(rng.uniform(0.5, 1.0)))
    noise = rng.uniform(0.0, 0.1)
    actual = expected * (1 + rng.normal(0, noise, len(expected)))
    combos: list[Combo] = []
    for _ in range(int(rng.integers(1, 4))):
        for combo in draw_slices(rng, codes, int(rng.integers(1, min(4, columns))), 1, 4):
            if any(combo <= o or o <= combo for o in combos):
                continue
            inside = rows_of(codes, combo)
            amount = np.quantile(expected[inside], 0.7) * rng.uniform(0.5, 2) * rng.choice([-1, 1])
            actual[inside] = expected[inside] + amount * (1 + rng.normal(0, 0.05, int(inside.sum())))
            combos.append(combo)
    return Planted(codes, actual, expected, frozenset(combos))


def reconciliation_run(rng: np.random.Generator) -> Planted:
    columns = int(rng.integers(3, 7))
    n = int(rng.integers(1_000, 20_000))
    codes: Codes = {}
    for name in NAMES[:columns]:
        d = int(rng.integers(3, 25))
        weight = 1.0 / np.arange(1, d + 1) ** rng.uniform(0.3, 1.2)
        codes[name] = rng.choice(d, size=n, p=weight / weight.sum()).astype(np.int32)
    expected = np.round(np.exp(rng.normal(8, 2, n)), 2) * rng.choice([1, -1], n, p=[0.9, 0.1])
    actual = expected.copy()
    random_breaks = rng.uniform(size=n) < rng.uniform(0.0, 0.03)
    actual[random_breaks] *= 1 + rng.normal(0, 0.5, int(random_breaks.sum()))
    combos: list[Combo] = []
    for _ in range(int(rng.integers(1, 6))):
        for combo in draw_slices(rng, codes, int(rng.integers(1, min(4, columns))), 1, 8):
            inside = rows_of(codes, combo) & (rng.uniform(size=n) < rng.choice([1.0, 1.0, 0.9]))
            if any(combo <= o or o <= combo for o in combos) or inside.sum() < 6:
                continue
            k = int(inside.sum())
            match int(rng.integers(3)):
                case 0:
                    actual[inside] = expected[inside] * (1 + rng.choice([-1, 1]) * 10 ** rng.uniform(-3, -0.3))
                case 1:
                    actual[inside] = expected[inside] + rng.choice([-1, 1]) * 10 ** rng.uniform(2, 5)
                case _:
                    actual[inside] = expected[inside] * (1 - rng.uniform(0.1, 1, k))
            combos.append(combo)
    return Planted(codes, np.round(actual, 2), expected, frozenset(combos))


def counts_run(rng: np.random.Generator) -> Planted:
    dims = (int(rng.integers(3, 6)), 7, 2, int(rng.integers(6, 9)), int(rng.integers(5, 8)))
    codes, size = skewed_leaves(rng, dims, float(rng.uniform(0.4, 0.8)))
    total = size / size.sum() * rng.uniform(5e4, 4e5)
    rate = np.clip(0.03 * np.exp(rng.normal(0, 0.4, len(size))), 0, 0.5)
    past = rng.poisson(total * rate, (4, len(size))).mean(axis=0)
    volume = total * rate
    while True:
        combos = draw_slices(rng, codes, int(rng.choice([1, 1, 2, 2, 3])), int(rng.choice([1, 1, 1, 2])))
        if all(0.01 < volume[rows_of(codes, c)].sum() / volume.sum() < 0.6 for c in combos):
            break
    for combo in combos:
        inside = rows_of(codes, combo)
        rate[inside] *= rng.uniform(2, 8) * np.exp(rng.normal(0, 0.3, int(inside.sum())))
    now = rng.poisson(total * np.minimum(rate, 1.0)).astype(float)
    keep = (now > 0) | (past > 0)
    return Planted({k: v[keep] for k, v in codes.items()}, now[keep], past[keep], frozenset(combos))


def live_run(rng: np.random.Generator, feed: str) -> Planted:
    """A minute of a video service: viewers by source, quality, peer, device and network, and those who stall;
    expected from the four minutes before. Slices stall more, unevenly over a fourth column. The feed is the number
    of those who stall or the share of those who do not."""
    dims = (int(rng.integers(3, 5)), 6, 2, 8, 7)
    codes = full_grid(dims)
    size = np.exp(rng.normal(0, 0.5, len(codes["a"])))
    rate = np.full(len(size), 0.02)
    for name, d in zip(NAMES, dims, strict=False):
        size *= np.exp(rng.normal(0, 1.3, d))[codes[name]]
        rate *= np.exp(rng.normal(0, 0.25, d))[codes[name]]
    size *= rng.uniform(1e5, 3e5) / size.sum()
    keep = size > rng.uniform(0.3, 2)
    codes, size, rate = {k: v[keep] for k, v in codes.items()}, size[keep], rate[keep]

    def minute(stall: Floats) -> tuple[Floats, Floats]:
        viewers = rng.poisson(size * np.exp(rng.normal(0, 0.03, len(size))))
        return viewers.astype(float), rng.binomial(viewers, np.minimum(stall, 0.9)).astype(float)

    past = [minute(rate) for _ in range(4)]
    stalls = size * rate
    while True:
        depth, count = int(rng.choice([1, 1, 2, 2, 3])), int(rng.choice([1, 1, 1, 2]))
        combos = draw_slices(rng, codes, depth, count, 5)
        if all(0.03 < stalls[rows_of(codes, c)].sum() / stalls.sum() < 0.6 for c in combos):
            break
    for combo in combos:
        inside = rows_of(codes, combo)
        rest = [i for i, name in enumerate(NAMES[:5]) if name not in dict(combo)]
        uneven = int(rng.choice(rest))
        factor = rng.uniform(2.5, 10) * np.exp(rng.normal(0, 0.3, dims[uneven]))[codes[NAMES[uneven]]]
        rate = np.where(inside, rate * factor, rate)
    viewers, now = minute(rate)
    if feed == "stalls":
        actual, expected = now, np.mean([p[1] for p in past], axis=0)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            actual = np.nan_to_num(1 - now / viewers)
            expected = np.nan_to_num(np.nanmean([1 - p[1] / np.maximum(p[0], 1) for p in past], axis=0))
    shown = (viewers > 0) & ((actual > 0) | (expected > 0))
    return Planted({k: v[shown] for k, v in codes.items()}, actual[shown], expected[shown], frozenset(combos))


def nothing_run(rng: np.random.Generator) -> Planted:
    kind = int(rng.integers(3))
    if kind == 0:
        codes = full_grid((10, 12, 10, 8))
        n = len(codes["a"])
        expected = rng.weibull(rng.uniform(0.5, 1), n) * 100
        return Planted(codes, expected * (1 + rng.normal(0, rng.uniform(0.01, 0.3), n)), expected, frozenset())
    if kind == 1:
        codes, expected = skewed_leaves(rng, (8, 10, 12, 6), 0.7)
        past = rng.poisson(expected / 50, (4, len(expected))).mean(axis=0)
        return Planted(codes, rng.poisson(expected / 50).astype(float), past, frozenset())
    codes, expected = skewed_leaves(rng, (8, 10, 12, 6), 0.9)
    actual = expected.copy()
    broken = rng.uniform(size=len(actual)) < rng.uniform(0.01, 0.1)
    actual[broken] *= 1 + rng.normal(0, 0.5, int(broken.sum()))
    return Planted(codes, actual, expected, frozenset())


FAMILIES: dict[str, Callable[[np.random.Generator], Planted]] = {
    "mixed depth": lambda rng: weighted_risk_run(rng, MIXED),
    "single leaves": lambda rng: weighted_risk_run(rng, LEAVES),
    "ripple": ripple_run,
    "additive": additive_run,
    "reconciliation": reconciliation_run,
    "counts": counts_run,
    "stalls": lambda rng: live_run(rng, "stalls"),
    "rates": lambda rng: live_run(rng, "rates"),
    "nothing": nothing_run,
}


# --- the methods compared ------------------------------------------------------------------------------------


def ours(run: Planted) -> set[Combo]:
    return {frozenset(s.parts.items()) for s in localise(run.codes, run.actual, run.expected)}


def adtributor(run: Planted, share: float = 0.1, enough: float = 0.67, most: int = 3) -> set[Combo]:
    """One column, its most surprising values until they explain enough of the change (Bhagwan et al., 2014)."""
    change = run.actual.sum() - run.expected.sum()
    if change == 0:
        return set()
    best: tuple[float, set[Combo]] = (0.0, set())
    for name, codes in run.codes.items():
        actual = np.bincount(codes, run.actual)
        expected = np.bincount(codes, run.expected)
        p, q = np.maximum(expected / run.expected.sum(), 1e-12), np.maximum(actual / run.actual.sum(), 1e-12)
        surprise = 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)))
        power = (actual - expected) / change
        chosen, explained, total = set(), 0.0, 0.0
        for v in np.argsort(-surprise):
            if power[v] > share:
                chosen.add(frozenset({(name, int(v))}))
                explained, total = explained + power[v], total + surprise[v]
            if explained > enough or len(chosen) >= most:
                break
        if explained > enough and total > best[0]:
            best = (total, chosen)
    return best[1]


def one_column(run: Planted) -> set[Combo]:
    """The single value of a single column that holds the largest absolute difference."""
    best = max(
        (float(total), name, v)
        for name, codes in run.codes.items()
        for v, total in enumerate(np.bincount(codes, np.abs(run.actual - run.expected)))
    )
    return {frozenset({(best[1], best[2])})}


METHODS: dict[str, Callable[[Planted], set[Combo]]] = {
    "Tieout": ours,
    "Adtributor": adtributor,
    "one column": one_column,
}


@dataclass
class Tally:
    right: int = 0
    false: int = 0
    missed: int = 0
    exact: int = 0
    runs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0

    def add(self, found: set[Combo], truth: frozenset[Combo], seconds: float) -> None:
        self.right += len(found & truth)
        self.false += len(found - truth)
        self.missed += len(truth - found)
        self.exact += found == truth
        self.runs += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)

    def result(self) -> dict[str, float]:
        whole = 2 * self.right + self.false + self.missed
        return {
            "f1": 2 * self.right / whole if whole else 1.0,
            "precision": self.right / max(self.right + self.false, 1),
            "recall": self.right / max(self.right + self.missed, 1),
            "exact": self.exact / self.runs,
            "false_per_run": self.false / self.runs,
            "seconds": self.seconds / self.runs,
            "slowest": self.slowest,
        }


def run(quick: bool = False, *, seed: int = 7_001, runs: int | None = None) -> dict[str, Any]:
    """`{family: {method: numbers}}` over freshly generated runs."""
    count = runs or (8 if quick else 60)
    localise({"a": np.array([0, 1], dtype=np.int32)}, np.ones(2), np.ones(2))
    board: dict[str, Any] = {}
    for number, (family, make) in enumerate(FAMILIES.items()):
        tallies = {method: Tally() for method in METHODS}
        for i in range(count):
            planted = make(np.random.default_rng([seed, number, i]))
            for method, find in METHODS.items():
                start = time.perf_counter()
                found = find(planted)
                tallies[method].add(found, planted.truth, time.perf_counter() - start)
        board[family] = {method: tally.result() for method, tally in tallies.items()}
    return board


def table(board: Mapping[str, Any]) -> str:
    heads = f"{'F1':>7}{'prec':>7}{'recall':>8}{'exact':>7}{'false/run':>11}{'s/run':>8}{'max s':>8}"
    lines = [f"{'family':16}{'method':12}{heads}"]
    for family, methods in board.items():
        for method, r in methods.items():
            lines.append(
                f"{family:16}{method:12}{r['f1']:7.3f}{r['precision']:7.3f}{r['recall']:8.3f}{r['exact']:7.2f}"
                f"{r['false_per_run']:11.2f}{r['seconds']:8.3f}{r['slowest']:8.3f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="8 runs a family instead of 60")
    parser.add_argument("--seed", type=int, default=7_001)
    parser.add_argument("--runs", type=int, default=None)
    said = parser.parse_args()
    print(table(run(said.quick, seed=said.seed, runs=said.runs)))
