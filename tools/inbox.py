"""Mails that were saved as `.eml` files in a folder: which of ours they answer, who wrote, and their plain words."""

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from tools.actions.door import Reply

LARGEST: Final = 1_000_000
"""Bytes of a mail that are read: its words come before its attachments."""
_QUOTED_MAIL: Final = re.compile(r"^\s*(?:>|On .{1,200} wrote:\s*$|-{2,}\s*Original Message)", re.I)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,400}>")


def replies_in(folder: Path) -> Iterator[tuple[Path, list[str], Reply]]:
    """(file, the Message-IDs that it answers, what it says) for each `.eml` file, oldest name first."""
    for path in sorted(folder.glob("*.eml")):
        with path.open("rb") as source:
            raw = source.read(LARGEST)
        yield path, *_read(raw)


def _read(raw: bytes) -> tuple[list[str], Reply]:
    # A header that a library cannot parse must not lose the mail: every field falls back to nothing.
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    answers = _MESSAGE_ID.findall(f"{message.get('In-Reply-To', '')} {message.get('References', '')}")
    ident = _MESSAGE_ID.findall(str(message.get("Message-ID", "")))
    who = " ".join(str(message.get("From", "")).split()) or "unknown sender"
    text = _text(raw)
    own = ident[0] if ident else hashlib.sha256(raw).hexdigest()[:32]
    return answers, Reply(f"mail:{own}", who, text, "mail", " ".join(str(message.get("Date", "")).split())[:80])


def _text(raw: bytes) -> str:
    """The plain words of the mail without what it quotes of ours."""
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        part = message.get_body(("plain",))
        words = part.get_content() if part is not None else ""
    except (LookupError, ValueError, KeyError, AttributeError, TypeError, IndexError, AssertionError):
        words = ""
    lines: list[str] = []
    for line in str(words).splitlines():
        if _QUOTED_MAIL.match(line):
            break
        lines.append(line)
    return "\n".join(lines).strip() or "(no plain text)"
