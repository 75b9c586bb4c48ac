"""Prompts are Markdown files; rendering refuses a value that is missing or that no place asks for."""

import hashlib
import re
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class PromptFault(ValueError):
    """A prompt and the values given to it do not fit together."""


@cache
def template(name: str) -> str:
    """The prompt file of a node."""
    return files("agents").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()


def render(name: str, **values: object) -> str:
    """The prompt with every `{{place}}` filled. Raises PromptFault naming what is missing or too much."""
    text = template(name)
    wanted = set(_PLACE.findall(text))
    if wanted != set(values):
        missing, surplus = sorted(wanted - set(values)), sorted(set(values) - wanted)
        msg = f"prompts/{name}.md: missing {missing}, not asked for {surplus}"
        raise PromptFault(msg)
    return _PLACE.sub(lambda place: str(values[place[1]]), text)


def version(name: str) -> str:
    """A short hash of the prompt file: part of every cache key and of every draft's record."""
    return hashlib.sha256(template(name).encode()).hexdigest()[:12]
