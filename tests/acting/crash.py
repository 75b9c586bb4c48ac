"""The crash harness: workers are killed at every step, alone and in pairs, and what was promised is checked.

No action is done twice, no approval is lost, no `done` is false, and the audit tells of each change.
`python -m tests.acting.crash --trials 10000` prints a line per world; it ends with status 1 when a promise was broken.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from memory.action import Action
from memory.schema import actions
from tests.acting.bugs import BUGS
from tests.acting.desk import BOB, POLICY, TestDesk, open_desk, wanted
from tests.acting.jira_server.server import TOKEN
from tests.acting.outsides import OUTSIDES, Outside, jira_outside
from tests.acting.postgres import postgres_url
from tests.acting.workers import LEASE, STEPS, Order, Workers

DOORS = ("jira-cloud", "jira-dc", "smtp", "outbox", "webhook")
DATABASES = ("sqlite", "postgres")
SCENARIOS = (
    "plain", "plain", "plain", "lost_before", "lost_after", "killed_before", "killed_after",
    "edited", "altered", "race", "zombie", "early", "twins",
)  # fmt: skip
INDEX_LAG = {"jira-cloud": 100.0, "jira-dc": 20.0}
"""Seconds by which the search lags; the settle times are 180 and 30."""


@dataclass(frozen=True)
class Plan:
    """One trial: what happens outside, and where the workers die, one after the other."""

    seed: int
    scenario: str
    kills: tuple[tuple[str, int], ...]
    approve_kill: str = ""
    bug: str = ""

    def __str__(self) -> str:
        deaths = ", ".join(f"{step}#{n}" for step, n in self.kills) or "none"
        return f"seed {self.seed}: {self.scenario}, deaths at {deaths}, approving: {self.approve_kill or 'lives'}"


def make_plan(seed: int, *, bug: str = "") -> Plan:
    """The trial of a seed; a planted bug gets the scenario in which it can show itself."""
    chance = random.Random(seed)
    deaths = [(chance.choice((*STEPS, "commit", "committed")), chance.randint(1, 2)) for _ in range(2)]
    kills = tuple(deaths[: chance.choice((0, 1, 1, 2, 2))])
    approve_kill = chance.choice(("", "", "", "commit", "committed"))
    if not bug:
        return Plan(seed, chance.choice(SCENARIOS), kills, approve_kill)
    where = BUGS[bug]
    if bug == "answer_before_commit":
        return Plan(seed, where.scenario, (), "commit", bug)
    death = ((where.kill_at, chance.randint(1, 4) if where.kill_at == "committed" else 1),) if where.kill_at else ()
    return Plan(seed, where.scenario, death, "", bug)


class World:
    """One outside system and one database, used by many trials one after the other."""

    def __init__(self, name: str, outside: Outside, desk: TestDesk, workers: Workers, url: str) -> None:
        self.name = name
        self._outside = outside
        self._desk = desk
        self._workers = workers
        self._url = url
        self._number = 0

    def trial(self, plan: Plan) -> list[str]:
        """The promises that this trial broke; none is what is wanted."""
        self._number += 1
        self._forget_faults()
        twins = plan.scenario == "twins" and self._outside.kind == "jira.create"
        drafts = [self._draft(n) for n in range(2 if twins else 1)]
        seen = [(draft.id, draft.payload_hash) for draft in drafts]
        if plan.scenario == "edited":
            self._edit(drafts[0])
        broken = [fault for pair in seen for fault in self._approve(plan, *pair)]
        if plan.scenario == "altered":
            self._alter(drafts[0].id)
        if plan.scenario == "early":
            self._execute(plan, "", 1)
            early = [draft.id for draft in drafts if self._outside.arrived(draft.id)]
            broken += [f"{action_id} left within its undo window" for action_id in early]
        self._desk.clock.move(POLICY.undo_seconds)
        self._prepare_fault(plan)
        self._die(plan)
        self._settle(plan)
        for draft in drafts:
            broken += self._promises(plan, draft)
        if twins and sum(self._outside.arrived(draft.id) for draft in drafts) > 1:
            broken.append("one scope has two tickets")
        return [f"{self.name}: {plan}: {fault}" for fault in broken]

    def _draft(self, n: int) -> Action:
        case = f"C{self._number}-{n}"
        scope = hashlib.sha256(str(self._number).encode()).hexdigest()
        payload = {**self._outside.payload, **({"case_id": case} if self._outside.kind == "jira.create" else {})}
        if self._outside.kind == "jira.create":
            payload["assignee"] = None
        policy = replace(POLICY, webhooks=(self._outside.payload.get("url", ""),))
        return self._desk.ledger.draft(
            wanted(self._outside.kind, payload, case_id=case, scope_key=scope, policy=policy)
        )

    def _edit(self, draft: Action) -> None:
        """Between the approver's look and click somebody edits."""
        field, text = {
            "jira.create": ("summary", "Something else"),
            "email.send": ("subject", "Something else"),
            "webhook.call": ("event", "something.else"),
        }[draft.kind]
        self._desk.ledger.decide(draft.id, "edit", draft.payload_hash, BOB, {**draft.payload, field: text})

    def _alter(self, action_id: str) -> None:
        """Somebody with a database client changes what was approved."""
        with self._desk.db.begin() as conn:
            text = conn.execute(sa.select(actions.c.payload).where(actions.c.id == action_id)).scalar_one()
            altered = (
                text.replace("a", "b", 1)
                if "bank" not in text
                else text.replace("rate", "fate").replace("20000", "90000")
            )
            conn.execute(sa.update(actions).where(actions.c.id == action_id).values(payload=altered))

    def _approve(self, plan: Plan, action_id: str, seen: str) -> list[str]:
        """Approves in a worker that may die around the commit; what it answered must be true."""
        report = Path(self._desk.settings.home) / f"report-{self._number}-{action_id}"
        order = self._order(plan, job="approve", action_id=action_id, seen_hash=seen, report=str(report))
        broken = []
        for kill in (plan.approve_kill, ""):
            self._workers.run(replace(order, kill_at=kill, kill_nth=1))
            stands = self._desk.ledger.get(action_id).state != "pending"
            if report.exists() and not stands and plan.scenario != "edited":
                broken.append(f"{action_id}: the approval was answered and is not there")
            if stands and plan.scenario == "edited":
                broken.append(f"{action_id}: bytes were approved that nobody saw")
            if stands:
                break
        return broken

    def _prepare_fault(self, plan: Plan) -> None:
        if self._outside.lose is None:
            return
        if plan.scenario in ("lost_before", "killed_before"):
            self._outside.lose(False)
        if plan.scenario in ("lost_after", "killed_after"):
            self._outside.lose(True)

    def _die(self, plan: Plan) -> None:
        """Workers one after the other, each dying at its step; time passes between them."""
        if plan.scenario == "race":
            pids = [self._workers.start(self._order(plan)) for _ in range(2)]
            for pid in pids:
                self._workers.wait(pid)
        if plan.scenario == "zombie":
            self._zombie(plan)
        if plan.scenario.startswith("killed"):
            self._kill_within_the_call(plan)
        if plan.scenario in ("zombie",):
            return
        for step, nth in plan.kills:
            self._execute(plan, step, nth)
            self._desk.clock.move(random.Random(plan.seed).choice((1.0, LEASE + 1)))

    def _zombie(self, plan: Plan) -> None:
        """One worker freezes; its lease runs out; another takes over; the first wakes up."""
        step = BUGS[plan.bug].kill_at if plan.bug else "claimed"
        pid = self._workers.start(self._order(plan, kill_at=step, kill_nth=1, stop=True))
        state = self._workers.wait(pid)
        if plan.bug != "lease_ignored":
            self._desk.clock.move(LEASE + 1)
        self._execute(plan, "", 1)
        if state == "stopped":
            os.kill(pid, signal.SIGCONT)
            self._workers.wait(pid)

    def _kill_within_the_call(self, plan: Plan) -> None:
        server = (self._outside.also or {}).get("server")
        if server is None:
            return
        started: list[int] = []

        def kill() -> None:
            end = time.monotonic() + 5
            while not started and time.monotonic() < end:
                time.sleep(0.001)
            os.kill(started[0], signal.SIGKILL)

        server.on_drop = kill
        started.append(self._workers.start(self._order(plan)))
        self._workers.wait(started[0])
        server.on_drop = None
        self._desk.clock.move(LEASE + 1)

    def _settle(self, plan: Plan) -> None:
        """Workers that live, and time, until nothing moves any more."""
        for pause in (2.0, 10.0, LEASE + 1, *[30.0] * 40):
            self._execute(plan, "", 1)
            if not self._moving():
                return
            self._desk.clock.move(pause)

    def _moving(self) -> bool:
        return bool(self._desk.ledger.list(state=("approved", "executing", "checking"), limit=1))

    def _promises(self, plan: Plan, draft: Action) -> list[str]:
        action = self._desk.ledger.get(draft.id)
        times = self._outside.arrived(draft.id)
        broken = []
        if times > 1:
            broken.append(f"{action.id} arrived {times} times")
        if action.state == "done" and times == 0:
            broken.append(f"{action.id} is done and never arrived")
        if action.state == "done" and not action.receipt:
            broken.append(f"{action.id} is done without a receipt")
        if action.state in ("approved", "executing", "checking"):
            broken.append(f"{action.id} is stuck in {action.state}")
        if plan.scenario == "altered" and times:
            broken.append(f"{action.id} left with bytes that nobody approved")
        if plan.scenario == "edited" and times:
            broken.append(f"{action.id} left and nobody approved it")
        can_look = self._outside.door.recovery(self._outside.kind).can_look
        usual = plan.scenario not in ("edited", "altered", "twins")
        if usual and can_look and action.state != "done" and not self._is_lost_twice(action, times):
            broken.append(f"{action.id} could be found out and is {action.state}: {action.fault}")
        if usual and not can_look and action.state not in ("done", "unknown"):
            broken.append(f"{action.id} is lost: {action.state}: {action.fault}")
        told = {row.what for row in self._desk.audit.rows(target=action.id)}
        wanted_rows = {
            "done": {"drafted", "approved", "sending", "done"},
            "unknown": {"approved", "sending", "unknown"},
        }
        missing = wanted_rows.get(action.state, set()) - told
        if missing:
            broken.append(f"{action.id} is {action.state} and the audit lacks {', '.join(sorted(missing))}")
        return broken

    def _is_lost_twice(self, action: Action, times: int) -> bool:
        """Sent, lost, sent once more and lost again, by a death and a drop: then a person decides, and rightly so."""
        sent = [row.what for row in self._desk.audit.rows(target=action.id)].count("sending")
        return action.state == "unknown" and action.resent == 1 and sent == 2 and times == 0

    def _execute(self, plan: Plan, kill_at: str, nth: int) -> str:
        return self._workers.run(self._order(plan, kill_at=kill_at, kill_nth=nth))

    def _order(self, plan: Plan, **also: Any) -> Order:
        given = {
            "job": "execute",
            "url": self._url,
            "home": str(self._desk.settings.home),
            "now": self._desk.clock.now.isoformat(),
            "door": self._outside.name,
            "address": _address(self._outside, self._desk),
            "bug": plan.bug,
        }
        return Order(**{**given, **also})

    def _forget_faults(self) -> None:
        server = (self._outside.also or {}).get("server")
        if server is not None:
            server.faults.clear()
        with self._desk.db.begin() as conn:
            conn.exec_driver_sql("DELETE FROM doors")


