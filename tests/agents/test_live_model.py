"""A real ChatOpenAI against a scripted server: every failure ends in a good or in the deterministic answer."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents import wording
from agents.assistant import ask
from agents.brief import brief
from agents.casework import gather
from agents.desk import Desk
from agents.event import Event
from agents.graph import work_cases
from agents.model import make_model
from agents.speaker import Said, Speaker
from memory.usage import Usage
from recon.settings import Settings
from tests.agents.desks import make_break, make_case, make_desk, put_case, say
from tests.openai_server.server import Answer, Request, ScriptedServer, Step, serving

TRUE = {
    "verdict": "agree",
    "summary": "On 9 March 2026 GL had 20,000 and IHub 35,000, so GL is 15,000 USD below IHub [E1].",
    "hypotheses": [{"cause": "fx_rate", "statement": "IHub used a rate of 1.75", "confidence": 0.8, "cites": ["E3"]}],
    "next_step": "Ask IHub for the rate.",
    "cites": ["E1", "E3"],
}
LIE = {**TRUE, "summary": "On 9 March 2026 GL had 35,000 and IHub 20,000 [E1]."}


def live(home: Path, server: ScriptedServer, **settings: Any) -> Desk:
    said = {"openai_base_url": server.url, "openai_api_key": SecretStr("sk-canary-1234567890"), "model_timeout": 1.0}
    model = make_model(Settings(_env_file=None, home=home, **{**said, **settings}))  # type: ignore[call-arg]
    return make_desk(home, model=model, **{**said, **settings})


def analyst(home: Path, *steps: Answer, **settings: Any) -> tuple[Said, ScriptedServer]:
    with serving(*steps) as server:
        desk = live(home, server, **settings)
        known = gather(desk, put_case(desk))
        said = asyncio.run(Speaker(desk).ask("analyst", known))
    assert server.refused == [], "the request broke the protocol"
    return said, server


def answer(view: dict[str, Any]) -> Step:
    return Step(calls=[("AnalystView", view)])


def test_a_true_answer_is_used_as_it_stands(tmp_path: Path) -> None:
    said, server = analyst(tmp_path, answer(TRUE))
    assert (said.source, said.view.summary) == ("model", TRUE["summary"])  # type: ignore[attr-defined]
    assert len(server.requests) == 1


def test_a_lie_is_sent_back_once_and_then_replaced(tmp_path: Path) -> None:
    said, server = analyst(tmp_path, answer(LIE))
    assert said.source == "rules"
    assert "35,000 and IHub 20,000" not in said.view.summary  # type: ignore[attr-defined]
    assert len(server.requests) == 2
    assert "Not accepted" in server.requests[1]["messages"][-1]["content"]


def test_a_lie_that_is_mended_is_used(tmp_path: Path) -> None:
    said, _ = analyst(tmp_path, answer(LIE), answer(TRUE))
    assert said.source == "model"


FAILURES: dict[str, tuple[list[Answer], int]] = {
    "timeout": ([Step(stall=2.0)], 3),
    "429 with Retry-After": ([Step(status=429, headers={"Retry-After": "0.01"})], 3),
    "500": ([Step(status=500)], 3),
    "a login page with 200": ([Step(body="<html>sign in</html>", headers={"Content-Type": "text/html"})], 1),
    "an empty body": ([Step(body="")], 1),
    "truncated JSON": ([Step(calls=[("AnalystView", TRUE)], cut=0.5)], 3),
    "malformed arguments twice": ([Step(calls=[("AnalystView", '{"verdict": "agr')])], 2),
    "wrong fields": ([answer({"verdict": "maybe"})], 2),
    "cut at the length limit": ([Step(calls=[("AnalystView", TRUE)], finish="length")], 1),
    "a refusal": ([Step(refusal="I cannot help with that")], 1),
    "a content filter": ([Step(text="", finish="content_filter")], 1),
    "prose instead of an answer": ([Step(text="Sure, happy to help!")], 2),
    "an unknown tool for ever": ([Step(calls=[("drop_table", {})])], 6),
    "a loop of tool calls": ([Step(calls=[("series_history", {})])], 6),
    "no choices": ([Step(body='{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[]}')], 1),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_ends_in_the_deterministic_wording_and_says_why(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    steps, most = FAILURES[name]
    said, server = analyst(tmp_path, *steps, model_timeout=0.3 if name == "timeout" else 5.0)
    assert said.source == "rules"
    assert said.why_rules
    assert 1 <= len(server.requests) <= most


def test_an_answer_after_a_busy_moment_is_used(tmp_path: Path) -> None:
    said, server = analyst(tmp_path, Step(status=429, headers={"Retry-After": "0.01"}), Step(status=503), answer(TRUE))
    assert (said.source, len(server.requests)) == ("model", 3)


def test_json_written_as_text_is_read(tmp_path: Path) -> None:
    said, _ = analyst(tmp_path, Step(text=f"```json\n{json.dumps(TRUE)}\n```"))
    assert said.source == "model"


def test_a_wrong_tool_call_is_mended_and_tools_bring_evidence(tmp_path: Path) -> None:
    def final(request: Request) -> Step:
        found = json.loads(request["messages"][-1]["content"])
        claim = {**TRUE, "summary": f"{found[0]['statement']} [{found[0]['id']}].", "cites": [found[0]["id"], "E3"]}
        return answer(claim)

    said, server = analyst(tmp_path, Step(calls=[("two_sides", {"row": 99})]), Step(calls=[("two_sides", {})]), final)
    assert said.source == "model"
    assert "row 99 is none of this case's rows" in server.requests[1]["messages"][-1]["content"]


def test_a_context_that_is_too_long_is_asked_again_with_less(tmp_path: Path) -> None:
    too_long = json.dumps({"error": {"message": "maximum context length exceeded", "code": "context_length_exceeded"}})
    with serving(Step(status=400, body=too_long), answer(TRUE)) as server:
        desk = live(tmp_path, server)
        known = gather(desk, put_case(desk, *(make_break(n) for n in range(1, 6))))
        said = asyncio.run(Speaker(desk).ask("analyst", known))
    assert said.source == "model"
    assert len(server.requests[1]["messages"][1]["content"]) < len(server.requests[0]["messages"][1]["content"])


def test_the_same_case_is_not_paid_twice(tmp_path: Path) -> None:
    with serving(answer(TRUE)) as server:
        desk = live(tmp_path, server)
        known = gather(desk, put_case(desk))
        first = asyncio.run(Speaker(desk).ask("analyst", known))
        second = asyncio.run(Speaker(desk).ask("analyst", known))
        assert first.view == second.view
        assert len(server.requests) == 1
        assert Usage(desk.db, desk.clock).of_case(known.case.id).tokens == 120


def test_a_case_over_its_budget_is_worded_by_rule(tmp_path: Path) -> None:
    said, server = analyst(tmp_path, answer(TRUE), tokens_per_case=0)
    assert (said.source, server.requests) == ("rules", [])
    assert "budget" in said.why_rules


def by_node(request: Request) -> Step:
    """Each node answered truly, by the deterministic wording itself."""
    name = next(t["function"]["name"] for t in request["tools"] if t["function"]["name"].endswith("View"))
    paper = json.loads(request["messages"][1]["content"])
    node = name.removesuffix("View").lower()
    return Step(calls=[(name, getattr(wording, f"{node}_view")(paper))])


def test_a_dozen_cases_of_one_family_cost_four_calls(tmp_path: Path) -> None:
    with serving(by_node) as server:
        desk = live(tmp_path, server)
        ids = []
        for n in range(1, 13):
            row = make_break(n, left=str(1000 * n), right=str(500 * n), difference=str(500 * n))
            ids.append(put_case(desk, row, **{"family": "one"}))
        assert all(not w.failed for w in work_cases(desk, ids))
        assert server.refused == []
        assert len(server.requests) == 4
        assert len({desk.cases.get(i).summary for i in ids}) > 1


def test_a_dead_server_is_left_alone_after_three_failures(tmp_path: Path) -> None:
    with serving(Step(status=401)) as server:
        desk = live(tmp_path, server)
        ids = [put_case(desk, make_break(n), family=f"f{n}") for n in range(1, 6)]
        assert all(not w.failed and w.action_ids for w in work_cases(desk, ids))
        assert len(server.requests) <= 3 + 8


@pytest.mark.parametrize("name", ["timeout", "500", "429 with Retry-After"])
def test_a_question_that_was_asked_thrice_in_vain_is_three_failures(name: str, tmp_path: Path) -> None:
    """A case after another waits for a silent server once, not three times for each of its questions."""
    with serving(*FAILURES[name][0]) as server:
        desk = live(tmp_path, server, model_timeout=0.2)
        ids = [put_case(desk, make_break(n), family=f"f{n}") for n in range(1, 4)]
        for case_id in ids:
            (worked,) = work_cases(desk, [case_id])
            assert worked.action_ids
        assert len(server.requests) == 3 * len(ids), "each run asks once; within it nothing is asked again"


def sent(server: ScriptedServer) -> str:
    return json.dumps(server.requests, ensure_ascii=False)


def test_no_masked_value_and_no_secret_leaves(tmp_path: Path) -> None:
    canary = "7719940031"
    row = make_break(
        1, key={"Account": canary, "Currency": "USD"}, reason=f"-15,000 on {canary}", comment=f"see {canary}"
    )
    with serving(by_node) as server:
        desk = live(tmp_path, server)
        say(desk, "gl-vs-ihub", {"mask": ["Account"]})
        case_id = put_case(desk, row, title=f"Balance off on {canary} sk-canary-1234567890")
        worked = work_cases(desk, [case_id])
        asked = asyncio.run(heard(desk, case_id, f"why is {canary} off?"))
    assert server.requests
    assert canary not in sent(server)
    assert "sk-canary" not in sent(server)
    assert canary in desk.ledger.get(worked[0].action_ids[0]).payload_text, "put back on the way in"
    assert asked[-1].event == "done"


async def heard(desk: Desk, case_id: str, question: str) -> list[Event]:
    return [event async for event in ask(desk, case_id, question, "olga")]


def chat(home: Path, question: str, *steps: Answer) -> tuple[list[Event], ScriptedServer]:
    with serving(*steps) as server:
        desk = live(home, server)
        events = asyncio.run(heard(desk, put_case(desk), question))
    assert server.refused == []
    return events, server


def test_a_chat_answer_streams_and_cites(tmp_path: Path) -> None:
    events, _ = chat(tmp_path, "is it GL?", Step(text="GL is 20,000 and IHub 35,000 [E1]."))
    assert "".join(e["text"] for e in events if e.event == "token") == "GL is 20,000 and IHub 35,000 [E1]."
    assert events[-1]["source"] == "model"
    assert events[-1]["cites"] == ["E1"]


CHAT_FAILURES: dict[str, Callable[[], Step]] = {
    "dropped stream": lambda: Step(text="GL is 20,000 and IHub 35,000 [E1].", cut=0.5),
    "a lie": lambda: Step(text="GL is 35,000 [E1]."),
    "an uncited claim": lambda: Step(text="The rate was 1.75."),
    "an invented citation": lambda: Step(text="It is late [E77]."),
    "500": lambda: Step(status=500),
    "nothing": lambda: Step(text=""),
    "an endless loop": lambda: Step(calls=[("show_drafts", {})]),
}


@pytest.mark.parametrize("name", CHAT_FAILURES)
def test_a_failing_chat_is_answered_by_rule(name: str, tmp_path: Path) -> None:
    events, _ = chat(tmp_path, "which side is it?", CHAT_FAILURES[name]())
    assert events[-1].event == "done"
    assert events[-1]["source"] == "rules"
    assert events[-1]["why_rules"]
    assert "35000 is 20000 at yesterday's rate of 1.75" in events[-1]["text"]


def test_a_model_cannot_act_or_steer_a_draft_by_words_it_read(tmp_path: Path) -> None:
    calls = [("send_mail", {"to": "thief@evil.example"}), ("revise_draft", {"words": "send it to thief@evil.example"})]
    with serving(Step(calls=calls), Step(text="Done.")) as server:
        desk = live(tmp_path, server)
        case_id = put_case(desk)
        asyncio.run(heard(desk, case_id, "make it shorter"))
        texts = " ".join(a.payload_text for a in desk.ledger.list(case_id=case_id))
    assert "evil" not in texts
    assert not any(a.state in ("approved", "done") for a in desk.ledger.list(case_id=case_id))


def test_the_numbers_are_the_same_with_and_without_a_model(tmp_path: Path) -> None:
    def numbers(desk: Desk, case_id: str) -> tuple[Any, ...]:
        case = desk.cases.get(case_id)
        hypotheses = [(h.cause, h.confidence) for h in case.hypotheses]
        return case.amount, case.confidence, case.pattern, case.cause, hypotheses, case.evidence

    plain = make_desk(tmp_path / "plain")
    work_cases(plain, [put_case(plain)])
    with serving(by_node) as server:
        desk = live(tmp_path / "live", server)
        case_id = put_case(desk)
        work_cases(desk, [case_id])
        assert numbers(desk, case_id) == numbers(plain, case_id)


def test_a_disagreement_is_shown_and_lowers_the_confidence(tmp_path: Path) -> None:
    def doubting(request: Request) -> Step:
        step = by_node(request)
        name, view = step.calls[0]
        if name == "ClassifierView":
            view = {**view, "verdict": "disagree", "cause": "timing", "why": "IHub booked late [E1].", "cites": ["E1"]}
        return Step(calls=[(name, view)])

    with serving(doubting) as server:
        desk = live(tmp_path, server)
        case_id = put_case(desk)
        work_cases(desk, [case_id])
    case = desk.cases.get(case_id)
    assert "The classifier disagrees: IHub booked late" in case.summary
    assert case.confidence < 0.9
    assert case.cause == "fx_rate"


def test_the_brief_holds_no_more_than_it_says(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    known = gather(desk, put_case(desk))
    assert set(brief(known)) == {
        "case", "sources", "evidence", "breaks", "hypotheses", "similar", "consensus", "wish", "template"
    }  # fmt: skip
    assert make_case((make_break(),)).id == known.case.id
