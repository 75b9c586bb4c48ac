"""The breaks of one panel laid out in columns, with what every mechanism needs to know of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from detectors.chance import believable
from detectors.digits import POWERS, Floats, Mask, Units, digit_count, significant, trailing_zeros
from detectors.mechanisms.wording import figure, plain
from detectors.proof import Proof
from recon.calendar import BusinessCalendar
from recon.panel import Panel
from recon.rows import NO_DAY
from recon.words import Side

Found = tuple[int, Proof]
"""Which break of the table (its index), and the proof that holds for it."""

SAMPLE = 100_000
FEW_CALM = 10
"""Fewer matched rows than this say nothing of how matched sides differ."""


class Mechanism(Protocol):
    """One exact test over all breaks of one panel."""

    def __call__(self, bench: "Bench", table: "Breaks") -> Iterator[Found]: ...


@dataclass(frozen=True)
class Breaks:
    """The m breaks of one panel under test. Arrays have length m unless said; amounts are the panel's units."""

    at: int
    """Which panel of the run this is."""
    panel: Panel
    rows: Units
    """Panel rows, ascending."""
    left_name: str
    right_name: str
    currency_column: str | None
    memo: dict[str, Any] = field(default_factory=dict)
    """What one mechanism worked out and another needs too."""

    @cached_property
    def is_text(self) -> bool:
        return self.panel.pair.kind == "text"

    @cached_property
    def one_sided_pair(self) -> bool:
        """The pair has one value column: there are no two sides to hold against each other."""
        return self.panel.pair.right is None

    @cached_property
    def left(self) -> Units:
        return self.panel.left[self.rows]

    @cached_property
    def right(self) -> Units:
        return self.panel.right[self.rows]

    @cached_property
    def diff(self) -> Units:
        """Left minus right, whatever the sign of the pair's own difference."""
        return self.left - self.right

    @cached_property
    def size(self) -> Units:
        return np.abs(self.diff)

    @cached_property
    def left_gone(self) -> Mask:
        return self.panel.left_missing[self.rows]

    @cached_property
    def right_gone(self) -> Mask:
        return self.panel.right_missing[self.rows]

    @cached_property
    def both(self) -> Mask:
        """Two amounts are there and differ: what arithmetic can be done on."""
        present = ~self.left_gone & ~self.right_gone & (self.left != 0) & (self.right != 0)
        return np.asarray(present & (self.diff != 0))

    @cached_property
    def day(self) -> npt.NDArray[np.int32]:
        return self.panel.day[self.rows]

    @cached_property
    def tolerance(self) -> Units:
        return self.panel.tolerance[self.rows]

    @cached_property
    def series(self) -> Units:
        return np.searchsorted(self.panel.offsets, self.rows, side="right").astype(np.int64) - 1

    @cached_property
    def first(self) -> Units:
        """Where each break's series begins in the panel."""
        return self.panel.offsets[self.series]

    @cached_property
    def before(self) -> Units:
        """The panel row just before in time in the same series, -1 where there is none."""
        return before_rows(self.panel)[self.rows]

    @cached_property
    def currency(self) -> npt.NDArray[np.int32]:
        """Codes; all zero when the run has no currency column."""
        column = self.panel.columns.get(self.currency_column or "")
        if column is None:
            return np.zeros(len(self.rows), dtype=np.int32)
        return column.codes[self.rows]

    def currency_text(self, i: int) -> str:
        column = self.panel.columns.get(self.currency_column or "")
        return str(column.vocabulary[int(column.codes[self.rows[i]])].as_py()) if column is not None else ""

    @cached_property
    def amounts(self) -> Units:
        """A sample of the panel's nonzero amounts, both sides, matches too: what amounts look like here."""
        step = max(1, 2 * self.panel.n // SAMPLE)
        both = np.concatenate([self.panel.left[::step], self.panel.right[::step]])
        return np.asarray(both[both != 0])

    @cached_property
    def grain(self) -> int:
        """The panel's usual resolution as a power of ten of its units: 2 when all but a few are whole."""
        zeros = np.sort(trailing_zeros(self.amounts))
        return int(zeros[len(zeros) // 20]) if len(zeros) else 0

    @cached_property
    def noise(self) -> int:
        """How far apart, in units, matched sides usually are; 0 where they hardly ever differ."""
        panel, step = self.panel, max(1, self.panel.n // SAMPLE)
        calm = ~panel.is_break & ~panel.left_missing & ~panel.right_missing & (panel.left != 0)
        apart = np.abs(panel.left - panel.right)[::step][calm[::step]]
        if len(apart) < FEW_CALM or np.count_nonzero(apart) * 10 < len(apart):
            return 0
        return int(np.sort(apart)[-1 - len(apart) // 100])

    @cached_property
    def roundness(self) -> Floats:
        """Share of the panel's amounts with exactly s significant digits, at s; never quite zero."""
        counts = np.bincount(significant(self.amounts), minlength=20)[:20]
        return np.asarray((counts + 0.5) / (counts.sum() + 1), dtype=np.float64)

    @cached_property
    def as_round(self) -> Floats:
        """Share of the panel's amounts that end in at least g zeros, at g; never quite zero."""
        counts = np.bincount(trailing_zeros(self.amounts), minlength=20)[:20][::-1].cumsum()[::-1]
        return np.asarray((counts + 0.5) / (len(self.amounts) + 1), dtype=np.float64)

    def coincidence(self, values: Units) -> Floats:
        """The chance that a random amount of the same size equals each value, round ones being likelier."""
        full = np.maximum(digit_count(values) - self.grain, 1)
        meant = np.maximum(significant(values), 1)
        uniform = 1.0 / (9.0 * 10.0 ** (full - 1))
        as_round = self.roundness[np.minimum(meant, 19)] / (9.0 * 10.0 ** (meant - 1))
        return np.asarray(np.maximum(uniform, as_round), dtype=np.float64)

    @cached_property
    def _first_alike(self) -> tuple[Units, Units]:
        """The first break of each pair of amounts, and for each break which of those it is like."""
        both = np.stack([self.left, self.right], axis=1)
        _, first, like = np.unique(both, axis=0, return_index=True, return_inverse=True)
        return first, like.ravel()

    def believable(self, passed: Mask, chance: Floats, kind: Units) -> Mask:
        """`chance.believable`, the same two amounts counted once: one price on thirty accounts is one coincidence."""
        first, like = self._first_alike
        return np.asarray(passed & believable(passed[first], chance[first], kind[first])[like])

    @cached_property
    def moved(self) -> npt.NDArray[np.int8]:
        """Which side left its own past: -1 left, 1 right, 0 not to be said."""
        past = self.before
        known = past >= 0
        at = np.where(known, past, 0)
        jump_left = np.abs(self.left - self.panel.left[at])
        jump_right = np.abs(self.right - self.panel.right[at])
        known &= ~self.panel.left_missing[at] & ~self.panel.right_missing[at]
        out = np.where(jump_left // 4 > jump_right, -1, np.where(jump_right // 4 > jump_left, 1, 0))
        return np.where(known, out, 0).astype(np.int8)

    def suspect(self, i: int) -> Side:
        return ("left", "unclear", "right")[int(self.moved[i]) + 1]

    def name(self, side: Side) -> str:
        return self.left_name if side == "left" else self.right_name

    def figure(self, units: int) -> str:
        """A side's value as a sentence says it: an amount, or the word of a text pair."""
        return f"«{self._word(units)}»" if self.is_text else figure(int(units), self.panel.scale)

    def plain(self, units: int) -> str:
        return self._word(units) if self.is_text else plain(int(units), self.panel.scale)

    def _word(self, number: int) -> str:
        words = self.panel.words
        known = words is not None and 0 <= number < len(words)
        return str(words[int(number)].as_py() or "") if words is not None and known else "another value"

    def values(self, i: int) -> dict[str, Any]:
        """What every proof shows: the two amounts, their sources, the difference and the currency."""
        said: dict[str, Any] = {
            "left": None if self.left_gone[i] else self.plain(self.left[i]),
            "left_source": self.left_name,
            "right": None if self.right_gone[i] else self.plain(self.right[i]),
            "right_source": self.right_name,
        }
        if not self.is_text:
            said["difference"] = self.plain(self.panel.diff[self.rows[i]])
        if self.currency_column in self.panel.columns:
            said["currency"] = self.currency_text(i)
        return said


@dataclass(frozen=True)
class Bench:
    """A whole run laid out for proving: all its panels' breaks, and what was said of rates and days."""

    tables: tuple[Breaks, ...]
    rates: Mapping[str, Decimal]
    """Units of the materiality currency for one unit of each currency, as the recon file says."""
    calendar: BusinessCalendar | None

    @property
    def left_name(self) -> str:
        return self.tables[0].left_name

    @property
    def right_name(self) -> str:
        return self.tables[0].right_name

    @cached_property
    def twin_rows(self) -> tuple[Units, ...]:
        """For each table, its breaks' keys over the run: equal where two panels show the same row of the file."""
        return tuple(2 * t.panel.source[t.rows] + t.panel.current[t.rows] for t in self.tables)

    def beside(self, table: Breaks, other: Breaks) -> Units:
        """For each break of `table`, the panel row of `other` that comes from the same row of the file, or -1."""
        panel = other.panel
        key = 2 * panel.source + panel.current
        order = np.argsort(key, kind="stable")
        wanted = self.twin_rows[table.at]
        at = np.minimum(np.searchsorted(key[order], wanted), panel.n - 1)
        found = order[at]
        return np.where(key[found] == wanted, found, -1)


def before_rows(panel: Panel) -> Units:
    """Length n: the last row of the same series at an earlier time, -1 where there is none or no date."""
    if panel.n == 0:
        return np.zeros(0, dtype=np.int64)
    time = panel.stamp if panel.stamp is not None else panel.day.astype(np.int64)
    starts = np.zeros(panel.n, dtype=np.bool_)
    starts[panel.offsets[:-1][np.diff(panel.offsets) > 0]] = True
    fresh = starts.copy()
    fresh[1:] |= time[1:] != time[:-1]
    run_start = np.maximum.accumulate(np.where(fresh, np.arange(panel.n), 0))
    before = run_start - 1
    dated = panel.day != NO_DAY
    usable = ~starts[run_start] & dated
    usable &= dated[np.maximum(before, 0)]
    return np.where(usable, before, -1)


def lay_out(
    panels: Sequence[Panel],
    rows: Sequence[Units],
    names: tuple[str, str],
    currency_column: str | None,
) -> tuple[Breaks, ...]:
    """One table per panel, in the order of the panels."""
    return tuple(
        Breaks(at, panel, np.asarray(which, dtype=np.int64), *names, currency_column)
        for at, (panel, which) in enumerate(zip(panels, rows, strict=True))
    )


__all__ = ["POWERS", "Bench", "Breaks", "Floats", "Found", "Mask", "Mechanism", "Units", "before_rows", "lay_out"]
