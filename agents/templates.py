"""The drafts' fixed part: which there are, where they go, and the table of facts that code puts into them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from agents.brief import Known
from agents.routing import Destinations
from recon.case import BreakRow
from recon.words import ActionKind

TABLE_ROWS: Final = 10
_CITED: Final = re.compile(r"\s*\[[ER]\w*(?:,\s*[ER]\w*)*\]")


@dataclass(frozen=True)
class Sheet:
    """One draft to be worded: its kind, and the fields that no model may touch."""

    kind: ActionKind
    fixed: Mapping[str, Any]
    slot: str = ""


def sheets(known: Known, to: Destinations, open_ticket: str | None) -> list[Sheet]:
    """Which drafts a case gets. One scope, one ticket: an open one is commented on. No destination, no draft."""
    case = known.case
    if not known.breaks and case.state != "cleared":
        return []
    if case.state == "cleared":
        return [Sheet("jira.comment", {"ticket": open_ticket})] if open_ticket else []
    if case.kind == "document":
        return [Sheet("recon.comment", _breaks_of(known))]
    out: list[Sheet] = []
    if open_ticket is not None:
        out.append(Sheet("jira.comment", {"ticket": open_ticket}))
    elif to.jira is not None:
        out.append(
            Sheet(
                "jira.create",
                {
                    "project": to.jira.project,
                    "issuetype": to.jira.issuetype,
                    "priority": to.jira.priority,
                    "assignee": to.jira.assignee,
                    "labels": list(to.jira.labels),
                    "case_id": case.id,
                },
            )
        )
    if to.email is not None:
        out.append(Sheet("email.send", {"to": list(to.email.to), "cc": list(to.email.cc)}))
    if to.webhook is not None:
        out.append(Sheet("webhook.call", {"url": to.webhook, "event": "tieout.case"}))
    if known.consensus is not None and not out:
        out.append(Sheet("recon.comment", _breaks_of(known)))
    return out


def _breaks_of(known: Known) -> dict[str, Any]:
    return {
        "recon": known.case.recon,
        "breaks": [b.break_id for b in known.breaks],
        "rows": sorted({b.row for b in known.breaks}),
    }


def payload(sheet: Sheet, known: Known, words: Mapping[str, str]) -> dict[str, Any]:
    """The whole payload: the fixed fields, the wording, and the facts as code states them."""
    words = {name: uncited(text) for name, text in words.items()}
    body = f"{words['body']}\n\n{facts_table(known)}"
    match sheet.kind:
        case "jira.create":
            return {**sheet.fixed, "summary": _line(words["title"], 255), "description": body}
        case "jira.comment":
            return {**sheet.fixed, "body": body}
        case "email.send":
            return {**sheet.fixed, "subject": _line(words["title"], 255), "body": body}
        case "recon.comment":
            return {**sheet.fixed, "comment": words["comment"] or words["body"]}
        case "webhook.call":
            return {**sheet.fixed, "body": _hook_body(known, words)}
        case "task.create":
            return {**sheet.fixed, "title": _line(words["title"], 255), "body": body}
        case _:
            return dict(sheet.fixed)


def uncited(text: str) -> str:
    """The wording as people outside read it: evidence ids stay in the draft's record.

    >>> uncited("It is 5 too much [E3], as before [E1, E2].")
    'It is 5 too much, as before.'
    """
    return _CITED.sub("", text).strip()


def _line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _hook_body(known: Known, words: Mapping[str, str]) -> dict[str, Any]:
    case = known.case
    return {
        "case_id": case.id,
        "recon": case.recon,
        "title": _line(words["title"], 255),
        "pattern": case.pattern,
        "cause": case.cause,
        "severity": case.severity,
        "amount": format(case.amount, "f"),
        "currency": case.currency,
        "break_count": case.break_count,
    }


def facts_table(known: Known) -> str:
    """The case's figures as plain text: what, how much, since when, and its first rows."""
    case = known.case
    scope = ", ".join(f"{part.column} = {part.value}" for part in case.scope)
    head = [
        ("Case", case.id),
        ("Reconciliation", f"{case.recon} ({known.sources.left} against {known.sources.right})"),
        ("Scope", scope),
        ("Total difference", _total(known)),
        ("Breaks", str(case.break_count)),
        ("Since", case.onset.isoformat() if case.onset else ""),
    ]
    lines = [f"{name}: {value}" for name, value in head if value]
    rows = sorted(known.breaks, key=lambda b: (-abs(Decimal(b.difference)), b.row))
    lines += ["", *(_row(b, known) for b in rows[:TABLE_ROWS])]
    if len(rows) > TABLE_ROWS or case.break_count > len(rows):
        lines.append(f"… and {max(case.break_count, len(rows)) - min(len(rows), TABLE_ROWS)} more.")
    return "\n".join(lines)


def _total(known: Known) -> str:
    """The case's amount; where no rates add its currencies up, each of them."""
    case = known.case
    apart = next((e.values["amounts"] for e in case.evidence if e.kind == "total" and "amounts" in e.values), None)
    amounts = {unit: Decimal(of) for unit, of in apart.items()} if apart else {case.currency: case.amount}
    return ", ".join(f"{amount(of)} {unit}".strip() for unit, of in amounts.items() if of)


def _row(b: BreakRow, known: Known) -> str:
    day = f"{b.business_date.isoformat()} " if b.business_date else ""
    key = ", ".join(f"{column} {value}" for column, value in b.key.items())
    unit = f" {b.currency}" if b.currency else ""
    left, right = _side(b, b.left), _side(b, b.right)
    off = f"{b.pair} differs" if b.in_words else f"{b.pair} difference {amount(Decimal(b.difference))}{unit}"
    return f"- {day}{key}: {known.sources.left} {left}, {known.sources.right} {right}, {off} (row {b.row})"


def _side(b: BreakRow, text: str | None) -> str:
    return "missing" if text is None else text if b.in_words else amount(Decimal(text))


def amount(value: Decimal) -> str:
    """A decimal with thousands separators and every digit it has.

    >>> amount(Decimal("-1234567.80"))
    '-1,234,567.80'
    """
    return format(value, ",f")


def worded(known: Known, kinds: Sequence[str]) -> Known:
    """The case with what the planner's prompt needs to know of the template."""
    return replace(known, template={"kinds": list(kinds)})
