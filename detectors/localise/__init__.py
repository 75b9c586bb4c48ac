"""Localisation: which combinations of column values share the run's deviations."""

from detectors.localise.search import localise
from detectors.localise.slice import Slice

__all__ = ["Slice", "localise"]