def _address(outside: Outside, desk: TestDesk) -> str:
    server = (outside.also or {}).get("server")
    match outside.name:
        case "jira-cloud" | "jira-dc":
            return f"{server.user or '-'} {TOKEN} {server.url}"  # type: ignore[union-attr]
        case "smtp":
            return str(server.port)  # type: ignore[union-attr]
        case "outbox":
            return str(Path(desk.settings.home) / "outbox")
        case _:
            return "-"


@contextmanager
def open_world(door: str, url: str, home: Path, workers: Workers) -> Iterator[World]:
    """A world on a migrated, empty database."""
    desk = open_desk(url, home)
    backend = "sqlite" if url.startswith("sqlite") else "postgres"
    opened = jira_outside(door[5:], desk, INDEX_LAG[door]) if door in INDEX_LAG else OUTSIDES[door](desk)
    with opened as outside:
        yield World(f"{door} on {backend}", outside, desk, workers, url)
    desk.db.close()


@contextmanager
def databases(folder: Path, postgres: str | None) -> Iterator[dict[str, str]]:
    """An empty, migrated database of each kind that can be had: backend -> address."""
    made = {"sqlite": f"sqlite:///{folder / 'tieout.db'}"}
    name = f"tieout_crash_{uuid.uuid4().hex[:10]}"
    if postgres is not None:
        with psycopg.connect(postgres, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
        url = sa.make_url(postgres).set(drivername="postgresql+psycopg", database=name)
        made["postgres"] = url.render_as_string(hide_password=False)
    for url_text in made.values():
        desk = open_desk(url_text, folder)
        desk.db.upgrade()
        desk.db.close()
    try:
        yield made
    finally:
        if postgres is not None:
            with psycopg.connect(postgres, autocommit=True) as conn:
                conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: a killed process loses nothing that it wrote there, and fsync is free."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)


def run_trials(trials: int, seed: int, *, say: Any = lambda line: None) -> list[str]:
    """Spreads trials over all worlds; gives back each broken promise with its plan."""
    broken: list[str] = []
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())
        folder = Path(stack.enter_context(scratch()))
        postgres = stack.enter_context(postgres_url(folder / "server"))
        bases = stack.enter_context(databases(folder, postgres))
        worlds = [(door, backend) for door in DOORS for backend in bases]
        for n, (door, backend) in enumerate(worlds):
            share = trials // len(worlds) + (n < trials % len(worlds))
            home = folder / f"{door}-{backend}"
            home.mkdir()
            with _fresh(bases[backend], home, backend) as url, open_world(door, url, home, workers) as world:
                started, found = time.monotonic(), Counter[str]()
                for k in range(share):
                    plan = make_plan(seed + n * 1_000_000 + k)
                    fresh = world.trial(plan)
                    for fault in fresh:
                        say(f"BROKEN {fault}")
                    broken += fresh
                    found[plan.scenario] += 1
                verdict = world._desk.audit.verify()
                if not verdict.ok:
                    broken.append(f"{world.name}: {verdict.sentence}")
                took = time.monotonic() - started
                say(f"{world.name}: {share} trials in {took:.1f} s, {len(broken)} broken so far; {verdict.sentence}")
    return broken


