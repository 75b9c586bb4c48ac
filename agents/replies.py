"""What people answered to our tickets and mails, kept word for word on the case's time line: data, never an order.

Nothing here decides, drafts or changes a state. A reply is shown as quoted text and is read by a model, if at all,
as the quotation that it is.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from agents.desk import Desk
from memory.action_lists import TicketLink
from memory.schema import case_events, cases
from recon.errors import TieoutError
from tools.actions.door import Listening, Reply
from tools.inbox import replies_in

log = logging.getLogger(__name__)

KIND: Final = "reply"
TEXT: Final = 4000
"""Characters of a reply that are kept; who wants the rest opens the ticket or the mail."""
AT_ONCE: Final = 20
"""Tickets that one look asks for."""


def hear(desk: Desk) -> list[str]:
    """Fetches what is new on open tickets and in the inbox folder; one line for each case that heard something."""
    told = []
    for case_id, fresh in [*_from_tickets(desk), *_from_mail(desk)]:
        kept = keep(desk, case_id, fresh)
        if kept:
            noun = "reply" if kept == 1 else "replies"
            told.append(f"{case_id}: {kept} new {noun}")
    return told


def keep(desk: Desk, case_id: str, replies: Sequence[Reply]) -> int:
    """Puts those that are not yet known on the case's time line, once whoever reads them; how many those were."""
    if not replies:
        return 0
    with desk.db.begin() as connection:
        # Two servers may read the same ticket: the case's row is held, so that one of them sees the other's lines.
        connection.execute(sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update())
        query = sa.select(case_events.c.body).where(case_events.c.case_id == case_id, case_events.c.kind == KIND)
        known = {body.get("id") for body in connection.execute(query).scalars()}
        fresh = [r for r in replies if r.id not in known]
        for r in fresh:
            body = {
                "id": r.id,
                "where": r.where,
                "said_at": r.said_at,
                "note": r.text if len(r.text) <= TEXT else f"{r.text[: TEXT - 1]}…",
            }
            # The place stands before the name: nobody can call themselves one of us.
            who = f"{r.where}: {' '.join(r.who.split())}"[:200]
            desk.cases.add_event(case_id, who, KIND, body, connection=connection)
    return len(fresh)


def _from_tickets(desk: Desk) -> Iterator[tuple[str, list[Reply]]]:
    door = desk.doors.get("jira.comment")
    if door is None or not isinstance(door, Listening):
        return
    links = [link for link in desk.ledger.links() if link.state == "open" and link.door == door.name]
    for link in _in_turn(links, desk.clock()):
        try:
            yield link.case_id, door.replies(link.ticket)
        except TieoutError as no:
            log.warning("the comments of %s could not be read: %s", link.ticket, no)


def _in_turn(links: Sequence[TicketLink], now: datetime) -> list[TicketLink]:
    """The tickets whose turn it is at this minute: Jira limits how often it may be asked."""
    if len(links) <= AT_ONCE:
        return list(links)
    start = int(now.timestamp() // 60) * AT_ONCE % len(links)
    return [links[(start + n) % len(links)] for n in range(AT_ONCE)]


def _from_mail(desk: Desk) -> Iterator[tuple[str, list[Reply]]]:
    """Mails that a mail rule saves as `.eml` into the workspace's inbox folder; each is set aside once it is kept."""
    box = Path(desk.settings.home) / "inbox"
    if not any(box.glob("*.eml")):
        return
    sent = {a.payload.get("message_id"): a.case_id for a in desk.ledger.list(kind="email.send", limit=100_000)}
    for path, answers, reply in replies_in(box):
        case_id = next((sent[message_id] for message_id in answers if message_id in sent), None)
        if case_id is None:
            log.warning("a mail in the inbox folder answers none of ours; it is set aside as %s.unknown", path.name)
            path.rename(path.with_name(f"{path.name}.unknown"))
            continue
        yield case_id, [reply]
        path.rename(path.with_name(f"{path.name}.read"))
