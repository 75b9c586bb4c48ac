"""The morning brief and the hand-over note: ten lines about what is new, late, promised, waiting and gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.cases import OPEN_STATES
from memory.database import Database
from memory.schema import actions, alarms, cases, item_events, items, promises, recons
from recon.money import measured
from recon.recon_file import Materiality
from recon.text import counted

SHOWN: Final = 3
"""Cases named in a line; the rest is a number."""


@dataclass(frozen=True)
class Line:
    """One line of the brief."""

    name: str
    """Stable: `new`, `money`, `over_sla`, `promises`, `approvals`, `sent`, `cleared`, `returned`, `nobody`, `files`."""
    count: int
    text: str
    """One sentence."""
    cases: tuple[str, ...] = ()
    """Ids of the cases it is about, the most important first."""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "count": self.count, "text": self.text, "cases": list(self.cases)}


@dataclass(frozen=True)
class Brief:
    """Ten lines, always in the same order; a line with nothing says so."""

    recon: str | None
    """None: all reconciliations."""
    today: date
    business_date: date | None
    """The newest business date that was run; «new» and «cleared» are of that date."""
    lines: tuple[Line, ...]
    title: str = "Morning brief"

    def of(self, name: str) -> Line:
        """The line of this name."""
        return next(line for line in self.lines if line.name == name)

    def to_json(self) -> dict[str, Any]:
        """For the API and `--json`."""
        return {
            "title": self.title,
            "recon": self.recon,
            "today": self.today.isoformat(),
            "business_date": self.business_date.isoformat() if self.business_date else None,
            "lines": [line.to_json() for line in self.lines],
        }

    def markdown(self) -> str:
        """The page a person reads."""
        what = self.recon or "all reconciliations"
        known = f"data up to {self.business_date}" if self.business_date else "no data yet"
        head = [f"# {self.title}: {what}, {self.today}", "", f"({known})", ""]
        return "\n".join([*head, *(f"{n}. {line.text}" for n, line in enumerate(self.lines, 1))]) + "\n"


def brief(db: Database, recon: str | None, today: date) -> Brief:
    """The morning brief of one reconciliation, or of all."""
    with db.read() as connection:
        newest = _newest(connection, recon)
        return Brief(recon, today, newest, _lines(connection, recon, today, newest))


def hand_over(db: Database, recon: str | None, today: date, who: str) -> Brief:
    """The note for whoever comes next: the same ten lines over the cases that `who` owns."""
    with db.read() as connection:
        newest = _newest(connection, recon)
        lines = _lines(connection, recon, today, newest, owner=who)
        return Brief(recon, today, newest, lines, f"Hand-over from {who}")


def _newest(connection: Connection, recon: str | None) -> date | None:
    query = sa.select(sa.func.max(item_events.c.business_date))
    if recon is not None:
        query = query.where(item_events.c.recon == recon)
    newest: date | None = connection.execute(query).scalar()
    return newest


def _lines(
    connection: Connection, recon: str | None, today: date, newest: date | None, owner: str | None = None
) -> tuple[Line, ...]:
    def mine(query: Any, table: sa.Table = cases) -> Any:
        if recon is not None:
            query = query.where(table.c.recon == recon)
        if owner is not None:
            query = query.where(cases.c.owner == owner)
        return query

    open_cases = mine(sa.select(cases).where(cases.c.state.in_(OPEN_STATES)))
    return (
        _new(connection, mine, newest),
        _money(connection, open_cases),
        _over_sla(connection, open_cases, today),
        _promised(connection, mine, today, newest),
        _approvals(connection, mine),
        _sent(connection, mine, today),
        _cleared(connection, mine, newest),
        _returned(connection, mine, newest),
        _nobody(connection, open_cases),
        _files(connection, recon),
    )


def _new(connection: Connection, mine: Any, newest: date | None) -> Line:
    count, amount, ids = _happened(connection, mine, newest, "new")
    if not count:
        return Line("new", 0, "New: nothing since the last run.")
    return Line("new", count, f"New: {counted(count, 'break')}{amount}{_named(ids)}.", ids)


def _cleared(connection: Connection, mine: Any, newest: date | None) -> Line:
    count, amount, ids = _happened(connection, mine, newest, "cleared")
    if not count:
        return Line("cleared", 0, "Cleared: nothing.")
    return Line("cleared", count, f"Cleared: {counted(count, 'break')}{amount}{_named(ids)}.", ids)


def _returned(connection: Connection, mine: Any, newest: date | None) -> Line:
    count, _, ids = _happened(connection, mine, newest, "returned")
    if not count:
        return Line("returned", 0, "Came back: nothing.")
    return Line("returned", count, f"Came back: {counted(count, 'break')}{_named(ids)}.", ids)


def _happened(connection: Connection, mine: Any, day: date | None, kind: str) -> tuple[int, str, tuple[str, ...]]:
    """(count, their amount in the materiality currency in words, cases by size) of one kind on one day."""
    if day is None:
        return 0, "", ()
    size = _amount(connection)

    def query(*columns: Any) -> Any:
        joined = item_events.join(items, items.c.id == item_events.c.item_id)
        chosen = (
            sa.select(*columns)
            .select_from(joined.join(cases, cases.c.id == items.c.case_id, isouter=True))
            .where(item_events.c.business_date == day, item_events.c.kind == kind)
        )
        return mine(chosen, item_events)

    count, total = connection.execute(query(sa.func.count(), sa.func.sum(size))).one()
    largest = query(items.c.case_id).where(items.c.case_id.is_not(None)).group_by(items.c.case_id)
    ids = connection.execute(largest.order_by(sa.func.sum(size).desc(), items.c.case_id).limit(SHOWN)).scalars()
    said = f", {measured(Decimal(round(total)), _currency(connection))} in all" if total else ""
    return count, said, tuple(ids)


def _currency(connection: Connection) -> str:
    """The materiality currency, where all reconciliations share one."""
    bodies = connection.execute(sa.select(recons.c.body)).scalars()
    said = {str(((body or {}).get("materiality") or {}).get("currency") or Materiality().currency) for body in bodies}
    return said.pop() if len(said) == 1 else ""


def _amount(connection: Connection) -> Any:
    """An event's size where its pair is an amount of money, else nothing."""
    priced = [sa.and_(items.c.recon == recon, items.c.pair == pair) for recon, pair in sorted(_no_money(connection))]
    if not priced:
        return item_events.c.size
    return sa.case((sa.or_(*priced), 0.0), else_=item_events.c.size)