@contextmanager
def _fresh(url: str, home: Path, backend: str) -> Iterator[str]:
    """A database of the world's own: a copy of the empty one."""
    if backend == "sqlite":
        path = home / "tieout.db"
        shutil.copy(url.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    made = sa.make_url(url)
    name = f"{made.database}_{uuid.uuid4().hex[:6]}"
    admin = made.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{made.database}"')
    try:
        yield made.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def hunt(bug: str, *, tries: int = 12, seed: int = 1) -> list[str]:
    """Plants a bug and tries until a promise is broken; an empty list means that it was not caught."""
    door = BUGS[bug].door
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())
        folder = Path(stack.enter_context(scratch()))
        bases = stack.enter_context(databases(folder, None))
        with open_world(door, bases["sqlite"], folder, workers) as world:
            for k in range(tries):
                broken = world.trial(make_plan(seed + k, bug=bug))
                if broken:
                    return broken
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bugs", action="store_true", help="plant each known bug instead and see it caught")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant this one")
    asked = parser.parse_args()
    if asked.bugs or asked.bug:
        missed = []
        for bug in [asked.bug] if asked.bug else BUGS:
            broken = hunt(bug, seed=asked.seed)
            print(f"{bug}: {'caught: ' + broken[0] if broken else 'MISSED'}", flush=True)
            missed += [] if broken else [bug]
        sys.exit(1 if missed else 0)
    broken = run_trials(asked.trials, asked.seed, say=lambda line: print(line, flush=True))
    for fault in broken:
        print(f"BROKEN {fault}")
    print(f"{asked.trials} trials, {len(broken)} broken promises")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
