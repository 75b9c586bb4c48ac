"""Detection: planted anomalies beside quiet data, the promised rate, and the usual boilerplate in the same run."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.judge import judge
from detectors.judgement import Judgement
from evals import newcomers, single, unlike
from evals.series import KINDS, NATURES, STRENGTHS, TOLERANCE, Planted, planted, sparse
from recon.calendar import BusinessCalendar
from recon.recon_file import CalendarSaid

Floats = npt.NDArray[np.float64]

TARGET: Final = 0.1
RATE: Final = 0.05
CALENDAR: Final = BusinessCalendar.of(CalendarSaid())


def ask(data: Planted) -> Judgement:
    return judge(data.panel, calendar=CALENDAR, target_fdr=TARGET, budget=None, lessons=None)


def average_precision(truth: npt.NDArray[np.int8], score: Floats) -> float:
    """The area under the precision-recall curve; equal scores count together."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, score))


def peers(data: Planted, *, slow: bool = True) -> dict[str, Floats]:
    """The scores of the usual boilerplate for every row of the panel, each allowed to see what it usually sees."""
    import pandas as pd
    from sklearn.ensemble import IsolationForest

    panel = data.panel
    x = panel.values()
    wide = pd.DataFrame(x.reshape(panel.s, -1).T)
    before = wide.shift(1)
    mean = before.rolling(20, min_periods=3).mean()
    deviation = before.rolling(20, min_periods=3).std()
    median = before.rolling(30, min_periods=3).median()
    spread = (before - median).abs().rolling(30, min_periods=3).median() * 1.4826

    def rows(frame: pd.DataFrame) -> Floats:
        return np.asarray(np.nan_to_num(frame.to_numpy().T.ravel(), nan=0.0, posinf=0.0), dtype=np.float64)

    scores = {
        "bollinger": rows((wide - mean).abs() / deviation.clip(lower=1.0)),
        "robust_z": rows((wide - median).abs() / spread.clip(lower=1.0)),
    }
    features = np.column_stack([x, np.abs(x), rows((wide - mean).abs()), rows(wide.diff().fillna(0.0))])
    forest = IsolationForest(contamination=0.05, random_state=0, n_jobs=1).fit(features)
    scores["isolation_forest"] = -forest.score_samples(features)
    if slow:
        try:
            from pyod.models.ecod import ECOD
        except ImportError:
            return scores
        scores["ecod"] = np.asarray(ECOD(contamination=0.05).fit(features).decision_scores_, dtype=np.float64)
    return scores


def _one(data: Planted, judged: Judgement, *, slow: bool) -> dict[str, float]:
    truth = data.truth[judged.rows]
    counted = truth >= 0
    yes = (judged.anomaly == 1) & counted
    real = truth == 1
    out = {"tieout": average_precision(truth[counted], judged.score[counted])}
    for name, score in peers(data, slow=slow).items():
        out[name] = average_precision(truth[counted], score[judged.rows][counted])
    false = int((yes & ~real).sum())
    out["alarms"] = float(yes.sum())
    out["fdp"] = false / max(int(yes.sum()), 1)
    out["recall"] = float((yes & real).sum() / max(int(real.sum()), 1))
    out["false_per_1000"] = 1000.0 * false / max(int((truth == 0).sum()), 1)
    out["seen"], out["delay"] = _seen(data, judged)
    return out


def _seen(data: Planted, judged: Judgement) -> tuple[float, float]:
    """The share of anomalies of which at least one day was called, and the mean days until then."""
    onset = data.onset[judged.rows]
    truth = data.truth[judged.rows] == 1
    series = data.panel.series_of_rows()[judged.rows]
    days, anomalies = [], 0
    for start in np.flatnonzero(truth & (onset == 0)):
        same = (series == series[start]) & truth & (np.arange(len(truth)) >= start)
        anomalies += 1
        called = np.flatnonzero(same & (judged.anomaly == 1))
        if len(called):
            days.append(float(onset[called[0]]))
    return len(days) / max(anomalies, 1), float(np.mean(days)) if days else float("nan")


PASTS: Final = ("clean", "with accidents")


