"""A desk and cases for the agents' evals: seeded, with figures of many sizes, sides, dates and currencies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents.desk import Desk
from memory.cases import CaseWrite
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart
from recon.ids import case_id
from recon.settings import Settings


@contextmanager
def eval_desk(model: BaseChatModel | None = None) -> Iterator[Desk]:
    """A desk in a folder that goes away afterwards."""
    from server import open_desk

    with TemporaryDirectory(prefix="tieout-eval-") as folder:
        desk = open_desk(Settings(_env_file=None, home=Path(folder)))  # type: ignore[call-arg]
        try:
            yield desk if model is None else replace(desk, make_model=lambda: model)
        finally:
            desk.db.close()


Speech = Callable[[Sequence[BaseMessage], Sequence[str]], AIMessage]


class Scripted(BaseChatModel):
    """A chat model that says what a function makes of the messages."""

    speech: Any
    model_name: str = "scripted"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(names=[convert_to_openai_tool(t)["function"]["name"] for t in tools])

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        message = self.speech(messages, kw.get("names") or [])
        message.response_metadata = {"finish_reason": "tool_calls" if message.tool_calls else "stop"}
        return ChatResult(generations=[ChatGeneration(message=message)])


def answer_with(name: str, view: dict[str, Any]) -> AIMessage:
    """A message that gives an answer through its answer tool."""
    return AIMessage("", tool_calls=[{"name": name, "args": view, "id": "call_1", "type": "tool_call"}])


def make_case(rng: Random, n: int, recon: str = "eval") -> tuple[Case, BreakRow]:
    """A case of one break with its evidence: two sides, a band, a proof, a count, an onset."""
    currency = rng.choice(("USD", "EUR", "GBP", "JPY"))
    left = Decimal(rng.randrange(1_000, 90_000_000)).scaleb(rng.choice((0, -2)))
    off = Decimal(rng.randrange(101, 900_000)).scaleb(rng.choice((0, -2))) * rng.choice((1, -1))
    right = left - off
    day = date(2025, 1, 6) + timedelta(days=rng.randrange(400))
    account = str(rng.randrange(1_000_000, 9_999_999))
    key = {"Account": account, "Currency": currency}
    points = rng.randrange(12, 60)
    brk = BreakRow(
        break_id=f"B{n:016x}",
        item_id=f"I{n:016x}",
        row=n + 1,
        business_date=day,
        pair="Balance",
        key=key,
        columns={"Desk": rng.choice(("Rates", "Credit", "Equities"))},
        left=format(left, "f"),
        right=format(right, "f"),
        difference=format(off, "f"),
        currency=currency,
        is_break=True,
        anomaly="yes",
        score=0.9,
        pvalue=0.001,
        expected=0.0,
        low=-99.5,
        high=99.5,
        pattern="spike",
        cause="fx_rate",
        reason=f"Difference of {off:,f} is outside the band from -99.5 to 99.5 that {points} past points give",
    )
    who = {"key": key, "date": day.isoformat()}
    evidence = (
        Evidence(
            "E1",
            "break",
            f"On {day.isoformat()} GL Balance is {left:,f} and IHub Balance is {right:,f}: "
            f"difference {off:,f} {currency} (Account {account}).",
            {
                **who,
                "left": format(left, "f"),
                "left_source": "GL",
                "right": format(right, "f"),
                "right_source": "IHub",
                "difference": format(off, "f"),
                "currency": currency,
                "pair": "Balance",
            },
            (n + 1,),
        ),
        Evidence("E2", "band", brk.reason, {**who, "low": "-99.50", "high": "99.50", "points": points}, (n + 1,)),
        Evidence(
            "E3",
            "proof",
            "IHub used a rate of 1.0832 where GL used 1.0915",
            {**who, "mechanism": "yesterdays_rate", "left_rate": "1.0915", "right_rate": "1.0832"},
            (n + 1,),
        ),
    )
    scope = tuple(ScopePart(c, v) for c, v in key.items())
    case = Case(
        id=case_id(recon, "fx_rate", list(key.items()), f"{day.isoformat()}-{n}"),
        kind="anomaly",
        state="open",
        title=f"FX rate: Account {account}, {abs(off):,f} {currency}",
        recon=recon,
        pattern="spike",
        cause="fx_rate",
        cause_detail="",
        confidence=0.9,
        severity="high",
        scope=scope,
        break_count=1,
        amount=abs(off),
        currency=currency,
        onset=day,
        rows=(n + 1,),
        evidence=evidence,
        hypotheses=(Hypothesis("fx_rate", "IHub used another rate", 0.9, ("E3",)),),
        suspect_side="right",
        family=f"f{n}",
        pair="Balance",
        key=key,
        amount_base=float(abs(off)),
        last_date=day,
    )
    return case, brk


def put(desk: Desk, *pairs: tuple[Case, BreakRow]) -> None:
    """Cases into the store."""
    desk.cases.upsert_many([CaseWrite(case, (brk,)) for case, brk in pairs], "run-eval")
