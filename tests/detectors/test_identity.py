"""Identity: a break survives a misspelt or renamed key, and says how."""

import pytest
from two_sides import Line, panel

from detectors.identity import moved_keys, spelling

BEFORE, NOW = "2024-05-30", "2024-05-31"


def moved(old: str, new: str, columns: tuple[str, ...] = ("Account", "Desk")) -> list[str]:
    lines: list[Line] = [
        (old, BEFORE, 5231.44, 5000.0),
        (new, NOW, 5231.44, 5000.0),
        ("777777/Repo", BEFORE, 10.0, 20.0),
        ("777777/Repo", NOW, 10.0, 20.0),
    ]
    return [m.reason for m in moved_keys(panel(lines, columns=columns))]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0012345/Rates", "12345/Rates", "Account lost or gained leading zeros"),
        ("123456/Rates", "123465/Rates", "Account has two characters swapped"),
        ("123456/Rates", "123956/Rates", "Account has one character changed"),
        ("123456/Rates", "12345/Rates", "Account has one character less"),
        ("AB-1001/Rates", "ab 1001/Rates", "Account is written differently"),
        ("123456/Rates London", "123456/London Rates", "Desk has its words in another order"),
        ("123456/Rates", "123456/Credit", "Desk was renamed"),
        ("Rates/123456", "123456/Rates", "Account and Desk are exchanged"),
    ],
)
def test_the_item_is_followed_and_the_difference_named(old: str, new: str, reason: str) -> None:
    assert moved(old, new) == [reason]


def test_a_key_without_likeness_is_another_item() -> None:
    assert moved("123456/Rates", "998811/Credit") == []


def test_other_amounts_are_another_item() -> None:
    lines: list[Line] = [("123456", BEFORE, 5231.44, 5000.0), ("123465", NOW, 5231.44, 4999.0)]
    assert moved_keys(panel(lines)) == []


def test_a_key_that_was_there_before_is_not_moved_to() -> None:
    lines: list[Line] = [
        ("123456", BEFORE, 5231.44, 5000.0),
        ("123465", BEFORE, 1.0, 1.0),
        ("123465", NOW, 5231.44, 5000.0),
    ]
    assert moved_keys(panel(lines)) == []


def test_each_key_moves_once_to_the_likest() -> None:
    lines: list[Line] = [
        ("123456/Rates", BEFORE, 5231.44, 5000.0),
        ("123465/Rates", NOW, 5231.44, 5000.0),
        ("123456/Credit", NOW, 5231.44, 5000.0),
    ]
    found = moved_keys(panel(lines, columns=("Account", "Desk")))
    assert [m.reason for m in found] == ["Account has two characters swapped"]
    assert "stood on Account 123456 until 2024-05-30" in found[0].statement


def test_spelling_is_symmetric_in_likeness() -> None:
    for a, b in (("123456", "123465"), ("AB", "ABC"), ("x", ""), ("007", "7")):
        assert spelling(a, b)[1] == spelling(b, a)[1]
