"""Worlds with planted causes: reconciliations of several styles whose every break has a known reason."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.panel import Panel
from recon.rows import Codes, Pair

Generator = np.random.Generator
TODAY: Final = 19_870
RATES: Final = {
    "EUR": Decimal("1.0834"),
    "GBP": Decimal("1.2718"),
    "JPY": Decimal("0.006413"),
    "CHF": Decimal("1.1127"),
}
CURRENCIES: Final = ("USD", "EUR", "GBP", "JPY", "CHF")


@dataclass(frozen=True)
class Style:
    """What a reconciliation of the world looks like."""

    name: str
    days: int
    """Business dates, the current one included."""
    decimals: int
    moves: str
    """`walk`: balances wander; `steady`: they hardly ever move; `flow`: each date is a new amount."""
    noise: int = 0
    """Matched sides differ by up to so many units, within tolerance."""
    tolerance: int = 0
    low: float = 4.0
    high: float = 7.0
    """Amounts are log-uniform between 10**low and 10**high, in whole currency."""


STYLES: Final = (
    Style("balances", 25, 2, "walk", tolerance=100),
    Style("noisy balances", 15, 2, "walk", noise=40, tolerance=100),
    Style("steady balances", 12, 2, "steady"),
    Style("flows", 20, 2, "flow", tolerance=1),
    Style("transactions", 1, 2, "flow", tolerance=1),
    Style("whole amounts", 10, 0, "walk"),
    Style("months of large amounts", 7, 0, "flow", low=5.0, high=8.0),
    Style("small amounts", 15, 2, "walk", low=2.3, high=4.5),
    Style("fine amounts", 8, 4, "flow", low=3.0, high=6.0),
)


@dataclass
class Item:
    """One key of the world: its columns and its two sides over the dates; None is a missing side."""

    key: dict[str, str]
    left: list[int | None]
    right: list[int | None]
    truth: str = "match"
    extra: list[tuple[int | None, int | None, str]] = field(default_factory=list)
    """Further rows of the same key on the current date, with their truth."""


@dataclass(frozen=True)
class World:
    style: Style
    items: tuple[Item, ...]
    rates: dict[str, Decimal] = field(default_factory=dict)


def make(seed: int, style: Style, size: int = 600, each: int = 8, ordinary: int = 80, rates: bool = True) -> World:
    """A world of `size` keys with `each` breaks of every kind that the style can show, and `ordinary` ones."""
    rng = np.random.default_rng(seed)
    items = [_item(rng, style, n) for n in range(size)]
    free = list(rng.permutation(size))
    for kind, plant in PLANTS.items():
        if kind in PAST and (style.days < 6 or style.moves == "steady"):
            continue
        plant(rng, style, items, free, each)
    for _ in range(min(ordinary, len(free))):
        _ordinary(rng, style, items[free.pop()])
    return World(style, tuple(items), dict(RATES) if rates else {})


# --- the ordinary ------------------------------------------------------------------------------------------------


def _amount(rng: Generator, style: Style) -> int:
    value = 10 ** rng.uniform(style.low, style.high)
    sign = -1 if rng.random() < 0.15 else 1
    return sign * int(value * 10**style.decimals)


def _item(rng: Generator, style: Style, n: int) -> Item:
    key = {
        "Company": f"{rng.integers(0, 6):05d}",
        "Account": str(1_600_000 + n),
        "AU": str(4000 + rng.integers(0, 40)),
        "Currency": str(rng.choice(CURRENCIES, p=[0.5, 0.2, 0.15, 0.05, 0.1])),
    }
    values = [_amount(rng, style)]
    for _ in range(style.days - 1):
        match style.moves:
            case "walk":
                values.append(values[-1] + int(values[-1] * rng.normal(0, 0.03)) + int(rng.integers(-99, 99)))
            case "steady":
                values.append(values[-1] if rng.random() < 0.95 else _amount(rng, style))
            case _:
                values.append(_amount(rng, style))
    right = [v + int(rng.integers(-style.noise, style.noise + 1)) for v in values]
    return Item(key, list(values), list(right))


def _ordinary(rng: Generator, style: Style, item: Item) -> None:
    """A difference of no particular meaning: of any size, on either side, sometimes standing for days."""
    unit = 10**style.decimals
    size = int(10 ** rng.uniform(1.0, 4.5) * unit) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.1:
        item.right[-1] = _amount(rng, style)
    else:
        side = item.left if rng.random() < 0.5 else item.right
        for back in range(int(rng.integers(1, 6)) if rng.random() < 0.3 else 1):
            if back < style.days:
                value = side[-1 - back]
                assert value is not None
                side[-1 - back] = value + size
    item.truth = "unknown"


# --- the planted -------------------------------------------------------------------------------------------------

Plant = Callable[[Generator, Style, list[Item], list[int], int], None]


def _sides(rng: Generator, item: Item) -> tuple[list[int | None], list[int | None], str]:
    return (item.left, item.right, "left") if rng.random() < 0.5 else (item.right, item.left, "right")


def _each(change: Callable[[Generator, Style, Item], str | None]) -> Plant:
    """A plant that changes one item at a time; None from `change`: this one did not suit, take another."""

    def plant(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
        done = 0
        while done < each and free:
            item = items[free.pop()]
            truth = change(rng, style, item)
            if truth is not None:
                item.truth = truth
                done += 1

    return plant


def _missing(rng: Generator, style: Style, item: Item) -> str:
    side, _, name = _sides(rng, item)
    side[-1] = None
    return f"missing_{name}"


def _twice(rng: Generator, style: Style, item: Item) -> str:
    side, other, _ = _sides(rng, item)
    side[-1] = 2 * _either(rng, side, other)
    return "duplicate"


def _repeated(rng: Generator, style: Style, item: Item) -> str:
    value = _value(item.left)
    item.extra.append((value, None, "duplicate") if rng.random() < 0.5 else (None, _value(item.right), "duplicate"))
    return "match"


def _flip(rng: Generator, style: Style, item: Item) -> str:
    side, other, _ = _sides(rng, item)
    side[-1] = -_either(rng, side, other)
    return "sign_flip"


def _scaled(rng: Generator, style: Style, item: Item) -> str:
    side, other, _ = _sides(rng, item)
    power = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    value = _either(rng, side, other)
    if rng.random() < 0.5 or abs(value) < 10 ** (power + 4):
        side[-1] = value * 10**power
    else:
        side[-1] = _divided(value, 10**power)
    return "scale"


def _slip(rng: Generator, style: Style, item: Item) -> str | None:
    side, other, _ = _sides(rng, item)
    value = _value(other)
    digits = list(str(abs(value)))
    whole = len(digits) - style.decimals
    last = len(digits) if rng.random() < 0.25 else whole
    place = int(rng.integers(0, last))
    match rng.integers(0, 4):
        case 0:
            new = str(rng.integers(1 if place == 0 else 0, 10))
            digits[place] = new
        case 1:
            place = min(place, last - 2)
            digits[place], digits[place + 1] = digits[place + 1], digits[place]
        case 2:
            del digits[min(place, whole - 1)]
        case _:
            digits.insert(min(place, whole - 1), str(rng.integers(1, 10)))
    if digits[0] == "0" or int("".join(digits)) == abs(value):
        return None
    slipped = int("".join(digits)) * (1 if value > 0 else -1)
    if abs(slipped - value) <= style.tolerance:
        return None
    side[-1] = slipped
    return "digit_slip"


def _rounded(rng: Generator, style: Style, item: Item) -> str | None:
    side, other, _ = _sides(rng, item)
    value = _value(other)
    if rng.random() < 0.4 and style.tolerance < 5:
        side[-1] = value + int(rng.integers(style.tolerance + 1, 6)) * (1 if rng.random() < 0.5 else -1)
        return "rounding"
    least = style.decimals + (1 if style.decimals else 2)
    step = 10 ** int(rng.integers(least if style.tolerance > 50 else max(style.decimals, 2), style.decimals + 4))
    near = _divided(value, step) * step
    if abs(near - value) <= style.tolerance or abs(value) < 1000 * step:
        return None
    side[-1] = near
    return "rounding"


def _late(rng: Generator, style: Style, item: Item) -> str | None:
    side, other, _ = _sides(rng, item)
    if _value(other) == _value(other, -2):
        return None
    side[-1] = _value(other, -2)
    return "lag"


def _stale(rng: Generator, style: Style, item: Item) -> str | None:
    side, other, _ = _sides(rng, item)
    days = int(rng.integers(3, 6))
    if len({_value(other, -k) for k in range(1, days + 2)}) < days:
        return None
    for k in range(1, days + 1):
        side[-k] = _value(other, -days - 1)
    return "stale"


def _rate(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """One side in its own currency, the other converted; the rate is the recon file's."""
    _by_currency(rng, style, items, free, each, {code: float(rate) for code, rate in RATES.items()}, 0.3)


