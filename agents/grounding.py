"""The grounding gate: no number, date or name is shown that the cited evidence does not state of that subject."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agents.claim import Claim
from agents.claims import read_claims
from agents.facts import MONEY, Fact, Facts
from agents.signs import normal
from agents.subjects import side_pattern
from recon.text import LINK

_QUOTED: Final = re.compile(r"«([^»]*)»|\"([^\"]{4,})\"")
_CITATION: Final = re.compile(r"\[(?:[ERC]\w+)(?:\s*,\s*[ERC]\w+)*\]")
_LARGER: Final = r"(?:higher|more|above|exceeds?|over|larger|greater|bigger|ahead of)"
_SMALLER: Final = r"(?:lower|less|below|under|smaller|short of|behind)"
_HANDLE: Final = re.compile(r"(?<![\w.@-])(?:[a-z0-9_-]+\.)+[a-z_]{2,}(?![\w.])", re.I)
_WORD: Final = re.compile(r"\w+")
BORROWED: Final = 6
"""Words in a row that are no coincidence."""
_ALONE: Final = 3
_OF_SOMETHING: Final = re.compile(
    r"(?:\b(?:is|was|are|were|of|by|at|shows?|had|has|holds?|stands at)|[=:])\s*(?:[$€£¥₹]|[A-Z]{3}\s)?$", re.I
)


@dataclass(frozen=True)
class Fault:
    """One claim that the evidence does not bear."""

    text: str
    why: str

    def __str__(self) -> str:
        return f"«{self.text}»: {self.why}"


def check(text: str, facts: Facts) -> list[Fault]:
    """Every claim of the text that the facts do not bear; empty when the text may be shown."""
    clean = normal(text)
    faults = [Fault(m[0], "a link or an address comes into a text by hand only") for m in LINK.finditer(clean)]
    clean = _without_quotes(clean, facts)
    clean = _CITATION.sub(lambda m: " " * len(m[0]), clean)
    clean = _without_statements(clean, facts)
    for claim in read_claims(clean, facts.names):
        why = _refuse(claim, clean, facts)
        if why:
            faults.append(Fault(claim.text.strip(), why))
    return [*faults, *_handles(clean, facts), *_borrowed(clean, facts), *_false_comparisons(clean, facts)]


def check_cites(cites: Sequence[str], known: Sequence[str]) -> list[Fault]:
    """Citations of evidence that does not exist."""
    held = set(known)
    return [Fault(c, "there is no evidence with this id") for c in cites if c not in held]


def cited_in(text: str) -> list[str]:
    """The evidence ids that a text cites in square brackets.

    >>> cited_in("It is late [E3], as before [E1, E2].")
    ['E3', 'E1', 'E2']
    """
    return [word for m in _CITATION.finditer(normal(text)) for word in re.findall(r"\w+", m[0])]


def _blank(m: re.Match[str]) -> str:
    return " " * len(m[0])


def _without_quotes(text: str, facts: Facts) -> str:
    """A quotation that stands word for word in the evidence is not the writer's claim."""

    def blank(m: re.Match[str]) -> str:
        said = " ".join((m[1] or m[2] or "").lower().split()).rstrip(".… ")
        return _blank(m) if said and any(said in known for known in (*facts.texts, *facts.said)) else m[0]

    return _QUOTED.sub(blank, text)


def _without_statements(text: str, facts: Facts) -> str:
    """A sentence that repeats evidence word for word is true as it stands."""
    flat = text.lower()
    for known in sorted(facts.texts, key=len, reverse=True):
        if len(known) < 20 or " " not in known:
            continue
        at = flat.find(known)
        while at >= 0:
            end = at + len(known)
            if _stands_alone(flat, at, end):
                text = text[:at] + " " * len(known) + text[end:]
                flat = text.lower()
            at = flat.find(known, end)
    return text


def _stands_alone(flat: str, start: int, end: int) -> bool:
    """The repeated words are a sentence of their own, not a part that another context turns round."""
    before = flat[:start].rstrip(" «(\"'")
    after = flat[end:].lstrip(" »)\"'")
    return (not before or before[-1] in ".:;!?\n-—") and (not after or after[0] in ".;!?,\n[")


# --- one claim --------------------------------------------------------------------------------------------------


def _refuse(claim: Claim, text: str, facts: Facts) -> str:
    match claim.kind:
        case "date":
            return _refuse_date(claim, facts)
        case "identifier":
            return "" if claim.text.lower() in facts.words else "the evidence names nothing of this kind"
        case _:
            return _refuse_number(claim, text, facts)


def _refuse_date(claim: Claim, facts: Facts) -> str:
    if any(day.fits(known) for day in claim.days for known in facts.days):
        return ""
    if any(day == known for day in claim.days for known in facts.loose_days):
        return ""
    return "the cited evidence has no such date"


def _refuse_number(claim: Claim, text: str, facts: Facts) -> str:
    if claim.plain and _is_name(claim, text, facts):
        return ""
    if claim.plain and _is_year(claim, facts):
        return ""
    near = [f for f in facts.numbers if _equal(claim, f)]
    if not near:
        return "the cited evidence has no such number"
    reasons = [_conflict(claim, f, facts) for f in near]
    return "" if "" in reasons else reasons[0]


def _is_name(claim: Claim, text: str, facts: Facts) -> bool:
    """Bare digits that are a key of the evidence, and are not said to be an amount."""
    if claim.text not in facts.names.keys and claim.text.lower() not in facts.words:
        return False
    if claim.roles & {"left", "right"} or claim.noun:
        return False
    if claim.text not in facts.names.keys and any(f.value == claim.values[0][0] for f in facts.numbers):
        return False
    return not (claim.roles and _OF_SOMETHING.search(text[: claim.at]))


