"""The detector: says in an operator's words why a case is out of pattern, or why it is not."""

from collections.abc import Awaitable, Callable

from agents.casework import Casebook
from agents.opinion import opinion
from agents.speaker import Said, Speaker
from agents.state import CaseState, Opinion
from agents.views import DetectorView


def make_detector(book: Casebook, speaker: Speaker) -> Callable[[CaseState], Awaitable[CaseState]]:
    """The node; it only reads."""

    async def detector(state: CaseState) -> CaseState:
        said = await speaker.ask("detector", book.known(state["case_id"]))
        return {"detector": opinion_of(said)}

    return detector


def opinion_of(said: Said) -> Opinion:
    """The detector's view as the thread carries it."""
    view = said.view
    assert isinstance(view, DetectorView)
    words = view.why if not view.settled_by else f"{view.why} What would settle it: {view.settled_by}."
    return opinion("detector", said, words)
