"""What a column's values look like, from a sample of its rows: the evidence on which roles are inferred."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from recon.money import CURRENCIES, DecimalSign, is_blank, parse_amount
from recon.reading.dates import Votes, looks_like_date, looks_like_month, votes_of
from recon.reading.words import MEASURE, tokens
from recon.text import normalise, squash

SAMPLE_CELLS = 120_000
MOST_ROWS = 2_000
FEWEST_ROWS = 60


@dataclass(frozen=True)
class Column:
    """One column's name and sampled values; shares are of the cells that are not blank."""

    name: str
    position: int
    values: tuple[str, ...]
    """Sampled cells in row order, the same rows for every column."""
    decimal_sign: DecimalSign = "point"
    of_days: bool = False
    """Its whole numbers are days, `20260131`."""

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        return tokens(self.name)

    @cached_property
    def squashed(self) -> str:
        return squash(self.name)

    @cached_property
    def _kinds(self) -> dict[str, tuple[bool, float, bool]]:
        """Each distinct text: blank, its number or NaN, and whether it is written like a date."""
        kinds: dict[str, tuple[bool, float, bool]] = {}
        for text in self.values:
            if text not in kinds:
                kinds[text] = self._kind(text)
        return kinds

    def _kind(self, text: str) -> tuple[bool, float, bool]:
        if is_blank(text):
            return True, np.nan, False
        number = _number(text, self.decimal_sign)
        return False, number, number != number and looks_like_date(text)

    @cached_property
    def blank(self) -> npt.NDArray[np.bool_]:
        return np.array([self._kinds[text][0] for text in self.values], dtype=np.bool_)

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The values as floats, NaN where they are none: for inference only."""
        return np.array([self._kinds[text][1] for text in self.values], dtype=np.float64)

    @cached_property
    def filled(self) -> int:
        return int((~self.blank).sum())

    @cached_property
    def number_share(self) -> float:
        return float(np.isfinite(self.numbers).sum() / self.filled) if self.filled else 0.0

    @cached_property
    def date_share(self) -> float:
        dated = sum(self._kinds[text][2] for text in self.values)
        return dated / self.filled if self.filled else 0.0

    @cached_property
    def is_month(self) -> bool:
        """Most cells are months or quarters: a date where the file has no other, else words like any."""
        months = {text for text, kind in self._kinds.items() if not (kind[0] or kind[2]) and looks_like_month(text)}
        return self.filled > 0 and sum(text in months for text in self.values) >= 0.6 * self.filled

    @cached_property
    def votes(self) -> Votes:
        return votes_of(text for text, kind in self._kinds.items() if kind[2])

    @cached_property
    def distinct(self) -> int:
        return len({normalise(text) for text, kind in self._kinds.items() if not kind[0]})

    @cached_property
    def is_integer(self) -> bool:
        found = self.numbers[np.isfinite(self.numbers)]
        return bool(found.size) and bool((found == np.round(found)).all()) and not self.has_point

    @cached_property
    def has_point(self) -> bool:
        """Some number is written with decimals."""
        return any("." in text or "," in text for text, kind in self._kinds.items() if kind[1] == kind[1])

    @cached_property
    def has_leading_zero(self) -> bool:
        return any(len(t) > 1 and t[0] == "0" and t.isdigit() for t in self._kinds)

    @cached_property
    def is_negative(self) -> bool:
        return bool((self.numbers < 0).any())

    @cached_property
    def mean_length(self) -> float:
        lengths = [len(text) for text, kind in self._kinds.items() if not kind[0]]
        return float(np.mean(lengths)) if lengths else 0.0

    @cached_property
    def words_per_cell(self) -> float:
        counts = [len(text.split()) for text, kind in self._kinds.items() if not kind[0]]
        return float(np.mean(counts)) if counts else 0.0

    @cached_property
    def currency_share(self) -> float:
        if not self.filled:
            return 0.0
        codes = sum(text.strip().upper() in CURRENCIES for text in self.values)
        return codes / self.filled

    @cached_property
    def distinct_values(self) -> frozenset[str]:
        return frozenset(squash(text) for text, kind in self._kinds.items() if not kind[0])

    @property
    def is_number(self) -> bool:
        """Most cells are numbers; half of them will do where the name says that they should be."""
        named = any(word in MEASURE for word in self.tokens)
        return self.filled > 0 and not self.of_days and self.number_share >= (0.5 if named else 0.8)

    @property
    def is_date(self) -> bool:
        return self.filled > 0 and (self.of_days or self.date_share >= 0.6)

    @property
    def is_blank(self) -> bool:
        return self.filled == 0

    @property
    def kind(self) -> str:
        """`number`, `date`, `text` or `blank`."""
        if self.is_blank:
            return "blank"
        if self.is_date:
            return "date"
        return "number" if self.is_number else "text"


def _number(text: str, decimal_sign: DecimalSign) -> float:
    if decimal_sign == "point":
        try:
            found = float(text)
        except ValueError:
            pass
        else:
            return found if abs(found) < 1e300 else np.nan
    value = parse_amount(text, decimal_sign)
    return np.nan if value is None or value.adjusted() > 300 else float(value)


def sample_rows(n: int, columns: int) -> npt.NDArray[np.int64]:
    """Which rows to look at: the first third whole, the rest evenly spread."""
    count = min(n, max(FEWEST_ROWS, min(MOST_ROWS, SAMPLE_CELLS // max(columns, 1))))
    head = np.arange(count // 3)
    spread = np.linspace(count // 3, max(n - 1, 0), count - count // 3).astype(np.int64)
    return np.unique(np.concatenate([head, spread])) if n else np.zeros(0, dtype=np.int64)


def profile_columns(
    names: Sequence[str], cells: Mapping[str, Sequence[str]], decimal_sign: DecimalSign = "point"
) -> dict[str, Column]:
    """A profile per column name; every column's cells come from the same rows."""
    return {name: Column(name, position, tuple(cells[name]), decimal_sign) for position, name in enumerate(names)}
