"""Break and resolution as one vector: what matters for "is it like this one?", computed here, nothing downloaded."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Features:
    """What a break is like, whether it is to be explained or was closed long ago."""

    pattern: str = ""
    cause: str = ""
    mechanism: str = ""
    pair: str = ""
    sign: int = 0
    """-1, 0 or 1: the sign of the difference."""
    size: float | None = None
    """log10 of the absolute difference; None when it is zero or unknown."""
    missing: str = ""
    """`left` or `right` when that side is not there, `` otherwise."""
    columns: dict[str, str] = field(default_factory=dict)
    """Key, historical and categorical values by header."""
    comment: str = ""
    """Operators' prose, when there is any."""

    def to_json(self) -> dict[str, Any]:
        """JSON-ready, without the comment, which stands in a column of its own."""
        return {
            "pattern": self.pattern,
            "cause": self.cause,
            "mechanism": self.mechanism,
            "pair": self.pair,
            "sign": self.sign,
            "size": self.size,
            "missing": self.missing,
            "columns": dict(self.columns),
        }


@dataclass(frozen=True)
class _Block:
    name: str
    width: int
    weight: float


BLOCKS: Final = (
    _Block("cause", 32, 1.5),
    _Block("mechanism", 32, 1.0),
    _Block("pattern", 16, 0.7),
    _Block("pair", 16, 0.8),
    _Block("missing", 4, 0.8),
    _Block("sign", 3, 0.4),
    _Block("size", 12, 0.7),
    _Block("columns", 96, 0.9),
    _Block("words", 96, 0.8),
)
DIMENSIONS: Final = 1 + sum(block.width for block in BLOCKS)
"""One more than the blocks: a small constant, so that no vector is ever zero."""

EMBEDDING_NAME: Final = "tieout-2"
"""Change it whenever the meaning of a dimension changes: memory is then embedded anew."""

_WORD = re.compile(r"[^\W\d_]{2,}", re.UNICODE)
_STOP: Final = frozenset(
    [
        "the",
        "and",
        "for",
        "from",
        "with",
        "this",
        "that",
        "was",
        "were",
        "are",
        "is",
        "be",
        "been",
        "has",
        "have",
        "had",
        "not",
        "but",
        "its",
        "into",
        "per",
        "than",
        "then",
        "our",
        "your",
        "their",
        "they",
        "them",
        "will",
        "would",
        "should",
        "can",
        "could",
        "due",
        "all",
        "any",
        "to",
        "of",
        "in",
        "on",
        "at",
        "by",
        "as",
        "it",
        "an",
        "or",
        "we",
    ]
)


def words_of(text: str) -> list[str]:
    """The telling words of a comment, lower-cased and cut to their first six letters; numbers are left out.

    >>> words_of("Factor rounding is causing minor deltas in qty.")
    ['factor', 'roundi', 'causin', 'minor', 'deltas', 'qty']
    """
    return [word[:6] for word in _WORD.findall(text.casefold()) if word not in _STOP]


def _slot(text: str, width: int) -> int:
    return zlib.crc32(text.encode()) % width


def _size_slots(size: float, width: int) -> npt.NDArray[np.float32]:
    """A soft bucket: magnitudes within a factor of three look alike, a factor of a hundred does not."""
    centres = np.linspace(-4, 10, width)
    return np.exp(-0.5 * ((size - centres) / 1.0) ** 2).astype(np.float32)


def _fill(row: npt.NDArray[np.float32], features: Features) -> None:
    at = 1
    row[0] = 0.05
    for block in BLOCKS:
        part = row[at : at + block.width]
        match block.name:
            case "sign":
                part[features.sign + 1] = 1.0
            case "size":
                if features.size is not None:
                    part[:] = _size_slots(features.size, block.width)
            case "columns":
                for column, value in features.columns.items():
                    part[_slot(f"{column.casefold()}={value}", block.width)] += 1.0
            case "words":
                for word in words_of(features.comment):
                    part[_slot(word, block.width)] += 1.0
            case name:
                value = getattr(features, name)
                if value:
                    part[_slot(str(value), block.width)] = 1.0
        length = float(np.linalg.norm(part))
        if length > 0:
            part *= block.weight / length
        at += block.width


def embed(many: Sequence[Features]) -> npt.NDArray[np.float32]:
    """Unit vectors, shape (len(many), DIMENSIONS).

    >>> a, b = embed([Features(cause="fx_rate"), Features(cause="rounding")])
    >>> bool(a @ a > a @ b)
    True
    """
    out = np.zeros((len(many), DIMENSIONS), np.float32)
    for row, features in zip(out, many, strict=True):
        _fill(row, features)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return out


def sentence(features: Features) -> str:
    """The same in words, for an embedding model that reads text."""
    parts = [
        features.cause and f"cause {features.cause}",
        features.mechanism and f"mechanism {features.mechanism}",
        features.pattern and f"pattern {features.pattern}",
        features.pair and f"pair {features.pair}",
        features.missing and f"{features.missing} side missing",
        {1: "difference positive", -1: "difference negative"}.get(features.sign, ""),
        f"size 10^{features.size:.0f}" if features.size is not None else "",
        features.comment,
    ]
    return "; ".join(part for part in parts if part) or "nothing known"
