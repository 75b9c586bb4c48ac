"""The files that a run leaves: written aside, then moved in place together, so that none is ever half there."""

import json
import os
import shutil
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from agents.documenting import Documenter
from detectors.assess import most_surprising
from detectors.casework import ANSWERS
from detectors.grouping import PATTERN_IDS, Finding, Judged
from detectors.reasons import reason
from recon.errors import BadInput
from recon.ids import break_id
from recon.panel import Panel
from recon.rows import Reading
from recon.text import neutralise_all

Format = Literal["csv", "parquet"]

COLUMNS: Final = (
    "tieout_pair",
    "tieout_row",
    "tieout_break",
    "tieout_anomaly",
    "tieout_score",
    "tieout_pvalue",
    "tieout_expected",
    "tieout_low",
    "tieout_high",
    "tieout_pattern",
    "tieout_cause",
    "tieout_case",
    "tieout_reason",
    "tieout_comment",
    "tieout_similar",
)

MOST_REASONS: Final = 10_000
"""Above this many rows, matches in line get no sentence of their own: nobody reads them, and under the
profiler those of 20,000 current rows took as long as reading a million."""


@dataclass(frozen=True)
class Proposed:
    """The comment proposed for a break, with the ids of its precedents."""

    comment: str
    similar: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What the files tell of a run, beyond the numbers themselves."""

    judged: Judged
    current: Reading
    case_of: Mapping[Finding, str]
    """Finding -> case id."""
    proposed: Mapping[Finding, Proposed]
    numbers: Sequence[npt.NDArray[np.uint64]]
    """Per panel and judged row: the number of its break id."""
    documenter: Documenter
    """Words the comment where no precedent lends one."""
    reasons: dict[Finding, str] = field(default_factory=dict)
    """Sentences that were made already, by the cases or by the other table."""

    def reason(self, finding: Finding) -> str:
        """The finding's sentence, made once."""
        if finding not in self.reasons:
            p, j = finding
            judged = self.judged
            self.reasons[finding] = reason(judged.panels[p], judged.judgements[p], j, judged.lessons)
        return self.reasons[finding]


class CannotWrite(BadInput):
    """The output folder is full, or not ours to write; what stood there stands."""


@contextmanager
def set_aside(out: Path) -> Any:
    """A folder to write into; its files replace those of `out` when the block ends well, and vanish when not.

    Raises CannotWrite.
    """
    aside = out / f".writing-{uuid.uuid4().hex[:8]}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
        yield aside
        with undisturbed():
            for file in sorted(aside.iterdir()):
                file.replace(out / file.name)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        msg = (
            f"{out}: the files of this run cannot be written ({reason}); make room or name another --out, then run it "
            "again. What was found is kept in the workspace, and older files there stand as they were"
        )
        raise CannotWrite(msg) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Lets Ctrl-C wait until the block has ended; elsewhere than in the main thread nothing is to be held back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            raise KeyboardInterrupt


def write_tables(folder: Path, told: Told, file_format: Format) -> None:
    """breaks, findings and rejects."""
    _write(folder, "breaks", breaks_table(told), file_format)
    _write(folder, "findings", findings_table(told), file_format)
    pa_csv.write_csv(rejects_table(told.current), folder / "rejects.csv")


def write_json(folder: Path, name: str, value: Any) -> None:
    """One JSON document: of a list each member in a line of its own, anything else indented for people."""
    if isinstance(value, list):
        # an indented document is made in Python, not in C, which thousands of cases would feel
        told = "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in value) + "\n]"
    else:
        told = json.dumps(value, indent=1, ensure_ascii=False)
    (folder / name).write_text(told + "\n", encoding="utf-8")


def _write(folder: Path, name: str, table: pa.Table, file_format: Format) -> None:
    if file_format == "parquet":
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        return
    safe = {
        n: neutralise_all(c) if pa.types.is_string(c.type) else c
        for n, c in zip(table.column_names, table.columns, strict=True)
    }
    out = pa.Table.from_arrays(list(safe.values()), names=[neutral_header(n) for n in table.column_names])
    pa_csv.write_csv(out, folder / f"{name}.csv")


