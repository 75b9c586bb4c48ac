"""Memory of resolutions: found by likeness, never from later, rebuilt from SQL, and honest about how each ended."""

import ctypes
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from memory.embedding import DIMENSIONS, Features, embed
from memory.resolution import Resolution, consensus, usable
from memory.resolutions import Resolutions
from memory.vectors import Vectors, VectorsDown
from tests.agents.desks import Watch, make_desk

DAY = date(2026, 3, 2)
FX = Features(cause="fx_rate", mechanism="yesterdays_rate", pair="Balance", sign=1, size=4.0, columns={"Desk": "Rates"})


def make(n: int, day: date = DAY, **changes: object) -> Resolution:
    base = Resolution(f"R{n}", "gl", day, day, f"rate corrected, ref {n}", FX, outcome="resolved")
    return replace(base, **changes)  # type: ignore[arg-type]


def store(home: Path) -> Resolutions:
    return make_desk(home).resolutions


def test_no_vector_is_ever_zero_and_all_have_length_one() -> None:
    vectors = embed([Features(), FX, Features(comment="12345")])
    assert vectors.shape == (3, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_the_like_comes_first_and_says_why(tmp_path: Path) -> None:
    memory = store(tmp_path)
    other = replace(FX, cause="timing", mechanism="cut_off")
    memory.add_many([make(1), make(2, features=other)])
    best = memory.similar(FX, "gl", before=DAY, k=2)
    assert best[0].resolution.id == "R1"
    assert "same cause fx rate" in best[0].why


def test_nothing_newer_than_the_break_is_found(tmp_path: Path) -> None:
    memory = store(tmp_path)
    memory.add_many([make(n, DAY + timedelta(days=n)) for n in range(-3, 4)])
    found = memory.similar(FX, "gl", before=DAY, k=9)
    assert {m.resolution.id for m in found} == {"R-3", "R-2", "R-1", "R0"}


def test_a_comment_recorded_later_is_not_used_before() -> None:
    late = make(1, recorded_on=DAY + timedelta(days=5))
    assert not usable(late, DAY, None)
    assert usable(late, DAY + timedelta(days=5), None)
    assert usable(replace(late, source="decision"), DAY, DAY + timedelta(days=5))


def test_a_replay_far_back_still_finds_its_own_time(tmp_path: Path) -> None:
    memory = store(tmp_path)
    memory.add_many([make(n, DAY + timedelta(days=n)) for n in range(400)])
    found = memory.similar(FX, "gl", before=DAY + timedelta(days=2), k=3)
    assert {m.resolution.id for m in found} == {"R0", "R1", "R2"}


def test_reconciliations_do_not_see_each_other(tmp_path: Path) -> None:
    memory = store(tmp_path)
    memory.add_many([make(1), make(2, recon="other")])
    assert [m.resolution.id for m in memory.similar(FX, "gl", before=DAY)] == ["R1"]


def test_the_vectors_are_rebuilt_from_the_table(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.resolutions.add_many([make(1)], index=False)
    anew = Resolutions(desk.db, Vectors(tmp_path / "elsewhere"), Watch())
    assert [m.resolution.id for m in anew.similar(FX, "gl", before=DAY)] == ["R1"]


def test_adding_twice_adds_once(tmp_path: Path) -> None:
    memory = store(tmp_path)
    assert (memory.add_many([make(1)]), memory.add_many([make(1)])) == (1, 0)


def test_a_reopened_precedent_weighs_against_itself(tmp_path: Path) -> None:
    memory = store(tmp_path)
    memory.add_many([make(1, outcome="reopened"), make(2)])
    best = memory.similar(FX, "gl", before=DAY)
    assert [m.resolution.id for m in best] == ["R2", "R1"]
    assert "but it was reopened" in best[1].why


def test_the_consensus_counts_one_wording_whatever_its_numbers(tmp_path: Path) -> None:
    memory = store(tmp_path)
    memory.add_many([make(1), make(2), make(3, comment="no idea")])
    found = consensus(memory.similar(FX, "gl", before=DAY))
    assert found is not None
    assert found.statement() == "2 of 3 breaks like this closed with this comment, last on 2026-03-02"


def test_threads_that_open_the_vectors_at_once_all_find_them_whole(tmp_path: Path) -> None:
    vectors, gate = Vectors(tmp_path / "chroma"), Barrier(4)

    def ids(_: int) -> set[str]:
        gate.wait()
        return vectors.ids("gl")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ids, range(4))) == [set()] * 4


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mallopt of glibc")
def test_an_index_holds_nothing_of_what_the_process_had_in_memory(tmp_path: Path) -> None:
    perturb, freed = -6, 0x24
    mallopt = ctypes.CDLL(None).mallopt
    vectors = Vectors(tmp_path / "chroma")
    assert mallopt(perturb, freed), "no such setting here"  # every malloc is now filled with a mark
    try:
        vectors.add("gl", ["R1", "R2"], [FX, FX])
    finally:
        mallopt(perturb, 0)
    files = [p for p in (tmp_path / "chroma").glob("*/*") if p.is_file()]
    assert {"data_level0.bin", "length.bin"} <= {p.name for p in files}
    assert [p.name for p in files if bytes([freed ^ 0xFF]) * 8 in p.read_bytes()] == []
    assert vectors.nearest("gl", FX, 2) == [("R1", pytest.approx(1)), ("R2", pytest.approx(1))]
    again = Vectors(tmp_path / "chroma")
    again.add("gl", ["R3"], [replace(FX, sign=-1)])
    assert [found for found, _ in again.nearest("gl", FX, 3)][2:] == ["R3"]


