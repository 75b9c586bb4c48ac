"""Tags are replaced, expired and undone, never lost; habits are learned, kept to their scope, and forgotten."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from memory.feedback import Feedback, Tag
from memory.preferences import Preferences
from recon.errors import BadInput
from tests.agents.desks import Watch, make_desk

TAG = Tag("gl", "case", "C1", "false_positive", note="month end")


def test_a_second_tag_of_the_same_person_replaces_the_first(tmp_path: Path) -> None:
    watch = Watch()
    tags = make_desk(tmp_path, watch=watch).feedback
    tags.add(TAG, "olga")
    watch.later(1)
    second = tags.add(Tag("gl", "case", "C1", "true"), "olga")
    assert tags.list(target_id="C1") == [second]
    assert len(tags.list(target_id="C1", active_only=False)) == 2


def test_a_tag_expires_and_can_be_taken_back(tmp_path: Path) -> None:
    watch = Watch()
    tags = make_desk(tmp_path, watch=watch).feedback
    first = tags.add(Tag("gl", "case", "C1", "true", expires_at=watch() + timedelta(days=1)), "olga")
    other = tags.add(Tag("gl", "case", "C2", "true"), "olga")
    watch.later(2 * 86400)
    assert [t.id for t in tags.list(recon="gl")] == [other.id]
    assert not tags.undo(other.id).active
    assert tags.list(recon="gl") == []
    assert tags.get(first.id).verdict == "true"


def test_a_preview_saves_nothing(tmp_path: Path) -> None:
    tags = make_desk(tmp_path).feedback

    def compute(tag: Tag, known: list[Feedback]) -> dict[str, Any]:
        return {"hidden": 3, "known": len(known)}

    assert tags.preview(TAG, compute) == {"hidden": 3, "known": 0}
    assert tags.list() == []


def test_a_correction_says_what_is_right(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="say the right pattern or the right cause"):
        make_desk(tmp_path).feedback.add(Tag("gl", "case", "C1", "corrected"), "olga")


def learned(home: Path, *rows: tuple[dict[str, str], Any]) -> Preferences:
    desk = make_desk(home)
    store = Preferences(desk.db, desk.clock)
    for n, (scope, value) in enumerate(rows):
        store.learn("gl", scope, {"jira.create.priority": (value, True)}, f"D{n}")
    return store


def value(store: Preferences, **scope: str) -> Any:
    found = store.habits("gl", scope, "jira.create.")
    return found["jira.create.priority"].value if found else None


def test_a_habit_is_kept_to_its_scope(tmp_path: Path) -> None:
    rates = {"cause": "fx_rate", "desk": "Rates"}
    store = learned(tmp_path, (rates, "High"), (rates, "High"), (rates, "High"))
    assert value(store, **rates) == "High"
    assert value(store, cause="fx_rate", desk="Credit") is None
    assert value(store, cause="timing", desk="Rates") is None


def test_what_varied_without_effect_is_generalised_over(tmp_path: Path) -> None:
    store = learned(tmp_path, *(({"cause": "fx_rate", "account": str(n)}, "High") for n in range(4)))
    assert value(store, cause="fx_rate", account="unseen") == "High"


def test_a_habit_can_be_undone_by_its_decision(tmp_path: Path) -> None:
    store = learned(tmp_path, ({"cause": "fx_rate"}, "High"))
    assert store.undo("D0") == 1
    assert value(store, cause="fx_rate") is None


def test_a_changed_mind_is_followed(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, watch=(watch := Watch()))
    store = Preferences(desk.db, desk.clock)
    for n, wanted in enumerate(["High", "High", "High", "High", "Low", "Low"]):
        watch.later(60)
        store.learn("gl", {"cause": "fx_rate"}, {"jira.create.priority": (wanted, True)}, f"D{n}")
    assert value(store, cause="fx_rate") == "Low"
