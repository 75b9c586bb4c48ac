"""The stages of a run: what each took in seconds and memory, and how long the rest may take."""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recon.tracing import span

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total): rows or cases; total 0 where it is not known."""

SHARES: Final = {
    "read": 30,
    "series": 12,
    "judge": 20,
    "prove": 2,
    "remember": 1,
    "follow": 4,
    "group": 4,
    "keep": 3,
    "agents": 0,
    "write": 10,
    "lake": 14,
}
"""About how a run without agents spends its time, in hundredths; agents tell their own progress, case by case."""

_CLEAR: Final = Path("/proc/self/clear_refs")
_STATUS: Final = Path("/proc/self/status")


def left(spent: Mapping[str, float], stage: str, in_stage: float) -> float | None:
    """Seconds that the rest of a run may take, by what its finished stages took; None while nothing is finished.

    >>> left({"read": 6.0}, "series", 1.0)
    13.0
    >>> left({}, "read", 3.0) is None
    True
    """
    done = sum(SHARES.get(name, 0) for name in spent)
    if not done:
        return None
    names = list(SHARES)
    begun = names.index(stage) if stage in SHARES else len(names)
    rest = sum(SHARES[name] for name in names[begun:])
    pace = sum(seconds for name, seconds in spent.items() if name != "agents") / done
    return round(max(pace * rest - in_stage, 0.0), 1)


@dataclass
class Stages:
    """Seconds and peak memory of each stage, for run.json."""

    progress: Progress
    rows: int = 0
    """Rows of the run, told with each stage once they are known."""
    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, int] = field(default_factory=dict)
    peak_is_of_stage: bool = False
    """Whether the peak is each stage's own; else it is the largest of the process so far."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One stage from begin to end; a stage that raises leaves no seconds."""
        self.progress(name, 0, self.rows)
        self.peak_is_of_stage = _forget_peak()
        begun = time.perf_counter()
        with span(f"run.{name}", rows=self.rows):
            yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 4)
        self.peak_mb[name] = max(self.peak_mb.get(name, 0), peak_mb())


def _forget_peak() -> bool:
    """Asks the kernel to measure the peak anew; False where that cannot be asked (another system, a sandbox)."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def peak_mb() -> int:
    """The largest resident memory since the peak was last forgotten, in MB."""
    try:
        words = _STATUS.read_text().partition("VmHWM:")[2].split()
        return int(words[0]) // 1024
    except (OSError, IndexError, ValueError):
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
