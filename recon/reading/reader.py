"""The import doctor's rounds: files in, one reading out, every row accounted for and every oddity said."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.calendar import BusinessCalendar
from recon.errors import AmbiguousDates, BadInput, UnreadableFile
from recon.money import DecimalSign, to_units
from recon.reading import doctor
from recon.reading.amounts import (
    EMPTY_SPREAD,
    SignFound,
    Spread,
    decimal_sign_of,
    spread_of_counted,
    spreads_of,
)
from recon.reading.assemble import Notes, PairAmounts, PartPlan, PartReader, ReadPart, blank_codes, comments_of
from recon.reading.codes import code_column, join_codes
from recon.reading.columns import Column, profile_columns, sample_rows
from recon.reading.dates import DateReader, Votes, first_of_month, said_order, votes_of
from recon.reading.keys import Grouping
from recon.reading.roles import Roles, infer_roles, numeric_date
from recon.reading.sheet import Part, Sheet, make_sheets, without, without_footers
from recon.reading.sides import Sides
from recon.reading.sniff import kind_of
from recon.reading.table import Counted, RawTable, row_text
from recon.reading.text_file import read_text
from recon.reading.tolerance import boundary_of, default_units, shown
from recon.recon_file import ReconFile
from recon.rows import (
    NO_DAY,
    NO_STAMP,
    PRESENT,
    Codes,
    ImportFinding,
    Layout,
    Pair,
    PairColumns,
    Reading,
    Reject,
    Rows,
)

KEY_ROWS = 150_000
"""Rows looked at when the key is inferred; whole dates of them."""

MAX_REJECTS: Final = 1_000_000
"""Rejected rows that are listed, some 500 bytes of memory each; with more, the file is refused as a whole."""

Keep = npt.NDArray[np.bool_] | slice
_ALL: Final = slice(None)
"""All rows of a part, without a copy."""


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


@dataclass(frozen=True)
class _Decided:
    """What holds for all files of a reading."""

    layout: Layout
    sides: Sides | None
    aliases: Mapping[str, str]
    plans: Mapping[int, PartPlan]
    """By the part's table's identity."""
    scales: Mapping[str, int]
    findings: tuple[ImportFinding, ...]


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
        known = _columns_of(layout) if layout else ()
        now, past = (without_footers(sheet) for sheet in make_sheets(current, history, known))
        decided = self._decide(now, past, layout)
        reader = PartReader(self.connection, decided.layout, decided.sides, self.calendar, decided.scales)
        notes = {"now": Notes(), "past": Notes()}
        read_now = [reader.read(p, decided.plans[id(p.table)], notes["now"]) for p in now.parts]
        read_past = [reader.read(p, decided.plans[id(p.table)], notes["past"]) for p in past.parts]
        kept_past, cut = _cut(read_now, read_past)
        layout = decided.layout
        layout, boundaries = self._tolerances(layout, decided.scales, [*read_now, *kept_past], now, past)
        decided = replace(decided, layout=layout)
        first = self._reading(now, read_now, decided, notes["now"], reader, boundaries)
        if not history:
            return first, None
        second = self._reading(past, kept_past, decided, notes["past"], reader, boundaries, cut, with_text=False)
        return first, second

    def _decide(self, now: Sheet, past: Sheet, layout: Layout | None) -> _Decided:
        parts = [*now.parts, *past.parts]
        signs = {id(part.table): self._sign(part) for part in parts}
        sign: DecimalSign = next((s.sign for s in signs.values() if s.sign == "comma"), "point")
        columns = self._columns(now, past, sign)
        if layout is None:
            roles = infer_roles(columns, self.said, lambda cands, day: self._grouping(now, past, cands, day))
        else:
            roles = _known_roles(layout, columns)
        plans, findings = self._plans(parts, roles, columns, signs)
        scales, more = self._scales(parts, roles.layout)
        return _Decided(roles.layout, roles.sides, roles.aliases, plans, scales, tuple(findings + more))

    def _sign(self, part: Part) -> SignFound:
        if self.said.numbers is not None:
            return SignFound(self.said.numbers, "the recon file says so")
        return decimal_sign_of(part.table.few(sample_rows(part.n, len(part.names))))

    def _columns(self, now: Sheet, past: Sheet, sign: DecimalSign) -> dict[str, Column]:
        cells: dict[str, list[str]] = {}
        doubled = now.doubled | past.doubled
        samples = [sheet.sample() for sheet in (now, past)]
        names = list(dict.fromkeys([*now.names, *past.names]))
        for name in names:
            if name in doubled:
                continue
            cells[name] = []
            for sample in samples:
                length = len(next(iter(sample.values()), []))
                cells[name] += sample.get(name, [""] * length)
        return profile_columns(list(cells), cells, sign)

    def _grouping(self, now: Sheet, past: Sheet, columns: Sequence[Column], date_column: str | None) -> Grouping:
        sheets = [sheet for sheet in (now, past) if sheet.n]
        n = sum(sheet.n for sheet in sheets)
        day = _joined_codes(sheets, date_column) if date_column and n else np.zeros(n, dtype=np.int32)
        keep = _whole_dates(day)
        codes = {c.name: _joined_codes(sheets, c.name, keep).astype(np.int64) for c in columns}
        return Grouping(codes, day[keep].astype(np.int64))

    def _plans(
        self,
        parts: Sequence[Part],
        roles: Roles,
        columns: Mapping[str, Column],
        signs: Mapping[int, SignFound],
    ) -> tuple[dict[int, PartPlan], list[ImportFinding]]:
        layout = roles.layout
        votes = {id(part.table): _votes(part, columns) for part in parts}
        plans: dict[int, PartPlan] = {}
        findings: list[ImportFinding] = []
        needed = [name for name in (layout.date, layout.timestamp) if name]
        for part in parts:
            sign = signs[id(part.table)]
            self._refuse_ambiguous_numbers(part, layout, sign)
            readers, said = self._date_readers(part, votes, columns, needed)
            findings += said
            plans[id(part.table)] = PartPlan(readers, sign.sign)
            if sign.sign == "comma":
                findings.append(doctor.decimal_comma(part.file))
        return plans, findings

    def _date_readers(
        self,
        part: Part,
        votes: Mapping[int, Mapping[str, Votes]],
        columns: Mapping[str, Column],
        needed: Sequence[str],
    ) -> tuple[dict[str, DateReader], list[ImportFinding]]:
        order, fmt = said_order(self.said.dates)
        mine = votes[id(part.table)]
        total = _sum(mine.values())
        findings: list[ImportFinding] = []
        readers: dict[str, DateReader] = {}
        for name, vote in mine.items():
            own = order or vote.order() or total.order() or _neighbour(vote, votes, part)
            own = own or first_of_month(name, vote)
            if own is None and vote.open and fmt is None and name in needed:
                raise AmbiguousDates(doctor.ambiguous_dates(part.file, name, vote))
            number = numeric_date(columns[name]) if name in columns else "no"
            readers[name] = DateReader(
                own or "dayfirst",
                self.today,
                fmt if name in needed else None,
                "epoch" if number == "epoch" else "serial" if number == "serial" else "no",
            )
            if name in needed:
                findings += doctor.date_findings(part.file, name, vote, own, total, declared=order is not None)
        for name in needed:
            readers.setdefault(name, DateReader(order or total.order() or "dayfirst", self.today, fmt))
        return readers, findings

    def _refuse_ambiguous_numbers(self, part: Part, layout: Layout, sign: SignFound) -> None:
        if not sign.ambiguous:
            return
        for pair in layout.pairs:
            for name in (pair.left, pair.right):
                column = part.column(name) if name and pair.kind == "number" else None
                if column is None:
                    continue
                for row, cell in enumerate(column.slice(0, 10_000).to_pylist()):
                    if cell.strip() == sign.ambiguous:
                        line = part.table.line[row]
                        raise BadInput(doctor.ambiguous_number(part.file, int(line), name or "", cell.strip()))

    def _scales(self, parts: Sequence[Part], layout: Layout) -> tuple[dict[str, int], list[ImportFinding]]:
        from recon.money import exact_scale

        scales: dict[str, int] = {}
        findings: list[ImportFinding] = []
        for pair in layout.pairs:
            if pair.kind != "number":
                scales[pair.name] = 0
                continue
            spread = EMPTY_SPREAD
            for part in parts:
                names = (pair.left, pair.right, pair.tolerance_column)
                for name, found in self._spreads(part, [name for name in names if name]).items():
                    if name == pair.tolerance_column:
                        spread |= Spread(found.decimals, 0, 0)
                        continue
                    findings += doctor.precision_findings(part.file, name, found)
                    spread |= found
            least = 2 if pair.unit == "money" else 0
            told = _places(pair.tolerance)
            scales[pair.name] = exact_scale(max(spread.decimals, least, told), spread.integer_digits)
        return scales, findings

    def _spreads(self, part: Part, names: Sequence[str]) -> dict[str, Spread]:
        found: dict[str, Spread] = {}
        for name in names:
            column = part.raw(name)
            if isinstance(column, Counted) and (spread := spread_of_counted(self.connection, column)):
                found[name] = spread
        return found | spreads_of(self.connection, part.columns([name for name in names if name not in found]))

    def _tolerances(
        self,
        layout: Layout,
        scales: Mapping[str, int],
        parts: Sequence[ReadPart],
        now: Sheet,
        past: Sheet,
    ) -> tuple[Layout, dict[str, ImportFinding]]:
        """Pairs with a tolerance: as said, else where the status draws the line, else the default."""
        statuses = _statuses(parts, layout)
        decided: list[Pair] = []
        findings: dict[str, ImportFinding] = {}
        assumed = list(layout.assumed)
        for pair in layout.pairs:
            if pair.kind == "text" or pair.tolerance is not None or pair.tolerance_column is not None:
                decided.append(pair)
                continue
            found = doctor.boundary(pair, parts, statuses, layout) if statuses else None
            if found is None:
                text = format(doctor.default_for(pair), "f")
                why = "no tolerance is given and no status shows one"
            else:
                text = shown(found.units, scales[pair.name])
                why = f"the largest difference that the status calls a match, over {found.seen:,} rows"
            decided.append(replace(pair, tolerance=text) if found is not None else pair)
            if pair.right is not None or pair.derived is not None:
                assumed.append(
                    f"tolerance of {pair.name}: {text} ({why}); overrule with `tolerance:` in `columns: criteria:`"
                )
        return replace(layout, pairs=tuple(decided), assumed=tuple(assumed)), findings

    def _reading(
        self,
        sheet: Sheet,
        parts: Sequence[ReadPart],
        decided: _Decided,
        notes: Notes,
        reader: PartReader,
        boundaries: Mapping[str, ImportFinding],
        cut: ImportFinding | None = None,
        *,
        with_text: bool = True,
    ) -> Reading:
        """The readable rows and what is said of them; a past has no text of its own, for it is never written out."""
        layout = decided.layout
        rejects = _rejects(parts)
        sheet = replace(sheet, parts=tuple(part.part for part in parts))
        kept_sheet = without(sheet, [_kept(part) for part in parts])
        keep = [_kept(part) if part.why else _ALL for part in parts]
        files = tuple(part.part.file for part in parts)
        offsets = np.cumsum([0, *(part.part.table.rows_in for part in parts)])
        day = _joined([p.day[k] for p, k in zip(parts, keep, strict=True)], np.int32)
        stamp = None
        if any(part.stamp is not None for part in parts):
            stamp = _joined(
                [
                    part.stamp[k] if part.stamp is not None else np.full(len(part.day[k]), NO_STAMP)
                    for part, k in zip(parts, keep, strict=True)
                ],
                np.int64,
            )
        codes = self._codes(kept_sheet, layout, decided.aliases)
        rows = Rows(
            n=len(day),
            files=files,
            file=np.repeat(np.arange(len(parts), dtype=np.int16), [part.n for part in kept_sheet.parts]),
            line=_joined([p.part.table.line[k] for p, k in zip(parts, keep, strict=True)], np.int64),
            row=_joined(
                [
                    _shifted(p.part.table.ordinal[k], offsets[i])
                    for i, (p, k) in enumerate(zip(parts, keep, strict=True))
                ],
                np.int64,
            ),
            day=day,
            stamp=stamp,
            text=kept_sheet.text() if with_text else pa.table({}),
            columns=codes,
            pairs=tuple(self._pair_columns(pair, parts, keep, decided, codes, reader) for pair in layout.pairs),
            comment=comments_of(kept_sheet, layout.comment),
        )
        findings = [*sheet.findings, *_of_files(decided.findings, files), *([cut] if cut else [])]
        findings += doctor.findings(rows, layout, notes, rejects, self.today, kept_sheet)
        return Reading(
            layout,
            rows,
            rejects,
            tuple(findings),
            rows.n + len(rejects),
            tuple(p.table.sha256 for p in sheet.parts),
            self._facts(parts, decided),
        )

    def _codes(self, sheet: Sheet, layout: Layout, aliases: Mapping[str, str]) -> dict[str, Codes]:
        wanted = [*layout.key, *layout.historical, *layout.categorical, layout.currency, layout.status]
        codes: dict[str, Codes] = {}
        for name in wanted:
            if not name or name in codes:
                continue
            if name in sheet.names:
                codes[name] = sheet.codes(name)
                if aliases.get(name) in sheet.names:
                    blank = pa.array(blank_codes(codes[name]))
                    codes[name] = code_column(pc.if_else(blank, sheet.column(aliases[name]), sheet.column(name)))
            else:
                codes[name] = Codes(np.zeros(sheet.n, dtype=np.int32), pa.array([""]))
        return codes

    def _pair_columns(
        self,
        pair: Pair,
        parts: Sequence[ReadPart],
        keep: Sequence[Keep],
        decided: _Decided,
        codes: Mapping[str, Codes],
        reader: PartReader,
    ) -> PairColumns:
        scale = decided.scales[pair.name]
        both = list(zip([part.pairs[pair.name] for part in parts], keep, strict=True))
        n = sum(len(a.left[k]) for a, k in both)
        derived = None
        if any(amounts.derived is not None for amounts, _ in both):
            none = np.iinfo(np.int64).min
            derived = _joined(
                [
                    a.derived[k] if a.derived is not None else np.full(len(a.left[k]), none, dtype=np.int64)
                    for a, k in both
                ],
                np.int64,
            )
        vocabulary = None
        if pair.kind == "text":
            tolerance = np.zeros(n, dtype=np.int64)
            vocabulary = pa.array(list(reader.vocabularies.get(pair.name, {})), type=pa.string())
        else:
            tolerance = _tolerance(pair, scale, both, codes, decided.layout, n)
        return PairColumns(
            pair,
            scale,
            _joined([a.left[k] for a, k in both], np.int64),
            _joined([a.right[k] for a, k in both], np.int64),
            _joined([a.left_state[k] for a, k in both], np.uint8),
            _joined([a.right_state[k] for a, k in both], np.uint8),
            derived,
            tolerance,
            vocabulary,
        )

    def _facts(self, parts: Sequence[ReadPart], decided: _Decided) -> dict[str, Any]:
        files = {}
        for part in parts:
            plan = decided.plans[id(part.part.table)]
            name = decided.layout.date or decided.layout.timestamp
            reader = plan.dates.get(name) if name else None
            files[part.part.file] = {
                **part.part.table.facts,
                "decimal_sign": plan.sign,
                "dates": (reader.format or reader.order) if reader else None,
            }
        return {"files": files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _columns_of(layout: Layout) -> tuple[str, ...]:
    names: list[str | None] = [*layout.key, layout.date, layout.timestamp, layout.status, layout.currency]
    names += [name for pair in layout.pairs for name in (pair.left, pair.right, pair.derived, pair.tolerance_column)]
    names += [*layout.historical, *layout.categorical, *layout.comment, layout.label]
    return tuple(dict.fromkeys(name for name in names if name))


def _known_roles(layout: Layout, columns: Mapping[str, Column]) -> Roles:
    from recon.reading.sides import find_sides

    missing = [
        name
        for name in (*layout.key, layout.date, *(p.left for p in layout.pairs), *(p.right for p in layout.pairs))
        if name and name not in columns
    ]
    if missing:
        msg = f"the files lack the column {missing[0]!r} of this reconciliation; they have {', '.join(columns)}"
        raise BadInput(msg)
    return Roles(layout, {}, find_sides(list(columns.values())), {})


def _joined_codes(
    sheets: Sequence[Sheet], name: str, rows: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int32]:
    """Codes of one column over current and history together, at some ascending rows of both."""
    found = [sheet.codes(name) for sheet in sheets]
    if rows is not None:
        ends = np.cumsum([0, *(sheet.n for sheet in sheets)])
        spots = np.searchsorted(rows, ends)
        mine = [rows[spots[i] : spots[i + 1]] - ends[i] for i in range(len(found))]
        found = [Codes(one.codes[at], one.vocabulary) for one, at in zip(found, mine, strict=True)]
    return join_codes(found).codes


def _whole_dates(day: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Row positions of evenly spread whole dates, about KEY_ROWS of them; `day` holds small codes."""
    n = len(day)
    if n <= KEY_ROWS:
        return np.arange(n)
    counts = np.bincount(day)
    days = np.flatnonzero(counts)
    wanted = max(2, int(len(days) * KEY_ROWS / n))
    picked = days[np.linspace(0, len(days) - 1, min(wanted, len(days))).astype(int)]
    crowded = counts.max() > 2 * KEY_ROWS
    chosen = np.zeros(len(counts), np.bool_)
    chosen[picked[:2] if crowded else picked] = True
    rows = np.flatnonzero(chosen[day])
    return rows[: 2 * KEY_ROWS] if crowded else rows


