"""The toolbox: each read-only tool with its arguments' form, as a model is told of it and as code calls it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.brief import Known
from agents.desk import Desk
from recon.case import Evidence
from tools.bench import Bench, ToolFault
from tools.breaks import Slice, aggregate, co_moving, list_breaks
from tools.series import show_history, show_sides, summarise, what_changed
from tools.similar import as_evidence, find_similar
from tools.tickets import open_tickets, show_drafts, show_promises, what_happened


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoArgs(_Args):
    pass


class RowArgs(_Args):
    row: int | None = Field(
        default=None, description="tieout_row of one of the case's breaks; its strangest by default"
    )


class HistoryArgs(RowArgs):
    last: int = Field(default=12, ge=1, le=60, description="how many of the newest points")
    since: date | None = Field(default=None, description="only points from this date on")


class SimilarArgs(_Args):
    words: str = Field(default="", max_length=200, description="words that the past comments should be about")


class ListArgs(_Args):
    limit: int = Field(default=8, ge=1, le=40)


class AggregateArgs(_Args):
    by: str = Field(description="column to group by, or pair, cause, pattern, date")
    where: dict[str, str] = Field(default_factory=dict, description="column values that must hold")
    measure: Literal["count", "sum", "largest"] = "sum"
    whole: bool = Field(default=True, description="all breaks of the run; false: only this case's")


class EvidenceArgs(_Args):
    kind: str = Field(default="", description="proof, pair, slice, side, band, onset, similar; all when empty")


@dataclass(frozen=True)
class Workplace:
    """What a tool call needs: the bench, what is known already, and the number of the next evidence."""

    bench: Bench
    known: Known
    next: int


Run = Callable[[Workplace, Any], tuple[Evidence, ...]]


@dataclass(frozen=True)
class Tool:
    """One tool a model may call. All of them only read."""

    name: str
    says: str
    args: type[_Args]
    run: Run

    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI's form."""
        said = {"name": self.name, "description": self.says, "parameters": _parameters(self.args)}
        return {"type": "function", "function": said}


@cache
def _parameters(args: type[_Args]) -> dict[str, Any]:
    """Made once: made anew for each call of a model, the forms took a tenth of a conversation."""
    form = args.model_json_schema()
    form.pop("title", None)
    form.pop("description", None)
    return form


def _similar(at: Workplace, args: SimilarArgs) -> tuple[Evidence, ...]:
    b = at.bench
    found = find_similar(b.resolutions, b.case, b.breaks, as_of=b.today, words=args.words)
    return as_evidence(found, at.next)


def _evidence(at: Workplace, args: EvidenceArgs) -> tuple[Evidence, ...]:
    found = tuple(e for e in at.known.evidence if not args.kind or e.kind == args.kind)
    if not found:
        kinds = ", ".join(sorted({e.kind for e in at.known.evidence}))
        statement = f"The case has no evidence of kind {args.kind}; it has {kinds}"
        return (Evidence(f"E{at.next}", args.kind or "none", statement, {"count": 0}),)
    return found


TOOLS: tuple[Tool, ...] = (
    Tool("case_evidence", "The case's own evidence: proofs, pairs, slices, sides, bands.", EvidenceArgs, _evidence),
    Tool(
        "series_history",
        "The last known points of a break's series: both sides and the difference.",
        HistoryArgs,
        lambda at, a: show_history(at.bench, at.next, row=a.row, last=a.last, since=a.since),
    ),
    Tool(
        "series_summary",
        "How the series behaved before this break.",
        RowArgs,
        lambda at, a: summarise(at.bench, at.next, row=a.row),
    ),
    Tool(
        "two_sides",
        "What each side says of a break, and which side is suspect.",
        RowArgs,
        lambda at, a: show_sides(at.bench, at.next, row=a.row),
    ),
    Tool(
        "what_changed",
        "Each side's movement since the point before.",
        RowArgs,
        lambda at, a: what_changed(at.bench, at.next, row=a.row),
    ),
    Tool(
        "co_moving_breaks",
        "Other breaks of the run that cancel this one or have its amount.",
        RowArgs,
        lambda at, a: co_moving(at.bench, at.next, row=a.row),
    ),
    Tool("similar_resolutions", "How breaks like this were closed before, and how that ended.", SimilarArgs, _similar),
    Tool(
        "list_breaks",
        "The case's breaks, largest first.",
        ListArgs,
        lambda at, a: list_breaks(at.bench, at.next, limit=a.limit),
    ),
    Tool(
        "aggregate_breaks",
        "Breaks grouped and added up by a column, within a slice.",
        AggregateArgs,
        lambda at, a: aggregate(at.bench, at.next, Slice(a.by, a.where, a.measure, a.whole)),
    ),
    Tool("open_tickets", "Tickets that cover the case's scope.", NoArgs, lambda at, a: open_tickets(at.bench, at.next)),
    Tool("show_drafts", "The case's drafts and their states.", NoArgs, lambda at, a: show_drafts(at.bench, at.next)),
    Tool(
        "promises", "What comments promised about these breaks.", NoArgs, lambda at, a: show_promises(at.bench, at.next)
    ),
    Tool("case_history", "Who did what with the case.", NoArgs, lambda at, a: what_happened(at.bench, at.next)),
)
BY_NAME: Mapping[str, Tool] = {tool.name: tool for tool in TOOLS}

BOXES: Mapping[str, tuple[str, ...]] = {
    "detector": ("series_history", "series_summary", "what_changed"),
    "classifier": ("case_evidence", "two_sides", "co_moving_breaks", "series_summary"),
    "analyst": (
        "series_history", "two_sides", "what_changed", "co_moving_breaks", "similar_resolutions",
        "aggregate_breaks", "promises", "open_tickets",
    ),
    "planner": ("similar_resolutions", "open_tickets"),
    "assistant": tuple(tool.name for tool in TOOLS),
}  # fmt: skip
"""What each agent's toolbox holds."""


def bench_of(desk: Desk, known: Known) -> Bench:
    """The bench of one case."""
    return Bench(
        desk.db,
        desk.cases,
        desk.ledger,
        desk.resolutions,
        desk.lake,
        known.case,
        known.breaks,
        known.sources.left,
        known.sources.right,
        desk.clock().date(),
    )


def call_tool(at: Workplace, name: str, args: Mapping[str, Any], allowed: Sequence[str]) -> tuple[Evidence, ...]:
    """Runs one tool. Raises ToolFault, whose message a model can mend its call by."""
    if name not in allowed or name not in BY_NAME:
        msg = f"there is no tool {name!r}; there are {', '.join(allowed)}"
        raise ToolFault(msg)
    tool = BY_NAME[name]
    try:
        given = tool.args.model_validate(dict(args))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "arguments"
        msg = f"{name}: {place}: {first['msg'].lower()}"
        raise ToolFault(msg) from None
    return tool.run(at, given)
