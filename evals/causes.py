"""Measures the proofs: precision and recall per cause on planted amounts, false proof on random ones, and the cost."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.mechanisms import MECHANISMS, aggregation, misposting, prove
from detectors.mechanisms.proving import prove_with
from evals.planted import STYLES, Style, World, make, panel_of
from recon.panel import Panel

SEEDS: Final = 6
QUICK_SEEDS: Final = 1


def answers(panel: Panel, rates: dict[str, Decimal]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The current breaks of a panel, and the first cause of each."""
    rows = np.flatnonzero(panel.current & panel.is_break).astype(np.int64)
    found = prove(
        [panel],
        [rows],
        left_name="GL",
        right_name="IHub",
        currency_column="Currency",
        rates=rates,
        calendar=None,
    )[0]
    return rows, [found[int(r)][0].cause if int(r) in found else "unknown" for r in rows]


def planted(worlds: Sequence[World]) -> dict[str, Any]:
    """Per cause: planted, right, claimed; and every confusion."""
    right: Counter[str] = Counter()
    there: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    confused: Counter[str] = Counter()
    for world in worlds:
        panel, truth = panel_of(world)
        rows, said = answers(panel, world.rates)
        for row, cause in zip(rows, said, strict=True):
            there[str(truth[row])] += 1
            claimed[cause] += 1
            if cause == truth[row]:
                right[cause] += 1
            else:
                confused[f"{truth[row]} -> {cause}"] += 1
    causes = sorted((set(there) | set(claimed)) - {"match"})
    return {
        "causes": {
            c: {
                "planted": there[c],
                "precision": right[c] / claimed[c] if claimed[c] else None,
                "recall": right[c] / there[c] if there[c] else None,
            }
            for c in causes
        },
        "confused": dict(confused.most_common(20)),
    }


def random_amounts(count: int, seed: int) -> dict[str, float]:
    """The share of breaks of random amounts, five significant digits or more, that any mechanism claims."""
    out = {}
    for name, near, decimals in (
        ("independent, cents", False, 2),
        ("independent, 5 digits", False, 0),
        ("near, cents", True, 2),
        ("near, 5 digits", True, 0),
    ):
        rng = np.random.default_rng(seed)
        style = Style(name, 1, decimals, "flow")
        world = make(seed, style, size=count, each=0, ordinary=0)
        for item in world.items:
            low, high = (10_000, 99_999) if decimals == 0 else (10_000, 10**9)
            left = int(np.exp(rng.uniform(np.log(low), np.log(high))))
            right = int(np.exp(rng.uniform(np.log(low), np.log(high))))
            if near:
                right = left + int(np.exp(rng.uniform(np.log(left / 100), np.log(left / 2)))) * int(rng.choice([-1, 1]))
            item.left[-1], item.right[-1], item.truth = left, right, "unknown"
        panel, _ = panel_of(world)
        _, said = answers(panel, world.rates)
        out[name] = sum(cause != "unknown" for cause in said) / len(said)
    return out


def cost(count: int) -> float:
    """Microseconds of processor a break over one large batch, subset sums and pairs apart, plants among ordinary."""
    world = make(7, STYLES[3], size=count, each=count // 40, ordinary=count // 2)
    panel, _ = panel_of(world)
    rows = np.flatnonzero(panel.current & panel.is_break).astype(np.int64)
    single = [m for m in MECHANISMS if m not in (aggregation.find, misposting.find)]
    start = time.process_time()
    prove_with(
        single,
        [panel],
        [rows],
        left_name="GL",
        right_name="IHub",
        currency_column="Currency",
        rates=world.rates,
        calendar=None,
    )
    return (time.process_time() - start) / len(rows) * 1e6


def run(quick: bool) -> dict[str, Any]:
    """The whole measurement; `quick` takes one world of each style."""
    seeds = range(1, 1 + (QUICK_SEEDS if quick else SEEDS))
    worlds = [make(seed * 100 + k, style) for seed in seeds for k, style in enumerate(STYLES)]
    return {
        "planted": planted(worlds),
        "by_style": {
            style.name: planted([w for w in worlds if w.style.name == style.name])["confused"] for style in STYLES
        },
        "random": random_amounts(3_000 if quick else 30_000, 11),
        "microseconds_a_break": cost(2_000 if quick else 8_000),
    }


def table(result: dict[str, Any]) -> str:
    lines = [f"{'cause':<16}{'planted':>8}{'precision':>11}{'recall':>8}"]
    for cause, got in result["planted"]["causes"].items():
        precision, recall = (("" if v is None else f"{v:.3f}") for v in (got["precision"], got["recall"]))
        lines.append(f"{cause:<16}{got['planted']:>8}{precision:>11}{recall:>8}")
    lines.append("")
    lines += [f"false proof on random amounts, {name}: {share:.5f}" for name, share in result["random"].items()]
    lines.append(
        f"a batch costs, subset sums and pairs apart, {result['microseconds_a_break']:.1f} microseconds a break"
    )
    lines += ["", "confused most (truth -> answer):"]
    lines += [f"  {pair}: {count}" for pair, count in result["planted"]["confused"].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(table(run(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