def neutral_header(name: str) -> str:
    """A header as one line; a line break in it would forge a row."""
    return " ".join(name.split()) if any(sign in name for sign in "\r\n") else name


def breaks_table(told: Told) -> pa.Table:
    """Every readable current row in input order: its own columns, then the answer for its most surprising pair."""
    rows = told.current.rows
    which, position = most_surprising(told.judged, rows.n)
    own = [(n, rows.text.column(n)) for n in rows.text.column_names if n not in COLUMNS]
    gather = _Gather(told, which, position)
    names = pa.array([panel.pair.name for panel in told.judged.panels] or [""])
    answers = {
        "tieout_pair": names.take(pa.array(np.maximum(which, 0))) if rows.n else pa.array([], pa.string()),
        "tieout_row": pa.array(rows.row),
        **gather.answers(),
    }
    return pa.table(dict([*own, *((name, answers[name]) for name in COLUMNS)]))


@dataclass(frozen=True)
class _Gather:
    """Picks from the panels' judgements one value for each wanted row."""

    told: Told
    which: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]

    def of(self, get: Callable[[int], npt.NDArray[Any]], dtype: Any, default: Any) -> npt.NDArray[Any]:
        """The values `get(panel index)[position]`, `default` where a row was not judged."""
        out = np.full(len(self.which), default, dtype)
        for p in range(len(self.told.judged.panels)):
            mine = self.which == p
            if mine.any():
                out[mine] = get(p)[self.position[mine]]
        return out

    def answers(self) -> dict[str, pa.Array]:
        judged = self.told.judged
        js = judged.judgements
        pattern = self.of(lambda p: js[p].pattern, np.int8, -1).astype(np.int64)
        patterns = pa.array([*PATTERN_IDS, ""]).take(pa.array(np.where(pattern < 0, len(PATTERN_IDS), pattern)))
        anomaly = self.of(lambda p: js[p].anomaly, np.int8, -1)
        is_break = self.of(lambda p: judged.panels[p].is_break[js[p].rows], np.bool_, False)
        cause = self.of(lambda p: judged.causes[p], object, "")
        case, comment, similar, reasons = self._told_by_finding(is_break | (anomaly == 1))
        return {
            "tieout_break": pa.array(["no", "yes"]).take(pa.array(is_break.astype(np.int64))),
            "tieout_anomaly": pa.array(ANSWERS).take(pa.array(np.where(anomaly < 0, 2, anomaly).astype(np.int64))),
            "tieout_score": pa.array(self.of(lambda p: js[p].score, np.float64, 0.0)),
            "tieout_pvalue": _floats(self.of(lambda p: js[p].pvalue, np.float64, np.nan)),
            "tieout_expected": _floats(np.round(self.of(lambda p: js[p].expected, np.float64, np.nan), 6)),
            "tieout_low": _floats(np.round(self.of(lambda p: js[p].low, np.float64, np.nan), 6)),
            "tieout_high": _floats(np.round(self.of(lambda p: js[p].high, np.float64, np.nan), 6)),
            "tieout_pattern": self._corrected(patterns),
            "tieout_cause": pa.array(cause.tolist(), pa.string()),
            "tieout_case": case,
            "tieout_reason": reasons,
            "tieout_comment": comment,
            "tieout_similar": similar,
        }

    def _corrected(self, patterns: pa.Array) -> pa.Array:
        """The patterns, with a person's word in place of the judgement's where one was said of the like."""
        judged = self.told.judged
        if judged.lessons is None or not judged.lessons.lessons:
            return patterns
        words = patterns.to_pylist()
        for i in np.flatnonzero(self.of(lambda p: judged.judgements[p].numbers["pattern_by"], np.float64, -1.0) >= 0):
            words[i] = judged.pattern((int(self.which[i]), int(self.position[i])))
        return pa.array(words)

    def _told_by_finding(self, notable: npt.NDArray[np.bool_]) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
        n = len(self.which)
        case, comment, similar, reasons = ([""] * n for _ in range(4))
        spoken = self.which >= 0 if n <= MOST_REASONS else notable
        for i in np.flatnonzero(spoken):
            reasons[i] = self.told.reason((int(self.which[i]), int(self.position[i])))
        for i in np.flatnonzero(notable):
            f = (int(self.which[i]), int(self.position[i]))
            case[i] = self.told.case_of.get(f, "")
            proposed = self.told.proposed.get(f)
            if proposed is not None:
                comment[i], similar[i] = proposed.comment, ";".join(proposed.similar)
            else:
                comment[i] = self.told.documenter.comment(f)
        return pa.array(case), pa.array(comment), pa.array(similar), pa.array(reasons)


