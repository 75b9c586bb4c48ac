"""Honesty: reasons that do not depend on the numbers are predicted no better than chance, and that is said.

    python -m evals.honesty FILE

The file holds operators' reasons drawn at random. What Tieout says of each break (cause, pattern, comment) is held
against them by mutual information, and that against the same answers shuffled.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import mutual_info_score

SHUFFLES: Final = 200
REASON: Final = "Break Reason"
ANSWERS: Final = ("tieout_cause", "tieout_pattern", "tieout_comment")


def information(said: list[str], truth: list[str], *, seed: int = 0) -> tuple[float, float]:
    """The mutual information of what was said with the truth in nats, and the share of shuffles with as much.

    >>> information(["a", "b"] * 50, ["x", "y"] * 50)[1] < 0.01
    True
    >>> information(["a"] * 100, ["x", "y"] * 50)[1]
    1.0
    """
    rng = np.random.default_rng(seed)
    codes = np.unique(said, return_inverse=True)[1]
    real = np.unique(truth, return_inverse=True)[1]
    found = float(mutual_info_score(codes, real))
    as_much = sum(mutual_info_score(codes, rng.permutation(real)) >= found - 1e-12 for _ in range(SHUFFLES))
    return found, (as_much + 1) / (SHUFFLES + 1)


def run(path: Path) -> dict[str, Any]:
    """Runs the main job on the file and compares every break that carries a reason."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "cli", "run", str(path), "--no-agents", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True, env=_home(folder))
        with (out / "breaks.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row[REASON].strip()]
    reasons = [row[REASON] for row in rows]
    told = {name: information([row[name] for row in rows], reasons) for name in ANSWERS}
    return {"rows": len(rows), "information": {name: {"nats": i, "chance": p} for name, (i, p) in told.items()}}


def _home(folder: str) -> dict[str, str]:
    import os

    return {**os.environ, "TIEOUT_HOME": str(Path(folder) / "home")}


def table(board: dict[str, Any]) -> str:
    """One sentence for each answer."""
    lines = [f"{board['rows']:,} breaks with a reason"]
    for name, told in board["information"].items():
        verdict = "no better than chance" if told["chance"] > 0.01 else "more than chance gives: look at it"
        lines.append(f"{name} tells {told['nats']:.4f} nats of the reason; {verdict} (p = {told['chance']:.3f})")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    print(table(run(parser.parse_args().file)))
