"""Load on the workbench: p50 and p95 of queue, case, decision and first chat token, with many cases and users.

`python -m evals.bench_web --cases 100000 --users 20` fills a workspace, serves it by two workers and lets the users
work: each reads, thinks about a second, and goes on. The times are the client's, from request to whole answer.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx

from agents.desk import Desk
from memory.action import Draft
from memory.cases import CaseWrite
from memory.policy import Policy
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart
from recon.ids import case_id, scope_key
from recon.settings import Settings
from web.auth import issue_token

PATTERNS = ("spike", "level_shift", "in_line", "consistent_trend", "high_volatility", "recurring")
CAUSES = ("fx_rate", "duplicate", "scale", "timing", "missing_right", "fee_or_tax", "unknown")
SEVERITIES: tuple[Literal["high", "medium", "low"], ...] = ("high", "medium", "low", "low", "low")
ROOT = Path(__file__).resolve().parents[1]
SUMMARY = (
    "The difference of 14,878.20 is 1,189,240.00 x 0.01251: the rate of the day before [E1]. The GL side moved [E2]."
)


@dataclass(frozen=True)
class Load:
    """What is put on the service."""

    cases: int
    users: int
    seconds: float
    think: float
    workers: int


def made(n: int, today: date) -> CaseWrite:
    """The n-th case: different enough to sort and filter."""
    chance = random.Random(n)
    account, currency = f"{1000 + n % 4000}-NOSTRO", chance.choice(("USD", "EUR", "GBP", "JPY"))
    amount = Decimal(chance.randrange(1, 10**9)) / 100
    onset = today - timedelta(days=chance.randrange(40))
    scope = (ScopePart("Account", account), ScopePart("Currency", currency), ScopePart("Ref", str(n)))
    cause, pattern = chance.choice(CAUSES), chance.choice(PATTERNS)
    evidence = tuple(
        Evidence(f"E{i}", kind, f"{SUMMARY[:90]} Fact {i}.", {"difference": str(amount)}, (n,))
        for i, kind in enumerate(("proof", "side", "band", "onset", "break"), 1)
    )
    brk = BreakRow(
        f"B{n:016x}",
        f"I{n:016x}",
        n,
        onset,
        "Balance",
        {"Account": account, "Currency": currency},
        {"Desk": "Treasury"},
        "1204118.20",
        "1189240.00",
        str(amount),
        currency,
        True,
        "yes",
        chance.random(),
        0.001,
        0.0,
        -10.0,
        10.0,
        pattern,
        cause,
        "Far outside its band.",
    )
    case = Case(
        id=case_id("bench", cause, [(p.column, p.value) for p in scope], onset.isoformat()),
        kind="anomaly",
        state="open",
        title=f"{cause.replace('_', ' ').capitalize()}: Account {account}, Currency {currency}, {amount} {currency}",
        recon="bench",
        pattern=pattern,
        cause=cause,
        cause_detail="",
        confidence=chance.random(),
        severity=chance.choice(SEVERITIES),
        scope=scope,
        break_count=1,
        amount=amount,
        currency=currency,
        onset=onset,
        rows=(n,),
        evidence=evidence,
        hypotheses=(Hypothesis(cause, SUMMARY, 0.9, ("E1",)),),
        suspect_side="left",
        summary=SUMMARY,
        pair="Balance",
        key={"Account": account, "Currency": currency},
        amount_base=float(amount),
        last_date=onset,
    )
    spark = tuple(round(chance.gauss(0, 10), 1) for _ in range(20))
    return CaseWrite(case, (brk,), spark, brk.score, today + timedelta(days=chance.randrange(-3, 9)))


def fill(desk: Desk, load: Load) -> None:
    """Puts the cases on the desk, and drafts on every hundredth."""
    today = desk.clock().date()
    policy = Policy(jira_projects=("REC",), undo_seconds=600)
    for start in range(0, load.cases, 5000):
        writes = [made(n, today) for n in range(start, min(start + 5000, load.cases))]
        desk.cases.upsert_many(writes, "Rbench")
        for write in writes[::100]:
            case = write.case
            payload = {
                "project": "REC",
                "issuetype": "Task",
                "summary": case.title,
                "description": SUMMARY,
                "case_id": case.id,
            }
            key = scope_key("bench", case.cause, [(p.column, p.value) for p in case.scope])
            desk.ledger.draft(Draft(case.id, "bench", "jira.create", payload, "Proved [E1].", key, "0" * 64, policy))


class Times:
    """Seconds by what was asked."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = defaultdict(list)
        self.wrong = 0
        self.processor = 0.0
        """Processor seconds of the service while the users were at work: what a busy machine does not blur."""

    def per_answer(self) -> float:
        """Processor milliseconds of the service for one answer."""
        return round(1000 * self.processor / max(1, sum(map(len, self.of.values()))), 1)

    def rows(self) -> Iterator[dict[str, Any]]:
        for name, seconds in self.of.items():
            ordered = sorted(seconds)
            at = {q: round(1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))], 1) for q in (0.5, 0.95, 0.99)}
            yield {"what": name, "n": len(ordered), "p50_ms": at[0.5], "p95_ms": at[0.95], "p99_ms": at[0.99]}


async def ask(client: httpx.AsyncClient, times: Times, what: str, method: str, url: str, **more: Any) -> httpx.Response:
    began = time.perf_counter()
    answer = await client.request(method, url, **more)
    times.of[what].append(time.perf_counter() - began)
    times.wrong += answer.status_code >= 400
    return answer


