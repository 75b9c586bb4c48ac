"""A watched folder runs what has arrived whole, once, and says what is wrong with the rest."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from agents.desk import Desk
from agents.watch import Arrivals, watch
from memory.alarms import AlarmStore
from recon.errors import BadInput
from recon.recon_file import ReconFile
from recon.settings import Settings
from server import open_desk

SAID = ReconFile.model_validate(
    {
        "name": "gl",
        "columns": {
            "key": ["Account"],
            "criteria": [{"left": "GL", "right": "Sub", "tolerance": 1}],
            "date": "Date",
        },
    }
)


def write(folder: Path, name: str, day: str, *amounts: int) -> Path:
    lines = [f"{day},A{i},{100 + amount}.00,100.00" for i, amount in enumerate(amounts)]
    path = folder / name
    path.write_text("\n".join(["Date,Account,GL,Sub", *lines]) + "\n")
    return path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(Settings(home=tmp_path / "home"), lambda: datetime(2026, 6, 2, 12, tzinfo=UTC))
    yield made
    made.db.close()


def look(desk: Desk, folder: Path) -> list[str]:
    ticks = count(0, 5)
    return list(watch(desk, folder, SAID, "gl", once=True, pause=lambda _: None, monotonic=lambda: float(next(ticks))))


def test_a_file_is_taken_only_after_it_has_stopped_growing(inbox: Path) -> None:
    path = write(inbox, "a.csv", "2026-06-01", 0)
    (inbox / "b.csv.part").write_text("half")
    (inbox / ".hidden.csv").write_text("no")
    arrivals = Arrivals()
    assert arrivals.look(inbox, 0.0) == []
    path.write_text(path.read_text() + "2026-06-01,A9,100,100\n")
    assert arrivals.look(inbox, 2.5) == []
    assert arrivals.look(inbox, 5.0) == [path]
    arrivals.take(path)
    assert arrivals.look(inbox, 9.0) == []
    assert not arrivals.waiting()


def test_what_arrives_is_run_and_the_same_bytes_again_are_not(desk: Desk, inbox: Path) -> None:
    write(inbox, "gl-1.csv", "2026-06-01", 0, 50, 0)
    (line,) = look(desk, inbox)
    assert "3 rows, 1 breaks" in line
    assert look(desk, inbox) == [], "what has only stayed there is no news to the next watch"
    write(inbox, "gl-1-again.csv", "2026-06-01", 0, 50, 0)
    (told,) = look(desk, inbox)
    assert "not run" in told
    assert "byte for byte" in told
    assert [a.kind for a in AlarmStore(desk.db, desk.clock).open("gl")] == ["repeated"]


def test_an_empty_and_an_unreadable_file_are_alarms_and_do_not_end_the_watch(desk: Desk, inbox: Path) -> None:
    (inbox / "a-empty.csv").write_text("")
    (inbox / "b-broken.csv").write_bytes(b"\x00\x01\x02")
    write(inbox, "c.csv", "2026-06-01", 50)
    told = look(desk, inbox)
    assert ["not run (empty)" in told[0], "not run (unreadable)" in told[1], "1 breaks" in told[2]] == [True] * 3
    assert {a.kind for a in AlarmStore(desk.db, desk.clock).open()} == {"empty", "unreadable"}


def test_a_missing_day_is_late_once(desk: Desk, inbox: Path) -> None:
    write(inbox, "a.csv", "2026-05-28", 50)
    assert [line for line in look(desk, inbox) if line.startswith("gl: late.")] != []
    assert look(desk, inbox) == []


def test_a_folder_that_is_none_is_refused(desk: Desk, inbox: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        look(desk, inbox / "nowhere")
