"""Operators: worlds of breaks with people who have tastes, hidden ones, of what is noise; what they say of a row.

Five styles of world: one by which learning was begun; two that showed that a linear model of the tags hardly learns a
place or a size, and were looked at while `detectors.rules` was written; two held out, by which no number was chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detectors.judgement import Judgement
from detectors.lessons import PATTERNS, Lesson
from evals.detection import ask
from evals.series import NATURES, Planted, planted
from recon.panel import Panel
from recon.rows import Codes

TODAY: Final = date(2026, 5, 12)
TASTES: Final = ("spike", "high_volatility", "inconsistent", "repeated", "level_shift", "drift_within_tolerance")
CURRENCIES, BOOKS = 6, 8
PLACES: Final = ("Currency", "Book")


@dataclass
class Day:
    """One judged world and which of its alarms the operator finds real."""

    panel: Panel
    judgement: Judgement
    real: npt.NDArray[np.bool_]
    said: npt.NDArray[np.bool_]
    """Whether the operator would call it real: now and then a slip."""
    planted: npt.NDArray[np.bool_]


Taste = Callable[[Panel, Judgement], npt.NDArray[np.bool_]]
"""Which of the judged rows are noise to this operator, whatever was planted in them."""


@dataclass(frozen=True)
class Style:
    """What a family of worlds is like, and what its operators may dislike."""

    natures: tuple[str, ...]
    rate: float
    strength: float
    taste: Callable[[np.random.Generator], Taste]
    slips: float = 0.0
    """The share of tags that are wrong."""


def by_pattern(rng: np.random.Generator) -> Taste:
    """Two patterns are noise."""
    noise = [PATTERNS.index(name) for name in rng.choice(TASTES, 2, replace=False)]
    return lambda panel, judged: np.asarray(np.isin(judged.pattern, noise))


def by_place(rng: np.random.Generator) -> Taste:
    """One currency and one book are noise."""
    noise = {"Currency": int(rng.integers(CURRENCIES)), "Book": int(rng.integers(BOOKS))}

    def told(panel: Panel, judged: Judgement) -> npt.NDArray[np.bool_]:
        hits = [panel.columns[name].codes[judged.rows] == code for name, code in noise.items()]
        return np.asarray(hits[0] | hits[1])

    return told


def by_size(rng: np.random.Generator) -> Taste:
    """Small sizes are noise, and so is all of a month's last day in one book."""
    small, book = float(rng.choice([100.0, 300.0, 1000.0])), int(rng.integers(BOOKS))

    def told(panel: Panel, judged: Judgement) -> npt.NDArray[np.bool_]:
        day = panel.day[judged.rows].astype("datetime64[D]")
        last = np.isin(day, np.busday_offset(day.astype("datetime64[M]") + 1, -1, "forward"))
        in_book = panel.columns["Book"].codes[judged.rows] == book
        return np.asarray((np.abs(judged.numbers["x"]) < small) | (last & in_book))

    return told


def by_small_in_place(rng: np.random.Generator) -> Taste:
    """Small sizes in two currencies are noise, and so is one pattern."""
    small, places = float(rng.choice([200.0, 800.0])), rng.choice(CURRENCIES, 2, replace=False)
    pattern = PATTERNS.index(str(rng.choice(TASTES)))

    def told(panel: Panel, judged: Judgement) -> npt.NDArray[np.bool_]:
        there = np.isin(panel.columns["Currency"].codes[judged.rows], places)
        return np.asarray((there & (np.abs(judged.numbers["x"]) < small)) | (judged.pattern == pattern))

    return told


def by_pattern_in_place(rng: np.random.Generator) -> Taste:
    """One pattern in half of the books is noise, and so is one book."""
    books = rng.permutation(BOOKS)
    pattern = PATTERNS.index(str(rng.choice(TASTES[:4])))

    def told(panel: Panel, judged: Judgement) -> npt.NDArray[np.bool_]:
        book = panel.columns["Book"].codes[judged.rows]
        half = np.isin(book, books[: BOOKS // 2])
        return np.asarray((half & (judged.pattern == pattern)) | (book == books[-1]))

    return told


PATTERN_STYLE: Final = Style(NATURES, 0.25, 20.0, by_pattern)
SEEN: Final = {
    "a currency and a book": Style(("matches", "normal", "heavy", "walk", "weekday"), 0.2, 12.0, by_place),
    "small ones, a month end": Style(("constant", "trend", "persistent", "month_end", "normal"), 0.3, 30.0, by_size),
}
HELD_OUT: Final = {
    "small ones of two currencies, a pattern": Style(NATURES, 0.2, 15.0, by_small_in_place),
    "a pattern in half of the books, a book, 3% slips": Style(
        ("matches", "normal", "heavy", "constant", "weekday", "month_end"), 0.25, 20.0, by_pattern_in_place, slips=0.03
    ),
}


def world(seed: int, taste_seed: int, series: int, style: Style = PATTERN_STYLE) -> Day:
    """Alarms that are planted and no noise to this operator are real."""
    said = {"series": series, "rate": style.rate, "strength": style.strength, "natures": style.natures}
    data: Planted = planted(seed, clean_past=True, **said)  # type: ignore[arg-type]
    panel = _placed(data.panel, np.random.default_rng([seed, 1]))
    judged = ask(replace(data, panel=panel))
    there = data.truth[judged.rows] != 0
    noise = style.taste(np.random.default_rng(taste_seed))(panel, judged)
    real = there & ~noise
    slips = np.random.default_rng([seed, 2]).random(len(real)) < style.slips
    return Day(panel, judged, real, real ^ slips, there)


def _placed(panel: Panel, rng: np.random.Generator) -> Panel:
    """Every series in a currency and a book."""
    series = panel.series_of_rows()
    columns = dict(panel.columns)
    for name, n in (("Currency", CURRENCIES), ("Book", BOOKS)):
        words = pa.array([f"{name} {i}" for i in range(n)])
        columns[name] = Codes(rng.integers(n, size=panel.s).astype(np.int32)[series], words)
    return replace(panel, columns=columns)


def tag(day: Day, i: int, k: int) -> Lesson:
    """What the operator says of row i; its key is of another world than the one that is measured."""
    judged = day.judgement
    row = int(judged.rows[i])
    account = {"Account": f"taught-{row}"}
    place = {name: str(day.panel.columns[name].vocabulary[day.panel.columns[name].codes[row]]) for name in PLACES}
    return Lesson(
        f"F{k:04}",
        "true" if day.said[i] else "false_positive",
        PATTERNS[int(judged.pattern[i])] if judged.pattern[i] >= 0 else "",
        account | place,
        TODAY,
        keys=(account,),
        pair=day.panel.pair.name,
        surprise=float(judged.numbers["surprise"][i]),
        amount=float(abs(judged.numbers["x"][i])),
    )