def _votes(part: Part, columns: Mapping[str, Column]) -> dict[str, Votes]:
    """Votes of every date column of the file, over all its distinct texts up to a bound."""
    found: dict[str, Votes] = {}
    for name, column in columns.items():
        if name not in part.names or not (column.is_date or numeric_date(column) != "no"):
            continue
        codes = part.codes(name)
        if codes is not None:
            found[name] = votes_of(codes.vocabulary.slice(0, 20_000).to_pylist())
    return found


def _sum(votes: Any) -> Votes:
    dayfirst = monthfirst = unsettled = dates = 0
    for vote in votes:
        dayfirst += vote.dayfirst
        monthfirst += vote.monthfirst
        unsettled += vote.open
        dates += vote.dates
    return Votes(dayfirst, monthfirst, unsettled, dates)


def _neighbour(vote: Votes, votes: Mapping[int, Mapping[str, Votes]], part: Part) -> Any:
    """The order of another file that writes its dates in the same manner, when all such files agree."""
    manner = _manner(vote)
    orders = {
        other.order()
        for key, columns in votes.items()
        if key != id(part.table)
        for other in columns.values()
        if other.order() is not None and _manner(other) == manner
    }
    return orders.pop() if len(orders) == 1 else None


def _manner(vote: Votes) -> tuple[str, int]:
    example = vote.open_example or vote.dayfirst_example or vote.monthfirst_example
    mark = next((letter for letter in example if not letter.isdigit()), "")
    return mark, len(example.rpartition(mark)[2]) if mark else 0


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


