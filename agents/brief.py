"""The brief: everything about one case that a model may read, as one JSON document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from memory.resolution import Consensus, Match
from recon.case import BreakRow, Case, Evidence
from recon.recon_file import ReconFile
from recon.words import CAUSE_LABELS, PATTERN_LABELS

SHOWN_BREAKS: Final = 6
SHOWN_SIMILAR: Final = 5
SHOWN_EVIDENCE: Final = 24


@dataclass(frozen=True)
class Sources:
    """What the two sides are called."""

    left: str = "left"
    right: str = "right"


@dataclass(frozen=True)
class Known:
    """A case with what the tools found about it, before anybody words it."""

    case: Case
    breaks: tuple[BreakRow, ...]
    evidence: tuple[Evidence, ...]
    """The case's own, and what was looked up for it."""
    sources: Sources
    said: ReconFile
    similar: tuple[Match, ...] = ()
    consensus: Consensus | None = None
    wish: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)


def pattern_label(pattern: str, said: ReconFile) -> str:
    """The label that the desk uses for a pattern."""
    labels: dict[str, str] = {**PATTERN_LABELS, **said.buckets.patterns}
    labels.update({str(name): label for name, label in said.buckets.labels.items()})
    return labels.get(pattern, pattern.replace("_", " "))


def cause_label(cause: str, said: ReconFile, sources: Sources) -> str:
    """The label that the desk uses for a cause."""
    labels: dict[str, str] = {**CAUSE_LABELS, **said.buckets.causes}
    labels.update({str(name): label for name, label in said.buckets.labels.items()})
    return labels.get(cause, cause.replace("_", " ")).format(left=sources.left, right=sources.right)


def brief(known: Known) -> dict[str, Any]:
    """The document for a model. Amounts are text; nothing in it is a secret; masking comes after."""
    case = known.case
    return {
        "case": {
            "id": case.id,
            "kind": case.kind,
            "title": case.title,
            "recon": case.recon,
            "pattern": case.pattern,
            "pattern_label": pattern_label(case.pattern, known.said),
            "cause": case.cause,
            "cause_label": cause_label(case.cause, known.said, known.sources),
            "cause_detail": case.cause_detail,
            "severity": case.severity,
            "scope": {part.column: part.value for part in case.scope},
            "key": dict(case.key),
            "columns": sorted({name for b in known.breaks for name in b.columns}),
            "pair": case.pair,
            "break_count": case.break_count,
            "amount": format(case.amount, "f"),
            "currency": case.currency,
            "onset": case.onset.isoformat() if case.onset else None,
            "last_date": case.last_date.isoformat() if case.last_date else None,
            "suspect_side": case.suspect_side,
            "provisional": case.provisional,
        },
        "sources": {"left": known.sources.left, "right": known.sources.right},
        "evidence": [evidence_line(e) for e in known.evidence[:SHOWN_EVIDENCE]],
        "breaks": [break_line(b) for b in known.breaks[:SHOWN_BREAKS]],
        "hypotheses": [
            {"cause": h.cause, "statement": h.statement, "confidence": h.confidence, "cites": list(h.evidence_ids)}
            for h in case.hypotheses
        ],
        "similar": [
            {
                "id": m.resolution.id,
                "outcome": m.resolution.outcome,
                "comment": m.resolution.comment,
                "date": m.resolution.business_date.isoformat() if m.resolution.business_date else "",
                "why": m.why,
            }
            for m in known.similar[:SHOWN_SIMILAR]
        ],
        "consensus": _consensus(known.consensus),
        "wish": known.wish,
        "template": dict(known.template),
    }


def evidence_line(e: Evidence) -> dict[str, Any]:
    """One piece of evidence as a model reads it."""
    return {"id": e.id, "kind": e.kind, "statement": e.statement, "values": e.values, "rows": list(e.rows[:20])}


def break_line(b: BreakRow) -> dict[str, Any]:
    """One break as a model reads it."""
    return {
        "row": b.row,
        "date": b.business_date.isoformat() if b.business_date else None,
        "pair": b.pair,
        "key": b.key,
        "left": b.left,
        "right": b.right,
        "difference": b.difference,
        "currency": b.currency,
        "anomaly": b.anomaly,
        "reason": b.reason,
    }


def _consensus(found: Consensus | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "statement": found.statement(),
        "comment": found.comment,
        "ids": list(found.ids[:5]),
        "count": found.count,
        "total": found.total,
        "last": found.last.isoformat() if found.last else None,
    }


def evidence_of_breaks(breaks: Sequence[BreakRow], sources: Sources, first: int) -> tuple[Evidence, ...]:
    """The breaks as evidence, numbered from `first`, for cases whose own evidence does not name their rows."""
    out = []
    for n, b in enumerate(breaks, start=first):
        date = b.business_date.isoformat() if b.business_date else None
        left = b.left if b.left is not None else "nothing"
        right = b.right if b.right is not None else "nothing"
        unit = f" {b.currency}" if b.currency else ""
        where = ", ".join(f"{k} {v}" for k, v in b.key.items())
        on = f" on {date}" if date else ""
        out.append(
            Evidence(
                id=f"E{n}",
                kind="break",
                statement=f"{b.pair}{on} for {where}: {sources.left} {left}{unit}, {sources.right} {right}{unit}"
                + ("" if b.in_words else f", difference {b.difference}{unit}"),
                values={
                    "left": b.left,
                    "left_source": sources.left,
                    "right": b.right,
                    "right_source": sources.right,
                    "difference": b.difference,
                    "currency": b.currency,
                    "date": date,
                    "pair": b.pair,
                    "key": dict(b.key),
                },
                rows=(b.row,),
            )
        )
    return tuple(out)
