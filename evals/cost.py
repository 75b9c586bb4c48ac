"""Cost: what a live model is asked for a case, in calls, tokens and money, and what the kept answers save.

Without a key the project's own OpenAI-compatible test server stands in for the model: it answers as the deterministic
wording would, and counts four characters as a token. With `--live` the configured model is asked and counts itself.
No price is built in: money is counted only where TIEOUT_PRICE_IN and TIEOUT_PRICE_OUT (per million tokens) say one.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic import SecretStr

from agents import wording
from agents.assistant import ask
from agents.desk import Desk
from agents.graph import work_cases
from agents.model import make_model
from evals.desk import eval_desk, make_case, put
from memory.action import Person
from memory.usage import Spent, Usage
from recon.errors import BadInput
from recon.settings import Settings

VIEWS: Final = {
    "DetectorView": wording.detector_view,
    "ClassifierView": wording.classifier_view,
    "AnalystView": wording.analyst_view,
    "PlannerView": wording.planner_view,
}
QUESTION: Final = "why is this flagged?"
CHARS_PER_TOKEN: Final = 4


@contextmanager
def standing_in() -> Iterator[BaseChatModel]:
    """ChatOpenAI against the test server, which answers every form truly, and every question with a citation."""
    try:
        from tests.openai_server.server import Request, Step, serving
    except ImportError:
        msg = "eval cost: the test server is not in an installed copy; run it from a checkout, or with --live"
        raise BadInput(msg) from None

    def answered(request: Request) -> Step:
        sent = len(json.dumps(request["messages"])) + len(json.dumps(request.get("tools") or []))
        names = [t["function"]["name"] for t in request.get("tools") or []]
        form = next((n for n in names if n in VIEWS), None)
        brief = json.loads(next(m["content"] for m in request["messages"] if m["role"] == "user"))
        said = VIEWS[form](brief) if form else {}
        text = "" if form else "It is out of pattern [E2]."
        told = len(json.dumps(said)) if form else len(text)
        return Step(
            calls=[(form, said)] if form else [], text=text, tokens=(sent // CHARS_PER_TOKEN, told // CHARS_PER_TOKEN)
        )

    with serving(answered) as server:
        yield make_model(Settings(_env_file=None, openai_base_url=server.url, openai_api_key=SecretStr("none")))  # type: ignore[call-arg]


def run(quick: bool = False, model: BaseChatModel | None = None) -> dict[str, Any]:
    """Spent per case for cases that are new, asked for again, of a known family, and for a question in a chat."""
    count = 4 if quick else 20
    if model is None:
        with standing_in() as stand_in:
            return _measured(count, stand_in)
    return _measured(count, model)


def _measured(count: int, model: BaseChatModel) -> dict[str, Any]:
    rng = Random(11)
    cases = [make_case(rng, n) for n in range(1, count + 1)]
    relatives = [
        (replace(case, family="one"), brk) for case, brk in (make_case(rng, n) for n in range(101, 101 + count))
    ]
    rows: dict[str, dict[str, Any]] = {}
    with eval_desk(model) as desk:
        put(desk, *cases, *relatives)
        ids, family = [c.id for c, _ in cases], [c.id for c, _ in relatives]
        rows["new case"] = _spent(desk, count, lambda: work_cases(desk, ids))
        rows["the same case again"] = _spent(desk, count, lambda: _again(desk, ids))
        rows["a case of a known family"] = _spent(desk, count, lambda: work_cases(desk, family))
        rows["a question in a chat"] = _spent(desk, count, lambda: _asked(desk, ids))
        rows["without a model"] = {"calls": 0.0, "tokens in": 0.0, "tokens out": 0.0, **_money(Spent(), count)}
    new, kin = rows["new case"], rows["a case of a known family"]
    headline = {
        "calls per new case": new["calls"],
        "tokens per new case": new["tokens in"] + new["tokens out"],
        "calls per case asked for again": rows["the same case again"]["calls"],
        "calls per case of a known family": kin["calls"],
        "calls per question in a chat": rows["a question in a chat"]["calls"],
    }
    return {"cases": count, "rows": rows, "headline": headline, "priced": "money" in new}


def _again(desk: Desk, ids: list[str]) -> None:
    """The same evidence once more, as a run on the same file would bring it: every draft is made anew."""
    for case_id in ids:
        for action in desk.ledger.list(case_id=case_id, state="pending"):
            desk.ledger.supersede_stale(case_id, f"not {action.source_hash}", "asked for again")
    work_cases(desk, ids)


def _asked(desk: Desk, ids: Sequence[str]) -> None:
    async def listen() -> None:
        for case_id in ids:
            async for _ in ask(desk, case_id, QUESTION, Person("eval", "operator")):
                pass

    asyncio.run(listen())


def _spent(desk: Desk, count: int, work: Callable[[], object]) -> dict[str, float]:
    usage = Usage(desk.db, desk.clock)
    before = usage.of_day()
    work()
    after = usage.of_day()
    spent = Spent(after.calls - before.calls, after.tokens_in - before.tokens_in, after.tokens_out - before.tokens_out)
    figures = {"calls": spent.calls, "tokens in": spent.tokens_in, "tokens out": spent.tokens_out}
    return {**{name: value / count for name, value in figures.items()}, **_money(spent, count)}


def _money(spent: Spent, count: int) -> dict[str, float]:
    """Per case, in the currency of the prices; nothing where no price is set."""
    cost = spent.cost(Settings())
    return {} if cost is None else {"money": float(cost / Decimal(count))}


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it."""
    names = ["calls", "tokens in", "tokens out", *(["money"] if result["priced"] else [])]
    lines = [f"{'per case':28}" + "".join(f"{n:>14}" for n in names)]
    lines += [f"{what:28}" + "".join(f"{row[n]:14,.4g}" for n in names) for what, row in result["rows"].items()]
    if not result["priced"]:
        lines.append("no money: no price is built in; set TIEOUT_PRICE_IN and TIEOUT_PRICE_OUT, per million tokens")
    return "\n".join(lines)
