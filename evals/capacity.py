"""What a billion rows and a thousand operators would take: measured here on a small scale, multiplied openly."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from evals.bench import write_file
from evals.bench_web import Load, fill
from recon.settings import Settings


@dataclass(frozen=True)
class Measured:
    """Processor seconds and bytes, on this machine."""

    rows: int
    """Rows of the larger file that was run."""
    run_seconds: float
    """Reading, judging, proving and writing one row, of the history or of today; what starting costs is taken off."""
    case_seconds: float
    """The agents' work on one case, with the offline model."""
    lake_bytes: float
    """One row in the lake."""
    page_seconds: float
    """One page of the queue."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of it, and how it is assumed to be used."""

    rows: int = 1_000_000_000
    operators: int = 1_000
    seconds_between_pages: float = 20.0
    """At the busiest hour, each operator."""
    hours: float = 4.0
    """In which the night's work must be done."""
    cases_a_night: int = 20_000
    busy: float = 0.6
    """The share of a processor that is planned for."""


def answer(m: Measured, w: Wanted) -> dict[str, float]:
    """The processors and bytes that the measured figures come to. Nothing but multiplication.

    >>> a = answer(Measured(1, 1e-5, 0.05, 20, 0.01), Wanted())
    >>> round(a["processors for the rows"], 2), a["lake, GB"], round(a["processors for the pages"], 2)
    (1.16, 20.0, 0.83)
    """
    window = w.hours * 3600 * w.busy
    return {
        "processors for the rows": w.rows * m.run_seconds / window,
        "processors for the cases": w.cases_a_night * m.case_seconds / window,
        "lake, GB": w.rows * m.lake_bytes / 1e9,
        "pages a second": w.operators / w.seconds_between_pages,
        "processors for the pages": w.operators / w.seconds_between_pages * m.page_seconds / w.busy,
    }


def measure(series: int, days: int) -> Measured:
    """Runs a small and a larger file, with and without agents, and a queue; all in processor time."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        few = _run(at / "few", series // 20, days, agents=False)
        many = _run(at / "many", series, days, agents=False)
        worked = _run(at / "worked", series, days, agents=True)
        rows = series * days
        lake = sum(f.stat().st_size for f in (at / "many" / "home" / "lake").rglob("*.parquet"))
        return Measured(
            rows=rows,
            run_seconds=(many[0] - few[0]) / (rows - rows // 20),
            case_seconds=max(worked[0] - many[0], 0.0) / max(worked[1], 1),
            lake_bytes=lake / rows,
            page_seconds=_page(at / "pages"),
        )


def _run(folder: Path, series: int, days: int, *, agents: bool) -> tuple[float, int]:
    """(processor seconds, cases) of `tieout run` in a process of its own."""
    folder.mkdir()
    write_file(folder / "history.csv", series, range(days - 1), 1)
    write_file(folder / "current.csv", series, range(days - 1, days), 2)
    words = ["run", "current.csv", "--history", "history.csv", "--format", "parquet", "--json", "--out", "out"]
    command = [sys.executable, "-W", "ignore", "-c", "import cli; cli.main()", "-q", *words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {"TIEOUT_HOME": "home", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(
        [*command, *([] if agents else ["--no-agents"])],
        capture_output=True, text=True, check=True, cwd=folder, env=environment,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(json.loads(done.stdout)["counts"]["cases"])


def _page(home: Path, cases: int = 5_000, times: int = 40) -> float:
    from fastapi.testclient import TestClient

    from server import create_app, open_desk
    from web.auth import issue_token

    desk = open_desk(Settings(_env_file=None, home=home))  # type: ignore[call-arg]
    fill(desk, Load(cases, 1, 1.0, 1.0, 1))
    token = issue_token(desk.db, "capacity", "viewer", timedelta(hours=1))
    client = TestClient(create_app(desk, executor=False), base_url="http://127.0.0.1:8000")
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/", headers=headers).status_code == 200
    begun = time.process_time()
    for _ in range(times):
        client.get("/", headers=headers)
    spent = time.process_time() - begun
    desk.db.close()
    return spent / times


def main() -> None:
    """Prints what was measured, what was assumed, and what it comes to."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--series", type=int, default=8_000)
    said.add_argument("--days", type=int, default=50)
    asked = said.parse_args()
    measured, wanted = measure(asked.series, asked.days), Wanted()
    for title, values in (
        ("measured", asdict(measured)),
        ("assumed", asdict(wanted)),
        ("comes to", answer(measured, wanted)),
    ):
        sys.stdout.write(f"{title}\n" + "".join(f"  {name:26} {value:,.6g}\n" for name, value in values.items()))


if __name__ == "__main__":
    main()