def _statuses(parts: Sequence[ReadPart], layout: Layout) -> list[Codes | None]:
    if layout.status is None:
        return []
    found: list[Codes | None] = []
    for part in parts:
        found.append(part.part.codes(layout.status))
    return found if any(found) else []


def _rejects(parts: Sequence[ReadPart]) -> tuple[Reject, ...]:
    offset = 0
    found: list[Reject] = []
    count = sum(len(part.why) + len(part.part.table.rejects) for part in parts)
    if count > MAX_REJECTS:
        raise _too_many(parts, count)
    for part in parts:
        table = part.part.table
        mine = [Reject(table.name, r.line, r.ordinal + offset, r.why, r.text) for r in table.rejects]
        rows = sorted(part.why)
        texts = zip(*table.few(np.array(rows)), strict=True) if rows else ()
        for row, cells in zip(rows, texts, strict=True):
            text = row_text(cells)
            mine.append(Reject(table.name, int(table.line[row]), int(table.ordinal[row]) + offset, part.why[row], text))
        found.extend(sorted(mine, key=lambda reject: reject.row))
        offset += table.rows_in
    return tuple(found)


def _too_many(parts: Sequence[ReadPart], count: int) -> UnreadableFile:
    table, why = next((part.part.table, part.why) for part in parts if part.why or part.part.table.rejects)
    firsts = [(reject.line, reject.why) for reject in table.rejects[:1]]
    firsts += [(int(table.line[row]), why[row]) for row in sorted(why)[:1]]
    line, said = min(firsts)
    return UnreadableFile(
        f"{table.name}: line {line}: {said}; {count:,} rows cannot be read, more than the {MAX_REJECTS:,} that are "
        "listed one by one: name the right columns or formats in the recon file, or export the file anew"
    )


