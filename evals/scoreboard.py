"""`tieout eval`: every suite's table, the headline figures, and whether any fell below its committed bound."""

import importlib
import inspect
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Final, Literal

from evals.beside import side_by_side
from recon.errors import BadInput

SCORECARD: Final = Path(__file__).with_name("SCORECARD.md")

Figures = Callable[[Mapping[str, Any]], dict[str, float]]


def _causes(result: Mapping[str, Any]) -> dict[str, float]:
    rows = [row for row in result["planted"]["causes"].values() if row["planted"]]
    recalls = [row["recall"] for row in rows if row["recall"] is not None]
    precisions = [row["precision"] for row in rows if row["precision"] is not None]
    return {
        "mean recall over causes": sum(recalls) / len(recalls),
        "mean precision over causes": sum(precisions) / len(precisions),
        "false proofs on random amounts": max(result["random"].values()),
    }


def _localisation(result: Mapping[str, Any]) -> dict[str, float]:
    return {f"F1 {family}": methods["Tieout"]["f1"] for family, methods in result.items() if family != "nothing"}


def _flat(result: Mapping[str, Any]) -> dict[str, float]:
    """Suites that name their own headline figures."""
    return {name: float(value) for name, value in result["headline"].items()}


def _detection(result: Mapping[str, Any]) -> dict[str, float]:
    """The margin over the best peer, the realised false discovery rate, and the quiet run."""
    peers = ("robust_z", "bollinger", "isolation_forest", "ecod")

    def least(of: Iterable[Mapping[str, float]]) -> float:
        return min(row["tieout"] - max(row[peer] for peer in peers if peer in row) for row in of)

    rows, short = result["planted"].values(), result["small"].values()
    long = result["single"]["ranking"]
    ours = [row[f"PR-AUC at {far}"] for row in result["unlike"].values() for far in (8, 20)]
    best = [row[f"best peer's at {far}"] for row in result["unlike"].values() for far in (8, 20)]
    return {
        "least margin of PR-AUC over the best peer": least(rows),
        "least margin of PR-AUC, 3 to 24 past points": least(short),
        "mean false discovery proportion": max(row["fdp"] for row in rows),
        "false discovery proportion, 95% upper": max(row["fdp_upper_95"] for row in rows),
        "false discovery proportion after 24 past points, 95% upper": result["small"][24]["fdp_upper_95"],
        **{f"recall of {name}": row["recall"] for name, row in result["planted"].items()},
        **{f"recall after {n} past points": row["recall"] for n, row in result["small"].items() if n == 12},
        "median alarms on quiet data": result["quiet"]["median alarms"],
        "quiet sparse runs with an alarm": result["quiet, sparse"]["runs with an alarm"],
        "breaks called on quiet first days, in the worst of worlds": result["quiet, first days"][
            "in the worst of the worlds"
        ],
        "mean PR-AUC over families unlike these": fmean(ours),
        "its margin over the best peer of each family": fmean(ours) - fmean(best),
        "recall of items without a past": fmean(row["recall"] for row in result["newcomers"].values()),
        "false discovery proportion of items without a past": fmean(row["fdp"] for row in result["newcomers"].values()),
        "margin of PR-AUC on one long series": long["tieout"][1] - max(v[1] for n, v in long.items() if n != "tieout"),
        "median alarms on a quiet long series": result["single"]["quiet median alarms"],
    }


def _learning(result: Mapping[str, Any]) -> dict[str, float]:
    steps = {int(step): row for step, row in result["steps"].items()}
    found: dict[str, float] = {}
    for step in (30, 100):
        if step in steps:
            found[f"false alarms left after {step} tags"] = steps[step]["false_left"]
            found[f"real alarms kept after {step} tags"] = steps[step]["real_kept"]
            found[f"nothing wrong with what is shown after {step} tags"] = steps[step]["fdp"]
    others = {name: of["steps"] for part in ("seen", "held_out") for name, of in result.get(part, {}).items()}
    if others:
        found |= {f"false alarms left after 100 tags: {name}": of[100]["false_left"] for name, of in others.items()}
        found["least real alarms kept after 100 tags, other tastes"] = min(
            of[100]["real_kept"] for of in others.values()
        )
    return found | {
        f"real of the first 100 shown, {name}": row[100] / 100 for name, row in result["labels"]["found"].items()
    }


SUITES: Final[dict[str, tuple[str, Figures]]] = {
    "detection": ("evals.detection", _detection),
    "learning": ("evals.learning", _learning),
    "causes": ("evals.causes", _causes),
    "localisation": ("evals.localisation", _localisation),
    "desk": ("evals.month", _flat),
    "retrieval": ("evals.retrieval", _flat),
    "mimicry": ("evals.mimicry", _flat),
    "grounding": ("evals.grounding", _flat),
    "chat": ("evals.chat", _flat),
    "injection": ("evals.injection", _flat),
    "cost": ("evals.cost", _flat),
    "files": ("evals.files", _flat),
}
"""Suite -> (module with `run(quick)` and `table(result)`, its headline figures).

A suite in which a language model speaks takes it as `run(quick, model=...)`; those are the ones that `--live` runs.
"""


