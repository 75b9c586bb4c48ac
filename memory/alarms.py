"""Alarms about files: late, short, empty, repeated, older than the last, restated, or with odd control totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from statistics import median
from typing import Any, Final, Literal

import numpy as np
import sqlalchemy as sa

from memory.database import Database
from memory.schema import alarms, files, runs
from recon.calendar import BusinessCalendar, to_date
from recon.clock import Clock
from recon.errors import NotFound
from recon.ids import short_id
from recon.money import plain, readable
from recon.rows import NO_DAY, Reading

AlarmKind = Literal["late", "short", "empty", "repeated", "older", "restated", "control", "unreadable"]

RECALLED: Final = 20
"""How many past files say what is usual."""

LEAST: Final = 3
"""Fewer past files than this say nothing about what is usual."""

SHORT: Final = 0.5
LONG: Final = 2.0
"""Rows against the usual number; outside is an alarm."""

CONTROL: Final = 4.0
"""Times the usual control total, either way."""


@dataclass(frozen=True)
class FileSeen:
    """One file as it came in."""

    recon: str
    name: str
    hash: str
    rows: int
    """Data rows, rejects counted."""
    first_day: date | None
    last_day: date | None
    control: dict[str, str] = field(default_factory=dict)
    """`pair|currency|side` -> the sum of absolute amounts as decimal text; `rows|currency|` -> its rows."""

    def rows_without(self, closed: frozenset[str]) -> int:
        """Rows that are not in one of these currencies."""
        return self.rows - sum(int(self.control.get(f"rows|{currency}|", "0")) for currency in closed)


@dataclass(frozen=True)
class Alarm:
    """Something about a file that a person should know before trusting its rows."""

    recon: str
    kind: AlarmKind
    business_date: date | None
    statement: str
    """One sentence with the numbers."""
    body: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    at: datetime | None = None
    state: str = "open"

    def to_json(self) -> dict[str, Any]:
        """For the API and run.json."""
        return {
            "id": self.id,
            "recon": self.recon,
            "kind": self.kind,
            "business_date": self.business_date.isoformat() if self.business_date else None,
            "statement": self.statement,
            "state": self.state,
            "at": self.at.isoformat() if self.at else None,
            **self.body,
        }


def files_of(recon: str, reading: Reading) -> list[FileSeen]:
    """The files of a reading with their row counts, dates and control totals."""
    rows = reading.rows
    found = []
    for i, name in enumerate(rows.files):
        of = rows.file == i
        days = rows.day[of & (rows.day != NO_DAY)]
        rejected = sum(reject.file == name for reject in reading.rejects)
        digest = reading.file_hashes[i] if i < len(reading.file_hashes) else ""
        found.append(
            FileSeen(
                recon=recon,
                name=name.rsplit("/", 1)[-1],
                hash=digest,
                rows=int(of.sum()) + rejected,
                first_day=to_date(int(days.min())) if len(days) else None,
                last_day=to_date(int(days.max())) if len(days) else None,
                control=_control(reading, of),
            )
        )
    return found


def _control(reading: Reading, of: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, str]:
    """Sums of absolute amounts by pair, currency and side, in Python integers: no overflow, no rounding."""
    column = reading.layout.currency
    codes = reading.rows.columns[column].codes if column else np.zeros(reading.rows.n, np.int32)
    words = reading.rows.columns[column].vocabulary.to_pylist() if column else [""]
    held = np.bincount(codes[of], minlength=len(words))
    totals = {f"rows|{words[i]}|": str(int(n)) for i, n in enumerate(held) if n and column}
    for pair in reading.rows.pairs:
        if pair.pair.kind != "number":
            continue
        for side, units in (("left", pair.left), ("right", pair.right)):
            for code in np.unique(codes[of]):
                chosen = np.abs(units[of & (codes == code)])
                total = sum(int(part.sum()) for part in np.array_split(chosen, max(1, len(chosen) // 4096)))
                totals[f"{pair.pair.name}|{words[int(code)]}|{side}"] = plain(total, pair.scale)
    return totals


def judge_file(seen: FileSeen, past: Sequence[FileSeen], calendar: BusinessCalendar | None = None) -> list[Alarm]:
    """The alarms of one file against the files before it (newest first); pure.

    With a calendar, a currency whose market rests on the file's date is not missed.
    """
    if seen.rows == 0:
        return [_alarm(seen, "empty", f"{seen.name} holds no data rows.")]
    same = next((p for p in past if p.hash == seen.hash), None)
    if same is not None:
        return [_come_again(seen, same, past)]
    found = []
    newest = max((p.last_day for p in past if p.last_day), default=None)
    covered = {p.last_day for p in past}
    if seen.last_day and seen.last_day in covered:
        said = f"{seen.name} restates {seen.last_day}, which was run before with another file."
        found.append(_alarm(seen, "restated", said))
    elif seen.last_day and newest and seen.last_day < newest:
        said = f"{seen.name} ends on {seen.last_day}, before {newest}, the newest date that was run."
        found.append(_alarm(seen, "older", said))
    return found + _unusual(seen, past, _closed(seen, past, calendar))


def _closed(seen: FileSeen, past: Sequence[FileSeen], calendar: BusinessCalendar | None) -> frozenset[str]:
    if calendar is None or seen.last_day is None:
        return frozenset()
    currencies = {name.split("|")[1] for p in past[:RECALLED] for name in p.control}
    return frozenset(c for c in currencies if c and not calendar.is_business_day(seen.last_day, c))


def _come_again(seen: FileSeen, same: FileSeen, past: Sequence[FileSeen]) -> Alarm:
    last = next(p for p in past if p.last_day == same.last_day)
    if last.hash != seen.hash:
        said = f"{seen.name} goes back to {same.name} for {seen.last_day}; {last.name} had restated it."
        return _alarm(seen, "restated", said, again=True)
    return _alarm(seen, "repeated", f"{seen.name} is the same file as {same.name}, byte for byte.")


def _unusual(seen: FileSeen, past: Sequence[FileSeen], closed: frozenset[str]) -> list[Alarm]:
    alike = [p for p in past[:RECALLED] if p.rows > 0]
    if len(alike) < LEAST:
        return []
    usual = median(p.rows_without(closed) for p in alike)
    found = []
    if usual and not SHORT <= seen.rows_without(closed) / usual <= LONG:
        word = "few" if seen.rows_without(closed) < usual else "many"
        said = f"{seen.name} has {seen.rows:,} rows; usually it is about {usual:,.0f}: too {word}?"
        found.append(_alarm(seen, "short" if word == "few" else "control", said, usual=int(usual)))
    for name, text in sorted(seen.control.items()):
        if name.startswith("rows|"):
            continue
        totals = [abs(float(p.control[name])) for p in alike if name in p.control]
        if len(totals) < LEAST or median(totals) == 0:
            continue
        share = abs(float(text)) / median(totals)
        if not 1 / CONTROL <= share <= CONTROL:
            pair, currency, side = name.split("|")
            amount = readable(abs(Decimal(text)), currency or None)
            said = f"{seen.name}: {pair}, {side} side, adds up to {amount}; that is {share:.1f} times the usual."
            found.append(_alarm(seen, "control", said, control=name))
    return found


def _alarm(seen: FileSeen, kind: AlarmKind, statement: str, **body: Any) -> Alarm:
    return Alarm(seen.recon, kind, seen.last_day, statement, {"file": seen.name, "hash": seen.hash, **body})


def late(recon: str, newest: date | None, now: datetime, calendar: BusinessCalendar) -> Alarm | None:
    """An alarm when the file of the last finished business date is not there: after the cut-off of the next day,
    or without a cut-off when that day is over. None while it may still come, or before the first file."""
    if newest is None:
        return None
    today = calendar.today(now)
    expected = calendar.add_business_days(today, 0)
    expected = calendar.add_business_days(expected, -1)
    if newest >= expected:
        return None
    missing = calendar.business_days_between(newest, expected)
    days = "1 business day" if missing == 1 else f"{missing} business days"
    said = f"No file for {expected}: the newest ends on {newest}, {days} before."
    return Alarm(recon, "late", expected, said, {"newest": newest.isoformat()})


class AlarmStore:
    """The files that came and the alarms they raised; an alarm of one kind, file and date is raised once."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def past(self, recon: str, limit: int = 400) -> list[FileSeen]:
        """The reconciliation's files whose run came to its end, newest first: a killed run has not taken its in."""
        query = _ended().where(files.c.recon == recon).order_by(files.c.seen_at.desc(), files.c.hash)
        with self._db.read() as connection:
            return [_file(row) for row in connection.execute(query.limit(limit))]

    def was_run(self, name: str, digest: str) -> bool:
        """True when a file of this name and SHA-256 was run to its end, for whichever reconciliation."""
        with self._db.read() as connection:
            found = connection.execute(_ended().where(files.c.hash == digest, files.c.name == name).limit(1))
            return found.first() is not None

    def take_in(self, seen: FileSeen, run_id: str | None, calendar: BusinessCalendar | None = None) -> list[Alarm]:
        """Judges a file against the ones before it, keeps it and its alarms."""
        found = judge_file(seen, self.past(seen.recon), calendar)
        restates = next((p.hash for p in self.past(seen.recon) if p.last_day == seen.last_day), None)
        kinds = {alarm.kind for alarm in found}
        if not kinds & {"repeated", "empty"}:
            self._keep(seen, run_id, restates if "restated" in kinds else None)
        return self.raise_all(found)

    def _keep(self, seen: FileSeen, run_id: str | None, restates: str | None) -> None:
        with self._db.begin() as connection:
            connection.execute(sa.delete(files).where(files.c.hash == seen.hash, files.c.recon == seen.recon))
            connection.execute(
                sa.insert(files).values(
                    hash=seen.hash,
                    recon=seen.recon,
                    name=seen.name,
                    rows=seen.rows,
                    first_day=seen.first_day,
                    last_day=seen.last_day,
                    seen_at=self._clock(),
                    run_id=run_id,
                    control=seen.control,
                    restates=restates,
                )
            )

    def is_new(self, alarm: Alarm) -> bool:
        """True when this very alarm was not raised before."""
        with self._db.read() as connection:
            known = connection.execute(sa.select(alarms.c.id).where(alarms.c.id == _alarm_id(alarm))).one_or_none()
        return known is None

    def raise_all(self, found: Sequence[Alarm]) -> list[Alarm]:
        """Stores alarms that are not there yet; gives all back with their ids."""
        kept = [replace(alarm, id=_alarm_id(alarm), at=self._clock()) for alarm in found]
        with self._db.begin() as connection:
            for alarm in kept:
                if connection.execute(sa.select(alarms.c.id).where(alarms.c.id == alarm.id)).one_or_none() is None:
                    connection.execute(sa.insert(alarms).values(**_row(alarm)))
        return kept

    def open(self, recon: str | None = None, limit: int = 100) -> list[Alarm]:
        """Alarms that nobody has seen to, newest first."""
        query = sa.select(alarms).where(alarms.c.state == "open").order_by(alarms.c.at.desc(), alarms.c.id)
        if recon is not None:
            query = query.where(alarms.c.recon == recon)
        with self._db.read() as connection:
            return [_stored(row) for row in connection.execute(query.limit(limit))]

    def seen_to(self, alarm_id: str, who: str) -> Alarm:
        """Marks an alarm as seen. Raises NotFound."""
        with self._db.begin() as connection:
            row = connection.execute(sa.select(alarms).where(alarms.c.id == alarm_id)).one_or_none()
            if row is None:
                msg = f"{alarm_id}: no such alarm"
                raise NotFound(msg)
            body = {**row.body, "seen_by": who, "seen_at": self._clock().isoformat()}
            connection.execute(sa.update(alarms).where(alarms.c.id == alarm_id).values(state="seen", body=body))
            return _stored(connection.execute(sa.select(alarms).where(alarms.c.id == alarm_id)).one())


def _ended() -> Any:
    """The files whose run came to its end."""
    ended = sa.or_(files.c.run_id.is_(None), runs.c.id.is_(None), runs.c.state == "done")
    return sa.select(files).join(runs, runs.c.id == files.c.run_id, isouter=True).where(ended)


def _alarm_id(alarm: Alarm) -> str:
    words = (alarm.recon, alarm.kind, str(alarm.business_date), str(alarm.body.get("hash", "")), alarm.statement)
    return short_id("L", *words)


def _row(alarm: Alarm) -> Mapping[str, Any]:
    return {
        "id": alarm.id,
        "recon": alarm.recon,
        "kind": alarm.kind,
        "at": alarm.at,
        "business_date": alarm.business_date,
        "statement": alarm.statement,
        "state": alarm.state,
        "body": alarm.body,
    }


def _stored(row: Any) -> Alarm:
    return Alarm(row.recon, row.kind, row.business_date, row.statement, dict(row.body), row.id, row.at, row.state)


def _file(row: Any) -> FileSeen:
    return FileSeen(row.recon, row.name, row.hash, row.rows, row.first_day, row.last_day, dict(row.control))
