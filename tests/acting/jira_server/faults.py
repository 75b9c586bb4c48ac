"""The ways in which a Jira can go wrong: what to match, what to do, and before or after the work."""

import re
from dataclasses import dataclass, field
from typing import Literal

What = Literal["drop", "delay", "status", "html", "empty", "truncated"]

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in - Jira</title></head><body>Sign in</body></html>"


@dataclass
class Fault:
    """Strikes requests that match `route` (a regular expression over `METHOD path`), `times` times."""

    route: str
    what: What
    after: bool = False
    """True: the work is done first, and only the answer suffers."""
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"errorMessages":["as planned"],"errors":{}}'
    seconds: float = 0.0
    times: int = 1

    def strikes(self, line: str) -> bool:
        return self.times > 0 and re.search(self.route, line) is not None
