"""An agent's opinion as the thread carries it: its masked values hidden, since checkpoints are read by other tools."""

from agents.speaker import Said
from agents.state import Opinion

LONGEST = 2000
"""Characters of an opinion that a checkpoint keeps."""


def opinion(agent: str, said: Said, words: str, *, pattern: str = "", cause: str = "") -> Opinion:
    """What one agent said; `Said.mask.show` puts the hidden values back where they are read."""
    return {
        "agent": agent,
        "verdict": getattr(said.view, "verdict", "abstain"),
        "words": said.mask.hide_text(words[:LONGEST]),
        "cites": said.view.cites,
        "pattern": pattern,
        "cause": cause,
        "source": said.source,
        "why_rules": said.mask.hide_text(said.why_rules[:LONGEST]),
    }
