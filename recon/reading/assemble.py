"""From sheets and a layout to rows: dates, amounts, codes and comments as arrays; what cannot be read is rejected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.calendar import BusinessCalendar
from recon.money import DecimalSign, is_blank
from recon.reading.amounts import Amounts, counted_amounts, to_amounts
from recon.reading.comments import peel
from recon.reading.dates import NULL_DATES, DateReader, Moment, Moments, Status
from recon.reading.marks import sign_of_mark
from recon.reading.sheet import Part, Sheet
from recon.reading.sides import Sides
from recon.reading.status import only_side
from recon.reading.table import Counted
from recon.rows import ABSENT, BAD, BLANK, EPOCH, NO_DAY, NO_STAMP, PRESENT, Codes, Layout, Pair

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PartPlan:
    """What was decided for one file before its cells are read."""

    dates: Mapping[str, DateReader]
    """By column."""
    sign: DecimalSign


@dataclass
class Notes:
    """Counts that become findings once all parts are read."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)
    """What the amounts themselves carry, as codes and signs."""

    def add(self, code: str, count: int, where: str) -> None:
        if count:
            self.counts[code] = self.counts.get(code, 0) + count
            self.first.setdefault(code, where)


@dataclass(frozen=True)
class PairAmounts:
    """One pair of one part: units and states of both sides, and the file's own difference and tolerance."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    left_state: npt.NDArray[np.uint8]
    right_state: npt.NDArray[np.uint8]
    derived: npt.NDArray[np.int64] | None
    tolerance: npt.NDArray[np.int64] | None
    """-1 where the tolerance column says nothing."""


@dataclass(frozen=True)
class ReadPart:
    """One file's cells as values, rejects still among them."""

    part: Part
    day: npt.NDArray[np.int32]
    stamp: npt.NDArray[np.int64] | None
    pairs: Mapping[str, PairAmounts]
    why: Mapping[int, str]
    """Rows to reject, by position."""


FEW: Final = 2_000
"""Distinct texts up to which dates are read one by one."""
_DATED: Final = ((date(1600, 1, 1) - EPOCH).days, (date(2400, 12, 31) - EPOCH).days)
"""The first and the last day that a row may be dated on; beyond them calendars end, and a date is a slip."""
_NULL_DAYS: Final = np.array([(null - EPOCH).days for null in NULL_DATES], dtype=np.int64)
_DAY: Final = 86_400_000_000
_NOTHING: Final = np.int64(-(2**63))


def moments_of(connection: duckdb.DuckDBPyConnection, codes: Codes, reader: DateReader) -> Moments:
    """Each distinct text of a date column as a moment; many plain ISO stamps or epochs are cast at once."""
    words = codes.vocabulary
    if len(words) <= FEW or reader.format is not None or reader.numeric == "serial":
        return Moments.of(reader.read_all(words.to_pylist()))
    epoch = reader.numeric == "epoch"
    micros, timed = cast_moments(connection, words, epoch)
    odd = np.flatnonzero(micros == NO_STAMP)
    micros = np.where(micros == NO_STAMP, 0, micros)
    day = np.floor_divide(micros, _DAY)
    null = np.isin(day, _NULL_DAYS) & (not epoch)
    found = Moments(
        np.where(null, np.uint8(Status.NULL), np.uint8(Status.OK)).astype(np.uint8),
        day.astype(np.int32),
        micros - day * _DAY,
        timed,
        np.zeros(len(words), dtype=np.int64),
        np.full(len(words), epoch, dtype=np.bool_),
    )
    found.put(odd, Moments.of(reader.read_all(words.take(pa.array(odd)).to_pylist())))
    return found


def cast_moments(
    connection: duckdb.DuckDBPyConnection, words: pa.Array, epoch: bool
) -> tuple[npt.NDArray[np.int64], Mask]:
    """Microseconds since 1970 by the text's own clock, NO_STAMP for texts to be read one by one; which have a time."""
    connection.register("words", pa.table({"c": words}))
    found = connection.sql(_EPOCHS if epoch else _ISO_STAMPS).to_arrow_table()
    connection.unregister("words")
    micros = pc.fill_null(found.column("u"), int(NO_STAMP)).to_numpy()
    return micros, found.column("timed").to_numpy().astype(np.bool_)


_ISO_STAMPS: Final = r"""
    SELECT CASE WHEN regexp_full_match(c, '\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?)?')
        THEN epoch_us(TRY_CAST(c AS TIMESTAMP)) END AS u, contains(c, ':') AS timed FROM words
    """
