"""The commands: each a few lines over the same Desk that the service and the workbench use."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon.errors import BadInput, NotFound, TieoutError

if TYPE_CHECKING:
    from agents.desk import Desk
    from agents.run import RunResult
    from memory.action import Action, Person
    from recon.recon_file import ReconFile

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


class _Quiet:
    on = False


@app.callback()
def options(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only warnings and results.")] = False,
) -> None:
    """The operator's assistant for reconciliation breaks: which matter, why they happened, and what to send."""
    _Quiet.on = quiet


def main() -> None:
    """Runs a command; exits 0 done, 2 the input or the words were wrong, 1 a fault of ours."""
    try:
        app()
    except TieoutError as error:
        sys.stderr.write(f"tieout: {' '.join(str(error).split())}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("tieout: stopped; nothing is half written\n")
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except Exception as error:
        logging.getLogger("tieout").debug("fault", exc_info=True)
        sys.stderr.write(
            f"tieout: a fault of ours: {type(error).__name__}: {' '.join(str(error).split())[:500]}; "
            "set TIEOUT_LOG_LEVEL=DEBUG for the whole of it\n"
        )
        raise SystemExit(1) from error if logging.getLogger("tieout").isEnabledFor(logging.DEBUG) else None


# --- the desk ----------------------------------------------------------------------------------------------------


def _desk(home: Path | None = None) -> "Desk":
    from recon.settings import Settings
    from server import open_desk

    settings = Settings() if home is None else Settings(home=home)
    _logging(settings.log_level)
    return open_desk(settings)


def _logging(level: str) -> None:
    from recon.log import set_up

    set_up("WARNING" if _Quiet.on and level == "INFO" else level)


def _me() -> "Person":
    """Whoever runs the terminal: it is their workspace folder, so they may do all that one person may."""
    import getpass

    from memory.action import Person

    return Person(getpass.getuser(), "admin")


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A line on stderr for what takes over a second; silent when quiet or not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, quiet=_Quiet.on)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("start", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total or None)

        yield show


# --- the main job ------------------------------------------------------------------------------------------------


@app.command()
def run(
    current: Annotated[list[Path], typer.Argument(help="The reconciliation's current output: CSV, Excel or Parquet.")],
    history: Annotated[list[Path] | None, typer.Option("--history", help="Past output; may be repeated.")] = None,
    recon: Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to leave the files.")] = None,
    file_format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    json_out: Json = False,
    engine: Annotated[str, typer.Option("--engine", help="local or dask.")] = "local",
    no_agents: Annotated[
        bool, typer.Option("--no-agents", help="Numbers and files only: no graph, no drafts.")
    ] = False,
) -> None:
    """Judge a current file against its history, and draft what to do."""
    from agents.run import RunRequest
    from agents.run import run as do

    _one_of("--format", file_format, ("csv", "parquet"))
    _one_of("--engine", engine, ("local", "dask"))
    if engine == "dask":
        msg = "--engine dask: this version runs on one machine only; leave --engine out, the numbers are the same"
        raise BadInput(msg)
    desk = _desk()
    name, said = _recon(desk, recon)
    folder = out or desk.settings.home / "out" / (name or "run")
    request = RunRequest(
        current=tuple(current),
        history=tuple(history or ()),
        said=said,
        recon=name,
        out=folder,
        file_format=file_format,  # type: ignore[arg-type]
        agents=not no_agents,
        engine=engine,  # type: ignore[arg-type]
        requested_by=_me().name,
    )
    with _progress() as progress:
        result = do(desk, request, progress)
    _report(result, json_out)


