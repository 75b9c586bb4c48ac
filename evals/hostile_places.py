"""The five places at which a stranger's words come in, each as it happens: by a run, an answer or a question."""

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from agents.assistant import ask
from agents.graph import in_own_loop, redraft
from agents.replies import hear
from agents.run import RunRequest
from agents.run import run as run_job
from evals.hostile_scene import FIXED, MASKED, OPERATOR, Scene
from memory.schema import ticket_links
from recon.recon_file import parse_recon_file
from tools.actions.door import Reply

TOGETHER: Final = 6
"""Strings that come in as the cells of one reconciliation."""


def recon_body(name: str, account: str = "Account") -> dict[str, Any]:
    """A recon file that masks its account and sends everything to one desk."""
    route = {
        "when": {},
        "jira": FIXED["jira.create"],
        "email": FIXED["email.send"],
    }
    return {
        "name": name,
        "sources": {"left": "GL", "right": "IHub"},
        "columns": {
            "key": [account, "Currency"],
            "criteria": [{"left": "GL Balance", "right": "IHub Balance", "tolerance": "1"}],
            "date": "As of Date",
            "status": "Match Status",
            "comment": "Comments",
        },
        "currency": "Currency",
        "mask": [account],
        "routing": [route],
        "allow": {"email_domains": ["bank.example"], "jira_projects": ["REC"]},
    }


def _rows(n: int, words: str) -> Iterator[tuple[str, list[str]]]:
    """(which file, row): a year of an account that broke once before, with the words in its cells, and breaks today."""
    day = date(2026, 10, 30)
    for back in range(12, -1, -1):
        on = day - timedelta(days=30 * back)
        left = 50_000 + 997 * n
        broken = back in (0, 4)
        right = left - (1234 + n if broken else 0)
        status, said = ("Break", words) if broken else ("Match", "")
        row = [f"{MASKED}{n:04d}", "USD", on.isoformat(), str(left), str(right), status, said, words]
        yield ("current" if back == 0 else "history"), row


HEADER: Final = ("Currency", "As of Date", "GL Balance", "IHub Balance", "Match Status", "Comments", "Desk")


def _job(at: Scene, recon: str, files: tuple[Path, Path], account: str = "Account") -> None:
    said = parse_recon_file(recon_body(recon, account), recon)
    request = RunRequest((files[1],), (files[0],), said, recon, today=date(2026, 11, 2), out=at.folder / f"out-{recon}")
    at.cases += run_job(at.desk, request).case_ids


def in_cells(at: Scene, strings: Sequence[str]) -> None:
    """As the comment and the desk of a break, now and in the past; a few strings to a reconciliation."""
    for start in range(0, len(strings), TOGETHER):
        rows = [row for n, words in enumerate(strings[start : start + TOGETHER]) for row in _rows(start + n, words)]
        _job(at, f"cells{start}", _files(at.folder, f"cells{start}", ("Account", *HEADER), rows))


def _files(folder: Path, name: str, header: Sequence[str], rows: Sequence[tuple[str, list[str]]]) -> tuple[Path, Path]:
    """The history and the current file."""
    made = []
    for which in ("history", "current"):
        path = folder / f"{name}-{which}.csv"
        with path.open("w", encoding="utf-8", newline="") as sink:
            csv.writer(sink).writerows([header, *(row for file, row in rows if file == which)])
        made.append(path)
    return made[0], made[1]


def in_headers(at: Scene, strings: Sequence[str]) -> None:
    """As the name of the key column, which is masked."""
    for n, words in enumerate(strings):
        name = _cell(words)
        _job(at, f"headers{n}", _files(at.folder, f"headers{n}", (name, *HEADER), list(_rows(n, "late"))), name)


def _cell(words: str) -> str:
    """A header as a recon file can name it: one line, no control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:180] or "empty"


def in_file_names(at: Scene, strings: Sequence[str]) -> None:
    """As the name of the current file, and of the reconciliation that is named after it."""
    for n, words in enumerate(strings):
        stem = "".join("_" if c in "/\x00" else c for c in words).encode()[:180].decode("utf-8", "ignore") or "x"
        folder = at.folder / f"names{n}"
        folder.mkdir()
        files = _files(folder, stem, ("Account", *HEADER), list(_rows(n, "late")))
        _job(at, f"names{n} {stem}"[:190], files)


def in_replies(at: Scene, strings: Sequence[str]) -> None:
    """As an answer to a ticket of ours, read back by the sweep, in a chat and in a new draft."""
    case_id = _one_case(at)
    link = {"scope_key": "s", "ticket": "REC-1", "door": "jira", "case_id": case_id, "state": "open", "url": ""}
    with at.desk.db.begin() as connection:
        connection.execute(sa.insert(ticket_links).values(**link, created_at=at.desk.clock()))
    for n, words in enumerate(strings):
        at.spy.answers = [Reply(f"jira:REC-1:{n}", words, words, "REC-1", "2026-11-02")]
        hear(at.desk)
        _asked(at, case_id, "what did they answer on the ticket?")
        if n % 10 == 0:
            in_own_loop(redraft(at.desk, case_id, "shorter, please", OPERATOR))


def in_chat(at: Scene, strings: Sequence[str]) -> None:
    """As the operator's own question: pasted from somewhere, or typed by somebody at an unlocked screen."""
    case_id = _one_case(at)
    for words in strings:
        _asked(at, case_id, words)


def _one_case(at: Scene) -> str:
    in_cells(at, ["late booking"])
    return at.cases[0]


def _asked(at: Scene, case_id: str, question: str) -> None:
    async def listen() -> list[str]:
        return [str(event) async for event in ask(at.desk, case_id, question, OPERATOR)]

    asyncio.run(listen())


PLACES: Final[dict[str, Callable[[Scene, Sequence[str]], None]]] = {
    "cell": in_cells,
    "header": in_headers,
    "file name": in_file_names,
    "Jira comment or mail reply": in_replies,
    "chat": in_chat,
}
