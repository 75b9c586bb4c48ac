"""The commands: each a few lines over the same Desk that the service and the workbench use."""

import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from recon.errors import TieoutError
from web import terminal
from web.terminal import VOICE, day_of, one_of, print_json, say

if TYPE_CHECKING:
    from agents.desk import Desk
    from memory.action import Outcome, Person
    from recon.recon_file import ReconFile
    from recon.settings import Settings

# Heavy packages are imported where they are used: `tieout --help` answers in under half a second.

app = typer.Typer(
    name="tieout",
    help="The operator's assistant for reconciliation breaks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Note = Annotated[str, typer.Option("--note", help="Why, in your words; kept with the decision.")]
HashSeen = Annotated[
    str | None, typer.Option("--hash", help="The payload hash you saw; refused when it is not current.")
]
ReconSaid = Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")]
ActionId = Annotated[str, typer.Argument(help="An action's id, as `tieout actions` lists it.")]
CaseId = Annotated[str, typer.Argument(help="A case's id, as `tieout cases` lists it.")]


@app.callback()
def options(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only warnings and results.")] = False,
) -> None:
    """The operator's assistant for reconciliation breaks: which matter, why they happened, and what to send."""
    VOICE.quiet = quiet


def main() -> None:
    """Runs a command; exits 0 done, 2 the input or the words were wrong, 1 a fault of ours."""
    raise SystemExit(_status())


def _status() -> int:
    as_json = "--json" in sys.argv
    try:
        return int(app(prog_name="tieout", standalone_mode=False) or 0)
    except TieoutError as error:
        terminal.complain(str(error), status=2, as_json=as_json)
        return 2
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(error.format_message() + "\n")
            return 2
        terminal.complain(terminal.words_wrong(error), status=2, as_json=as_json)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        terminal.complain("stopped; nothing is half written", status=130, as_json=False)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        logging.getLogger("tieout").debug("a command failed", exc_info=True)
        terminal.complain(terminal.fault(error), status=1, as_json=as_json)
        return 1


# --- the desk ----------------------------------------------------------------------------------------------------


def _desk() -> "Desk":
    from server import open_desk

    return open_desk(_settings())


def _settings() -> "Settings":
    from recon.log import set_up
    from recon.settings import read_settings

    settings = read_settings()
    level = "WARNING" if VOICE.quiet and settings.log_level == "INFO" else settings.log_level
    set_up(level, settings.log_format, settings.secrets())
    return settings


def _me() -> "Person":
    """Whoever runs the terminal: it is their workspace folder, so they may do all that one person may."""
    import getpass

    from memory.action import Person

    return Person(getpass.getuser(), "admin")


def _recon(desk: "Desk", said: str | None) -> tuple[str | None, "ReconFile"]:
    from memory.recons import RunStore

    return RunStore(desk.db, desk.clock).said(said)


def _known(recon: str | None) -> "Desk":
    """The desk, once it is sure that the reconciliation exists: an empty list must not hide a misspelt name."""
    from memory.recons import RunStore

    desk = _desk()
    if recon is not None:
        RunStore(desk.db, desk.clock).recon(recon)
    return desk


# --- the main job ------------------------------------------------------------------------------------------------


@app.command()
def run(
    current: Annotated[list[Path], typer.Argument(help="The reconciliation's current output: CSV, Excel or Parquet.")],
    history: Annotated[list[Path] | None, typer.Option("--history", help="Past output; may be repeated.")] = None,
    recon: ReconSaid = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to leave the files.")] = None,
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    json_out: Json = False,
    engine: Annotated[str, typer.Option("--engine", help="local or dask.")] = "local",
    no_agents: Annotated[
        bool, typer.Option("--no-agents", help="Numbers and files only: no graph, no drafts.")
    ] = False,
    progress_lines: Annotated[
        bool, typer.Option("--progress", help="Say each stage on stderr where that is no terminal.")
    ] = False,
) -> None:
    """Judge a current file against its history, and draft what to do."""
    one_of("--format", file_format, ("csv", "parquet"))
    one_of("--engine", engine, ("local", "dask"))
    from agents.run import RunRequest
    from agents.run import run as do

    if out is not None:
        terminal.writable_folder("--out", out)
    desk = _desk()
    name, said = _recon(desk, recon)
    request = RunRequest(
        current=tuple(current),
        history=tuple(history or ()),
        said=said,
        recon=name,
        out=out or desk.settings.home / "out" / (name or "run"),
        file_format=file_format,  # type: ignore[arg-type]
        agents=not no_agents,
        engine=engine,  # type: ignore[arg-type]
        requested_by=_me().name,
    )
    with terminal.progress(lines=progress_lines) as progress:
        result = do(desk, request, progress)
    if json_out:
        print_json(result.to_json())
    else:
        say(result.text())


@app.command()
def demo(
    port: Annotated[int, typer.Option("--port", help="Where the workbench opens.")] = 8321,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Print the summary and stop.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another sample.")] = 7,
) -> None:
    """Make a realistic sample with planted causes, run everything, and open the workbench. No keys."""
    from evals.demo import play

    desk = _desk()
    with terminal.progress() as progress:
        for result in play(desk, seed, progress):
            say(result.summary)
    if no_serve:
        say(f"The sample and its files are in {desk.settings.home}; `tieout serve` opens the workbench.")
        return
    serve(port=port)


@app.command()
def profile(
    files: Annotated[list[Path], typer.Argument(help="Files of one reconciliation.")],
    write: Annotated[Path | None, typer.Option("--write", help="Write what was inferred as a recon file.")] = None,
    json_out: Json = False,
) -> None:
    """Infer every column's role and the date format, and print what the import found."""
    from datetime import UTC, datetime

    from recon.reading import profile as look
    from recon.recon_file import ReconFile

    found = look(files, ReconFile(), today=datetime.now(UTC).date())
    if write is not None:
        terminal.writable_file("--write", write)
        write.write_text(found.recon_yaml(), encoding="utf-8")
    if json_out:
        print_json(found.to_json())
        return
    say(found.text())
    if write is not None:
        say(f"Wrote {write}")


@app.command()
def backtest(
    history: Annotated[Path, typer.Argument(help="Past output, many days of it.")],
    start: Annotated[str | None, typer.Option("--from", help="First day to judge, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day to judge, YYYY-MM-DD.")] = None,
    recon: ReconSaid = None,
    json_out: Json = False,
) -> None:
    """Replay history day by day, never looking ahead, and say what would have been flagged and got right."""
    days = day_of("--from", start), day_of("--to", end)
    from agents.backtest import backtest as replay

    desk = _desk()
    _, said = _recon(desk, recon)
    found = replay(history, said, *days, today=desk.clock().date())
    if json_out:
        print_json(found.to_json())
    else:
        say(found.text())


# --- the service -------------------------------------------------------------------------------------------------


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on.")] = 8321,
) -> None:
    """Serve the API and the workbench, and send what is approved and due."""
    settings = _settings()
    from server import serve as start

    start(settings, host, port)


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and stop.")] = False,
) -> None:
    """Send what is approved and due; wake, escalate and miss files when their time has come."""
    from agents.working import work_forever, work_once

    desk = _desk()
    if once:
        say(f"{work_once(desk)} action(s) taken up")
        return
    say("Working; stop with Ctrl-C")
    work_forever(desk, terminal.stop_on_signal())
    say("Stopped; what is approved waits for the next worker")


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="Where files arrive.")],
    recon: ReconSaid = None,
    once: Annotated[bool, typer.Option("--once", help="Run what is there, and stop.")] = False,
) -> None:
    """Run what arrives in a folder; late, short, empty or repeated files are alarms."""
    from agents.watch import watch as look

    desk = _desk()
    name, said = _recon(desk, recon)
    for line in look(desk, folder, said, name, once=once):
        say(line)