def _one_of(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        msg = f"{option}: {value!r} is none of {', '.join(allowed)}"
        raise BadInput(msg)


def _recon(desk: "Desk", said: str | None) -> tuple[str | None, "ReconFile"]:
    """(name, recon file) of what --recon says: a path when it looks like one or exists, else a known name."""
    from memory.recons import RunStore
    from recon.recon_file import ReconFile, load_recon_file

    if said is None:
        return None, ReconFile()
    path = Path(said)
    if path.suffix in (".yaml", ".yml") or path.exists():
        found = load_recon_file(path)
        return found.name, found
    return said, RunStore(desk.db, desk.clock).recon(said)


def _report(result: "RunResult", json_out: bool) -> None:
    if json_out:
        _print_json({**result.run, "case_ids": list(result.case_ids), "out": str(result.out) if result.out else None})
        return
    counts = result.counts
    _say(
        f"{result.recon}: {counts['rows_in']:,} rows in, {counts['rows_scored']:,} judged, "
        f"{counts['rows_rejected']:,} rejected; {counts['breaks']:,} breaks, {counts['anomalies']:,} rows out of "
        f"pattern, {counts['cases']:,} cases, {counts['actions']:,} drafts wait for approval."
    )
    if result.out is not None:
        _say(f"Left in {result.out}: summary.md, breaks, findings, cases.json, actions.json, rejects.csv, run.json")


@app.command()
def demo(
    port: Annotated[int, typer.Option("--port", help="Where the workbench opens.")] = 8321,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Print the summary and stop.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another sample.")] = 7,
) -> None:
    """Make a realistic sample with planted causes, run everything, and open the workbench. No keys."""
    from agents.run import RunRequest
    from agents.run import run as do
    from evals.scenarios import demo as make
    from evals.scenarios.days import weekday_before
    from recon.recon_file import load_recon_file

    desk = _desk()
    files = make(desk.settings.home / "demo", seed, weekday_before(desk.clock().date()))
    with _progress() as progress:
        for recon, current, history in (
            (files.gl_recon, files.gl_current, files.gl_history),
            (files.trades_recon, files.trades_current, files.trades_history),
        ):
            said = load_recon_file(recon)
            out = desk.settings.home / "out" / str(said.name)
            request = RunRequest((current,), (history,), said, said.name, out, today=files.today)
            result = do(desk, request, progress)
            _say(result.summary)
    if no_serve:
        _say(f"The sample and its files are in {desk.settings.home}; `tieout serve` opens the workbench.")
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
        write.write_text(found.recon_yaml(), encoding="utf-8")
    if json_out:
        _print_json(found.to_json())
        return
    _say(found.text())
    if write is not None:
        _say(f"Wrote {write}")


@app.command()
def backtest(
    history: Annotated[Path, typer.Argument(help="Past output, many days of it.")],
    start: Annotated[str | None, typer.Option("--from", help="First day to judge, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day to judge, YYYY-MM-DD.")] = None,
    recon: Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")] = None,
    json_out: Json = False,
) -> None:
    """Replay history day by day, never looking ahead, and say what would have been flagged and got right."""
    from agents.backtest import backtest as replay

    desk = _desk()
    _, said = _recon(desk, recon)
    found = replay(history, said, _day("--from", start), _day("--to", end), today=desk.clock().date())
    if json_out:
        _print_json(found.to_json())
    else:
        _say(found.text())


def _day(option: str, said: str | None) -> Any:
    from datetime import date

    if said is None:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        msg = f"{option}: {said!r} is no day; write YYYY-MM-DD"
        raise BadInput(msg) from error


# --- the service -------------------------------------------------------------------------------------------------


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = 8321,
) -> None:
    """Serve the API and the workbench, and send what is approved and due."""
    from recon.settings import Settings
    from server import serve as start

    settings = Settings()
    _logging(settings.log_level)
    start(settings, host, port)


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and stop.")] = False,
) -> None:
    """Send what is approved and due; wake, escalate and miss files when their time has come."""
    import threading
    import time

    from agents.executor import Executor
    from agents.graph import carry_decisions, in_own_loop
    from agents.tend import EVERY, tend

    desk = _desk()
    executor = Executor(desk)
    stop = threading.Event()
    if not once:
        _say("Working; stop with Ctrl-C")
    tended = -EVERY
    while True:
        if time.monotonic() - tended >= EVERY:
            tend(desk)
            tended = time.monotonic()
        in_own_loop(carry_decisions(desk))
        taken = executor.run_once()
        in_own_loop(carry_decisions(desk))
        if once:
            _say(f"{taken} action(s) taken up")
            return
        stop.wait(1.0)


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="Where files arrive.")],
    recon: Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Run what is there, and stop.")] = False,
) -> None:
    """Run what arrives in a folder; late, short, empty or repeated files are alarms."""
    from agents.watch import watch as look

    desk = _desk()
    name, said = _recon(desk, recon)
    for line in look(desk, folder, said, name, once=once):
        _say(line)


# --- cases -------------------------------------------------------------------------------------------------------