_EPOCHS: Final = r"""
    SELECT CASE WHEN regexp_full_match(c, '\d{1,9}|[1-3]\d{9}') THEN CAST(c AS BIGINT) * 1000000
        WHEN regexp_full_match(c, '[1-3]\d{12}') THEN CAST(c AS BIGINT) * 1000
        WHEN regexp_full_match(c, '[1-3]\d{15}') THEN CAST(c AS BIGINT) END AS u, true AS timed FROM words
    """


class PartReader:
    """Reads one file's cells under a layout."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        layout: Layout,
        sides: Sides | None,
        calendar: BusinessCalendar,
        scales: Mapping[str, int],
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._sides = sides
        self._calendar = calendar
        self._scales = scales
        self.vocabularies: dict[str, dict[str, int]] = {}
        """Per text pair: the code of each text, the same in every part."""

    def read(self, part: Part, plan: PartPlan, notes: Notes) -> ReadPart:
        """Dates, amounts and the reasons to reject rows."""
        why: dict[int, str] = {}
        day, stamp = self._when(part, plan, why, notes)
        absent = {"left": self._absent(part, plan, "left"), "right": self._absent(part, plan, "right")}
        pairs = {
            pair.name: self._pair(part, pair, plan, why, notes, absent["left"], absent["right"])
            for pair in self._layout.pairs
        }
        self._short(part, why)
        return ReadPart(part, day, stamp, pairs, why)

    def _when(
        self, part: Part, plan: PartPlan, why: dict[int, str], notes: Notes
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64] | None]:
        layout = self._layout
        stamp = None
        day = np.full(part.n, NO_DAY, dtype=np.int32)
        if layout.timestamp and (codes := part.codes(layout.timestamp)) is not None:
            moments = moments_of(self._connection, codes, plan.dates[layout.timestamp])
            stamps = self._stamps(moments)
            stamp = stamps[codes.codes]
            if layout.date is None:
                day = self._business_days(moments, stamps)[codes.codes]
                self._reject_dates(part, layout.timestamp, codes, moments, why, notes)
        if layout.date and (codes := part.codes(layout.date)) is not None:
            moments = moments_of(self._connection, codes, plan.dates[layout.date])
            timed = layout.timestamp is None and bool(moments.timed.any())
            stamps = self._stamps(moments) if timed else np.zeros(len(moments.day), dtype=np.int64)
            own = self._business_days(moments, stamps) if timed else _own_days(moments)
            day = own[codes.codes]
            self._reject_dates(part, layout.date, codes, moments, why, notes)
        return day, stamp

    def _stamps(self, moments: Moments) -> npt.NDArray[np.int64]:
        local = moments.day.astype(np.int64) * 86_400_000_000 + moments.micros
        utc = np.where(moments.zoned, local - moments.offset, self._calendar.to_utc(local))
        return np.where(_known(moments), utc, NO_STAMP).astype(np.int64)

    def _business_days(self, moments: Moments, stamp: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The text's own day, unless a time of day puts it past the cut-off or into another zone's day."""
        own = _own_days(moments)
        if self._calendar.cut_off is None and not moments.zoned.any():
            return own
        return np.where(moments.timed, self._calendar.business_dates(stamp), own).astype(np.int32)

    def _reject_dates(
        self, part: Part, name: str, codes: Codes, moments: Moments, why: dict[int, str], notes: Notes
    ) -> None:
        known = _known(moments)
        if known.all() and (moments.status == Status.OK).all():
            return
        words = codes.vocabulary.to_pylist()
        nulls = np.flatnonzero((moments.status == Status.NULL)[codes.codes])
        if len(nulls):
            notes.add("null_date", len(nulls), f"{part.file}: line {part.table.line[nulls[0]]}")
        told = (moments.status == Status.OK) | (moments.status == Status.NULL)
        for mask, text in (
            (moments.status == Status.IMPOSSIBLE, "{name}: {cell!r} is no day of the calendar"),
            (moments.status == Status.NO_DATE, "{name}: {cell!r} is no date"),
            (moments.status == Status.BLANK, "{name}: no date"),
            (told & ~known, "{name}: no row can be of {cell!r}"),
        ):
            for row in map(int, np.flatnonzero(mask[codes.codes])):
                cell = words[codes.codes[row]][:60]
                why.setdefault(row, text.format(name=name.strip(), cell=cell))

    def _absent(self, part: Part, plan: PartPlan, side: str) -> Mask:
        """Rows on which a side is not there at all: its dates are null dates, or its columns are all blank."""
        missing = np.zeros(part.n, dtype=np.bool_)
        source = self._layout.left_source if side == "left" else self._layout.right_source
        other = self._layout.right_source if side == "left" else self._layout.left_source
        if self._layout.status and (codes := part.codes(self._layout.status)) is not None:
            says = [only_side(word, other) and not only_side(word, source) for word in codes.vocabulary.to_pylist()]
            missing |= np.array(says, dtype=np.bool_)[codes.codes] if says else False
        if self._sides is None:
            return missing
        columns = self._sides.left_columns if side == "left" else self._sides.right_columns
        names = [c.name for c in columns if c.name in part.names]
        return missing | self._side_blank(part, plan, names)

    def _side_blank(self, part: Part, plan: PartPlan, names: Sequence[str]) -> Mask:
        nothing = np.ones(part.n, dtype=np.bool_)
        nulls = np.zeros(part.n, dtype=np.bool_)
        dated = [name for name in names if name in plan.dates]
        for name in dated:
            codes = part.codes(name)
            if codes is not None:
                status = moments_of(self._connection, codes, plan.dates[name]).status
                nothing &= ((status == Status.BLANK) | (status == Status.NULL))[codes.codes]
                nulls |= (status == Status.NULL)[codes.codes]
        if dated and nulls.any():
            return nothing & nulls
        if len(names) < 2:
            return np.zeros(part.n, dtype=np.bool_)
        for name in names:
            codes = part.codes(name)
            if codes is not None and nothing.any():
                nothing &= blank_codes(codes)
        return nothing

    def _pair(
        self,
        part: Part,
        pair: Pair,
        plan: PartPlan,
        why: dict[int, str],
        notes: Notes,
        left_absent: Mask,
        right_absent: Mask,
    ) -> PairAmounts:
        if pair.kind == "text":
            return self._text_pair(part, pair, plan, left_absent, right_absent)
        scale = self._scales[pair.name]
        names = (pair.left, pair.right, pair.derived, pair.tolerance_column)
        found = self._amounts(part, [name for name in names if name], scale, plan.sign)
        blank = Amounts(np.zeros(part.n, dtype=np.int64), np.full(part.n, BLANK, dtype=np.uint8))
        sides = []
        for name, mark, absent in (
            (pair.left, pair.left_mark, left_absent),
            (pair.right, pair.right_mark, right_absent),
        ):
            amounts = found.get(name or "", blank)
            if mark is not None:
                amounts = _marked(part, amounts, mark, notes, turned=pair.mirrored and name == pair.right)
            elif pair.mirrored and name == pair.right:
                amounts = replace(amounts, units=-amounts.units)
            if name is not None:
                self._note(part, name, amounts, notes)
                for row, cell in _bad_cells(part, name, amounts):
                    why.setdefault(row, f"{name.strip()}: {cell!r} is no number")
            sides.append(_side(amounts, absent if pair.right is not None else np.zeros_like(absent)))
        derived = tolerance = None
        if (own := found.get(pair.derived or "")) is not None:
            derived = own.units if not own.state.any() else np.where(own.state == PRESENT, own.units, _NOTHING)
        if (own := found.get(pair.tolerance_column or "")) is not None:
            tolerance = np.where(own.state == PRESENT, np.abs(own.units), -1)
        return PairAmounts(sides[0][0], sides[1][0], sides[0][1], sides[1][1], derived, tolerance)

    def _amounts(self, part: Part, names: Sequence[str], scale: int, sign: DecimalSign) -> dict[str, Amounts]:
        found: dict[str, Amounts] = {}
        for name in names:
            column = part.raw(name)
            if isinstance(column, Counted) and (read := counted_amounts(self._connection, column, scale, sign)):
                found[name] = read
        rest = [name for name in names if name not in found and name in part.names]
        return found | to_amounts(self._connection, part.columns(rest), scale, sign)

    def _note(self, part: Part, name: str, found: Amounts, notes: Notes) -> None:
        where = f"{part.file}: column {name.strip()}"
        notes.add("boolean_amount", found.booleans, where)
        notes.add("mixed_decimal_signs", found.foreign, where)
        notes.add("debit_credit", found.sided, where)
        notes.currencies |= found.currencies

    def _text_pair(self, part: Part, pair: Pair, plan: PartPlan, left_absent: Mask, right_absent: Mask) -> PairAmounts:
        left, right = (self._comparable(part, name, plan) for name in (pair.left, pair.right))
        known = self.vocabularies.setdefault(pair.name, {})
        sides = []
        for side, absent in ((left, left_absent), (right, right_absent)):
            words = side.vocabulary.to_pylist()
            places = np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int64)
            blank = np.array([is_blank(word) for word in words], dtype=np.bool_)
            state = np.where(blank[side.codes], BLANK, PRESENT).astype(np.uint8)
            state[absent] = ABSENT
            sides.append((places[side.codes], state))
        return PairAmounts(sides[0][0], sides[1][0], sides[0][1], sides[1][1], None, None)

    def _comparable(self, part: Part, name: str | None, plan: PartPlan) -> Codes:
        """Text codes; dates by their day, so that two spellings of one day are equal."""
        codes = part.codes(name) if name is not None else None
        if codes is None or name is None:
            return Codes(np.zeros(part.n, dtype=np.int32), pa.array([""]))
        if name not in plan.dates:
            return codes
        words = codes.vocabulary.to_pylist()
        moments = plan.dates[name].read_all(words)
        spelled = [_spelled(word, moment) for word, moment in zip(words, moments, strict=True)]
        return Codes(codes.codes, pa.array(spelled, type=pa.string()))

    def _short(self, part: Part, why: dict[int, str]) -> None:
        """Rows with too few fields are rejects when one that matters is not there."""
        width = part.table.width
        if width is None:
            return
        layout = self._layout
        needed = [layout.date or layout.timestamp, *layout.key, *(p.left for p in layout.pairs[:1])]
        needed += [p.right for p in layout.pairs if p.right is not None]
        last = max((part.names.index(name) + 1 for name in needed if name in part.names), default=0)
        for row in map(int, np.flatnonzero(width < last)):
            why.setdefault(row, f"{width[row]} fields under {len(part.table.headers)} headers")


