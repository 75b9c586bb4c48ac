"""The morning brief and the hand-over note, as the API and their pages give them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.action import Person
from memory.brief import brief, hand_over
from memory.case_query import CaseQuery
from memory.cases import CaseRecord
from memory.promises import due_or_broken
from memory.schema import alarms, cases, item_events, items, promises
from web.queue import VIEWS, Asked, query_of
from web.recons import words_of
from web.rows import without_amount

SHOWN: Final = 8
CHANGES: Final = {
    "new": "new",
    "cleared": "cleared",
    "aged": "passed a limit of age",
    "grew": "grew",
    "shrank": "shrank",
    "flipped": "changed sign",
    "moved": "moved to another key",
    "returned": "came back",
}


def brief_of(desk: Desk, recon: str | None, day: date | None) -> dict[str, Any]:
    """The brief as JSON."""
    return brief(desk.db, recon, day or desk.clock().date()).to_json()


def brief_page(desk: Desk, person: Person, recon: str | None, day: date | None) -> dict[str, Any]:
    """What the brief's page shows: the numbers of the morning, and the cases behind them."""
    on = day or desk.clock().date()
    now = desk.clock()

    def page(view: Any, **more: Any) -> list[CaseRecord]:
        asked = Asked(view=view, recon=recon or "", limit=SHOWN, **more)
        return list(desk.cases.page(query_of(asked, person, now)).records)

    def count(view: Any) -> int:
        return desk.cases.count(query_of(Asked(view=view, recon=recon or ""), person, now))

    lines = brief(desk.db, recon, on).lines
    fresh = page("new")
    return {
        "on": on,
        "lines": lines,
        "titles": titles_of(desk, [ident for line in lines for ident in line.cases]),
        "tiles": [(v, VIEWS[v], count(v)) for v in ("open", "waiting", "new", "promises", "late", "mine")],
        "fresh": fresh,
        "late": page("late", sort="due"),
        "older": [r for r in page("open", sort="-amount") if r.case.id not in {f.case.id for f in fresh}],
        "promised": _promised(desk, recon, on),
        "alarms": _alarms(desk, recon),
        "changes": _changes(desk, recon, on),
        "words": {name: words_of(desk, name) for name in _recons(desk)},
    }


def titles_of(desk: Desk, ids: Sequence[str]) -> dict[str, str]:
    """The cases' titles without their amounts, for links in a sentence."""
    query = sa.select(cases.c.id, cases.c.title).where(cases.c.id.in_(set(ids)))
    with desk.db.read() as connection:
        return {row.id: without_amount(row.title) for row in connection.execute(query)}


def _recons(desk: Desk) -> list[str]:
    from web.recons import names

    return names(desk.db)


def _promised(desk: Desk, recon: str | None, on: date) -> list[Any]:
    query = sa.select(promises).where(due_or_broken(on)).order_by(promises.c.due_on.desc()).limit(SHOWN)
    if recon:
        query = query.where(promises.c.recon == recon)
    with desk.db.read() as connection:
        return list(connection.execute(query))


def _alarms(desk: Desk, recon: str | None) -> list[Any]:
    query = sa.select(alarms).where(alarms.c.state == "open").order_by(alarms.c.at.desc()).limit(SHOWN)
    if recon:
        query = query.where(alarms.c.recon == recon)
    with desk.db.read() as connection:
        return list(connection.execute(query))


def _changes(desk: Desk, recon: str | None, on: date) -> dict[str, Any]:
    """Since the business day before: how many items are new, cleared, aged, grew, flipped, moved; and some of each."""
    newest = sa.select(sa.func.max(item_events.c.business_date)).where(item_events.c.business_date <= on)
    with desk.db.read() as connection:
        day = connection.execute(newest).scalar_one_or_none()
        if day is None:
            return {"day": None, "counts": [], "lines": []}
        joined = sa.join(item_events, items, items.c.id == item_events.c.item_id)
        where = [item_events.c.business_date == day]
        if recon:
            where.append(items.c.recon == recon)
        counts = connection.execute(
            sa.select(item_events.c.kind, sa.func.count())
            .select_from(joined)
            .where(*where)
            .group_by(item_events.c.kind)
        ).all()
        lines = connection.execute(
            sa.select(
                item_events.c.kind, items.c.key, items.c.pair, items.c.difference, items.c.first_difference,
                items.c.currency, items.c.case_id, items.c.onset,
            )
            .select_from(joined)
            .where(*where, item_events.c.kind != "new")
            .order_by(item_events.c.kind, item_events.c.n)
            .limit(24)
        ).all()  # fmt: skip
    order = list(CHANGES)
    return {
        "day": day,
        "counts": sorted(((kind, CHANGES.get(kind, kind), n) for kind, n in counts), key=lambda c: order.index(c[0])),
        "lines": [(CHANGES.get(line.kind, line.kind), line) for line in lines],
    }


def handover_page(desk: Desk, owner: str) -> dict[str, Any]:
    """What a colleague must know to take over somebody's cases."""
    query = CaseQuery(state=("open",), owner=owner, limit=100)
    records = list(desk.cases.page(query).records)
    week = desk.clock() - timedelta(days=7)
    rows = []
    for record in records:
        drafts = [a for a in desk.ledger.list(case_id=record.case.id) if a.state != "superseded"]
        events = [e for e in desk.cases.events(record.case.id) if e.kind != "opened" and e.at >= week]
        rows.append(
            {"record": record, "drafts": drafts, "events": events[-3:], "words": words_of(desk, record.case.recon)}
        )
    today = desk.clock().date()
    lines = hand_over(desk.db, None, today, owner).lines
    titles = titles_of(desk, [ident for line in lines for ident in line.cases])
    return {"rows": rows, "on": today, "lines": lines, "titles": titles}