@app.command()
def cases(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="open (all still to be worked), resolved, ...")
    ] = None,
    recon: Annotated[str | None, typer.Option("--recon")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="A name; - means nobody.")] = None,
    q: Annotated[str | None, typer.Option("--q", help="Words to look for.")] = None,
    limit: Annotated[int, typer.Option("--limit")] = 50,
    json_out: Json = False,
) -> None:
    """The queue: what matters most first."""
    from memory.cases import CaseQuery

    desk = _desk()
    page = desk.cases.page(CaseQuery(state=tuple(state or ()), recon=recon, owner=owner, q=q, limit=limit))
    if json_out:
        _print_json([_case_json(desk, r.case.id) for r in page.records])
        return
    _table(
        ("case", "severity", "amount", "pattern", "cause", "since", "owner", "title"),
        [
            (
                r.case.id,
                r.case.severity,
                f"{r.case.amount:,} {r.case.currency}",
                r.case.pattern,
                r.case.cause,
                str(r.case.onset or ""),
                r.owner or "",
                r.case.title,
            )
            for r in page.records
        ],
    )


def _case_json(desk: "Desk", case_id: str) -> dict[str, Any]:
    actions = desk.ledger.list(case_id=case_id)
    return desk.cases.get(case_id).to_json(tuple(a.id for a in actions))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


@app.command()
def show(
    case: Annotated[str, typer.Argument(help="A case's id.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was known and said on that day, YYYY-MM-DD.")
    ] = None,
    json_out: Json = False,
) -> None:
    """One case: what is known, what is proposed, what was decided."""
    desk = _desk()
    day = _day("--as-of", as_of)
    if day is not None:
        from memory.replay import replay

        found = replay(desk.db, case, day)
        if json_out:
            _print_json(found.to_json())
        else:
            _say(found.text())
        return
    if json_out:
        _print_json(_case_json(desk, case))
        return
    record = desk.cases.record(case)
    _say(f"{record.case.title}\n{record.case.id} · {record.case.state} · owner {record.owner or 'nobody'}")
    _say(f"\n{record.case.summary}\n")
    for e in record.case.evidence:
        _say(f"  {e.id}  {e.statement}")
    for h in record.case.hypotheses:
        _say(f"  {h.confidence:.0%} {h.cause}: {h.statement} [{', '.join(h.evidence_ids)}]")
    for s in record.case.similar:
        _say(f"  like {s.resolution_id} of {s.date} ({s.outcome}): {s.comment}")
    for a in desk.ledger.list(case_id=case):
        _say(f"\n{a.id} · {a.kind} · {a.state} · {a.payload_hash}")
        _say(json.dumps(a.payload, indent=1, ensure_ascii=False))


@app.command()
def chat(
    case: Annotated[str, typer.Argument(help="A case's id.")],
    question: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    json_out: Json = False,
) -> None:
    """Ask about a case."""
    desk = _desk()
    desk.cases.get(case)
    if question is not None:
        _answer(desk, case, question, json_out)
        return
    _say("Ask away; an empty line ends it.")
    while line := input("> ").strip():
        _answer(desk, case, line, json_out)


def _answer(desk: "Desk", case: str, question: str, json_out: bool) -> None:
    import asyncio

    from agents.assistant import ask

    async def listen() -> list[Any]:
        heard: list[Any] = []
        async for event in ask(desk, case, question, _me().name):
            heard.append(event)
            if not json_out and event["event"] == "token":
                sys.stdout.write(event["text"])
                sys.stdout.flush()
        return heard

    heard = asyncio.run(listen())
    if json_out:
        _print_json(heard)
    else:
        sys.stdout.write("\n")


# --- decisions ---------------------------------------------------------------------------------------------------


@app.command()
def actions(
    pending: Annotated[bool, typer.Option("--pending", help="Only what waits for a decision.")] = False,
    case: Annotated[str | None, typer.Option("--case")] = None,
    json_out: Json = False,
) -> None:
    """The drafted actions and how far each has come."""
    desk = _desk()
    found = desk.ledger.list(state="pending" if pending else None, case_id=case, limit=1000)
    if json_out:
        _print_json([a.to_json() for a in found])
        return
    _table(
        ("action", "case", "kind", "state", "hash", "why"),
        [(a.id, a.case_id, a.kind, a.state, a.payload_hash[:12], a.rationale) for a in found],
    )


