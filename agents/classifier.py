"""The classifier: files a case under a pattern and a cause, or says that none fits and what would settle it."""

from collections.abc import Awaitable, Callable

from agents.brief import Known, cause_label, pattern_label
from agents.casework import Casebook
from agents.opinion import opinion
from agents.speaker import Said, Speaker
from agents.state import CaseState, Opinion
from agents.views import ClassifierView
from recon.words import CAUSE_LABELS, PATTERN_LABELS


def make_classifier(book: Casebook, speaker: Speaker) -> Callable[[CaseState], Awaitable[CaseState]]:
    """The node; it only reads."""

    async def classifier(state: CaseState) -> CaseState:
        known = book.known(state["case_id"])
        said = await speaker.ask("classifier", known, **buckets(known))
        return {"classifier": opinion_of(said)}

    return classifier


def buckets(known: Known) -> dict[str, str]:
    """The predefined buckets as the prompt lists them."""
    patterns = "; ".join(f"{p}: {pattern_label(p, known.said)}" for p in PATTERN_LABELS)
    causes = "; ".join(f"{c}: {cause_label(c, known.said, known.sources)}" for c in CAUSE_LABELS)
    return {"patterns": patterns, "causes": causes}


def opinion_of(said: Said) -> Opinion:
    """The classifier's view as the thread carries it."""
    view = said.view
    assert isinstance(view, ClassifierView)
    words = view.why
    if view.new_name:
        words = f"New: {view.new_name}. {words}"
    if view.settled_by:
        words = f"{words} What would settle it: {view.settled_by}."
    return opinion("classifier", said, words, pattern=view.pattern, cause=view.cause)
