"""Tags as they come in: on a case, on one of its rows, or on a day of its series that nothing was said of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, get_args

import numpy as np

from agents.desk import Desk
from memory.action import Person
from memory.feedback import Feedback, Tag
from recon.calendar import to_day
from recon.case import Case
from recon.errors import BadInput, NotFound
from recon.ids import break_id, break_numbers
from recon.words import CAUSE_LABELS, PATTERN_LABELS, Verdict
from web.casechart import history_of, main_break
from web.recons import words_of

MOST_KEYS: Final = 1000
"""Keys that a tag without a scope speaks for."""


@dataclass(frozen=True)
class Said:
    """A tag as it came in."""

    verdict: str
    note: str = ""
    pattern: str | None = None
    cause: str | None = None
    wide: bool = False
    """True: it speaks for the case's whole scope, not for this case alone."""
    days: int | None = None
    """After how many days it is forgotten."""
    break_id: str | None = None
    """It speaks of this row of the case alone."""
    on: date | None = None
    """It speaks of this day of the case's main series, which may be no row of any case."""


def tag_of(desk: Desk, case: Case, said: Said) -> Tag:
    """The tag as the store takes it. Raises BadInput, NotFound."""
    if said.verdict not in get_args(Verdict):
        msg = f"verdict: {said.verdict!r} is none of {', '.join(get_args(Verdict))}"
        raise BadInput(msg)
    own = words_of(desk, case.recon).said.buckets
    _refuse_unknown("pattern", said.pattern, [*PATTERN_LABELS, *own.patterns])
    _refuse_unknown("cause", said.cause, [*CAUSE_LABELS, *own.causes])
    target, features = _target(desk, case, said)
    return Tag(
        recon=case.recon,
        target_kind="case" if target == case.id else "break",
        target_id=target,
        verdict=said.verdict,  # type: ignore[arg-type]
        pattern=said.pattern or None,
        cause=said.cause or None,
        note=said.note[:4000],
        scope={part.column: part.value for part in case.scope} if said.wide else {},
        features=features,
        expires_at=desk.clock() + timedelta(days=said.days) if said.days else None,
    )


def _target(desk: Desk, case: Case, said: Said) -> tuple[str, dict[str, Any]]:
    """The id of what is tagged, and what the detectors learn from."""
    if said.on is not None:
        return _point(desk, case, said.on)
    if said.break_id is None:
        return case.id, features_of(desk, case, None)
    if desk.cases.find_break(said.break_id)[0] != case.id:
        msg = f"{said.break_id}: {case.id} holds no such row"
        raise NotFound(msg)
    return said.break_id, features_of(desk, case, said.break_id)


def _point(desk: Desk, case: Case, on: date) -> tuple[str, dict[str, Any]]:
    """A day of the case's main series: its break's id, and its size. That nothing was said of it is no p-value."""
    brk = main_break(desk.cases.breaks(case.id, limit=400))
    series = history_of(desk, case, brk) if brk else None
    at = np.flatnonzero(series.day == to_day(on)) if series is not None else np.zeros(0, np.int64)
    if brk is None or series is None or not len(at):
        msg = f"{on}: the series of {case.id} has no row of that day"
        raise NotFound(msg)
    number = break_numbers(
        case.recon, brk.pair, np.array([series.series_id], np.uint64), series.day[at[-1:]], np.array([len(at) - 1])
    )
    features = {
        "pattern": "", "patterns": [], "causes": [], "pair": brk.pair, "keys": [brk.key], "columns": series.columns,
        "scores": [], "pvalues": [], "amounts": [format(series.amount(int(series.diff[at[-1]])), "f")],
        "point": {"series": str(series.series_id), "day": on.isoformat()},
    }  # fmt: skip
    return break_id(int(number[0])), features


def _refuse_unknown(what: str, word: str | None, known: Sequence[str]) -> None:
    if word and word not in known:
        msg = f"{what}: {word!r} is none of {', '.join(known)}; a recon file may add its own under buckets"
        raise BadInput(msg)


def features_of(desk: Desk, case: Case, break_id: str | None) -> dict[str, Any]:
    """What the detectors learn from: the numbers of the tagged rows and the context they stood in."""
    breaks = desk.cases.breaks(case.id) if break_id is None else [desk.cases.find_break(break_id)[1]]
    top = max(breaks, key=lambda b: b.score, default=None)
    rows = sorted(breaks, key=lambda b: -b.score)[:50]
    keys = {tuple(sorted(b.key.items())): b.key for b in breaks}
    pairs = {b.pair for b in breaks}
    return {
        "pattern": top.pattern if top and break_id else case.pattern,
        "patterns": sorted({b.pattern for b in breaks}),
        "causes": sorted({b.cause for b in breaks}),
        "pair": pairs.pop() if len(pairs) == 1 else "",
        "keys": list(keys.values())[:MOST_KEYS],
        "columns": dict(top.columns) if top else {},
        "scores": [b.score for b in rows],
        "pvalues": [b.pvalue for b in rows],
        "amounts": [max((b.difference for b in breaks), key=lambda d: abs(Decimal(d)))] if breaks else [],
    }


def give_feedback(desk: Desk, person: Person, tag: Tag, case_id: str) -> Feedback:
    """Saves a tag with its line in the history and the audit."""
    with desk.db.begin() as connection:
        saved = desk.feedback.add(tag, person.name, connection=connection)
        body = {"verdict": tag.verdict, "note": tag.note, "feedback_id": saved.id}
        desk.cases.add_event(case_id, person.name, "feedback", body, connection=connection)
        said = {**body, "pattern": tag.pattern, "cause": tag.cause, "scope": dict(tag.scope or {})}
        desk.audit.append(connection, person.name, "feedback", tag.target_id, said)
    return saved
