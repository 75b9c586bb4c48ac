"""The queue from the terminal: cases, one case, a conversation, tags, the Excel round trip, the brief."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web import terminal
from web.commands.here import (
    CaseId,
    Context,
    Json,
    Note,
    desk_of,
    known,
    me,
)
from web.terminal import day_of, one_of, print_json, say

if TYPE_CHECKING:
    from agents.desk import Desk

commands = typer.Typer()


@commands.command()
def cases(
    ctx: Context,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="open (all still to be worked), resolved, ...; may be repeated.")
    ] = None,
    recon: Annotated[str | None, typer.Option("--recon", help="Only of this reconciliation.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="A name; - means nobody.")] = None,
    q: Annotated[str | None, typer.Option("--q", help="Words to look for.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
    worth: Annotated[
        str | None,
        typer.Option("--worth-a-look", metavar="RECON", help="Unflagged breaks of it whose tags would teach most."),
    ] = None,
    json_out: Json = False,
) -> None:
    """The queue: what matters most first."""
    from typing import get_args

    if worth:
        _worth_a_look(known(ctx, worth), worth, min(limit, 10), json_out)
        return

    from memory.case_query import CaseQuery
    from recon.words import CaseState

    for word in state or ():
        one_of("--state", word, get_args(CaseState))
    desk = known(ctx, recon)
    page = desk.cases.page(CaseQuery(state=tuple(state or ()), recon=recon, owner=owner, q=q, limit=limit))
    if json_out:
        print_json([_case_json(desk, r.case.id) for r in page.records])
    else:
        terminal.queue_table(page.records)


def _worth_a_look(desk: "Desk", recon: str, count: int, json_out: bool) -> None:
    from web.worth import SAID, worth_a_look, worth_json

    rows = worth_a_look(desk, recon, count)
    if json_out:
        print_json([worth_json(row) for row in rows])
        return
    if rows:
        say(f"{SAID} `tieout feedback BREAK missed` or `false_positive` tags one.")
    terminal.worth_table(rows)


def _case_json(desk: "Desk", case_id: str) -> dict[str, object]:
    actions = desk.ledger.list(case_id=case_id)
    return desk.cases.get(case_id).to_json(tuple(a.id for a in actions))


@commands.command()
def show(
    ctx: Context,
    case: CaseId,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was known and said on that day, YYYY-MM-DD.")
    ] = None,
    json_out: Json = False,
) -> None:
    """One case: what is known, what is proposed, what was decided."""
    day = day_of("--as-of", as_of)
    desk = desk_of(ctx)
    if day is not None:
        from memory.replay import replay

        found = replay(desk.db, case, day)
        print_json(found.to_json()) if json_out else say(found.text())
        return
    record = desk.cases.record(case)
    if json_out:
        print_json(_case_json(desk, case))
    else:
        from web.drafts import tracker_of

        say(terminal.case_text(record, desk.ledger.list(case_id=case), tracker_of(desk)))


@commands.command()
def chat(
    ctx: Context,
    case: CaseId,
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    json_out: Json = False,
) -> None:
    """Ask about a case."""
    desk = desk_of(ctx)
    desk.cases.get(case)
    if question is not None:
        _answer(desk, case, question, json_out)
        return
    say("Ask away; an empty line ends it.")
    for line in terminal.lines():
        _answer(desk, case, line, json_out)


def _answer(desk: "Desk", case: str, question: str, json_out: bool) -> None:
    from agents.assistant import ask
    from agents.graph import in_own_loop

    heard = in_own_loop(terminal.listen(ask(desk, case, question, me().name), aloud=not json_out))
    if json_out:
        print_json(heard)


@commands.command()
def feedback(
    ctx: Context,
    target: Annotated[str, typer.Argument(help="A case's or a break's id.")],
    verdict: Annotated[str, typer.Argument(help="true, false_positive, missed or corrected.")],
    note: Note = "",
    pattern: Annotated[str | None, typer.Option("--pattern", help="The right pattern.")] = None,
    cause: Annotated[str | None, typer.Option("--cause", help="The right cause.")] = None,
    wide: Annotated[bool, typer.Option("--wide", help="It speaks for the case's whole scope.")] = False,
    days: Annotated[int | None, typer.Option("--days", help="After how many days it is forgotten.", min=1)] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Say what it would change, and save nothing.")] = False,
    json_out: Json = False,
) -> None:
    """Tag a case or a break; `feedback TAG undo` takes a tag back."""
    from web.blast import blast_radius
    from web.deeds import undo
    from web.tags import Said, give_feedback, tag_of

    desk = desk_of(ctx)
    if verdict == "undo":
        say(undo(desk, me(), desk.feedback.get(target).id).sentence)
        return
    break_id = target if target.startswith("B") else None
    case = desk.cases.get(desk.cases.find_break(target)[0] if break_id else target)
    tag = tag_of(desk, case, Said(verdict, note, pattern, cause, wide, days, break_id))
    radius = blast_radius(desk, case, tag)
    saved = None if preview else give_feedback(desk, me(), tag, case.id)
    if json_out:
        print_json({"saved": saved is not None, "id": saved.id if saved else None, "would_change": radius.to_json()})
        return
    say(radius.sentence)
    say("Nothing is saved." if saved is None else f"Saved as {saved.id}; it counts from the next run on.")


@commands.command()
def export(
    ctx: Context,
    file_format: Annotated[str, typer.Option("--format", help="xlsx or csv.")] = "xlsx",
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("queue.xlsx"),
) -> None:
    """Write the queue to a file, with drop-downs for what may be edited."""
    from web.excel import export_queue

    one_of("--format", file_format, ("xlsx", "csv"))
    path = out if out.suffix == f".{file_format}" else out.with_suffix(f".{file_format}")
    terminal.writable_file("--out", path)
    count = export_queue(desk_of(ctx), path)
    say(f"{count} case(s) in {path}")


@commands.command("import")
def import_(
    ctx: Context,
    file: Annotated[Path, typer.Argument(help="An exported queue, edited.")],
    apply: Annotated[bool, typer.Option("--apply", help="Save the changes; without it they are only shown.")] = False,
    json_out: Json = False,
) -> None:
    """Read an edited queue back: first the differences and conflicts, then, with --apply, the changes."""
    from web.edits import import_queue

    found = import_queue(desk_of(ctx), file, apply=apply, by=me())
    print_json(found.to_json()) if json_out else say(found.text())


@commands.command()
def brief(
    ctx: Context,
    recon: Annotated[str | None, typer.Option("--recon", help="Only of this reconciliation.")] = None,
    json_out: Json = False,
) -> None:
    """The morning brief: ten lines."""
    from memory.brief import brief as morning

    desk = known(ctx, recon)
    found = morning(desk.db, recon, desk.clock().date())
    print_json(found.to_json()) if json_out else say(found.markdown())
