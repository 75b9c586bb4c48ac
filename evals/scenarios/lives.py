"""A month of two reconciliations with planted lives of outstanding items, and what should be told of each day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np

MONTH_STARTS: Final = date(2025, 4, 7)
MONTH_DAYS: Final = 24
"""Business days of the month: over Easter, with holidays of three currencies."""

REST: Final[dict[str, tuple[date, ...]]] = {
    "USD": (),
    "GBP": (date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 5)),
    "EUR": (date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 1)),
    "JPY": (date(2025, 4, 29), date(2025, 5, 5), date(2025, 5, 6)),
}

AGE_LIMIT: Final = 5

BALANCES: Final = "ledger-vs-custody"
STATEMENT: Final = "nostro-vs-statement"

Kind = Literal["new", "cleared", "aged", "grew", "shrank", "flipped", "moved", "returned"]


def month_days() -> list[date]:
    """The weekdays of the month, oldest first: a file comes on each."""
    days = [MONTH_STARTS + timedelta(n) for n in range(60)]
    return [day for day in days if day.weekday() < 5][:MONTH_DAYS]


def is_open(day: date, currency: str) -> bool:
    """Whether the currency's market works on that day; spelt out, so that it checks the product's calendar."""
    return day.weekday() < 5 and day not in REST[currency]


def age(onset: date, today: date, currency: str) -> int:
    """Open days from the onset up to today, today not counted."""
    return sum(is_open(onset + timedelta(n), currency) for n in range((today - onset).days))


@dataclass
class Life:
    """One planted item: its amount on each day on which it stands, in cents, and the keys it stands under."""

    recon: str
    currency: str
    key: tuple[str, str]
    amounts: dict[date, int]
    """Days on which it breaks; gaps are days on which it had cleared."""
    moves: dict[date, tuple[str, str]] = field(default_factory=dict)
    """From that day on it stands under this key."""
    comments: dict[date, str] = field(default_factory=dict)
    promise: tuple[date, bool] | None = None
    """(day on which it is checked, kept)."""
    story: str = ""

    def key_on(self, day: date) -> tuple[str, str]:
        """The key under which it stands on a day."""
        moved = [at for at in sorted(self.moves) if at <= day]
        return self.moves[moved[-1]] if moved else self.key


@dataclass(frozen=True)
class Told:
    """One thing that must be told once, on its day, of the right item."""

    recon: str
    onset: date
    key: tuple[str, str]
    """The key under which it stands at the end."""
    kind: Kind
    day: date


def truth(lives: Sequence[Life], days: Sequence[date]) -> list[Told]:
    """What should be told of each life, by walking its days one by one."""
    return [told for life in lives for told in _walk(life, days)]


def _walk(life: Life, days: Sequence[date]) -> Iterator[Told]:
    onset, cleared, reference, aged, standing = days[0], None, 0, False, False
    last = max(life.moves, default=None)
    key = life.moves[last] if last else life.key

    def told(kind: Kind, day: date) -> Told:
        return Told(life.recon, onset, key, kind, day)

    for day in days:
        now = life.amounts.get(day)
        works = is_open(day, life.currency)
        if now is not None:
            soon = cleared is not None and age(cleared, day, life.currency) <= 10
            if not standing and soon:
                standing, reference = True, now
                yield told("returned", day)
            elif not standing:
                standing, reference, onset, aged = True, now, day, False
                yield told("new", day)
            elif day in life.moves:
                yield told("moved", day)
            elif now * reference < 0:
                reference = now
                yield told("flipped", day)
            elif abs(now) > 1.25 * abs(reference):
                reference = now
                yield told("grew", day)
            elif abs(now) < 0.75 * abs(reference):
                reference = now
                yield told("shrank", day)
        elif standing and works:
            standing, cleared = False, day
            yield told("cleared", day)
        if standing and not aged and age(onset, day, life.currency) >= AGE_LIMIT:
            aged = True
            yield told("aged", day)


def open_at_end(lives: Sequence[Life], days: Sequence[date]) -> dict[tuple[str, date, tuple[str, str]], int]:
    """(recon, onset, key) -> age, of every item that is outstanding after the last day."""
    left = {}
    for life in lives:
        happened = [t for t in _walk(life, days) if t.kind in ("new", "cleared", "returned")]
        if happened and happened[-1].kind != "cleared":
            last = happened[-1]
            left[(life.recon, last.onset, last.key)] = age(last.onset, days[-1], life.currency)
    return left


def plant_lives(seed: int, each: int) -> list[Life]:
    """`each` lives of every story in every currency, on keys of their own, over both reconciliations."""
    rng = np.random.default_rng(seed)
    lives: list[Life] = []
    for story in STORIES:
        for currency in REST:
            for n in range(each):
                recon = (BALANCES, STATEMENT)[(n + len(lives)) % 2]
                lives.append(_life(rng, story, recon, currency, len(lives)))
    return lives


STORIES: Final = (
    "clears by itself",
    "ages",
    "flips",
    "grows and shrinks",
    "returns",
    "returns late",
    "moves to another key",
    "promise kept",
    "promise broken",
)


def _life(rng: np.random.Generator, story: str, recon: str, currency: str, n: int) -> Life:
    days = [day for day in month_days() if is_open(day, currency)]
    start = int(rng.integers(1, 7))
    size = int(rng.integers(40_000, 9_000_000)) * (100 if currency == "JPY" else 1)
    size = size // 100 * 100 if currency == "JPY" else size
    size *= int(rng.choice((-1, 1)))
    key = (f"{1_700_000 + 37 * n + int(rng.integers(37))}", f"{4000 + 13 * n}")
    life = Life(recon, currency, key, {}, story=story)

    def stands(first: int, last: int, amount: int) -> None:
        life.amounts.update(dict.fromkeys(days[first:last], amount))

    match story:
        case "clears by itself":
            stands(start, start + int(rng.integers(1, 4)), size)
        case "ages":
            stands(start, len(days), size)
        case "flips":
            stands(start, start + 2, size)
            stands(start + 2, start + 6, -size)
        case "grows and shrinks":
            stands(start, start + 3, size)
            stands(start + 3, start + 5, size * 2)
            stands(start + 5, len(days), size * 2 // 3)
        case "returns":
            stands(start, start + 2, size)
            stands(start + 5, start + 8, size * 3)
        case "returns late":
            stands(1, 3, size)
            stands(16, 18, size)
        case "moves to another key":
            stands(start, len(days), size)
            life.moves[days[start + 3]] = (_swapped(key[0]), key[1])
        case _:
            _promise(life, days, start, size, kept=story == "promise kept")
    return life


def _swapped(text: str) -> str:
    """The key with the first two neighbouring digits that differ, from the end, in each other's place."""
    for i in range(len(text) - 1, 0, -1):
        if text[i] != text[i - 1]:
            return text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :]
    return text[:-1] + "9"


def _promise(life: Life, days: Sequence[date], start: int, size: int, *, kept: bool) -> None:
    due = start + 4
    gone = due if kept else due + 3
    life.amounts.update(dict.fromkeys(days[start:gone], size))
    words = f"timing, will clear on {days[due]:%d-%b-%Y}"
    life.comments.update(dict.fromkeys(days[start + 1 : gone], words))
    life.promise = (days[due], kept)
