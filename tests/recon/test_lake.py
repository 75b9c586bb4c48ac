"""The lake gives back what was put in, once, whatever happens between."""

from pathlib import Path

import pytest
from builders import LAYOUT, reading_of

from recon.lake import Lake

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


def test_a_restated_day_counts_as_it_was_said_last(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(FIRST))
    lake.append("r", reading_of(f"{HEADER}\n2026-02-01,A,d,USD,7,1,"))
    history = lake.history("r", LAYOUT)
    assert history is not None
    assert sorted(history.rows.pairs[0].left.tolist()) == [700, 900]


def test_one_series_is_read_alone(tmp_path: Path) -> None:
    from recon.panels import build_panels
    from recon.recon_file import ReconFile

    lake = Lake(str(tmp_path))
    first = reading_of(FIRST)
    lake.append("r", first, reading_of(SECOND))
    (panel,) = build_panels(first, None, ReconFile())
    found = [lake.series("r", "amount", int(i)) for i in panel.series_id]
    told = {s.key["account"]: [str(s.amount(u)) for u in s.diff] for s in found if s is not None}
    assert told == {"A": ["1.00", "2.50"], "B": ["0.00"]}
    assert lake.series("r", "amount", 1) is None
    assert lake.series("elsewhere", "amount", 1) is None


def test_a_crash_before_the_manifest_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path))
    lake.append("r", reading_of(FIRST))

    def fail(*_: object) -> None:
        msg = "disk full"
        raise OSError(msg)

    monkeypatch.setattr(lake, "_publish", fail)
    with pytest.raises(OSError, match="disk full"):
        lake.append("r", reading_of(SECOND))
    history = Lake(str(tmp_path)).history("r", LAYOUT)
    assert history is not None
    assert history.rows.n == 2
