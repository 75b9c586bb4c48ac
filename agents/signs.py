"""One sign for each meaning: a text's digits, minus signs and spaces as plain ASCII, its invisible signs gone."""

import re
import unicodedata
from typing import Final

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\u00ad\ufeff\u202a-\u202e]")


def normal(text: str) -> str:
    """Full-width and other digits as ASCII, minus signs as -, thin spaces as spaces, invisible signs gone.

    >>> normal("１０\u202f000 −5")
    '10 000 -5'
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    out = []
    for sign in text:
        if sign.isdigit() and not sign.isascii():
            out.append(str(unicodedata.digit(sign, sign)))
        elif sign in "\u2212\u2012\u2013\u2010\u2011":
            out.append("-")
        elif sign in "\u00a0\u2009\u202f\u2007":
            out.append(" ")
        elif sign == "\u2019":
            out.append("'")
        else:
            out.append(sign)
    return "".join(out)
