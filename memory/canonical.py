"""The bytes that are hashed and approved: RFC 8785 canonical JSON, in which no float may stand."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from recon.errors import BadInput

LARGEST_INT = 2**53 - 1


class NotCanonical(BadInput):
    """A value has no canonical form here: a float, a huge integer, or text that is no Unicode."""


def canonical(value: Any) -> str:
    """The RFC 8785 text of a value made of objects, lists, text, integers, booleans and null.

    Amounts must be decimal text: a float is refused, since 0.1 approved and 0.1 sent need not be one number.

    >>> canonical({"b": "1.10", "a": [1, None, True]})
    '{"a":[1,null,true],"b":"1.10"}'
    """
    _refuse(value, "the payload")
    octets: bytes = rfc8785.dumps(value)
    return octets.decode()


def payload_hash(text: str) -> str:
    """SHA-256 of canonical text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(value: Any) -> str:
    """SHA-256 of a value's canonical form."""
    return payload_hash(canonical(value))


def parse(text: str) -> dict[str, Any]:
    """A stored payload as an object."""
    value: dict[str, Any] = json.loads(text)
    return value


def _refuse(value: Any, where: str) -> None:
    match value:
        case None | bool():
            return
        case int():
            if abs(value) > LARGEST_INT:
                msg = f"{where}: {value} is beyond 2^53; write it as text"
                raise NotCanonical(msg)
        case str():
            _refuse_broken_text(value, where)
        case Mapping():
            for key, inner in value.items():
                if not isinstance(key, str):
                    msg = f"{where}: the name {key!r} is no text"
                    raise NotCanonical(msg)
                _refuse_broken_text(key, where)
                _refuse(inner, f"{where}.{key}")
        case list() | tuple():
            for n, inner in enumerate(value):
                _refuse(inner, f"{where}[{n}]")
        case float():
            msg = f"{where}: {value!r} is a float; write amounts as decimal text"
            raise NotCanonical(msg)
        case _:
            msg = f"{where}: {type(value).__name__} has no place in a payload"
            raise NotCanonical(msg)


def _refuse_broken_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{where}: the text holds half a character (a lone surrogate)"
        raise NotCanonical(msg) from None
