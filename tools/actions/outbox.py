"""The outbox: mails as `.eml` files in the workspace, when no SMTP server is configured."""

import os
from pathlib import Path

from memory.action import Action, Receipt
from recon.words import ActionKind
from tools.actions.door import HARMLESS, Check, NotSent, Recovery
from tools.actions.letter import letter


class Outbox:
    """One file per action, whole or not there: written aside, synced, renamed, and the folder synced."""

    name = "mail"
    kinds: frozenset[ActionKind] = frozenset({"email.send"})

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def recovery(self, kind: ActionKind) -> Recovery:
        return HARMLESS

    def dry_run(self, action: Action) -> bytes:
        return letter(action, self._sender)

    def do(self, action: Action) -> Receipt:
        path = self._path(action)
        partial = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as out:
                out.write(letter(action, self._sender))
                out.flush()
                os.fsync(out.fileno())
            partial.replace(path)
            _sync(self._folder)
        except OSError as error:
            partial.unlink(missing_ok=True)
            said = f"The outbox {self._folder} cannot be written ({error.strerror}); make room or fix its rights."
            raise NotSent(said, code="outbox") from error
        return Receipt(action.payload["message_id"], url=path.name)

    def look_up(self, action: Action) -> Receipt | None:
        path = self._path(action)
        if path.exists() and path.read_bytes() == letter(action, self._sender):
            return Receipt(action.payload["message_id"], url=path.name)
        return None

    def check(self) -> list[Check]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / ".probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            said = f"The outbox {self._folder} cannot be written: {error.strerror}."
            return [Check("outbox", False, said)]
        return [Check("outbox", True, f"No SMTP server is configured: mails are kept in {self._folder}.")]

    def doubles(self, action: Action) -> list[str]:
        return []

    def _path(self, action: Action) -> Path:
        return self._folder / f"{action.id}.eml"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
