"""The desk's habits in drafts: read out of what was approved, and put into what is drafted next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.brief import Known
from agents.desk import Desk
from agents.routing import Destinations
from agents.templates import Sheet, amount, facts_table, uncited
from memory.action import Action
from memory.policy import domain_of
from memory.preferences import Habit, Preferences
from recon.case import Case
from recon.words import ActionKind

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "jira.create": ("project", "issuetype", "priority", "assignee", "labels"),
    "email.send": ("to", "cc"),
    "task.create": ("owner",),
}
"""Fields that a habit may fill as they are."""
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "jira.create": ("summary", "description"),
    "jira.comment": ("body",),
    "email.send": ("subject", "body"),
    "recon.comment": ("comment",),
    "task.create": ("title", "body"),
}
"""Fields of prose: their habit is a pattern with places for the case's own words and figures."""
_LONGEST_SLOT: Final = 4000


def circumstances(case: Case, columns: Mapping[str, str]) -> dict[str, str]:
    """What a habit may go by: the case's cause, severity and the values of its columns."""
    found = {**columns, **dict(case.key), **{part.column: part.value for part in case.scope}}
    return {
        "cause": case.cause,
        "severity": case.severity,
        **{f"column:{name}": value for name, value in sorted(found.items())[:8]},
    }


def shared_columns(known: Known) -> dict[str, str]:
    """The column values that all of the case's breaks share."""
    shared: dict[str, str] = {}
    for n, b in enumerate(known.breaks):
        values = {**b.columns, **b.key}
        shared = values if n == 0 else {c: v for c, v in shared.items() if values.get(c) == v}
    return shared


@dataclass(frozen=True)
class Places:
    """What a pattern's places stand for, in one case."""

    title: str
    body: str
    comment: str
    facts: str
    case: Mapping[str, str]


def places(known: Known, words: Mapping[str, str]) -> Places:
    """The case's own words and figures."""
    case = known.case
    figures = {
        "case_id": case.id,
        "amount": amount(case.amount),
        "currency": case.currency,
        "onset": case.onset.isoformat() if case.onset else "",
        "breaks": str(case.break_count),
        **{part.column: part.value for part in case.scope},
    }
    return Places(
        uncited(words.get("title", "")),
        uncited(words.get("body", "")),
        uncited(words.get("comment", "")),
        facts_table(known),
        {name: value for name, value in figures.items() if value},
    )


def to_pattern(text: str, at: Places) -> str:
    """An approved text with its case's own words and figures taken out: what is left is the desk's way of writing."""
    out = text
    for name, value in (("facts", at.facts), ("body", at.body), ("title", at.title), ("comment", at.comment)):
        if len(value) > 3:
            out = out.replace(value, "{{" + name + "}}")
    for name, value in sorted(at.case.items(), key=lambda item: -len(item[1])):
        if len(value) > 2:
            out = out.replace(value, "{{" + name + "}}")
    return out[:_LONGEST_SLOT]


def from_pattern(pattern: str, at: Places) -> str | None:
    """The text of a pattern in another case; None when it asks for something that this case has not."""
    out = pattern
    for name, value in (
        ("title", at.title),
        ("comment", at.comment),
        *at.case.items(),
        ("body", at.body),
        ("facts", at.facts),
    ):
        out = out.replace("{{" + name + "}}", value)
    return None if "{{" in out else out


def read_habits(action: Action, at: Places) -> dict[str, tuple[Any, bool]]:
    """What an approved draft shows of the desk's ways: field -> (value or pattern, whether a person made it so)."""
    approved, proposed = action.payload, action.proposal
    out: dict[str, tuple[Any, bool]] = {}
    for name in _FIELDS.get(action.kind, ()):
        out[f"{action.kind}.{name}"] = (approved.get(name), approved.get(name) != proposed.get(name))
    for name in _TEXTS.get(action.kind, ()):
        pattern = to_pattern(str(approved.get(name, "")), at)
        out[f"{action.kind}.{name}"] = (pattern, approved.get(name) != proposed.get(name))
    return out


@dataclass(frozen=True)
class Applied:
    """A payload made the desk's way, and by which habits."""

    payload: dict[str, Any]
    habits: dict[str, Habit]


def apply_habits(
    desk: Desk, known: Known, sheet: Sheet, payload: dict[str, Any], words: Mapping[str, str], to: Destinations
) -> Applied:
    """The payload as the desk would have it. Destinations stay within what the recon file allows."""
    around = circumstances(known.case, shared_columns(known))
    found = Preferences(desk.db, desk.clock).habits(known.case.recon, around, f"{sheet.kind}.")
    at = places(known, words)
    used: dict[str, Habit] = {}
    out = dict(payload)
    for field, habit in found.items():
        name = field.removeprefix(f"{sheet.kind}.")
        value = habit.value
        if name in _TEXTS.get(sheet.kind, ()):
            if known.wish:
                continue
            value = from_pattern(str(value), at) if isinstance(value, str) else None
        if value is None and name not in ("assignee", "priority", "owner"):
            continue
        if out.get(name) != value and _allowed(sheet.kind, name, value, to):
            out[name] = value
            used[name] = habit
    return Applied(out, used)


def _allowed(kind: ActionKind, name: str, value: Any, to: Destinations) -> bool:
    if kind == "jira.create" and name == "project":
        return value in to.policy.jira_projects
    if kind == "email.send" and name in ("to", "cc"):
        inside = all(domain_of(address) in to.policy.email_domains for address in value or [])
        return inside and (bool(value) or name == "cc")
    return True


def told(habits: Mapping[str, Habit]) -> list[dict[str, Any]]:
    """The habits used, for the draft's record: what, by which scope, learned from which decisions."""
    return [
        {
            "field": name,
            "scope": h.scope,
            "support": h.support,
            "against": h.against,
            "learned_from": list(h.learned_from[:12]),
        }
        for name, h in habits.items()
    ]


def learn_habits(desk: Desk, known: Known, action: Action, decision_id: str, words: Mapping[str, str]) -> int:
    """Writes down what an approval shows; learned once per decision."""
    around = circumstances(known.case, shared_columns(known))
    fields = read_habits(action, places(known, words))
    return Preferences(desk.db, desk.clock).learn(action.recon, around, fields, decision_id)


__all__ = ["Applied", "Places", "apply_habits", "circumstances", "learn_habits", "places", "read_habits", "told"]
