"""What happens in a crash trial: the scenario outside, and where the workers die, one after the other."""

import itertools
import random
from dataclasses import dataclass

from tests.acting.bugs import BUGS
from tests.acting.workers import STEPS

SCENARIOS = (
    "plain", "lost_before", "lost_after", "killed_before", "killed_after", "edited", "altered", "race", "zombie",
    "early", "twins",
)  # fmt: skip
DEATHS = (*STEPS, "commit", "committed")
COMMITS = 14
"""A send takes about so many transactions, reads among them; a death falls before or after one of these."""
PATTERNS: tuple[tuple[str, ...], ...] = ((), *((step,) for step in DEATHS), *itertools.product(DEATHS, repeat=2))
"""No death, each step alone, and each ordered pair of steps."""


@dataclass(frozen=True)
class Plan:
    """One trial."""

    seed: int
    scenario: str
    kills: tuple[tuple[str, int], ...]
    """(step, at which of its passes), each of another worker."""
    approve_kill: str = ""
    bug: str = ""

    def __str__(self) -> str:
        deaths = ", ".join(f"{step}#{n}" for step, n in self.kills) or "none"
        return f"seed {self.seed}: {self.scenario}, deaths at {deaths}, approving: {self.approve_kill or 'lives'}"


def _combinations() -> list[tuple[str, tuple[str, ...]]]:
    """Every scenario with every pattern of deaths, in an order that spreads them."""
    every = list(itertools.product(SCENARIOS, PATTERNS))
    random.Random(1).shuffle(every)
    return every


COMBINATIONS = _combinations()
"""A world's first 1,001 seeds pass them all."""


def make_plan(seed: int) -> Plan:
    """The trial of a seed."""
    chance = random.Random(seed)
    scenario, steps = COMBINATIONS[seed % len(COMBINATIONS)]
    kills = tuple((step, chance.randint(1, COMMITS if step.startswith("commit") else 2)) for step in steps)
    return Plan(seed, scenario, kills, chance.choice(("", "", "", "commit", "committed")))


def bug_plan(seed: int, bug: str) -> Plan:
    """A trial in which a planted bug can show itself."""
    chance = random.Random(seed)
    where = BUGS[bug]
    if bug == "answer_before_commit":
        return Plan(seed, where.scenario, (), "commit", bug)
    death = ((where.kill_at, chance.randint(1, 4) if where.kill_at == "committed" else 1),) if where.kill_at else ()
    return Plan(seed, where.scenario, death, "", bug)
