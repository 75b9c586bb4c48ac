"""The comment offered to a break is one that operators used on the like, never from later, and never a guess."""

from dataclasses import replace
from datetime import date, timedelta

from memory.embedding import Features
from memory.resolution import Resolution
from tools.comments import Precedents

DAY = date(2026, 3, 5)
MISSING = Features(pair="Quantity", sign=-1, size=4.2, missing="left", cause="missing_left", columns={"Book": "H2"})


def make(n: int, features: Features, comment: str, day: date = DAY - timedelta(days=1)) -> Resolution:
    keyed = replace(features, columns={**features.columns, "Trade": str(n)})
    return Resolution(f"R{n}", "trades", day, day, comment, keyed, outcome="resolved")


def test_the_same_kind_of_break_in_the_same_book_is_followed() -> None:
    other = replace(MISSING, columns={"Book": "U7"})
    known = [make(1, MISSING, "will drop off"), make(2, MISSING, "will drop off"), make(3, other, "blotter changed")]
    found = Precedents(known, ("Trade",)).offer(MISSING, DAY, {"Trade": "99"})
    assert found is not None
    assert (found.comment, found.count, found.total) == ("will drop off", 2, 2)
    assert found.like == "the same kind of break with the same Book"


def test_the_same_key_goes_before_everything() -> None:
    known = [make(1, MISSING, "mine"), *(make(n, MISSING, "theirs") for n in range(2, 9))]
    found = Precedents(known, ("Trade",)).offer(MISSING, DAY, {"Trade": "1"})
    assert found is not None
    assert found.comment == "mine"


def test_a_missing_side_finds_one_sided_precedents_only_and_rounding_none() -> None:
    known = [make(1, MISSING, "will drop off"), make(2, MISSING, "will drop off")]
    precedents = Precedents(known, ("Trade",))
    right = replace(MISSING, missing="right", cause="missing_right", sign=1, columns={"Book": "X1"})
    assert (found := precedents.offer(right, DAY, {"Trade": "5"})) is not None
    assert found.like == "a similar break"
    rounding = replace(MISSING, missing="", cause="rounding", pair="Price")
    assert precedents.offer(rounding, DAY, {"Trade": "5"}) is None


def test_nothing_from_later_is_offered() -> None:
    known = [make(1, MISSING, "tomorrow's wisdom", DAY + timedelta(days=1))]
    assert Precedents(known, ("Trade",)).offer(MISSING, DAY, {"Trade": "1"}) is None


def test_comments_that_follow_no_rule_are_not_guessed() -> None:
    reasons = ("a", "b", "c", "d", "e")
    known = [
        make(
            n,
            replace(MISSING, columns={"Book": f"B{n % 7}"}),
            f"reason {reasons[(n * n * 7 + n) % 5]}",
            DAY - timedelta(days=n),
        )
        for n in range(1, 200)
    ]
    offers = [Precedents(known, ("Trade",)).offer(MISSING, DAY, {"Trade": f"x{n}"}) for n in range(3)]
    assert offers == [None, None, None]
