"""A lake: appended whole or not at all, by any number of processes, and read by ranges of series."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.lake.arriving import AT, Arriving, Loose, tables_of, written
from recon.lake.compaction import compacted
from recon.lake.erasing import erase_key
from recon.lake.ledger import Ledger
from recon.lake.manifest import TOP, Manifest, Part, slug
from recon.lake.shelf import PartGone, Shelf
from recon.lake.tables import alive, but, columns_of, last_word, rescaled, to_rows
from recon.panels import bucket_panels
from recon.recon_file import ReconFile
from recon.rows import Layout, Reading
from recon.series import SeriesHistory
from recon.threads import one_thread


class Lake:
    """A folder, or any fsspec address, with one dataset per reconciliation."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._open: dict[str, tuple[Ledger, Shelf]] = {}

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, recon: str, *readings: Reading) -> int:
        """Adds the rows of files that are not in the lake yet; returns how many rows it added. Raises NoRoom."""
        with self.arriving(recon, *readings) as rows:
            return rows.publish()

    @contextlib.contextmanager
    def arriving(self, recon: str, *readings: Reading) -> Iterator[Arriving]:
        """Begins to write those rows aside, while the caller goes on; what it does not publish is not in the lake."""
        rows = Arriving(*self._of(recon), recon, readings, self._root)
        # what is settled later must not stay here
        del readings
        try:
            yield rows
        finally:
            rows.close()

    def compact(self, recon: str, *, whole: bool = False) -> bool:
        """Merges small parts into larger ones, bucket by bucket, and drops rows that no longer count.

        `whole`: everything into one run. False when there was nothing to merge or another process was faster.
        """
        ledger, shelf = self._of(recon)
        manifest = ledger.newest(recon)
        found = compacted(shelf, manifest, whole=whole)
        if found is None:
            return False
        old, new = found
        while True:
            now = ledger.newest(recon)
            merged_names = {p.name for p in old}
            if not merged_names <= {p.name for p in now.parts}:
                shelf.remove([p.name for p in new])
                return False
            kept = tuple(p for p in now.parts if p.name not in merged_names)
            merged = tuple(replace(p, run=now.next_run) for p in new)
            if ledger.publish(replace(now, number=now.number + 1, parts=(*kept, *merged))):
                break
        shelf.sweep([p.name for m in ledger.kept() for p in m.parts])
        return True

    def erase(self, recon: str, key: Mapping[str, str], *, apply: bool) -> int:
        """How many rows of a key there are; with `apply` they are gone."""
        return erase_key(*self._of(recon), recon, key, apply=apply)

    # --- rows of one run ------------------------------------------------------------------------------------------

    def stage(self, recon: str, reading: Reading) -> Loose:
        """Writes a reading's rows aside for the workers of one run, bucket by bucket; no manifest names them."""
        shelf = self._of(recon)[1]
        scales = {p.pair.name: p.scale for p in reading.rows.pairs}
        parts: list[Part] = []
        try:
            for part in written(shelf, tables_of(reading, placed=True), scales):
                parts.append(replace(part, seq=0))
        except BaseException:
            shelf.remove([part.name for part in parts])
            raise
        return Loose(tuple(parts), scales)

    def loose(
        self, recon: str, layout: Layout, loose: Loose, span: tuple[int, int] = (0, TOP)
    ) -> tuple[Reading, npt.NDArray[np.int64]]:
        """The staged rows of the series in `span`, and the position of each in the reading they were staged from; of
        rows that were settled the positions are not known, and 0."""
        shelf = self._of(recon)[1]
        columns = columns_of(layout) | {AT}
        # a span without a row still says which columns there are
        parts = [part for part in loose.parts if part.meets(*span)] or list(loose.parts[:1])
        table = pa.concat_tables([shelf.read(part, columns, *span) for part in parts], promote_options="default")
        table = table.take(pa.array(np.argsort(table.column("series").to_numpy(), kind="stable")))
        rows = to_rows(table, layout, loose.scales)
        at = table.column(AT).to_numpy() if AT in table.column_names else np.zeros(rows.n, np.int64)
        return Reading(layout, rows, (), (), rows.n), at

    def release(self, recon: str, *loose: Loose | None) -> None:
        """Removes what was staged for a run that is over."""
        self._of(recon)[1].remove([part.name for one in loose if one is not None for part in one.parts])

    # --- reading -------------------------------------------------------------------------------------------------

    def has(self, recon: str, file_hash: str) -> bool:
        """Whether the rows of a file with this SHA-256 are in the lake."""
        return file_hash in self.manifest(recon).hashes

    def layout(self, recon: str) -> Layout | None:
        """The layout of the newest arrival, or None when the reconciliation has no history here."""
        return self.manifest(recon).layout

    def manifest(self, recon: str) -> Manifest:
        """What the reconciliation's lake holds now."""
        return self._of(recon)[0].newest(recon)

    def history(
        self, recon: str, layout: Layout, *, before_hashes: Sequence[str] = (), span: tuple[int, int] = (0, TOP)
    ) -> Reading | None:
        """The rows of the series in the half-open range `span` (all) in `layout`'s columns; None when there are none.

        In no order that may be relied on. Without the rows of the named files. Where two arrivals hold the same key
        and time, the later one counts; what a later one took back is not there. Raises Damaged.
        """
        for attempt in range(3):
            manifest = self.manifest(recon)
            try:
                return self._history(recon, manifest, layout, set(before_hashes), span)
            except PartGone:
                # compacted and swept while it was read
                if attempt == 2:
                    raise
        raise AssertionError

    def check(self, recon: str) -> int:
        """Opens every part that the newest manifest names; returns how many rows they have. Raises Damaged."""
        ledger, shelf = self._of(recon)
        manifest = ledger.newest(recon)
        for part in manifest.parts:
            shelf.check(part)
        return manifest.rows

    def _history(
        self, recon: str, manifest: Manifest, layout: Layout, before: set[str], span: tuple[int, int]
    ) -> Reading | None:
        shelf = self._of(recon)[1]
        without = manifest.without(before)
        parts = [p for p in manifest.parts if p.seq not in without and p.meets(*span)]
        scales = manifest.scales(without)
        columns = columns_of(layout)
        tables = [rescaled(but(shelf.read(p, columns, *span), without), p.scales, scales) for p in parts]
        if not any(table.num_rows for table in tables):
            return None
        counting = last_word(pa.concat_tables(tables, promote_options="default"), ordered=False)
        rows = to_rows(alive(counting), layout, scales)
        if not rows.n:
            return None
        hashes = tuple(h for a in manifest.arrivals if a.seq not in without for h in a.hashes)
        return Reading(layout, rows, (), (), rows.n, hashes)

    def series(self, recon: str, pair: str, series_id: int) -> SeriesHistory | None:
        """One series of one pair, oldest first; None when the reconciliation has none of this id."""
        manifest = self.manifest(recon)
        layout = manifest.layout
        if layout is None or not any(p.name == pair for p in layout.pairs):
            return None
        alone = replace(layout, pairs=tuple(p for p in layout.pairs if p.name == pair))
        with one_thread():
            found = self.history(recon, alone, span=(series_id, series_id + 1))
            return _series_history(recon, series_id, found, pair) if found is not None else None

    def _of(self, recon: str) -> tuple[Ledger, Shelf]:
        if recon not in self._open:
            folder = f"{self._root}/{slug(recon)}"
            self._open[recon] = (Ledger(self._fs, folder), Shelf(self._fs, folder))
        return self._open[recon]


def lake_in(home: Path, url: str | None) -> Lake:
    """The lake of a workspace: at `url`, or the folder `lake` in it."""
    return Lake(url or str(home.resolve() / "lake"))


def _series_history(recon: str, series_id: int, found: Reading, pair: str) -> SeriesHistory:
    (panel,) = bucket_panels(found, None, ReconFile())
    newest: dict[str, Any] = {
        name: codes.vocabulary[int(codes.codes[-1])].as_py() for name, codes in panel.columns.items()
    }
    key = found.layout.key
    return SeriesHistory(
        recon=recon,
        series_id=series_id,
        key={name: newest[name] for name in key},
        columns={name: text for name, text in newest.items() if name not in key},
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
        comment=tuple(found.rows.comment.take(pa.array(panel.source)).to_pylist()),
    )
