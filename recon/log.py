"""Log lines on stderr that an operator can act on: one readable line each, no secrets, no data."""

import logging
import sys


class _Line(logging.Formatter):
    """`12:03:07 INFO agents.run: ...`; an exception's trace only at DEBUG."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")


def set_up(level: str) -> None:
    """Sends our own log lines to stderr at `level`; other packages are heard from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("tieout", "agents", "tools", "memory", "detectors", "recon", "web", "server", "evals"):
        logging.getLogger(name).setLevel(level.upper())
