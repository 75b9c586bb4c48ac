"""Words as operators type them in a hurry, made plain: abbreviations written out, slips put right."""

import re
from collections.abc import Iterable
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SHORT: Final = {
    "y": "why", "u": "you", "r": "are", "ur": "your", "n": "and", "pls": "please", "plz": "please", "thx": "thanks",
    "yday": "yesterday", "ytd": "yesterday", "ccy": "currency", "ccys": "currencies", "acct": "account",
    "accts": "accounts", "acc": "account", "amt": "amount", "hist": "history", "prev": "previous", "shd": "should",
    "shld": "should", "em": "them", "gimme": "give me", "lemme": "let me", "wanna": "want to", "gonna": "going to",
    "fp": "false positive", "tkt": "ticket", "cmt": "comment", "diff": "difference", "diffs": "differences",
    "abt": "about", "bc": "because", "cuz": "because", "mgr": "manager", "msg": "message", "mth": "month", "wk": "week",
    "qtr": "quarter", "eod": "end of day", "asap": "now", "dup": "duplicate", "recon": "reconciliation",
    "wat": "what", "ths": "this",
    "whats": "what's", "whos": "who's", "whens": "when's", "hows": "how's", "thats": "that's", "isnt": "isn't",
    "arent": "aren't", "wasnt": "wasn't", "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "cant": "can't",
    "its": "it's", "im": "i'm", "ive": "i've", "youre": "you're", "id": "id", "wrt": "about", "vs": "versus",
}  # fmt: skip
"""What a word is short for."""
SLIP: Final = 5
"""Letters of the shortest word that is taken for a misspelling: shorter ones are too near to each other."""


def plain(text: str) -> str:
    """Lower case, straight apostrophes, one space, abbreviations written out; digits stay.

    >>> plain("Y is  this flagged w/ a gap vs yday?")
    'why is this flagged with a gap versus yesterday?'
    """
    words = " ".join(text.lower().replace("’", "'").replace("w/", "with ").split())
    return re.sub(r"(?<![\w'])[a-z]+(?![\w'])", lambda m: _SHORT.get(m[0], m[0]), words)


def corrected(text: str, known: Iterable[str]) -> str:
    """The text with each long word that nobody knows replaced by the known word that one slip, or two in a long word,
    away.

    >>> corrected("who resovled it", ["resolved", "history"])
    'who resolved it'
    """
    vocabulary = sorted(set(known))

    def nearest(m: re.Match[str]) -> str:
        word = m[0]
        if len(word) < SLIP or word in vocabulary:
            return word
        most = 1 if len(word) < 8 else 2
        found = process.extractOne(word, vocabulary, scorer=OSA.distance, score_cutoff=most)
        return found[0] if found is not None and found[0][0] == word[0] else word

    return re.sub(r"[a-z]+", nearest, text)
