"""The second half of `make fuzz`: hostile JSON into the decision and case routes, hostile workbooks into the import."""

import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from agents.desk import Desk
from evals.desk import eval_desk, make_case, put
from memory.action import Draft, Person
from memory.case_query import CaseQuery
from memory.policy import Policy
from recon.errors import BadInput
from recon.ids import scope_key

SLOW: Final = 2.0
"""Seconds that one request or one workbook may take."""
VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 1e308, 10**40, "", "\x00", "\ud800", "=1+1", "9" * 5_000, "../..", "' OR 1=1 --", [], [[]] * 50, {},
    {"a": {"b": [None]}}, "approve", "snooze", "2026-02-30", "NaN",
)  # fmt: skip
ROUTES: Final = (
    ("POST", "/api/v1/actions/{id}/decision", {"decision": "approve", "payload_hash": "0" * 64, "note": "x"}),
    ("PATCH", "/api/v1/cases/{id}", {"owner": "me", "note": "x"}),
    ("POST", "/api/v1/resolutions", {"items": [{"recon": "eval", "comment": "x", "business_date": "2026-11-01"}]}),
    ("POST", "/api/v1/breaks", {"recon": "eval", "rows": [{"date": "2026-11-01", "left": "1", "right": "2"}]}),
    ("PUT", "/api/v1/recons/eval", {"target_fdr": 0.1}),
)


def body(rng: Random, said: dict[str, Any]) -> bytes:
    """A body of the route with a value, a name or some bytes exchanged."""
    made = dict(said)
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        made[rng.choice([*said, "extra", "payload"])] = rng.choice(VALUES)
    data = bytearray(json.dumps(made).encode())
    if rng.random() < 0.3:
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 3)] = rng.randbytes(2)
    return bytes(data)


def workbook(rng: Random, book: Path, path: Path) -> None:
    """Our own export with bytes of one of its parts exchanged; the archive itself stays whole."""
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(path, "w") as out:
        hit = rng.choice(source.namelist())
        for name in source.namelist():
            data = bytearray(source.read(name))
            if name == hit and data:
                for _ in range(rng.randint(1, 4)):
                    at = rng.randrange(len(data))
                    data[at : at + rng.randint(0, 6)] = rng.choice(
                        (b"", b"=1+1", b"<", b"9999999999", rng.randbytes(3))
                    )
            out.writestr(name, bytes(data))


def run_desk(cases: int, seed: int) -> list[str]:
    """The faults found in `cases` requests and workbooks: one workbook in ten."""
    rng = Random(seed)
    with eval_desk() as desk:
        put(desk, *(make_case(rng, n) for n in range(3)))
        draft = _pending(desk)
        return list(_faults(desk, rng, cases, draft))


def _pending(desk: Desk) -> str:
    """A draft that waits for a decision; no hash that is sent is its own."""
    case = desk.cases.page(CaseQuery(limit=1)).records[0].case
    payload = {"project": "REC", "issuetype": "Task", "summary": "s", "description": "d", "case_id": case.id}
    key = scope_key("eval", case.cause, [(p.column, p.value) for p in case.scope])
    policy = Policy(jira_projects=("REC",))
    return desk.ledger.draft(Draft(case.id, "eval", "jira.create", payload, "x", key, "0" * 64, policy)).id


def _faults(desk: Desk, rng: Random, cases: int, draft: str) -> Iterator[str]:
    from fastapi.testclient import TestClient

    from server import create_app
    from web.auth import issue_token
    from web.excel import export_queue

    token = issue_token(desk.db, "fuzz", "admin")
    client = TestClient(create_app(desk, executor=False), "http://127.0.0.1", raise_server_exceptions=False)
    client.headers |= {"authorization": f"Bearer {token}", "content-type": "application/json"}
    home = Path(desk.settings.home)
    export_queue(desk, home / "queue.xlsx")
    case = desk.cases.page(CaseQuery(limit=1)).records[0].case.id
    for method, path, said in ROUTES:  # the first of a route imports what it needs
        client.request(method, path.format(id=case), json=said)
    for n in range(cases):
        begun = time.monotonic()
        fault = _book(desk, rng, home) if n % 10 == 9 else _request(client, rng, (case, draft, "nothing"))
        if fault is None and time.monotonic() - begun > SLOW:
            fault = f"took {time.monotonic() - begun:.1f} s"
        if fault is not None:
            yield f"case {n}: {fault}"
    done = [a.id for state in ("approved", "executing", "done") for a in desk.ledger.list(state=state)]
    if done:
        yield f"actions went out: {done}"


def _request(client: Any, rng: Random, targets: tuple[str, ...]) -> str | None:
    method, path, said = rng.choice(ROUTES)
    sent = body(rng, said)
    answer = client.request(method, path.format(id=rng.choice(targets)), content=sent)
    return f"{method} {path}: {answer.status_code}  <- {sent!r}" if answer.status_code >= 500 else None


def _book(desk: Desk, rng: Random, home: Path) -> str | None:
    from web.edits import import_queue

    path = home / "hostile.xlsx"
    workbook(rng, home / "queue.xlsx", path)
    try:
        import_queue(desk, path, apply=rng.random() < 0.5, by=Person("fuzz", "operator"))
    except BadInput as told:
        return f"workbook: more than one line: {told}" if "\n" in str(told) else None
    except Exception as fault:
        return f"workbook: {type(fault).__name__}: {fault}"
    return None
