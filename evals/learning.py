"""Learning: a simulated operator with hidden tastes tags what is shown; false alarms and recall after each tag."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from detectors.learning import PATTERNS, QUIET, Lesson, Lessons, to_show
from evals.detection import ask
from evals.series import Planted, planted
from recon.panel import Panel

STEPS: Final = (0, 10, 30, 60, 100)
TODAY: Final = date(2026, 5, 12)
TASTES: Final = ("spike", "high_volatility", "inconsistent", "repeated", "level_shift", "drift_within_tolerance")


@dataclass
class Day:
    """One judged world and which of its alarms the operator finds real."""

    panel: Panel
    judgement: Judgement
    real: npt.NDArray[np.bool_]


def world(seed: int, noise: frozenset[str]) -> Day:
    """Alarms that are planted and not of a pattern that is noise to this operator are real."""
    data: Planted = planted(seed, series=1_500, rate=0.25, strength=20.0, clean_past=True)
    judged = ask(data)
    liked = np.array([p < 0 or PATTERNS[p] not in noise for p in judged.pattern])
    return Day(data.panel, judged, (data.truth[judged.rows] != 0) & liked)


def tag(day: Day, i: int, k: int) -> Lesson:
    """What the operator says of row i; its key is of another world than the one that is measured."""
    judged = day.judgement
    account = {"Account": f"taught-{int(judged.rows[i])}"}
    views = {name: float(p[i]) for name, p in judged.views.items()}
    verdict: Literal["true", "false_positive"] = "true" if day.real[i] else "false_positive"
    return Lesson(
        f"F{k:04}", verdict, PATTERNS[int(judged.pattern[i])], account, TODAY, key=account,
        pair=day.panel.pair.name, score=float(judged.score[i]), views=views,
    )  # fmt: skip


def one(seed: int) -> dict[int, tuple[float, float]]:
    """By tags given: false alarms as a share of those without learning, and the share of real alarms kept."""
    rng = np.random.default_rng(seed)
    noise = frozenset(rng.choice(TASTES, 2, replace=False).tolist())
    teach, measure = world(10_000 + seed, noise), world(20_000 + seed, noise)
    yes = measure.judgement.anomaly == 1
    false, real = yes & ~measure.real, yes & measure.real
    called = np.flatnonzero(teach.judgement.anomaly == 1)
    shown = [i for i in to_show(teach.judgement, len(teach.judgement.rows)) if teach.judgement.anomaly[i] == 1]
    tags = [tag(teach, int(i), k) for k, i in enumerate(shown[: min(max(STEPS), len(called))])]
    out: dict[int, tuple[float, float]] = {}
    for step in STEPS:
        effect = Lessons.of(tags[:step], TODAY).effect(measure.panel, measure.judgement)
        kept = effect.trust >= QUIET
        out[step] = (
            float((false & kept).sum() / max(int(false.sum()), 1)),
            float((real & kept).sum() / max(int(real.sum()), 1)),
        )
    return out


def run(quick: bool = False, *, seeds: int | None = None) -> dict[str, Any]:
    """By number of tags: mean share of false alarms left, mean share of real ones kept and its 95% lower bound."""
    count = seeds or (4 if quick else 20)
    runs = [one(seed) for seed in range(count)]
    board: dict[str, Any] = {"seeds": count, "steps": {}}
    for step in STEPS:
        false = np.array([r[step][0] for r in runs])
        kept = np.array([r[step][1] for r in runs])
        half = 1.96 * kept.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
        board["steps"][step] = {
            "false_left": float(false.mean()),
            "real_kept": float(kept.mean()),
            "real_kept_low": float(kept.mean() - half),
        }
    return board


def table(board: Mapping[str, Any]) -> str:
    lines = [f"{'tags':>5}{'false alarms left':>19}{'real kept':>11}{'95% low':>9}"]
    for step, r in board["steps"].items():
        lines.append(f"{step:5}{r['false_left']:19.3f}{r['real_kept']:11.3f}{r['real_kept_low']:9.3f}")
    lines.append(f"{board['seeds']} seeds; 0 tags is no learning; wanted: 0.5 left after 30 tags, 0.2 after 100")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="4 seeds instead of 20")
    parser.add_argument("--seeds", type=int, default=None)
    said = parser.parse_args()
    print(table(run(said.quick, seeds=said.seeds)))
