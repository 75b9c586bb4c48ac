"""The third part of `make fuzz`: odd cells through the whole main job: rows judged or rejected, or one sentence."""

import csv
import io
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final

from agents.desk import Desk
from agents.run import RunRequest, run
from recon.errors import BadInput
from recon.recon_file import ReconFile
from recon.settings import Settings

SLOW: Final = 2.0
"""Seconds of processor time that one small file may take."""
TOGETHER: Final = 24
"""Files that come into one workspace."""
SAME: Final = 3
"""Files of one reconciliation, one after the other: the later ones restate the earlier."""
TODAY: Final = date(2026, 11, 23)
HEADER: Final = ("Account", "Currency", "As of Date", "GL Balance", "IHub Balance", "Match Status", "Comments")
CELLS: Final = (
    "", " ", "0", "-0", "1e308", "1e-308", "1e400", "NaN", "inf", "=1+1", "()", "(5)", "5-", "--5", "1,234.5",
    "1.234,5", "9" * 18, "9" * 40, "0.1" + "0" * 40 + "1", "TRUE", "null", "N/A", "0001-01-01", "1600-01-01",
    "1900-01-01", "1970-01-01", "2400-12-31", "9999-12-31", "2026-02-30", "31/12/2026", "12/31/2026", "45000",
    "45000.5", "1790000000", "2026-11-23T25:00", "2026-11-23 23:59:60+14:00", "A000", "a000 ", "A\u030a", "\u202eA",
    "A\u200b", "\ufeff", "\x00", "\x1b[31m", "a\nb", 'a"b', "a;b;c;d;e;f;g;h", "x" * 5_000, "GL only", "Match",
    "Break", "will book by Friday", "USD", "usd",
)  # fmt: skip


def odd_file(rng: Random) -> bytes:
    """A year of a few accounts, then some cells, rows and columns exchanged, doubled or left out."""
    keys, days = rng.randint(1, 6), rng.randint(1, 12)
    rows = [
        [f"A{k:03d}", rng.choice(("USD", "EUR")), str(TODAY - timedelta(days=30 * d)), *_balances(rng)]
        for d in reversed(range(days))
        for k in range(keys)
    ]
    for _ in range(rng.randint(0, 8)):
        row = rng.randrange(len(rows))
        match rng.randrange(5):
            case 0:
                rows.insert(row, list(rng.choice(rows)))
            case 1 if len(rows) > 1:
                del rows[row]
            case 2:
                column, value = rng.randrange(len(HEADER)), rng.choice(CELLS)
                rows = [[*r[:column], value, *r[column + 1 :]] for r in rows]
            case _:
                rows[row][rng.randrange(len(HEADER))] = rng.choice(CELLS)
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode("utf-8", "surrogatepass")


def _balances(rng: Random) -> list[str]:
    left = rng.randint(-(10**6), 10**6)
    broken = rng.random() < 0.2
    said = ["Break", rng.choice(("", "late booking", "will be cleared tomorrow"))] if broken else ["Match", ""]
    return [f"{left}.00", f"{left - broken * rng.randint(2, 10**5)}.00", *said]


def run_whole(cases: int, seed: int) -> list[str]:
    """The faults found in `cases` files, with the bytes that made them."""
    return list(_faults(Random(seed), cases))


def _faults(rng: Random, cases: int) -> Iterator[str]:
    from server import open_desk

    for first in range(0, cases, TOGETHER):
        with tempfile.TemporaryDirectory(prefix="tieout-fuzz-") as name:
            folder = Path(name)
            desk = open_desk(Settings(_env_file=None, home=folder / "home"))  # type: ignore[call-arg]
            for n in range(first, min(first + TOGETHER, cases)):
                data = odd_file(rng)
                if (fault := whole(desk, folder, f"r{n // SAME}", data)) is not None:
                    yield f"{fault}  <- {data!r}"
            desk.db.close()


def whole(desk: Desk, folder: Path, recon: str, data: bytes) -> str | None:
    """What is wrong with how the main job ended on these bytes; None when nothing is."""
    path, out = folder / "file.csv", folder / "out"
    path.write_bytes(data)
    begun = time.process_time()
    try:
        counts = run(desk, RunRequest((path,), (), ReconFile(), recon, out, agents=False, today=TODAY)).counts
        left = [_lines(out / f"{name}.csv") for name in ("breaks", "rejects")]
        if counts["rows_in"] != sum(left):
            return f"{counts['rows_in']} rows in, {left[0]} judged, {left[1]} rejected"
    except BadInput as said:
        return f"more than one line: {said}" if "\n" in str(said) else None
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    spent = time.process_time() - begun
    return f"took {spent:.1f} s" if spent > SLOW else None


def _lines(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1
