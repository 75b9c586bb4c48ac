"""Where a case's drafts may go: decided by the recon file, the settings and open tickets, never by a model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agents.brief import Known
from memory.policy import Policy, policy_of
from recon.case import Case
from recon.ids import scope_key
from recon.recon_file import EmailRoute, JiraRoute, ReconFile, Route
from recon.settings import Settings

LOCAL_PROJECT = "REC"
"""The project of tickets in the local tracker, when nobody named one."""

_PRIORITY: Mapping[str, str] = {"high": "High", "medium": "Medium", "low": "Low"}


@dataclass(frozen=True)
class Destinations:
    """What may be drafted for a case; None where there is no valid destination."""

    jira: JiraRoute | None
    email: EmailRoute | None
    webhook: str | None
    scope_key: str
    policy: Policy


def facts_of(case: Case) -> dict[str, str]:
    """What a route's `when` may name: the case's words, then its scope and shared key."""
    return {
        **dict(case.key),
        **{part.column: part.value for part in case.scope},
        "recon": case.recon,
        "cause": case.cause,
        "pattern": case.pattern,
        "severity": case.severity,
        "kind": case.kind,
        "currency": case.currency,
        "pair": case.pair,
        "side": case.suspect_side,
    }


def route_of(said: ReconFile, facts: Mapping[str, str]) -> Route | None:
    """The first route of which every condition holds."""
    by_name = {name.casefold(): value for name, value in facts.items()}
    return next((route for route in said.routing if _holds(route.when, by_name)), None)


def _holds(when: Mapping[str, str | list[str]], facts: Mapping[str, str]) -> bool:
    for name, wanted in when.items():
        options = [wanted] if isinstance(wanted, str) else wanted
        value = facts.get(name.casefold())
        if value is None or value.casefold() not in {option.casefold() for option in options}:
            return False
    return True


def default_project(settings: Settings) -> str | None:
    """The workspace's own project; the local tracker always has one."""
    if settings.jira_project:
        return settings.jira_project
    return None if settings.jira_url else LOCAL_PROJECT


def destinations(known: Known, settings: Settings) -> Destinations:
    """The valid destinations of a case under its recon file."""
    case, said = known.case, known.said
    project = default_project(settings)
    policy = policy_of(said, jira_project=project)
    route = route_of(said, facts_of(case))
    key = scope_key(case.recon, case.cause, [(part.column, part.value) for part in case.scope])
    jira = route.jira if route and route.jira else None
    if jira is None and project:
        jira = JiraRoute(project=project, priority=_PRIORITY[case.severity])
    if jira is not None and jira.project not in policy.jira_projects:
        jira = None
    email = route.email if route and route.email and route.email.to else None
    url = route.webhook.url if route and route.webhook and _allowed(route.webhook.url, policy.webhooks) else None
    return Destinations(jira, email, url, key, policy)


def _allowed(url: str, entries: Iterable[str]) -> bool:
    return any(url == entry or (entry.endswith("/") and url.startswith(entry)) for entry in entries)
