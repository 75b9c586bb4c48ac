"""The blast radius of a tag: what else it would change, said before it is saved."""

from dataclasses import dataclass
from typing import Any, Final

from agents.desk import Desk
from memory.cases import CaseQuery, CaseRecord
from memory.feedback import Tag, check_tag
from recon.case import Case

LOOKED_AT: Final = 400
SHOWN: Final = 8


@dataclass(frozen=True)
class Touched:
    """A case that the tag would also speak for."""

    id: str
    title: str
    amount: str
    currency: str


@dataclass(frozen=True)
class BlastRadius:
    """What a tag changes besides its own target."""

    sentence: str
    touched: tuple[Touched, ...]
    count: int
    searched: int
    """How many open cases were looked at."""

    def to_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "cases": [{"id": t.id, "title": t.title} for t in self.touched],
            "count": self.count,
            "searched": self.searched,
        }


def blast_radius(desk: Desk, case: Case, tag: Tag) -> BlastRadius:
    """The open cases that share what the tag speaks for. Raises BadInput for words that are no tag."""
    check_tag(tag)
    query = CaseQuery(state=("open",), recon=case.recon, pattern=(case.pattern,), limit=LOOKED_AT)
    near = [r for r in desk.cases.page(query).records if r.case.id != case.id]
    alike = [r for r in near if _alike(r, case, tag)]
    touched = tuple(
        Touched(r.case.id, r.case.title, format(r.case.amount, "f"), r.case.currency) for r in alike[:SHOWN]
    )
    return BlastRadius(_sentence(case, tag, len(alike), len(near)), touched, len(alike), len(near))


def _alike(record: CaseRecord, case: Case, tag: Tag) -> bool:
    """What the detectors' lesson would speak for: the same pattern and pair, within the tag's scope or its own key."""
    other = record.case
    if other.pair and case.pair and other.pair != case.pair:
        return False
    if tag.scope:
        known = {p.column: p.value for p in other.scope} | other.key
        return all(known.get(column) == value for column, value in tag.scope.items())
    return bool(case.key) and other.key == case.key


def _sentence(case: Case, tag: Tag, count: int, searched: int) -> str:
    others = f"{count} other open case{'s' if count != 1 else ''}" if count else "no other open case"
    match tag.verdict:
        case "false_positive":
            what = "Differences like this are kept quiet from the next run on; a larger or other one still calls."
        case "true":
            what = "Differences like this are called a little sooner from the next run on."
        case "missed":
            what = "What was not flagged here teaches the detectors which views to trust more."
        case _:
            what = f"From the next run on, the like goes to {tag.pattern or tag.cause}."
    expires = f" It is forgotten on {tag.expires_at:%d %b %Y}." if tag.expires_at else ""
    return f"{what} It speaks for {others} of {searched} in the same bucket.{expires}"