@app.command()
def approve(
    action: Annotated[str, typer.Argument(help="An action's id.")],
    wait: Annotated[bool, typer.Option("--wait", help="Count the undo down, execute, and print the receipt.")] = False,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Approve an action, on exactly the bytes that it holds now."""
    _decide(action, "approve", seen, note, json_out, wait=wait)


@app.command()
def edit(
    action: Annotated[str, typer.Argument(help="An action's id.")],
    payload: Annotated[
        Path | None, typer.Option("--payload", help="The new payload as a JSON file; else your editor opens.")
    ] = None,
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Change a draft; it then waits for approval under a new hash."""
    _decide(action, "edit", seen, note, json_out, payload=payload, edits=True)


@app.command()
def reject(
    action: Annotated[str, typer.Argument(help="An action's id.")],
    seen: HashSeen = None,
    note: Note = "",
    json_out: Json = False,
) -> None:
    """Reject an action: it never leaves."""
    _decide(action, "reject", seen, note, json_out)


@app.command()
def respond(
    action: Annotated[str, typer.Argument(help="An action's id.")],
    words: Annotated[str, typer.Argument(help="What should be different; the planner drafts again.")],
    seen: HashSeen = None,
    json_out: Json = False,
) -> None:
    """Answer a draft in words; the planner drafts again."""
    _decide(action, "respond", seen, words, json_out)


def _decide(
    action_id: str,
    decision: str,
    seen: str | None,
    note: str,
    json_out: bool,
    *,
    payload: Path | None = None,
    edits: bool = False,
    wait: bool = False,
) -> None:
    from agents.graph import carry_decisions, in_own_loop

    desk = _desk()
    action = desk.ledger.get(action_id)
    changed = _edited(action, payload) if edits else None
    outcome = desk.ledger.decide(action_id, decision, seen or action.payload_hash, _me(), changed, note)  # type: ignore[arg-type]
    in_own_loop(carry_decisions(desk))
    after = _executed(desk, action_id) if wait else desk.ledger.get(action_id)
    if json_out:
        _print_json({"changed": outcome.changed, "sentence": outcome.sentence, "action": after.to_json()})
        return
    _say(outcome.sentence)
    if wait:
        told = after.receipt or after.fault or {}
        _say(f"{after.state}: {json.dumps(told, ensure_ascii=False)}")


def _edited(action: "Action", payload: Path | None) -> dict[str, Any]:
    import click

    text = payload.read_text(encoding="utf-8") if payload else None
    if text is None:
        text = click.edit(json.dumps(action.payload, indent=1, ensure_ascii=False), extension=".json")
    if text is None:
        msg = f"{action.id}: nothing was changed; save the draft in the editor to change it"
        raise BadInput(msg)
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = f"{payload or 'the edited draft'}: this is no JSON: {error}"
        raise BadInput(msg) from error
    if not isinstance(found, dict):
        msg = f"{payload or 'the edited draft'}: a payload is a JSON object"
        raise BadInput(msg)
    return found


def _executed(desk: "Desk", action_id: str) -> "Action":
    """Counts the undo window down and does the action, here."""
    import time

    from agents.executor import Executor
    from agents.graph import carry_decisions, in_own_loop

    action = desk.ledger.get(action_id)
    while (
        action.state == "approved"
        and action.not_before
        and (left := action.not_before - desk.clock()).total_seconds() > 0
    ):
        if not _Quiet.on:
            sys.stderr.write(
                f"\rleaves in {left.total_seconds():.0f} s; Ctrl-C leaves it approved, undo is in the workbench "
            )
            sys.stderr.flush()
        time.sleep(min(left.total_seconds(), 1.0))
        action = desk.ledger.get(action_id)
    done = Executor(desk).finish(action_id)
    in_own_loop(carry_decisions(desk))
    return done


@app.command()
def feedback(
    target: Annotated[str, typer.Argument(help="A case's or a break's id.")],
    verdict: Annotated[str, typer.Argument(help="true, false_positive, missed or corrected.")],
    note: Note = "",
    pattern: Annotated[str | None, typer.Option("--pattern", help="The right pattern.")] = None,
    cause: Annotated[str | None, typer.Option("--cause", help="The right cause.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Say what it would change, and save nothing.")] = False,
    json_out: Json = False,
) -> None:
    """Tag a case or a break."""
    from web.blast import blast_radius
    from web.deeds import Said, give_feedback, tag_of

    desk = _desk()
    break_id = target if target.startswith("B") else None
    case = desk.cases.get(desk.cases.find_break(target)[0] if break_id else target)
    tag = tag_of(desk, case, Said(verdict, note, pattern, cause), break_id=break_id)
    radius = blast_radius(desk, case, tag)
    saved = None if preview else give_feedback(desk, _me(), tag, case.id)
    if json_out:
        _print_json({"saved": saved is not None, "id": saved.id if saved else None, "would_change": radius.to_json()})
        return
    _say(radius.sentence)
    _say("Nothing is saved." if saved is None else f"Saved as {saved.id}; it counts from the next run on.")


# --- memory, files, checks ---------------------------------------------------------------------------------------


@app.command()
def learn(
    file: Annotated[
        Path, typer.Argument(help="Past resolutions: CSV, Excel or JSONL; a recon file with comments will do.")
    ],
    recon: Annotated[str | None, typer.Option("--recon", help="A recon file, or the name of a known one.")] = None,
    json_out: Json = False,
) -> None:
    """Feed past resolutions into memory."""
    from agents.learn import learn as remember

    desk = _desk()
    name, said = _recon(desk, recon)
    learned = remember(desk, file, name, said)
    if json_out:
        _print_json(learned.to_json())
    else:
        _say(learned.sentence)


@app.command()
def export(
    file_format: Annotated[str, typer.Option("--format", help="xlsx or csv.")] = "xlsx",
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("queue.xlsx"),
) -> None:
    """Write the queue to a file, with drop-downs for what may be edited."""
    from web.excel import export_queue

    _one_of("--format", file_format, ("xlsx", "csv"))
    path = out if out.suffix == f".{file_format}" else out.with_suffix(f".{file_format}")
    count = export_queue(_desk(), path)
    _say(f"{count} case(s) in {path}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An exported queue, edited.")],
    apply: Annotated[bool, typer.Option("--apply", help="Save the changes; without it they are only shown.")] = False,
    json_out: Json = False,
) -> None:
    """Read an edited queue back: first the differences and conflicts, then, with --apply, the changes."""
    from web.excel import import_queue

    found = import_queue(_desk(), file, apply=apply, by=_me())
    if json_out:
        _print_json(found.to_json())
    else:
        _say(found.text())


