"""The mail's own bytes: the same approved payload gives the same bytes on every rebuild."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from memory.action import Action


def letter(action: Action, sender: str) -> bytes:
    """The whole message as it leaves, with CRLF line ends. Message-ID and Date stand in the payload.

    Plain text in one part needs no boundary; `EmailMessage` refuses a line break in a header.
    """
    payload = action.payload
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = [_address(text) for text in payload["to"]]
    if payload["cc"]:
        message["Cc"] = [_address(text) for text in payload["cc"]]
    message["Subject"] = payload["subject"]
    message["Date"] = payload["date"]
    message["Message-ID"] = payload["message_id"]
    if payload["in_reply_to"]:
        message["In-Reply-To"] = payload["in_reply_to"]
        message["References"] = payload["in_reply_to"]
    message["Auto-Submitted"] = "auto-generated"
    message["X-Tieout-Action"] = action.id
    message["X-Tieout-Payload"] = action.payload_hash
    message.set_content(payload["body"], charset="utf-8", cte="quoted-printable")
    return message.as_bytes()


def _address(text: str) -> Address:
    return Address(addr_spec=text)


def recipients(action: Action) -> list[str]:
    """Everyone the mail goes to, each once, in order."""
    return list(dict.fromkeys([*action.payload["to"], *action.payload["cc"]]))
