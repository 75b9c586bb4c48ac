"""One event of an answer while it is given: a token, a tool's call, a piece of evidence, a draft, the end."""

from typing import Any

from recon.case import Evidence


class Event(dict[str, Any]):
    """One event of an answer: `event` is token, tool, evidence, action, done or error; the rest is its data."""

    @property
    def event(self) -> str:
        return str(self["event"])

    @property
    def kind(self) -> str:
        return self.event

    @property
    def data(self) -> dict[str, Any]:
        return {name: value for name, value in self.items() if name != "event"}


def evidence_json(e: Evidence) -> dict[str, Any]:
    """A piece of evidence as an answer shows it, with its first rows."""
    return {"id": e.id, "kind": e.kind, "statement": e.statement, "values": e.values, "rows": list(e.rows[:50])}
