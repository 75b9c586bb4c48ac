"""What a reconciliation allows to leave, and when a second person must look: the rules of its recon file."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from recon.errors import BadInput
from recon.recon_file import ReconFile
from recon.words import ActionKind


class NotAllowedHere(BadInput):
    """The destination is outside what the recon file allows; nothing was stored."""


@dataclass(frozen=True)
class Policy:
    """The limits under which an action was drafted. They are stored with it: what counts is what held then."""

    email_domains: tuple[str, ...] = ()
    """Lower case. A recipient elsewhere is possible, but needs two persons."""
    jira_projects: tuple[str, ...] = ()
    """No ticket is made or touched in any other."""
    webhooks: tuple[str, ...] = ()
    """Full addresses; one that ends in `/` allows what lies under it."""
    four_eyes_over: Decimal | None = None
    """In the materiality currency; None: no limit."""
    undo_seconds: int = 10
    expires_days: int = 30

    def to_json(self) -> dict[str, Any]:
        """The form in which it is stored with an action."""
        over = self.four_eyes_over
        return {
            "email_domains": list(self.email_domains),
            "jira_projects": list(self.jira_projects),
            "webhooks": list(self.webhooks),
            "four_eyes_over": None if over is None else format(over, "f"),
            "undo_seconds": self.undo_seconds,
            "expires_days": self.expires_days,
        }


def policy_from_json(stored: Mapping[str, Any]) -> Policy:
    """The policy that `to_json` stored."""
    over = stored["four_eyes_over"]
    return Policy(
        email_domains=tuple(stored["email_domains"]),
        jira_projects=tuple(stored["jira_projects"]),
        webhooks=tuple(stored["webhooks"]),
        four_eyes_over=None if over is None else Decimal(over),
        undo_seconds=stored["undo_seconds"],
        expires_days=stored["expires_days"],
    )


def policy_of(said: ReconFile, *, jira_project: str | None = None) -> Policy:
    """A recon file's policy. Where it names no domains or projects, those of its own routing are the allowed ones.

    `jira_project` is the workspace's default project (TIEOUT_JIRA_PROJECT); webhooks are never implied.
    """
    addresses = [a for r in said.routing if r.email for a in (*r.email.to, *r.email.cc)]
    if said.sla.escalate_to:
        addresses.append(said.sla.escalate_to)
    routed = [r.jira.project for r in said.routing if r.jira]
    default = [jira_project] if jira_project else []
    projects = list(said.allow.jira_projects) or [*routed, *default]
    return Policy(
        email_domains=_sorted(said.allow.email_domains or [domain_of(a) for a in addresses]),
        jira_projects=tuple(sorted(set(projects))),
        webhooks=tuple(sorted(set(said.allow.webhooks))),
        four_eyes_over=said.approval.four_eyes_over,
        undo_seconds=said.approval.undo_seconds,
        expires_days=said.approval.expires_days,
    )


def _sorted(domains: list[str]) -> tuple[str, ...]:
    return tuple(sorted({domain.lower() for domain in domains}))


def domain_of(address: str) -> str:
    """The part after the last `@`, lower case."""
    return address.rpartition("@")[2].lower()


def refuse_destination(policy: Policy, kind: ActionKind, payload: Mapping[str, Any]) -> None:
    """Raises NotAllowedHere where the payload goes somewhere that no number of approvals can allow."""
    match kind:
        case "jira.create":
            _refuse_project(policy, payload["project"])
        case "jira.comment" | "jira.transition":
            _refuse_project(policy, payload["ticket"].rpartition("-")[0])
        case "webhook.call":
            if not any(covers(entry, payload["url"]) for entry in policy.webhooks):
                msg = f"{payload['url']} is not in allow.webhooks of the recon file; add it there first"
                raise NotAllowedHere(msg)
        case _:
            return


def _refuse_project(policy: Policy, project: str) -> None:
    if project not in policy.jira_projects:
        allowed = ", ".join(policy.jira_projects) or "none"
        msg = (
            f"project {project} is not allowed here (allowed: {allowed}); "
            "add it to allow.jira_projects of the recon file"
        )
        raise NotAllowedHere(msg)


def covers(entry: str, url: str) -> bool:
    """Whether an entry of allow.webhooks lets this address be called.

    >>> covers("https://api.bank.example/hooks/", "https://api.bank.example/hooks/rec")
    True
    >>> covers("https://api.bank.example/hooks/", "https://api.bank.example/hooks/../admin")
    False
    >>> covers("https://api.bank.example/", "https://api.bank.example@evil.example/")
    False
    """
    if entry == url:
        return True
    allowed, asked = urlsplit(entry), urlsplit(url)
    if "@" in asked.netloc or "\\" in url or ".." in asked.path or "%" in asked.path:
        return False
    same = (allowed.scheme, allowed.netloc.lower()) == (asked.scheme, asked.netloc.lower())
    return same and entry.endswith("/") and asked.path.startswith(allowed.path)


def four_eyes_reasons(policy: Policy, kind: ActionKind, payload: Mapping[str, Any], amount: Decimal) -> tuple[str, ...]:
    """Why two persons must look at it, a sentence each; empty when one is enough."""
    reasons = []
    if policy.four_eyes_over is not None and abs(amount) > policy.four_eyes_over:
        reasons.append(f"{abs(amount):,.2f} is over the limit of {policy.four_eyes_over:,f} for one person.")
    if kind == "email.send":
        outside = [
            address for address in (*payload["to"], *payload["cc"]) if domain_of(address) not in policy.email_domains
        ]
        if outside:
            reasons.append(f"{', '.join(outside)} is outside the allowed mail domains.")
    return tuple(reasons)
