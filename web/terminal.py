"""The terminal's face: what the commands print, a table, a progress line, and the editor."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from agents.stages import left
from recon.errors import BadInput

if TYPE_CHECKING:
    from typer.exceptions import TyperException

    from memory.action import Action
    from memory.cases import CaseRecord
    from memory.judged import JudgedBreak
    from recon.case import Hypothesis
    from web.doorways import Doorway

# rich and click are imported where they are used: `tieout --help` answers in under half a second.


@dataclass
class Voice:
    """How much is said on stderr; one for the process."""

    quiet: bool = False
    counting: bool = False
    """A countdown was begun: where lines cannot be overwritten it is said once."""


VOICE = Voice()


def say(text: str) -> None:
    """A result, on stdout."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def print_json(value: Any) -> None:
    """The one document of `--json`."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def complain(sentence: str, *, status: int, as_json: bool) -> None:
    """Why a command did not do it: one line on stderr, and for `--json` also the one document."""
    line = " ".join(sentence.split())
    if as_json:
        print_json({"error": line, "exit_status": status})
    sys.stderr.write(f"tieout: {line}\n")


def words_wrong(error: "TyperException") -> str:
    """What was wrong with the words of a command, and where its words are told."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "tieout"
    said = error.format_message().rstrip(".")
    return f"{said}; `{command} --help` tells its words"


def fault(error: Exception) -> str:
    """A fault of ours, or of a service that we stand on, in one sentence; the whole trace is for the log."""
    if type(error).__module__.startswith("sqlalchemy") and type(error).__name__ in (
        "OperationalError",
        "DatabaseError",
    ):
        said = " ".join(str(getattr(error, "orig", error)).split())[:300]
        return f"the database does not answer; look at TIEOUT_DATABASE_URL and at the database itself: {said}"
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return f"a fault of ours: {said}; set TIEOUT_LOG_LEVEL=DEBUG for the whole of it"


def stop_on_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set, so that work under way ends in good order."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def lines() -> Iterator[str]:
    """What is typed, line by line, until an empty line or the end of the input."""
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return
        if not line:
            return
        yield line


async def listen(events: AsyncIterator[dict[str, Any]], *, aloud: bool) -> list[dict[str, Any]]:
    """Every event of an answer; its words are printed as they come when it is read aloud."""
    heard = []
    async for event in events:
        heard.append(event)
        if aloud and event["event"] == "token":
            sys.stdout.write(event["text"])
            sys.stdout.flush()
    if aloud:
        sys.stdout.write("\n")
    return heard


def receipt(action: "Action") -> str:
    """What became of an action, with what the outside system answered."""
    return f"{action.state}: {json.dumps(action.receipt or action.fault or {}, ensure_ascii=False)}"


