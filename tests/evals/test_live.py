"""`--live` runs the suites in which a model speaks, against the configured one, and never by default."""

import json
from pathlib import Path

import pytest

from evals import cost, files, scoreboard
from evals.cost import VIEWS
from recon.errors import BadInput
from tests.openai_server.server import Request, Step, serving


def answered(request: Request) -> Step:
    """The deterministic wording, as a live model's own words."""
    names = [t["function"]["name"] for t in request.get("tools") or []]
    form = next((n for n in names if n in VIEWS), None)
    if form is None:
        return Step(text="It is out of pattern [E2].")
    brief = json.loads(next(m["content"] for m in request["messages"] if m["role"] == "user"))
    return Step(calls=[(form, VIEWS[form](brief))], tokens=(1000, 100))


def test_without_a_model_live_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInput, match="no model is configured"):
        scoreboard.run("cost", quick=True, live=True)


def test_a_suite_in_which_no_model_speaks_is_not_run_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(BadInput, match="no model takes part"):
        scoreboard.run("causes", live=True)


def test_the_configured_model_is_asked_and_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answered) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("TIEOUT_PRICE_IN", "2")
        monkeypatch.setenv("TIEOUT_PRICE_OUT", "10")
        board = scoreboard.run("cost", quick=True, live=True)
    row = board.scores[0].result["rows"]["new case"]
    assert server.refused == []
    assert len(server.requests) > 0
    assert (row["calls"], row["tokens in"], row["tokens out"]) == (4, 4000, 400)
    assert row["money"] == pytest.approx(4000 * 2e-6 + 400 * 10e-6)
    assert board.regressions == ()


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["grounding", "injection"])
def test_what_must_never_happen_is_asked_of_a_live_model_too(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answered) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        board = scoreboard.run(suite, quick=True, live=True)
    assert server.requests
    assert board.regressions == ()


def test_the_kept_answers_save_the_second_asking() -> None:
    rows = cost.run(quick=True)["rows"]
    assert rows["new case"]["calls"] == 4
    assert rows["the same case again"]["calls"] == 0
    assert rows["a case of a known family"]["calls"] < rows["new case"]["calls"]
    assert "no price is built in" in cost.table(cost.run(quick=True))


def test_without_the_shared_files_their_suite_says_so_and_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "SHARED", tmp_path)
    found = files.run()
    assert found["headline"] == {}
    assert "nothing was run" in files.table(found)