def _is_year(claim: Claim, facts: Facts) -> bool:
    year = int(claim.values[0][0])
    return 1900 <= year <= 2100 and not claim.roles and any(day.year == year for day in facts.days)


def _equal(claim: Claim, fact: Fact) -> bool:
    values = [fact.value]
    if claim.percent and not fact.percent:
        values = [fact.value * 100]
        if "percent" in "".join(fact.role) or "pct" in "".join(fact.role):
            values = [fact.value]
    for said, slack in claim.values:
        for value in values:
            if abs(said - value) <= _allowed(slack, value):
                return True
            if not claim.signed and abs(said - abs(value)) <= _allowed(slack, value):
                return True
    return False


def _allowed(slack: Decimal, value: Decimal) -> Decimal:
    """Rounding may take away at most a twentieth: «0» is no rounding of 0.4."""
    return min(slack, abs(value) / 20)


def _conflict(claim: Claim, fact: Fact, facts: Facts) -> str:
    """Why the claim is not this fact; empty when it is."""
    money = fact.role & MONEY
    if claim.signed and fact.role == {"total"}:
        return "the evidence has this as a total of absolute differences, without a sign"
    if claim.roles and not claim.roles & fact.role and not _role_is_open(claim, fact):
        return f"the evidence has this as {'/'.join(sorted(fact.role))}, not as {'/'.join(sorted(claim.roles))}"
    if claim.currency and fact.currency and fact.currency not in claim.currency:
        return f"the evidence has this in {fact.currency}"
    if claim.currency and not fact.currency and not (money or "stated" in fact.role or "rate" in fact.role):
        return "the evidence has this as no amount of money"
    if claim.currency and not fact.currency and facts.currencies and not claim.currency & facts.currencies:
        return "the evidence knows no such currency"
    if claim.day and fact.day and not claim.day.fits(fact.day):
        return f"the evidence has this on {fact.day.isoformat()}"
    if claim.bound and fact.keys and not set(claim.bound) & fact.keys:
        return f"the evidence has this for {', '.join(sorted(fact.keys))}"
    return _noun_conflict(claim, fact)


def _role_is_open(claim: Claim, fact: Fact) -> bool:
    """A number of which neither the evidence's names nor its statement say what it is."""
    if claim.roles & {"left", "right"}:
        return False
    if "stated" in fact.role:
        return True
    return not fact.role & (MONEY | {"row", "count", "support"}) and not claim.roles & {"factor"}


def _noun_conflict(claim: Claim, fact: Fact) -> str:
    if not claim.noun:
        return ""
    if fact.nouns and claim.noun not in fact.nouns:
        return f"the evidence counts {'/'.join(sorted(fact.nouns))}, not {claim.noun}"
    if not fact.nouns and fact.role & (MONEY - {"total"}):
        return f"the evidence counts no {claim.noun} here"
    name = "_".join(fact.role)
    if not fact.nouns and claim.noun not in name and not _COUNTS.search(name):
        return f"the evidence counts no {claim.noun} here"
    return ""


_COUNTS: Final = re.compile(
    r"count|support|total|number|n_|^n$|length|age|days|months|run|times|rows|points|stated|years|weeks"
)


# --- words that are somebody else's -----------------------------------------------------------------------------


def _handles(text: str, facts: Facts) -> list[Fault]:
    """Names of hosts, accounts or files («evil.agent») that stand in nothing that code wrote."""
    known = "\n".join(facts.texts)
    return [
        Fault(m[0], "the evidence names nothing of this kind")
        for m in _HANDLE.finditer(text)
        if m[0].lower() not in known
    ]


def _borrowed(text: str, facts: Facts) -> list[Fault]:
    """Six words in a row that a person wrote in a comment, a note or a reply, outside quotation marks.

    What somebody said is no finding: repeated as one's own it would let a stranger's order speak with our voice.
    """
    theirs = {run for said in facts.said for run in _runs(said)}
    mine = [m[0].lower() for m in _WORD.finditer(text)]
    for n in range(len(mine)):
        for length in range(_ALONE, BORROWED + 1):
            if tuple(mine[n : n + length]) in theirs:
                said = " ".join(mine[n : n + length])
                return [Fault(said, "somebody else wrote this; put it in «quotation marks» as the evidence has it")]
    return []


def _runs(said: str) -> list[tuple[str, ...]]:
    """Every six words in a row; a shorter saying of three words or more as a whole."""
    words = [m[0] for m in _WORD.finditer(said)]
    if len(words) < BORROWED:
        return [tuple(words)] if len(words) >= _ALONE else []
    return [tuple(words[n : n + BORROWED]) for n in range(len(words) - BORROWED + 1)]


# --- comparisons ------------------------------------------------------------------------------------------------


def _false_comparisons(text: str, facts: Facts) -> list[Fault]:
    """«GL is above IHub» where every pair in the evidence says the contrary."""
    signs = {(left > right) - (left < right) for left, right in facts.pairs}
    if len(signs) != 1 or 0 in signs:
        return []
    left_larger = signs == {1}
    left, right = side_pattern("left", facts.names.left), side_pattern("right", facts.names.right)
    out = []
    for first, second, first_is_left in ((left, right, True), (right, left, False)):
        for word, says_larger in ((_LARGER, True), (_SMALLER, False)):
            between = rf"(?:(?!{second})(?:[^.;]|\.(?=\d))){{0,60}}?"
            pattern = rf"{first}{between}\b{word}\b(?:\s+(?:than|that of|the|by))*\s+{second}"
            for m in re.finditer(pattern, text, re.I):
                if re.search(r"\b(?:not|never|no longer)\b", m[0], re.I):
                    continue
                if says_larger is not (left_larger is first_is_left):
                    out.append(Fault(m[0], "the evidence has it the other way round"))
    return out
