"""The desk's day: what a run changes about items, cases, promises and deadlines, and what it says since yesterday."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from detectors.promises import parse
from memory.action import MACHINE, Person
from memory.actions import Ledger
from memory.alarms import Alarm, AlarmStore, files_of, late
from memory.case_query import CaseQuery
from memory.cases import SEVERITY_RANK, CaseStore
from memory.database import Database
from memory.item import ItemEvent, Since
from memory.items import Followed, ItemStore
from memory.lives import Happened, Rules
from memory.notices import draft_notice
from memory.promises import Checked, Made, PromiseStore
from memory.schema import cases, promises
from memory.settling import Settled, settle
from memory.sighting import sighted
from memory.sla import Escalation, Standing, due_on, escalations, limits, severity
from memory.work import Work
from recon.calendar import BusinessCalendar, to_date
from recon.clock import Clock
from recon.ids import break_id, item_id
from recon.lake import Lake
from recon.money import readable
from recon.panel import Panel
from recon.panels import build_panels
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Reading
from recon.text import counted
from recon.words import Severity

_STANDING = [cases.c[name] for name in ("id", "kind", "state", "pattern", "severity", "currency", "onset", "due_on")]
_BY_RANK: Final[dict[int, Severity]] = {1: "low", 2: "medium", 3: "high"}

_WORDS: Final[dict[Happened, str]] = {
    "new": "new",
    "cleared": "cleared",
    "returned": "came back",
    "grew": "grew",
    "shrank": "shrank",
    "flipped": "changed sign",
    "moved": "moved to another key",
    "aged": "passed an age limit",
}


@dataclass(frozen=True)
class DayOf:
    """One run, as the desk sees it."""

    run_id: str
    recon: str
    said: ReconFile
    current: Reading
    history: Reading | None
    panels: tuple[Panel, ...]
    partial: bool = False
    """True for rows as they happen: they say nothing of the keys that they do not name."""

    @property
    def calendar(self) -> BusinessCalendar:
        return BusinessCalendar.of(self.said.calendar)

    @property
    def day(self) -> date | None:
        """The newest business date of the current rows."""
        days = self.current.rows.day[self.current.rows.day != NO_DAY]
        return to_date(int(days.max())) if len(days) else None


@dataclass(frozen=True)
class Opened:
    """The day after its items were followed, before its cases are kept."""

    followed: Followed
    alarms: tuple[Alarm, ...]

    def items_of(self, panel: Panel, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.uint64]) -> dict[str, str]:
        """Break id -> item id for the breaking rows of a panel; `numbers` are their break numbers."""
        series = panel.series_id[panel.series_of_rows()[rows]]
        owners = self.followed.owners(panel.pair.name, series, panel.day[rows])
        pairs = zip(numbers.tolist(), owners.tolist(), strict=True)
        return {break_id(number): item_id(owner) for number, owner in pairs if owner}


@dataclass(frozen=True)
class DayReport:
    """What the day came to, for summary.md, run.json and the API."""

    since: Since | None
    alarms: tuple[Alarm, ...]
    settled: Settled
    checked: tuple[Checked, ...]
    escalated: tuple[Escalation, ...]
    woken: tuple[str, ...]
    restated: tuple[date, ...]
    touched: tuple[str, ...]
    """Open cases that hold items of which a restated date now says something else."""
    money: frozenset[str] = frozenset()
    """The pairs whose differences are amounts of a currency."""
    words: frozenset[str] = frozenset()
    """The pairs of words, which differ without a difference."""

    @property
    def to_work(self) -> tuple[str, ...]:
        """Cases outside the run's own that the agents should look at again: their tickets need a word."""
        return (*self.settled.cleared, *self.settled.reopened)

    def to_json(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "since": self.since.to_json() if self.since else None,
            "alarms": [alarm.to_json() for alarm in self.alarms],
            "cleared_cases": list(self.settled.cleared),
            "reopened_cases": list(self.settled.reopened),
            "continued_cases": dict(self.settled.continued),
            "promises": [{**c.promise.to_json(), "sentence": c.sentence} for c in self.checked],
            "escalated": [{"case_id": e.case_id, "why": e.why} for e in self.escalated],
            "woken": list(self.woken),
            "restated": [day.isoformat() for day in self.restated],
            "touched_cases": list(self.touched),
        }

    def markdown(self) -> list[str]:
        """The section of summary.md; empty when nothing happened."""
        lines = [f"- **File alarm** ({a.kind}): {a.statement}" for a in self.alarms]
        if self.restated:
            dates = ", ".join(day.isoformat() for day in self.restated)
            touched = counted(len(self.touched), "open case")
            lines.append(f"- Told again after a corrected or repeated file: {dates}; {touched} touched.")
        if self.since:
            lines += since_lines(self.since, self.money, self.words)
        lines += [f"- Cleared: case {case_id}." for case_id in self.settled.cleared[:10]]
        lines += [f"- Reopened: case {case_id}; its breaks are back." for case_id in self.settled.reopened[:10]]
        said = Counter(c.sentence for c in self.checked)
        lines += [f"- {sentence}{f' ({n} times)' if n > 1 else ''}" for sentence, n in list(said.items())[:10]]
        lines += [f"- Escalated {e.case_id}: {e.why}." for e in self.escalated[:10]]
        return ["## Since the last run", "", *lines, ""] if lines else []


