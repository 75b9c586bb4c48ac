"""Readings and panels from a few lines of text, so that a test shows only what it is about."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa

from recon.panel import Panel
from recon.panels import build_panels
from recon.recon_file import ReconFile
from recon.rows import BLANK, EPOCH, NO_DAY, PRESENT, Codes, Layout, Pair, PairColumns, Reading, Rows

LAYOUT = Layout(
    key=("account",),
    pairs=(Pair("amount", "ledger", "bank", None, "number", tolerance="0.005"),),
    historical=("desk",),
    date="date",
    currency="currency",
    comment=("comment",),
    left_source="Ledger",
    right_source="Bank",
)


def reading_of(text: str, layout: Layout = LAYOUT, *, scale: int = 2, name: str = "rows.csv") -> Reading:
    """A reading of CSV text whose header names the layout's columns; dates are ISO, amounts plain decimals."""
    table = list(csv.reader(io.StringIO("\n".join(line.strip() for line in text.strip().splitlines()))))
    header, rows = table[0], table[1:]
    column = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    n = len(rows)
    coded = (*layout.key, *layout.historical, *layout.categorical, *filter(None, [layout.currency]))
    comments = column.get(layout.comment[0], [""] * n) if layout.comment else [""] * n
    found = Rows(
        n=n,
        files=(name,),
        file=np.zeros(n, np.int16),
        line=np.arange(2, n + 2),
        row=np.arange(1, n + 1),
        day=np.array([_day(d) for d in column.get(layout.date or "", [""] * n)], np.int32),
        stamp=None,
        text=pa.table({h: pa.array(v, pa.string()) for h, v in column.items()}),
        columns={c: _codes(column[c]) for c in coded if c in column},
        pairs=tuple(_pair(p, column, scale, n) for p in layout.pairs),
        comment=pa.array(comments, pa.string()),
    )
    return Reading(layout, found, (), (), n, (f"{hash(text) & (2**64 - 1):016x}",))


def panels_of(current: str, history: str | None = None, layout: Layout = LAYOUT) -> Sequence[Panel]:
    """The panels of two such texts."""
    past = reading_of(history, layout) if history else None
    return build_panels(reading_of(current, layout), past, ReconFile())


def _day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days if text else int(NO_DAY)


def _codes(values: list[str]) -> Codes:
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return Codes(encoded.indices.to_numpy(), encoded.dictionary)


def _pair(pair: Pair, column: dict[str, list[str]], scale: int, n: int) -> PairColumns:
    def units(header: str | None) -> np.ndarray:
        values = column.get(header or "", [""] * n)
        return np.array([int(Decimal(v).scaleb(scale)) if v else 0 for v in values], np.int64)

    def state(header: str | None) -> np.ndarray:
        return np.array([PRESENT if v else BLANK for v in column.get(header or "", [""] * n)], np.uint8)

    tolerance = int(Decimal(pair.tolerance or "0").scaleb(scale))
    return PairColumns(
        pair,
        scale,
        units(pair.left),
        units(pair.right),
        state(pair.left),
        state(pair.right),
        None,
        np.full(n, tolerance, np.int64),
    )
