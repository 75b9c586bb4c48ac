"""Rows of a sending and a settling side, written as files, read and judged as a run does."""

import csv
from datetime import date
from pathlib import Path

from detectors.assess import Question, explained
from detectors.bucketwise import Terms, judge_in_buckets
from detectors.grouping import Judged
from recon.buckets import Bucket
from recon.calendar import BusinessCalendar
from recon.engines import Threads
from recon.panels import build_panels
from recon.reading import read_both
from recon.recon_file import ReconFile

HEADER = ("Payment", "Date", "Channel", "Bank", "Sent", "Settled")
TODAY = date(2026, 3, 31)
SAID = ReconFile()


def judged_on(
    folder: Path, past: list[list[str]] | None, today: list[list[str]], header: tuple[str, ...] = HEADER
) -> Judged:
    """What the numbers say of today's rows; `past`: None for a first file."""
    for name, rows in (("past", past or []), ("today", today)):
        with (folder / f"{name}.csv").open("w", newline="") as sink:
            csv.writer(sink).writerows([header, *rows])
    current, history = read_both([folder / "today.csv"], [folder / "past.csv"] if past else [], SAID, today=TODAY)
    calendar = BusinessCalendar.of(SAID.calendar)
    whole = Bucket(build_panels(current, history, SAID), history)
    found = judge_in_buckets(Threads().hold(lambda _: whole, 1), Terms(current.layout, SAID, calendar))
    return explained(Question(found.panels, current.layout, SAID, calendar), found.judgements)
