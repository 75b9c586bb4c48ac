"""The lake gives back what was put in, once, whatever happens between."""

import json
import shutil
import time
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import LAYOUT, reading_of
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.errors import BadInput, Damaged
from recon.lake import Lake
from recon.lake.compaction import FAN
from recon.lake.shelf import ORPHANED, Shelf, spans
from recon.panels import build_panels
from recon.recon_file import ReconFile
from recon.rows import Layout, Pair, PairColumns, Reading

HEADER = "date,account,desk,currency,ledger,bank,comment"
FIRST = f"{HEADER}\n2026-02-01,A,d,USD,2,1,late\n2026-02-01,B,d,USD,9,9,"
SECOND = f"{HEADER}\n2026-02-02,A,d,USD,3.5,1,"


def test_a_file_is_kept_once(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    reading = reading_of(FIRST)
    assert lake.append("r", reading) == 2
    assert lake.append("r", reading) == 0
    history = lake.history("r", LAYOUT)
    assert history is not None
    assert history.rows.n == 2


def test_history_comes_back_as_it_was_read(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(FIRST), reading_of(SECOND))
    history = lake.history("r", LAYOUT)
    assert history is not None
    accounts = history.rows.columns["account"]
    told = {
        (accounts.vocabulary[int(c)].as_py(), int(d), int(left))
        for c, d, left in zip(accounts.codes, history.rows.day, history.rows.pairs[0].left, strict=True)
    }
    assert told == {("A", 20485, 200), ("B", 20485, 900), ("A", 20486, 350)}
    assert sorted(history.rows.comment.to_pylist()) == ["", "", "late"]


def test_rows_that_were_settled_are_read_from_the_disk_and_published_later(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    first, second = reading_of(FIRST), reading_of(SECOND)
    with lake.arriving("r", first, second) as rows:
        loose = rows.settle(first)
        assert loose is not None
        found, _ = lake.loose("r", LAYOUT, loose)
        assert sorted(map(int, found.rows.pairs[0].left)) == [200, 900]
        assert lake.history("r", LAYOUT) is None
        assert rows.publish() == 3
    assert lake.manifest("r").rows == 3


def test_rows_that_were_settled_and_never_published_are_gone(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    reading = reading_of(FIRST)
    with lake.arriving("r", reading) as rows:
        assert rows.settle(reading) is not None
    assert lake.history("r", LAYOUT) is None
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_file_that_is_known_already_is_not_settled(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(FIRST))
    with lake.arriving("r", again := reading_of(FIRST)) as rows:
        assert rows.settle(again) is None


def test_what_another_process_brought_since_it_was_settled_is_kept_once(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    first, second = reading_of(FIRST), reading_of(SECOND)
    with lake.arriving("r", first, second) as rows:
        assert rows.settle(first) is not None
        Lake(str(tmp_path)).append("r", reading_of(FIRST))
        assert rows.publish() == 1
    assert lake.manifest("r").rows == 3
    assert len(list(tmp_path.rglob("*.parquet"))) == 2


def test_a_restated_day_counts_as_it_was_said_last(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(FIRST))
    lake.append("r", reading_of(f"{HEADER}\n2026-02-01,A,d,USD,7,1,"))
    history = lake.history("r", LAYOUT)
    assert history is not None
    assert sorted(history.rows.pairs[0].left.tolist()) == [700, 900]


def test_one_series_is_read_alone(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    first = reading_of(FIRST)
    lake.append("r", first, reading_of(SECOND))
    (panel,) = build_panels(first, None, ReconFile())
    found = [lake.series("r", "amount", int(i)) for i in panel.series_id]
    told = {s.key["account"]: [str(s.amount(u)) for u in s.diff] for s in found if s is not None}
    assert told == {"A": ["1.00", "2.50"], "B": ["0.00"]}
    assert lake.series("r", "amount", 1) is None
    assert lake.series("elsewhere", "amount", 1) is None


def accounts(lake: Lake) -> dict[tuple[str, str], int]:
    """What the lake holds: (account, day) -> ledger units."""
    history = lake.history("r", LAYOUT)
    if history is None:
        return {}
    column = history.rows.columns["account"]
    names = [column.vocabulary[int(c)].as_py() for c in column.codes]
    days = [str(np.datetime64(int(d), "D")) for d in history.rows.day]
    return dict(zip(zip(names, days, strict=True), history.rows.pairs[0].left.tolist(), strict=True))


def day_of(day: str, **ledger: int) -> Reading:
    lines = [f"{day},{account},d,USD,{units},1," for account, units in ledger.items()]
    return reading_of("\n".join([HEADER, *lines]))


def test_a_corrected_file_that_drops_a_row_takes_it_back(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", day_of("2026-02-01", A=1, B=2, C=3), day_of("2026-02-02", A=1))
    lake.append("r", day_of("2026-02-01", A=1, B=5))
    assert accounts(lake) == {("A", "2026-02-01"): 100, ("B", "2026-02-01"): 500, ("A", "2026-02-02"): 100}
    lake.append("r", day_of("2026-02-01", A=1, B=5, C=7))
    assert accounts(lake)["C", "2026-02-01"] == 700


def test_another_part_of_the_same_day_stands_beside_the_first(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", day_of("2026-02-01", A=1, B=2, C=3))
    lake.append("r", day_of("2026-02-01", C=4, D=5))
    assert accounts(lake) == dict.fromkeys((("A", "2026-02-01"),), 100) | {
        ("B", "2026-02-01"): 200,
        ("C", "2026-02-01"): 400,
        ("D", "2026-02-01"): 500,
    }


def test_undated_rows_are_never_taken_back(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", day_of("", A=1, B=2))
    lake.append("r", day_of("", A=1))
    history = lake.history("r", LAYOUT)
    assert history is not None
    assert history.rows.n == 3


DAYS = st.sampled_from(["2026-02-01", "2026-02-02", "2026-02-03"])
FILES = st.lists(
    st.tuples(DAYS, st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 99), min_size=1)), min_size=1, max_size=7
)


@settings(max_examples=25, deadline=None)
@given(FILES, st.data())
def test_merging_at_any_moment_changes_no_row(files: list[tuple[str, dict[str, int]]], data: st.DataObject) -> None:
    plain, merged = (Lake(f"memory://{uuid.uuid4().hex}") for _ in range(2))
    for i, (day, ledger) in enumerate(files):
        reading = replace(day_of(day, **ledger), file_hashes=(f"{i}",))
        plain.append("r", reading)
        merged.append("r", reading)
        if data.draw(st.booleans()):
            merged.compact("r", whole=data.draw(st.booleans()))
    assert accounts(merged) == accounts(plain)


def test_small_parts_are_merged_and_old_ones_swept(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    for i in range(1, 25):
        lake.append("r", day_of(f"2026-03-{i:02}", A=i, B=i))
        lake.compact("r")
    assert len(lake.manifest("r").parts) <= FAN
    # as words: a dictionary of Arrow's would put the whole vocabulary into every row group
    assert {pq.read_schema(p).field("c:account").type for p in tmp_path.rglob("*.parquet")} == {pa.string()}
    assert len(accounts(lake)) == 48
    shelf = Shelf(LocalFileSystem(), str(next(tmp_path.iterdir())), clock=lambda: time.time() + 2 * ORPHANED)
    named = [part.name for part in lake.manifest("r").parts]
    shelf.sweep(named)
    assert sorted(p.name for p in tmp_path.rglob("*.parquet")) == sorted(named)


def test_every_series_lies_in_one_bucket(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", day_of("2026-02-01", **{f"K{i}": i for i in range(40)}))
    lake.append("r", day_of("2026-02-02", **{f"K{i}": i for i in range(40)}))
    found: list[str] = []
    for span in spans(8):
        history = lake.history("r", LAYOUT, span=span)
        if history is not None:
            column = history.rows.columns["account"]
            assert set(np.bincount(column.codes)) <= {0, 2}
            found += [column.vocabulary[int(c)].as_py() for c in np.unique(column.codes)]
    assert sorted(found) == sorted(f"K{i}" for i in range(40))


def test_a_lake_of_the_first_version_is_read_and_taken_over(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    reading = day_of("2026-02-01", A=1, B=2)
    lake.append("r", reading)
    folder = next(tmp_path.iterdir())
    (part,) = lake.manifest("r").parts
    old = {name: getattr(part, name) for name in ("name", "seq", "rows", "groups", "scales")}
    old |= {"first_day": 20485, "last_day": 20485, "hashes": list(reading.file_hashes)}
    first = {"recon": "r", "layout": asdict(reading.layout), "parts": [old]}
    shutil.rmtree(folder / "manifests")
    (folder / "manifest.json").write_text(json.dumps(first))
    again = Lake(str(tmp_path))
    assert again.has("r", reading.file_hashes[0])
    assert accounts(again) == {("A", "2026-02-01"): 100, ("B", "2026-02-01"): 200}
    again.append("r", day_of("2026-02-01", A=7, B=8, C=9))
    assert accounts(Lake(str(tmp_path)))["A", "2026-02-01"] == 700
    assert not (folder / "manifest.json").exists()


def test_a_torn_manifest_is_named_and_not_passed_over(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", day_of("2026-02-01", A=1))
    (manifest,) = tmp_path.rglob("manifests/*.json")
    manifest.with_name("0000000002.json").write_text("{")
    with pytest.raises(BadInput, match=r"0000000002.json: not a whole manifest"):
        accounts(Lake(str(tmp_path)))


TEXT = Layout(
    key=("account",),
    pairs=(Pair("side", "ledger", "bank", None, "text"),),
    date="date",
)


def sides(day: str, account: str, ledger: str, bank: str) -> Reading:
    """One row whose words are numbered as a file of its own would number them."""
    base = reading_of(f"{HEADER}\n{day},{account},d,USD,1,1,", LAYOUT)
    words = list(dict.fromkeys([ledger, bank]))
    codes = [np.array([words.index(w)], np.int64) for w in (ledger, bank)]
    zero = np.zeros(1, np.int64)
    state = np.zeros(1, np.uint8)
    pair = PairColumns(TEXT.pairs[0], 0, codes[0], codes[1], state, state, None, zero, pa.array(words))
    rows = replace(base.rows, pairs=(pair,), columns={"account": base.rows.columns["account"]})
    return replace(base, layout=TEXT, rows=rows, file_hashes=(f"{day}{account}{ledger}{bank}",))


def test_words_keep_their_meaning_over_files_that_number_them_otherwise(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", sides("2026-02-01", "A", "BUY", "SELL"))
    lake.append("r", sides("2026-02-02", "A", "SELL", "SELL"))
    current = sides("2026-02-03", "A", "BUY", "SELL")
    (panel,) = build_panels(current, lake.history("r", TEXT), ReconFile())
    assert panel.left.tolist()[0] == panel.left.tolist()[2] == current.rows.pairs[0].left[0]
    assert panel.right.tolist()[0] == panel.right.tolist()[1] == panel.right.tolist()[2]
    assert panel.is_break.tolist() == [True, False, True]


def test_one_series_reads_the_row_groups_that_hold_it_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.lake.shelf.ROW_GROUP", 50)
    lake = Lake(str(tmp_path))
    for day in range(1, 6):
        lake.append("r", day_of(f"2026-02-{day:02}", **{f"K{i}": i for i in range(400)}))
    (panel,) = build_panels(day_of("2026-02-01", K17=1), None, ReconFile())
    read: list[int] = []
    whole = pq.ParquetFile.read_row_groups

    def counted(self: pq.ParquetFile, row_groups: list[int], **said: object) -> pa.Table:
        read.append(len(row_groups))
        return whole(self, row_groups, **said)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", counted)
    found = lake.series("r", "amount", int(panel.series_id[0]))
    assert found is not None
    assert len(found.day) == 5
    # one row group of eight in each of the five parts; a series may touch the edge of a second
    assert len(read) == 5
    assert sum(read) <= 10


def _damage(lake: Lake, tmp_path: Path) -> Path:
    lake.append(
        "r", reading_of("\n".join([HEADER, *(f"2026-02-{d:02},A,d,USD,{d * 77}.13,1,c" for d in range(1, 29))]))
    )
    (part,) = tmp_path.rglob("part-*.parquet")
    return part


def test_a_flipped_bit_is_told_and_never_read_as_an_amount(tmp_path: Path) -> None:
    part = _damage(Lake(str(tmp_path)), tmp_path)
    whole = part.read_bytes()
    before = Lake(str(tmp_path)).history("r", LAYOUT)
    assert before is not None
    told = 0
    for at in range(4, len(whole) - 8, 7):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            after = Lake(str(tmp_path)).history("r", LAYOUT)
        except Damaged:
            told += 1
        else:
            assert after is not None
            assert after.rows.pairs[0].left.tolist() == before.rows.pairs[0].left.tolist(), at
    assert told > 100


@pytest.mark.parametrize("left", [0, 3, 11, 400])
def test_a_part_that_was_cut_short_is_told(tmp_path: Path, left: int) -> None:
    part = _damage(Lake(str(tmp_path)), tmp_path)
    part.write_bytes(part.read_bytes()[:left])
    lake = Lake(str(tmp_path))
    for ask in (lambda: lake.history("r", LAYOUT), lambda: lake.check("r")):
        with pytest.raises(Damaged, match=part.name):
            ask()


def test_a_part_that_went_missing_is_named(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    part = _damage(lake, tmp_path)
    assert lake.check("r") == 28
    part.unlink()
    for ask in (lambda: lake.history("r", LAYOUT), lambda: lake.check("r")):
        with pytest.raises(Damaged, match=f"{part.name}.*it is not there.*tieout restore"):
            ask()
