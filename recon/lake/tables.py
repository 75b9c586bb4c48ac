"""Rows as the lake's tables and back: one row per line, sorted by series and time, columns named by their role."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.ids import series_hashes, text_hashes
from recon.money import rescaled_units
from recon.order import by_series_and_time, in_order
from recon.rows import ABSENT, NO_DAY, Codes, Layout, PairColumns, Rows

Ints = npt.NDArray[np.int64]
Series = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

DROPPED: Final = "dropped"
NUMBERS: Final = ("left", "right", "tolerance")
STATES: Final = ("left_state", "right_state")


def series_of(rows: Rows, layout: Layout) -> Series:
    """The series id of each row."""
    key = [(rows.columns[name].codes, text_hashes(rows.columns[name].vocabulary)) for name in layout.key]
    return series_hashes(key, rows.n)


def time_of(rows: Rows) -> Ints:
    """What orders rows in time: the moment where there is one, else the day."""
    return rows.stamp if rows.stamp is not None else rows.day.astype(np.int64)


def to_table(rows: Rows, at: Ints, series: Series) -> pa.Table:
    """The rows at `at`, in that order, whose series are `series`."""
    data: dict[str, Any] = {"series": series, "day": rows.day[at]}
    if rows.stamp is not None:
        data["stamp"] = rows.stamp[at]
    data["comment"] = rows.comment.take(pa.array(at))
    for name, codes in rows.columns.items():
        data[f"c:{name}"] = _spelt(codes.codes[at], codes.vocabulary)
    for pair in rows.pairs:
        for field in (*STATES, "tolerance"):
            data[f"p:{pair.pair.name}:{field}"] = getattr(pair, field)[at]
        for side in ("left", "right"):
            values = getattr(pair, side)[at]
            if pair.vocabulary is None:
                data[f"p:{pair.pair.name}:{side}"] = values
            else:
                data[f"p:{pair.pair.name}:{side}_text"] = _spelt(values, pair.vocabulary)
    return pa.table(data)


def _spelt(codes: npt.NDArray[Any], vocabulary: pa.Array) -> pa.Array:
    """Codes as their words: Parquet gives each row group a dictionary of its own, where Arrow's would be the whole
    vocabulary again in every one of them."""
    return vocabulary.cast(pa.string()).take(pa.array(codes))


def is_text(column: str) -> bool:
    """Whether a column of the lake holds words that are read back as codes."""
    return column.startswith("c:") or column.endswith("_text")


def columns_of(layout: Layout, pairs: Iterable[str] | None = None) -> set[str]:
    """The lake's columns that `layout` needs; with `pairs` only those pairs'."""
    named = (*layout.key, *layout.historical, *layout.categorical, *filter(None, [layout.currency, layout.status]))
    wanted = {"series", "day", "stamp", "seq", DROPPED, "comment", *(f"c:{name}" for name in named)}
    for pair in layout.pairs:
        if pairs is None or pair.name in pairs:
            fields = (*NUMBERS, *STATES, "left_text", "right_text")
            wanted |= {f"p:{pair.name}:{field}" for field in fields}
    return wanted


def rescaled(table: pa.Table, have: Mapping[str, int], want: Mapping[str, int]) -> pa.Table:
    """Amounts in units of the scales `want`, from the scales `have`."""
    for pair, scale in want.items():
        by = scale - have.get(pair, scale)
        for field in NUMBERS:
            name = f"p:{pair}:{field}"
            if by and name in table.column_names:
                column = table.column(name)
                units = rescaled_units(column.fill_null(0).to_numpy(), by)
                nothing = column.is_null().to_numpy() if column.null_count else None
                table = table.set_column(table.column_names.index(name), name, pa.array(units, mask=nothing))
    return table


def but(table: pa.Table, without: set[int]) -> pa.Table:
    """The rows that none of the arrivals in `without` brought."""
    if not without or not table.num_rows:
        return table
    mask = np.isin(table.column("seq").to_numpy(), list(without))
    return table.filter(pa.array(~mask)) if mask.any() else table


def tombstones(series: Series, day: npt.NDArray[np.int32], stamp: Ints | None) -> pa.Table:
    """Rows that say: of this key and time there is none any more. They beat earlier arrivals' rows, as any row does."""
    data: dict[str, Any] = {"series": series, "day": day, DROPPED: np.ones(len(series), np.bool_)}
    return pa.table(data if stamp is None else data | {"stamp": stamp})


def alive(table: pa.Table) -> pa.Table:
    """The table without its tombstones."""
    if DROPPED not in table.column_names:
        return table
    return table.filter(pc.invert(pc.fill_null(table.column(DROPPED), False)))


def moment_of(table: pa.Table) -> Ints:
    """What orders a table's rows in time."""
    stamp = _stamp(table)
    return stamp if stamp is not None else table.column("day").to_numpy().astype(np.int64)


