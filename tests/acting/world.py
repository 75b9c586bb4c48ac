"""One outside system and one database, in which crash trials run one after the other."""

import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from agents.executor import Executor
from memory.action import Action, StaleHash
from memory.audit import Verdict
from memory.schema import actions
from tests.acting.bugs import BUGS
from tests.acting.desk import ANN, BOB, POLICY, TestDesk, open_desk, wanted
from tests.acting.jira_server.server import TOKEN
from tests.acting.outsides import OUTSIDES, Outside, jira_outside
from tests.acting.plans import Plan
from tests.acting.promises import MOVING, Ending, broken_promises
from tests.acting.workers import LEASE, Order, Workers, door_of

INDEX_LAG = {"jira-cloud": 100.0, "jira-dc": 20.0}
"""Seconds by which the search lags; the settle times are 180 and 30."""


class World:
    """Workers that are to die are forked; those that live work in this process, which costs a tenth."""

    def __init__(self, name: str, outside: Outside, desk: TestDesk, workers: Workers, url: str) -> None:
        self.name = name
        self.deaths = Counter[str]()
        """How often a worker really died at a step."""
        self._outside = outside
        self._desk = desk
        self._workers = workers
        self._url = url
        self._number = 0
        self._failed: list[str] = []
        workers.warm(self._order(None))
        desk.put(door_of(outside.name, _address(outside, desk)))
        self._survivor = Executor(desk, lease_seconds=LEASE, monotonic=desk.clock.monotonic, boot="test")

    def trial(self, plan: Plan) -> list[str]:
        """The promises that this trial broke; none is what is wanted."""
        self._number += 1
        self._failed = []
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
            self._execute(plan)
            early = [draft.id for draft in drafts if self._outside.arrived(draft.id)]
            broken += [f"{action_id} left within its undo window" for action_id in early]
        self._desk.clock.move(POLICY.undo_seconds)
        self._prepare_fault(plan)
        self._die(plan)
        self._settle(plan)
        for draft in drafts:
            broken += broken_promises(plan, self._ending(draft))
        if twins and sum(self._outside.arrived(draft.id) for draft in drafts) > 1:
            broken.append("one scope has two tickets")
        return [f"{self.name}: {plan}: {fault}" for fault in (*broken, *self._failed)]

    def verify(self) -> Verdict:
        """The audit of all trials so far."""
        return self._desk.audit.verify()

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
            self._run(replace(order, kill_at=kill))
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
                self._ended(self._workers.wait(pid), "")
        if plan.scenario == "zombie":
            self._zombie(plan)
            return
        if plan.scenario.startswith("killed"):
            self._kill_within_the_call(plan)
        for step, nth in plan.kills:
            self._run(self._order(plan, kill_at=step, kill_nth=nth))
            self._desk.clock.move(random.Random(plan.seed).choice((1.0, LEASE + 1)))

    def _zombie(self, plan: Plan) -> None:
        """One worker freezes; its lease runs out; others take over and may die; the first wakes up, in every second
        trial only when they have come to an end."""
        step, nth = (BUGS[plan.bug].kill_at, 1) if plan.bug else next(iter(plan.kills), ("claimed", 1))
        if step == "commit":
            step = "committed"  # frozen within a transaction it would hold the write lock, and everybody would wait
        pid = self._workers.start(self._order(plan, kill_at=step, kill_nth=nth, stop=True))
        state = self._workers.wait(pid)
        if plan.bug != "lease_ignored":
            self._desk.clock.move(LEASE + 1)
        for step, nth in () if plan.bug else plan.kills[1:]:
            self._run(self._order(plan, kill_at=step, kill_nth=nth))
            self._desk.clock.move(LEASE + 1)
        if plan.seed % 2:
            self._settle(plan)
        else:
            self._execute(plan)
        if state == "stopped":
            os.kill(pid, signal.SIGCONT)
            state = self._workers.wait(pid)
        self._ended(state, "")

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
        self._ended(self._workers.wait(started[0]), "within the call")
        server.on_drop = None
        self._desk.clock.move(LEASE + 1)

    def _settle(self, plan: Plan) -> None:
        """Workers that live, and time, until nothing moves any more."""
        for pause in (2.0, 10.0, LEASE + 1, *[30.0] * 40):
            self._execute(plan)
            if not self._desk.ledger.list(state=MOVING, limit=1):
                return
            self._desk.clock.move(pause)

    def _ending(self, draft: Action) -> Ending:
        return Ending(
            action=self._desk.ledger.get(draft.id),
            times=self._outside.arrived(draft.id),
            audit=[row.what for row in self._desk.audit.rows(target=draft.id)],
            can_look=self._outside.door.recovery(self._outside.kind).can_look,
        )

    def _execute(self, plan: Plan) -> None:
        """A worker that lives; a planted bug is a process's own."""
        if plan.bug:
            self._run(self._order(plan))
        else:
            self._survivor.run_once()

    def _run(self, order: Order) -> None:
        if order.job == "approve" and not order.kill_at and not order.bug:
            self._approve_here(order)
        else:
            self._ended(self._workers.run(order), order.kill_at)

    def _approve_here(self, order: Order) -> None:
        try:
            self._desk.ledger.decide(order.action_id, "approve", order.seen_hash, ANN)
        except StaleHash:
            return

    def _ended(self, state: str, step: str) -> None:
        if state == "killed":
            self.deaths[step] += 1
        if state == "failed":
            self._failed.append("a worker ended with an error")

    def _order(self, plan: Plan | None, **also: Any) -> Order:
        given = {
            "job": "execute",
            "url": self._url,
            "home": str(self._desk.settings.home),
            "now": self._desk.clock.now.isoformat(),
            "door": self._outside.name,
            "address": _address(self._outside, self._desk),
            "bug": plan.bug if plan else "",
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
