"""Chat: are the phrasings of operators understood, and is the answer right by its content?"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import numpy as np
from langchain_core.language_models.chat_models import BaseChatModel

from agents.assistant import ask
from agents.desk import Desk
from agents.event import Event
from agents.graph import work_cases
from evals.desk import eval_desk, make_case, put
from evals.phrasings import WRITTEN_AFTER, WRITTEN_BEFORE
from evals.phrasings_blind import AFTERWARDS, ASKED, FOLLOWED
from memory.action import Person
from memory.resolution import Resolution, features_of_break
from recon.calendar import to_day
from recon.case import BreakRow, Case, Evidence
from recon.rows import Pair
from recon.series import SeriesHistory

COMMENT: Final = "Treasury corrected the rate and reposted the entry"


class _Shelf:
    """A lake with one series in it: thirty days of matches before the break."""

    def __init__(self, brk: BreakRow, case: Case) -> None:
        self._brk, self._case = brk, case

    def series(self, recon: str, pair: str, series_id: int) -> SeriesHistory | None:
        last = self._brk.business_date or date.min
        days = np.array([to_day(last - timedelta(days=n)) for n in range(30, -1, -1)], np.int32)
        left = np.full(31, 4_000_000, np.int64)
        right = left.copy()
        right[-1] = 3_900_000
        none = np.zeros(31, np.bool_)
        return SeriesHistory(
            recon, series_id, self._brk.key, self._brk.columns, Pair("Balance", "GL", "IHub", None, "number"), 2, days,
            None, left, right, none, none, left - right, left != right, ("",) * 31,
        )  # fmt: skip


def _scene(desk: Desk) -> tuple[Desk, str]:
    """One case with a past, a precedent and a draft."""
    rng = Random(5)
    case, brk = make_case(rng, 1)
    brk = replace(brk, left="40000.00", right="39000.00", difference="1000.00")
    fact = case.evidence[0]
    day = brk.business_date
    values = {**fact.values, "left": "40000.00", "right": "39000.00", "difference": "1000.00"}
    statement = f"On {day} GL Balance is 40,000.00 and IHub Balance is 39,000.00: difference 1,000.00 {case.currency}."
    onset = Evidence("E4", "onset", f"It was first outside tolerance on {day}.", {"onset": str(day)})
    side = Evidence("E5", "side", "IHub left its own past, GL did not", {"side": "right"})
    evidence = (replace(fact, statement=statement, values=values), *case.evidence[1:], onset, side)
    case = replace(case, evidence=evidence, amount=Decimal("1000.00"))
    put(desk, (case, brk))
    before = (day or date.min) - timedelta(days=31)
    old = features_of_break(brk, "yesterdays_rate", "")
    desk.resolutions.add_many([Resolution("Rprecedent", case.recon, before, before, COMMENT, old, outcome="resolved")])
    desk = replace(desk, lake=_Shelf(brk, case))  # type: ignore[arg-type]
    work_cases(desk, [case.id])
    return desk, case.id


CONTENT: Final[Mapping[str, tuple[str, ...]]] = {
    "why": ("out of pattern", "band"),
    "why_not": ("out of pattern", "band"),
    "history": ("40,000.00", "within tolerance"),
    "resolved": (COMMENT, "closed with this comment"),
    "side": ("suspect side is IHub",),
    "changed": ("moved by",),
    "revise": ("waiting for approval",),
    "tag": ("I propose to tag",),
    "summary": ("FX rate",),
    "amount": ("1,000.00", "1 break"),
    "onset": ("open since",),
    "rows": ("Row 2", "1,000.00"),
    "cause": ("FX rate", "1.0832"),
    "pattern": ("Huge spike",),
    "confidence": ("arithmetic",),
    "scope": ("share Account",),
    "offset": ("No other break",),
    "ticket": ("No ticket covers",),
    "drafts": ("jira.create", "pending"),
    "promise": ("No promise",),
    "next": ("Compare the rate",),
    "band": ("-99.5 to 99.5",),
    "by_column": ("1 break", "1,000"),
    "largest": ("The largest", "1,000.00"),
    "who": ("opened",),
    "close": (COMMENT, "waiting for approval"),
    "values": ("40000.00", "39000.00"),
    "settle": ("What would settle it",),
    "proof": ("1.0832",),
    "execute": ("never send or approve",),
    "help": ("You can ask me",),
    "unknown": ("do not understand",),
}
"""What an answer to each intent must say."""


def is_right(want: str, text: str) -> bool:
    """Whether an answer says what it must: `a|b` either, `a+b` both."""
    flat = text.casefold()
    return any(
        all(part.casefold() in flat for intent in one.split("+") for part in CONTENT[intent]) for one in want.split("|")
    )


async def _answer(desk: Desk, case_id: str, question: str) -> tuple[str, list[Event]]:
    events = [event async for event in ask(desk, case_id, question, Person("eval", "operator"))]
    return str(events[-1].get("text", "")), events


def run(quick: bool = False, model: BaseChatModel | None = None) -> dict[str, Any]:
    """Right answers by content, apart for the phrasings that stood before the rules and those written after."""
    wrong: list[tuple[str, str, str]] = []
    right = {"before": 0, "after": 0, "hurried": 0, "leaning": 0}
    asked = dict.fromkeys(right, 0)
    step = 4 if quick else 1
    said: list[tuple[str, str, str, str]] = [
        *(("before", want, "", question) for want, question in WRITTEN_BEFORE[::step]),
        *(("after", want, "", question) for want, question in WRITTEN_AFTER[::step]),
        *(("hurried", want, "", question) for want, question in (*ASKED, *AFTERWARDS)[::step]),
        *(("leaning", want, first, question) for first, want, question in FOLLOWED[:: min(step, 2)]),
    ]
    with eval_desk(model) as base:
        desk, case_id = _scene(base)
        for half, want, first, question in said:
            if first:
                asyncio.run(_answer(desk, case_id, first))
            text, _ = asyncio.run(_answer(desk, case_id, question))
            good = is_right(want, text)
            asked[half] += 1
            right[half] += good
            if not good:
                wrong.append((half, want, question))
        acted = sum(a.state not in ("pending", "superseded") for a in desk.ledger.list(case_id=case_id))
    return {
        "asked": asked,
        "right": right,
        "wrong": wrong,
        "headline": {
            "phrasings": sum(asked.values()),
            "intents": len(CONTENT),
            "right, unseen half": right["before"] / asked["before"],
            "right, other half": right["after"] / asked["after"],
            "right, in a hurry": right["hurried"] / asked["hurried"],
            "right, leaning on the question before": right["leaning"] / asked["leaning"],
            "actions executed by a chat": acted,
        },
    }


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it; misses of the unseen half are counted, not shown, so that nobody tunes on them."""
    lines = [f"{half}: {result['right'][half]} of {result['asked'][half]}" for half in result["asked"]]
    lines += [f"missed: {intent}: {question}" for half, intent, question in result["wrong"] if half != "before"]
    return "\n".join(lines)
