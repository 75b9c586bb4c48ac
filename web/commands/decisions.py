"""Decisions from the terminal, under the same rules as the web: on drafts, and on what came to no clear end."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web import terminal
from web.commands.here import (
    ActionId,
    Context,
    HashSeen,
    Json,
    Note,
    desk_of,
    me,
)
from web.terminal import print_json, say

if TYPE_CHECKING:
    from agents.desk import Desk
    from memory.action import Outcome

commands = typer.Typer()


@commands.command()
def actions(
    ctx: Context,
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for a decision.")] = False,
    case: Annotated[str | None, typer.Option("--case", help="Only of this case.")] = None,
    json_out: Json = False,
) -> None:
    """The drafted actions and how far each has come."""
    from memory.verdicts import possible

    desk = desk_of(ctx)
    if case is not None:
        desk.cases.get(case)
    found = desk.ledger.list(state="pending" if pending else None, case_id=case, limit=1000)
    if json_out:
        print_json([a.to_json() | {"possible": list(possible(a))} for a in found])
    else:
        terminal.actions_table(found)
        for shut in desk.ledger.doors():
            say(f"{shut.name} is shut: {shut.sentence} `tieout doors --open {shut.name}` tries it again at once.")


@commands.command()
def approve(
    ctx: Context,
    action: ActionId,
    wait: Annotated[bool, typer.Option("--wait", help="Count the undo down, execute, and print the receipt.")] = False,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Approve an action, on exactly the bytes that it holds now."""
    desk = desk_of(ctx)
    outcome = _decide(desk, action, "approve", seen, note)
    if not wait:
        _tell(desk, outcome, json_out)
        return
    from agents.working import see_through

    after = see_through(desk, action, terminal.countdown)
    _tell(desk, outcome, json_out)
    if not json_out:
        say(terminal.receipt(after))


@commands.command()
def edit(
    ctx: Context,
    action: ActionId,
    payload: Annotated[
        Path | None, typer.Option("--payload", help="The new payload as a JSON file; else your editor opens.")
    ] = None,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Change a draft; it then waits for approval under a new hash."""
    desk = desk_of(ctx)
    changed = terminal.edited(desk.ledger.get(action), payload)
    _tell(desk, _decide(desk, action, "edit", seen, note, changed), json_out)


@commands.command()
def reject(ctx: Context, action: ActionId, seen: HashSeen = None, note: Note = "", json_out: Json = False) -> None:
    """Reject an action: it never leaves."""
    desk = desk_of(ctx)
    _tell(desk, _decide(desk, action, "reject", seen, note), json_out)


@commands.command()
def respond(
    ctx: Context,
    action: ActionId,
    words: Annotated[str, typer.Argument(help="What should be different; the planner drafts again.")],
    seen: HashSeen = None,
    json_out: Json = False,
) -> None:
    """Answer a draft in words; the planner drafts again."""
    desk = desk_of(ctx)
    _tell(desk, _decide(desk, action, "respond", seen, words), json_out)


@commands.command()
def found(
    ctx: Context,
    action: ActionId,
    reference: Annotated[str, typer.Argument(help="Where you found it: the ticket key, the Message-ID.")],
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Say that an action whose answer was lost did arrive: it is done."""
    desk = desk_of(ctx)
    _tell(desk, desk.ledger.found(action, me(), reference, note), json_out)


@commands.command()
def again(ctx: Context, action: ActionId, note: Note = "", json_out: Json = False) -> None:
    """Send a failed or uncertain action once more: the same bytes, at the end of the queue."""
    desk = desk_of(ctx)
    _tell(desk, desk.ledger.send_again(action, me(), note), json_out)


@commands.command("give-up")
def give_up(ctx: Context, action: ActionId, note: Note = "", json_out: Json = False) -> None:
    """Leave a failed or uncertain action as it is; nothing is sent any more."""
    desk = desk_of(ctx)
    _tell(desk, desk.ledger.give_up(action, me(), note), json_out)


@commands.command()
def undo(
    ctx: Context,
    what: Annotated[str, typer.Argument(help="An approved action that has not left, a deed (ev-12) or a tag.")],
) -> None:
    """Take an approval, a deed on a case or a tag back."""
    from web.deeds import undo as take_back

    say(take_back(desk_of(ctx), me(), what).sentence)


@commands.command()
def doors(
    ctx: Context,
    open_: Annotated[str | None, typer.Option("--open", help="Try this shut door again at once.")] = None,
    json_out: Json = False,
) -> None:
    """The ways out (Jira, mail, ...): which is shut, why, and what waits behind it."""
    from web.doorways import doorways, open_door

    desk = desk_of(ctx)
    if open_ is not None:
        say(open_door(desk, me(), open_))
        return
    each = doorways(desk)
    if json_out:
        print_json([asdict(one) for one in each])
    else:
        terminal.doors_table(each)


def _decide(
    desk: "Desk", action_id: str, kind: str, seen: str | None, note: str, changed: dict[str, object] | None = None
) -> "Outcome":
    """Stores the decision under the web's own rules, and lets the graph take it up."""
    from agents.graph import carry_decisions, in_own_loop

    seen = seen or desk.ledger.get(action_id).payload_hash
    outcome = desk.ledger.decide(action_id, kind, seen, me(), changed, note)  # type: ignore[arg-type]
    in_own_loop(carry_decisions(desk))
    return outcome


def _tell(desk: "Desk", outcome: "Outcome", json_out: bool) -> None:
    if json_out:
        after = desk.ledger.get(outcome.action.id)
        print_json({"changed": outcome.changed, "sentence": outcome.sentence, "action": after.to_json()})
    else:
        say(outcome.sentence)
