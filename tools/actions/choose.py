"""Which adapter stands at which door, from the settings: the real one where it is configured, else the local one."""

from collections.abc import Sequence
from pathlib import Path

from memory.database import Database
from recon.clock import Clock
from recon.errors import BadInput
from recon.settings import Settings
from recon.words import ActionKind
from tools.actions.door import Check, Door
from tools.actions.jira import Jira
from tools.actions.outbox import Outbox
from tools.actions.recon_comment import ReconComments
from tools.actions.smtp import Smtp, parse_server
from tools.actions.tracker import Tracker
from tools.actions.webhook import Webhook


def choose_doors(
    settings: Settings,
    db: Database,
    clock: Clock,
    projects: Sequence[str] = (),
    webhooks: Sequence[tuple[str, bool]] = (),
) -> dict[ActionKind, Door]:
    """Action kind -> adapter. Connects to nothing. `projects` are the Jira projects and `webhooks` the addresses, each
    with whether it is allowed, that doctor looks at.

    Raises BadInput where a setting cannot be meant.
    """
    doors: dict[ActionKind, Door] = {}
    webhook = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    each: tuple[Door, ...] = (
        Tracker(db, clock),
        ReconComments(db, clock),
        Webhook(webhook, places=webhooks),
        _mail(settings),
        *_jira(settings, projects),
    )
    for door in each:
        doors.update(dict.fromkeys(door.kinds, door))
    return doors


def check_doors(doors: dict[ActionKind, Door]) -> list[Check]:
    """Every door's own checks, each door once, for `tieout doctor`."""
    each = {id(door): door for door in doors.values()}
    return [check for door in each.values() for check in door.check()]


def _mail(settings: Settings) -> Door:
    if settings.smtp_url is None:
        return Outbox(Path(settings.home) / "outbox", settings.mail_from)
    return Smtp(parse_server(settings.smtp_url.get_secret_value()), settings.mail_from)


def _jira(settings: Settings, projects: Sequence[str]) -> list[Door]:
    if settings.jira_url is None:
        return []
    if settings.jira_token is None:
        msg = "TIEOUT_JIRA_URL is set but TIEOUT_JIRA_TOKEN is not; set both, or neither for the local tracker"
        raise BadInput(msg)
    own = [settings.jira_project] if settings.jira_project else []
    wanted = tuple(dict.fromkeys([*own, *projects]))
    return [Jira(settings.jira_url, settings.jira_user, settings.jira_token.get_secret_value(), projects=wanted)]
