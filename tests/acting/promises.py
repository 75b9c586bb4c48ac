"""What is promised of every action, whatever dies: checked after each crash trial against what really stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memory.action import Action
from tests.acting.plans import Plan

MOVING = ("approved", "executing", "checking")
TOLD = {"done": {"drafted", "approved", "sending", "done"}, "unknown": {"approved", "sending", "unknown"}}
"""What the audit must hold of an action that has ended so."""


@dataclass(frozen=True)
class Ending:
    """How one action stands when nothing moves any more."""

    action: Action
    times: int
    """How often its work really stands outside."""
    audit: Sequence[str]
    """What the audit tells of it, in order."""
    can_look: bool
    """Whether its door can find out what became of a lost answer."""


def broken_promises(plan: Plan, end: Ending) -> list[str]:
    """A sentence for each promise that this ending breaks."""
    return [f"{end.action.id} {said}" for said in (*_of_effects(plan, end), *_of_states(plan, end))]


def _of_effects(plan: Plan, end: Ending) -> Iterator[str]:
    action, times = end.action, end.times
    if times > 1:
        yield f"arrived {times} times"
    if action.state == "done" and times == 0:
        yield "is done and never arrived"
    if action.state == "done" and not action.receipt:
        yield "is done without a receipt"
    if plan.scenario == "altered" and times:
        yield "left with bytes that nobody approved"
    if plan.scenario == "edited" and times:
        yield "left and nobody approved it"


def _of_states(plan: Plan, end: Ending) -> Iterator[str]:
    action = end.action
    if action.state in MOVING:
        yield f"is stuck in {action.state}"
    if plan.scenario not in ("edited", "altered", "twins"):
        if end.can_look and action.state != "done" and not _is_lost_twice(end):
            yield f"could be found out and is {action.state}: {action.fault}"
        if not end.can_look and action.state not in ("done", "unknown"):
            yield f"is lost: {action.state}: {action.fault}"
    missing = TOLD.get(action.state, set()) - set(end.audit)
    if missing:
        yield f"is {action.state} and the audit lacks {', '.join(sorted(missing))}"


def _is_lost_twice(end: Ending) -> bool:
    """Sent, lost, sent once more and lost again, by a death and a drop: then a person decides, and rightly so."""
    action = end.action
    return action.state == "unknown" and action.resent == 1 and end.audit.count("sending") == 2 and end.times == 0
