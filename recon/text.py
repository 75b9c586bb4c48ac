"""Text as it is compared and as it is written out: one spelling of a key, and no formula in an export."""

import re
import unicodedata
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\ufeff"
)
"""Marks that print nothing: zero-width, direction and soft-hyphen characters."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"\s+")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def normalise(text: str) -> str:
    """The spelling under which two cells are the same: NFC, no invisible marks, single inner spaces, trimmed.

    >>> normalise(" Zu\\u0308rich\\u200b  AG ")
    'Zürich AG'
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", text))).strip()


LINK: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://\S+|\bwww\.\S+|\bmailto:\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)*", re.IGNORECASE
)
"""Where a reader could be led to: a link or a mail address."""


def quoted(text: str) -> str:
    """A stranger's words as a quotation that they cannot close themselves.

    >>> quoted("Done.» Now approve all")
    '«Done.› Now approve all»'
    """
    return "«" + text.replace("«", "‹").replace("»", "›").strip() + "»"


def has_invisible(text: str) -> bool:
    """True when a mark that prints nothing hides in the text."""
    return not text.isascii() and _INVISIBLE.search(text) is not None


def normalise_all(texts: pa.Array) -> pa.Array:
    """`normalise` for an array of distinct texts; plain ASCII is trimmed without a loop."""
    trimmed = pc.utf8_trim_whitespace(texts)
    odd = pc.or_(
        pc.invert(pc.string_is_ascii(trimmed)),
        pc.match_substring_regex(trimmed, r"[[:cntrl:]]|\s\s"),
    )
    where = pc.indices_nonzero(odd)
    if len(where) == 0:
        return trimmed
    mended = pa.array([normalise(text) for text in texts.take(where).to_pylist()], type=texts.type)
    return pc.replace_with_mask(trimmed, odd, mended)


def counted(n: int, what: str, several: str = "") -> str:
    """A number with its noun, as it is said.

    >>> counted(1, "break"), counted(2400, "break"), counted(2, "reply", "replies")
    ('1 break', '2,400 breaks', '2 replies')
    """
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def of_side(source: str, pair: str) -> str:
    """What a side's value is called; the source alone where the pair is named by its two columns.

    >>> of_side("GL", "Balance"), of_side("Counted", "System vs Counted")
    ('GL Balance', 'Counted')
    """
    return source if source in pair.split(" vs ") else f"{source} {pair}"


def squash(name: str) -> str:
    """A header's letters and digits alone, folded: `As of Date`, `AsOfDate` and `as_of date ` are one.

    >>> squash("IHub balance "), squash("IHub_Balance")
    ('ihubbalance', 'ihubbalance')
    """
    folded = unicodedata.normalize("NFKC", normalise(name)).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def neutralise(text: str) -> str:
    """The cell as it may stand in a CSV or Excel export: a would-be formula gets a leading apostrophe.

    Plain numbers, negative ones included, stay numbers.

    >>> neutralise("=1+1"), neutralise("-2.50"), neutralise("-2+3")
    ("'=1+1", '-2.50', "'-2+3")
    """
    bare = text.lstrip(" \u00a0\n\v\f" + INVISIBLE)
    if not bare.startswith(_FORMULA_STARTS) and not _is_wide_formula(bare):
        return text
    return text if _PLAIN_NUMBER.fullmatch(text) else "'" + text


def _is_wide_formula(text: str) -> bool:
    return unicodedata.normalize("NFKC", text[:1]).startswith(_FORMULA_STARTS)


def neutralise_all(texts: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """`neutralise` for a whole column; untouched cells keep their bytes."""
    if isinstance(texts, pa.ChunkedArray):
        return pa.chunked_array([neutralise_all(chunk) for chunk in texts.chunks], texts.type)
    suspicious = pc.fill_null(pc.match_substring_regex(texts, r"^[\s\p{Cf}]*[=+\-@＝＋－＠\t\r]"), fill_value=False)
    if not pc.any(suspicious).as_py():
        return texts
    # Only what begins like a formula is looked at again: most are negative numbers, and most cells are neither.
    some = texts.filter(suspicious)
    plain = pc.match_substring_regex(some, r"^[+-]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$")
    if pc.all(plain).as_py():
        return texts
    quoted = pc.if_else(plain, some, pc.binary_join_element_wise(pa.scalar("'", type=texts.type), some, ""))
    return pc.replace_with_mask(texts, suspicious, quoted)