def _no_money(connection: Connection) -> set[tuple[str, str]]:
    """(recon, pair) of prices, quantities and texts: their differences are counted, never added up as amounts."""
    rows = connection.execute(sa.select(recons.c.name, recons.c.layout)).all()
    pairs = ((row.name, pair) for row in rows for pair in (row.layout or {}).get("pairs", ()))
    return {(name, pair["name"]) for name, pair in pairs if pair["unit"] != "money" or pair["kind"] != "number"}


def _money(connection: Connection, open_cases: Any) -> Line:
    # What has a currency comes first: a quantity is no amount of money, however large.
    ranked = open_cases.order_by(cases.c.currency == "", cases.c.amount_base.desc(), cases.c.id)
    rows = connection.execute(ranked.limit(SHOWN)).all()
    if not rows:
        return Line("money", 0, "Biggest money: no open case.")
    named = "; ".join(f"{row.id} {measured(Decimal(row.amount), row.currency)}" for row in rows)
    return Line("money", len(rows), f"Biggest money: {named}.", tuple(row.id for row in rows))


def _over_sla(connection: Connection, open_cases: Any, today: date) -> Line:
    late = open_cases.where(cases.c.due_on <= today, cases.c.state != "snoozed")
    count, past = _count(connection, late), _count(connection, late.where(cases.c.due_on < today))
    if not count:
        return Line("over_sla", 0, "Deadlines: none is due today or past.")
    ranked = late.order_by(cases.c.due_on, cases.c.severity.desc(), cases.c.id).limit(SHOWN)
    ids = tuple(row.id for row in connection.execute(ranked))
    said = f"Deadlines: {counted(past, 'case')} past due, {count - past} due today{_named(ids)}."
    return Line("over_sla", count, said, ids)