@app.command()
def brief(
    recon: Annotated[str | None, typer.Option("--recon")] = None,
    json_out: Json = False,
) -> None:
    """The morning brief: ten lines."""
    from memory.brief import brief as morning

    desk = _desk()
    found = morning(desk.db, recon, desk.clock().date())
    if json_out:
        _print_json(found.to_json())
    else:
        _say(found.markdown())


@audit_app.command("verify")
def audit_verify(json_out: Json = False) -> None:
    """Check that no byte, row or order of the audit was changed."""
    desk = _desk()
    found = desk.audit.verify(desk.settings.home / "audit")
    if json_out:
        _print_json(asdict(found))
    else:
        _say(found.sentence)
    if not found.ok:
        raise SystemExit(1)


@app.command()
def doctor(json_out: Json = False) -> None:
    """Check every connection, and the rights that actions need."""
    from agents.doctor import examine

    checks = examine(_desk())
    if json_out:
        _print_json([asdict(c) for c in checks])
    else:
        for check in checks:
            _say(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.sentence}")
    if not all(check.ok for check in checks):
        raise SystemExit(1)


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
    if json_out:
        _print_json(result.to_json())
    else:
        _say(result.text())
    if result.regressions:
        raise SystemExit(1)


@app.command()
def token(
    person: Annotated[str, typer.Argument(help="Whom it speaks for.")],
    role: Annotated[str, typer.Option("--role", help="viewer, operator, approver or admin.")] = "operator",
    days: Annotated[int, typer.Option("--days", help="How long it is valid.")] = 90,
) -> None:
    """Make an API token; it is shown once."""
    from datetime import timedelta
    from typing import get_args

    from recon.words import Role
    from web.auth import issue_token

    _one_of("--role", role, get_args(Role))
    desk = _desk()
    _say(issue_token(desk.db, person, role, timedelta(days=days)))


@app.command()
def backup(out: Annotated[Path, typer.Argument(help="The archive to write.")]) -> None:
    """Write the whole workspace to one checked archive."""
    from memory.backup import write_backup

    desk = _desk()
    _say(write_backup(desk.settings.home, desk.db, out))


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="An archive that `tieout backup` wrote.")],
    home: Annotated[Path | None, typer.Option("--home", help="The empty folder to restore into.")] = None,
) -> None:
    """Bring a workspace back from an archive, after checking every byte of it."""
    from memory.backup import restore_backup
    from recon.settings import Settings

    _say(restore_backup(archive, home or Settings().home))


__all__ = ["NotFound", "app", "main"]

if __name__ == "__main__":
    main()
