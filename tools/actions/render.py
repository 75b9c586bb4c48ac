"""How a request is shown before it leaves: a head line, headers, a body, as text that a person can read."""

import json
from collections.abc import Mapping
from typing import Any


def shown_request(method: str, address: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request as it would stand on the wire, without credentials."""
    head = [f"{method} {address}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(head).encode() + b"\n\n" + body + b"\n"


def shown_json(value: Any) -> bytes:
    """JSON for the eye; keys keep their order."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode()
