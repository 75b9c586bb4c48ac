"""The import doctor's rounds: files in, one reading out, every row accounted for and every oddity said."""

import hashlib
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from recon.calendar import BusinessCalendar
from recon.reading import doctor
from recon.reading.assemble import Notes, PartReader, ReadPart
from recon.reading.decide import Decider
from recon.reading.gather import gather
from recon.reading.sheet import make_sheets, without_footers
from recon.reading.sniff import kind_of
from recon.reading.table import RawTable
from recon.reading.text_file import read_text
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, ImportFinding, Layout, Reading


def read(
    paths: Sequence[Path],
    said: ReconFile,
    *,
    today: date,
    layout: Layout | None = None,
    names: Sequence[str] | None = None,
) -> Reading:
    """Reads files of one reconciliation; `layout` when the roles are decided already, `names` to show for the paths.

    Raises UnreadableFile, AmbiguousDates, BadReconFile or BadInput: one sentence each.
    """
    with _Doctor(said, today) as rounds:
        reading, _ = rounds.examine(rounds.tables(paths, names), [], layout)
        return reading


def read_both(
    current: Sequence[Path],
    history: Sequence[Path],
    said: ReconFile,
    *,
    today: date,
    layout: Layout | None = None,
) -> tuple[Reading, Reading | None]:
    """Reads current and history files under one layout, with the same scale per pair; dates checked across them.

    A history that runs past the current files' newest date is cut there, and said. Raises as `read` does.
    """
    with _Doctor(said, today) as rounds:
        return rounds.examine(rounds.tables(current, None), rounds.tables(history, None), layout)


def _silent() -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, without the bar that it draws on stdout when something takes long: there stands our JSON."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    return connection


@dataclass
class _Doctor:
    """One examination: its connection and its folder for clean copies."""

    said: ReconFile
    today: date
    connection: duckdb.DuckDBPyConnection = field(default_factory=_silent)

    def __enter__(self) -> "_Doctor":
        self._folder = tempfile.TemporaryDirectory(prefix="tieout-")
        self.calendar = BusinessCalendar.of(self.said.calendar)
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._folder.cleanup()

    def tables(self, paths: Sequence[Path], names: Sequence[str] | None) -> list[RawTable]:
        files = [Path(path) for path in paths]
        with ThreadPoolExecutor(1) as pool:
            # a file's hash is made while it is parsed: both wait for the disk
            hashes = [pool.submit(_sha256, file) for file in files]
            tables = [self._table(file) for file in files]
            tables = [replace(table, sha256=of.result()) for table, of in zip(tables, hashes, strict=True)]
        return tables if names is None else [replace(t, name=name) for t, name in zip(tables, names, strict=True)]

    def _table(self, path: Path) -> RawTable:
        match kind_of(path):
            case "text":
                return read_text(path, self.said.encoding, self.connection, Path(self._folder.name))
            case "excel":
                from recon.reading.excel_file import read_excel

                return read_excel(path)
            case "parquet":
                from recon.reading.parquet_file import read_parquet

                return read_parquet(path, self.connection)

    def examine(
        self, current: list[RawTable], history: list[RawTable], layout: Layout | None
    ) -> tuple[Reading, Reading | None]:
        decider = Decider(self.said, self.today, self.connection)
        known = _columns_of(layout) if layout else ()
        now, past = (without_footers(sheet) for sheet in make_sheets(current, history, known))
        decided = decider.decide(now, past, layout)
        reader = PartReader(self.connection, decided.layout, decided.sides, self.calendar, decided.scales)
        notes = {"now": Notes(), "past": Notes()}
        read_now = [reader.read(p, decided.plans[id(p.table)], notes["now"]) for p in now.parts]
        read_past = [reader.read(p, decided.plans[id(p.table)], notes["past"]) for p in past.parts]
        kept_past, cut = _cut(read_now, read_past)
        layout = decided.layout
        layout, boundaries = decider.tolerances(layout, decided.scales, [*read_now, *kept_past], now, past)
        decided = replace(decided, layout=layout)
        first = gather(now, read_now, decided, notes["now"], reader, boundaries, today=self.today)
        if not history:
            return first, None
        second = gather(
            past, kept_past, decided, notes["past"], reader, boundaries, cut, with_text=False, today=self.today
        )
        return first, second


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _columns_of(layout: Layout) -> tuple[str, ...]:
    names: list[str | None] = [*layout.key, layout.date, layout.timestamp, layout.status, layout.currency]
    names += [name for pair in layout.pairs for name in pair.columns]
    names += [*layout.historical, *layout.categorical, *layout.comment, layout.label]
    return tuple(dict.fromkeys(name for name in names if name))


def _cut(now: Sequence[ReadPart], past: Sequence[ReadPart]) -> tuple[list[ReadPart], ImportFinding | None]:
    """History without the rows dated after the newest current date."""
    newest = max((int(p.day[p.day != NO_DAY].max(initial=NO_DAY)) for p in now), default=int(NO_DAY))
    if newest == int(NO_DAY) or not past:
        return list(past), None
    count, kept, first = 0, [], ""
    for part in past:
        late = (part.day > newest) & (part.day != NO_DAY)
        late[list(part.why)] = False
        if late.any():
            where = np.flatnonzero(late)
            count += len(where)
            first = first or f"{part.part.file}: line {part.part.table.line[where[0]]}"
            why = dict(part.why) | {int(i): "dated after the newest current row" for i in where}
            part = replace(part, why=why)
        kept.append(part)
    return kept, doctor.history_cut(count, first, newest) if count else None
