"""Log lines on stderr that an operator can act on: one readable line each, text or JSON, no secrets, no data."""

import json
import logging
import sys
from collections.abc import Iterable
from typing import Literal

OURS = ("tieout", "agents", "tools", "memory", "detectors", "recon", "web", "server", "evals")
HIDDEN = "***"


class _Line(logging.Formatter):
    """One line a record: a trace's lines are folded into it, and a secret that got into a message is not shown."""

    def __init__(self, pattern: str, secrets: Iterable[str]) -> None:
        super().__init__(pattern, "%H:%M:%S")
        self._secrets = sorted((s for s in secrets if len(s) > 3), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        return self.hide(super().format(record)).replace("\r", " ").replace("\n", " | ")

    def hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class _JsonLine(_Line):
    """`{"at": "...", "level": "WARNING", "where": "tieout.runs", "what": "..."}`, for what collects logs."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "where": record.name,
            "what": self.hide(record.getMessage()),
        }
        if record.exc_info:
            said["trace"] = self.hide(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False)


def set_up(level: str, form: Literal["text", "json"] = "text", secrets: Iterable[str] = ()) -> None:
    """Sends our own log lines to stderr at `level`; other packages are heard from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    pattern = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(_JsonLine(pattern, secrets) if form == "json" else _Line(pattern, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
