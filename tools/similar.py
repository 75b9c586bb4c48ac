"""How the like was closed before: past resolutions with their outcome, and what most of them said."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from memory.embedding import Features
from memory.resolution import Consensus, Match, consensus, features_of_break, same_wording
from memory.resolutions import Resolutions
from recon.case import BreakRow, Case, Evidence
from recon.text import quoted
from tools.comments import propose_comments

CLOSE: Final = 0.75
"""How alike resolutions must be for their wording to be offered where no level of likeness decides."""


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
    features = features_of_case(case, breaks)
    if words:
        features = replace(features, comment=words)
    before = case.last_date or max((b.business_date for b in breaks if b.business_date), default=as_of)
    matches = tuple(store.similar(features, case.recon, before=before, k=k, as_of=as_of))
    agreed = None if words else offered(store, case, breaks)
    if agreed is None:
        agreed = consensus([m for m in matches if m.score >= CLOSE])
    searched = f"resolutions of {case.recon} up to {before.isoformat()}"
    return Precedents(matches, agreed, searched)


def offered(store: Resolutions, case: Case, breaks: tuple[BreakRow, ...]) -> Consensus | None:
    """The comment offered to most of the case's breaks, with the precedents behind it."""
    mechanism = mechanism_of(case)
    features = [features_of_break(b, mechanism, "") for b in breaks]
    found = [o for o in propose_comments(store, case.recon, breaks, features) if o is not None]
    if not found:
        return None
    counted = Counter(same_wording(o.comment) for o in found)
    best = max(counted, key=lambda w: (counted[w], w))
    chosen = max((o for o in found if same_wording(o.comment) == best), key=lambda o: (o.count, o.comment))
    return Consensus(chosen.comment, chosen.count, chosen.total, chosen.last, chosen.ids)


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
        out.append(Evidence(f"E{first}", "similar", f"{c.statement()}: {quoted(c.comment)}", values))
    for m in found.matches[:5]:
        r = m.resolution
        day = r.business_date.isoformat() if r.business_date else "an unknown date"
        statement = f"Resolution {r.id} of {day} ({r.outcome}): {quoted(r.comment)} ({m.why})"
        values = {"resolution_id": r.id, "outcome": r.outcome, "comment": r.comment, "date": day, "why": m.why}
        if r.action:
            values["action"] = r.action
        out.append(Evidence(f"E{first + len(out)}", "similar", statement, values))
    if not out:
        statement = f"No resolution like this one was found; searched {found.searched}"
        out.append(Evidence(f"E{first}", "similar", statement, {"searched": found.searched, "count": 0}))
    return tuple(out)
