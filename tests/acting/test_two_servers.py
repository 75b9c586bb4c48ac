"""Two servers on one PostgreSQL: one decides, the other sends; a graph cut off on one goes on on the other."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from agents.desk import Desk
from agents.executor import Executor
from agents.graph import build_graph, carry_decisions, work_cases
from agents.threads import open_checkpointer
from memory.action import Action
from memory.schema import tickets
from tests.agents.desks import APPROVER, OPERATOR, Watch, make_desk, put_case, say
from tests.agents.test_graph import ROUTED, Crash, _breaking
from tools.actions.choose import choose_doors

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
NODES = ("record", "executor", "librarian")


@pytest.fixture
def servers(postgres_server: str, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """Two desks with engines and folders of their own on one empty database."""
    name = f"tieout_two_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    url = sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    watch, made = Watch(), []
    for n in "ab":
        desk = make_desk(tmp_path / n, watch=watch, database_url=url)
        doors = {str(kind): door for kind, door in choose_doors(desk.settings, desk.db, watch).items()}
        made.append(replace(desk, doors=doors))
    say(made[0], "gl-vs-ihub", ROUTED)
    yield made[0], made[1]
    for desk in made:
        desk.db.close()
    with psycopg.connect(postgres_server, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def drafted(desk: Desk, case_id: str, kind: str = "jira.create") -> Action:
    return next(a for a in desk.ledger.list(case_id=case_id) if a.kind == kind)


def approve_and_pass_the_window(desk: Desk, action: Action) -> None:
    desk.ledger.decide(action.id, "approve", action.payload_hash, APPROVER)
    assert isinstance(desk.clock, Watch)
    desk.clock.later(60)


async def cut_off(desk: Desk, node: str) -> None:
    """The server dies right after a node has done its work."""
    async with open_checkpointer(desk.settings) as saver:
        graph = build_graph(desk, saver)
        graph.nodes[node].bound = _breaking(graph.nodes[node].bound)
        with pytest.raises(Crash):
            await carry_decisions(desk, graph)


def made_tickets(desk: Desk) -> list[str]:
    with desk.db.read() as conn:
        return list(conn.execute(sa.select(tickets.c.action_id)).scalars())


@pytest.mark.parametrize("node", NODES)
def test_one_decides_the_other_sends_and_a_graph_cut_off_goes_on_elsewhere(
    servers: tuple[Desk, Desk], node: str
) -> None:
    here, there = servers
    case_id = put_case(here)
    assert not work_cases(here, [case_id])[0].failed
    ticket = drafted(there, case_id)
    approve_and_pass_the_window(here, ticket)
    if node != "record":
        assert asyncio.run(carry_decisions(here)) == 0, "nothing has been sent yet"
    Executor(there).run_once()
    assert here.ledger.get(ticket.id).state == "done"
    asyncio.run(cut_off(here, node))
    asyncio.run(carry_decisions(there))
    assert not here.ledger.waiting_decisions()
    assert made_tickets(here) == [ticket.id]
    assert [r.outcome for r in there.resolutions.page()] == ["resolved"]
    mail = drafted(there, case_id, "email.send")
    there.ledger.decide(mail.id, "reject", mail.payload_hash, OPERATOR)
    assert asyncio.run(carry_decisions(here)) == 1, "and comes back to the first"
    assert here.audit.verify().ok


def test_both_servers_sweeping_at_once_carry_a_decision_once(servers: tuple[Desk, Desk]) -> None:
    here, there = servers
    case_id = put_case(here)
    work_cases(here, [case_id])
    ticket = drafted(here, case_id)
    approve_and_pass_the_window(here, ticket)

    async def everywhere() -> None:
        for desk in servers:
            await asyncio.to_thread(Executor(desk).run_once)
        await asyncio.gather(*(carry_decisions(desk) for desk in servers), return_exceptions=True)
        await carry_decisions(there)

    asyncio.run(everywhere())
    assert not there.ledger.waiting_decisions()
    assert made_tickets(there) == [ticket.id]
    assert [r.outcome for r in here.resolutions.page()] == ["resolved"]
    assert here.audit.verify().ok
