"""What is already under way for a case: open tickets of its scope, drafts, decisions and promises."""

import sqlalchemy as sa

from memory.schema import promises, ticket_comments, tickets
from recon.case import Evidence
from recon.ids import scope_key
from recon.text import quoted
from tools.bench import Bench


def open_tickets(bench: Bench, first: int) -> tuple[Evidence, ...]:
    """Tickets that cover the case's scope, with their state and last comment; quoted, never obeyed."""
    case = bench.case
    key = scope_key(case.recon, case.cause, [(p.column, p.value) for p in case.scope])
    links = {link.ticket: link for link in (*bench.ledger.links(scope_key=key), *bench.ledger.links(case_id=case.id))}
    out: list[Evidence] = []
    for link in links.values():
        last = _last_reply(bench, link.ticket) or _last_comment(bench, link.ticket)
        said = f"; its last comment: {quoted(last)}" if last else ""
        statement = f"Ticket {link.ticket} covers this scope and is {link.state}{said}"
        values = {
            "ticket": link.ticket,
            "state": link.state,
            "since": link.created_at.date().isoformat(),
            "quoted": last,
        }
        out.append(Evidence(f"E{first + len(out)}", "ticket", statement, values))
    if not out:
        out.append(
            Evidence(f"E{first}", "ticket", "No ticket covers this scope; the ledger was searched", {"count": 0})
        )
    return tuple(out)


def _last_reply(bench: Bench, ticket: str) -> str:
    """What somebody answered last on the ticket, from the case's time line."""
    said = [e.body for e in bench.cases.events(bench.case.id) if e.kind == "reply" and e.body.get("where") == ticket]
    return str(said[-1].get("note") or "") if said else ""


def _last_comment(bench: Bench, ticket: str) -> str:
    query = (
        sa.select(ticket_comments.c.body)
        .where(ticket_comments.c.ticket == ticket)
        .order_by(sa.desc(ticket_comments.c.created_at))
        .limit(1)
    )
    with bench.db.read() as connection:
        known = connection.execute(sa.select(tickets.c.key).where(tickets.c.key == ticket)).first()
        found = connection.execute(query).scalar() if known is not None else None
    return " ".join(str(found).split())[:200] if found else ""


def show_drafts(bench: Bench, first: int) -> tuple[Evidence, ...]:
    """The case's drafts and how far each has come."""
    out: list[Evidence] = []
    for a in bench.ledger.list(case_id=bench.case.id):
        if a.state in ("superseded", "expired"):
            continue
        receipt = (a.receipt or {}).get("reference", "")
        done = f" as {receipt}" if receipt else ""
        to = a.payload.get("project") or a.payload.get("ticket") or ", ".join(a.payload.get("to") or []) or a.recon
        statement = f"Draft {a.id}: {a.kind} to {to} is {a.state}{done}"
        values = {"action_id": a.id, "action_kind": a.kind, "state": a.state, "to": str(to), "reference": receipt}
        out.append(Evidence(f"E{first + len(out)}", "action", statement, values))
    if not out:
        out.append(Evidence(f"E{first}", "action", "Nothing is drafted for this case", {"count": 0}))
    return tuple(out)


def what_happened(bench: Bench, first: int, *, limit: int = 8) -> tuple[Evidence, ...]:
    """Who did what with the case, newest last."""
    out: list[Evidence] = []
    for event in bench.cases.events(bench.case.id)[-limit:]:
        day = event.at.date().isoformat()
        note = str(event.body.get("note") or event.body.get("title") or event.body.get("state") or "")
        said = f": {quoted(note)}" if note else ""
        who = quoted(event.who) if event.kind == "reply" else event.who
        statement = f"On {day} {who}: {event.kind}{said}"
        out.append(
            Evidence(
                f"E{first + len(out)}",
                "event",
                statement,
                {"date": day, "who": event.who, "did": event.kind, "note": note},
            )
        )
    for decision in [d for a in bench.ledger.list(case_id=bench.case.id) for d in bench.ledger.decisions(a.id)][
        -limit:
    ]:
        day = decision.at.date().isoformat()
        said = f": {quoted(decision.note)}" if decision.note else ""
        statement = f"On {day} {decision.who} decided {decision.kind} on {decision.action_id}{said}"
        values = {
            "date": day,
            "who": decision.who,
            "did": decision.kind,
            "action_id": decision.action_id,
            "note": decision.note,
        }
        out.append(Evidence(f"E{first + len(out)}", "event", statement, values))
    if not out:
        out.append(Evidence(f"E{first}", "event", "Nothing has been done with this case yet", {"count": 0}))
    return tuple(out)


def show_promises(bench: Bench, first: int) -> tuple[Evidence, ...]:
    """What comments promised about these breaks, and whether it was kept."""
    items = {b.item_id for b in bench.breaks}
    query = sa.select(promises).where(
        sa.or_(promises.c.case_id == bench.case.id, promises.c.item_id.in_(sorted(items)[:500]))
    )
    with bench.db.read() as connection:
        rows = connection.execute(query.order_by(promises.c.due_on)).all()
    out: list[Evidence] = []
    for row in rows:
        due = f", due on {row.due_on.isoformat()}" if row.due_on else ""
        statement = f"A promise is {row.state}{due}: {quoted(row.text)}"
        values = {
            "state": row.state,
            "due": row.due_on.isoformat() if row.due_on else None,
            "made": row.made_on.isoformat() if row.made_on else None,
            "text": row.text,
        }
        out.append(Evidence(f"E{first + len(out)}", "promise", statement, values))
    if not out:
        out.append(
            Evidence(f"E{first}", "promise", "No promise was made about these breaks in any comment", {"count": 0})
        )
    return tuple(out)
