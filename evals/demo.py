"""The demo: a realistic sample with planted causes, judged end to end in the operator's own workspace."""

from collections.abc import Iterator

from agents.desk import Desk
from agents.run import RunRequest, RunResult, run
from agents.stages import Progress
from evals.scenarios import demo
from evals.scenarios.days import weekday_before
from recon.recon_file import load_recon_file


def play(desk: Desk, seed: int, progress: Progress) -> Iterator[RunResult]:
    """Makes the files under the workspace and runs each reconciliation; the day is the last weekday."""
    files = demo(desk.settings.home / "demo", seed, weekday_before(desk.clock().date()))
    for recon, current, history in (
        (files.gl_recon, files.gl_current, files.gl_history),
        (files.trades_recon, files.trades_current, files.trades_history),
    ):
        said = load_recon_file(recon)
        out = desk.settings.home / "out" / str(said.name)
        yield run(desk, RunRequest((current,), (history,), said, said.name, out, today=files.today), progress)