LONGEST: Final = ("detection", "injection", "learning", "desk", "localisation", "files")
"""What is begun first, so that no long suite is left over at the end."""


@dataclass(frozen=True)
class Bound:
    """What a figure was promised to keep."""

    suite: str
    figure: str
    kind: Literal["at least", "at most"]
    value: float
    in_full: bool = False
    """Of a figure that `--quick` does not measure."""

    def broken_by(self, measured: float) -> bool:
        """True when the measured figure is on the wrong side."""
        return measured < self.value if self.kind == "at least" else measured > self.value


@dataclass(frozen=True)
class Score:
    """One suite's outcome."""

    suite: str
    figures: dict[str, float]
    seconds: float
    processor_seconds: float
    table: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Board:
    """All that was measured, and the promises that were not kept."""

    scores: tuple[Score, ...]
    regressions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {"scores": [asdict(s) for s in self.scores], "regressions": list(self.regressions)}

    def text(self) -> str:
        """The tables, the figures, and the verdict."""
        lines: list[str] = []
        for score in self.scores:
            spent = f"{score.seconds:.1f} s, {score.processor_seconds:.1f} s of processor time"
            lines += [f"== {score.suite} ({spent})", score.table, ""]
            lines += [f"{score.suite}: {name} {value:.4g}" for name, value in score.figures.items()]
            lines.append("")
        lines += [f"REGRESSION {line}" for line in self.regressions] or ["Every committed bound is kept."]
        return "\n".join(lines)


def bounds(path: Path = SCORECARD) -> list[Bound]:
    """The committed bounds: rows «| suite | figure | at least 0.9 | ... |» of the scorecard."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        match = re.fullmatch(r"(at least|at most) ([0-9.]+)( in full)?", cells[2]) if len(cells) > 2 else None
        if match is not None:
            kind: Literal["at least", "at most"] = "at least" if match[1] == "at least" else "at most"
            found.append(Bound(cells[0], cells[1], kind, float(match[2]), bool(match[3])))
    return found


def run(suite: str | None = None, *, quick: bool = False, live: bool = False) -> Board:
    """Measures one suite or all, and compares with the scorecard. Raises BadInput for an unknown suite."""
    if suite is not None and suite not in SUITES:
        msg = f"eval: {suite!r} is no suite; there are {', '.join(SUITES)}"
        raise BadInput(msg)
    model = _live_model() if live else None
    wanted = [suite] if suite else [name for name in SUITES if not live or _speaks(name)]
    if live and suite and not _speaks(suite):
        msg = f"eval {suite} --live: no model takes part in it; there are {', '.join(n for n in SUITES if _speaks(n))}"
        raise BadInput(msg)
    # A model is asked by one suite after another: it counts what it is asked, and its server may count too.
    scores = [_measure(quick, model, name) for name in wanted] if live else _beside(wanted, quick)
    # Of a live model only that is promised which holds for every model, what must never happen, and can be asked of it.
    told = {(score.suite, figure) for score in scores for figure in score.figures}
    promised = [b for b in bounds() if not (quick and b.in_full)]
    if live:
        promised = [b for b in promised if b.kind == "at most" and b.value == 0 and (b.suite, b.figure) in told]
    return Board(tuple(scores), tuple(line for score in scores for line in broken(score, promised)))


def broken(score: Score, promised: Sequence[Bound]) -> list[str]:
    """What a suite did not keep of its bounds; a promised figure that it no longer tells is not kept either.

    A suite without any figure was skipped, and its table says why.
    """
    said = []
    for bound in [b for b in promised if b.suite == score.suite and score.figures]:
        value = score.figures.get(bound.figure)
        if value is None:
            said.append(f"{bound.suite}: {bound.figure} was not measured, promised {bound.kind} {bound.value:g}")
        elif bound.broken_by(value):
            said.append(f"{bound.suite}: {bound.figure} is {value:.4g}, promised {bound.kind} {bound.value:g}")
    return said


def _live_model() -> Any:
    from agents.model import make_model
    from recon.settings import Settings

    settings = Settings()
    if not settings.has_live_model():
        msg = "--live: no model is configured; set OPENAI_API_KEY or OPENAI_BASE_URL"
        raise BadInput(msg)
    return make_model(settings)


def _speaks(name: str) -> bool:
    """Whether a language model takes part in a suite."""
    return "model" in inspect.signature(importlib.import_module(SUITES[name][0]).run).parameters


def _beside(wanted: Sequence[str], quick: bool) -> list[Score]:
    """The scores in the order asked for; the suites run beside each other, what lasts longest first."""
    order = sorted(wanted, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))
    found = side_by_side(partial(_measure, quick, None), order)
    return [found[name] for name in wanted]


def _measure(quick: bool, model: Any, name: str) -> Score:
    module, figures = SUITES[name]
    suite = importlib.import_module(module)
    begun, worked = time.perf_counter(), time.process_time()
    result = suite.run(quick) if model is None else suite.run(quick, model=model)
    seconds = round(time.perf_counter() - begun, 2), round(time.process_time() - worked, 2)
    return Score(name, figures(result), *seconds, suite.table(result), result)
