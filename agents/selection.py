"""A selection of cases as one: each case becomes a piece of evidence, and the breaks are those of all."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from agents.brief import Known
from recon.case import Case, Evidence


def together(cases: Sequence[Known]) -> Known:
    """The selection under its first case's id; amounts of several currencies are not added up."""
    first = cases[0]
    evidence = tuple(_evidence(n, known) for n, known in enumerate(cases, start=1))
    currencies = {k.case.currency for k in cases}
    total = sum((k.case.amount for k in cases), Decimal(0)) if len(currencies) == 1 else Decimal(0)
    case: Case = replace(
        first.case,
        title=f"{len(cases)} cases selected",
        evidence=evidence,
        break_count=sum(k.case.break_count for k in cases),
        amount=total,
        currency=first.case.currency if len(currencies) == 1 else "",
        scope=(),
        key={},
    )
    breaks = tuple(b for k in cases for b in k.breaks)
    return replace(first, case=case, breaks=breaks, evidence=evidence)


def _evidence(n: int, known: Known) -> Evidence:
    c = known.case
    values = {
        "case_id": c.id,
        "title": c.title,
        "total": format(c.amount, "f"),
        "currency": c.currency,
        "break_count": c.break_count,
        "cause": c.cause,
        "pattern": c.pattern,
        "scope": {p.column: p.value for p in c.scope},
    }
    return Evidence(f"E{n}", "break", f"Case {c.id}: {c.title}", values, c.rows[:20])
