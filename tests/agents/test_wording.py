"""The deterministic wording: what it says of a case whose statements quote words, and of one over several keys."""

from typing import Any

from agents import wording


def brief_of(statement: str, **case: Any) -> dict[str, Any]:
    """A brief with one proof."""
    usual = {
        "kind": "anomaly",
        "title": "Text differs: 7 keys, 7 breaks",
        "cause": "text_differs",
        "cause_label": "Text differs",
        "pattern": "spike",
        "pattern_label": "Spike",
        "suspect_side": "",
        "scope": {},
        "key": {},
    }
    return {
        "case": usual | case,
        "sources": {"left": "Murex", "right": "GL"},
        "evidence": [{"id": "E1", "kind": "proof", "statement": statement}],
        "hypotheses": [],
        "consensus": None,
        "wish": "",
    }


def test_a_statement_that_ends_in_a_quoted_word_keeps_its_closing_quote() -> None:
    view = wording.analyst_view(brief_of("Murex says «BUY», GL says «SELL»"))
    assert "Murex says «BUY», GL says «SELL» [E1]." in view["summary"]


def test_a_quoted_sentence_is_ended_once() -> None:
    summary = wording.analyst_view(brief_of("The note says «Booked late.»"))["summary"]
    assert "The note says «Booked late.» [E1]." in summary


def test_a_ticket_over_several_keys_has_the_title_of_its_case() -> None:
    assert wording.planner_view(brief_of("x"))["title"] == "Text differs: 7 keys, 7 breaks"


def test_a_ticket_of_one_key_names_it() -> None:
    title = wording.planner_view(brief_of("x", key={"Account": "1600007", "AU": "4001"}))["title"]
    assert title == "Text differs: Account 1600007, AU 4001"
