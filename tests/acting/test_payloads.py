"""Payloads: one value has one canonical text, and hostile text stays text."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.canonical import NotCanonical, canonical, hash_of, parse, payload_hash
from memory.payloads import MODELS, BadPayload, attachment, check_payload, merge_edit
from tests.acting.desk import PAYLOADS
from tests.shared import SHARED, needs_shared

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def naive(value: Any) -> str:
    """RFC 8785 the slow way: names in order of UTF-16 units, the shortest escapes."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{naive(name)}:{naive(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(naive, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@settings(deadline=None)
@given(values)
def test_canonical_text_is_that_of_a_naive_twin_and_reads_back(value: Any) -> None:
    text = canonical(value)
    assert text == naive(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@settings(deadline=None)
@given(values, values)
def test_two_values_share_a_hash_only_when_they_are_one(one: Any, two: Any) -> None:
    assert (hash_of(one) == hash_of(two)) == (canonical(one) == canonical(two))


@pytest.mark.parametrize("value", [0.1, math.nan, math.inf, 1e300, -0.0, 2**53, {1: 2}, {"a": {1}}, b"x", "\ud800"])
def test_what_has_no_single_form_is_refused(value: Any) -> None:
    for nested in (value, {"amount": value}, [[value]]):
        with pytest.raises(NotCanonical):
            canonical(nested)


def test_the_order_of_names_does_not_matter_and_amounts_stay_text() -> None:
    assert canonical({"b": "0.10", "a": 1}) == canonical({"a": 1, "b": "0.10"})
    assert payload_hash(canonical({"a": "0.10"})) != payload_hash(canonical({"a": "0.1"}))
    assert parse(canonical({"a": "0.10"})) == {"a": "0.10"}


def full(kind: Any) -> dict[str, Any]:
    ids = {"message_id": "<a@tieout>", "date": "Mon, 02 Mar 2026 09:00:00 +0000"} if kind == "email.send" else {}
    return {**PAYLOADS[kind], **ids}


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_checked_payload_checks_again_to_itself(kind: Any) -> None:
    checked = check_payload(kind, full(kind))
    assert check_payload(kind, checked) == checked
    assert canonical(checked)


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_missing_or_added_field_is_named(kind: Any) -> None:
    for name in full(kind):
        field = MODELS[kind].model_fields[name]
        if field.is_required():
            with pytest.raises(BadPayload, match=name):
                check_payload(kind, {n: v for n, v in full(kind).items() if n != name})
    with pytest.raises(BadPayload, match="surprise"):
        check_payload(kind, {**full(kind), "surprise": True})


def test_an_attachment_is_what_its_hash_says() -> None:
    good = attachment("rows.csv", "a,b\n")
    assert check_payload("jira.comment", {**PAYLOADS["jira.comment"], "attachments": [good]})["attachments"] == [good]
    for bad in ([{**good, "text": "c"}], [good, good], [{**good, "name": "../x"}]):
        with pytest.raises(BadPayload):
            check_payload("jira.comment", {**PAYLOADS["jira.comment"], "attachments": bad})
    assert "attachments" not in check_payload("jira.comment", {**PAYLOADS["jira.comment"], "attachments": []})


@needs_shared
def test_hostile_text_is_refused_or_stays_text() -> None:
    lines = (SHARED / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    kept = 0
    for line in lines:
        said = json.loads(line)
        text = next(str(value) for name, value in said.items() if name in ("text", "payload", "string", "value"))
        try:
            checked = check_payload("jira.comment", {"ticket": "REC-1", "body": text})
        except BadPayload:
            continue
        kept += 1
        assert parse(canonical(checked))["body"] == text
        for place in ({"to": [text]}, {"message_id": text}):
            with pytest.raises(BadPayload):
                check_payload("email.send", {**full("email.send"), **place})
        with pytest.raises(BadPayload):
            check_payload("jira.transition", {"ticket": text, "to": "Done"})
    assert kept > len(lines) / 2


def test_an_edit_keeps_the_attachments_that_it_does_not_name_and_an_empty_list_takes_them_off() -> None:
    current = {**PAYLOADS["jira.create"], "attachments": [attachment("rows.csv", "a\n1\n")]}
    words = {**PAYLOADS["jira.create"], "summary": "Other words"}
    assert merge_edit("jira.create", current, words)["attachments"] == current["attachments"]
    assert "attachments" not in merge_edit("jira.create", current, {**words, "attachments": []})
