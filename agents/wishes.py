"""An operator's wish for a draft, read by rule: shorter, friendlier, mention this, leave out that, priority."""

# ruff: noqa: E501 - a pattern is easier to read on its one line

import re
from dataclasses import dataclass
from typing import Final

from recon.text import LINK


@dataclass(frozen=True)
class Wish:
    """What the operator wants of the next version."""

    shorter: bool = False
    polite: bool = False
    firm: bool = False
    say: tuple[str, ...] = ()
    """What has to be added, as sentences."""
    ask: tuple[str, ...] = ()
    """What the reader is asked for."""
    drop: tuple[str, ...] = ()
    """Words whose sentences go."""
    priority: str | None = None
    assignee: str | None = None


_SHORTER: Final = re.compile(r"\b(?:shorter|shorten|brief(?:er)?|concise|too long|less text|cut it down|short)\b", re.I)
_POLITE: Final = re.compile(
    r"\b(?:friendlier|friendly|politer?|softer|kinder|nicer|tone (?:it )?down|too harsh|warmer)\b", re.I
)
_FIRM: Final = re.compile(r"\b(?:firmer|firm|urgent(?:ly)?|stronger|more pressing)\b", re.I)
_SAY: Final = re.compile(r"\b(?:mention|add|include|say|note|write)\s+(?:that\s+)?(.+?)(?=(?:\s+(?:and|but|,)\s+(?:make|ask|set|remove|drop|shorten|mention|add|leave))|[.;]|$)", re.I)  # fmt: skip
_ASK: Final = re.compile(r"\bask (?:them |him |her )?(?:for|to)\s+(.+?)(?=(?:\s+(?:and|but)\s+(?:make|set|remove|drop|mention|add|leave))|[.;]|$)", re.I)  # fmt: skip
_DROP: Final = re.compile(r"\b(?:leave out|remove|drop|don't mention|do not mention|without)\s+(?:the\s+)?(.+?)(?=(?:\s+(?:and|but)\s+\w+)|[.;,]|$)", re.I)  # fmt: skip
_PRIORITY: Final = re.compile(
    r"\bpriority\b\W*(?:to|is|should be|as)?\W*(highest|high|medium|low|lowest|critical|blocker|major|minor)\b|\b(highest|high|medium|low|lowest|critical) priority\b",
    re.I,
)
_ASSIGN: Final = re.compile(
    r"\b(?:assign(?: it)? to|assignee\b\W*(?:to|is)?|for the attention of)\s+([A-Za-z][\w.@-]{1,79})", re.I
)
_WHERE: Final = re.compile(r"\s+(?:in|to|into|from|of|on) (?:the |this )?(?:draft|mail|e-?mail|ticket|comment|message|title|subject|text|body)\b.*$", re.I)  # fmt: skip


def read_wish(words: str) -> Wish:
    """The wish in the words; an empty one when they hold none that is understood.

    >>> read_wish("make the mail shorter and ask for the FX ticket").ask
    ('the FX ticket',)
    """
    said = _PRIORITY.search(words)
    priority = (said[1] or said[2]).capitalize() if said else None
    assigned = _ASSIGN.search(words)
    clean = _ASSIGN.sub("", _PRIORITY.sub("", words))
    return Wish(
        shorter=bool(_SHORTER.search(words)),
        polite=bool(_POLITE.search(words)),
        firm=bool(_FIRM.search(words)),
        say=_phrases(_SAY, clean),
        ask=_phrases(_ASK, clean),
        drop=_phrases(_DROP, clean),
        priority=priority,
        assignee=assigned[1] if assigned else None,
    )


def _phrases(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = (_WHERE.sub("", m[1]).strip(" \"'«».,") for m in pattern.finditer(text))
    # A link or an address comes into a draft by hand only: words may have been pasted from anywhere.
    return tuple(phrase for phrase in found if 1 < len(phrase) <= 300 and not LINK.search(phrase))


def is_understood(wish: Wish) -> bool:
    """True when there is anything to do."""
    return wish != Wish()


_SENTENCES: Final = re.compile(r"(?<=[.!?»])\s+")


def revise(body: str, wish: Wish) -> str:
    """A body of prose as the operator wishes it."""
    sentences = [s for s in _SENTENCES.split(body.strip()) if s]
    for word in wish.drop:
        sentences = [s for s in sentences if word.casefold() not in s.casefold()] or sentences
    if wish.shorter and len(sentences) > 2:
        sentences = [sentences[0], sentences[-1]]
    sentences += [_capital(f"{phrase.rstrip('.')}.") for phrase in wish.say]
    sentences += [f"Please send us {phrase.rstrip('.')}." for phrase in wish.ask]
    text = " ".join(sentences)
    if wish.polite:
        text = f"Could you please have a look at the following? {text} Thank you for your help."
    if wish.firm:
        text = f"{text} Please treat this as urgent."
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