async def first_token(client: httpx.AsyncClient, times: Times, case: str) -> None:
    began = time.perf_counter()
    async with client.stream("POST", f"/api/v1/cases/{case}/chat", json={"question": "Why did this break?"}) as stream:
        told = False
        async for line in stream.aiter_lines():
            if line.startswith("event: token") and not told:
                times.of["first chat token"].append(time.perf_counter() - began)
                told = True


async def user(n: int, client: httpx.AsyncClient, times: Times, load: Load, until: float, drafts: list[Any]) -> None:
    """Reads the queue, opens a case, decides now and then, asks now and then."""
    chance = random.Random(n)
    urls = ("/", "/?view=waiting", "/?sort=-amount", "/?cause=fx_rate", "/?q=nostro+usd", "/?view=late", "/?view=new")
    await asyncio.sleep(chance.random() * load.think)
    turn = 0
    while time.perf_counter() < until:
        turn += 1
        page = await ask(client, times, "queue", "GET", chance.choice(urls))
        ids = [part.split('"')[0] for part in page.text.split('data-case="')[1:]]
        await asyncio.sleep(chance.expovariate(1 / load.think))
        case = chance.choice(ids) if ids else ""
        if case:
            await ask(client, times, "case", "GET", f"/?case={case}", headers={"x-part": "case"})
        if turn % 3 == 0 and drafts:
            action = drafts.pop()
            body = {"decision": "approve", "payload_hash": action["payload_hash"]}
            await ask(client, times, "decision", "POST", f"/api/v1/actions/{action['id']}/decision", json=body)
        if turn % 5 == n % 5 and case:
            await first_token(client, times, case)
        await asyncio.sleep(chance.expovariate(1 / load.think))


def processor_seconds(root: int) -> float:
    """Processor time so far of a process and its children, from /proc; 0 where there is none."""
    parents: dict[int, tuple[int, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            parents[int(stat.parent.name)] = (int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"))
    ours = {root}
    for _ in range(4):
        ours |= {pid for pid, (parent, _) in parents.items() if parent in ours}
    return sum(parents[pid][1] for pid in ours if pid in parents)


async def drive(base: str, token: str, load: Load, server: int) -> Times:
    times, warm = Times(), Times()
    headers = {"authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60, limits=limits) as client:
        drafts = (await client.get("/api/v1/actions", params={"state": "pending", "limit": 500})).json()["items"]
        quick = replace(load, think=0.3)
        until = time.perf_counter() + 4
        await asyncio.gather(*(user(n, client, warm, quick, until, []) for n in range(4)))
        until, before = time.perf_counter() + load.seconds, processor_seconds(server)
        await asyncio.gather(*(user(n, client, times, load, until, drafts) for n in range(load.users)))
        times.processor = processor_seconds(server) - before
    return times


def served(home: Path, load: Load) -> tuple[subprocess.Popen[bytes], str]:
    """The service on a free port; the executor stays out, so that nothing but the web is measured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "TIEOUT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "server:app",
        "--port",
        str(port),
        "--workers",
        str(load.workers),
        "--log-level",
        "warning",
        "--no-proxy-headers",
    ]
    process = subprocess.Popen(command, cwd=home, env=env)
    base = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if httpx.get(f"{base}/readyz", timeout=5).status_code == 200:
                return process, base
        except httpx.TransportError:
            if process.poll() is not None:
                msg = f"the service ended with status {process.returncode}; what it said stands above"
                raise RuntimeError(msg) from None
            time.sleep(0.2)
    process.terminate()
    msg = "the service did not start"
    raise RuntimeError(msg)


def bench(load: Load, home: Path) -> dict[str, Any]:
    """Fills (once), serves, drives; the times as JSON."""
    from server import open_desk

    desk = open_desk(Settings(home=home))
    if desk.cases.count(_every(), at_most=1) == 0:
        began = time.perf_counter()
        fill(desk, load)
        sys.stderr.write(f"{load.cases:,} cases in {time.perf_counter() - began:.0f} s\n")
    token = issue_token(desk.db, "bench", "approver", timedelta(hours=2))
    desk.db.close()
    process, base = served(home, load)
    try:
        times = asyncio.run(drive(base, token, load, process.pid))
    finally:
        process.terminate()
        process.wait(30)
    rows = list(times.rows())
    return {"load": vars(load), "wrong": times.wrong, "processor_ms_per_answer": times.per_answer(), "times": rows}


def _every() -> Any:
    from memory.case_query import CaseQuery

    return CaseQuery()


def main() -> None:
    """Prints the table."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--cases", type=int, default=100_000)
    said.add_argument("--users", type=int, default=20)
    said.add_argument("--seconds", type=float, default=20)
    said.add_argument("--think", type=float, default=1.0)
    said.add_argument("--workers", type=int, default=2)
    said.add_argument("--home", type=Path, default=None, help="A workspace to keep between runs.")
    said.add_argument("--json", action="store_true")
    asked = said.parse_args()
    load = Load(asked.cases, asked.users, asked.seconds, asked.think, asked.workers)
    with tempfile.TemporaryDirectory() as folder:
        found = bench(load, asked.home or Path(folder))
    if asked.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for row in found["times"]:
        sys.stdout.write("{what:18} n {n:5}  p50 {p50_ms:7} ms  p95 {p95_ms:7} ms  p99 {p99_ms:7} ms\n".format(**row))
    sys.stdout.write(f"{found['processor_ms_per_answer']} ms of the service's processor time an answer\n")
    sys.stdout.write(f"{found['wrong']} answers were refusals or faults\n")


if __name__ == "__main__":
    main()
