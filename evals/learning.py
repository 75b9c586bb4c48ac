"""Learning: a simulated operator with hidden tastes tags what is shown; false alarms, recall and the kept promise.

Per label, beside the anchors of the field on the same rows and features: an isolation forest without feedback,
Active Anomaly Discovery and PineForest (both `coniferest`, of the bench extra). The operators are `evals.operators`.
"""

import argparse
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors import taste
from detectors.learning import Lessons
from detectors.lessons import LOOKED_AT, PATTERNS, Lesson, seen_of, worth_looking
from detectors.showing import to_show
from detectors.views import NAMES
from evals.detection import TARGET
from evals.operators import HELD_OUT, PATTERN_STYLE, SEEN, TODAY, Day, Style, tag, world

Floats = npt.NDArray[np.float64]

STEPS: Final = (0, 10, 30, 60, 100)
SHOWN: Final = 100
"""Labels that each method may ask for, one after the other."""


def taught(day: Day, lessons: Lessons) -> npt.NDArray[np.bool_]:
    """Which rows are called under the lessons; tags that only quiet leave the limit where it was."""
    at = worth_looking(day.panel, day.judgement)
    yes = day.judgement.anomaly == 1
    yes[at] &= ~lessons.effect(seen_of(day.panel, day.judgement, at)).quiet
    return np.asarray(yes)


def one(seed: int, series: int, style: Style = PATTERN_STYLE) -> dict[int, dict[str, float]]:
    """By tags given: false alarms as a share of those without learning, those of them that were planted and disliked,
    the share of real alarms kept, and the share of what is shown that nothing was wrong with: the promise is about
    that."""
    teach, measure = (world(first + seed, seed, series, style) for first in (10_000, 20_000))
    before = measure.judgement.anomaly == 1
    false, real = before & ~measure.real, before & measure.real
    disliked = false & measure.planted
    called = np.flatnonzero(teach.judgement.anomaly == 1)
    kind, surprise = teach.judgement.pattern[called], teach.judgement.numbers["surprise"][called]
    shown = called[to_show(kind, surprise, max(STEPS))]
    tags = [tag(teach, int(i), k) for k, i in enumerate(shown)]
    out = {}
    for step in STEPS:
        yes = taught(measure, Lessons.of(tags[:step], TODAY))
        out[step] = {
            "false_left": float((yes & ~measure.real).sum() / max(int(false.sum()), 1)),
            "disliked_left": float((yes & disliked).sum() / max(int(disliked.sum()), 1)),
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
    """The one that is likeliest to be worth a person's while by what was said so far."""
    seen = seen_of(day.panel, day.judgement, rows)
    tags, found = list[Lesson](), list[bool]()
    open_to = np.ones(len(rows), np.bool_)
    while len(tags) < SHOWN:
        best = int(np.argmax(np.where(open_to, taste.worth(tags, seen), -np.inf)))
        tags.append(tag(day, int(rows[best]), len(tags)))
        found.append(bool(day.real[rows[best]]))
        open_to[best] = False
    return found


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
            found.append(bool(day.real[rows[best]]))
            known.append(best)
            labels.append(int(label.Label.ANOMALY if day.said[rows[best]] else label.Label.REGULAR))
            model.fit_known(x, np.array(x[known]), np.array(labels))
        return found

    return ask_it


def per_label(seeds: int, series: int, anchors: bool, style: Style = PATTERN_STYLE) -> dict[str, Any]:
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
        day = world(30_000 + seed, seed, series, style)
        rows = np.flatnonzero(day.judgement.numbers["surprise"] > LOOKED_AT)
        x = features(day)[rows]
        real.append(int(day.real[rows].sum()))
        for name, method in methods.items():
            found[name].append(method(day, rows, x))
    shares = {name: np.array(runs, dtype=np.float64) for name, runs in found.items()}
    table = {name: {n: float(s[:, :n].sum(axis=1).mean()) for n in (25, 50, 100)} for name, s in shares.items()}
    return {"found": table, "real": float(np.mean(real)), "skipped": skipped, "seeds": seeds}


# --- the board ---------------------------------------------------------------------------------------------------


def run(quick: bool = False, *, seeds: int | None = None) -> dict[str, Any]:
    """The board of the style by which numbers were chosen, and of the other styles (without `quick`)."""
    count = seeds or (5 if quick else 20)
    size = (600, 300) if quick else (1_500, 600)
    board = _board(count, size, PATTERN_STYLE, anchors=not quick)
    if not quick:
        for part, styles in (("seen", SEEN), ("held_out", HELD_OUT)):
            board[part] = {name: _board(-(-count // 2), size, style, anchors=True) for name, style in styles.items()}
    return board


def _board(seeds: int, size: tuple[int, int], style: Style, *, anchors: bool) -> dict[str, Any]:
    """By number of tags: mean share of false alarms left, of real ones kept with its 95% lower bound, and the share of
    what is shown that is false, with its upper bound; and what is found label by label. `size`: series of each."""
    runs = [one(seed, size[0], style) for seed in range(seeds)]
    labels = per_label(min(seeds, 10) if anchors else 1, size[1], anchors, style)
    board: dict[str, Any] = {"seeds": seeds, "steps": {}, "labels": labels}
    for step in STEPS:
        names = ("false_left", "disliked_left", "real_kept", "fdp")
        false, disliked, kept, fdp = (np.array([r[step][name] for r in runs]) for name in names)
        board["steps"][step] = {
            "false_left": float(false.mean()),
            "false_left_high": float(false.mean() + _half(false)),
            "disliked_left": float(disliked.mean()),
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
        *_lines(board),
        f"{board['seeds']} seeds; 0 tags is no learning; wanted: 0.5 left after 30 tags, 0.2 after 100",
        "«disliked»: of the false ones, those in which something was planted that is noise to this operator",
        f"«nothing wrong»: of what is shown, rows in which nothing was planted; of what the numbers call, {TARGET}",
    ]
    for part in ("seen", "held_out"):
        for name, of in board.get(part, {}).items():
            lines += [f"\n{part.replace('_', ' ')}: {name}; {of['seeds']} seeds", *_lines(of)]
    return "\n".join([*lines, *filter(None, [board["labels"]["skipped"]])])


def _lines(board: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{'tags':>5}{'false alarms left':>19}{'95% high':>10}{'disliked':>10}{'real kept':>11}{'95% low':>9}"
        f"{'nothing wrong':>15}{'95% high':>10}"
    ]
    for step, r in board["steps"].items():
        lines.append(
            f"{step:5}{r['false_left']:19.3f}{r['false_left_high']:10.3f}{r['disliked_left']:10.3f}"
            f"{r['real_kept']:11.3f}{r['real_kept_low']:9.3f}{r['fdp']:15.3f}{r['fdp_high']:10.3f}"
        )
    labels = board["labels"]
    lines.append(
        f"real alarms found within   25      50     100 shown rows (of {labels['real']:.0f}; {labels['seeds']} seeds)"
    )
    for name, row in labels["found"].items():
        lines.append(f"{name:28}" + "".join(f"{row[n]:>6.1f}  " for n in (25, 50, 100)))
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="5 smaller worlds instead of 20, no anchors")
    parser.add_argument("--seeds", type=int, default=None)
    said = parser.parse_args()
    print(table(run(said.quick, seeds=said.seeds)))
