"""The commands: each a few lines over the same Desk that the service and the workbench use."""

import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from recon.errors import TieoutError
from web import terminal
from web.commands import decisions, queue, upkeep
from web.commands.here import Context, Here, Json, ReconSaid, me
from web.terminal import VOICE, day_of, one_of, print_json, say

if TYPE_CHECKING:
    from agents.desk import Desk
    from recon.recon_file import ReconFile
    from recon.settings import Settings

LEASE_SECONDS = 300.0
AT_THE_END = ExitStack()  # what a command opened and gives back: else SQLite's log would outlive it

# Heavy packages are imported where they are used: `tieout --help` answers in under half a second.

app = typer.Typer(
    name="tieout",
    help="The operator's assistant for reconciliation breaks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    ctx: Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only warnings and results.")] = False,
) -> None:
    """The operator's assistant for reconciliation breaks: which matter, why they happened, and what to send."""
    ctx.call_on_close(AT_THE_END.close)
    VOICE.quiet = quiet
    ctx.obj = Here(_settings, _desk)


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

    desk = open_desk(_settings())
    AT_THE_END.callback(desk.db.close)
    return desk


def _settings() -> "Settings":
    from recon.log import set_up
    from recon.settings import read_settings

    settings = read_settings()
    level = "WARNING" if VOICE.quiet and settings.log_level == "INFO" else settings.log_level
    set_up(level, settings.log_format, settings.secrets())
    return settings


def _recon(desk: "Desk", said: str | None) -> tuple[str | None, "ReconFile"]:
    from memory.recons import RunStore

    return RunStore(desk.db, desk.clock).said(said)


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
        requested_by=me().name,
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
    lease: Annotated[
        float,
        typer.Option("--lease", help="Seconds after which another worker may take up what this one left.", min=60),
    ] = LEASE_SECONDS,
) -> None:
    """Send what is approved and due; wake, escalate and miss files when their time has come."""
    from agents.working import work_forever, work_once

    desk = _desk()
    if once:
        say(f"{work_once(desk, lease)} action(s) taken up")
        return
    say("Working; stop with Ctrl-C")
    work_forever(desk, terminal.stop_on_signal(), lease)
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


for subject in (queue, decisions, upkeep):
    app.add_typer(subject.commands)

if __name__ == "__main__":
    main()
