"""The map: which node follows which, and how threads are opened, rested, resumed and recovered."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from agents.analyst import make_analyst
from agents.approval import approval
from agents.casework import SHOWN, Casebook
from agents.classifier import make_classifier
from agents.desk import Desk
from agents.detector import make_detector
from agents.ledger import decision_of
from agents.librarian import after_librarian, make_librarian, remember
from agents.planner import after_planner, make_planner, source_hash
from agents.receipt import make_receipt
from agents.record import after_record, make_record
from agents.speaker import Speaker
from agents.state import CaseInput, CaseState
from agents.threads import open_checkpointer
from memory.action import ON_THE_WAY, Decision, Person

log = logging.getLogger(__name__)

T = TypeVar("T")

Graph = CompiledStateGraph[CaseState, Any, CaseInput, CaseState]
Progress = Callable[[int, int], None]

_STEPS: Final = 12
"""How often one sweep pushes one thread: a decision needs three steps, a crash two more."""

AT_ONCE: Final = 8
"""Cases worked at the same time; a model server is asked no more often."""


def build_graph(desk: Desk, checkpointer: BaseCheckpointSaver[Any] | None) -> Graph:
    """The case graph. Without a checkpointer it is for Studio, which brings its own."""
    book, speaker = Casebook(desk), Speaker(desk)
    graph: StateGraph[CaseState, Any, CaseInput, CaseState] = StateGraph(CaseState, input_schema=CaseInput)
    graph.add_node("detector", make_detector(book, speaker))
    graph.add_node("classifier", make_classifier(book, speaker))
    graph.add_node("analyst", make_analyst(desk, book, speaker))
    graph.add_node("planner", make_planner(desk, book, speaker))
    graph.add_node("approval", approval)
    graph.add_node("record", make_record(desk))
    graph.add_node("executor", make_receipt(desk))
    graph.add_node("librarian", make_librarian(desk, book))
    graph.add_edge(START, "detector")
    graph.add_edge("detector", "classifier")
    graph.add_edge("classifier", "analyst")
    graph.add_edge("analyst", "planner")
    graph.add_conditional_edges("planner", after_planner, ["approval", "librarian"])
    graph.add_edge("approval", "record")
    graph.add_conditional_edges("record", after_record, ["planner", "executor", "librarian"])
    graph.add_edge("executor", "librarian")
    graph.add_conditional_edges("librarian", after_librarian, {"approval": "approval", "END": END})
    return graph.compile(checkpointer=checkpointer, name="case")


# --- working cases up to the approval ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Worked:
    """What came of working one case."""

    case_id: str
    action_ids: tuple[str, ...]
    failed: str = ""
    """Why the thread did not reach its approval; empty when it did."""


def thread_of(desk: Desk, case_id: str) -> tuple[str, int]:
    """The id of the case's next thread (case id + draft generation), and that generation."""
    past = desk.ledger.list(case_id=case_id)
    taken = {a.thread_id for a in past if a.thread_id}
    generation = len(taken) + 1
    return f"{case_id}:{generation}", generation


def _standing(desk: Desk, case_id: str) -> tuple[str, ...]:
    """The drafts that the case has for its rows as they are now; those for other rows are voided."""
    past = desk.ledger.list(case_id=case_id)
    if not past:
        return ()
    breaks = tuple(desk.cases.breaks(case_id)[:SHOWN])
    now = source_hash(breaks)
    desk.ledger.supersede_stale(case_id, now, "The rows it rests on have changed.")
    gone = ("superseded", "expired")
    return tuple(a.id for a in desk.ledger.list(case_id=case_id) if a.source_hash == now and a.state not in gone)


def settings_of(thread_id: str) -> dict[str, Any]:
    """The configuration that names a thread."""
    return {"configurable": {"thread_id": thread_id}, "recursion_limit": 60}


async def work_case(
    desk: Desk, case_id: str, graph: Graph | None = None, *, words_from: str = "", afresh: bool = False
) -> Worked:
    """One case up to its approval, on a new thread; a case whose rows have their drafts already is left alone.

    `words_from`: the decision whose note is the operator's wish. `afresh`: draft again whatever there is.
    """
    if graph is None:
        async with open_checkpointer(desk.settings) as saver:
            return await work_case(desk, case_id, build_graph(desk, saver), words_from=words_from, afresh=afresh)
    standing = () if words_from or afresh else _standing(desk, case_id)
    if standing:
        return Worked(case_id, standing)
    thread_id, generation = thread_of(desk, case_id)
    start: dict[str, Any] = {
        "case_id": case_id,
        "thread_id": thread_id,
        "generation": generation,
        "words_from": words_from,
    }
    try:
        state = await graph.ainvoke(start, settings_of(thread_id), durability="exit")
    except Exception as error:
        log.exception("case %s did not reach its approval", case_id)
        return Worked(case_id, (), f"{type(error).__name__}: {error}")
    return Worked(case_id, tuple(state.get("action_ids", ())))


