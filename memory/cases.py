"""Cases as they are kept: written in bulk by a run, paged by keyset for the queue, changed with a version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.case_query import SORTS, CaseQuery, beyond, decode_cursor, encode_cursor, filtered, plain, with_words
from memory.database import Database
from memory.schema import case_breaks, case_events, cases, items
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart, Similar
from recon.clock import Clock
from recon.errors import BadInput, NotFound
from recon.words import CaseKind, CaseState

FEW_FOUND: Final = 500
"""Cases up to which what a search found is named, rather than searched for in order."""
SEVERITY_RANK: Final = {"low": 1, "medium": 2, "high": 3}
RANK_SEVERITY: Final = {rank: name for name, rank in SEVERITY_RANK.items()}
OPEN_STATES: Final = ("open", "in_review", "waiting", "snoozed", "escalated", "reopened")


class StaleCase(BadInput):
    """Somebody changed the case meanwhile; the message names who may look again."""


@dataclass(frozen=True)
class CaseRecord:
    """A case with what the desk adds to it: owner, dates, version."""

    case: Case
    owner: str | None
    due_on: date | None
    snooze_until: date | None
    created_at: datetime
    updated_at: datetime
    version: int
    run_id: str | None
    spark: tuple[float, ...]
    score: float


@dataclass(frozen=True)
class CasePage:
    records: tuple[CaseRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class CaseLine:
    """A case as a list shows it."""

    id: str
    recon: str
    kind: str
    state: str
    title: str
    pattern: str
    cause: str
    cause_detail: str
    severity: str
    scope: tuple[ScopePart, ...]
    break_count: int
    amount: Decimal
    currency: str
    amount_base: float
    onset: date | None
    owner: str | None
    due_on: date | None
    snooze_until: date | None
    created_at: datetime
    version: int
    spark: tuple[float, ...]
    provisional: bool


@dataclass(frozen=True)
class LinePage:
    lines: tuple[CaseLine, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class CaseEvent:
    """One line of a case's history."""

    n: int
    case_id: str
    at: datetime
    who: str
    kind: str
    body: dict[str, Any]
    undo: dict[str, Any] | None
    undone_at: datetime | None


@dataclass(frozen=True)
class CaseWrite:
    """A case as a run writes it, with its breaks and the last differences for the queue's sparkline."""

    case: Case
    breaks: tuple[BreakRow, ...]
    spark: tuple[float, ...] = ()
    score: float = 0.0
    due_on: date | None = None


def _body(case: Case) -> dict[str, Any]:
    # not asdict: of 50,000 cases its copies took longer than all else that a run keeps
    return dict(json.loads(json.dumps(vars(case), default=plain)))


KNEW: Final = "knew"
"""The kind of a history line that keeps what was known and said before it changed: for replay, not for the page."""


def _keep_knowledge(
    connection: Connection, case_id: str, before: Mapping[str, Any], after: Mapping[str, Any], now: datetime
) -> None:
    if {**before, "state": None} == {**after, "state": None}:
        return
    values = {"case_id": case_id, "at": now, "who": "tieout", "kind": KNEW, "body": dict(before)}
    connection.execute(sa.insert(case_events).values(**values))


def case_from_body(body: Mapping[str, Any]) -> Case:
    """The Case that `_body` wrote."""
    return Case(
        **{
            **body,
            "amount": Decimal(body["amount"]),
            "onset": date.fromisoformat(body["onset"]) if body["onset"] else None,
            "last_date": date.fromisoformat(body["last_date"]) if body.get("last_date") else None,
            "rows": tuple(body["rows"]),
            "scope": tuple(ScopePart(**part) for part in body["scope"]),
            "evidence": tuple(Evidence(**{**e, "rows": tuple(e["rows"])}) for e in body["evidence"]),
            "hypotheses": tuple(
                Hypothesis(**{**h, "evidence_ids": tuple(h["evidence_ids"])}) for h in body["hypotheses"]
            ),
            "similar": tuple(Similar(**s) for s in body["similar"]),
        }
    )


def break_from_body(body: Mapping[str, Any]) -> BreakRow:
    """The BreakRow that a run wrote."""
    day = body["business_date"]
    return BreakRow(**{**body, "business_date": date.fromisoformat(day) if day else None})