def _marked(part: Part, amounts: Amounts, mark: str, notes: Notes, *, turned: bool) -> Amounts:
    """The amounts with credits negative, or debits where the side's marks are turned round."""
    codes = part.codes(mark)
    if codes is None:
        return amounts
    signs = np.array([sign_of_mark(text) for text in codes.vocabulary.to_pylist()], dtype=np.int64)[codes.codes]
    notes.add("unknown_mark", int(np.count_nonzero((signs == 0) & (amounts.units != 0))), f"{part.file}: column {mark}")
    negative = signs == (1 if turned else -1)
    return replace(amounts, units=np.where(negative, -amounts.units, amounts.units))


def _known(moments: Moments) -> Mask:
    told = (moments.status == Status.OK) | (moments.status == Status.NULL)
    return np.asarray(told & (moments.day >= _DATED[0]) & (moments.day <= _DATED[1]), dtype=np.bool_)


def _own_days(moments: Moments) -> npt.NDArray[np.int32]:
    return np.where(_known(moments), moments.day, NO_DAY).astype(np.int32)


def blank_codes(codes: Codes) -> Mask:
    """Where a column says nothing."""
    blank = np.array([is_blank(word) for word in codes.vocabulary.to_pylist()], dtype=np.bool_)
    return blank[codes.codes] if len(blank) else np.zeros(0, dtype=np.bool_)


