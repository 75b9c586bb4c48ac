"""What every command of the terminal starts from: how a desk is opened, who is there, and the words they share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agents.desk import Desk
    from memory.action import Person
    from recon.settings import Settings

Context = typer.Context
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Note = Annotated[str, typer.Option("--note", help="Why, in your words; kept with the decision.")]
HashSeen = Annotated[
    str | None, typer.Option("--hash", help="The payload hash you saw; refused when it is not current.")
]
ReconSaid = Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")]
ActionId = Annotated[str, typer.Argument(help="An action's id, as `tieout actions` lists it.")]
CaseId = Annotated[str, typer.Argument(help="A case's id, as `tieout cases` lists it.")]


@dataclass(frozen=True)
class Here:
    """How this program reads its settings and opens a desk: adapters are chosen above, not here."""

    settings: Callable[[], "Settings"]
    desk: Callable[[], "Desk"]


def desk_of(ctx: Context) -> "Desk":
    """The desk of this workspace, opened."""
    here: Here = ctx.obj
    return here.desk()


def settings_of(ctx: Context) -> "Settings":
    """The settings, with logs set up by them."""
    here: Here = ctx.obj
    return here.settings()


def known(ctx: Context, recon: str | None) -> "Desk":
    """The desk, once it is sure that the reconciliation exists: an empty list must not hide a misspelt name."""
    from memory.recons import RunStore

    desk = desk_of(ctx)
    if recon is not None:
        RunStore(desk.db, desk.clock).recon(recon)
    return desk


def me() -> "Person":
    """Whoever runs the terminal: it is their workspace folder, so they may do all that one person may."""
    import getpass

    from memory.action import Person

    return Person(getpass.getuser(), "admin")