def since_lines(since: Since, money: frozenset[str], words: frozenset[str]) -> list[str]:
    """One line for each kind of happening, with its largest item; `money`: the pairs that have a currency, `words`:
    those that differ without a difference."""
    lines = []
    for kind, word in _WORDS.items():
        count = since.counts.get(kind, 0)
        if count:
            lines.append(f"- {count:,} {word}: {_largest(since.of(kind), money, words)}")
    return lines


def _largest(events: Sequence[ItemEvent], money: frozenset[str], words: frozenset[str]) -> str:
    if not events:
        return "see the items"
    event = next((e for e in events if e.item.pair not in words), events[0])
    key = " ".join(event.item.key.values())
    if event.item.pair in words:
        return f"{key}, {event.item.pair}, for one."
    currency = event.item.currency or None if event.item.pair in money else None
    match event.kind:
        case "cleared":
            what = f"{readable(event.was, currency)} ({event.why})"
        case "moved":
            what = event.why
        case "aged":
            what = f"{readable(event.difference, currency)}, {event.limit} business days and more"
        case "new":
            what = f"{readable(event.difference, currency)} of {event.item.pair}"
        case _:
            what = f"{readable(event.was, currency)} -> {readable(event.difference, currency)}"
    return f"the largest is {key}, {what}."


