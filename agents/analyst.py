"""The analyst: writes the summary and ranks the hypotheses; a disagreement is shown and lowers the confidence."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from agents.brief import Known
from agents.casework import Casebook
from agents.desk import Desk
from agents.opinion import opinion
from agents.speaker import Said, Speaker
from agents.state import CaseState, Opinion
from agents.views import AnalystView
from recon.case import Hypothesis

DISAGREED: Final = 0.6
"""What one disagreement leaves of the confidence."""
_SHOWN_SIMILAR: Final = 5


def make_analyst(desk: Desk, book: Casebook, speaker: Speaker) -> Callable[[CaseState], Awaitable[CaseState]]:
    """The node; it writes its conclusion to the case store."""

    async def analyst(state: CaseState) -> CaseState:
        known = book.known(state["case_id"])
        said = await speaker.ask("analyst", known)
        mine = opinion_of(said)
        opinions = [state.get("detector"), state.get("classifier"), mine]
        judgement = conclude(known, said, [o for o in opinions if o])
        if judgement:
            desk.cases.update_judgement(state["case_id"], **judgement)
        return {"analyst": mine}

    return analyst


def opinion_of(said: Said) -> Opinion:
    """The analyst's view as the thread carries it; the summary itself stands in the case."""
    view = said.view
    assert isinstance(view, AnalystView)
    cause = view.hypotheses[0].cause if view.hypotheses else ""
    return opinion("analyst", said, view.next_step, cause=cause)


def conclude(known: Known, said: Said, opinions: Sequence[Opinion]) -> dict[str, Any]:
    """What changes in the case: summary, precedents, hypotheses, confidence; nothing that is as it was."""
    view = said.view
    assert isinstance(view, AnalystView)
    case = known.case
    own = {e.id for e in case.evidence}
    doubts = [o for o in opinions if o["verdict"] == "disagree"]
    summary = view.summary
    for doubt in doubts:
        if doubt["agent"] != "analyst":
            summary += f" The {doubt['agent']} disagrees: {said.mask.show(doubt['words'])}"
    hypotheses = case.hypotheses
    if view.hypotheses and said.source == "model":
        hypotheses = _merged(case.hypotheses, view, own)
    base = max((h.confidence for h in case.hypotheses), default=case.confidence)
    changes: dict[str, Any] = {
        "summary": summary,
        "similar": tuple(m.as_similar() for m in known.similar[:_SHOWN_SIMILAR]),
        "hypotheses": hypotheses,
        "confidence": round(min(case.confidence, base) * DISAGREED ** len(doubts), 4) if doubts else case.confidence,
    }
    return {name: value for name, value in changes.items() if getattr(case, name) != value}


def _merged(computed: Sequence[Hypothesis], view: AnalystView, own: set[str]) -> tuple[Hypothesis, ...]:
    """The computed hypotheses keep their numbers; the model's add words, or causes of their own at lower rank."""
    out = list(computed)
    held = {h.cause for h in computed}
    floor = min((h.confidence for h in computed), default=0.5)
    for h in view.hypotheses:
        cites = tuple(c for c in h.cites if c in own)
        if h.cause not in held and cites:
            out.append(Hypothesis(h.cause, h.statement, round(min(h.confidence, floor * 0.8), 4), cites))
            held.add(h.cause)
    return tuple(out[:5])
