"""Scores do not depend on the number of buckets, on threads or on the order of rows, from a lake or from files."""

import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import LAYOUT, reading_of

from detectors import bucketwise
from detectors.bucketwise import Judged, Terms, judge_in_buckets, newest_or_whole
from recon.buckets import Bucket, Place
from recon.calendar import BusinessCalendar
from recon.engines import Threads
from recon.lake import Lake
from recon.panels import bucket_panels, shared_of
from recon.recon_file import ReconFile
from recon.rows import Reading, take

SAID = ReconFile()
TERMS = Terms(LAYOUT, SAID, BusinessCalendar.of(SAID.calendar))
HEADER = "date,account,desk,currency,ledger,bank,comment"


def book(seed: int, series: int = 60, days: int = 30) -> tuple[Reading, Reading]:
    """(current, history): accounts on desks, most in line, some breaking, a few keys new, some days twice."""
    rng = np.random.default_rng(seed)
    lines: list[list[str]] = [[], []]
    for account in range(series):
        first = days if account % 17 == 0 else int(rng.integers(0, 6))
        usual = rng.normal(0, 5) if account % 3 == 0 else 0.0
        for day in range(first, days + 1):
            bank = 1000 + account
            off = round(usual + rng.normal(0, 1) if usual else float(rng.random() < 0.1) * rng.normal(0, 50), 2)
            off = off + 900 if day == days and account % 11 == 0 else off
            text = (
                f"2026-{1 + day // 28:02}-{1 + day % 28:02},A{account},d{account % 4},{'USD' if account % 2 else 'EUR'}"
            )
            said = f"{text},{bank + off:.2f},{bank},{'late' if off else ''}"
            lines[day == days].append(said)
            if rng.random() < 0.03:
                lines[day == days].append(said)
    history, current = (reading_of("\n".join([HEADER, *part])) for part in lines)
    return replace(current, file_hashes=("now",)), replace(history, file_hashes=("past",))


def in_memory(current: Reading, history: Reading | None) -> Judged:
    whole = Bucket(bucket_panels(current, history, SAID), history)
    return judge_in_buckets(Threads().hold(lambda _: whole, 1), TERMS)


def from_the_lake(current: Reading, history: Reading, buckets: int, *, files: bool, keep: bool = True) -> Judged:
    lake = Lake(f"memory://{uuid.uuid4().hex}")
    if not files:
        lake.append("r", history)
        lake.compact("r", whole=True)
    place = Place(
        url=lake.url, recon="r", layout=LAYOUT, said=SAID, known=None, current=lake.stage("r", current),
        history=lake.stage("r", history) if files else None, before_hashes=("now",), until=None,
        shared=shared_of(current.rows), rows=1, buckets=buckets,
    )  # fmt: skip
    return judge_in_buckets(Threads().hold(place.load, buckets, keep=keep), TERMS)


def answers(judged: Judged, current: Reading) -> list[tuple[object, ...]]:
    """One line for each current row, by what it holds."""
    (panel,), (judgement,) = judged.panels, judged.judgements
    names = panel.columns["account"]
    lines = []
    for j, row in enumerate(judgement.rows):
        account = names.vocabulary[int(names.codes[row])].as_py()
        level = panel.group_names[judgement.level[j]] if judgement.level[j] >= 0 else ""
        assert current.rows.pairs[0].left[panel.source[row]] == panel.left[row]
        numbers = [float(x) for x in (judgement.score[j], judgement.pvalue[j], judgement.low[j], judgement.high[j])]
        shown = tuple(f"{x:.12g}" for x in numbers)
        lines.append(
            (account, int(panel.left[row]), *shown, int(judgement.anomaly[j]), int(judgement.pattern[j]), level)
        )
    return sorted(lines)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_number_of_buckets_says_nothing(seed: int) -> None:
    current, history = book(seed)
    whole = answers(in_memory(current, history), current)
    assert {line[6] for line in whole} >= {0, 1}
    for buckets, files, keep in ((1, True, True), (4, False, False), (16, True, False)):
        judged = from_the_lake(current, history, buckets, files=files, keep=keep)
        assert answers(judged, current) == whole


