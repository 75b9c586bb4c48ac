"""Likeness: past resolutions in the order in which they resemble a break, each with why."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from memory.embedding import Features, words_of
from memory.resolution import OUTCOME_WEIGHT, Match, Resolution

_WEIGHTS: Final = {
    "cause": 3.0,
    "mechanism": 2.0,
    "missing": 1.5,
    "pattern": 1.2,
    "pair": 1.5,
    "sign": 0.8,
    "size": 1.4,
    "columns": 2.0,
    "words": 1.5,
}


def rank(
    features: Features, candidates: Sequence[Resolution], *, before: date | None, series_id: str | None = None
) -> list[Match]:
    """Scores each candidate by what it shares, weighed by how it ended; best first."""
    rarity = _rarity(candidates)
    asked = set(words_of(features.comment))
    out = [_match(features, r, rarity, asked, before, series_id) for r in candidates]
    return sorted(out, key=lambda m: (-m.score, -(m.resolution.business_date or date.min).toordinal(), m.resolution.id))


def _rarity(candidates: Sequence[Resolution]) -> dict[tuple[str, str], float]:
    """How telling a shared column value is: rare among the candidates tells more."""
    counts = Counter(pair for r in candidates for pair in r.features.columns.items())
    total = max(1, len(candidates))
    return {pair: 1.0 - 0.8 * count / total for pair, count in counts.items()}


def _match(
    features: Features,
    r: Resolution,
    rarity: dict[tuple[str, str], float],
    asked: set[str],
    before: date | None,
    series_id: str | None,
) -> Match:
    got = 0.0
    total = 0.0
    why: list[str] = []
    for name in ("cause", "mechanism", "pattern", "pair"):
        mine, theirs = getattr(features, name), getattr(r.features, name)
        if mine and (theirs or name != "mechanism") and mine != "unknown":
            total += _WEIGHTS[name]
            if mine == theirs:
                got += _WEIGHTS[name]
                why.append(f"same {name} {mine.replace('_', ' ')}")
    total += _WEIGHTS["missing"]
    if features.missing == r.features.missing:
        got += _WEIGHTS["missing"]
        if features.missing:
            why.append(f"{features.missing} side missing in both")
    if features.sign and r.features.sign:
        total += _WEIGHTS["sign"]
        if features.sign == r.features.sign:
            got += _WEIGHTS["sign"]
    if features.size is not None and r.features.size is not None:
        total += _WEIGHTS["size"]
        apart = abs(features.size - r.features.size)
        got += _WEIGHTS["size"] * max(0.0, 1.0 - apart / 2.0)
        if apart <= 0.3:
            why.append("about the same size")
    part, names = _columns(features, r, rarity)
    if part is not None:
        total += _WEIGHTS["columns"]
        got += _WEIGHTS["columns"] * part
        why += names
    if asked:
        total += _WEIGHTS["words"]
        theirs_words = set(words_of(r.comment))
        shared = len(asked & theirs_words) / max(1, min(len(asked), len(theirs_words)))
        got += _WEIGHTS["words"] * shared
        if shared >= 0.4:
            why.append("alike in words")
    score = got / total if total else 0.0
    if series_id is not None and r.series_id == series_id:
        score = score + (1.0 - score) * 0.5
        why.insert(0, "the same series")
    score *= OUTCOME_WEIGHT.get(r.outcome, 0.9) * _recency(r.business_date, before)
    if r.outcome in ("reopened", "rejected"):
        why.append(f"but it was {r.outcome}")
    return Match(r, float(min(1.0, score)), ", ".join(why) or "nearest of what is known")


def _columns(features: Features, r: Resolution, rarity: dict[tuple[str, str], float]) -> tuple[float | None, list[str]]:
    common = [c for c in features.columns if c in r.features.columns]
    if not common:
        return None, []
    got = 0.0
    names: list[str] = []
    for column in common:
        value = features.columns[column]
        if value == r.features.columns[column]:
            got += rarity.get((column, value), 1.0)
            names.append(f"same {column} {value}")
    return min(1.0, got / max(1.0, len(common) * 0.5)), names[:3]


def _recency(day: date | None, before: date | None) -> float:
    """1.0 for today, 0.97 after a year, never under 0.9: recency breaks ties, it does not decide."""
    if day is None or before is None:
        return 0.97
    age = max(0, (before - day).days)
    return max(0.9, 1.0 - 0.03 * age / 365)
