"""What a person does to cases outside of drafts: owner, state, tags, bulk and undo, each with its audit row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from agents.desk import Desk
from memory import work
from memory.action import Person
from memory.cases import CaseRecord, StaleCase
from memory.notices import draft_notice
from memory.schema import case_events
from recon.errors import BadInput, NotFound, TieoutError
from web.access import may
from web.problems import NotAllowed
from web.recons import words_of
from web.tags import Said, give_feedback, tag_of

Do = Literal[
    "assign", "unassign", "snooze", "wake", "in_review", "waiting", "escalate", "resolve", "reopen", "close", "due",
    "note",
]  # fmt: skip

_STATES: Final[dict[str, str]] = {
    "in_review": "in_review",
    "waiting": "waiting",
    "escalate": "escalated",
    "resolve": "resolved",
    "reopen": "reopened",
    "close": "closed_forced",
    "wake": "open",
}
STATE_DO: Final[dict[str, str]] = {**{state: do for do, state in _STATES.items()}, "snoozed": "snooze"}
"""The deed that brings a case into a state."""


@dataclass(frozen=True)
class Change:
    """One deed on a case."""

    do: str
    note: str = ""
    owner: str | None = None
    until: date | None = None
    version: int | None = None
    """What the person saw; None: whatever it is now."""


@dataclass(frozen=True)
class Done:
    """What came of a deed on one case."""

    id: str
    ok: bool
    sentence: str
    undo: str = ""
    """What `/undo/` takes; empty when it cannot be taken back."""


def change_case(desk: Desk, person: Person, case_id: str, change: Change) -> tuple[CaseRecord, Done]:
    """Does it, with its line in the history and in the audit.

    Raises NotFound, StaleCase (somebody was faster), NotAllowed, BadInput.
    """
    step = _step(desk, person, case_id, change)
    record = step.record or desk.cases.record(case_id)
    for notice in step.notices:
        draft_notice(desk.ledger, notice, words_of(desk, record.case.recon).said, person)
    with desk.db.begin() as connection:
        body = {"note": change.note, "role": person.role, "sentence": step.sentence}
        desk.audit.append(connection, person.name, f"case.{change.do}", case_id, body)
    return record, Done(case_id, True, step.sentence, f"ev-{step.event}" if step.event else "")


def _step(desk: Desk, person: Person, case_id: str, change: Change) -> work.Done:
    steps = work.Work(desk.db, desk.cases, desk.clock)
    match change.do:
        case "assign":
            owner = (change.owner or person.name).strip()
            return steps.assign(case_id, owner, person, note=change.note, version=change.version)
        case "unassign":
            return steps.pass_back(case_id, person, reason=change.note or "passed back", version=change.version)
        case "snooze":
            until = change.until or _tomorrow(desk, case_id)
            return steps.snooze(case_id, person, until=until, reason=change.note, version=change.version)
        case "escalate":
            _refuse_stale(desk, case_id, change)
            return steps.escalate(case_id, person, why=change.note or f"by {person.name}")
        case "close":
            return steps.force_close(case_id, person, reason=change.note, version=change.version)
        case "note":
            return steps.note(case_id, person, change.note)
        case "due":
            return _set(desk, person, case_id, change, "due", {"due_on": change.until}, f"Due on {change.until}.")
        case do if do in _STATES:
            values: dict[str, Any] = {"state": _STATES[do]}
            if do in ("wake", "reopen"):
                values["snooze_until"] = None
            return _set(desk, person, case_id, change, "state", values, f"Now {_STATES[do].replace('_', ' ')}.")
        case _:
            msg = f"do: {change.do!r} is none of {', '.join(get_args(Do))}"
            raise BadInput(msg)


def _set(
    desk: Desk, person: Person, case_id: str, change: Change, kind: str, values: dict[str, Any], sentence: str
) -> work.Done:
    record = desk.cases.change(
        case_id, person.name, kind, values, body={"note": change.note}, expected_version=change.version
    )
    with desk.db.read() as connection:
        query = sa.select(sa.func.max(case_events.c.n)).where(case_events.c.case_id == case_id)
        newest = connection.execute(query).scalar_one()
    return work.Done(case_id, sentence, record, event=newest)


def _refuse_stale(desk: Desk, case_id: str, change: Change) -> None:
    version = desk.cases.record(case_id).version
    if change.version is not None and version != change.version:
        msg = f"{case_id}: changed by somebody else meanwhile (version {version}); look again first"
        raise StaleCase(msg)


def _tomorrow(desk: Desk, case_id: str) -> date:
    words = words_of(desk, desk.cases.get(case_id).recon)
    return words.calendar.add_business_days(words.calendar.today(desk.clock()), 1)


def would(desk: Desk, person: Person, case_id: str, change: Change) -> str:
    """What a deed would come to, in a sentence; nothing is written. Raises what the deed itself would."""
    record = desk.cases.record(case_id)
    match change.do:
        case "assign":
            return f"{record.owner or 'nobody'} \u2192 {change.owner or person.name}"
        case "unassign":
            return f"{record.owner or 'nobody'} \u2192 who had it before, or nobody"
        case "snooze":
            return f"would rest until {change.until or _tomorrow(desk, case_id)}"
        case "note":
            return "would be noted"
        case "close" if not may(person.role, "approver"):
            msg = f"Closing by force needs the role approver; {person.name} is {person.role}."
            raise NotAllowed(msg)
        case do if do in _STATES:
            return f"{record.case.state.replace('_', ' ')} \u2192 {_STATES[do].replace('_', ' ')}"
        case _:
            msg = f"do: {change.do!r} is none of {', '.join(get_args(Do))}"
            raise BadInput(msg)


# --- tags ------------------------------------------------------------------------------------------------------


# --- undo ------------------------------------------------------------------------------------------------------


def undo(desk: Desk, person: Person, undo_id: str) -> Done:
    """Takes a deed back: an approval (its action's id), a change (`ev-12`) or a tag (its feedback id)."""
    if undo_id.startswith("ev-"):
        return _undo_event(desk, person, undo_id)
    if undo_id.startswith("F"):
        with desk.db.begin() as connection:
            before = desk.feedback.undo(undo_id, connection=connection)
            desk.audit.append(connection, person.name, "feedback.undone", before.target_id, {"feedback_id": undo_id})
        return Done(undo_id, True, "The tag is taken back; it teaches nothing any more.")
    outcome = desk.ledger.undo(undo_id, person)
    return Done(undo_id, True, outcome.sentence)


def _undo_event(desk: Desk, person: Person, undo_id: str) -> Done:
    number = undo_id.removeprefix("ev-")
    if not (number.isascii() and number.isdigit()) or len(number) > 15:
        msg = f"{undo_id}: nothing of this id can be undone"
        raise NotFound(msg)
    step = work.Work(desk.db, desk.cases, desk.clock).undo(int(number), person)
    if step.record is not None:
        with desk.db.begin() as connection:
            desk.audit.append(connection, person.name, "case.undone", step.case_id, {"event": undo_id})
    return Done(step.case_id, True, step.sentence)


# --- many at once ----------------------------------------------------------------------------------------------


def bulk(
    desk: Desk, person: Person, ids: Sequence[str], do: str, note: str = "", *, until: date | None = None,
    owner: str | None = None, apply: bool,
) -> list[Done]:  # fmt: skip
    """One deed on many cases, each with its own result; without `apply` nothing is written and each says what would be.

    `do` is a deed on the case, `approve` (every draft that waits), or `false_positive` and `true` (a tag).
    """
    if len(ids) > 1000:
        msg = f"{len(ids)} cases at once; at most 1000"
        raise BadInput(msg)
    results: list[Done] = []
    for case_id in dict.fromkeys(ids):
        try:
            results += _one(desk, person, case_id, do, note, until, owner, apply)
        except TieoutError as error:
            results.append(Done(case_id, False, str(error)))
    return results


def _one(
    desk: Desk, person: Person, case_id: str, do: str, note: str, until: date | None, owner: str | None, apply: bool
) -> list[Done]:
    match do:
        case "approve":
            waiting = desk.ledger.list(case_id=case_id, state="pending")
            if not waiting:
                return [Done(case_id, False, "No draft waits for approval.")]
            pairs = [(a.id, a.payload_hash) for a in waiting]
            done = desk.ledger.decide_many(pairs, "approve", person, note, preview=not apply)
            return [
                Done(case_id, r.ok, f"{r.action_id}: {r.sentence}", r.action_id if apply and r.ok else "") for r in done
            ]
        case "false_positive" | "true":
            case = desk.cases.get(case_id)
            tag = tag_of(desk, case, Said(do, note))
            if not apply:
                return [Done(case_id, True, f"Would be tagged: {do.replace('_', ' ')}.")]
            return [Done(case_id, True, "Tagged.", give_feedback(desk, person, tag, case_id).id)]
        case _:
            change = Change(do, note, owner, until)
            if apply:
                return [change_case(desk, person, case_id, change)[1]]
            return [Done(case_id, True, would(desk, person, case_id, change))]
