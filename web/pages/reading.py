"""Pages to read: brief, hand-over, trust, rules, audit, settings, keys."""

import json
from datetime import date

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from agents.desk import Desk
from agents.lessons import lessons_of
from memory.schema import audit, cases, people, preferences
from recon.errors import BadInput
from web.api.service import _CHECKS, _checked
from web.briefing import brief_page, handover_page
from web.hub import OnDesk, Who
from web.pages.forms import Form, go_back
from web.recons import names, words_of
from web.render import page
from web.trust import cost, false_alarms, spent, unedited, verdicts

route_reading_pages = APIRouter(include_in_schema=False)


@route_reading_pages.get("/brief")
def brief(request: Request, desk: OnDesk, who: Who, recon: str = "", on: str = "") -> Response:
    """What the morning needs: what is new, what promised, what is late, what changed since yesterday."""
    return page(
        request, "brief.html", recons=names(desk.db), recon=recon, **brief_page(desk, who, recon or None, _day(on))
    )


@route_reading_pages.get("/since")
def since(request: Request, desk: OnDesk, who: Who, recon: str = "", on: str = "") -> Response:
    """The same page; kept as an address of its own for links in mails."""
    return brief(request, desk, who, recon, on)


@route_reading_pages.get("/handover")
def handover(request: Request, desk: OnDesk, who: Who, owner: str = "") -> Response:
    """What a colleague must know to take over."""
    return page(request, "handover.html", owner=owner or who.name, **handover_page(desk, owner or who.name))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        msg = f"on: {text!r} is no day; write YYYY-MM-DD"
        raise BadInput(msg) from None


@route_reading_pages.get("/trust")
def trust(request: Request, desk: OnDesk) -> Response:
    """How far Tieout is to be trusted, measured by people's decisions."""
    known = names(desk.db)
    targets = {name: words_of(desk, name).said.target_fdr for name in known}
    counted = verdicts(desk)
    buckets = sorted(counted.items(), key=lambda kv: (kv[0][0], kv[0][1], -kv[1].total))
    drafts = unedited(desk)
    used = cost(desk)
    return page(
        request,
        "trust.html",
        buckets=[(recon, words_of(desk, recon), p) for (recon, _, _), p in buckets],
        alarms=false_alarms(desk, targets),
        drafts=drafts,
        used=used,
        spent=spent(desk, used),
        price_currency=desk.settings.price_currency,
        live=desk.settings.has_live_model(),
        model=desk.settings.model,
        decided=sum(d["decided"] for d in drafts),
        kept=sum(d["as_drafted"] for d in drafts),
        tokens=sum(u["tokens_in"] + u["tokens_out"] for u in used),
    )


@route_reading_pages.get("/rules")
def rules(request: Request, desk: OnDesk) -> Response:
    """What feedback and edits taught, each to be switched off."""
    tags = desk.feedback.list(active_only=False)
    titles = _titles(desk, [t.target_id for t in tags if t.target_kind == "case"])
    query = sa.select(preferences).order_by(preferences.c.at.desc()).limit(200)
    with desk.db.read() as connection:
        learned = list(connection.execute(query))
    common = [(name, rule) for name in names(desk.db) for rule in lessons_of(desk, name).rules]
    return page(
        request,
        "rules.html",
        tags=list(reversed(tags))[:300],
        titles=titles,
        common=common,
        learned=learned,
        now=desk.clock(),
    )


def _titles(desk: Desk, ids: list[str]) -> dict[str, str]:
    query = sa.select(cases.c.id, cases.c.title).where(cases.c.id.in_(ids[-500:]))
    with desk.db.read() as connection:
        return {row.id: row.title for row in connection.execute(query)}


@route_reading_pages.post("/rules/{rule_id}")
def switch_rule(desk: OnDesk, who: Who, rule_id: str, form: Form) -> Response:
    """Switches a learned rule off, or on again."""
    on = form.get("do") == "on"
    with desk.db.begin() as connection:
        if rule_id.startswith("F"):
            if on:
                msg = "A tag that was taken back stays taken back; tag the case again."
                raise BadInput(msg)
            desk.feedback.undo(rule_id, connection=connection)
        else:
            connection.execute(sa.update(preferences).where(preferences.c.id == rule_id).values(active=on))
        desk.audit.append(connection, who.name, "rule.switched", rule_id[:80], {"active": on})
    return go_back("/rules", "Switched on." if on else "Switched off; it teaches nothing any more.")


@route_reading_pages.get("/audit")
def audit_page(request: Request, desk: OnDesk, target: str = "", after: str = "", check: str = "") -> Response:
    """Who did what, when, on which bytes; newest first."""
    query = sa.select(audit).order_by(audit.c.n.desc()).limit(101)
    if target:
        query = query.where(audit.c.target == target[:80])
    if after.isascii() and after.isdigit() and len(after) < 16:
        query = query.where(audit.c.n < int(after))
    with desk.db.read() as connection:
        rows = list(connection.execute(query))
    found = desk.audit.verify(desk.settings.home / "audit") if check else None
    return page(request, "audit.html", rows=rows[:100], more=len(rows) > 100, target=target, verdict=found,
        audit_said=audit_said,
    )  # fmt: skip


_SAID = ("sentence", "note", "reason", "verdict", "remedy", "kind", "detail", "model")


def audit_said(body: str) -> str:
    """What a row says to a person: the words in its body; the body itself stays a click away."""
    try:
        kept = json.loads(body)
    except ValueError:
        return body[:200]
    if not isinstance(kept, dict):
        return body[:200]
    words = [str(kept[name]) for name in _SAID if isinstance(kept.get(name), str) and kept[name]]
    return " \u2013 ".join(dict.fromkeys(words))[:240]


@route_reading_pages.get("/settings")
def settings_page(request: Request, desk: OnDesk, who: Who) -> Response:
    """What is configured, what is missing, and whether each part answers. Never a secret."""
    said = desk.settings
    with desk.db.read() as connection:
        known = list(connection.execute(sa.select(people).order_by(people.c.name)))
    facts = [
        ("Workspace", str(said.home), "TIEOUT_HOME"),
        (
            "Database",
            "SQLite in the workspace" if said.database_url is None else "as configured",
            "TIEOUT_DATABASE_URL",
        ),
        (
            "Model",
            said.model if said.has_live_model() else "offline: no key, no network, the same numbers",
            "OPENAI_API_KEY",
        ),
        ("Jira", said.jira_url or "the local tracker", "TIEOUT_JIRA_URL"),
        ("Mail", "SMTP" if said.smtp_url else f"files in {said.home / 'outbox'}", "TIEOUT_SMTP_URL"),
        ("Resolutions", said.chroma_url or "embedded", "TIEOUT_CHROMA_URL"),
        ("Sign-in", said.auth, "TIEOUT_AUTH"),
        ("Largest upload", f"{said.upload_mb:,} MB", "TIEOUT_UPLOAD_MB"),
    ]
    checks = {name: _checked(check, desk) for name, check in _CHECKS.items()}
    recons = [(name, words_of(desk, name)) for name in names(desk.db)]
    return page(
        request, "settings.html", facts=facts, checks=checks, recons=recons, people=known, doors=desk.ledger.doors(),
        counts=desk.ledger.counts(),
    )  # fmt: skip


@route_reading_pages.get("/keys")
def keys(request: Request) -> Response:
    """Every key and what it does."""
    return page(request, "keys.html")
