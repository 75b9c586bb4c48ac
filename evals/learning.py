"""Learning: a simulated operator with hidden tastes tags what is shown; false alarms, recall and the kept promise.

Per label, beside the anchors of the field on the same rows and features: an isolation forest without feedback,
Active Anomaly Discovery and PineForest (both `coniferest`, of the bench extra).
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from detectors.learning import Lessons
from detectors.lessons import PATTERNS, Lesson, seen_of, worth_looking
from detectors.showing import to_show
from detectors.views import NAMES
from evals.detection import TARGET, ask
from evals.series import Planted, planted
from recon.panel import Panel

Floats = npt.NDArray[np.float64]

STEPS: Final = (0, 10, 30, 60, 100)
TODAY: Final = date(2026, 5, 12)
TASTES: Final = ("spike", "high_volatility", "inconsistent", "repeated", "level_shift", "drift_within_tolerance")
SHOWN: Final = 100
"""Labels that each method may ask for, one after the other."""


@dataclass
class Day:
    """One judged world and which of its alarms the operator finds real."""

    panel: Panel
    judgement: Judgement
    real: npt.NDArray[np.bool_]
    planted: npt.NDArray[np.bool_]


def world(seed: int, noise: frozenset[str], series: int) -> Day:
    """Alarms that are planted and not of a pattern that is noise to this operator are real."""
    data: Planted = planted(seed, series=series, rate=0.25, strength=20.0, clean_past=True)
    judged = ask(data)
    liked = np.array([p < 0 or PATTERNS[p] not in noise for p in judged.pattern])
    there = data.truth[judged.rows] != 0
    return Day(data.panel, judged, there & liked, there)


def tag(day: Day, i: int, k: int) -> Lesson:
    """What the operator says of row i; its key is of another world than the one that is measured."""
    judged = day.judgement
    account = {"Account": f"taught-{int(judged.rows[i])}"}
    return Lesson(
        f"F{k:04}",
        "true" if day.real[i] else "false_positive",
        PATTERNS[int(judged.pattern[i])] if judged.pattern[i] >= 0 else "",
        account,
        TODAY,
        keys=(account,),
        pair=day.panel.pair.name,
        surprise=float(judged.numbers["surprise"][i]),
        amount=float(abs(judged.numbers["x"][i])),
    )


def taught(day: Day, lessons: Lessons) -> npt.NDArray[np.bool_]:
    """Which rows are called under the lessons; tags that only quiet leave the limit where it was."""
    at = worth_looking(day.panel, day.judgement)
    yes = day.judgement.anomaly == 1
    yes[at] &= ~lessons.effect(seen_of(day.panel, day.judgement, at)).quiet
    return np.asarray(yes)


def tastes(seed: int) -> frozenset[str]:
    return frozenset(np.random.default_rng(seed).choice(TASTES, 2, replace=False).tolist())


def one(seed: int, series: int) -> dict[int, dict[str, float]]:
    """By tags given: false alarms as a share of those without learning, the share of real alarms kept, and the share
    of what is shown that nothing was wrong with: the promise is about that."""
    noise = tastes(seed)
    teach, measure = world(10_000 + seed, noise, series), world(20_000 + seed, noise, series)
    before = measure.judgement.anomaly == 1
    false, real = before & ~measure.real, before & measure.real
    called = np.flatnonzero(teach.judgement.anomaly == 1)
    shown = [i for i in to_show(teach.judgement, len(teach.judgement.rows)) if teach.judgement.anomaly[i] == 1]
    tags = [tag(teach, int(i), k) for k, i in enumerate(shown[: min(max(STEPS), len(called))])]
    out = {}
    for step in STEPS:
        yes = taught(measure, Lessons.of(tags[:step], TODAY))
        out[step] = {
            "false_left": float((yes & ~measure.real).sum() / max(int(false.sum()), 1)),
            "real_kept": float((yes & real).sum() / max(int(real.sum()), 1)),
            "fdp": float((yes & ~measure.planted).sum() / max(int(yes.sum()), 1)),
        }
    return out


# --- label by label ---------------------------------------------------------------------------------------------


def features(day: Day) -> Floats:
    """What every method of the comparison is given of a row: the views' strangeness, its size and its pattern."""
    judged = day.judgement
    views = np.stack([-np.log(np.maximum(judged.views[name], 1e-12)) for name in NAMES], axis=1)
    kinds = np.eye(len(PATTERNS) + 1)[judged.pattern.astype(np.int64)] * 5.0
    return np.column_stack([views, judged.numbers["surprise"], np.log1p(np.abs(judged.numbers["x"])), kinds])


def ask_tieout(day: Day, rows: npt.NDArray[np.int64], _: Floats) -> list[bool]:
    """The strangest first that the tags so far do not keep quiet, ten at a time."""
    seen = seen_of(day.panel, day.judgement, rows)
    order = np.argsort(-seen.surprise, kind="stable")
    tags: list[Lesson] = []
    quiet = np.zeros(len(rows), np.bool_)
    asked = np.zeros(len(rows), np.bool_)
    while len(tags) < SHOWN:
        open_rows = order[~asked[order]]
        for i in open_rows[np.argsort(quiet[open_rows], kind="stable")][:10]:
            asked[i] = True
            tags.append(tag(day, int(rows[i]), len(tags)))
        quiet = Lessons.of(tags, TODAY).effect(seen).quiet
    return [t.verdict == "true" for t in tags]