def _kept(part: ReadPart) -> npt.NDArray[np.bool_]:
    keep = np.ones(part.part.n, dtype=np.bool_)
    keep[list(part.why)] = False
    return keep


def _shifted(ordinal: npt.NDArray[np.int64], by: int) -> npt.NDArray[np.int64]:
    return ordinal + by if by else ordinal


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    if not arrays:
        return np.zeros(0, dtype=dtype)
    if len(arrays) == 1:
        return arrays[0].astype(dtype, copy=False)
    return np.concatenate(arrays).astype(dtype, copy=False)


def _tolerance(
    pair: Pair,
    scale: int,
    both: Sequence[tuple[PairAmounts, Keep]],
    codes: Mapping[str, Codes],
    layout: Layout,
    n: int,
) -> npt.NDArray[np.int64]:
    if pair.tolerance is not None:
        from decimal import Decimal

        return np.broadcast_to(np.int64(to_units(Decimal(pair.tolerance), scale)), n)
    money = codes.get(layout.currency) if layout.currency else None
    words = money.vocabulary.to_pylist() if money else []
    default = default_units(pair, scale, words, money.codes if money else None, n)
    if pair.tolerance_column is None:
        return default
    own = _joined(
        [a.tolerance[k] if a.tolerance is not None else np.full(len(a.left[k]), -1, dtype=np.int64) for a, k in both],
        np.int64,
    )
    return np.where(own >= 0, own, default)


def _places(text: str | None) -> int:
    return len(text.partition(".")[2]) if text else 0


def _of_files(findings: Sequence[ImportFinding], files: Sequence[str]) -> list[ImportFinding]:
    return [finding for finding in findings if any(finding.where.startswith(file) for file in files)]


__all__ = ["PRESENT", "boundary_of", "read", "read_both"]
