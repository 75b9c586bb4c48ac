"""Looking after a workspace: its audit, connections, tokens, archives and what must be forgotten."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web import terminal
from web.commands.here import (
    Context,
    Json,
    desk_of,
    me,
    settings_of,
)
from web.terminal import one_of, print_json, say

if TYPE_CHECKING:
    pass

commands = typer.Typer()
audit = typer.Typer(help="The audit chain.", no_args_is_help=True)
commands.add_typer(audit, name="audit")


@audit.command("verify")
def audit_verify(ctx: Context, json_out: Json = False) -> None:
    """Check that no byte, row or order of the audit was changed."""
    desk = desk_of(ctx)
    found = desk.audit.verify(desk.settings.home / "audit")
    print_json(asdict(found)) if json_out else say(found.sentence)
    if not found.ok:
        raise typer.Exit(1)


@commands.command()
def doctor(ctx: Context, json_out: Json = False) -> None:
    """Check every connection, and the rights that actions need."""
    from agents.doctor import examine

    checks = examine(lambda: desk_of(ctx))
    if json_out:
        print_json([asdict(c) for c in checks])
    else:
        for check in checks:
            say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.sentence}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@commands.command()
def token(
    ctx: Context,
    person: Annotated[str, typer.Argument(help="Whom it speaks for.")],
    role: Annotated[str, typer.Option("--role", help="viewer, operator, approver or admin.")] = "operator",
    days: Annotated[int, typer.Option("--days", help="How long it is valid.", min=1)] = 90,
) -> None:
    """Make an API token; it is shown once."""
    from datetime import timedelta
    from typing import get_args

    from recon.words import Role
    from web.auth import issue_token

    one_of("--role", role, get_args(Role))
    say(issue_token(desk_of(ctx).db, person, role, timedelta(days=days)))


@commands.command()
def backup(ctx: Context, out: Annotated[Path, typer.Argument(help="The archive to write.")]) -> None:
    """Write the whole workspace to one checked archive."""
    from memory.backup import write_backup

    terminal.writable_file("OUT", out)
    desk = desk_of(ctx)
    say(write_backup(desk.settings.home, desk.db, out, desk.settings.lake_url))


@commands.command()
def erase(
    ctx: Context,
    recon: Annotated[str, typer.Argument(help="The reconciliation's name.")],
    key: Annotated[list[str], typer.Argument(help="COLUMN=VALUE of its key; all of them must hold.")],
    apply: Annotated[bool, typer.Option("--apply", help="Erase for good; without it, it is only said what.")] = False,
    json_out: Json = False,
) -> None:
    """Erase what is kept of a person by key: rows, comments, drafts, chat, files. First it is said what that is."""
    wanted = terminal.pairs_of(key)
    from memory.erasure import Eraser

    desk = desk_of(ctx)
    eraser = Eraser(desk.settings.home, desk.db, desk.lake, desk.audit, desk.resolutions)
    found = eraser.erase(recon, wanted, me(), apply=apply)
    print_json(found.to_json()) if json_out else say(found.text())


@commands.command()
def restore(
    ctx: Context,
    archive: Annotated[Path, typer.Argument(help="An archive that `tieout backup` wrote.")],
    home: Annotated[Path | None, typer.Option("--home", help="The empty folder to restore into.")] = None,
) -> None:
    """Bring a workspace back from an archive, after checking every byte of it; then verify its audit."""
    from memory.backup import restore_backup

    settings = settings_of(ctx)
    url = settings.sqlalchemy_url() if settings.database_url is not None else None
    found = restore_backup(archive, home or settings.home, url)
    say(found.sentence)
    if not found.ok:
        raise typer.Exit(1)
