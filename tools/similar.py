"""How the like was closed before: past resolutions with their outcome, and what most of them said."""

from dataclasses import dataclass
from datetime import date

from memory.embedding import Features
from memory.resolutions import Consensus, Match, Resolutions, consensus, features_of_break
from recon.case import BreakRow, Case, Evidence


@dataclass(frozen=True)
class Precedents:
    """What was found, what most of it agrees on, and both as evidence."""

    matches: tuple[Match, ...]
    consensus: Consensus | None
    searched: str
    """What was looked for, so that "nothing found" says where."""


def mechanism_of(case: Case) -> str:
    """The mechanism that proved the cause, from the case's evidence; empty when none did."""
    for e in case.evidence:
        if e.kind in ("proof", "pair") and e.values.get("mechanism"):
            return str(e.values["mechanism"])
    return ""


def features_of_case(case: Case, breaks: tuple[BreakRow, ...]) -> Features:
    """What the case's strangest break is like, under the case's own pattern and cause."""
    from dataclasses import replace

    if not breaks:
        return Features(
            pattern=case.pattern,
            cause=case.cause,
            mechanism=mechanism_of(case),
            pair=case.pair,
            columns={part.column: part.value for part in case.scope} | dict(case.key),
        )
    top = max(breaks, key=lambda b: b.score)
    return replace(features_of_break(top, mechanism_of(case), ""), pattern=case.pattern, cause=case.cause)


def find_similar(
    store: Resolutions,
    case: Case,
    breaks: tuple[BreakRow, ...],
    *,
    as_of: date,
    k: int = 9,
    words: str = "",
) -> Precedents:
    """Past resolutions like this case, none newer than its own newest break."""
    from dataclasses import replace

    features = features_of_case(case, breaks)
    if words:
        features = replace(features, comment=words)
    before = case.last_date or max((b.business_date for b in breaks if b.business_date), default=as_of)
    matches = tuple(store.similar(features, case.recon, before=before, k=k, as_of=as_of))
    close = [m for m in matches if m.score >= 0.55] or list(matches[:1])
    searched = f"resolutions of {case.recon} up to {before.isoformat()}"
    return Precedents(matches, consensus(close), searched)


def as_evidence(found: Precedents, first: int) -> tuple[Evidence, ...]:
    """The precedents as evidence, numbered from `first`; comments stand in «», as quoted material."""
    out: list[Evidence] = []
    if found.consensus is not None:
        c = found.consensus
        values = {
            "comment": c.comment,
            "count": c.count,
            "total": c.total,
            "last_date": c.last.isoformat() if c.last else None,
            "resolution_ids": list(c.ids[:9]),
        }
        out.append(Evidence(f"E{first}", "similar", f"{c.statement()}: «{c.comment}»", values))
    for m in found.matches[:5]:
        r = m.resolution
        day = r.business_date.isoformat() if r.business_date else "an unknown date"
        statement = f"Resolution {r.id} of {day} ({r.outcome}): «{r.comment}» ({m.why})"
        values = {"resolution_id": r.id, "outcome": r.outcome, "comment": r.comment, "date": day, "why": m.why}
        if r.action:
            values["action"] = r.action
        out.append(Evidence(f"E{first + len(out)}", "similar", statement, values))
    if not out:
        statement = f"No resolution like this one was found; searched {found.searched}"
        out.append(Evidence(f"E{first}", "similar", statement, {"searched": found.searched, "count": 0}))
    return tuple(out)