def run(quick: bool = False, *, seeds: int | None = None) -> dict[str, Any]:
    """`planted`: by past and strength; `kinds`, `natures`: recall by strength; `quiet`; `small`: by past points;
    `unlike`: families of series made otherwise; `newcomers`: items without a past; `single`: one long series. Quick:
    one strength and few seeds."""
    count = seeds or (2 if quick else 20)
    board: dict[str, Any] = {"planted": {}, "small": {}, "kinds": {}, "natures": {}, "target": TARGET, "seeds": count}
    strengths = {"medium": STRENGTHS["medium"]} if quick else STRENGTHS
    for name, strength in strengths.items():
        for past in PASTS:
            runs, called = [], _Called()
            for seed in range(count):
                data = planted(seed, rate=RATE, strength=strength, clean_past=past == "clean")
                judged = ask(data)
                runs.append(_one(data, judged, slow=True))
                called.add(data, judged)
            board["planted"][f"{past}, {name}"] = _mean(runs)
            board["kinds"][f"{past}, {name}"], board["natures"][f"{past}, {name}"] = called.shares()
    board["quiet"] = _quiet(count + 1 if quick else count, 1_000, NATURES)
    board["quiet, heavy tails"] = _quiet(1 if quick else count, 2_000, ("heavy",))
    board["quiet, sparse"] = _quiet_sparse(2 if quick else count, SPARSE[::6] if quick else SPARSE)
    board["quiet, first days"] = _first_days(1 if quick else max(2, count // 5), FIRST[1::4] if quick else FIRST)
    for points in (9, 24) if quick else (3, 6, 9, 12, 24):
        short = [_short(seed, points) for seed in range(1 if quick else count)]
        board["small"][points] = _mean([_one(data, ask(data), slow=False) for data in short])
    board["unlike"] = {name: _unlike(name, 2 if quick else max(2, count // 4)) for name in _families(quick)}
    board["newcomers"] = newcomers.run(8 if quick else count)
    board["single"] = single.run(1 if quick else max(1, count // 5), every=17 if quick else 1)
    return board


def _families(quick: bool) -> list[str]:
    return list(unlike.FAMILIES)[1::4] if quick else list(unlike.FAMILIES)


def _unlike(family: str, count: int) -> dict[str, float]:
    """PR-AUC by strength, ours and of the best peer; false discoveries at the greater; runs with nothing planted."""
    quiet = [(ask(unlike.made(family, 5_000 + seed, 0.0)).anomaly == 1).any() for seed in range(count)]
    row = {"quiet runs with an alarm": float(np.mean(quiet))}
    for strength in unlike.STRENGTHS:
        worlds = [unlike.made(family, 6_000 + seed, strength) for seed in range(count)]
        found = _mean([_one(data, ask(data), slow=False) for data in worlds])
        best = max(found[name] for name in ("robust_z", "bollinger", "isolation_forest"))
        row |= {f"PR-AUC at {strength:.0f}": found["tieout"], f"best peer's at {strength:.0f}": best}
    return row | {"recall": found["recall"], "fdp": found["fdp"]}


SPARSE: Final = tuple((rate, past, judged) for rate in (0.02, 0.05) for past in (6, 12, 20, 40) for judged in (1, 10))


def _quiet_sparse(count: int, worlds: tuple[tuple[float, int, int], ...]) -> dict[str, float]:
    """Keys that break by nature and alike, of every rate, past and number of judged days: the promise holds in each."""
    alarmed = [
        np.mean(
            [
                (ask(sparse(4_000 + seed, rate=rate, days=past + judged, judged=judged)).anomaly == 1).any()
                for seed in range(count)
            ]
        )
        for rate, past, judged in worlds
    ]
    return {"runs with an alarm": float(np.mean(alarmed)), "in the worst of the worlds": float(np.max(alarmed))}


FIRST: Final = tuple(
    (keys, past, rate, tolerance)
    for keys in (30, 400, 4_000)
    for past in range(1, 9)
    for rate in (0.05, 0.15)
    for tolerance in (0.0, TOLERANCE)
)


def _first_days(count: int, worlds: tuple[tuple[int, int, float, float], ...]) -> dict[str, float]:
    """A desk that begins without history: of the breaks of its first days, which come by nature, the share called."""
    called, alarmed = [], []
    for keys, past, rate, tolerance in worlds:
        found = [
            ask(sparse(8_000 + seed, rate=rate, days=past + 1, judged=1, series=keys, tolerance=tolerance))
            for seed in range(count)
        ]
        breaks = [max(int(judged.numbers["is_break"].sum()), 1) for judged in found]
        alarms = [int((judged.anomaly == 1).sum()) for judged in found]
        called.append(sum(alarms) / sum(breaks))
        alarmed.append(float(np.mean(np.array(alarms) > 0)))
    return {
        "share of breaks called": float(np.mean(called)),
        "in the worst of the worlds": max(called),
        "runs with an alarm": float(np.mean(alarmed)),
    }


def _quiet(count: int, first: int, natures: tuple[str, ...]) -> dict[str, float]:
    alarms = [int((ask(planted(first + seed, natures=natures)).anomaly == 1).sum()) for seed in range(count)]
    return {"median alarms": float(np.median(alarms)), "runs with an alarm": float(np.mean(np.array(alarms) > 0))}


class _Called:
    """The share of anomalous days that were called, by kind of anomaly and by nature of the series."""

    def __init__(self) -> None:
        self.there = [np.zeros(len(KINDS)), np.zeros(len(NATURES))]
        self.called = [np.zeros(len(KINDS)), np.zeros(len(NATURES))]

    def add(self, data: Planted, judged: Judgement) -> None:
        truth = data.truth[judged.rows] == 1
        yes = truth & (judged.anomaly == 1)
        for at, what in enumerate((data.kind[judged.rows], data.nature[judged.rows])):
            self.there[at] += np.bincount(what[truth], minlength=len(self.there[at]))
            self.called[at] += np.bincount(what[yes], minlength=len(self.there[at]))

    def shares(self) -> tuple[dict[str, float], dict[str, float]]:
        kinds, natures = (c / np.maximum(t, 1) for c, t in zip(self.called, self.there, strict=True))
        return dict(zip(KINDS, kinds.tolist(), strict=True)), dict(zip(NATURES, natures.tolist(), strict=True))


def _short(seed: int, points: int) -> Planted:
    """One current row each after `points` past ones; one series in twenty is out of pattern."""
    from dataclasses import replace

    data = planted(3_000 + seed, series=800, days=points + 1 + 12, judged=1, rate=RATE, clean_past=True)
    keep = np.tile(np.arange(points + 13) >= 12, data.panel.s)
    p = data.panel
    per_row = ("day", "current", "source", "left", "right", "left_missing", "right_missing", "diff", "tolerance")
    panel = replace(
        p,
        offsets=np.arange(0, p.s * (points + 1) + 1, points + 1).astype(np.int64),
        columns={},
        is_break=p.is_break[keep],
        excluded=p.excluded[keep],
        **{name: getattr(p, name)[keep] for name in per_row},
    )
    return Planted(panel, data.truth[keep], data.kind[keep], data.nature[keep], data.onset[keep])


def _mean(runs: list[dict[str, float]]) -> dict[str, float]:
    out = {}
    for name in runs[0]:
        there = [run[name] for run in runs if not np.isnan(run[name])]
        out[name] = float(np.mean(there)) if there else float("nan")
    fdp = np.array([run["fdp"] for run in runs])
    out["fdp_upper_95"] = float(fdp.mean() + 1.645 * fdp.std(ddof=1) / np.sqrt(len(fdp))) if len(fdp) > 1 else 1.0
    return out


def table(board: Mapping[str, Any]) -> str:
    """The scorecard as text: PR-AUC of each method, then what the promise came to."""
    methods = ["tieout", "robust_z", "bollinger", "isolation_forest", "ecod"]
    more = ["recall", "seen", "delay", "fdp", "fdp_upper_95", "false_per_1000", "alarms"]
    lines = [f"{'PR-AUC':26}" + "".join(f"{m[:10]:>11}" for m in methods) + "".join(f"{m[:9]:>10}" for m in more)]
    for name, r in board["planted"].items():
        lines.append(_line(name, r, methods, more))
    for points, r in board["small"].items():
        lines.append(_line(f"{points} past points", r, methods, more))
    for name in ("quiet", "quiet, heavy tails", "quiet, sparse", "quiet, first days"):
        lines.append(f"{name:26}" + ", ".join(f"{k} {v:.2f}" for k, v in board[name].items()))
    for heading in ("kinds", "natures"):
        lines.append(f"called by {heading[:-1]}:")
        for name, shares in board[heading].items():
            lines.append(f"  {name:24}" + ", ".join(f"{k} {v:.2f}" for k, v in shares.items()))
    lines.append(f"target {board['target']}, {board['seeds']} seeds; fdp_upper_95 must stay at or under 0.12")
    lines += ["families unlike these:", unlike.table(board["unlike"])]
    lines += ["items without a past of their own:", newcomers.table(board["newcomers"])]
    lines.append("one long series: ROC-AUC, PR-AUC, best F1")
    for name, values in board["single"]["ranking"].items():
        lines.append(f"  {name:24}" + " ".join(f"{v:.3f}" for v in values))
    lines.append("  " + ", ".join(f"{k} {v:.2f}" for k, v in board["single"].items() if k != "ranking"))
    return "\n".join(lines)


def _line(name: str, r: Mapping[str, float], methods: list[str], more: list[str]) -> str:
    left = "".join(f"{r[m]:11.3f}" if m in r else f"{'':11}" for m in methods)
    return f"{name:26}{left}" + "".join(f"{r[m]:10.3f}" for m in more)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one strength and 2 seeds instead of 20")
    parser.add_argument("--seeds", type=int, default=None)
    said = parser.parse_args()
    print(table(run(said.quick, seeds=said.seeds)))
