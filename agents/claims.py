"""What a text claims: every number, date and identifier in it, with the subject it is said of."""

import re
from typing import Final

from agents.claim import Claim, Names, taken
from agents.number_words import spelled
from agents.subjects import with_subjects
from agents.written_amounts import amounts_in, is_amount
from agents.written_dates import dates_in

_IDENTIFIER: Final = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*\b")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=[\"«'(\[]*[A-Z0-9«*-])|\n+")
_ABBREVIATIONS: Final = re.compile(r"\b(?:approx|vs|no|e\.g|i\.e|c|ca|mr|ms|dr)\.$", re.I)


def read_claims(text: str, names: Names) -> list[Claim]:
    """Every claim of a normalised text, in order, each with its subject."""
    found = dates_in(text)
    for m in _IDENTIFIER.finditer(text):
        if not taken(found, m.start(), m.end()) and not is_amount(m[0]):
            found.append(Claim("identifier", m[0], m.start(), m.end()))
    found += amounts_in(text, found)
    found += [c for c in spelled(text) if not taken(found, c.at, c.end)]
    found.sort(key=lambda c: c.at)
    return [c for span in _sentences(text) for c in with_subjects(text, span, found, names)]


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends."""
    cuts = [0]
    for m in _SENTENCE.finditer(text):
        if not _ABBREVIATIONS.search(text[: m.start()]):
            cuts += [m.start(), m.end()]
    cuts.append(len(text))
    return [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b]
