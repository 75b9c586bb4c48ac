"""The pure part of drafting: an action's id, whether a draft is the one that stands already, what the audit keeps."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from memory.action import Action, Draft


def action_id_of(want: Draft, number: int) -> str:
    words = "\x1f".join((want.recon, want.case_id, want.kind, want.slot, str(number)))
    return f"A{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def same_draft(past: Sequence[Action], want: Draft, payload: Mapping[str, Any]) -> Action | None:
    """The newest action of the slot when it proposes the same on the same rows, whatever became of it."""
    if not past or past[-1].state in ("superseded", "expired"):
        return None
    newest = past[-1]
    own = ("message_id", "date")
    proposed = {name: value for name, value in newest.proposal.items() if name not in own}
    asked = {name: value for name, value in payload.items() if name not in own}
    return newest if proposed == asked and newest.source_hash == want.source_hash else None


def without_texts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload for the audit: attachments by name and hash."""
    files = payload.get("attachments")
    if not files:
        return dict(payload)
    return {**payload, "attachments": [{"name": file["name"], "sha256": file["sha256"]} for file in files]}


def drafted_body(want: Draft, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case_id": want.case_id,
        "recon": want.recon,
        "kind": want.kind,
        "slot": want.slot,
        "payload": without_texts(payload),
        "rationale": want.rationale,
        "source_hash": want.source_hash,
        "meta": _plain(dict(want.meta)),
    }


def _plain(value: Any) -> Any:
    """Floats as text, so that the audit's bytes are canonical."""
    match value:
        case float():
            return repr(value)
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value
