"""Every cause and every pattern as a change to books: what went wrong, on which accounts, on which days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evals.scenarios.books import Books, movement
from recon.words import Cause

Accounts = Sequence[int]
Planter = Callable[[np.random.Generator, Books, Accounts, slice], str]
"""Changes the books on these accounts over these days and says what was done."""


@dataclass(frozen=True)
class Plant:
    """One planted problem: the truth of one case."""

    id: str
    recon: str
    causes: tuple[str, ...]
    """The first is the truth; the others say the same from the same rows. Empty: nothing to explain."""
    patterns: tuple[str, ...]
    """Any of these is right."""
    anomaly: bool | None
    """None: either answer is defensible."""
    keys: tuple[tuple[str, ...], ...]
    pair: str
    onset: str
    """ISO date of its first business day."""
    scope: dict[str, str]
    """The slice that its rows share; empty for a single key."""
    note: str


def timing(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The left books a movement at once, the right only when the days are over."""
    (i,) = accounts
    amount = movement(rng, books, i)
    books.left[days.start :, i] += amount
    books.right[days.stop :, i] += amount
    return f"left booked {amount} cents, right not yet"


def missing_left(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The left side is blank."""
    books.left_missing[days, list(accounts)] = True
    return "left blank"


def missing_right(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right side is blank."""
    for i in accounts:
        books.right_missing[days, i] = True
    return "right blank"


def duplicate(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A movement that both sides booked is booked once more on the left."""
    (i,) = accounts
    amount = movement(rng, books, i)
    books.left[days.start :, i] += amount
    books.right[days.start :, i] += amount
    books.left[days, i] += amount
    return f"{amount} cents posted twice on the left"


def sign_flip(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right carries the balance with its sign reversed."""
    (i,) = accounts
    books.right[days, i] = -books.left[days, i]
    return "right = -left"


def scale(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The left carries ten, a hundred or a thousand times the balance."""
    (i,) = accounts
    factor = int(rng.choice((10, 100, 1000)))
    books.left[days, i] = books.right[days, i] * factor
    return f"left = right x {factor}"


def digit_slip(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """Two neighbouring digits of the right are transposed."""
    (i,) = accounts
    for day in range(days.start, days.stop):
        books.right[day, i] = _transposed(rng, int(books.left[day, i]))
    return "two digits transposed on the right"


def _transposed(rng: np.random.Generator, units: int) -> int:
    digits = list(str(abs(units)))
    places = [p for p in range(len(digits) - 4) if digits[p] != digits[p + 1]]
    if not places:
        return units + 9 * 10**3
    p = int(rng.choice(places[:4]))
    digits[p], digits[p + 1] = digits[p + 1], digits[p]
    return int("".join(digits)) * (1 if units >= 0 else -1)


def rounding(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right is rounded to whole hundreds."""
    (i,) = accounts
    exact = books.left[days, i]
    exact = np.where(np.abs(exact % 10_000 - 5_000) > 4_800, exact + 3_137, exact)
    books.left[days, i] = exact
    books.right[days, i] = (exact + 5_000) // 10_000 * 10_000
    return "right rounded to hundreds"


def fx_rate(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right was revalued at another day's rate: one ratio on every account."""
    ratio = 1 + float(rng.choice((-1, 1))) * float(rng.uniform(0.004, 0.013))
    for i in accounts:
        books.right[days, i] = np.rint(books.left[days, i] * ratio).astype(np.int64)
    return f"right = left x {ratio:.6f}"


def unconverted(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right was fed in the materiality currency: the ratio is the rate itself."""
    from evals.scenarios.books import RATES

    (i,) = accounts
    rate = RATES[books.accounts[i].currency]
    books.right[days, i] = np.rint(books.left[days, i] * rate).astype(np.int64)
    return f"right = left x {rate}, the rate to USD"


def fee_or_tax(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A receipt is booked gross on the left and net of 15% or 20% on the right."""
    (i,) = accounts
    rate = float(rng.choice((0.15, 0.2)))
    amount = abs(movement(rng, books, i, 0.1)) // 2000 * 2000
    books.left[days.start :, i] += amount
    books.right[days.start :, i] += amount
    books.right[days, i] -= round(amount * rate)
    return f"{rate:.0%} of {amount} cents withheld on the right"


def misposting(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """An amount meant for one account stands on another: two breaks that cancel."""
    here, there = accounts
    amount = movement(rng, books, here)
    books.left[days, here] += amount
    books.left[days, there] -= amount
    return f"{amount} cents on the wrong account"


def aggregation(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The left booked on one account what the right split over several."""
    total, *parts = accounts
    amounts = [abs(movement(rng, books, i, 0.03)) for i in parts]
    books.left[days, total] += sum(amounts)
    for i, amount in zip(parts, amounts, strict=True):
        books.right[days, i] += amount
    return f"left total {sum(amounts)} cents = parts {amounts} on the right"


def lag(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right shows the balance of the day before."""
    (i,) = accounts
    books.right[days, i] = books.left[days.start - 1 : days.stop - 1, i]
    return "right is a day behind"


def stale(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The right stands still while the left moves."""
    for i in accounts:
        books.right[days, i] = books.right[days.start - 1, i]
    return "right has not moved since"


def new(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A whole group differs by odd small shares of the balance: no mechanism explains it, yet it is one thing."""
    for i in accounts:
        share = rng.uniform(0.0021, 0.0079, days.stop - days.start)
        books.right[days, i] -= np.rint(books.left[days, i] * share).astype(np.int64)
    return "right short by odd shares of the balance, all from one day"


def unknown(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """An odd amount with nothing behind it."""
    (i,) = accounts
    amount = movement(rng, books, i, 0.15)
    books.right[days, i] += amount
    return f"{amount} cents, unexplained"


def spike(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A difference many times its usual size, of the usual sign."""
    (i,) = accounts
    before = books.difference[: days.start, i]
    usual = max(float(np.median(np.abs(before))), abs(movement(rng, books, i, 0.01)))
    sign = 1 if np.median(before) >= 0 else -1
    books.right[days, i] -= round(sign * usual * float(rng.uniform(9, 14)))
    return "difference about ten times the usual"


def drop(_rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A chronic difference falls to a small part of itself."""
    (i,) = accounts
    standing = np.median(books.difference[: days.start, i])
    books.right[days, i] += round(float(standing) * 1.9)
    return "chronic difference dropped through zero"


def level_shift(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A chronic difference moves to another level and stays there."""
    (i,) = accounts
    standing = float(np.median(np.abs(books.difference[: days.start, i])))
    books.right[days, i] -= round(standing * float(rng.uniform(2.5, 4)))
    return "difference on a new level"


def consistent_trend(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """A difference that grows by about the same amount each day."""
    (i,) = accounts
    step = abs(movement(rng, books, i, 0.004))
    steps = np.arange(1, days.stop - days.start + 1) * step
    books.left[days, i] += (steps * rng.uniform(0.97, 1.03, len(steps))).astype(np.int64)
    return f"grows by about {step} cents a day"


def inconsistent(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """Differences that come, go and change without a rule where there used to be none."""
    (i,) = accounts
    usual = abs(movement(rng, books, i, 0.03))
    n = days.stop - days.start
    books.right[days, i] += (usual * rng.uniform(0.3, 3.0, n) * rng.choice((0, 1, 1, -1), n)).astype(np.int64)
    books.right[days.stop - 1, i] += usual
    return "varies without a rule"


def high_volatility(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The spread of the difference grows many times over."""
    (i,) = accounts
    spread = float(np.median(np.abs(books.difference[: days.start, i]))) + abs(movement(rng, books, i, 0.001))
    books.right[days, i] += np.rint(spread * 5 * rng.standard_normal(days.stop - days.start)).astype(np.int64)
    books.right[days.stop - 1, i] += round(spread * 12)
    return "spread about five times the usual"


def reversal(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """One day's difference comes back the next day with the other sign."""
    (i,) = accounts
    amount = movement(rng, books, i)
    books.right[days.stop - 2, i] += amount
    books.right[days.stop - 1, i] -= amount
    return f"{amount} cents one day, its opposite the next"


def repeated(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """The same key breaks on most of the days, each time by another amount."""
    (i,) = accounts
    n = days.stop - days.start
    hit = rng.random(n) < 0.6
    hit[-1] = True
    usual = abs(movement(rng, books, i, 0.01))
    books.right[days, i] += np.where(hit, usual * rng.uniform(0.8, 1.2, n), 0).astype(np.int64)
    return f"broke on {int(hit.sum())} of {n} days"


def drift_within_tolerance(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """Cents of one sign that add up, never past the tolerance."""
    (i,) = accounts
    n = days.stop - days.start
    books.right[:, i] = books.left[:, i]
    books.right[days, i] -= np.rint(np.linspace(2, 92, n) + rng.normal(0, 1.5, n)).astype(np.int64)
    return "within tolerance, one sign, growing for weeks"


def insufficient_history(rng: np.random.Generator, books: Books, accounts: Accounts, days: slice) -> str:
    """An account opened with these days, and breaking."""
    (i,) = accounts
    books.present[: days.start, i] = False
    books.right[days.stop - 1, i] += movement(rng, books, i)
    return "opened a few days ago"


CAUSES: Final[dict[Cause, Planter]] = {
    "timing": timing,
    "missing_left": missing_left,
    "missing_right": missing_right,
    "duplicate": duplicate,
    "sign_flip": sign_flip,
    "scale": scale,
    "digit_slip": digit_slip,
    "rounding": rounding,
    "fx_rate": fx_rate,
    "fee_or_tax": fee_or_tax,
    "misposting": misposting,
    "aggregation": aggregation,
    "lag": lag,
    "stale": stale,
    "new": new,
    "unknown": unknown,
}
"""Causes that balances can have; price, quantity, factor_rounding and reference_data belong to trades."""

NEEDS: Final[dict[str, int]] = {"misposting": 2, "aggregation": 4, "new": 7, "fx_rate": 5}
"""How many accounts a planter takes; one where it is not said."""
