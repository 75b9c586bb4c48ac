"""The lake: every row ever read, as Parquet sorted by series, published by a manifest that is swapped whole."""

import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recon.ids import series_hashes, text_hashes
from recon.panels import build_panels
from recon.recon_file import ReconFile
from recon.rows import ABSENT, NO_DAY, Codes, Layout, Pair, PairColumns, Reading, Rows
from recon.series import SeriesHistory

ROW_GROUP = 50_000
"""Rows in one row group: small enough that one series is read in milliseconds."""


@dataclass(frozen=True)
class Part:
    """One Parquet file of the lake: what one append wrote, or several merged."""

    name: str
    seq: int
    """Later parts restate earlier ones where key and day are the same."""
    rows: int
    first_day: int
    last_day: int
    hashes: tuple[str, ...]
    """SHA-256 of the source files whose rows it holds."""
    groups: tuple[int, ...]
    """The smallest series id of each row group, ascending."""
    scales: dict[str, int]
    """Pair name -> the scale of its units in this part."""


class Lake:
    """A folder, or any fsspec address, with one dataset per reconciliation."""

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._cache: dict[str, tuple[Any, dict[str, Any]]] = {}

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, recon: str, *readings: Reading) -> int:
        """Adds the rows of files that are not in the lake yet; returns how many rows it added.

        The rows are written aside first and become visible with the manifest: a crash leaves the old state whole.
        """
        manifest = self._manifest(recon)
        known = {h for part in manifest["parts"] for h in part["hashes"]}
        added = 0
        for reading in readings:
            fresh = [i for i, h in enumerate(reading.file_hashes) if h not in known]
            if not fresh or not reading.rows.n:
                continue
            keep = np.flatnonzero(np.isin(reading.rows.file, fresh))
            part = self._write_part(
                recon, reading, keep, len(manifest["parts"]), [reading.file_hashes[i] for i in fresh]
            )
            manifest["parts"].append(asdict(part))
            manifest["layout"] = asdict(reading.layout)
            known.update(part.hashes)
            added += part.rows
        if added:
            self._publish(recon, manifest)
        return added

    def _write_part(
        self, recon: str, reading: Reading, keep: npt.NDArray[np.int64], seq: int, hashes: Sequence[str]
    ) -> Part:
        rows = reading.rows
        series = _series_of(rows, reading.layout)[keep]
        order = keep[
            np.lexsort((rows.row[keep], rows.stamp[keep] if rows.stamp is not None else rows.day[keep], series))
        ]
        table = _to_table(rows, order, np.sort(series))
        folder = f"{self._root}/{_slug(recon)}"
        self._fs.makedirs(folder, exist_ok=True)
        name = f"part-{uuid.uuid4().hex}.parquet"
        with self._fs.open(f"{folder}/{name}", "wb") as sink:
            pq.write_table(table, sink, row_group_size=ROW_GROUP, compression="zstd")
        days = rows.day[order]
        dated = days[days != NO_DAY]
        ids = table.column("series").to_numpy()
        return Part(
            name=name,
            seq=seq,
            rows=len(order),
            first_day=int(dated.min()) if len(dated) else int(NO_DAY),
            last_day=int(dated.max()) if len(dated) else int(NO_DAY),
            hashes=tuple(hashes),
            groups=tuple(int(ids[i]) for i in range(0, len(ids), ROW_GROUP)),
            scales={p.pair.name: p.scale for p in rows.pairs},
        )

    def _publish(self, recon: str, manifest: dict[str, Any]) -> None:
        path = self._manifest_path(recon)
        aside = f"{path}.{uuid.uuid4().hex}"
        with self._fs.open(aside, "w") as sink:
            json.dump(manifest, sink)
        self._fs.mv(aside, path)

    # --- reading -------------------------------------------------------------------------------------------------

    def has(self, recon: str, file_hash: str) -> bool:
        """Whether the rows of a file with this SHA-256 are in the lake."""
        return any(file_hash in part["hashes"] for part in self._manifest(recon)["parts"])

    def layout(self, recon: str) -> Layout | None:
        """The layout of the newest part, or None when the reconciliation has no history here."""
        said = self._manifest(recon).get("layout")
        return _layout(said) if said else None

    def history(self, recon: str, layout: Layout, *, before_hashes: Sequence[str] = ()) -> Reading | None:
        """All rows of the reconciliation in `layout`'s columns, without those of the named files; None when empty.

        Where two parts hold the same key and day, the later part is the one that counts.
        """
        parts = [_part(p) for p in self._manifest(recon)["parts"]]
        parts = [p for p in parts if not set(p.hashes) & set(before_hashes)]
        if not parts:
            return None
        tables = [self._read(recon, part).append_column("seq", _constant(part.seq, part.rows)) for part in parts]
        scales = {pair.name: max(p.scales.get(pair.name, 0) for p in parts) for pair in layout.pairs}
        tables = [_rescaled(t, layout, p.scales, scales) for t, p in zip(tables, parts, strict=True)]
        table = _last_word(pa.concat_tables(tables, promote_options="default"))
        rows = _from_table(table, layout, scales)
        return Reading(layout, rows, (), (), rows.n, tuple(h for p in parts for h in p.hashes))

    def series(self, recon: str, pair: str, series_id: int) -> SeriesHistory | None:
        """One series of one pair, oldest first; None when the reconciliation has none of this id."""
        manifest = self._manifest(recon)
        if not manifest.get("layout"):
            return None
        layout = _layout(manifest["layout"])
        if not any(p.name == pair for p in layout.pairs):
            return None
        parts = [_part(p) for p in manifest["parts"]]
        found = [
            (t, p) for p in parts for t in [self._series_rows(recon, p, series_id)] if t is not None and t.num_rows
        ]
        if not found:
            return None
        scales = {p.name: max(part.scales.get(p.name, 0) for _, part in found) for p in layout.pairs}
        tables = [
            _rescaled(t.append_column("seq", _constant(p.seq, t.num_rows)), layout, p.scales, scales) for t, p in found
        ]
        table = _last_word(pa.concat_tables(tables, promote_options="default"))
        return _series_history(recon, series_id, layout, pair, scales, table)

    def _series_rows(self, recon: str, part: Part, series_id: int) -> pa.Table | None:
        last = int(np.searchsorted(np.array(part.groups, np.uint64), np.uint64(series_id), side="right"))
        first = int(np.searchsorted(np.array(part.groups, np.uint64), np.uint64(series_id), side="left"))
        groups = range(max(first - 1, 0), last)
        if not groups:
            return None
        with self._fs.open(f"{self._root}/{_slug(recon)}/{part.name}", "rb") as source:
            table = pq.ParquetFile(source).read_row_groups(list(groups))
        return table.filter(pc.equal(table.column("series"), pa.scalar(series_id, pa.uint64())))

    def _read(self, recon: str, part: Part) -> pa.Table:
        with self._fs.open(f"{self._root}/{_slug(recon)}/{part.name}", "rb") as source:
            return pq.read_table(source)

    def _manifest(self, recon: str) -> dict[str, Any]:
        path = self._manifest_path(recon)
        if not self._fs.exists(path):
            return {"recon": recon, "layout": None, "parts": []}
        with self._fs.open(path, "r") as source:
            return dict(json.load(source))

    def _manifest_path(self, recon: str) -> str:
        return f"{self._root}/{_slug(recon)}/manifest.json"