def test_two_workspaces_of_one_name_hold_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is `chroma` in the folder that its process stood in."""
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        vectors = Vectors(Path("chroma"))
        found.append(vectors.ids("gl"))
        vectors.add("gl", [name], [FX])
    assert found == [set(), set()]
    assert (tmp_path / "two" / "chroma" / "chroma.sqlite3").exists()


class Broken(Vectors):
    """Vectors that raise as a Chroma does whose server went away; `mended` brings it back."""

    mended = False

    def _open(self) -> object:
        if not self.mended:
            msg = "Could not connect to a Chroma server."
            raise ValueError(msg)
        return super()._open()


def test_the_desk_goes_on_while_chroma_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("memory.vectors._PAUSE", 0)
    desk = make_desk(tmp_path)
    vectors = Broken(tmp_path / "chroma")
    memory = Resolutions(desk.db, vectors)
    assert memory.add_many([make(1), make(2, comment="no idea")]) == 2
    assert {m.resolution.id for m in memory.similar(FX, "gl", before=DAY)} == {"R1", "R2"}
    with pytest.raises(VectorsDown, match="Could not connect"):
        memory.forget("gl", ["R1"])
    assert memory.get_many(["R1"]), "the table still tells what to erase"
    assert [r.message.count("database alone") for r in caplog.records if r.levelname == "WARNING"] == [1]
    vectors.mended = True
    assert {m.resolution.id for m in memory.similar(FX, "gl", before=DAY)} == {"R1", "R2"}
    assert vectors.ids("gl") == {"R1", "R2"}
    memory.forget("gl", ["R1"])
    assert vectors.ids("gl") == {"R2"}


def test_vectors_that_failed_are_left_alone_for_a_while(tmp_path: Path) -> None:
    vectors = Broken(tmp_path / "chroma")
    with pytest.raises(VectorsDown):
        vectors.check()
    vectors.mended = True
    with pytest.raises(VectorsDown, match="Could not connect"):
        vectors.check()


def test_a_chroma_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.vectors._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        vectors = Vectors(None, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(VectorsDown, match="ReadTimeout"):
            vectors.check()


def test_a_damaged_store_is_told_and_not_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"not a database" * 2000)
    with pytest.raises(VectorsDown, match="did not answer"):
        Vectors(folder).check()
