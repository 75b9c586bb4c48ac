"""The report: what a slice covers, how pure it is, and against what base rate."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from detectors.localise.slice import Slice

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def describe(
    found: Sequence[dict[str, int]],
    columns: Mapping[str, npt.NDArray[np.int32]],
    amount: Floats,
    share: Floats,
    live: Rows,
    far: Mask,
) -> list[Slice]:
    """The slices with their numbers, in the order found.

    `amount`: absolute deviations; `share`: relative ones; `live`: rows that carry a value; `far`: rows that deviate
    more than noise does.
    """
    carries = np.zeros(len(share), dtype=bool)
    carries[live] = True
    insides = [_inside(parts, columns) for parts in found]
    outside = carries & ~np.any(insides, axis=0) if insides else carries
    base = float(far[outside].mean()) if outside.any() else 0.0
    whole, count = max(float(amount[far].sum()), 1e-300), max(int(far.sum()), 1)
    out = []
    for parts, inside in zip(found, insides, strict=True):
        rows, hit = np.flatnonzero(inside), np.flatnonzero(inside & far)
        counted = max(int(np.count_nonzero(inside & carries)), 1)
        typical = float(np.median(share[hit])) if len(hit) else 0.0
        out.append(
            Slice(
                parts=parts,
                rows=rows,
                deviating=hit,
                coverage=float(amount[hit].sum()) / whole,
                count_coverage=len(hit) / count,
                purity=len(hit) / counted,
                base_rate=base,
                score=_contrast(len(hit), counted, base),
                direction=_direction(share[hit]),
                deviation=typical,
                spread=float(1.4826 * np.median(np.abs(share[hit] - typical))) if len(hit) else 0.0,
            )
        )
    return out


def _inside(parts: Mapping[str, int], columns: Mapping[str, npt.NDArray[np.int32]]) -> Mask:
    inside = np.ones(len(next(iter(columns.values()))), dtype=bool)
    for name, code in parts.items():
        inside &= np.asarray(columns[name]) == code
    return inside


def _contrast(hits: int, rows: int, base: float) -> float:
    """Log likelihood ratio of the rows deviating at their own rate against the base rate, half a row of doubt."""
    own = min(max((hits + 0.5) / (rows + 1), 1e-9), 1 - 1e-9)
    rate = min(max(base, 0.5 / (rows + 1), 1e-9), 1 - 1e-9)
    return float(hits * np.log(own / rate) + (rows - hits) * np.log((1 - own) / (1 - rate)))


def _direction(share: Floats) -> Literal["above", "below", "mixed"]:
    above = float(np.mean(share > 0)) if len(share) else 0.5
    return "above" if above > 0.8 else "below" if above < 0.2 else "mixed"