def ask_forest(day: Day, rows: npt.NDArray[np.int64], x: Floats) -> list[bool]:
    """No feedback: the isolation forest's order."""
    from sklearn.ensemble import IsolationForest

    score = IsolationForest(random_state=0, n_jobs=1).fit(x).score_samples(x)
    return [bool(day.real[rows[i]]) for i in np.argsort(score, kind="stable")[:SHOWN]]


def _coniferest(name: str) -> Callable[[Day, npt.NDArray[np.int64], Floats], list[bool]]:
    def ask_it(day: Day, rows: npt.NDArray[np.int64], x: Floats) -> list[bool]:
        from coniferest import aadforest, label, pineforest

        maker = aadforest.AADForest if name == "AAD" else pineforest.PineForest
        model = maker(random_seed=0, n_trees=100, n_jobs=1) if name == "AAD" else maker(random_seed=0, n_trees=100)
        model.fit(x)
        known, labels, found = list[int](), list[int](), list[bool]()
        for _ in range(SHOWN):
            order = np.argsort(model.score_samples(x), kind="stable")
            best = next(int(i) for i in order if int(i) not in known)
            real = bool(day.real[rows[best]])
            found.append(real)
            known.append(best)
            labels.append(int(label.Label.ANOMALY if real else label.Label.REGULAR))
            model.fit_known(x, np.array(x[known]), np.array(labels))
        return found

    return ask_it


def per_label(seeds: int, series: int, anchors: bool) -> dict[str, Any]:
    """Real alarms found within 25, 50 and 100 shown rows, mean over the seeds, of each method."""
    methods: dict[str, Callable[[Day, npt.NDArray[np.int64], Floats], list[bool]]] = {
        "Tieout": ask_tieout,
        "IsolationForest, no feedback": ask_forest,
    }
    skipped = "" if anchors else "AAD and PineForest: only without --quick"
    if anchors and find_spec("coniferest") is None:
        skipped = "AAD and PineForest: skipped, `coniferest` (the bench extra) is not installed"
    elif anchors:
        methods |= {"AAD": _coniferest("AAD"), "PineForest": _coniferest("PineForest")}
    found: dict[str, list[list[bool]]] = {name: [] for name in methods}
    real = []
    for seed in range(seeds):
        day = world(30_000 + seed, tastes(seed), series)
        rows = np.flatnonzero(day.judgement.numbers["surprise"] > 2.9957)
        x = features(day)[rows]
        real.append(int(day.real[rows].sum()))
        for name, method in methods.items():
            found[name].append(method(day, rows, x))
    shares = {name: np.array(runs, dtype=np.float64) for name, runs in found.items()}
    table = {name: {n: float(s[:, :n].sum(axis=1).mean()) for n in (25, 50, 100)} for name, s in shares.items()}
    return {"found": table, "real": float(np.mean(real)), "skipped": skipped, "seeds": seeds}


# --- the board ---------------------------------------------------------------------------------------------------


def run(quick: bool = False, *, seeds: int | None = None) -> dict[str, Any]:
    """By number of tags: mean share of false alarms left, of real ones kept with its 95% lower bound, and the share of
    what is shown that is false, with its upper bound."""
    count = seeds or (2 if quick else 20)
    runs = [one(seed, 600 if quick else 1_500) for seed in range(count)]
    labels = per_label(1 if quick else min(count, 10), 300 if quick else 600, anchors=not quick)
    board: dict[str, Any] = {"seeds": count, "steps": {}, "labels": labels}
    for step in STEPS:
        false, kept, fdp = (np.array([r[step][name] for r in runs]) for name in ("false_left", "real_kept", "fdp"))
        board["steps"][step] = {
            "false_left": float(false.mean()),
            "false_left_high": float(false.mean() + _half(false)),
            "real_kept": float(kept.mean()),
            "real_kept_low": float(kept.mean() - _half(kept)),
            "fdp": float(fdp.mean()),
            "fdp_high": float(fdp.mean() + _half(fdp)),
        }
    return board


def _half(values: Floats) -> float:
    """Half of the 95% interval of the mean."""
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def table(board: Mapping[str, Any]) -> str:
    lines = [
        f"{'tags':>5}{'false alarms left':>19}{'95% high':>10}{'real kept':>11}{'95% low':>9}"
        f"{'nothing wrong':>15}{'95% high':>10}"
    ]
    for step, r in board["steps"].items():
        lines.append(
            f"{step:5}{r['false_left']:19.3f}{r['false_left_high']:10.3f}{r['real_kept']:11.3f}"
            f"{r['real_kept_low']:9.3f}{r['fdp']:15.3f}{r['fdp_high']:10.3f}"
        )
    lines.append(f"{board['seeds']} seeds; 0 tags is no learning; wanted: 0.5 left after 30 tags, 0.2 after 100")
    lines.append(
        f"«nothing wrong»: of what is shown, rows in which nothing was planted; of what the numbers call, {TARGET}"
    )
    labels = board["labels"]
    lines.append(
        f"\nreal alarms found within   25      50     100 shown rows (of {labels['real']:.0f}; {labels['seeds']} seeds)"
    )
    for name, row in labels["found"].items():
        lines.append(f"{name:28}" + "".join(f"{row[n]:>6.1f}  " for n in (25, 50, 100)))
    return "\n".join([*lines, *filter(None, [labels["skipped"]])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="2 smaller worlds instead of 20, no anchors")
    parser.add_argument("--seeds", type=int, default=None)
    said = parser.parse_args()
    print(table(run(said.quick, seeds=said.seeds)))