def _search_text(case: Case) -> str:
    words = [case.id, case.title, case.pattern, case.cause, case.cause_detail, case.currency, case.recon]
    words += [f"{part.column} {part.value}" for part in case.scope]
    words += list(case.key.values())
    return " ".join(words).casefold()[:4000]


class CaseStore:
    """The cases table, their breaks and their history."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    # --- written by a run --------------------------------------------------------------------------------------

    def upsert_many(self, writes: Sequence[CaseWrite], run_id: str) -> dict[str, Literal["new", "seen"]]:
        """Writes a run's cases and their breaks in bulk. What the desk added (owner, state, dates, judgement)
        stays; the same run again changes nothing. Returns for each case id whether it is new."""
        now = self._clock()
        answer: dict[str, Literal["new", "seen"]] = {}
        with self._db.begin() as connection:
            for start in range(0, len(writes), 500):
                part = writes[start : start + 500]
                known = self._known(connection, [w.case.id for w in part])
                fresh = [self._row(w, run_id, now) for w in part if w.case.id not in known]
                if fresh:
                    connection.execute(sa.insert(cases), fresh)
                    connection.execute(
                        sa.insert(case_events),
                        [
                            {
                                "case_id": r["id"],
                                "at": now,
                                "who": "tieout",
                                "kind": "opened",
                                "body": {"run_id": run_id, "title": r["title"]},
                            }
                            for r in fresh
                        ],
                    )
                for write in part:
                    answer[write.case.id] = "seen" if write.case.id in known else "new"
                    if write.case.id in known:
                        self._refresh(connection, write, run_id, now)
                self._write_breaks(connection, part, run_id)
        return answer

    def _known(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        found = connection.execute(sa.select(cases.c.id).where(cases.c.id.in_(ids)))
        return {row.id for row in found}

    def _row(self, write: CaseWrite, run_id: str, now: datetime) -> dict[str, Any]:
        return {
            **self._computed(write, run_id, now),
            "id": write.case.id,
            "state": write.case.state,
            "owner": None,
            "snooze_until": None,
            "created_at": now,
            "version": 1,
        }

    def _computed(self, write: CaseWrite, run_id: str, now: datetime) -> dict[str, Any]:
        case = write.case
        return {
            "recon": case.recon,
            "kind": case.kind,
            "title": case.title,
            "pattern": case.pattern,
            "cause": case.cause,
            "severity": SEVERITY_RANK[case.severity],
            "score": write.score,
            "confidence": case.confidence,
            "break_count": case.break_count,
            "amount": format(case.amount, "f"),
            "currency": case.currency,
            "amount_base": case.amount_base,
            "onset": case.onset,
            "last_date": case.last_date,
            "due_on": write.due_on,
            "family": case.family,
            "run_id": run_id,
            "updated_at": now,
            "search": _search_text(case),
            "spark": list(write.spark),
            "body": _body(case),
        }

    def _refresh(self, connection: Connection, write: CaseWrite, run_id: str, now: datetime) -> None:
        """A later run saw the case again: its numbers are new, what people and agents said of it stays."""
        row = connection.execute(
            sa.select(cases.c.state, cases.c.body, cases.c.due_on).where(cases.c.id == write.case.id)
        ).one()
        before = case_from_body(row.body)
        same_facts = [e.statement for e in before.evidence] == [e.statement for e in write.case.evidence]
        case = replace(write.case, state=row.state)
        if same_facts:
            case = replace(
                case,
                summary=before.summary,
                hypotheses=before.hypotheses,
                similar=before.similar,
                confidence=before.confidence,
            )
        _keep_knowledge(connection, case.id, row.body, _body(case), now)
        values = self._computed(replace(write, case=case), run_id, now)
        values["due_on"] = row.due_on or write.due_on
        connection.execute(
            sa.update(cases).where(cases.c.id == case.id).values(**values, state=row.state, version=cases.c.version + 1)
        )

    def _write_breaks(self, connection: Connection, part: Sequence[CaseWrite], run_id: str) -> None:
        ids = [w.case.id for w in part]
        days = {b.business_date for w in part for b in w.breaks}
        connection.execute(
            sa.delete(case_breaks).where(
                case_breaks.c.case_id.in_(ids),
                sa.or_(
                    case_breaks.c.business_date.in_([d for d in days if d]),
                    case_breaks.c.business_date.is_(None),
                ),
            )
        )
        rows = [
            {
                "case_id": w.case.id,
                "break_id": b.break_id,
                "run_id": run_id,
                "row": b.row,
                "item_id": b.item_id,
                "business_date": b.business_date,
                "score": b.score,
                # every field of a break is plain already but its day: a deep copy of each took most of the time
                "body": {**vars(b), "business_date": b.business_date and b.business_date.isoformat()},
            }
            for w in part
            for b in w.breaks
        ]
        for start in range(0, len(rows), 2000):
            connection.execute(sa.insert(case_breaks), rows[start : start + 2000])

    # --- read --------------------------------------------------------------------------------------------------

    def record(self, case_id: str) -> CaseRecord:
        """The case with what the desk added; raises NotFound."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None:
            msg = f"{case_id}: no such case in this workspace; `tieout cases` lists them"
            raise NotFound(msg)
        return _record(row)

    def records(self, case_ids: Sequence[str]) -> list[CaseRecord]:
        """The cases of these ids, in their order; raises NotFound."""
        found: dict[str, CaseRecord] = {}
        with self._db.read() as connection:
            for start in range(0, len(case_ids), 500):
                query = sa.select(cases).where(cases.c.id.in_(case_ids[start : start + 500]))
                found |= {row.id: _record(row) for row in connection.execute(query)}
        return [found[case_id] if case_id in found else self.record(case_id) for case_id in case_ids]

    def get(self, case_id: str) -> Case:
        """The case alone; raises NotFound."""
        return self.record(case_id).case

    def breaks(self, case_id: str, *, limit: int = 1000, after: str | None = None) -> list[BreakRow]:
        """The case's breaks, strangest first is not promised: by date, then break id; at most `limit`."""
        query = sa.select(case_breaks).where(case_breaks.c.case_id == case_id)
        if after is not None:
            query = query.where(case_breaks.c.break_id > after)
        query = query.order_by(case_breaks.c.break_id).limit(limit)
        with self._db.read() as connection:
            return [break_from_body(row.body) for row in connection.execute(query)]

    def find_break(self, break_id: str) -> tuple[str, BreakRow]:
        """The case that holds a break, and the break; raises NotFound."""
        query = sa.select(case_breaks).where(case_breaks.c.break_id == break_id).limit(1)
        with self._db.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            msg = f"{break_id}: no case holds this break; the id stands in findings.csv and in the case's rows"
            raise NotFound(msg)
        return row.case_id, break_from_body(row.body)

    def holding(self, item_ids: Sequence[str]) -> dict[str, tuple[str, CaseKind, CaseState]]:
        """For each item that a case holds: the case's id, kind and state."""
        found: dict[str, tuple[str, CaseKind, CaseState]] = {}
        wanted = sorted(set(item_ids))
        with self._db.read() as connection:
            for start in range(0, len(wanted), 500):
                query = (
                    sa.select(items.c.id, cases.c.id.label("case_id"), cases.c.kind, cases.c.state)
                    .join(cases, cases.c.id == items.c.case_id)
                    .where(items.c.id.in_(wanted[start : start + 500]))
                )
                found.update({row.id: (row.case_id, row.kind, row.state) for row in connection.execute(query)})
        return found

    def unresolved_anomalies(self, recon: str) -> list[tuple[int, date]]:
        """(series id, business date) of every break of an anomaly case that is still to be worked.

        Not of a break that nothing could be said of for want of a past: it was never found out of pattern, and a desk
        that begins without history would hold the breaks of its first day back from its baseline, and call all later
        ones.
        """
        query = (
            sa.select(items.c.series_id, case_breaks.c.business_date)
            .join(cases, cases.c.id == case_breaks.c.case_id)
            .join(items, items.c.id == case_breaks.c.item_id)
            .where(
                cases.c.recon == recon,
                cases.c.kind == "anomaly",
                cases.c.state.in_(OPEN_STATES),
                case_breaks.c.business_date.is_not(None),
                case_breaks.c.body["anomaly"].as_string() != "insufficient_history",
            )
        )
        with self._db.read() as connection:
            return [(int(row.series_id), row.business_date) for row in connection.execute(query)]

    def page(self, query: CaseQuery) -> CasePage:
        """One page in the order asked for, by keyset: as fast on the last page as on the first."""
        rows, cursor = self._rows(query, sa.select(cases))
        return CasePage(tuple(_record(row) for row in rows), cursor)

    def lines(self, query: CaseQuery) -> LinePage:
        """The same page with only what a list shows: evidence and prose stay in the database."""
        columns = [c for c in cases.c if c.name not in ("body", "search")]
        parts = [cases.c.body[name].label(f"body_{name}") for name in ("scope", "cause_detail", "provisional")]
        rows, cursor = self._rows(query, sa.select(*columns, *parts))
        return LinePage(tuple(_line(row) for row in rows), cursor)

    def _rows(self, query: CaseQuery, select: Any) -> tuple[Sequence[Any], str | None]:
        descending = query.sort.startswith("-")
        name = query.sort.removeprefix("-")
        if name not in SORTS:
            msg = f"sort: {name!r} is no order; use one of {', '.join(SORTS)}, with - in front for largest first"
            raise BadInput(msg)
        keys = SORTS[name]
        query = self._narrowed(query)
        statement = filtered(select, query, by_rule=self._db.is_sqlite)
        if query.cursor:
            statement = statement.where(beyond(keys, decode_cursor(query.cursor), descending))
        order = [sa.desc(key) if descending else sa.asc(key) for key in keys]
        limit = max(1, min(query.limit, 500))
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
        more = rows[limit:]
        rows = rows[:limit]
        return rows, encode_cursor([getattr(rows[-1], key.name) for key in keys]) if more else None

    def count(self, query: CaseQuery, *, at_most: int = 10000) -> int:
        """How many cases the query finds, counted up to `at_most`."""
        query = self._narrowed(query)
        inner = filtered(sa.select(cases.c.id), query, by_rule=self._db.is_sqlite).limit(at_most).subquery()
        with self._db.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one())

    def _narrowed(self, query: CaseQuery) -> CaseQuery:
        """A search for words that few cases hold, as those cases.

        In a workspace's own database an index holds the words: it is read in a tenth of the time that the cases take.
        What many hold is soon found in the order asked for.
        """
        if not self._db.is_sqlite or not (query.q or "").strip() or query.ids is not None:
            return query
        holding = sa.select(cases.c.id).where(*with_words(query)).limit(FEW_FOUND + 1)
        with self._db.read() as connection:
            found = connection.execute(holding).scalars().all()
        return query if len(found) > FEW_FOUND else replace(query, q=None, ids=tuple(found))

    def events(self, case_id: str, *, limit: int = 500) -> list[CaseEvent]:
        """The case's history, oldest first."""
        query = sa.select(case_events).where(case_events.c.case_id == case_id, case_events.c.kind != KNEW)
        query = query.order_by(case_events.c.n).limit(limit)
        with self._db.read() as connection:
            return [_event(row) for row in connection.execute(query)]

    # --- changed by people and agents ----------------------------------------------------------------------------

    def add_event(
        self,
        case_id: str,
        who: str,
        kind: str,
        body: dict[str, Any],
        *,
        undo: dict[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Adds a line to the case's history, in the caller's transaction when one is given."""
        values = {
            "case_id": case_id,
            "at": self._clock(),
            "who": who,
            "kind": kind,
            "body": body,
            "undo": undo,
        }
        if connection is not None:
            connection.execute(sa.insert(case_events).values(**values))
            return
        with self._db.begin() as own:
            own.execute(sa.insert(case_events).values(**values))

    def update_judgement(self, case_id: str, who: str = "tieout", **changes: Any) -> Case:
        """What agents concluded: any of summary, hypotheses, similar, confidence, cause, cause_detail, pattern,
        title, evidence. Written to the body and the columns that lists filter on."""
        with self._db.begin() as connection:
            row = connection.execute(sa.select(cases.c.body).where(cases.c.id == case_id)).one_or_none()
            if row is None:
                msg = f"{case_id}: no such case in this workspace"
                raise NotFound(msg)
            case = replace(case_from_body(row.body), **changes)
            _keep_knowledge(connection, case_id, row.body, _body(case), self._clock())
            connection.execute(
                sa.update(cases)
                .where(cases.c.id == case_id)
                .values(
                    body=_body(case),
                    title=case.title,
                    pattern=case.pattern,
                    cause=case.cause,
                    confidence=case.confidence,
                    search=_search_text(case),
                    updated_at=self._clock(),
                    version=cases.c.version + 1,
                )
            )
        return case

    def change(
        self,
        case_id: str,
        who: str,
        kind: str,
        values: Mapping[str, Any],
        *,
        body: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
        connection: Connection | None = None,
    ) -> CaseRecord:
        """Sets columns (`state`, `owner`, `due_on`, `snooze_until`) with a history line that can undo them.

        Raises StaleCase when `expected_version` is no longer the case's, NotFound when there is no such case.
        """
        allowed = {"state", "owner", "due_on", "snooze_until"}
        if not set(values) <= allowed:
            msg = f"only {', '.join(sorted(allowed))} can be changed, not {', '.join(sorted(set(values) - allowed))}"
            raise BadInput(msg)
        if "state" in values and values["state"] not in get_args(CaseState):
            msg = f"state: {values['state']!r} is none of {', '.join(get_args(CaseState))}"
            raise BadInput(msg)
        if connection is not None:
            return self._change(connection, case_id, who, kind, values, body, expected_version)
        with self._db.begin() as own:
            return self._change(own, case_id, who, kind, values, body, expected_version)

    def _change(
        self,
        connection: Connection,
        case_id: str,
        who: str,
        kind: str,
        values: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        expected_version: int | None,
    ) -> CaseRecord:
        row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None:
            msg = f"{case_id}: no such case in this workspace; `tieout cases` lists them"
            raise NotFound(msg)
        if expected_version is not None and row.version != expected_version:
            msg = f"{case_id}: changed by somebody else meanwhile (version {row.version}); look again first"
            raise StaleCase(msg)
        before = {name: getattr(row, name) for name in values}
        changed = {**values, "updated_at": self._clock(), "version": row.version + 1}
        if "state" in values:
            changed["body"] = {**row.body, "state": values["state"]}
        done = connection.execute(
            sa.update(cases).where(cases.c.id == case_id, cases.c.version == row.version).values(**changed)
        )
        if done.rowcount != 1:
            msg = f"{case_id}: changed by somebody else meanwhile; look again first"
            raise StaleCase(msg)
        self.add_event(
            case_id,
            who,
            kind,
            {**json.loads(json.dumps(dict(values), default=plain)), **(body or {})},
            undo=json.loads(json.dumps(before, default=plain)),
            connection=connection,
        )
        return _record(connection.execute(sa.select(cases).where(cases.c.id == case_id)).one())


def _record(row: Any) -> CaseRecord:
    return CaseRecord(
        case=replace(case_from_body(row.body), state=row.state),
        owner=row.owner,
        due_on=row.due_on,
        snooze_until=row.snooze_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        run_id=row.run_id,
        spark=tuple(row.spark),
        score=row.score,
    )


def _line(row: Any) -> CaseLine:
    return CaseLine(
        id=row.id,
        recon=row.recon,
        kind=row.kind,
        state=row.state,
        title=row.title,
        pattern=row.pattern,
        cause=row.cause,
        cause_detail=row.body_cause_detail or "",
        severity=RANK_SEVERITY[row.severity],
        scope=tuple(ScopePart(**part) for part in row.body_scope or ()),
        break_count=row.break_count,
        amount=Decimal(row.amount),
        currency=row.currency,
        amount_base=row.amount_base,
        onset=row.onset,
        owner=row.owner,
        due_on=row.due_on,
        snooze_until=row.snooze_until,
        created_at=row.created_at,
        version=row.version,
        spark=tuple(row.spark),
        provisional=bool(row.body_provisional),
    )


def _event(row: Any) -> CaseEvent:
    return CaseEvent(row.n, row.case_id, row.at, row.who, row.kind, row.body, row.undo, row.undone_at)
