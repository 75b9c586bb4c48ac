"""Mimicry: simulated operators with hidden policies approve drafts; how soon are drafts right without an edit?

Each policy belongs to one cause and desk: project, priority, assignee, recipients and wording. What is learned in one
scope must not show in another.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

from agents.brief import Known, Sources, brief
from agents.habits import apply_habits, learn_habits
from agents.routing import Destinations, destinations
from agents.templates import Sheet, payload, sheets, uncited
from agents.wording import planner_view
from evals.desk import eval_desk, make_case
from memory.action import Action
from memory.canonical import canonical, payload_hash
from recon.recon_file import ReconFile, parse_recon_file

CAUSES: Final = ("fx_rate", "timing", "rounding", "duplicate")
DESKS: Final = ("Rates", "Credit", "Equities", "Money")
DECISIONS: Final = 10
LEARNED_AFTER: Final = 5


@dataclass(frozen=True)
class Policy:
    """How one operator wants the drafts of one cause and desk."""

    project: str
    priority: str
    assignee: str | None
    to: tuple[str, ...]
    prefix: str
    closing: str

    def wanted(self, sheet: Sheet, draft: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
        """The payload that this operator would approve, whatever stood in the draft."""
        if sheet.kind == "jira.create":
            return {
                **plain,
                "project": self.project,
                "priority": self.priority,
                "assignee": self.assignee,
                "summary": f"{self.prefix}{plain['summary']}",
                "description": f"{plain['description']}{self.closing}",
            }
        return {**plain, "to": list(self.to), "subject": f"{self.prefix}{plain['subject']}"}


def _policies(rng: Random) -> dict[tuple[str, str], Policy]:
    return {
        (cause, desk): Policy(
            project=rng.choice(("REC", "TREAS", "OPS")),
            priority=rng.choice(("Low", "Medium", "High", "Highest")),
            assignee=rng.choice((None, "fx.ops", "rec.desk", "night.shift")),
            to=(f"{rng.choice(('ops', 'fx', 'books'))}@bank.example",),
            prefix=rng.choice(("", "[URGENT] ", f"{desk}: ")),
            closing=rng.choice(("", "\n\nThank you, Reconciliations", "\n\nPlease answer by noon.")),
        )
        for cause in CAUSES
        for desk in DESKS
    }


def _said() -> ReconFile:
    body = {
        "routing": [{"jira": {"project": "REC", "priority": "Medium"}, "email": {"to": ["ops@bank.example"]}}],
        "allow": {"email_domains": ["bank.example"], "jira_projects": ["REC", "TREAS", "OPS"]},
    }
    return parse_recon_file(body, "the eval's recon file")


def _known(rng: Random, n: int, scope: tuple[str, str], said: ReconFile) -> Known:
    case, brk = make_case(rng, n)
    cause, desk = scope
    brk = replace(brk, cause=cause, columns={"Desk": desk})
    return Known(replace(case, cause=cause), (brk,), case.evidence, Sources("GL", "IHub"), said)


def _action(known: Known, sheet: Sheet, to: Destinations, drafted: dict[str, Any], approved: dict[str, Any]) -> Action:
    at = datetime(2026, 3, 10, tzinfo=UTC)
    text = canonical(approved)
    return Action(
        id="A", case_id=known.case.id, recon=known.case.recon, kind=sheet.kind, state="done", generation=1,
        payload_text=text, payload_hash=payload_hash(text), proposal_text=canonical(drafted), rationale="", slot="",
        scope_key=to.scope_key, source_hash="", amount_base=Decimal(0), four_eyes=False, maker="tieout",
        last_editor=None, first_by=None, first_hash=None, approved_hash=None, approved_by=None, approved_at=None,
        not_before=None, expires_at=None, order_n=None, lease_owner=None, lease_until=None, fence=0, attempts=0,
        attempted_at=None, resent=0, next_at=None, receipt=None, fault=None, thread_id=None, meta={}, created_at=at,
        updated_at=at,
    )  # fmt: skip


def run(quick: bool = False) -> dict[str, Any]:
    """Share of drafts approved without an edit by decisions seen, and drafts that show another scope's habit."""
    rng = Random(3)
    said = _said()
    policies = _policies(rng)
    chosen = list(policies)[:6] if quick else list(policies)
    unedited = [[0, 0] for _ in range(DECISIONS)]
    bled = fresh = 0
    n = 0
    with eval_desk() as desk:
        for seen in range(DECISIONS):
            for scope in chosen:
                n += 1
                known = _known(rng, n, scope, said)
                to = destinations(known, desk.settings)
                view = planner_view(brief(known))
                words = {name: uncited(str(view[name])) for name in ("title", "body", "comment")}
                whole = True
                for sheet in sheets(known, to, None):
                    plain = payload(sheet, known, words)
                    drafted = apply_habits(desk, known, sheet, plain, words, to).payload
                    wanted = policies[scope].wanted(sheet, drafted, plain)
                    whole = whole and drafted == wanted
                    learn_habits(desk, known, _action(known, sheet, to, drafted, wanted), f"D{n}{sheet.kind}", words)
                unedited[seen][0] += whole
                unedited[seen][1] += 1
        for scope in (("fee_or_tax", "Rates"), ("stale", "Other"), ("lag", "Elsewhere")):
            for _ in range(5):
                n += 1
                known = _known(rng, n, scope, said)
                to = destinations(known, desk.settings)
                view = planner_view(brief(known))
                words = {name: uncited(str(view[name])) for name in ("title", "body", "comment")}
                for sheet in sheets(known, to, None):
                    plain = payload(sheet, known, words)
                    fresh += 1
                    bled += apply_habits(desk, known, sheet, plain, words, to).payload != plain
    late = list(unedited[LEARNED_AFTER:])
    return {
        "by_decision": [round(a / b, 3) for a, b in unedited],
        "headline": {
            "approved unedited after 5": sum(a for a, _ in late) / sum(b for _, b in late),
            "approved unedited at first": unedited[0][0] / unedited[0][1],
            "bled into another scope": bled / fresh,
        },
    }


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it."""
    shares = ", ".join(f"{n}: {share:.0%}" for n, share in enumerate(result["by_decision"]))
    return f"approved without an edit, by decisions seen per policy: {shares}"
