"""The gate: what the cited evidence bears is let through in any spelling; whatever it does not bear is not."""

from pathlib import Path
from typing import Final

import pytest

from agents import wording
from agents.brief import brief
from agents.casework import gather
from agents.facts import Facts, facts_of
from agents.grounding import check, check_cites, cited_in
from agents.vetting import vet
from agents.views import ANSWERS
from memory.resolution import Resolution, features_of_break
from tests.agents.desks import make_break, make_case, make_desk, put_case

CASE = {
    "case_id": "Cde43855b491f",
    "total": "15000",
    "currency": "USD",
    "break_count": 1,
    "onset": "2026-03-09",
    "scope": {"Account": "1619201"},
}

TRUE: Final = (
    "GL is 20,000 and IHub 35,000 on 9 March 2026.",
    "IHub exceeds GL by 15,000 USD.",
    "The difference is -15,000.00 USD for account 1619201.",
    "GL shows 20k, IHub 35k.",
    "USD 15,000.00 in total",
    "24 past points give a band of -200 to 200.",
    "35,000 in IHub against 20,000 in GL",
    "On 2026-03-09 GL had $20,000.",
    "A gap of (15,000)",
    "15.000,00 USD is the break",
    "GL is 15,000 below IHub",
    "$15 thousand short",
    "IHub used yesterday's rate of 1.75",
    "twenty thousand in GL",
    "GL 20 000 vs IHub 35 000",
    "The account 1619201 broke on 3/9/2026",
    "GL and IHub stand at 20,000 and 35,000 respectively",
    "Since 9 March the gap is 15,000 USD",
    "about 15k",
    "GL: 20000.00; IHub: 35000.00",
    "1 break",
)

FALSE: Final = (
    "GL is 35,000.",
    "IHub has 20,000 on 9 March.",
    "GL exceeds IHub by 15,000",
    "difference of 15,001",
    "15,000 EUR",
    "on 10 March 2026 GL was 20,000",
    "difference of +15,000",
    "account 1619202 is off by 15,000",
    "25 past points",
    "24 days",
    "the rate was 1.57",
    "twelve thousand in GL",
    "expected 15,000",
    "GL is 20 million",
    "GL is 1619201",
    "3 breaks",
    "ticket REC-77 covers it",
    "the difference doubled",
    "90% of it",
    "１０,０００ in GL",
    "GL is 24",
    "since May",
    "on Tuesday",
    "the band is -300 to 200",
    "GL is higher than IHub",
    "JPY 20,000 in GL",
    "5 of 6 like this",
)


def facts() -> Facts:
    return facts_of(make_case((make_break(),)).evidence, "GL", "IHub", also=CASE)


@pytest.mark.parametrize("text", TRUE)
def test_a_true_statement_passes(text: str) -> None:
    assert check(text, facts()) == []


@pytest.mark.parametrize("text", FALSE)
def test_a_false_statement_does_not(text: str) -> None:
    assert check(text, facts())


def test_a_number_that_only_uncited_evidence_bears_does_not_pass() -> None:
    evidence = make_case((make_break(),)).evidence
    assert check("The rate was 1.75.", facts_of(evidence[:1], "GL", "IHub", also=CASE))


def test_citations_have_to_exist() -> None:
    assert cited_in("It is late [E3], as before [E1, E2].") == ["E3", "E1", "E2"]
    assert [f.text for f in check_cites(["E1", "E9"], ["E1", "E2"])] == ["E9"]


def test_the_sides_are_known_by_the_names_in_the_evidence() -> None:
    unnamed = facts_of(make_case((make_break(),)).evidence, "left", "right", also=CASE)
    assert check("GL is 35,000.", unnamed)
    assert check("The left side is 35,000.", unnamed)
    assert check("The left side is 20,000.", unnamed) == []


@pytest.mark.parametrize("node", sorted(ANSWERS))
def test_the_deterministic_wording_passes_its_own_gate(node: str, tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    row = make_break()
    day = row.business_date
    precedent = Resolution(
        "R1", "gl-vs-ihub", day, day, "Rate fixed, 7 days", features_of_break(row), outcome="resolved"
    )
    desk.resolutions.add_many([precedent])
    known = gather(desk, put_case(desk, row))
    assert known.consensus is not None
    view = ANSWERS[node].model_validate(getattr(wording, f"{node}_view")(brief(known)))
    assert vet(view, known, known.evidence) == []