@contextmanager
def progress(*, lines: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """What a run is at and about how long it will still take, on stderr: one moving line on a terminal.

    `lines` says one line for each stage where stderr is no terminal; otherwise, and when quiet, nothing is said.
    """
    stages = _Seen()
    if VOICE.quiet or not (sys.stderr.isatty() or lines):
        yield lambda *_: None
    elif not sys.stderr.isatty():
        yield lambda stage, done, total: _line(stages, stage, done, total)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("start", total=None)

            def show(stage: str, done: int, total: int) -> None:
                words = stages.words(stage, done, total)
                bar.update(task, description=words, completed=done, total=total if done else None)

            yield show


@dataclass
class _Seen:
    """The stages of a run as they were told, for the estimate."""

    spent: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    begun: float = 0.0

    def words(self, stage: str, done: int, total: int) -> str:
        """The stage, its rows or cases, and the time that is left."""
        now = time.monotonic()
        if stage != self.stage:
            if self.stage:
                self.spent[self.stage] = self.spent.get(self.stage, 0.0) + now - self.begun
            self.stage, self.begun = stage, now
        seconds = left(self.spent, stage, now - self.begun)
        if done and stage == "agents":
            seconds = (seconds or 0.0) + (now - self.begun) / done * (total - done)
        what = f" {done:,} of {total:,} cases" if stage == "agents" and total else f" {total:,} rows" if total else ""
        return f"{stage}{what}" + (f", about {seconds:.0f} s left" if seconds is not None else "")


def _line(stages: _Seen, stage: str, done: int, total: int) -> None:
    if stage != stages.stage:
        sys.stderr.write(stages.words(stage, done, total) + "\n")
        sys.stderr.flush()


def countdown(seconds: float) -> None:
    """The undo window as it runs out: on one line of a terminal, once elsewhere."""
    words = f"leaves in {seconds:.0f} s; Ctrl-C leaves it approved, undo is in the workbench"
    if VOICE.quiet:
        return
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{words} \n" if seconds <= 1 else f"\r{words} ")
    elif not VOICE.counting:
        sys.stderr.write(f"{words}\n")
    VOICE.counting = True
    sys.stderr.flush()


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Rows under headers; `nothing` where there are none: an empty table does not say what was looked for."""
    if not rows:
        say(nothing)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for header in headers:
        # An id that is cut off cannot be copied: only the last column, its prose, gives way.
        shown.add_column(header, no_wrap=True, overflow="ellipsis" if header == headers[-1] else "fold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.width = max(console.width, _needed(headers, rows))
    console.print(shown)


_WIDE = 400
"""Characters of a line that is piped: nothing is cut, and `grep` finds it."""


def _needed(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The columns before the last at their full width, and some of the last."""
    widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers) - 1)]
    return sum(widths) + 2 * len(headers) + 24


def queue_table(records: Sequence["CaseRecord"]) -> None:
    """The queue, in the order in which it came."""
    headers = ("case", "severity", "amount", "pattern", "cause", "since", "owner", "title")
    rows = [
        (c.id, c.severity, f"{c.amount:,} {c.currency}", c.pattern, c.cause, str(c.onset or ""), r.owner or "", c.title)
        for r in records
        for c in [r.case]
    ]
    table(headers, rows, "No case here; `tieout run` makes them, and --state resolved shows those that are closed.")


def worth_table(rows: Sequence["JudgedBreak"]) -> None:
    """Breaks that are no alarm, with the id that `tieout feedback` takes."""
    headers = ("break", "case", "date", "difference", "pattern", "key", "why")
    lines = [
        (b.break_id, r.case_id, str(b.business_date or ""), f"{b.difference} {b.currency or ''}".strip(), b.pattern,
         " ".join(b.key.values()), b.reason)
        for r in rows
        for b in [r.brk]
    ]  # fmt: skip
    table(headers, lines, "Nothing that was left unflagged would teach anything now.")


def actions_table(actions: Sequence["Action"]) -> None:
    """The drafts and how far each has come."""
    from memory.verdicts import possible

    headers = ("action", "case", "kind", "state", "hash", "you can", "why")
    rows = [
        (a.id, a.case_id, a.kind, a.state, a.payload_hash[:12], ", ".join(possible(a)), a.rationale) for a in actions
    ]
    table(headers, rows, "No action here; `tieout run` drafts them where a recon file names a destination.")


def doors_table(doors: Sequence["Doorway"]) -> None:
    """The ways out, and why one is shut."""
    rows = [(d.name, "shut" if d.shut else "open", str(d.waiting), d.sentence) for d in doors]
    table(("door", "is", "waiting", "why"), rows, "No door: nothing can leave.")


def case_text(record: "CaseRecord", actions: Sequence["Action"], tracker: str) -> str:
    """One case to read: what is known, the precedents, and each draft; `tracker` names where tickets go."""
    case = record.case
    lines = [
        case.title,
        f"{case.id} · {case.state} · owner {record.owner or 'nobody'}",
        f"\n{case.summary}\n",
        *(f"  {e.id}  {e.statement}" for e in case.evidence),
        *(f"  {_believed(h)}{h.statement} [{', '.join(h.evidence_ids)}]" for h in case.hypotheses),
        *(f"  like {s.resolution_id} of {s.date} ({s.outcome}): {s.comment}" for s in case.similar),
    ]
    return "\n".join([*lines, *(f"\n{draft_text(action, tracker)}" for action in actions)])