# --- cases -------------------------------------------------------------------------------------------------------


@app.command()
def cases(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="open (all still to be worked), resolved, ...; may be repeated.")
    ] = None,
    recon: Annotated[str | None, typer.Option("--recon", help="Only of this reconciliation.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="A name; - means nobody.")] = None,
    q: Annotated[str | None, typer.Option("--q", help="Words to look for.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1)] = 50,
    json_out: Json = False,
) -> None:
    """The queue: what matters most first."""
    from typing import get_args

    from memory.cases import CaseQuery
    from recon.words import CaseState

    for word in state or ():
        one_of("--state", word, get_args(CaseState))
    desk = _known(recon)
    page = desk.cases.page(CaseQuery(state=tuple(state or ()), recon=recon, owner=owner, q=q, limit=limit))
    if json_out:
        print_json([_case_json(desk, r.case.id) for r in page.records])
    else:
        terminal.queue_table(page.records)


def _case_json(desk: "Desk", case_id: str) -> dict[str, object]:
    actions = desk.ledger.list(case_id=case_id)
    return desk.cases.get(case_id).to_json(tuple(a.id for a in actions))


@app.command()
def show(
    case: CaseId,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was known and said on that day, YYYY-MM-DD.")
    ] = None,
    json_out: Json = False,
) -> None:
    """One case: what is known, what is proposed, what was decided."""
    day = day_of("--as-of", as_of)
    desk = _desk()
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


@app.command()
def chat(
    case: CaseId,
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    json_out: Json = False,
) -> None:
    """Ask about a case."""
    desk = _desk()
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

    heard = in_own_loop(terminal.listen(ask(desk, case, question, _me().name), aloud=not json_out))
    if json_out:
        print_json(heard)


# --- decisions ---------------------------------------------------------------------------------------------------


@app.command()
def actions(
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for a decision.")] = False,
    case: Annotated[str | None, typer.Option("--case", help="Only of this case.")] = None,
    json_out: Json = False,
) -> None:
    """The drafted actions and how far each has come."""
    desk = _desk()
    if case is not None:
        desk.cases.get(case)
    found = desk.ledger.list(state="pending" if pending else None, case_id=case, limit=1000)
    if json_out:
        print_json([a.to_json() for a in found])
    else:
        terminal.actions_table(found)


@app.command()
def approve(
    action: ActionId,
    wait: Annotated[bool, typer.Option("--wait", help="Count the undo down, execute, and print the receipt.")] = False,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Approve an action, on exactly the bytes that it holds now."""
    desk = _desk()
    outcome = _decide(desk, action, "approve", seen, note)
    if not wait:
        _tell(desk, outcome, json_out)
        return
    from agents.working import see_through

    after = see_through(desk, action, terminal.countdown)
    _tell(desk, outcome, json_out)
    if not json_out:
        say(terminal.receipt(after))


@app.command()
def edit(
    action: ActionId,
    payload: Annotated[
        Path | None, typer.Option("--payload", help="The new payload as a JSON file; else your editor opens.")
    ] = None,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Change a draft; it then waits for approval under a new hash."""
    desk = _desk()
    changed = terminal.edited(desk.ledger.get(action), payload)
    _tell(desk, _decide(desk, action, "edit", seen, note, changed), json_out)


@app.command()
def reject(action: ActionId, seen: HashSeen = None, note: Note = "", json_out: Json = False) -> None:
    """Reject an action: it never leaves."""
    desk = _desk()
    _tell(desk, _decide(desk, action, "reject", seen, note), json_out)


@app.command()
def respond(
    action: ActionId,
    words: Annotated[str, typer.Argument(help="What should be different; the planner drafts again.")],
    seen: HashSeen = None,
    json_out: Json = False,
) -> None:
    """Answer a draft in words; the planner drafts again."""
    desk = _desk()
    _tell(desk, _decide(desk, action, "respond", seen, words), json_out)


def _decide(
    desk: "Desk", action_id: str, kind: str, seen: str | None, note: str, changed: dict[str, object] | None = None
) -> "Outcome":
    """Stores the decision under the web's own rules, and lets the graph take it up."""
    from agents.graph import carry_decisions, in_own_loop

    seen = seen or desk.ledger.get(action_id).payload_hash
    outcome = desk.ledger.decide(action_id, kind, seen, _me(), changed, note)  # type: ignore[arg-type]
    in_own_loop(carry_decisions(desk))
    return outcome


def _tell(desk: "Desk", outcome: "Outcome", json_out: bool) -> None:
    if json_out:
        after = desk.ledger.get(outcome.action.id)
        print_json({"changed": outcome.changed, "sentence": outcome.sentence, "action": after.to_json()})
    else:
        say(outcome.sentence)


@app.command()
def feedback(
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
    from web.deeds import Said, give_feedback, tag_of, undo

    desk = _desk()
    if verdict == "undo":
        say(undo(desk, _me(), desk.feedback.get(target).id).sentence)
        return
    break_id = target if target.startswith("B") else None
    case = desk.cases.get(desk.cases.find_break(target)[0] if break_id else target)
    tag = tag_of(desk, case, Said(verdict, note, pattern, cause, wide, days), break_id=break_id)
    radius = blast_radius(desk, case, tag)
    saved = None if preview else give_feedback(desk, _me(), tag, case.id)
    if json_out:
        print_json({"saved": saved is not None, "id": saved.id if saved else None, "would_change": radius.to_json()})
        return
    say(radius.sentence)
    say("Nothing is saved." if saved is None else f"Saved as {saved.id}; it counts from the next run on.")


# --- memory, files, checks ---------------------------------------------------------------------------------------


@app.command()
def learn(
    file: Annotated[
        Path, typer.Argument(help="Past resolutions: CSV, Excel or JSONL; a recon file with comments will do.")
    ],
    recon: ReconSaid = None,
    json_out: Json = False,
) -> None:
    """Feed past resolutions into memory."""
    from agents.learn import learn as remember

    desk = _desk()
    name, said = _recon(desk, recon)
    learned = remember(desk, file, name, said)
    print_json(learned.to_json()) if json_out else say(learned.sentence)


@app.command()
def export(
    file_format: Annotated[str, typer.Option("--format", help="xlsx or csv.")] = "xlsx",
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("queue.xlsx"),
) -> None:
    """Write the queue to a file, with drop-downs for what may be edited."""
    from web.excel import export_queue

    one_of("--format", file_format, ("xlsx", "csv"))
    path = out if out.suffix == f".{file_format}" else out.with_suffix(f".{file_format}")
    terminal.writable_file("--out", path)
    count = export_queue(_desk(), path)
    say(f"{count} case(s) in {path}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An exported queue, edited.")],
    apply: Annotated[bool, typer.Option("--apply", help="Save the changes; without it they are only shown.")] = False,
    json_out: Json = False,
) -> None:
    """Read an edited queue back: first the differences and conflicts, then, with --apply, the changes."""
    from web.edits import import_queue

    found = import_queue(_desk(), file, apply=apply, by=_me())
    print_json(found.to_json()) if json_out else say(found.text())


@app.command()
def brief(
    recon: Annotated[str | None, typer.Option("--recon", help="Only of this reconciliation.")] = None,
    json_out: Json = False,
) -> None:
    """The morning brief: ten lines."""
    from memory.brief import brief as morning

    desk = _known(recon)
    found = morning(desk.db, recon, desk.clock().date())
    print_json(found.to_json()) if json_out else say(found.markdown())


@audit_app.command("verify")
def audit_verify(json_out: Json = False) -> None:
    """Check that no byte, row or order of the audit was changed."""
    desk = _desk()
    found = desk.audit.verify(desk.settings.home / "audit")
    print_json(asdict(found)) if json_out else say(found.sentence)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def doctor(json_out: Json = False) -> None:
    """Check every connection, and the rights that actions need."""
    from agents.doctor import examine

    checks = examine(_desk)
    if json_out:
        print_json([asdict(c) for c in checks])
    else:
        for check in checks:
            say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.sentence}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


@app.command("eval")
def eval_(
    suite: Annotated[str | None, typer.Argument(help="One suite; without it, all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, under 90 seconds.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Against the configured model; needs a key.")] = False,
    json_out: Json = False,
) -> None:
    """The scoreboard: what Tieout claims, measured."""
    from evals.scoreboard import run as measure

    result = measure(suite, quick=quick, live=live)
    print_json(result.to_json()) if json_out else say(result.text())
    if result.regressions:
        raise typer.Exit(1)


@app.command()
def token(
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
    say(issue_token(_desk().db, person, role, timedelta(days=days)))


@app.command()
def backup(out: Annotated[Path, typer.Argument(help="The archive to write.")]) -> None:
    """Write the whole workspace to one checked archive."""
    from memory.backup import write_backup

    terminal.writable_file("OUT", out)
    desk = _desk()
    say(write_backup(desk.settings.home, desk.db, out, desk.settings.lake_url))


@app.command()
def erase(
    recon: Annotated[str, typer.Argument(help="The reconciliation's name.")],
    key: Annotated[list[str], typer.Argument(help="COLUMN=VALUE of its key; all of them must hold.")],
    apply: Annotated[bool, typer.Option("--apply", help="Erase for good; without it, it is only said what.")] = False,
    json_out: Json = False,
) -> None:
    """Erase what is kept of a person by key: rows, comments, drafts, chat, files. First it is said what that is."""
    wanted = terminal.pairs_of(key)
    from memory.erasure import Eraser

    desk = _desk()
    eraser = Eraser(desk.settings.home, desk.db, desk.lake, desk.audit, desk.resolutions)
    found = eraser.erase(recon, wanted, _me(), apply=apply)
    print_json(found.to_json()) if json_out else say(found.text())


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="An archive that `tieout backup` wrote.")],
    home: Annotated[Path | None, typer.Option("--home", help="The empty folder to restore into.")] = None,
) -> None:
    """Bring a workspace back from an archive, after checking every byte of it; then verify its audit."""
    from memory.backup import restore_backup

    settings = _settings()
    url = settings.sqlalchemy_url() if settings.database_url is not None else None
    found = restore_backup(archive, home or settings.home, url)
    say(found.sentence)
    if not found.ok:
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