async def awork_cases(
    desk: Desk, case_ids: Sequence[str], progress: Progress | None = None, *, at_once: int = AT_ONCE
) -> list[Worked]:
    """Every case up to its approval, a few at a time; one case's failure stops no other."""
    if not case_ids:
        return []
    gate = asyncio.Semaphore(at_once)
    done = 0

    async with open_checkpointer(desk.settings) as saver:
        graph = build_graph(desk, saver)

        async def one(case_id: str) -> Worked:
            nonlocal done
            async with gate:
                worked = await work_case(desk, case_id, graph)
            done += 1
            if progress is not None:
                progress(done, len(case_ids))
            return worked

        return list(await asyncio.gather(*(one(c) for c in case_ids)))


def work_cases(desk: Desk, case_ids: Sequence[str], progress: Progress | None = None) -> list[Worked]:
    """`awork_cases` for callers that are not asynchronous; works inside a running loop as well."""
    return in_own_loop(awork_cases(desk, case_ids, progress))


def in_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end from plain code, on a thread of its own when this one already runs a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


# --- carrying decisions -------------------------------------------------------------------------------------------


async def carry_decisions(desk: Desk, graph: Graph | None = None, limit: int = 100) -> int:
    """The sweep: resumes threads for decisions that the ledger holds and no thread has carried to its end.

    What to do is read from the ledger alone; `state.next` is never trusted. Returns how many were carried.
    """
    waiting = desk.ledger.waiting_decisions(limit)
    if not waiting:
        return 0
    if graph is None:
        async with open_checkpointer(desk.settings) as saver:
            return await carry_decisions(desk, build_graph(desk, saver), limit)
    threads: dict[str, list[Decision]] = defaultdict(list)
    for decision in waiting:
        threads[desk.ledger.get(decision.action_id).thread_id or ""].append(decision)
    carried = 0
    for thread_id, decisions in threads.items():
        for decision in decisions:
            if not await _carry(desk, graph, thread_id, decision):
                break
            carried += 1
    return carried


async def _carry(desk: Desk, graph: Graph, thread_id: str, decision: Decision) -> bool:
    """One decision through its thread. False: its action is still on the way; the next sweep goes on."""
    config = settings_of(thread_id)
    for _ in range(_STEPS):
        if decision_of(desk.db, decision.id).carried_at is not None:
            return True
        state = await graph.aget_state(config) if thread_id else None
        if state is None or not state.values:
            return await _without_thread(desk, graph, decision)
        waiting = _waiting(state)
        if waiting is None:
            before = state.config
            await graph.ainvoke(None, config, durability="sync")
            if (await graph.aget_state(config)).config == before:
                return await _without_thread(desk, graph, decision)
        elif waiting.for_receipt:
            action = desk.ledger.get(state.values["action_id"])
            if action.state in ON_THE_WAY:
                return False
            await _resume(graph, config, waiting, {"state": action.state})
        else:
            await _resume(graph, config, waiting, {"decision_id": decision.id})
    log.warning("thread %s did not carry decision %s to its end", thread_id, decision.id)
    return False


@dataclass(frozen=True)
class _Waiting:
    """The question a thread rests on."""

    id: str
    for_receipt: bool


def _waiting(state: Any) -> _Waiting | None:
    found = [i for task in state.tasks for i in task.interrupts] or list(state.interrupts)
    if not found:
        return None
    last = found[-1]
    return _Waiting(last.id, isinstance(last.value, dict) and last.value.get("waiting_for") == "receipt")


async def _resume(graph: Graph, config: dict[str, Any], waiting: _Waiting, answer: dict[str, str]) -> None:
    """By id: a plain resume would answer whatever question is pending by then."""
    await graph.ainvoke(Command(resume={waiting.id: answer}), config, durability="sync")


async def _without_thread(desk: Desk, graph: Graph, decision: Decision) -> bool:
    """The thread has come to its end or is lost: the ledger is enough to finish what the decision asks for."""
    if decision.kind == "respond":
        await work_case(desk, decision.case_id, graph, words_from=decision.id)
    else:
        action = desk.ledger.get(decision.action_id)
        if decision.kind == "approve" and action.state in ON_THE_WAY:
            return False
        remember(desk, decision, action)
    desk.ledger.carried(decision.id)
    return True


async def redraft(desk: Desk, case_id: str, words: str, by: Person, graph: Graph | None = None) -> Worked:
    """Makes the case's open drafts anew by a person's words; they wait for approval again.

    The words are kept as a `respond` decision where there is a draft to respond to. Raises NotAllowed.
    """
    if graph is None:
        async with open_checkpointer(desk.settings) as saver:
            return await redraft(desk, case_id, words, by, build_graph(desk, saver))
    open_drafts = desk.ledger.list(case_id=case_id, state=("pending",))
    if not open_drafts:
        return await work_case(desk, case_id, graph, afresh=True)
    first = open_drafts[0]
    out = desk.ledger.decide(first.id, "respond", first.payload_hash, by, note=words)
    if out.decision_id is not None:
        await _carry(desk, graph, first.thread_id or "", decision_of(desk.db, out.decision_id))
    return Worked(case_id, tuple(a.id for a in desk.ledger.list(case_id=case_id, state=("pending",))))


def draw_mermaid() -> str:
    """The map as Mermaid text, for the README; needs no desk that works."""
    from typing import cast

    return build_graph(cast(Desk, _NoDesk()), None).get_graph().draw_mermaid()


class _NoDesk:
    """Stands in where the graph is only drawn: every port is there, none does anything."""

    def __getattr__(self, name: str) -> Any:
        return None
