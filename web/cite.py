"""Prose with its evidence: every `[E3]` in a text becomes a link to the fact it stands on."""

import re
from collections.abc import Collection, Mapping

from markupsafe import Markup

from web.shown import MINUS, exact

_CITED = re.compile(r"\[?\b(E\d{1,4})\b(?:\s*,\s*(E\d{1,4})\b)*\]?")
_MARKED = re.compile(r"\s*\[E\d{1,4}(?:\s*,\s*E\d{1,4})*\]")
_ONE = re.compile(r"E\d{1,4}")
_QUOTED = re.compile(r"(«[^»]*»)")
_NEGATIVE = re.compile(r"(?<=[ (])-(?=\d[\d,]*(?:\.\d+)?(?:[ ),;:]|\.?$|\. ))")


def minus(text: str) -> str:
    """Our own sentences with a true minus before their figures; quotations stay as they were written.

    >>> minus("A difference of -25, expected -2 (band -26 to 0), as on 2026-11-24: «-3 was booked»")
    'A difference of \u221225, expected \u22122 (band \u221226 to 0), as on 2026-11-24: «-3 was booked»'
    """
    parts = _QUOTED.split(text)
    return "".join(part if n % 2 else _NEGATIVE.sub(MINUS, part) for n, part in enumerate(parts))


def uncited(text: str) -> str:
    """The text without its evidence ids, for a page where the evidence is not.

    >>> uncited("They differ by 2 [E3]. It began on Monday [E4, E5].")
    'They differ by 2. It began on Monday.'
    """
    return _MARKED.sub("", text)


def cited(text: str, known: Collection[str]) -> Markup:
    """The text escaped, with links for the evidence ids that exist; others stay as they were written."""
    parts: list[Markup] = []
    text = minus(text)
    at = 0
    for match in _CITED.finditer(text):
        ids = _ONE.findall(match.group(0))
        if not all(ident in known for ident in ids):
            continue
        parts.append(exact(text[at : match.start()]))
        parts.append(
            Markup(" ").join(
                Markup('<a class="ev" href="#{0}" title="The fact behind this">{0}</a>').format(ident) for ident in ids
            )
        )
        at = match.end()
    parts.append(exact(text[at:]))
    return Markup("").join(parts)


def case_links(text: str, ids: Collection[str], titles: Mapping[str, str] | None = None) -> Markup:
    """The text escaped, the case ids in it as links into the queue, by their titles where those are known."""
    parts: list[Markup] = []
    known = sorted(set(ids), key=len, reverse=True)
    if not known:
        return exact(text)
    at = 0
    for match in re.finditer("|".join(re.escape(i) for i in known), text):
        ident = match.group(0)
        title = (titles or {}).get(ident, ident)
        parts.append(exact(text[at : match.start()]))
        parts.append(
            Markup('<a class="named" href="/?case={0}" title="{1}">{2}</a>').format(ident, title, exact(title))
        )
        at = match.end()
    parts.append(exact(text[at:]))
    return Markup("").join(parts)