def test_the_order_of_rows_says_nothing() -> None:
    current, history = book(3)
    whole = answers(in_memory(current, history), current)
    rng = np.random.default_rng(0)
    shuffled = [take(reading, rng.permutation(reading.rows.n)) for reading in (current, history)]
    assert answers(in_memory(*shuffled), shuffled[0]) == whole
    assert answers(from_the_lake(*shuffled, 8, files=True), shuffled[0]) == whole


def test_a_run_without_a_past_is_the_same_in_buckets() -> None:
    current, _ = book(4)
    lake = Lake(f"memory://{uuid.uuid4().hex}")
    place = Place(
        url=lake.url, recon="r", layout=LAYOUT, said=SAID, known=None, current=lake.stage("r", current), history=None,
        before_hashes=("now",), until=None, shared=shared_of(current.rows), rows=1, buckets=8,
    )  # fmt: skip
    assert answers(judge_in_buckets(Threads().hold(place.load, 8), TERMS), current) == answers(
        in_memory(current, None), current
    )


def test_of_a_large_past_only_what_is_looked_at_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    current, history = book(5)
    every = in_memory(current, history)
    monkeypatch.setattr(bucketwise, "WHOLE", 0)
    few, spread = in_memory(current, history), from_the_lake(current, history, 8, files=False)
    assert answers(few, current) == answers(spread, current) == answers(every, current)
    (whole,), (panel,), (other,) = every.panels, few.panels, spread.panels
    assert panel.n < whole.n
    for name in ("series_id", "offsets", "day", "current", "left", "right", "is_break", "diff"):
        assert np.array_equal(getattr(panel, name), getattr(other, name))
    broken = panel.series_id[panel.series_of_rows()[panel.current & panel.is_break]]
    mine = np.isin(whole.series_id, broken)
    assert np.array_equal(np.diff(panel.offsets)[np.isin(panel.series_id, broken)], np.diff(whole.offsets)[mine])
    assert np.diff(panel.offsets).min() >= 1
    for judged in (few, spread):
        assert judged.history is not None
        (one,) = judged.panels
        past = np.flatnonzero(~one.current)
        assert np.array_equal(judged.history.rows.day[one.source[past]], one.day[past])
        said = judged.history.rows.comment.to_pylist()
        assert all((said[s] == "late") == (d != 0) for s, d in zip(one.source[past], one.diff[past], strict=True))


def test_text_is_numbered_alike_in_every_bucket(tmp_path: Path) -> None:
    import pyarrow as pa

    from recon.panels import _in_words
    from recon.rows import Pair, PairColumns

    zero = np.zeros(2, np.int64)
    state = np.zeros(2, np.uint8)
    words = pa.array(["BUY", "SELL"])

    def pair(*own: str) -> PairColumns:
        codes = np.arange(2)
        return PairColumns(Pair("s", "l", "r", None, "text"), 0, codes, codes, state, state, None, zero, pa.array(own))

    assert _in_words(pair("SELL", "BUY"), words).left.tolist() == [1, 0]
    strange = _in_words(pair("HOLD", "BUY"), words).left, _in_words(pair("BUY", "HOLD"), words).left
    assert strange[0][0] == strange[1][1] < 0


def test_a_bucket_says_how_large_it_is() -> None:
    """Dask moves what it takes for small."""
    current, history = book(3)
    bucket = Bucket(bucket_panels(current, history, SAID), history)
    assert sys.getsizeof(Bucket((), history)) > history.rows.day.nbytes + history.rows.comment.nbytes
    rows = bucket.panels[0].n * (5 * 8 + 4 + 5)
    assert rows < sys.getsizeof(Bucket(bucket.panels, None)) < 10 * rows
    assert sys.getsizeof(Bucket(bucket.panels * 2, None)) == sys.getsizeof(Bucket(bucket.panels, None))


def test_the_newest_past_rows_and_whole_series_stay_at_hand() -> None:
    rng = np.random.default_rng(6)
    offsets = np.cumsum([0, *rng.integers(1, 9, 40)])
    current, whole = rng.random(offsets[-1]) < 0.3, rng.random(40) < 0.3
    kept = newest_or_whole(offsets, current, whole, 2)
    for s in range(40):
        rows = range(offsets[s], offsets[s + 1])
        newest = [t for t in rows if not current[t]][-2:]
        assert [t for t in rows if kept[t]] == [t for t in rows if whole[s] or current[t] or t in newest]
