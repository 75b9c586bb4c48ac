"""Every tool answers with numbered evidence or with a sentence that helps to ask again; none writes."""

import json
from pathlib import Path

import pytest

from agents.casework import gather
from agents.prompting import PromptFault, render, template
from agents.toolbox import BOXES, BY_NAME, TOOLS, Workplace, bench_of, call_tool
from tests.agents.desks import make_desk, put_case
from tools.bench import ToolFault

SNAPSHOTS = Path(__file__).parent / "snapshots"
NEEDED = {"aggregate_breaks": {"by": "Currency"}}


def place(home: Path) -> Workplace:
    desk = make_desk(home)
    known = gather(desk, put_case(desk))
    return Workplace(bench_of(desk, known), known, 50)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_each_tool_answers_with_evidence(name: str, tmp_path: Path) -> None:
    found = call_tool(place(tmp_path), name, NEEDED.get(name, {}), BOXES["assistant"])
    assert found
    assert all(e.id and e.statement for e in found)
    json.dumps([e.values for e in found])
    assert len({e.id for e in found}) == len(found)


@pytest.mark.parametrize(
    ("name", "args", "helps"),
    [
        ("drop_table", {}, "there is no tool"),
        ("two_sides", {"row": 99}, "none of this case's rows; they are 1"),
        ("two_sides", {"row": "x"}, "two_sides: row"),
        ("aggregate_breaks", {"by": "Colour"}, "is no column here; there are"),
        ("series_history", {"sql": "select 1"}, "extra inputs"),
    ],
)
def test_a_wrong_call_is_told_how_to_ask(name: str, args: dict[str, object], helps: str, tmp_path: Path) -> None:
    with pytest.raises(ToolFault, match=helps):
        call_tool(place(tmp_path), name, args, BOXES["assistant"])


def test_the_tools_forms_are_as_snapped() -> None:
    snapped = (SNAPSHOTS / "tools.json").read_text(encoding="utf-8")
    assert json.loads(snapped) == [tool.schema() for tool in TOOLS]


@pytest.mark.parametrize("name", ["detector", "classifier", "analyst", "planner", "assistant", "rules"])
def test_the_prompts_are_as_snapped(name: str) -> None:
    assert (SNAPSHOTS / f"{name}.md").read_text(encoding="utf-8").strip() == template(name)


def test_a_prompt_refuses_a_missing_and_a_surplus_value() -> None:
    with pytest.raises(PromptFault, match="missing"):
        render("detector")
    with pytest.raises(PromptFault, match="not asked for"):
        render("detector", rules="r", colour="red")
