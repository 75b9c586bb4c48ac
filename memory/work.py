"""The desk's work on cases: who has it, until when it rests, what was said, and how each step is taken back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from detectors.promises import parse
from memory.action import MACHINE, NotAllowed, Person
from memory.case_query import CaseQuery
from memory.cases import OPEN_STATES, CaseEvent, CaseRecord, CaseStore, StaleCase
from memory.database import Database
from memory.notices import Notice, Reason, addresses
from memory.promises import Made, PromiseStore
from memory.schema import case_events, cases, items, people
from recon.clock import Clock
from recon.errors import BadInput, NotFound, TieoutError

_MENTION: Final = re.compile(r"(?<![\w@.])@([\w.-]+\w)")
_UNDOABLE: Final = ("assigned", "taken", "passed_back", "snoozed", "woken", "forced", "escalated", "state", "note")

Condition = Literal["until_change", "until_reply", "until_cleared"]
"""What ends a snooze besides its date: another amount, an answer in the ticket, the breaks going away."""


@dataclass(frozen=True)
class Done:
    """What a step came to."""

    case_id: str
    sentence: str
    record: CaseRecord | None
    notices: tuple[Notice, ...] = ()
    """Mails to draft: the person who took the step approves their bytes with it."""
    event: int | None = None
    """The history line, for undo."""


@dataclass(frozen=True)
class BulkLine:
    """One case of a bulk step, or of its preview."""

    case_id: str
    ok: bool
    sentence: str


class Work:
    """Steps that people take on cases. Each is one history line that can be undone where it can be."""

    def __init__(self, db: Database, store: CaseStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    # --- whose it is ---------------------------------------------------------------------------------------------

    def assign(self, case_id: str, owner: str, by: Person, *, note: str = "", version: int | None = None) -> Done:
        """Gives the case to a colleague, who is told by mail. Assigning to its owner changes nothing."""
        _refuse_viewer(by, "assigning")
        self._refuse_unknown(owner, by)
        before = self._store.record(case_id)
        if before.owner == owner:
            return Done(case_id, f"{case_id} is {owner}'s already.", before)
        kind = "taken" if owner == by.name else "assigned"
        record = self._change(case_id, by, kind, {"owner": owner}, note, version)
        to_tell = [owner] if owner != by.name else []
        return self._done(record, f"{case_id} is {owner}'s now.", by, "assigned", to_tell)

    def take(self, case_id: str, by: Person, *, version: int | None = None) -> Done:
        """Makes the case one's own."""
        return self.assign(case_id, by.name, by, version=version)

    def pass_back(self, case_id: str, by: Person, *, reason: str, version: int | None = None) -> Done:
        """Gives the case back to who had it before, else to nobody, with a reason."""
        _refuse_viewer(by, "passing back")
        _refuse_empty(reason, "passing back", "why it is not yours")
        record = self._store.record(case_id)
        if record.owner is None:
            msg = f"{case_id} has no owner; there is nothing to pass back"
            raise BadInput(msg)
        earlier = self._owner_before(case_id, record.owner)
        changed = self._change(case_id, by, "passed_back", {"owner": earlier}, reason, version)
        to_tell = [earlier] if earlier and earlier != by.name else []
        return self._done(changed, f"{case_id} is back with {earlier or 'nobody'}.", by, "assigned", to_tell)

    def assign_many(
        self, case_ids: Sequence[str], owner: str | None, by: Person, *, preview: bool = False
    ) -> list[BulkLine]:
        """Assigns many, each with its own result; with `owner` None they become nobody's. A preview writes nothing."""
        _refuse_viewer(by, "assigning")

        def step(case_id: str) -> str:
            record = self._store.record(case_id)
            if preview:
                return f"{record.owner or 'nobody'} -> {owner or 'nobody'}"
            if owner is None:
                self._change(case_id, by, "assigned", {"owner": None}, "", None)
                return f"{case_id} is nobody's now."
            return self.assign(case_id, owner, by).sentence

        return self.bulk(case_ids, step)

    def bulk(self, case_ids: Sequence[str], step: Callable[[str], str]) -> list[BulkLine]:
        """Runs a step on each case; none stops the others."""
        lines = []
        for case_id in case_ids:
            try:
                lines.append(BulkLine(case_id, True, step(case_id)))
            except TieoutError as error:
                lines.append(BulkLine(case_id, False, str(error)))
        return lines

    # --- when it rests -------------------------------------------------------------------------------------------

    def snooze(
        self,
        case_id: str,
        by: Person,
        *,
        until: date | None = None,
        condition: Condition | None = None,
        reason: str = "",
        version: int | None = None,
    ) -> Done:
        """Rests the case until a date, a condition, or whichever comes first."""
        _refuse_viewer(by, "snoozing")
        if until is None and condition is None:
            msg = (
                f"{case_id}: say until when it rests: a date, or a condition (until_change, until_reply, until_cleared)"
            )
            raise BadInput(msg)
        if until is not None and until <= self._clock().date():
            msg = f"{case_id}: {until} is not in the future; snooze until a later day"
            raise BadInput(msg)
        if self._store.record(case_id).case.state not in OPEN_STATES:
            msg = f"{case_id} is closed; only open work can rest"
            raise BadInput(msg)
        values = {"state": "snoozed", "snooze_until": until}
        record = self._change(case_id, by, "snoozed", values, reason, version, condition=condition)
        what = " or ".join(filter(None, [str(until) if until else "", (condition or "").replace("_", " ")]))
        return Done(case_id, f"{case_id} rests until {what}.", record, event=self._newest_event(case_id))

    def wake(self, case_id: str, why: str, by: str = MACHINE) -> CaseRecord:
        """Ends a snooze: the case is open again."""
        values = {"state": "open", "snooze_until": None}
        return self._store.change(case_id, by, "woken", values, body={"why": why})

    def wake_due(self, today: date, recon: str | None = None) -> list[Done]:
        """Wakes what rested until today, and what a condition wakes: its owner is told."""
        asleep = sa.select(cases.c.id, cases.c.snooze_until).where(cases.c.state == "snoozed")
        if recon is not None:
            asleep = asleep.where(cases.c.recon == recon)
        with self._db.read() as connection:
            resting = connection.execute(asleep.order_by(cases.c.id)).all()
        woken = []
        for row in resting:
            why = self._why_wake(row.id, row.snooze_until, today)
            if why:
                record = self.wake(row.id, why)
                owner = [record.owner] if record.owner else []
                woken.append(self._done(record, f"{row.id}: {why}", Person(MACHINE, "admin"), "snooze_over", owner))
        return woken

    def _why_wake(self, case_id: str, until: date | None, today: date) -> str | None:
        if until is not None and until <= today:
            return f"its snooze ended on {until}"
        line = next((e for e in reversed(self._store.events(case_id)) if e.kind == "snoozed"), None)
        condition = line.body.get("condition") if line else None
        if line is None or condition is None:
            return None
        match condition:
            case "until_change" if self._changed_since(case_id, line):
                return "its amount changed"
            case "until_reply" if any(e.kind == "reply" and e.n > line.n for e in self._store.events(case_id)):
                return "a reply came in"
            case _:
                return None

    def _changed_since(self, case_id: str, line: CaseEvent) -> bool:
        """True when the case holds another amount, or another number of breaks, than when it was put to rest."""
        case = self._store.get(case_id)
        return [format(case.amount, "f"), case.break_count] != line.body.get("stood")

    # --- what is said and how it ends ------------------------------------------------------------------------------

    def note(self, case_id: str, by: Person, text: str) -> Done:
        """Adds a note; its owner and everyone named with @ are told that there is one, not what it says.

        A promise in it («desk books it on 02-Nov») is kept with the case's oldest item and checked on its day.
        """
        _refuse_viewer(by, "writing notes")
        _refuse_empty(text, "a note", "something")
        record = self._store.record(case_id)
        mentioned = self.mentioned(text)
        self._store.add_event(
            case_id, by.name, "note", {"text": text.strip(), "mentions": mentioned}, undo={"note": True}
        )
        self._keep_promises(record, text, "note")
        known = addresses(self._db, [*mentioned, *filter(None, [record.owner])])
        notices = [self._notice(record, by, "mentioned", known[n]) for n in mentioned if n in known and n != by.name]
        if record.owner and record.owner not in (by.name, *mentioned) and record.owner in known:
            notices.append(self._notice(record, by, "commented", known[record.owner]))
        return Done(case_id, "Noted.", record, tuple(notices), self._newest_event(case_id))

    def reply(self, case_id: str, who: str, text: str) -> int:
        """Keeps an answer that came from outside (a ticket's comment, a mail): data, never an order. It ends a snooze
        that waits for it, and its promises are kept. Returns how many promises were new."""
        record = self._store.record(case_id)
        self._store.add_event(case_id, who, "reply", {"text": text.strip()})
        return self._keep_promises(record, text, "reply")

    def _keep_promises(self, record: CaseRecord, text: str, source: str) -> int:
        held = sa.select(items.c.id, items.c.series_id, items.c.onset).where(
            items.c.case_id == record.case.id, items.c.state == "open"
        )
        with self._db.read() as connection:
            oldest = connection.execute(held.order_by(items.c.onset, items.c.id).limit(1)).one_or_none()
        if oldest is None:
            return 0
        made = [
            Made(
                recon=record.case.recon,
                series_id=oldest.series_id,
                item_id=oldest.id,
                case_id=record.case.id,
                text=promise.text,
                due_on=promise.due(oldest.onset),
                made_on=promise.made_on,
                condition=promise.condition,
                source=source,
            )
            for promise in parse(text, self._clock().date())
        ]
        return PromiseStore(self._db, self._clock).add_many(made) if made else 0

    def mentioned(self, text: str) -> list[str]:
        """The colleagues named with @ in a text, as they are known here, each once."""
        words = {word.casefold() for word in _MENTION.findall(text)}
        if not words:
            return []
        with self._db.read() as connection:
            known = [row.name for row in connection.execute(sa.select(people.c.name).order_by(people.c.name))]
        return [name for name in known if name.casefold() in words or name.casefold().replace(" ", ".") in words]

    def force_close(self, case_id: str, by: Person, *, reason: str, version: int | None = None) -> Done:
        """Closes a case whose breaks still stand: an approver's or admin's right, never without a reason."""
        if by.role not in ("approver", "admin"):
            msg = f"{case_id}: closing by force needs the role approver or admin; {by.name} is {by.role}"
            raise NotAllowed(msg)
        _refuse_empty(reason, "closing by force", "why the breaks need no more work")
        record = self._store.record(case_id)
        if record.case.state not in OPEN_STATES:
            msg = f"{case_id} is {record.case.state} already"
            raise BadInput(msg)
        changed = self._change(case_id, by, "forced", {"state": "closed_forced", "snooze_until": None}, reason, version)
        return Done(case_id, f"{case_id} is closed by force.", changed, event=self._newest_event(case_id))

    def escalate(self, case_id: str, by: Person, *, why: str, to: str | None = None) -> Done:
        """Marks a case as escalated; the address given is told why, in dates and names."""
        record = self._change(case_id, by, "escalated", {"state": "escalated"}, why, None)
        notices = (self._notice(record, by, "escalated", to, why),) if to else ()
        return Done(case_id, f"{case_id} is escalated: {why}", record, notices, self._newest_event(case_id))

    # --- taking it back ------------------------------------------------------------------------------------------

    def undo(self, event_n: int, by: Person) -> Done:
        """Takes a step back, if nothing was changed on the same columns since; a note is struck out.

        Raises NotFound, NotAllowed (somebody else's step, and no approver), BadInput when it is too late.
        """
        with self._db.begin() as connection:
            row = connection.execute(sa.select(case_events).where(case_events.c.n == event_n)).one_or_none()
            if row is None or row.kind not in _UNDOABLE or row.undo is None:
                msg = f"{event_n}: this step cannot be undone"
                raise NotFound(msg) if row is None else BadInput(msg)
            if row.who != by.name and by.role not in ("approver", "admin"):
                msg = f"only {row.who}, an approver or an admin can undo this step"
                raise NotAllowed(msg)
            if row.undone_at is not None:
                return Done(row.case_id, "It was undone already.", None, event=event_n)
            record = None
            if row.kind != "note":
                record = self._put_back(connection, row, by)
            connection.execute(sa.update(case_events).where(case_events.c.n == event_n).values(undone_at=self._clock()))
        return Done(row.case_id, f"Undone: {row.kind}.", record, event=event_n)

    def _put_back(self, connection: Any, row: Any, by: Person) -> CaseRecord:
        current = connection.execute(sa.select(cases).where(cases.c.id == row.case_id)).one()
        for name in row.undo:
            stands = getattr(current, name)
            if (stands.isoformat() if isinstance(stands, date) else stands) != row.body.get(name):
                msg = f"{row.case_id}: its {name} was changed again since; look at its history"
                raise StaleCase(msg)
        values = {k: date.fromisoformat(v) if k in ("due_on", "snooze_until") and v else v for k, v in row.undo.items()}
        return self._store.change(row.case_id, by.name, "undone", values, body={"undid": row.n}, connection=connection)

    # --- read ----------------------------------------------------------------------------------------------------

    def load(self) -> dict[str, int]:
        """Owner -> open cases; `-` for nobody's."""
        query = sa.select(cases.c.owner, sa.func.count()).where(cases.c.state.in_(OPEN_STATES)).group_by(cases.c.owner)
        with self._db.read() as connection:
            return {row[0] or "-": row[1] for row in connection.execute(query)}

    def over_due(self, today: date, recon: str | None = None) -> list[CaseRecord]:
        """Open cases whose due date is past, the most severe first."""
        query = CaseQuery(state=("open",), recon=recon, due_by=today - timedelta(days=1), limit=500)
        return list(self._store.page(query).records)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _change(
        self,
        case_id: str,
        by: Person,
        kind: str,
        values: dict[str, Any],
        reason: str,
        version: int | None,
        **more: Any,
    ) -> CaseRecord:
        body = {k: v for k, v in {"reason": reason.strip(), **more}.items() if v}
        if kind == "snoozed":
            case = self._store.get(case_id)
            body["stood"] = [format(case.amount, "f"), case.break_count]
        return self._store.change(case_id, by.name, kind, values, body=body, expected_version=version)

    def _done(
        self, record: CaseRecord, sentence: str, by: Person, reason: Reason, to_tell: Sequence[str | None]
    ) -> Done:
        known = addresses(self._db, [name for name in to_tell if name])
        notices = tuple(self._notice(record, by, reason, address) for address in known.values())
        return Done(record.case.id, sentence, record, notices, self._newest_event(record.case.id))

    def _notice(self, record: CaseRecord, by: Person, reason: Reason, address: str, detail: str = "") -> Notice:
        case = record.case
        return Notice(address, case.id, reason, by.name, case.severity, case.recon, detail)

    def _newest_event(self, case_id: str) -> int | None:
        query = sa.select(sa.func.max(case_events.c.n)).where(case_events.c.case_id == case_id)
        with self._db.read() as connection:
            newest: int | None = connection.execute(query).scalar()
        return newest

    def _owner_before(self, case_id: str, owner: str) -> str | None:
        for event in reversed(self._store.events(case_id)):
            given = event.kind in ("assigned", "taken") and event.body.get("owner") == owner
            if given and event.undone_at is None and event.undo:
                before: str | None = event.undo["owner"]
                return before
        return None

    def _refuse_unknown(self, owner: str, by: Person) -> None:
        """A workspace that knows its people assigns only to them; one that knows nobody takes any name."""
        with self._db.read() as connection:
            known = [row.name for row in connection.execute(sa.select(people.c.name))]
        if known and owner not in known and owner != by.name:
            msg = f"{owner!r} is nobody known here; known are {', '.join(sorted(known)[:10])}"
            raise BadInput(msg)


def _refuse_viewer(by: Person, what: str) -> None:
    if by.role == "viewer":
        msg = f"{what} needs the role operator; {by.name} may only look"
        raise NotAllowed(msg)


def _refuse_empty(text: str, what: str, wanted: str) -> None:
    if not text.strip():
        msg = f"{what} needs a text: say {wanted}"
        raise BadInput(msg)
