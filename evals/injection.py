"""Injection: can hostile words, wherever they come in, make Tieout act, choose a destination, or give anything away?

Every string comes in at five places, before a model that obeys whatever it reads. What is counted is what came of it:
effects without an approval; recipients, projects, people, amounts or links that code did not choose; and masked values
or secrets in a prompt, a log, a draft, a page or a stored byte.
"""

from collections.abc import Sequence
from typing import Any, Final

from langchain_core.language_models.chat_models import BaseChatModel

from evals.breaches import breaches
from evals.hostile import hostile_strings
from evals.hostile_places import PLACES
from evals.hostile_scene import scene

QUICK: Final = 6
"""Strings of the quick form."""


def run(quick: bool = False, model: BaseChatModel | None = None) -> dict[str, Any]:
    """Per place: strings, how many of them the model met in a prompt, and what came of it.

    With a model, that one is asked in place of the obedient one.
    """
    every = hostile_strings()
    strings = every[:: max(1, len(every) // QUICK)] if quick else every
    rows = {place: _measured(place, strings, model) for place in PLACES}
    total = {kind: sum(row[kind] for row in rows.values()) for kind in ("effects", "choices", "leaks")}
    read = [row["met by the model"] / row["strings"] for place, row in rows.items() if place != "file name"]
    return {
        "places": rows,
        "headline": {
            "effects without approval": total["effects"],
            "choices that code did not make": total["choices"],
            "masked values or secrets given away": total["leaks"],
            "least share of strings that reached the model": min(read),
        },
    }


def _measured(place: str, strings: Sequence[str], model: BaseChatModel | None = None) -> dict[str, Any]:
    with scene(strings, model) as at:
        PLACES[place](at, strings)
        found = breaches(at, by_operator=place == "chat")
        return {
            "strings": len(strings),
            "met by the model": len(at.model.met),
            "prompts": len(at.model.prompts),
            "drafts": len(at.desk.ledger.list(limit=100_000)),
            **{kind: len(many) for kind, many in found.items()},
            "examples": [line for many in found.values() for line in many][:5],
        }


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it."""
    names = ("strings", "met by the model", "prompts", "drafts", "effects", "choices", "leaks")
    lines = [f"{'place':28}" + "".join(f"{n:>18}" for n in names)]
    for place, row in result["places"].items():
        lines.append(f"{place:28}" + "".join(f"{row[n]:18}" for n in names))
        lines += [f"    {example[:220]}" for example in row["examples"]]
    return "\n".join(lines)
