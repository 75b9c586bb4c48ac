"""Cuts panels into parts and puts the parts of several buckets together again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.panel import Panel
from recon.rows import Codes

BY_ROW: Final = (
    "day", "current", "source", "left", "right", "left_missing", "right_missing", "diff", "tolerance", "is_break",
    "excluded",
)  # fmt: skip


def rows_of(panel: Panel, keep: npt.NDArray[np.bool_]) -> Panel:
    """The panel with only the rows where `keep`; a series of which nothing stays is left out."""
    held = np.add.reduceat(keep.astype(np.int64), panel.offsets[:-1]) if panel.s else np.zeros(0, np.int64)
    some = held > 0
    return replace(
        panel,
        offsets=np.concatenate([[0], np.cumsum(held[some])]).astype(np.int64),
        series_id=panel.series_id[some],
        groups=panel.groups[:, some],
        columns={name: Codes(c.codes[keep], c.vocabulary) for name, c in panel.columns.items()},
        stamp=None if panel.stamp is None else panel.stamp[keep],
        **{name: getattr(panel, name)[keep] for name in BY_ROW},
    )


def joined(parts: Sequence[Panel]) -> Panel:
    """The panel of which these are the buckets, in the order of their series; the same pair, scale and levels."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    starts = np.cumsum([0, *(part.n for part in parts)])
    offsets = [part.offsets[:-1] + start for part, start in zip(parts, starts, strict=False)]
    by_row: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in BY_ROW}
    return replace(
        first,
        offsets=np.concatenate([*offsets, starts[-1:]]).astype(np.int64),
        series_id=np.concatenate([part.series_id for part in parts]),
        groups=np.concatenate([part.groups for part in parts], axis=1),
        columns={name: _one_vocabulary([part.columns[name] for part in parts]) for name in first.columns},
        stamp=None if first.stamp is None else np.concatenate([p.stamp for p in parts if p.stamp is not None]),
        **by_row,
    )


def _one_vocabulary(parts: Sequence[Codes]) -> Codes:
    """Codes over one vocabulary, whatever the parts had."""
    words = pa.concat_arrays([part.vocabulary.cast(pa.string()) for part in parts]).fill_null("")
    encoded = words.dictionary_encode()
    place = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    starts = np.cumsum([0, *(len(part.vocabulary) for part in parts)])
    codes = [place[part.codes.astype(np.int64) + start] for part, start in zip(parts, starts, strict=False)]
    return Codes(np.concatenate(codes), encoded.dictionary)
