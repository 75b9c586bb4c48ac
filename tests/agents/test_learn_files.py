"""Past resolutions as files of other programs: learned, or refused in one sentence that names the line."""

from pathlib import Path

import pytest

from agents.learn import learn
from recon.errors import BadInput
from recon.recon_file import ReconFile
from tests.agents.desks import make_desk

GOOD = '{"comment": "late booking", "business_date": "2026-01-02"}'


def lines(folder: Path, *text: str) -> Path:
    path = folder / "past.jsonl"
    path.write_text("\n".join(text), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "second",
    ["[" * 100_000, '{"a":' * 50_000, '{"comment": "\\ud800"}', "[1]", "nonsense", '{"amount": ' + "9" * 10_000 + "}"],
    ids=["deep lists", "deep objects", "half a character", "a list", "no JSON", "a long number"],
)
def test_a_line_that_is_no_resolution_is_named_and_nothing_is_learned(second: str, tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    with pytest.raises(BadInput, match="line 2: ") as told:
        learn(desk, lines(tmp_path, GOOD, second), "loans", ReconFile())
    assert "\n" not in str(told.value)
    assert learn(desk, lines(tmp_path, GOOD), "loans", ReconFile()).learned == 1


def test_a_mark_in_front_and_odd_line_ends_within_a_comment_are_no_hindrance(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    path = lines(tmp_path, "\ufeff" + GOOD, GOOD.replace("late", "late\u2028and later"), "")
    assert learn(desk, path, "loans", ReconFile()).learned == 2
