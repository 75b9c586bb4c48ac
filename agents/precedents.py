"""Comments of past rows become resolutions: what the desk wrote before any of this is its first memory."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from detectors.mechanisms import prove
from detectors.proof import Proof
from memory.embedding import Features
from memory.resolution import Resolution
from recon.calendar import BusinessCalendar, to_date
from recon.ids import short_id
from recon.panel import Panel
from recon.recon_file import ReconFile
from recon.rows import Layout, Reading

NEWEST = 5_000
"""How many commented past rows one run learns from: an older desk's habits say little of today's."""


def commented_rows(panels: Sequence[Panel], history: Reading, since: int | None = None) -> list[npt.NDArray[np.int64]]:
    """Per panel, the past rows (from the day `since` on) that were breaks and carry a comment; the newest `NEWEST`."""
    has_comment = pc.greater(pc.utf8_length(history.rows.comment), 0).to_numpy(zero_copy_only=False)
    out = []
    for panel in panels:
        past = np.flatnonzero(~panel.current & panel.is_break & (True if since is None else panel.day >= since))
        rows = past[has_comment[panel.source[past]]]
        newest = rows[np.argsort(-panel.day[rows], kind="stable")[:NEWEST]]
        out.append(np.sort(newest))
    return out


def resolutions_of_history(
    recon: str,
    panels: Sequence[Panel],
    history: Reading,
    said: ReconFile,
    calendar: BusinessCalendar,
    since: int | None = None,
) -> list[Resolution]:
    """One resolution for each commented past row, on its first pair that broke, with the cause its amounts prove."""
    rows = commented_rows(panels, history, since)
    layout = history.layout
    proofs = prove(
        panels,
        rows,
        left_name=layout.left_source,
        right_name=layout.right_source,
        currency_column=layout.currency,
        rates=dict(said.materiality.rates),
        calendar=calendar,
    )
    found: dict[int, Resolution] = {}
    for panel, wanted, proved in zip(panels, rows, proofs, strict=True):
        for row in wanted.tolist():
            source = int(panel.source[row])
            if source not in found:
                found[source] = _resolution(recon, layout, panel, row, history, proved)
    return list(found.values())


def _resolution(
    recon: str, layout: Layout, panel: Panel, row: int, history: Reading, proved: Mapping[int, Sequence[Proof]]
) -> Resolution:
    best = next(iter(proved.get(row, ())), None)
    comment = str(history.rows.comment[int(panel.source[row])].as_py())
    day = to_date(int(panel.day[row]))
    series = int(panel.series_id[int(panel.series_at(row))])
    columns = {name: str(c.vocabulary[int(c.codes[row])].as_py()) for name, c in panel.columns.items()}
    diff = int(panel.diff[row])
    return Resolution(
        id=short_id("R", recon, str(series), panel.pair.name, str(day), comment),
        recon=recon,
        business_date=day,
        recorded_on=day,
        comment=comment,
        features=Features(
            pattern="",
            cause=best.cause if best else "unknown",
            mechanism=best.mechanism if best else "",
            pair=panel.pair.name,
            sign=(diff > 0) - (diff < 0),
            size=float(np.log10(abs(diff)) - panel.scale) if diff else None,
            missing="left" if panel.left_missing[row] else "right" if panel.right_missing[row] else "",
            columns={name: text for name, text in columns.items() if name != layout.status},
            comment=comment,
        ),
        outcome="resolved",
        source="comment",
        series_id=f"{series:016x}",
    )
