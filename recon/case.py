"""The case and its parts: the nouns that grouping makes, memory keeps, agents discuss and a person decides on."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from recon.words import AnomalyAnswer, CaseKind, CaseState, Severity, Side


@dataclass(frozen=True)
class ScopePart:
    """One `column = value` of the slice that a case shares."""

    column: str
    value: str


@dataclass(frozen=True)
class Evidence:
    """A numbered fact computed from named rows. Prose may state only what evidence states."""

    id: str
    """Unique within the case: `E1`, `E2`, ..."""
    kind: str
    """`break`, `band`, `proof`, `pair`, `slice`, `side`, `onset`, `changed`, `similar`, `promise`, `ticket`, ..."""
    statement: str
    values: dict[str, Any]
    """The facts of the statement by name, JSON-ready; amounts are decimal text. Where a value belongs to a side,
    date, currency or key, its name or its sibling says so: {"left": "20000", "left_source": "GL", "date": ...}."""
    rows: tuple[int, ...] = ()
    """tieout_row numbers."""


@dataclass(frozen=True)
class Hypothesis:
    cause: str
    statement: str
    confidence: float
    """0 to 1."""
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True)
class Similar:
    """A past resolution that resembles the case, and how it ended."""

    resolution_id: str
    score: float
    outcome: str
    comment: str
    date: str
    """The business date of the break it closed, ISO."""
    why: str = ""


@dataclass(frozen=True)
class BreakRow:
    """One finding that belongs to a case, as the screen shows it."""

    break_id: str
    item_id: str
    row: int
    """tieout_row in its run's current file."""
    business_date: date | None
    pair: str
    key: dict[str, str]
    columns: dict[str, str]
    """Historical, categorical and currency columns."""
    left: str | None
    """Decimal text in the pair's unit; None when the side is missing."""
    right: str | None
    difference: str
    currency: str | None
    is_break: bool
    anomaly: AnomalyAnswer
    score: float
    pvalue: float | None
    expected: float | None
    low: float | None
    high: float | None
    pattern: str
    cause: str
    reason: str
    comment: str = ""
    words: bool | None = None
    """Whether its sides are words; None in a row that was kept before this was said."""

    @property
    def in_words(self) -> bool:
        """Whether its sides are words, which differ and have no difference.

        Where nothing says so, numbers are told by their arithmetic: codes such as «0012» look like numbers too.
        """
        if self.words is not None:
            return self.words
        try:
            left, right, difference = (Decimal(text or 0) for text in (self.left, self.right, self.difference))
        except ArithmeticError:
            return True
        return abs(difference) not in (abs(left - right), abs(left + right))


@dataclass(frozen=True)
class Case:
    """One problem: items that share one cause and scope. `to_json()` is its form in cases.json."""

    id: str
    """recon + cause + scope + onset, hashed; stable over runs."""
    kind: CaseKind
    state: CaseState
    title: str
    recon: str
    pattern: str
    cause: str
    cause_detail: str
    confidence: float
    severity: Severity
    scope: tuple[ScopePart, ...]
    break_count: int
    amount: Decimal
    """Sum of the absolute differences, in `currency`; when currencies mix, in the materiality currency."""
    currency: str
    onset: date | None
    rows: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    hypotheses: tuple[Hypothesis, ...]
    suspect_side: Side
    similar: tuple[Similar, ...] = ()
    summary: str = ""
    family: str = ""
    """Cases of one family read alike to a model (same cause, pattern, mechanism, routing): judged once."""
    pair: str = ""
    key: dict[str, str] = field(default_factory=dict)
    """The key columns that all its breaks share."""
    amount_base: float = 0.0
    """`amount` in the materiality currency, for sorting only."""
    provisional: bool = False
    last_date: date | None = None
    """Business date of its newest break."""

    def to_json(self, actions: tuple[str, ...] = ()) -> dict[str, Any]:
        """The object of cases.json; amounts as decimal text."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "title": self.title,
            "recon": self.recon,
            "pattern": self.pattern,
            "cause": self.cause,
            "cause_detail": self.cause_detail,
            "confidence": round(self.confidence, 4),
            "severity": self.severity,
            "scope": [{"column": part.column, "value": part.value} for part in self.scope],
            "break_count": self.break_count,
            "amount": format(self.amount, "f"),
            "currency": self.currency,
            "onset": self.onset.isoformat() if self.onset else None,
            "rows": list(self.rows),
            "evidence": [
                {"id": e.id, "kind": e.kind, "statement": e.statement, "values": e.values} for e in self.evidence
            ],
            "hypotheses": [
                {
                    "cause": h.cause,
                    "statement": h.statement,
                    "confidence": round(h.confidence, 4),
                    "evidence_ids": list(h.evidence_ids),
                }
                for h in self.hypotheses
            ],
            "suspect_side": self.suspect_side,
            "similar": [
                {
                    "resolution_id": s.resolution_id,
                    "score": round(s.score, 4),
                    "outcome": s.outcome,
                    "comment": s.comment,
                    "date": s.date,
                }
                for s in self.similar
            ],
            "summary": self.summary,
            "actions": list(actions),
        }