def _count(connection: Connection, query: Any) -> int:
    counted: int = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    return counted


def _promised(connection: Connection, mine: Any, today: date, newest: date | None) -> Line:
    since = min(today - timedelta(1), newest or today)
    due = (
        sa.select(promises.c.case_id, promises.c.text, promises.c.state)
        .join(items, items.c.id == promises.c.item_id, isouter=True)
        .join(cases, cases.c.id == sa.func.coalesce(promises.c.case_id, items.c.case_id), isouter=True)
        .add_columns(items.c.case_id.label("held_by"))
    )
    waiting = connection.execute(
        mine(due.where(promises.c.state == "open", promises.c.due_on <= today), promises)
    ).all()
    broken = connection.execute(
        mine(due.where(promises.c.state == "broken", promises.c.checked_on >= since), promises)
    ).all()
    ids = _unique(row.case_id or row.held_by for row in (*broken, *waiting))
    if not waiting and not broken:
        return Line("promises", 0, "Promises: none is due.")
    said = f"Promises: {len(waiting)} due, {len(broken)} broken{_named(ids[:SHOWN])}."
    return Line("promises", len(waiting) + len(broken), said, ids[:SHOWN])


def _approvals(connection: Connection, mine: Any) -> Line:
    joined = actions.join(cases, cases.c.id == actions.c.case_id, isouter=True)
    pending = mine(sa.select(actions.c.id).select_from(joined).where(actions.c.state == "pending"), actions)
    count = _count(connection, pending)
    if not count:
        return Line("approvals", 0, "Approvals: nothing waits.")
    of_cases = sa.select(actions.c.case_id).select_from(joined).where(actions.c.state == "pending")
    largest = sa.func.max(actions.c.amount_base).desc()
    ranked = mine(of_cases, actions).group_by(actions.c.case_id).order_by(largest, actions.c.case_id).limit(SHOWN)
    ids = tuple(connection.execute(ranked).scalars())
    return Line("approvals", count, f"Approvals: {counted(count, 'draft')} waiting for a decision{_named(ids)}.", ids)


def _sent(connection: Connection, mine: Any, today: date) -> Line:
    since = datetime.combine(today - timedelta(1), time(), UTC)
    query = (
        sa.select(actions.c.case_id, actions.c.state)
        .join(cases, cases.c.id == actions.c.case_id, isouter=True)
        .where(actions.c.state.in_(("done", "failed", "unknown")), actions.c.updated_at >= since)
    )
    rows = connection.execute(mine(query, actions).order_by(actions.c.updated_at.desc(), actions.c.id)).all()
    done = sum(row.state == "done" for row in rows)
    stuck = len(rows) - done
    ids = _unique(row.case_id for row in sorted(rows, key=lambda row: row.state == "done"))[:SHOWN]
    if not rows:
        return Line("sent", 0, "Sent since yesterday: nothing.")
    trouble = f", {stuck} not through: a person must look" if stuck else ""
    return Line("sent", done, f"Sent since yesterday: {done}{trouble}{_named(ids)}.", ids)


def _nobody(connection: Connection, open_cases: Any) -> Line:
    free = open_cases.where(cases.c.owner.is_(None))
    count = _count(connection, free)
    if not count:
        return Line("nobody", 0, "Without an owner: no case.")
    rows = connection.execute(
        free.order_by(cases.c.severity.desc(), cases.c.amount_base.desc(), cases.c.id).limit(SHOWN)
    ).all()
    ids = tuple(row.id for row in rows)
    return Line("nobody", count, f"Without an owner: {counted(count, 'case')}{_named(ids)}.", ids)


def _files(connection: Connection, recon: str | None) -> Line:
    query = sa.select(alarms).where(alarms.c.state == "open").order_by(alarms.c.at.desc(), alarms.c.id)
    if recon is not None:
        query = query.where(alarms.c.recon == recon)
    rows = connection.execute(query).all()
    if not rows:
        return Line("files", 0, "Files: no alarm.")
    return Line("files", len(rows), f"Files: {counted(len(rows), 'alarm')}. {rows[0].statement}")


def _unique(ids: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in ids if one))


def _named(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids[:SHOWN])})" if ids else ""