class Daybook:
    """Keeps the desk's day around a run: `open` before its cases are kept, `close` after."""

    def __init__(self, db: Database, store: CaseStore, clock: Clock, ledger: Ledger | None = None) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self.items = ItemStore(db, clock)
        self.alarms = AlarmStore(db, clock)
        self.promises = PromiseStore(db, clock)
        self.work = Work(db, store, clock)

    # --- before the cases ----------------------------------------------------------------------------------------

    def open(self, of: DayOf, lake: Lake | None = None) -> Opened:
        """Judges the files and follows the items; a file older than the newest day is followed with all after it."""
        raised = [] if of.partial else self._take_in(of)
        complete = not of.partial and not {"short", "empty"} & {alarm.kind for alarm in raised}
        rules = Rules(of.recon, of.calendar, limits(of.said.sla), complete, of.said.materiality.rates, of.partial)
        panels, since = of.panels, None
        newest = self.items.last_day(of.recon)
        if newest and of.day and of.day < newest and lake is not None:
            later = lake.history(of.recon, of.current.layout, before_hashes=of.current.file_hashes)
            panels = build_panels(of.current, later, of.said)
            days = of.current.rows.day[of.current.rows.day != NO_DAY]
            since = int(days.min())
        layout = of.current.layout
        seen = [sighted(panel, layout.key, layout.currency, of.calendar, since) for panel in panels]
        if of.partial and since is not None:
            own = [np.unique(panel.series_id[panel.series_of_rows()[panel.current]]) for panel in panels]
            seen = [s.part(np.flatnonzero(np.isin(s.series, keys))) for s, keys in zip(seen, own, strict=True)]
        followed = self.items.follow(of.run_id, seen, rules)
        return Opened(followed, tuple(raised))

    def _take_in(self, of: DayOf) -> list[Alarm]:
        files = files_of(of.recon, of.current)
        return [alarm for seen in files for alarm in self.alarms.take_in(seen, of.run_id, of.calendar)]

    # --- after the cases -----------------------------------------------------------------------------------------

    def close(self, of: DayOf, opened: Opened) -> DayReport:
        """Ties items to cases, sets deadlines, clears and reopens cases, checks promises, escalates what is late."""
        self.items.attach(of.run_id)
        if of.day is None:
            nothing = Settled((), (), {})
            return DayReport(None, opened.alarms, nothing, (), (), (), (), ())
        self._promise(of, opened)
        # A file of an older day was followed with all after it: what stands, stands as of the newest day.
        today = max(of.day, self.items.last_day(of.recon) or of.day)
        checked = self.promises.check(of.recon, today, of.calendar)
        settled = settle(self._db, self._store, of.recon, today, of.calendar)
        self._void_drafts(settled, today)
        self._set_deadlines(of, today)
        woken = [done.case_id for done in self.work.wake_due(today, of.recon)]
        escalated = self._escalate(of.recon, of.said, today)
        return DayReport(
            since=self.items.since(of.recon, of.day),
            alarms=opened.alarms,
            settled=settled,
            checked=tuple(checked),
            escalated=tuple(escalated),
            woken=tuple(woken),
            restated=opened.followed.restated,
            touched=self._touched(opened.followed.changed),
            money=frozenset(p.pair.name for p in of.panels if p.pair.unit == "money" and p.pair.kind == "number"),
            words=frozenset(p.pair.name for p in of.panels if p.pair.kind == "text"),
        )

    # --- between runs --------------------------------------------------------------------------------------------

    def tend(self, recon: str, said: ReconFile) -> list[str]:
        """What time alone brings: snoozes that end, cases over their due date, a file that is late. A second look on
        the same day finds nothing new. Returns a sentence for each thing done."""
        calendar = BusinessCalendar.of(said.calendar)
        now = self._clock()
        today = calendar.today(now)
        told = [done.sentence for done in self.work.wake_due(today, recon)]
        told += [f"{one.case_id} is escalated: {one.why}" for one in self._escalate(recon, said, today)]
        newest = max((p.last_day for p in self.alarms.past(recon, 50) if p.last_day), default=None)
        alarm = late(recon, newest, now, calendar)
        if alarm is not None and self.alarms.is_new(alarm):
            self.alarms.raise_all([alarm])
            told.append(f"{recon}: {alarm.statement}")
        return told

    def _touched(self, changed: frozenset[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for name in sorted(changed)[:5000]:
            item = self.items.find(name)
            if item is not None and item.case_id:
                found.add(item.case_id)
        return tuple(sorted(found))

    def _void_drafts(self, settled: Settled, day: date) -> None:
        """What was drafted about breaks that are gone must not leave any more."""
        if self._ledger is None:
            return
        why = f"The breaks it is about are gone as of {day}."
        waiting = self._ledger.cases_with(("draft", "pending", "approved"))
        for case_id in sorted(waiting.intersection(settled.cleared)):
            self._ledger.supersede_stale(case_id, f"cleared:{day}", why)

    def _set_deadlines(self, of: DayOf, day: date) -> None:
        """Severity with age, broken promises and repetition, and a due date for what has none."""
        broken = self._broken(of.recon)
        with self._db.begin() as connection:
            # without their bodies: reading those of 50,000 cases took ten times as long as all of this
            rows = connection.execute(sa.select(*_STANDING).where(cases.c.run_id == of.run_id)).all()
            changes = []
            for row in rows:
                age = of.calendar.age(row.onset, day, row.currency or None) if row.onset else 0
                came_back = row.pattern == "repeated" or row.state == "reopened"
                standing = Standing(age if row.kind == "anomaly" else 0, row.id in broken, came_back)
                level = severity(_BY_RANK[row.severity], standing)
                due = due_on(level, day, row.currency, of.said, of.calendar)
                due = min(due, row.due_on) if row.due_on else due
                if SEVERITY_RANK[level] != row.severity or due != row.due_on:
                    changes.append({"case": row.id, "level": level, "new_due": due})
            for start in range(0, len(changes), 500):
                part = changes[start : start + 500]
                query = sa.select(cases.c.id, cases.c.body).where(cases.c.id.in_([change["case"] for change in part]))
                bodies = {row.id: row.body for row in connection.execute(query)}
                for change in part:
                    change["new_severity"] = SEVERITY_RANK[change["level"]]
                    change["new_body"] = {**bodies[change["case"]], "severity": change.pop("level")}
                statement = (
                    sa.update(cases)
                    .where(cases.c.id == sa.bindparam("case"))
                    .values(
                        severity=sa.bindparam("new_severity"),
                        due_on=sa.bindparam("new_due"),
                        body=sa.bindparam("new_body", type_=cases.c.body.type),
                    )
                )
                connection.execute(statement, part)

    def _broken(self, recon: str) -> set[str]:
        query = sa.select(promises.c.case_id).where(promises.c.recon == recon, promises.c.state == "broken")
        with self._db.read() as connection:
            return {row.case_id for row in connection.execute(query) if row.case_id}

    def _escalate(self, recon: str, said: ReconFile, day: date) -> list[Escalation]:
        page = self._store.page(CaseQuery(state=("open",), recon=recon, due_by=day, sort="due", limit=500))
        found = escalations(page.records, day, said, BusinessCalendar.of(said.calendar))
        for one in found:
            done = self.work.escalate(one.case_id, Person(MACHINE, "admin"), why=one.why, to=one.to)
            if self._ledger is not None:
                for notice in done.notices:
                    draft_notice(self._ledger, notice, said)
        return found

    # --- promises ------------------------------------------------------------------------------------------------

    def _promise(self, of: DayOf, opened: Opened) -> None:
        """Reads the promises in the comments of every breaking row's unbroken run, history included."""
        made: dict[tuple[str, str], Made] = {}
        for panel in of.panels:
            for made_one in _promises_of(of, panel, opened.followed):
                made.setdefault((str(made_one.item_id), made_one.text), made_one)
        self.promises.add_many(list(made.values()))


def _promises_of(of: DayOf, panel: Panel, followed: Followed) -> list[Made]:
    """Promises in the comments of a panel's breaks, from the first day on which each was written."""
    series = panel.series_of_rows()
    last = panel.offsets[1:] - 1
    owners = followed.owners(panel.pair.name, panel.series_id, panel.day[last])
    standing = (owners != 0) & panel.current[last]
    comments = _comments(of, panel, standing[series])
    by_series: dict[int, list[int]] = {}
    for i in sorted(comments):
        by_series.setdefault(int(series[i]), []).append(i)
    return [
        made
        for s, rows in by_series.items()
        for made in _promises_of_series(of, panel, s, rows, comments, item_id(int(owners[s])))
    ]


def _promises_of_series(
    of: DayOf, panel: Panel, s: int, rows: Sequence[int], comments: Mapping[int, str], item: str
) -> list[Made]:
    start = _run_start(panel, np.arange(panel.offsets[s], panel.offsets[s + 1]))
    onset = to_date(int(panel.day[start]))
    said: set[str] = set()
    found = []
    for i in rows:
        made_on = to_date(int(panel.day[i]))
        if i < start or made_on is None or comments[i] in said:
            continue
        said.add(comments[i])
        found += [
            Made(
                recon=of.recon,
                series_id=str(int(panel.series_id[s])),
                item_id=item,
                case_id=None,
                text=promise.text,
                due_on=promise.due(onset, of.calendar),
                made_on=made_on,
                condition=promise.condition,
                source="comment",
            )
            for promise in parse(comments[i], made_on, of.calendar)
        ]
    return found


def _run_start(panel: Panel, rows: npt.NDArray[np.int64]) -> int:
    """The first row of the unbroken run of days with a break that ends the series; its last row where there is none.

    A key that stands twice on a day may match the second time: the day is one of the run all the same.
    """
    calm = rows[~np.isin(panel.day[rows], panel.day[rows[panel.is_break[rows]]])]
    return min(int(calm[-1]) + 1, int(rows[-1])) if len(calm) else int(rows[0])


def _comments(of: DayOf, panel: Panel, wanted: npt.NDArray[np.bool_]) -> Mapping[int, str]:
    """Panel row -> its comment, for those of the wanted breaking rows that have one."""
    texts: dict[int, str] = {}
    for reading, mine in ((of.current, panel.current), (of.history, ~panel.current)):
        if reading is None:
            continue
        at = np.flatnonzero(mine & panel.is_break & wanted)
        said = reading.rows.comment.take(pa.array(panel.source[at])).to_pylist()
        texts |= {int(i): text for i, text in zip(at, said, strict=True) if text}
    return texts
