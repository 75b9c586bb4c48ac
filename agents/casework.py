"""Gathers what is known of a case from the stores, once per thread, for every node to read."""

from collections import OrderedDict
from typing import Final

from agents.brief import Known, Sources, evidence_of_breaks
from agents.desk import Desk
from recon.case import Case
from recon.errors import NotFound
from tools.said import Said, said_of
from tools.similar import as_evidence, find_similar

_KEPT: Final = 256
SHOWN: Final = 200
"""Breaks of a case that are looked at; a larger case is described by its slice, not row by row."""


def gather(desk: Desk, case_id: str, *, similar: bool = True) -> Known:
    """The case, its breaks and its precedents. Raises NotFound."""
    case = desk.cases.get(case_id)
    breaks = tuple(desk.cases.breaks(case_id)[:SHOWN])
    said: Said = said_of(desk.db, case.recon)
    sources = _sources(said, case)
    evidence = case.evidence
    if not any(e.kind == "break" for e in evidence):
        evidence += evidence_of_breaks(breaks[:3], sources, _next(evidence))
    if not similar:
        return Known(case, breaks, evidence, sources, said.file)
    found = find_similar(desk.resolutions, case, breaks, as_of=desk.clock().date())
    evidence += as_evidence(found, _next(evidence))
    return Known(
        case=case,
        breaks=breaks,
        evidence=evidence,
        sources=sources,
        said=said.file,
        similar=found.matches,
        consensus=found.consensus,
    )


def _sources(said: Said, case: Case) -> Sources:
    """What the sides are called: by the recon file, else as the case's own evidence has it."""
    left, right = said.left, said.right
    for e in case.evidence:
        if (left, right) == ("left", "right") and e.values.get("left_source"):
            left, right = str(e.values["left_source"]), str(e.values.get("right_source") or "right")
    return Sources(left, right)


def _next(evidence: tuple[object, ...]) -> int:
    numbers = [int(e.id[1:]) for e in evidence if str(getattr(e, "id", ""))[1:].isdigit()]  # type: ignore[attr-defined]
    return max(numbers, default=0) + 1


class Casebook:
    """Known cases of the threads at work, so that eight nodes do not read one case eight times."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held: OrderedDict[str, Known] = OrderedDict()

    def known(self, case_id: str) -> Known:
        """From the book, or gathered anew. Raises NotFound."""
        if case_id in self._held:
            self._held.move_to_end(case_id)
            return self._held[case_id]
        known = gather(self._desk, case_id)
        self._held[case_id] = known
        while len(self._held) > _KEPT:
            self._held.popitem(last=False)
        return known

    def close(self, case_id: str) -> None:
        """Forgets a case: it has changed, or its thread has come to rest."""
        self._held.pop(case_id, None)


__all__ = ["SHOWN", "Casebook", "NotFound", "gather"]