def lake_in(home: Path, url: str | None) -> Lake:
    """The lake of a workspace: at `url`, or the folder `lake` in it."""
    return Lake(url or str(home.resolve() / "lake"))


def _slug(recon: str) -> str:
    """A folder name for a reconciliation: readable, and different for different names."""
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", recon).strip("-")[:60]
    return f"{words}-{hashlib.sha256(recon.encode()).hexdigest()[:8]}"


def _part(said: dict[str, Any]) -> Part:
    return Part(**{**said, "hashes": tuple(said["hashes"]), "groups": tuple(said["groups"])})


def _layout(said: dict[str, Any]) -> Layout:
    tuples = {k: tuple(v) for k, v in said.items() if isinstance(v, list)}
    return Layout(**{**said, **tuples, "pairs": tuple(Pair(**p) for p in said["pairs"])})


def _constant(value: int, n: int) -> pa.Array:
    return pa.array(np.full(n, value, np.int32))


def _series_of(rows: Rows, layout: Layout) -> npt.NDArray[np.uint64]:
    key = [(rows.columns[name].codes, text_hashes(rows.columns[name].vocabulary)) for name in layout.key]
    return series_hashes(key, rows.n)


def _to_table(rows: Rows, order: npt.NDArray[np.int64], series: npt.NDArray[np.uint64]) -> pa.Table:
    data: dict[str, Any] = {"series": series, "day": rows.day[order]}
    if rows.stamp is not None:
        data["stamp"] = rows.stamp[order]
    data["comment"] = rows.comment.take(pa.array(order))
    for name, codes in rows.columns.items():
        data[f"c:{name}"] = pa.DictionaryArray.from_arrays(
            pa.array(codes.codes[order]), codes.vocabulary.cast(pa.string())
        )
    for pair in rows.pairs:
        for field in ("left", "right", "left_state", "right_state", "tolerance"):
            data[f"p:{pair.pair.name}:{field}"] = getattr(pair, field)[order]
    return pa.table(data)


