"""The readable rows of all parts laid together, and what is said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.money import to_units
from recon.reading import doctor
from recon.reading.assemble import Notes, PairAmounts, PartReader, ReadPart, blank_codes, comments_of
from recon.reading.codes import code_column
from recon.reading.decide import Decided
from recon.reading.rejected import rejects_of
from recon.reading.sheet import Sheet, without
from recon.reading.tolerance import default_units
from recon.rows import NO_STAMP, Codes, ImportFinding, Layout, Pair, PairColumns, Reading, Rows

Keep = npt.NDArray[np.bool_] | slice
_ALL: Final = slice(None)
"""All rows of a part, without a copy."""


def gather(
    sheet: Sheet,
    parts: Sequence[ReadPart],
    decided: Decided,
    notes: Notes,
    reader: PartReader,
    boundaries: Mapping[str, ImportFinding],
    cut: ImportFinding | None = None,
    *,
    today: date,
    with_text: bool = True,
) -> Reading:
    """The readable rows and what is said of them; a past has no text of its own, for it is never written out."""
    layout = decided.layout
    rejects = rejects_of(parts)
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
    codes = _codes(kept_sheet, layout, decided.aliases)
    rows = Rows(
        n=len(day),
        files=files,
        file=np.repeat(np.arange(len(parts), dtype=np.int16), [part.n for part in kept_sheet.parts]),
        line=_joined([p.part.table.line[k] for p, k in zip(parts, keep, strict=True)], np.int64),
        row=_joined(
            [_shifted(p.part.table.ordinal[k], offsets[i]) for i, (p, k) in enumerate(zip(parts, keep, strict=True))],
            np.int64,
        ),
        day=day,
        stamp=stamp,
        text=kept_sheet.text() if with_text else pa.table({}),
        columns=codes,
        pairs=tuple(_pair_columns(pair, parts, keep, decided, codes, reader) for pair in layout.pairs),
        comment=comments_of(kept_sheet, layout.comment),
    )
    findings = [*sheet.findings, *_of_files(decided.findings, files), *([cut] if cut else [])]
    findings += doctor.findings(rows, layout, notes, rejects, today, kept_sheet)
    rows = rows if with_text else _lean(rows)
    return Reading(
        layout,
        rows,
        rejects,
        tuple(findings),
        rows.n + len(rejects),
        tuple(p.table.sha256 for p in sheet.parts),
        _facts(parts, decided),
    )


def _lean(rows: Rows) -> Rows:
    """The rows without what nobody asks of a past: where each stood in its file, and the file's own difference. They
    were a third of its memory."""
    nowhere = np.broadcast_to(np.int64(0), rows.n)
    return replace(rows, line=nowhere, row=nowhere, pairs=tuple(replace(pair, derived=None) for pair in rows.pairs))


def _codes(sheet: Sheet, layout: Layout, aliases: Mapping[str, str]) -> dict[str, Codes]:
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
    pair: Pair,
    parts: Sequence[ReadPart],
    keep: Sequence[Keep],
    decided: Decided,
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
            [a.derived[k] if a.derived is not None else np.full(len(a.left[k]), none, dtype=np.int64) for a, k in both],
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


def _facts(parts: Sequence[ReadPart], decided: Decided) -> dict[str, Any]:
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


def _of_files(findings: Sequence[ImportFinding], files: Sequence[str]) -> list[ImportFinding]:
    return [finding for finding in findings if any(finding.where.startswith(file) for file in files)]
