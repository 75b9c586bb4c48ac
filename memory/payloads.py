"""What each kind of action carries, checked when it is drafted and again when a person edits it."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from recon.errors import BadInput
from recon.words import ActionKind

SUMMARY_LIMIT = 255
DESCRIPTION_LIMIT = 32_767
ATTACHMENT_LIMIT = 10_000_000


class BadPayload(BadInput):
    """A payload is not what its kind of action carries."""


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _one_line(text: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 or sign in "\x85\u2028\u2029" for sign in text):
        msg = "must stand on one line, without control characters"
        raise ValueError(msg)
    return text


def _prose(text: str) -> str:
    if any(ord(sign) < 32 and sign not in "\n\t" for sign in text):
        msg = "holds a control character"
        raise ValueError(msg)
    return text


_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def _address(text: str) -> str:
    if len(text) > 254 or not _ADDRESS.fullmatch(text) or ".." in text:
        msg = f"{text!r} is no plain mail address (name@domain)"
        raise ValueError(msg)
    return text


def _message_id(text: str) -> str:
    if not re.fullmatch(r"<[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+>", text):
        msg = f"{text!r} is no Message-ID (<name@host>)"
        raise ValueError(msg)
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(_one_line)
]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=DESCRIPTION_LIMIT), AfterValidator(_prose)]
Address = Annotated[str, AfterValidator(_address)]
MessageId = Annotated[str, AfterValidator(_message_id)]
Label = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]{1,255}$")]
ProjectKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
TicketKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}-[1-9][0-9]{0,11}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Attachment(_Payload):
    """A small text file that goes with a ticket: the evidence chart (SVG) or its rows (CSV)."""

    name: FileName
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the text's UTF-8 bytes; checked."""
    text: Annotated[str, StringConstraints(min_length=1, max_length=ATTACHMENT_LIMIT)]


def attachment(name: str, text: str) -> dict[str, str]:
    """An attachment with its hash, as a payload holds it."""
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}


def _whole(files: list[Attachment]) -> list[Attachment]:
    for file in files:
        if hashlib.sha256(file.text.encode()).hexdigest() != file.sha256:
            msg = f"{file.name} does not have the SHA-256 that it names"
            raise ValueError(msg)
    if len({file.name for file in files}) < len(files):
        msg = "two attachments have one name"
        raise ValueError(msg)
    return files


Attachments = Annotated[list[Attachment], Field(max_length=10), AfterValidator(_whole)]


class JiraCreate(_Payload):
    """A new ticket. Text is plain: the adapter escapes what Jira would read as markup."""

    project: ProjectKey
    issuetype: Line
    summary: Annotated[Line, Field(max_length=SUMMARY_LIMIT)]
    description: Prose
    priority: Line | None = None
    assignee: Line | None = None
    labels: Annotated[list[Label], Field(max_length=20)] = []
    case_id: Line
    attachments: Attachments | None = None


class JiraComment(_Payload):
    """A comment on a ticket that exists."""

    ticket: TicketKey
    body: Prose
    attachments: Attachments | None = None


class JiraTransition(_Payload):
    """Moves a ticket to the state named `to`."""

    ticket: TicketKey
    to: Line


class EmailSend(_Payload):
    """A plain text mail; Message-ID and date stand in it, so that its bytes can be made again."""

    to: Annotated[list[Address], Field(min_length=1, max_length=50)]
    cc: Annotated[list[Address], Field(max_length=50)] = []
    subject: Annotated[Line, Field(max_length=SUMMARY_LIMIT)]
    body: Prose
    message_id: MessageId
    date: Line
    """RFC 5322, for the Date header."""
    in_reply_to: MessageId | None = None


class WebhookCall(_Payload):
    """One signed POST to an allow-listed address."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,1000}$")]
    event: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,79}$")]
    body: dict[str, Any]


class ReconComment(_Payload):
    """The operator's comment on named breaks, written into the exported file."""

    recon: Line
    breaks: Annotated[list[Line], Field(min_length=1)]
    rows: list[int]
    comment: Prose


class TaskCreate(_Payload):
    """A to-do in the local tracker."""

    title: Annotated[Line, Field(max_length=SUMMARY_LIMIT)]
    body: Prose
    owner: Line | None = None
    due: Day | None = None


MODELS: Mapping[ActionKind, type[_Payload]] = {
    "jira.create": JiraCreate,
    "jira.comment": JiraComment,
    "jira.transition": JiraTransition,
    "email.send": EmailSend,
    "webhook.call": WebhookCall,
    "recon.comment": ReconComment,
    "task.create": TaskCreate,
}

FIXED: Mapping[ActionKind, tuple[str, ...]] = {
    "jira.create": ("case_id",),
    "jira.comment": (),
    "jira.transition": (),
    "email.send": ("message_id", "date", "in_reply_to"),
    "webhook.call": (),
    "recon.comment": ("recon", "breaks", "rows"),
    "task.create": (),
}
"""What an edit cannot change, by kind: what ties the action to its case and to its own bytes."""


def check_payload(kind: ActionKind, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with its defaults filled in. Raises BadPayload naming the field and what it must be."""
    try:
        model = MODELS[kind].model_validate(dict(payload))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "payload"
        reason = str(first["msg"]).removeprefix("Value error, ")
        msg = f"{kind}: {place}: {reason[:1].lower()}{reason[1:]}"
        raise BadPayload(msg) from None
    filled = model.model_dump(mode="json")
    if "attachments" in filled and not filled["attachments"]:
        del filled["attachments"]
    return filled


def merge_edit(kind: ActionKind, current: Mapping[str, Any], edited: Mapping[str, Any]) -> dict[str, Any]:
    """An edited payload, checked. What cannot be edited may be left out; raises BadPayload when it was changed.

    Attachments that are left out stay; an empty list takes them off.
    """
    kept = {name: current[name] for name in FIXED[kind]}
    if "attachments" in current and "attachments" not in edited:
        kept["attachments"] = current["attachments"]
    changed = [name for name in kept if name in edited and edited[name] != kept[name]]
    if changed:
        msg = f"{kind}: {', '.join(changed)} cannot be edited; leave it as it was drafted"
        raise BadPayload(msg)
    return check_payload(kind, {**edited, **kept})