def _side(amounts: Amounts, absent: Mask) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Units and states of one side, zero where it is not present; nothing is copied when all of it is."""
    state = np.where(absent, ABSENT, amounts.state).astype(np.uint8) if absent.any() else amounts.state
    return (np.where(state == PRESENT, amounts.units, 0) if state.any() else amounts.units), state


def _bad_cells(part: Part, name: str, amounts: Amounts) -> list[tuple[int, str]]:
    """Rows whose cell is no number, with the beginning of the cell."""
    bad = np.flatnonzero(amounts.state == BAD)
    if not len(bad):
        return []
    cells = part.table.few(bad)[part.names.index(name)]
    return [(int(row), cell[:60]) for row, cell in zip(bad, cells, strict=True)]


def _spelled(word: str, moment: Moment) -> str:
    if moment.status == Status.OK:
        return f"{np.datetime64(moment.day, 'D')}"
    return "" if moment.status in (Status.BLANK, Status.NULL) else word


def comments_of(sheet: Sheet, names: Sequence[str]) -> pa.Array:
    """The comment columns of each row as one prose text."""
    columns = [peeled(sheet.column(name)) for name in names if name in sheet.names]
    if not columns:
        return pa.repeat(pa.scalar("", type=pa.string()), sheet.n)
    joined = columns[0]
    for column in columns[1:]:
        gap = pc.if_else(pc.or_(pc.equal(joined, ""), pc.equal(column, "")), "", "; ")
        joined = pc.binary_join_element_wise(joined, gap, column, "")
    return joined


def peeled(column: pa.ChunkedArray) -> pa.Array:
    """Each comment without the JSON around it; each distinct text is peeled once."""
    if len(column) == 0:
        return pa.array([], type=pa.string())
    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    words = whole.dictionary.to_pylist()
    return pa.array([peel(word) for word in words], type=pa.string()).take(whole.indices)
