"""The outside systems as the door suite sees them: a door, what really arrived there, and how to lose an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from memory.schema import recon_comments, tickets
from recon.words import ActionKind
from tests.acting.desk import TestDesk
from tests.acting.hook_server import HookFault, HookServer
from tests.acting.jira_server.server import TOKEN, JiraServer
from tests.acting.mail_server import MailFault, MailServer
from tools.actions.door import Door
from tools.actions.jira import Jira
from tools.actions.outbox import Outbox
from tools.actions.recon_comment import ReconComments
from tools.actions.smtp import Server, Smtp
from tools.actions.tracker import Tracker
from tools.actions.webhook import Webhook


@dataclass
class Outside:
    """One outside system."""

    name: str
    door: Door
    kind: ActionKind
    payload: dict[str, Any]
    arrived: Callable[[str], int]
    """How often the work of this action id really stands there."""
    lose: Callable[[bool], None] | None = None
    """The next answer is lost, before (False) or after (True) the work; None: it has no answer to lose."""
    also: dict[str, Any] | None = None


@contextmanager
def jira_outside(mode: str, desk: TestDesk, index_lag: float = 0.0) -> Iterator[Outside]:
    with JiraServer(mode, desk.clock.monotonic, index_lag) as jira:  # type: ignore[arg-type]
        door = Jira(jira.url, jira.user, TOKEN, projects=["REC"], timeout=(2.0, 5.0))

        def lose(after: bool) -> None:
            jira.fault("POST .*/issue$", "drop", after=after)

        yield Outside(
            f"jira-{mode}",
            door,
            "jira.create",
            {},
            lambda action_id: len(jira.state.labelled(f"tieout-{action_id}")),
            lose,
            {"server": jira},
        )


@contextmanager
def smtp_outside(desk: TestDesk) -> Iterator[Outside]:
    with MailServer() as mail:
        door = Smtp(Server("127.0.0.1", mail.port, False, None, None), "tieout@bank.example", timeout=5.0)

        def lose(after: bool) -> None:
            mail.faults.append(MailFault("dot", kept=after))

        yield Outside(
            "smtp",
            door,
            "email.send",
            {},
            lambda action_id: mail.message_ids().count(f"<{action_id.lower()}@tieout>"),
            lose,
            {"server": mail},
        )


@contextmanager
def webhook_outside(desk: TestDesk) -> Iterator[Outside]:
    with HookServer() as hooks:
        door = Webhook("a-secret-of-ours", timeout=5.0, allow_loopback=True)

        def lose(after: bool) -> None:
            hooks.faults.append(HookFault("drop", after=after))

        yield Outside(
            "webhook",
            door,
            "webhook.call",
            {"url": hooks.url},
            lambda action_id: [headers["idempotency-key"] for headers, _ in hooks.kept].count(action_id),
            lose,
            {"server": hooks},
        )


@contextmanager
def outbox_outside(desk: TestDesk) -> Iterator[Outside]:
    folder = Path(desk.settings.home) / "outbox"
    yield Outside(
        "outbox",
        Outbox(folder, "tieout@bank.example"),
        "email.send",
        {},
        lambda action_id: len(list(folder.glob(f"{action_id}*.eml"))),
    )


@contextmanager
def tracker_outside(desk: TestDesk) -> Iterator[Outside]:
    yield Outside("tracker", Tracker(desk.db, desk.clock), "jira.create", {}, _counting(desk, tickets.c.action_id))


@contextmanager
def tasks_outside(desk: TestDesk) -> Iterator[Outside]:
    yield Outside("tasks", Tracker(desk.db, desk.clock), "task.create", {}, _counting(desk, tickets.c.action_id))


@contextmanager
def recon_outside(desk: TestDesk) -> Iterator[Outside]:
    count = _counting(desk, recon_comments.c.action_id)
    yield Outside("recon", ReconComments(desk.db, desk.clock), "recon.comment", {"breaks": ["B1"]}, count)


def _counting(desk: TestDesk, column: sa.Column[Any]) -> Callable[[str], int]:
    def count(action_id: str) -> int:
        with desk.db.read() as conn:
            return conn.execute(sa.select(sa.func.count()).where(column == action_id)).scalar_one()

    return count


OUTSIDES: dict[str, Callable[[TestDesk], Any]] = {
    "tracker": tracker_outside,
    "tasks": tasks_outside,
    "outbox": outbox_outside,
    "recon": recon_outside,
    "jira-cloud": lambda desk: jira_outside("cloud", desk),
    "jira-dc": lambda desk: jira_outside("dc", desk),
    "smtp": smtp_outside,
    "webhook": webhook_outside,
}
"""Every member of the family: a new door is tested by being named here."""
