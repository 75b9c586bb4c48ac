"""What holds for all files of a reading: roles, signs, dates, scales and tolerances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import numpy as np
import numpy.typing as npt

from recon.errors import BadInput
from recon.money import DecimalSign
from recon.reading import doctor
from recon.reading.amounts import EMPTY_SPREAD, SignFound, Spread, decimal_sign_of, spread_of_counted, spreads_of
from recon.reading.assemble import PartPlan, ReadPart
from recon.reading.codes import join_codes
from recon.reading.columns import Column, profile_columns, sample_rows
from recon.reading.date_order import date_readers, votes_in
from recon.reading.keys import Grouping
from recon.reading.roles import Roles, infer_roles
from recon.reading.sheet import Part, Sheet
from recon.reading.sides import Sides
from recon.reading.table import Counted
from recon.reading.tolerance import shown
from recon.recon_file import ReconFile
from recon.rows import Codes, ImportFinding, Layout, Pair

KEY_ROWS = 150_000
"""Rows looked at when the key is inferred; whole dates of them."""


@dataclass(frozen=True)
class Decided:
    """What holds for all files of a reading."""

    layout: Layout
    sides: Sides | None
    aliases: Mapping[str, str]
    plans: Mapping[int, PartPlan]
    """By the part's table's identity."""
    scales: Mapping[str, int]
    findings: tuple[ImportFinding, ...]


@dataclass
class Decider:
    """Decides once for all files of a reading."""

    said: ReconFile
    today: date
    connection: duckdb.DuckDBPyConnection

    def decide(self, now: Sheet, past: Sheet, layout: Layout | None) -> Decided:
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
        return Decided(roles.layout, roles.sides, roles.aliases, plans, scales, tuple(findings + more))

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
        votes = {id(part.table): votes_in(part, columns) for part in parts}
        plans: dict[int, PartPlan] = {}
        findings: list[ImportFinding] = []
        needed = [name for name in (layout.date, layout.timestamp) if name]
        for part in parts:
            sign = signs[id(part.table)]
            self._refuse_ambiguous_numbers(part, layout, sign)
            readers, said = date_readers(self.said, self.today, part, votes, columns, needed)
            findings += said
            plans[id(part.table)] = PartPlan(readers, sign.sign)
            if sign.sign == "comma":
                findings.append(doctor.decimal_comma(part.file))
        return plans, findings

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

    def tolerances(
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


def _statuses(parts: Sequence[ReadPart], layout: Layout) -> list[Codes | None]:
    if layout.status is None:
        return []
    found: list[Codes | None] = []
    for part in parts:
        found.append(part.part.codes(layout.status))
    return found if any(found) else []


def _places(text: str | None) -> int:
    return len(text.partition(".")[2]) if text else 0
