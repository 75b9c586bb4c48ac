"""A message may ask several things, or lean on the one before; a wish is taken whole, and nothing is guessed."""

import pytest

from agents.understanding import MOST, understand, understand_all

BRIEF = {
    "case": {"last_date": "2026-03-09", "scope": {"Account": "1"}, "key": {"Account": "1"}, "columns": ["Book"]},
    "sources": {"left": "GL", "right": "IHub"},
    "breaks": [],
}


def asked(question: str, before: str = "") -> list[str]:
    return [a.intent for a in understand_all(question, before, BRIEF)]


@pytest.mark.parametrize(
    ("question", "intents"),
    [
        ("why flagged and how much?", ["why", "amount"]),
        ("what caused it? what did we do last time?", ["cause", "resolved"]),
        ("make the mail shorter and ask for the FX ticket", ["revise"]),
        ("Which side is it, and how did such breaks end?", ["side", "resolved"]),
        ("send it and tell me who approved", ["execute"]),
        ("y is ths flagged", ["why"]),
        ("whats the ticket no?", ["ticket"]),
        ("which books are affected?", ["by_column"]),
        ("how many books?", ["by_column"]),
        ("the weather and the football", ["unknown"]),
    ],
)
def test_every_part_of_a_message_is_understood_and_a_wish_is_one(question: str, intents: list[str]) -> None:
    assert asked(question) == intents


def test_no_more_than_three_things_are_answered_at_once() -> None:
    assert len(asked("why? how much? since when? which side? who has it? is there a ticket?")) == MOST


def test_what_does_not_stand_alone_leans_on_the_question_before() -> None:
    assert asked("and the quarter before?", "show last month") == ["history"]
    assert asked("do that again", "what did we do last time?") == ["close"]
    assert asked("and the quarter before?") in (["history"], ["unknown"])


def test_a_follow_up_never_repeats_a_deed() -> None:
    assert asked("and now?", "this is a false positive") == ["unknown"]
    assert asked("or what?", "make the mail shorter") == ["unknown"]


def test_a_slip_is_put_right_only_where_nothing_is_understood() -> None:
    assert understand("who resovled the last one", BRIEF).intent == "resolved"
    assert understand("hstory", BRIEF).intent in ("history", "unknown")