def _moved_rate(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """One side converted at yesterday's rate: the ratio of two rates, the same for all of a currency."""
    moved = {code: 1 + float(rng.normal(0, 0.006)) for code in ("EUR", "GBP")}
    _by_currency(rng, style, items, free, each, moved, 0.0)


def _by_currency(
    rng: Generator,
    style: Style,
    items: list[Item],
    free: list[int],
    each: int,
    rates: dict[str, float],
    inverse: float,
) -> None:
    chosen = [n for n in free if items[n].key["Currency"] in rates][:each]
    for n in chosen:
        item = items[n]
        rate = rates[item.key["Currency"]]
        rate = 1 / rate if rng.random() < inverse else rate
        side, other, _ = _sides(rng, item)
        value = round(_value(other) * rate)
        if abs(value) > 10 ** (style.decimals + 3) and abs(value - _value(other)) > style.tolerance:
            side[-1] = value
            item.truth = "fx_rate"
            free.remove(n)


def _share(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """A fee of fixed basis points, or a tax, taken from the right side of several breaks."""
    share = float(rng.choice([0.0025, 0.0015, 0.001, 0.015, 0.2, 0.1, 0.0035]))

    def change(rng: Generator, style: Style, item: Item) -> str | None:
        value = round(_value(item.left) * (1 - share))
        if abs(value - _value(item.left)) <= style.tolerance:
            return None
        item.right[-1] = value
        return "fee_or_tax"

    _each(change)(rng, style, items, free, each)


def _charge(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """A fixed charge on several breaks."""
    unit = 10**style.decimals
    charge = int(rng.choice([25 * unit, 15 * unit, 12 * unit + unit // 2, 35 * unit, 175 * unit // 10]))

    def change(rng: Generator, style: Style, item: Item) -> str:
        item.right[-1] = _value(item.left) - charge
        return "fee_or_tax"

    _each(change)(rng, style, items, free, each)


def _misposted(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """What belonged to one account was booked to another of the same company and currency, or of any."""
    unit = 10**style.decimals
    for _ in range(each // 2):
        first = items[free.pop()]
        amount = int(10 ** rng.uniform(2.0, 5.0) * unit)
        alike = [n for n in free if items[n].key["Currency"] == first.key["Currency"]]
        n = int(rng.choice(alike if alike and rng.random() < 0.7 else free))
        free.remove(n)
        second = items[n]
        side = rng.random() < 0.5
        for item, sign in ((first, 1), (second, -1)):
            changed = item.left if side else item.right
            changed[-1] = _value(changed) + sign * amount
            item.truth = "misposting"


def _summed(rng: Generator, style: Style, items: list[Item], free: list[int], each: int) -> None:
    """One side booked once what the other booked in parts: on the same key, or on keys beside it."""
    for _ in range(each // 4):
        item = items[free.pop()]
        total = abs(_amount(rng, style)) + 1000
        cuts = np.unique(rng.integers(1, total, size=int(rng.integers(1, 4))))
        parts = np.diff(np.concatenate([[0], cuts, [total]])).astype(int).tolist()
        left = rng.random() < 0.5
        item.left[-1], item.right[-1] = (total, None) if left else (None, total)
        item.truth = "aggregation"
        same_key = rng.random() < 0.5
        for k, part in enumerate(parts):
            row = (None, int(part)) if left else (int(part), None)
            if same_key:
                item.extra.append((*row, "aggregation"))
            else:
                beside = _item(rng, style, 0)
                beside.key = item.key | {"Account": f"{item.key['Account']}-{k + 1}"}
                beside.left, beside.right = [*beside.left[:-1], row[0]], [*beside.right[:-1], row[1]]
                beside.left[:-1] = beside.right[:-1] = []
                beside.truth = "aggregation"
                items.append(beside)


def _either(rng: Generator, side: list[int | None], other: list[int | None]) -> int:
    """The amount that went wrong: the side's own or, as equal but for noise, the other's."""
    return _value(side if rng.random() < 0.5 else other)


def _value(side: list[int | None], at: int = -1) -> int:
    value = side[at]
    assert value is not None
    return value


def _divided(value: int, by: int) -> int:
    """Rounded half away from zero."""
    sign = 1 if value >= 0 else -1
    return sign * ((2 * abs(value) + by) // (2 * by))


PLANTS: Final[dict[str, Plant]] = {
    "missing": _each(_missing),
    "twice": _each(_twice),
    "repeated": _each(_repeated),
    "sign": _each(_flip),
    "scale": _each(_scaled),
    "slip": _each(_slip),
    "rounding": _each(_rounded),
    "lag": _each(_late),
    "stale": _each(_stale),
    "rate": _rate,
    "moved_rate": _moved_rate,
    "share": _share,
    "charge": _charge,
    "misposting": _misposted,
    "aggregation": _summed,
}
PAST: Final = ("lag", "stale")
"""Kinds that only a past can show."""


# --- as a panel --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """The world's rows, one list per column, current rows last in time for each key."""

    keys: list[dict[str, str]]
    day: list[int]
    left: list[int | None]
    right: list[int | None]
    truth: list[str]


def rows_of(world: World) -> Table:
    """Every row of the world; truth is empty on past rows."""
    table = Table([], [], [], [], [])
    for item in world.items:
        days = len(item.left)
        lines = [(item.left[k], item.right[k], "", k - days + 1) for k in range(days - 1)]
        lines.append((item.left[-1], item.right[-1], item.truth, 0))
        lines += [(left, right, truth, 0) for left, right, truth in item.extra]
        for left, right, truth, back in lines:
            table.keys.append(item.key)
            table.day.append(TODAY + back)
            table.left.append(left)
            table.right.append(right)
            table.truth.append(truth)
    return table


def panel_of(world: World) -> tuple[Panel, npt.NDArray[np.str_]]:
    """The world as one panel, and the truth of each panel row."""
    table = rows_of(world)
    names = list(table.keys[0])
    texts = ["|".join(key.values()) for key in table.keys]
    order = np.lexsort((np.arange(len(texts)), np.asarray(table.day), np.unique(texts, return_inverse=True)[1]))
    series = np.unique(texts, return_inverse=True)[1][order]
    first = np.flatnonzero(np.concatenate([[True], series[1:] != series[:-1]]))
    left, left_gone = _column(table.left, order)
    right, right_gone = _column(table.right, order)
    tolerance = np.full(len(order), world.style.tolerance, dtype=np.int64)
    diff = left - right
    panel = Panel(
        pair=Pair("Balance", "GL Balance", "IHub Balance", "Balance Difference", "number"),
        scale=world.style.decimals,
        offsets=np.append(first, len(order)).astype(np.int64),
        series_id=np.arange(len(first), dtype=np.uint64),
        day=np.asarray(table.day, dtype=np.int32)[order],
        stamp=None,
        current=np.asarray(table.day)[order] == TODAY,
        source=np.arange(len(order))[order].astype(np.int64),
        left=left,
        right=right,
        left_missing=left_gone,
        right_missing=right_gone,
        diff=diff,
        tolerance=tolerance,
        is_break=(np.abs(diff) > tolerance) | (left_gone ^ right_gone),
        excluded=np.zeros(len(order), dtype=np.bool_),
        columns={name: _codes([key[name] for key in table.keys], order) for name in names},
        groups=np.zeros((1, len(first)), dtype=np.int32),
        group_names=("all",),
        key_columns=tuple(names),
    )
    return panel, np.asarray(table.truth)[order]


def _column(
    values: list[int | None], order: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    gone = np.array([v is None for v in values], dtype=np.bool_)[order]
    return np.array([v or 0 for v in values], dtype=np.int64)[order], gone


def _codes(texts: list[str], order: npt.NDArray[np.int64]) -> Codes:
    words, codes = np.unique(texts, return_inverse=True)
    return Codes(codes[order].astype(np.int32), pa.array(words.tolist()))


def without_rates(world: World) -> World:
    """The same world when the recon file names no rates: only recurrence can show them."""
    return replace(world, rates={})