def findings_table(told: Told) -> pa.Table:
    """One line per current row and pair, by row and then in the order of pairs."""
    parts = [_panel_findings(told, p) for p in range(len(told.judged.panels))]
    if not parts:
        return pa.table({"tieout_row": pa.array([], pa.int64())})
    table = pa.concat_tables(parts)
    order = np.lexsort((np.repeat(np.arange(len(parts)), [p.num_rows for p in parts]), table.column(0).to_numpy()))
    return table.take(pa.array(order))


def _panel_findings(told: Told, p: int) -> pa.Table:
    panel, judgement = told.judged.panels[p], told.judged.judgements[p]
    rows = judgement.rows
    m = len(rows)
    gather = _Gather(told, np.full(m, p, np.int64), np.arange(m))
    ids = pa.array([break_id(int(number)) for number in told.numbers[p]]) if m <= MOST_REASONS else _few_ids(told, p)
    return pa.table(
        {
            "tieout_row": pa.array(told.current.rows.row[panel.source[rows]]),
            "tieout_pair": pa.array([panel.pair.name]).take(pa.array(np.zeros(m, np.int64))),
            "tieout_break_id": ids,
            "tieout_left": side_text(panel, rows, "left", told.current),
            "tieout_right": side_text(panel, rows, "right", told.current),
            "tieout_difference": decimals(panel.diff[rows], panel.scale).cast(pa.string()),
            **gather.answers(),
        }
    )


def _few_ids(told: Told, p: int) -> pa.Array:
    """Break ids where a finding is a break or an anomaly, empty text elsewhere."""
    panel, judgement = told.judged.panels[p], told.judged.judgements[p]
    out = [""] * len(judgement.rows)
    for j in np.flatnonzero(panel.is_break[judgement.rows] | (judgement.anomaly == 1)):
        out[j] = break_id(int(told.numbers[p][j]))
    return pa.array(out)


def side_text(panel: Panel, rows: npt.NDArray[np.int64], side: str, current: Reading) -> pa.Array:
    """One side's values as exact text, null where the side is missing."""
    missing = pa.array(getattr(panel, f"{side}_missing")[rows])
    column = getattr(panel.pair, side)
    if column is None:
        return pa.nulls(len(rows), pa.string())
    if panel.pair.kind == "text":
        text = current.rows.text.column(column).take(pa.array(panel.source[rows])).combine_chunks()
    else:
        text = decimals(getattr(panel, side)[rows], panel.scale).cast(pa.string())
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def decimals(units: npt.NDArray[np.int64], scale: int) -> pa.Array:
    """Integer units as exact decimals, without a Python object for each.

    >>> decimals(np.array([-123450]), 2).to_pylist()
    [Decimal('-1234.50')]
    """
    wide = np.empty((len(units), 2), np.int64)
    wide[:, 0] = units
    wide[:, 1] = units >> 63
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(units), [None, pa.py_buffer(wide.tobytes())])


def rejects_table(reading: Reading) -> pa.Table:
    """Every row that could not be read, with its file, line, reason and text."""
    rejects = reading.rejects
    text = pa.array([r.text for r in rejects], pa.string())
    return pa.table(
        {
            "file": neutralise_all(pa.array([r.file for r in rejects], pa.string())),
            "line": pa.array([r.line for r in rejects], pa.int64()),
            "row": pa.array([r.row for r in rejects], pa.int64()),
            "why": pa.array([r.why for r in rejects], pa.string()),
            "text": neutralise_all(text),
        }
    )


def _floats(values: npt.NDArray[np.float64]) -> pa.Array:
    return pa.array(values, from_pandas=True)
