"""How values look on a page: numbers with thousands and a true minus, ages, dates, labels, hidden characters."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from markupsafe import Markup, escape

from recon.words import CAUSE_LABELS, PATTERN_LABELS

MINUS: Final = "\u2212"

STATE_LABELS: Final = {
    "open": "open",
    "in_review": "in review",
    "waiting": "waiting",
    "snoozed": "snoozed",
    "escalated": "escalated",
    "resolved": "resolved",
    "cleared": "cleared",
    "reopened": "reopened",
    "closed_forced": "closed by force",
}
ACTION_LABELS: Final = {
    "jira.create": "Jira ticket",
    "jira.comment": "Jira comment",
    "jira.transition": "Jira transition",
    "email.send": "Email",
    "webhook.call": "Webhook",
    "recon.comment": "Comment on the rows",
    "task.create": "Task",
}
ACTION_STATES: Final = {
    "draft": "being drafted",
    "pending": "waiting for approval",
    "approved": "approved, about to leave",
    "executing": "leaving now",
    "checking": "answer lost, looking for it",
    "done": "sent",
    "rejected": "rejected",
    "failed": "failed",
    "unknown": "sent, no answer: decide",
    "superseded": "replaced",
    "expired": "expired",
}
VERDICT_LABELS: Final = {
    "true": "Right, this is a problem",
    "false_positive": "False positive",
    "missed": "Missed: this should have been flagged",
    "corrected": "Wrong bucket",
}


def number(value: object, decimals: int | None = None) -> str:
    """A number with thousands and a true minus; decimal text keeps its decimals unless told otherwise.

    >>> number("-373881.97")
    '\u2212373,881.97'
    >>> number("1204118.2", 2)
    '1,204,118.20'
    >>> number(None)
    '\u2013'
    """
    if value is None or value == "":
        return "\u2013"
    try:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite() or abs(exact.adjusted()) > 60:
        return str(value)
    text = f"{exact:,f}" if decimals is None else f"{exact:,.{decimals}f}"
    return MINUS + text[1:] if text.startswith("-") else text


_SIZES: Final = ((1e12, "t"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))


def compact(value: float) -> str:
    """A number for an axis or a tile: three figures and a letter.

    >>> compact(12_400), compact(-1_500_000), compact(950.5), compact(0)
    ('12.4k', '\u22121.5m', '950.5', '0')
    """
    size = abs(value)
    limit, letter = next(((n, s) for n, s in _SIZES if size >= n), (1.0, ""))
    scaled = size / limit
    figures = f"{scaled:.2f}" if scaled < (10 if letter else 100) else f"{scaled:.1f}"
    if "." in figures:
        figures = figures.rstrip("0").rstrip(".")
    return f"{MINUS if value < 0 else ''}{figures}{letter}"


def percent(value: float | None) -> str:
    """A share as whole percent; a dash where nothing was measured."""
    return "\u2013" if value is None else f"{100 * value:.0f}%"


def day(value: date | str | None) -> str:
    """A date as operators write it: 20 Nov 2026."""
    if not value:
        return "\u2013"
    if isinstance(value, str):
        try:
            return day(date.fromisoformat(value[:10]))
        except ValueError:
            return value
    return f"{value.day} {value:%b %Y}"


def short_day(value: date | None) -> str:
    """A date without its year: 20 Nov."""
    return f"{value.day} {value:%b}" if value else "\u2013"


def moment(value: datetime | None) -> str:
    """A moment in UTC, to the minute."""
    return f"{value.astimezone(UTC):%d %b %Y, %H:%M} UTC".lstrip("0") if value else "\u2013"


def ago(value: datetime | None, now: datetime) -> str:
    """How long ago, in the largest whole unit."""
    if value is None:
        return "never"
    seconds = max(0, int((now - value).total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = seconds // size
            return f"{n} {unit}{'s' if n > 1 else ''} ago"
    return "just now"


def pattern_short(pattern: str, labels: Mapping[str, str] | None = None) -> str:
    """The bucket's name for a narrow column; a desk's own label wins."""
    if labels and pattern in labels:
        return labels[pattern]
    return pattern.replace("_", " ").capitalize()


def pattern_label(pattern: str, labels: Mapping[str, str] | None = None) -> str:
    """The bucket's whole label."""
    return (labels or {}).get(pattern) or PATTERN_LABELS.get(pattern) or pattern_short(pattern)


def cause_label(cause: str, labels: Mapping[str, str] | None = None, left: str = "left", right: str = "right") -> str:
    """The cause's label, with the sources' own names in it."""
    label = (labels or {}).get(cause) or CAUSE_LABELS.get(cause) or cause.replace("_", " ").capitalize()
    return label.replace("{left}", left).replace("{right}", right)


_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def _is_hidden(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in _HIDDEN


_MAYBE_HIDDEN = re.compile(r"[^\n\t\x20-\x7e\xa1-\u02ff]")


def exact(text: object) -> Markup:
    """Text from data exactly as it is: escaped, kept to its own direction, hidden characters marked with their name.

    The marked characters stay in the text, so copying it copies what was there.
    """
    if text is None:
        return Markup("")
    words = str(text)
    if not _MAYBE_HIDDEN.search(words):
        return Markup(f"<bdi>{escape(words)}</bdi>")  # noqa: S704 - escaped here; a queue's page asks this 300 times
    parts: list[str] = []
    for char in words:
        if _is_hidden(char):
            shown = "&#13;" if char == "\r" else "\ufffd" if char == "\x00" else str(escape(char))
            try:
                name = unicodedata.name(char).lower()
            except ValueError:
                name = "control character"
            code = f"U+{ord(char):04X}"
            parts.append(f'<span class="hid" data-code="{code}" title="{code} {escape(name)}">{shown}</span>')
        else:
            parts.append(str(escape(char)))
    return Markup("<bdi>" + "".join(parts) + "</bdi>")  # noqa: S704 - every part was escaped above


def severity_word(case: Any) -> str:
    """The case's severity in words for a screen reader."""
    return f"{case.severity} severity"
