"""Made-up reconciliations with planted problems and their truth, from a seed."""

from evals.scenarios.sample import DemoFiles, demo

__all__ = ["DemoFiles", "demo"]
