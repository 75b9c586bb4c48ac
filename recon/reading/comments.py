"""Operators' comments without the broken JSON that some systems wrap them in."""

import json
import re
from typing import Any

from recon.text import normalise

_WRAPPED = re.compile(r"^\s*\[?\s*\{(.*)\}\s*\]?\s*$", re.DOTALL)
_KEYED = re.compile(r'^\s*"?[\w ]{1,30}"?\s*:\s*"(.*)$', re.DOTALL)
_ESCAPES = {r"\n": " ", r"\r": " ", r"\t": " ", r"\/": "/", r"\"": '"', r"\\": "\\"}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPES)))


def peel(text: str) -> str:
    """The prose inside a comment cell.

    >>> peel('[{"Factor rounding, OF is same\\\\n"}]'), peel('[{Manual adjustment}]'), peel("as it is")
    ('Factor rounding, OF is same', 'Manual adjustment', 'as it is')
    """
    if text[:1].strip() not in ("", "[", "{", '"'):
        return normalise(text)
    if (found := _from_json(text)) is not None:
        return normalise(found)
    wrapped = _WRAPPED.match(text)
    body = wrapped[1] if wrapped else text
    if wrapped and (keyed := _KEYED.match(body)):
        body = keyed[1]
    body = _ESCAPE.sub(lambda match: _ESCAPES[match[0]], body)
    return normalise(normalise(body).strip('"').strip()) if wrapped else normalise(body)


def is_wrapped(text: str) -> bool:
    """True when JSON, broken or not, stands around the prose."""
    return text.lstrip()[:1] in ("[", "{") and _WRAPPED.match(text) is not None


def _from_json(text: str) -> str | None:
    if text.lstrip()[:1] not in ("[", "{", '"') or len(text) > 100_000:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return " ".join(_strings(value))


def _strings(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth > 20:
        return []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in _strings(part, depth + 1)]
    return []
