"""Who may use which route: one table. A route without a line here is refused, and fails a test."""

from typing import Final, Literal

from recon.words import Role

Least = Role | Literal["anyone"]

RANK: Final[dict[str, int]] = {"anyone": 0, "viewer": 1, "operator": 2, "approver": 3, "admin": 4}

RULES: Final[dict[tuple[str, str], Least]] = {
    # open to anyone
    ("GET", "/"): "anyone",  # a sign-in page when signed out
    ("GET", "/enter"): "anyone",
    ("POST", "/sign-in"): "anyone",
    ("GET", "/healthz"): "anyone",
    ("GET", "/readyz"): "anyone",
    ("GET", "/openapi.json"): "anyone",
    ("GET", "/docs"): "anyone",
    ("GET", "/static/{path:path}"): "anyone",
    # the API: to read
    ("GET", "/metrics"): "viewer",
    ("GET", "/api/v1/me"): "viewer",
    ("GET", "/api/v1/runs"): "viewer",
    ("GET", "/api/v1/runs/{run_id}"): "viewer",
    ("GET", "/api/v1/runs/{run_id}/events"): "viewer",
    ("GET", "/api/v1/cases"): "viewer",
    ("GET", "/api/v1/cases/{case_id}"): "viewer",
    ("GET", "/api/v1/cases/{case_id}/series"): "viewer",
    ("GET", "/api/v1/cases/{case_id}/breaks"): "viewer",
    ("GET", "/api/v1/cases/{case_id}/events"): "viewer",
    ("GET", "/api/v1/cases/{case_id}/chat"): "viewer",
    ("GET", "/api/v1/recons"): "viewer",
    ("GET", "/api/v1/recons/{name}"): "viewer",
    ("GET", "/api/v1/actions"): "viewer",
    ("GET", "/api/v1/actions/{action_id}"): "viewer",
    ("GET", "/api/v1/actions/{action_id}/dry-run"): "viewer",
    ("GET", "/api/v1/doors"): "viewer",
    ("GET", "/api/v1/resolutions"): "viewer",
    ("GET", "/api/v1/audit"): "viewer",
    ("GET", "/api/v1/brief"): "viewer",
    # the API: to work
    ("POST", "/api/v1/runs"): "operator",
    ("POST", "/api/v1/runs/{run_id}/cancel"): "operator",
    ("POST", "/api/v1/breaks"): "operator",
    ("PATCH", "/api/v1/cases/{case_id}"): "operator",
    ("POST", "/api/v1/cases/bulk"): "operator",
    ("POST", "/api/v1/cases/{case_id}/chat"): "operator",
    ("DELETE", "/api/v1/cases/{case_id}/chat/{chat_id}"): "operator",
    ("POST", "/api/v1/cases/{case_id}/feedback"): "operator",
    ("POST", "/api/v1/breaks/{break_id}/feedback"): "operator",
    ("GET", "/api/v1/breaks/worth-a-look"): "viewer",
    ("POST", "/api/v1/undo/{undo_id}"): "operator",
    ("POST", "/api/v1/actions/{action_id}/decision"): "operator",  # approving asks for more: see the ledger
    ("POST", "/api/v1/actions/{action_id}/outcome"): "operator",  # sending again asks for more: see the ledger
    ("POST", "/api/v1/doors/{name}/open"): "operator",
    ("POST", "/api/v1/resolutions"): "operator",
    # the API: to administer
    ("PUT", "/api/v1/recons/{name}"): "admin",
    ("GET", "/api/v1/tokens"): "admin",
    ("POST", "/api/v1/tokens"): "admin",
    ("DELETE", "/api/v1/tokens/{token_id}"): "admin",
    # the workbench: to read
    ("GET", "/cases/{case_id}"): "viewer",
    ("GET", "/cases/{case_id}/sides.svg"): "viewer",
    ("GET", "/cases/{case_id}/feedback"): "operator",
    ("GET", "/brief"): "viewer",
    ("GET", "/handover"): "viewer",
    ("GET", "/since"): "viewer",
    ("GET", "/trust"): "viewer",
    ("GET", "/runs"): "viewer",
    ("GET", "/runs/{run_id}"): "viewer",
    ("GET", "/rules"): "viewer",
    ("GET", "/audit"): "viewer",
    ("GET", "/settings"): "viewer",
    ("GET", "/excel"): "viewer",
    ("GET", "/keys"): "viewer",
    ("GET", "/export.csv"): "viewer",
    ("GET", "/export.xlsx"): "viewer",
    ("GET", "/news"): "viewer",
    ("POST", "/sign-out"): "viewer",
    # the workbench: to work
    ("POST", "/cases/{case_id}/change"): "operator",
    ("POST", "/cases/{case_id}/feedback"): "operator",
    ("POST", "/cases/{case_id}/ask"): "operator",
    ("POST", "/bulk"): "operator",
    ("POST", "/bulk/apply"): "operator",
    ("POST", "/actions/{action_id}/decision"): "operator",
    ("PUT", "/actions/{action_id}/autosave"): "operator",
    ("POST", "/undo/{undo_id}"): "operator",
    ("POST", "/runs"): "operator",
    ("POST", "/runs/{run_id}/cancel"): "operator",
    ("POST", "/runs/{run_id}/remedy"): "operator",
    ("POST", "/rules/{rule_id}"): "operator",
    ("POST", "/views"): "operator",
    ("POST", "/excel"): "operator",
}


def may(role: str | None, least: Least) -> bool:
    """Whether a role (None: nobody signed in) reaches the least one asked for."""
    return RANK[role or "anyone"] >= RANK[least]