def last_word(table: pa.Table, *, ordered: bool = True) -> pa.Table:
    """Sorted by series and time; where several arrivals know the same key and time, only the latest one's rows.

    Undated rows all stay: nothing says which of them restates which. `ordered`: False for a reader that sorts rows
    itself; then they are moved only where some of them count no more, or where their order is all that is known.
    """
    series = table.column("series").to_numpy()
    time = moment_of(table)
    seq = table.column("seq").to_numpy()
    if not len(seq):
        return table
    mixed, undated = seq.min() != seq.max(), table.column("day").to_numpy() == NO_DAY
    if not mixed and in_order(series, time):
        return table
    # of rows without a date the order of arrivals is the only order there is
    by_arrival = mixed and undated.any()
    order = np.lexsort((seq, time, series)) if by_arrival else by_series_and_time(series, time)
    if mixed:
        s, t, q = series[order], time[order], seq[order]
        begins = np.concatenate([[True], (s[1:] != s[:-1]) | (t[1:] != t[:-1])])
        if begins.all() and not ordered and not by_arrival:
            return table
        latest = np.maximum.reduceat(q, np.flatnonzero(begins))[np.cumsum(begins) - 1]
        order = order[(q == latest) | undated[order]]
    return table.take(pa.array(order))


def to_rows(table: pa.Table, layout: Layout, scales: Mapping[str, int]) -> Rows:
    """The table as rows in `layout`'s columns; a pair that it does not know is absent on every row."""
    n = table.num_rows
    columns = {}
    for name in (*layout.key, *layout.historical, *layout.categorical, *filter(None, [layout.currency, layout.status])):
        if f"c:{name}" in table.column_names and name not in columns:
            columns[name] = _codes(table.column(f"c:{name}"))
    return Rows(
        n=n,
        files=("lake",),
        file=np.zeros(n, np.int16),
        line=np.zeros(n, np.int64),
        row=np.arange(1, n + 1),
        day=table.column("day").to_numpy(),
        stamp=_stamp(table),
        text=pa.table({}),
        columns=columns,
        pairs=tuple(_pair(table, pair, scales.get(pair.name, 0)) for pair in layout.pairs),
        comment=table.column("comment").combine_chunks(),
    )


def _stamp(table: pa.Table) -> Ints | None:
    if "stamp" not in table.column_names:
        return None
    # a part from before the file had times of day: midnight
    midnight = pc.multiply(table.column("day").cast(pa.int64()), 86_400_000_000)
    return np.asarray(pc.coalesce(table.column("stamp"), midnight).to_numpy(), dtype=np.int64)


def _pair(table: pa.Table, pair: Any, scale: int) -> PairColumns:
    n = table.num_rows
    there = f"p:{pair.name}:left_state" in table.column_names
    gone = np.full(n, ABSENT, np.uint8)
    states = {f: _filled(table, f"p:{pair.name}:{f}", int(ABSENT)).astype(np.uint8) if there else gone for f in STATES}
    tolerance = _filled(table, f"p:{pair.name}:tolerance", 0)
    if pair.kind == "text":
        words = [_words(table, f"p:{pair.name}:{side}") for side in ("left", "right")]
        both = _codes(pa.chunked_array([*words[0].chunks, *words[1].chunks]))
        left, right = (half.astype(np.int64) for half in (both.codes[:n], both.codes[n:]))
        return PairColumns(
            pair, 0, left, right, derived=None, tolerance=tolerance, vocabulary=both.vocabulary, **states
        )
    left, right = (_filled(table, f"p:{pair.name}:{side}", 0) for side in ("left", "right"))
    return PairColumns(pair, scale, left, right, derived=None, tolerance=tolerance, **states)


def _filled(table: pa.Table, name: str, default: int) -> Ints:
    if name not in table.column_names:
        return np.full(table.num_rows, default, np.int64)
    column = table.column(name)
    return np.asarray((column.fill_null(default) if column.null_count else column).to_numpy())


def _words(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A text side; parts of the first version kept codes without their words, of which only equality is known."""
    said = table.column(f"{name}_text").cast(pa.string()) if f"{name}_text" in table.column_names else None
    codes = (
        pc.binary_join_element_wise("#", table.column(name).cast(pa.string()), "")
        if name in table.column_names
        else None
    )
    if said is None or codes is None:
        either = said if said is not None else codes
        return either if either is not None else pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return pc.coalesce(said, codes)


def _codes(column: pa.ChunkedArray) -> Codes:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    one = column.unify_dictionaries().combine_chunks()
    if isinstance(one, pa.ChunkedArray):
        one = one.chunk(0) if one.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
    indices = one.indices
    vocabulary = one.dictionary.cast(pa.string())
    if indices.null_count:
        indices = indices.fill_null(len(vocabulary))
        vocabulary = pa.concat_arrays([vocabulary, pa.array([""], pa.string())])
    return Codes(indices.to_numpy(zero_copy_only=False).astype(np.int32), vocabulary)