def _rescaled(table: pa.Table, layout: Layout, have: dict[str, int], want: dict[str, int]) -> pa.Table:
    for pair in layout.pairs:
        factor = 10 ** (want[pair.name] - have.get(pair.name, want[pair.name]))
        for field in ("left", "right", "tolerance"):
            name = f"p:{pair.name}:{field}"
            if factor != 1 and name in table.column_names:
                place = table.column_names.index(name)
                table = table.set_column(place, name, pc.multiply(table.column(name), factor))
    return table


def _last_word(table: pa.Table) -> pa.Table:
    """Sorted by series and time; where several parts know the same key and time, only the latest part's rows."""
    series = table.column("series").to_numpy()
    time = table.column("stamp" if "stamp" in table.column_names else "day").to_numpy()
    seq = table.column("seq").to_numpy()
    order = np.lexsort((seq, time, series))
    if len(order) and seq.min() != seq.max():
        s, t, q = series[order], time[order], seq[order]
        begins = np.concatenate([[True], (s[1:] != s[:-1]) | (t[1:] != t[:-1])])
        moment = np.cumsum(begins) - 1
        latest = np.zeros(moment[-1] + 1, np.int32)
        np.maximum.at(latest, moment, q)
        undated = t == NO_DAY
        order = order[(q == latest[moment]) | undated]
    return table.take(pa.array(order))


def _from_table(table: pa.Table, layout: Layout, scales: dict[str, int]) -> Rows:
    n = table.num_rows
    columns = {}
    for name in (*layout.key, *layout.historical, *layout.categorical, *filter(None, [layout.currency, layout.status])):
        if f"c:{name}" in table.column_names and name not in columns:
            columns[name] = _codes(table.column(f"c:{name}"))
    pairs = []
    for pair in layout.pairs:
        if f"p:{pair.name}:left" not in table.column_names:
            zero, gone = np.zeros(n, np.int64), np.full(n, ABSENT, np.uint8)
            pairs.append(PairColumns(pair, scales[pair.name], zero, zero, gone, gone, None, zero))
            continue
        got = {
            field: table.column(f"p:{pair.name}:{field}").fill_null(0).to_numpy()
            for field in ("left", "right", "left_state", "right_state", "tolerance")
        }
        pairs.append(PairColumns(pair, scales[pair.name], derived=None, **got))
    return Rows(
        n=n,
        files=("lake",),
        file=np.zeros(n, np.int16),
        line=np.zeros(n, np.int64),
        row=np.arange(1, n + 1),
        day=table.column("day").to_numpy(),
        stamp=table.column("stamp").to_numpy() if "stamp" in table.column_names else None,
        text=pa.table({}),
        columns=columns,
        pairs=tuple(pairs),
        comment=table.column("comment").combine_chunks(),
    )


def _codes(column: pa.ChunkedArray) -> Codes:
    one = (
        column.unify_dictionaries().combine_chunks()
        if pa.types.is_dictionary(column.type)
        else column.dictionary_encode().combine_chunks()
    )
    if isinstance(one, pa.ChunkedArray):
        one = one.chunk(0) if one.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
    indices = one.indices
    vocabulary = one.dictionary.cast(pa.string())
    if indices.null_count:
        indices = indices.fill_null(len(vocabulary))
        vocabulary = pa.concat_arrays([vocabulary, pa.array([""], pa.string())])
    return Codes(indices.to_numpy(zero_copy_only=False).astype(np.int32), vocabulary)


def _series_history(
    recon: str, series_id: int, layout: Layout, pair_name: str, scales: dict[str, int], table: pa.Table
) -> SeriesHistory:
    rows = _from_table(table, layout, scales)
    panels = build_panels(Reading(layout, rows, (), (), rows.n), None, ReconFile())
    panel = next(p for p in panels if p.pair.name == pair_name)
    newest = {name: codes.vocabulary[int(codes.codes[-1])].as_py() for name, codes in panel.columns.items()}
    return SeriesHistory(
        recon=recon,
        series_id=series_id,
        key={name: newest[name] for name in layout.key},
        columns={name: text for name, text in newest.items() if name not in layout.key},
        pair=panel.pair,
        scale=panel.scale,
        day=panel.day,
        stamp=panel.stamp,
        left=panel.left,
        right=panel.right,
        left_missing=panel.left_missing,
        right_missing=panel.right_missing,
        diff=panel.diff,
        is_break=panel.is_break,
        comment=tuple(rows.comment.take(pa.array(panel.source)).to_pylist()),
    )
