"""Made-up reconciliations with planted problems and their truth, from a seed."""

from evals.scenarios.planting import Planted, planted
from evals.scenarios.sample import DemoFiles, demo

__all__ = ["DemoFiles", "Planted", "demo", "planted"]
