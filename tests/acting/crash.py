"""The crash harness: workers are killed at every step, alone and in pairs, and what was promised is checked.

No action is done twice, no approval is lost, no `done` is false, and the audit tells of each change.
`python -m tests.acting.crash --trials 10000` prints a line per world; it ends with status 1 when a promise was broken.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.acting.bugs import BUGS
from tests.acting.databases import databases, fresh, scratch
from tests.acting.plans import Plan, bug_plan, make_plan
from tests.acting.postgres import postgres_url
from tests.acting.workers import Workers
from tests.acting.world import World, open_world

DOORS = ("jira-cloud", "jira-dc", "smtp", "outbox", "webhook")
APART = 101
"""Each world starts elsewhere in the combinations, so that few trials still meet many of them."""


def run_trials(trials: int, seed: int, *, say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Spreads trials over all worlds; gives back each broken promise with its plan."""
    broken: list[str] = []
    deaths = Counter[str]()
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())
        folder = Path(stack.enter_context(scratch()))
        postgres = stack.enter_context(postgres_url(folder / "server"))
        if postgres is None:
            say("no PostgreSQL to be had: SQLite only")
        bases = stack.enter_context(databases(folder, postgres))
        worlds = [(door, backend) for door in DOORS for backend in bases]
        for n, (door, backend) in enumerate(worlds):
            share = trials // len(worlds) + (n < trials % len(worlds))
            home = folder / f"{door}-{backend}"
            home.mkdir()
            with fresh(bases[backend], home) as url, open_world(door, url, home, workers) as world:
                first = seed + n * APART
                broken += _in_one_world(world, range(first, first + share), say)
                deaths += world.deaths
    say("deaths: " + ", ".join(f"{step} {times}" for step, times in deaths.most_common()))
    return broken


def _in_one_world(world: World, seeds: range, say: Callable[[str], None]) -> list[str]:
    started, broken = time.monotonic(), []
    for seed in seeds:
        for fault in _tried(world, make_plan(seed)):
            say(f"BROKEN {fault}")
            broken.append(fault)
    verdict = world.verify()
    if not verdict.ok:
        say(f"BROKEN {world.name}: {verdict.sentence}")
        broken.append(f"{world.name}: {verdict.sentence}")
    took = time.monotonic() - started
    say(f"{world.name}: {len(seeds)} trials in {took:.1f} s, {len(broken)} broken; {verdict.sentence}")
    return broken


def _tried(world: World, plan: Plan) -> list[str]:
    """The trial's broken promises; one that cannot be carried through is one too."""
    try:
        return world.trial(plan)
    except Exception as error:
        return [f"{world.name}: {plan}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"]


def hunt(bug: str, *, tries: int = 12, seed: int = 1) -> list[str]:
    """Plants a bug and tries until a promise is broken; an empty list means that it was not caught."""
    door = BUGS[bug].door
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())
        folder = Path(stack.enter_context(scratch()))
        bases = stack.enter_context(databases(folder, None))
        with open_world(door, bases["sqlite"], folder, workers) as world:
            for k in range(tries):
                broken = world.trial(bug_plan(seed + k, bug))
                if broken:
                    return broken
    return []


def _catch(bugs: list[str], seed: int) -> int:
    """Plants each bug; how many were missed."""
    missed = 0
    for bug in bugs:
        broken = hunt(bug, seed=seed)
        print(f"{bug}: {'caught: ' + broken[0] if broken else 'MISSED'}", flush=True)
        missed += not broken
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="a world's first trial; 1,001 in a row meet every pair")
    parser.add_argument("--bugs", action="store_true", help="plant each known bug instead and see it caught")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant this one")
    asked = parser.parse_args()
    if asked.bugs or asked.bug:
        sys.exit(1 if _catch([asked.bug] if asked.bug else list(BUGS), asked.seed or 1) else 0)
    broken = run_trials(asked.trials, asked.seed, say=lambda line: print(line, flush=True))
    print(f"{asked.trials} trials, {len(broken)} broken promises")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
