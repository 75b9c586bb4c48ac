"""The case's own breaks, those that move with them, and safe aggregates of any slice: no free SQL."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

import sqlalchemy as sa

from memory.cases import break_from_body
from memory.schema import case_breaks, cases
from recon.case import BreakRow, Evidence
from recon.text import counted
from tools.bench import Bench, ToolFault, where
from tools.series import readable

LOOKED_AT: Final = 20_000
Measure = Literal["count", "sum", "largest"]


@dataclass(frozen=True)
class Slice:
    """A typed question about breaks: which, by what, measured how."""

    by: str
    """A column, or `pair`, `cause`, `pattern`, `date`."""
    where: Mapping[str, str]
    """Column values that must hold."""
    measure: Measure = "sum"
    whole: bool = True
    """All breaks of the reconciliation's newest run, not only this case's."""


def _amount(b: BreakRow) -> Decimal:
    try:
        return Decimal(b.difference)
    except ArithmeticError:
        return Decimal(0)


def _columns(b: BreakRow) -> dict[str, str]:
    day = b.business_date.isoformat() if b.business_date else ""
    return {**b.columns, **b.key, "pair": b.pair, "cause": b.cause, "pattern": b.pattern, "date": day}


def breaks_of_run(bench: Bench) -> list[BreakRow]:
    """Every break that the case's newest run put into a case of the same reconciliation."""
    with bench.db.read() as connection:
        run_id = connection.execute(sa.select(cases.c.run_id).where(cases.c.id == bench.case.id)).scalar()
        query = (
            sa.select(case_breaks.c.body)
            .join(cases, cases.c.id == case_breaks.c.case_id)
            .where(case_breaks.c.run_id == run_id, cases.c.recon == bench.case.recon)
            .limit(LOOKED_AT)
        )
        return [break_from_body(row.body) for row in connection.execute(query)]


def list_breaks(bench: Bench, first: int, *, limit: int = 8) -> tuple[Evidence, ...]:
    """The case's breaks, largest first."""
    out: list[Evidence] = []
    for b in sorted(bench.breaks, key=lambda b: (-abs(_amount(b)), b.row))[: max(1, min(limit, 40))]:
        on = f" on {b.business_date.isoformat()}" if b.business_date else ""
        statement = f"Row {b.row}{on}, {where(tuple(b.key.items()))}: {_told(bench, b)}"
        values = {
            "row": b.row,
            "difference": b.difference,
            "currency": b.currency,
            "date": b.business_date.isoformat() if b.business_date else None,
            "key": dict(b.key),
            "pair": b.pair,
        }
        out.append(Evidence(f"E{first + len(out)}", "break", statement, values, (b.row,)))
    return tuple(out)


def _told(bench: Bench, b: BreakRow) -> str:
    if b.in_words:
        sides = ((bench.left, b.left), (bench.right, b.right))
        said = " and ".join(f"missing on {name}" if word is None else f"«{word}» on {name}" for name, word in sides)
        return f"{b.pair} is {said}"
    unit = f" {b.currency}" if b.currency else ""
    return f"{b.pair} difference {readable(_amount(b))}{unit}"


def co_moving(bench: Bench, first: int, *, row: int | None = None) -> tuple[Evidence, ...]:
    """Breaks of the same run that cancel this one, have its very amount, or share its date and a column."""
    brk = bench.break_of_row(row)
    amount = _amount(brk)
    own = {b.break_id for b in bench.breaks}
    others = [b for b in breaks_of_run(bench) if b.break_id not in own]
    out: list[Evidence] = []
    for words, wanted in (("cancels it", -amount), ("has the same amount", amount)):
        for b in [b for b in others if amount and _amount(b) == wanted and b.pair == brk.pair][:3]:
            statement = f"Row {b.row}, {where(tuple(b.key.items()))}, {words}: difference {readable(_amount(b))}"
            values = {"row": b.row, "difference": b.difference, "key": dict(b.key), "currency": b.currency}
            out.append(Evidence(f"E{first + len(out)}", "pair", statement, values, (b.row,)))
    if not out:
        statement = f"No other break of this run cancels row {brk.row} or has its amount; {len(others)} were searched"
        out.append(Evidence(f"E{first}", "pair", statement, {"row": brk.row, "searched": len(others)}, (brk.row,)))
    return tuple(out)


def aggregate(bench: Bench, first: int, asked: Slice, *, limit: int = 8) -> tuple[Evidence, ...]:
    """Breaks grouped by one column. Raises ToolFault naming the columns there are."""
    rows = breaks_of_run(bench) if asked.whole else list(bench.breaks)
    if not rows:
        return (Evidence(f"E{first}", "aggregate", "There are no breaks to add up", {"count": 0}),)
    columns = {name.casefold(): name for b in rows[:50] for name in _columns(b)}
    wanted = {_column(columns, name): value for name, value in asked.where.items()}
    by = _column(columns, asked.by)
    groups: dict[str, list[BreakRow]] = defaultdict(list)
    for b in rows:
        facts = _columns(b)
        if all(facts.get(c, "").casefold() == v.casefold() for c, v in wanted.items()):
            groups[facts.get(by, "")].append(b)
    if not groups:
        statement = f"No break has {where(tuple(wanted.items()))}; {len(rows)} were searched"
        return (Evidence(f"E{first}", "aggregate", statement, {"count": 0, "searched": len(rows)}),)
    ranked = sorted(groups.items(), key=lambda item: (-_measure(item[1], asked.measure), item[0]))
    limit = max(1, min(limit, 20))
    out = [_group(f"E{first + n}", by, name, members, asked) for n, (name, members) in enumerate(ranked[:limit])]
    if rest := ranked[limit:]:
        held = sum(len(members) for _, members in rest)
        statement = f"{counted(len(rest), 'more value')} of {by}: {counted(held, 'break')}"
        out.append(Evidence(f"E{first + limit}", "aggregate", statement, {"column": by, "break_count": held}))
    return tuple(out)


def _column(columns: Mapping[str, str], name: str) -> str:
    if name.casefold() not in columns:
        msg = f"{name!r} is no column here; there are {', '.join(sorted(columns.values()))}"
        raise ToolFault(msg)
    return columns[name.casefold()]


def _measure(rows: list[BreakRow], measure: Measure) -> Decimal:
    amounts = [abs(_amount(b)) for b in rows]
    return {"count": Decimal(len(rows)), "sum": sum(amounts, Decimal(0)), "largest": max(amounts)}[measure]


def _group(evidence_id: str, by: str, name: str, rows: list[BreakRow], asked: Slice) -> Evidence:
    currencies = {b.currency for b in rows}
    currency = next(iter(currencies)) if len(currencies) == 1 else None
    unit = f" {currency}" if currency else ""
    total, largest = _measure(rows, "sum"), _measure(rows, "largest")
    noun = "break" if len(rows) == 1 else "breaks"
    added = f", {readable(total)}{unit} in all" if len(currencies) == 1 else ""
    amounts = "" if all(b.in_words for b in rows) else f"{added}, the largest {readable(largest)}{unit}"
    statement = f"{by} {name or '(blank)'}: {len(rows)} {noun}{amounts}"
    values = {
        "column": by,
        "value": name,
        "break_count": len(rows),
        "total": format(total, "f") if len(currencies) == 1 else None,
        "largest": format(largest, "f"),
        "currency": currency,
        "scope": {by: name, **asked.where},
    }
    return Evidence(evidence_id, "aggregate", statement, values, tuple(b.row for b in rows[:20]))