def _believed(hypothesis: "Hypothesis") -> str:
    """How far a cause is believed; that nothing is proved is no belief."""
    known = hypothesis.cause != "unknown" or hypothesis.confidence < 1
    return f"{hypothesis.confidence:.0%} {hypothesis.cause}: " if known else ""


def draft_text(action: "Action", tracker: str) -> str:
    """A draft as its reader will see it, and the hash that an approval is bound to; the bytes are in `--json`."""
    from web.drafts import headline_of, prose_of, where_of

    facts = [*where_of(action, action.payload, tracker), ("Says", headline_of(action))]
    files = ", ".join(file["name"] for file in action.payload.get("attachments") or ())
    lines = [f"{action.id} · {action.kind} · {action.state}"]
    lines += [f"  {name:<9} {value}" for name, value in [*facts, ("Attached", files)] if value]
    prose = indent(prose_of(action), "  | ", lambda _: True)
    return "\n".join([*lines, prose, f"  hash      {action.payload_hash}"])


def day_of(option: str, said: str | None) -> date | None:
    """The day that an option says; raises BadInput."""
    try:
        return None if said is None else date.fromisoformat(said)
    except ValueError as error:
        msg = f"{option}: {said!r} is no day; write YYYY-MM-DD"
        raise BadInput(msg) from error


def pairs_of(words: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE words as a mapping. Raises BadInput."""
    found = {}
    for word in words:
        column, equals, value = word.partition("=")
        if not (column and equals and value):
            msg = f"{word!r}: write COLUMN=VALUE, in quotes where there are spaces"
            raise BadInput(msg)
        found[column] = value
    return found


def one_of(option: str, value: str, allowed: Sequence[str]) -> None:
    """Raises BadInput for a word that an option does not know."""
    if value not in allowed:
        msg = f"{option}: {value!r} is none of {', '.join(allowed)}"
        raise BadInput(msg)


def edited(action: "Action", payload: Path | None) -> dict[str, Any]:
    """The new payload, from a file or from the operator's editor. Raises BadInput."""
    import click

    if payload is None:
        text = click.edit(json.dumps(action.payload, indent=1, ensure_ascii=False), extension=".json")
        where = "the edited draft"
    else:
        text, where = read_text(payload), str(payload)
    if text is None:
        msg = f"{action.id}: nothing was changed; save the draft in the editor to change it"
        raise BadInput(msg)
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = f"{where}: this is no JSON: {error}"
        raise BadInput(msg) from error
    if not isinstance(found, dict):
        msg = f"{where}: a payload is a JSON object"
        raise BadInput(msg)
    return found


def read_text(path: Path) -> str:
    """A text file's content; raises BadInput when it is missing, a folder or no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        msg = f"{path}: cannot be read: {why}"
        raise BadInput(msg) from error


def writable_folder(option: str, folder: Path) -> None:
    """Makes the folder that an option names, before hours of work rely on it. Raises BadInput."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{option}: {folder}: cannot be made a folder: {error.strerror}"
        raise BadInput(msg) from error
    if not os.access(folder, os.W_OK):
        msg = f"{option}: {folder}: cannot be written"
        raise BadInput(msg)


def writable_file(option: str, path: Path) -> None:
    """Raises BadInput when the file that an option names cannot be written."""
    if path.is_dir():
        msg = f"{option}: {path}: this is a folder; name a file in it"
        raise BadInput(msg)
    if not path.parent.is_dir():
        msg = f"{option}: {path}: there is no folder {path.parent}; make it first"
        raise BadInput(msg)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        msg = f"{option}: {path}: cannot be written"
        raise BadInput(msg)
