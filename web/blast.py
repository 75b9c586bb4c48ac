"""The blast radius of a tag: what else it would change, said before it is saved, by the rule that the next run uses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from agents.desk import Desk
from agents.lessons import lesson, lessons_of
from detectors.lessons import GROWN, Seen
from detectors.preview import Known, Radius, preview
from memory.feedback import Feedback, Tag, check_tag
from memory.judged import JudgedBreak, judged_breaks
from recon.case import Case
from recon.rows import Codes

LOOKED_AT: Final = 10_000
SHOWN: Final = 8


@dataclass(frozen=True)
class Touched:
    """A case of which the tag would change a break."""

    id: str
    title: str
    amount: str
    currency: str


@dataclass(frozen=True)
class BlastRadius:
    """What a tag changes."""

    sentence: str
    touched: tuple[Touched, ...]
    """Other cases than its own, the strangest first."""
    count: int
    """How many other cases."""
    searched: int
    """How many past and present breaks were looked at."""
    changes: dict[str, int] = field(default_factory=dict)
    """Breaks that would be `quieted`, `raised`, `relabelled` or `weighed`; of the quieted, `confirmed` real."""

    def to_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "cases": [{"id": t.id, "title": t.title} for t in self.touched],
            "count": self.count,
            "searched": self.searched,
            "breaks": self.changes,
        }


def blast_radius(desk: Desk, case: Case, tag: Tag) -> BlastRadius:
    """What the tag would change of all breaks judged so far. Raises BadInput for words that are no tag."""
    check_tag(tag)
    said = desk.feedback.list(recon=tag.recon)
    judged = judged_breaks(desk.db, tag.recon, said, LOOKED_AT)
    by_pair: dict[str, list[JudgedBreak]] = {}
    for one in judged:
        by_pair.setdefault(one.brk.pair, []).append(one)
    groups = [by_pair[pair] for pair in sorted(by_pair)]
    today = desk.clock().date()
    known = [known_of(pair, rows) for pair, rows in sorted(by_pair.items())]
    radius = preview(lessons_of(desk, tag.recon), lesson(_unsaved(desk, tag)), today, known)
    cases = list(dict.fromkeys(groups[k][i].case_id for k, i in radius.rows))
    others = [c for c in cases if c != case.id]
    changes = {
        "quieted": radius.quieted,
        "raised": radius.raised,
        "relabelled": radius.relabelled,
        "weighed": radius.weighed,
        "confirmed": radius.quieted_confirmed,
    }
    touched = tuple(_touched(desk.cases.get(c)) for c in others[:SHOWN])
    return BlastRadius(_sentence(tag, radius, len(others), len(judged)), touched, len(others), len(judged), changes)


def _touched(case: Case) -> Touched:
    return Touched(case.id, case.title, format(case.amount, "f"), case.currency)


def _unsaved(desk: Desk, tag: Tag) -> Feedback:
    """The tag as it would be stored, so that it is read by the same code as a stored one."""
    return Feedback(
        "F~", tag.recon, tag.target_kind, tag.target_id, tag.verdict, tag.pattern, tag.cause, tag.note,
        dict(tag.scope or {}), dict(tag.features or {}), "", desk.clock(), tag.expires_at, True,
    )  # fmt: skip


def known_of(pair: str, rows: Sequence[JudgedBreak]) -> Known:
    """Stored breaks of one pair as the detectors look at rows."""
    breaks = [r.brk for r in rows]
    texts = [{**b.columns, **b.key} for b in breaks]
    names = dict.fromkeys(name for t in texts for name in t)
    p = [b.pvalue if b.pvalue is not None else 1.0 for b in breaks]
    seen = Seen(
        pair,
        {name: _codes([t.get(name) for t in texts]) for name in names},
        np.array([b.pattern for b in breaks], dtype=object),
        np.array([-math.log(max(value, 1e-300)) for value in p]),
        np.array([float(abs(Decimal(b.difference))) for b in breaks]),
        np.array([b.is_break for b in breaks], np.bool_),
    )
    return Known(
        seen,
        np.array([b.cause for b in breaks], dtype=object),
        np.array([b.anomaly == "yes" for b in breaks], np.bool_),
        np.array([r.confirmed for r in rows], np.bool_),
    )


def _codes(values: Sequence[str | None]) -> Codes:
    encoded = pa.array(values, pa.string()).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Codes(codes, encoded.dictionary)


def _sentence(tag: Tag, radius: Radius, others: int, searched: int) -> str:
    looked = f"Of {searched:,} past and present breaks looked at"
    said = [_next(tag), f"{looked}, {_changed(tag, radius)}{_elsewhere(others)}."]
    if tag.expires_at:
        said.append(f"It is forgotten on {tag.expires_at:%d %b %Y}.")
    return " ".join(said)


def _next(tag: Tag) -> str:
    match tag.verdict:
        case "false_positive":
            return (
                f"Differences like this are kept quiet from the next run on; one more than {GROWN:g} times as large "
                f"or as strange still calls."
            )
        case "true":
            return "Differences of this key are called a little sooner from the next run on."
        case "missed":
            return "Differences about as large or as strange as this are called from the next run on."
        case _:
            word = " and ".join(w for w in (tag.pattern, tag.cause) if w)
            return f"From the next run on, the like goes to {word}."


def _changed(tag: Tag, radius: Radius) -> str:
    quiet = f"{radius.quieted:,} would become quiet, {radius.quieted_confirmed:,} of them confirmed real"
    parts = [quiet] if radius.quieted or tag.verdict == "false_positive" else []
    if radius.raised or tag.verdict == "missed":
        parts.append(f"{radius.raised:,} would be raised")
    if radius.relabelled or tag.verdict == "corrected":
        parts.append(f"{radius.relabelled:,} would change bucket")
    if tag.verdict == "true":
        parts.append(f"{radius.weighed:,} would count for more")
    return "; ".join(parts)


def _elsewhere(others: int) -> str:
    if not others:
        return ", none in another case"
    return f", some in {others:,} other {'case' if others == 1 else 'cases'}"
