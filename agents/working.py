"""The executor in a process of its own: a loop, one turn of it, or one action seen through to its end."""

import threading
import time
from collections.abc import Callable

from agents.desk import Desk
from agents.executor import Executor
from agents.graph import carry_decisions, in_own_loop
from agents.tend import EVERY, tend
from memory.action import Action

PAUSE: float = 1.0
"""Seconds between two turns."""


def turn(desk: Desk, executor: Executor) -> int:
    """Carries decisions to their threads and sends what is due; how many actions were taken up."""
    in_own_loop(carry_decisions(desk))
    taken = executor.run_once()
    in_own_loop(carry_decisions(desk))
    return taken


def work_once(desk: Desk, lease_seconds: float = 300.0) -> int:
    """One look after the desk and one turn."""
    tend(desk)
    return turn(desk, Executor(desk, lease_seconds=lease_seconds))


def work_forever(desk: Desk, stop: threading.Event, lease_seconds: float = 300.0) -> None:
    """Turns until `stop` is set; what a turn has begun it finishes first."""
    executor = Executor(desk, lease_seconds=lease_seconds)
    tended = -EVERY
    while not stop.is_set():
        if time.monotonic() - tended >= EVERY:
            tend(desk)
            tended = time.monotonic()
        turn(desk, executor)
        stop.wait(PAUSE)


def see_through(desk: Desk, action_id: str, tell: Callable[[float], None]) -> Action:
    """Waits until the undo window of an approved action is over, telling the seconds left, and does it here."""
    action = desk.ledger.get(action_id)
    while action.state == "approved" and (left := _left(desk, action)) > 0:
        tell(left)
        time.sleep(min(left, 1.0))
        action = desk.ledger.get(action_id)
    done = Executor(desk).finish(action_id)
    in_own_loop(carry_decisions(desk))
    return done


def _left(desk: Desk, action: Action) -> float:
    return (action.not_before - desk.clock()).total_seconds() if action.not_before else 0.0
