"""Vets an agent's answer before anybody sees it: each of its texts against the evidence that it cites."""

from collections.abc import Iterator, Sequence
from typing import Any

from agents.brief import Known
from agents.facts import Facts, facts_of
from agents.grounding import Fault, check, check_cites, cited_in
from agents.views import AnalystView, View
from recon.case import Evidence

_NOT_PROSE = frozenset({"cites", "verdict", "pattern", "cause", "confidence", "hypotheses"})


def case_facts(known: Known) -> dict[str, Any]:
    """What every answer may state of the case without citing: its id, total, dates, scope."""
    case = known.case
    return {
        "case_id": case.id,
        "title": case.title,
        "recon": case.recon,
        "total": format(case.amount, "f"),
        "currency": case.currency,
        "break_count": case.break_count,
        "onset": case.onset.isoformat() if case.onset else None,
        "last_date": case.last_date.isoformat() if case.last_date else None,
        "scope": {part.column: part.value for part in case.scope},
        "key": dict(case.key),
        "severity": case.severity,
        "pair": case.pair,
    }


def facts_for(known: Known, evidence: Sequence[Evidence], cites: Sequence[str]) -> Facts:
    """The facts of the cited evidence, with what holds of the case itself."""
    wanted = set(cites)
    cited = [e for e in evidence if e.id in wanted]
    return facts_of(cited, known.sources.left, known.sources.right, also=case_facts(known))


def texts_of(view: View) -> Iterator[tuple[str, str, list[str]]]:
    """(field, text, ids it may rest on) for every piece of prose in an answer."""
    for name, value in view:
        if name not in _NOT_PROSE and isinstance(value, str) and value.strip():
            yield name, value, view.cites
    if isinstance(view, AnalystView):
        for n, h in enumerate(view.hypotheses):
            yield f"hypotheses.{n}.statement", h.statement, [*h.cites, *view.cites]


def vet(view: View, known: Known, evidence: Sequence[Evidence]) -> list[Fault]:
    """Everything in an answer that its evidence does not bear; empty when it may be shown."""
    ids = [e.id for e in evidence] + [m.resolution.id for m in known.similar]
    faults = check_cites(view.cites, ids)
    by_resolution = {
        str(e.values["resolution_id"]): e.id for e in evidence if e.kind == "similar" and "resolution_id" in e.values
    }
    reused = known.consensus.comment.strip() if known.consensus else None
    for name, text, cites in texts_of(view):
        if name == "comment" and text.strip() == reused:
            continue  # the comment that code found for breaks like these, letter by letter
        inline = cited_in(text)
        faults += check_cites(inline, [*ids, known.case.id])
        meant = [by_resolution.get(c, c) for c in (*cites, *inline)]
        faults += check(text, facts_for(known, evidence, meant))
    return faults


def told(faults: Sequence[Fault], limit: int = 8) -> str:
    """The faults as a model is told of them."""
    return "; ".join(str(f) for f in faults[:limit])
