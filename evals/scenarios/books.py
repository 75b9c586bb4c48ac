"""Balances of many accounts in two ledgers over a year of days: lifelike where nothing is planted."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from evals.scenarios.days import Days, cycle_days, holidays, month_ends

Units = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TOLERANCE: Final = 100
"""In cents: differences up to 1.00 are matches."""

RATES: Final[dict[str, float]] = {"USD": 1.0, "EUR": 1.0842, "GBP": 1.2675, "JPY": 0.00667, "CHF": 1.1193}

_CHART: Final[tuple[tuple[str, str, str], ...]] = (
    ("LOANS", "TERM LOANS", "LNS"),
    ("LOANS", "REVOLVING CREDIT", "LNS"),
    ("LOANS", "DEFERRED FEES", "LNS"),
    ("LOANS", "ACCRUED INTEREST", "LNS"),
    ("DEPOSITS", "DEMAND DEPOSITS", "DEP"),
    ("DEPOSITS", "TIME DEPOSITS", "DEP"),
    ("DEPOSITS", "ESCROW", "DEP"),
    ("SECURITIES", "BONDS AT FAIR VALUE", "SEC"),
    ("SECURITIES", "COUPON RECEIVABLE", "SEC"),
    ("SECURITIES", "UNSETTLED PURCHASES", "SEC"),
    ("DERIVATIVES", "VARIATION MARGIN", "DRV"),
    ("DERIVATIVES", "MARK TO MARKET", "DRV"),
    ("CASH", "NOSTRO", "NST"),
    ("CASH", "SUSPENSE", "NST"),
    ("TAX", "WITHHOLDING TAX", "TAX"),
)
_COMPANIES: Final = (("00012", "NY", "USD"), ("00045", "LDN", "GBP"), ("00045", "FRA", "EUR"), ("00078", "TKY", "JPY"))
_MANNERS: Final = ("clean", "cents", "in_line", "noisy", "recurring")
_MANNER_ODDS: Final = (0.62, 0.12, 0.12, 0.07, 0.07)


@dataclass(frozen=True)
class Account:
    """One line of the chart of accounts in one company and currency."""

    company: str
    account: str
    au: str
    currency: str
    primary: str
    secondary: str
    feed: str
    manner: str
    """How its difference behaves when nothing is planted."""
    monthly: bool
    """Reconciled once a month only, on the business day of the month that the newest day is."""
    level: float
    """Typical balance in its own currency."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.company, self.account, self.au, self.currency)


@dataclass
class Books:
    """Two ledgers, `left` and `right`, in cents. All arrays have shape (days, accounts)."""

    days: Days
    accounts: tuple[Account, ...]
    left: Units
    right: Units
    left_missing: Flags
    right_missing: Flags
    present: Flags
    """False where the account is not reconciled on that day: a holiday, a monthly account, not opened yet."""
    cause: npt.NDArray[np.object_]
    """Why a row breaks, where something is known to be behind it: chooses the operators' comment."""
    free: set[int] = field(default_factory=set)
    """Accounts that nothing has been planted on."""

    @property
    def difference(self) -> Units:
        """left - right, a missing side counted as zero."""
        return np.where(self.left_missing, 0, self.left) - np.where(self.right_missing, 0, self.right)

    @property
    def is_break(self) -> Flags:
        outside = np.abs(self.difference) > TOLERANCE
        broken: Flags = self.present & (outside | (self.left_missing != self.right_missing))
        return broken


def open_books(rng: np.random.Generator, days: Days, daily: int, monthly: int) -> Books:
    """Books of `daily` + `monthly` accounts with ordinary life only: movements, chronic differences, timing."""
    accounts = tuple(_account(rng, i, monthly=i >= daily) for i in range(daily + monthly))
    present = _present(days, accounts)
    balance = _balances(rng, days, accounts, present)
    shape = balance.shape
    books = Books(
        days=days,
        accounts=accounts,
        left=balance.copy(),
        right=balance.copy(),
        left_missing=np.zeros(shape, dtype=np.bool_),
        right_missing=np.zeros(shape, dtype=np.bool_),
        present=present,
        cause=np.full(shape, "", dtype=np.object_),
        free=set(range(len(accounts))),
    )
    for i, account in enumerate(accounts):
        _live(rng, books, i, account)
    return books


def _account(rng: np.random.Generator, i: int, *, monthly: bool) -> Account:
    company, city, home = _COMPANIES[int(rng.choice(4, p=(0.4, 0.25, 0.2, 0.15)))]
    primary, secondary, system = _CHART[int(rng.integers(len(_CHART)))]
    currency = home if rng.random() < 0.8 else str(rng.choice(list(RATES)))
    level = float(np.clip(np.exp(rng.normal(13.2, 1.9)), 2e4, 6e8)) / RATES[currency]
    return Account(
        company=company,
        account=str(1_600_000 + 7 * i + int(rng.integers(7))),
        au=str(rng.choice((4398, 4929, 5701, 5702, 6269, 7114, 7115, 8003))),
        currency=currency,
        primary=primary,
        secondary=secondary,
        feed=f"{system}-{city}",
        manner=str(rng.choice(_MANNERS, p=_MANNER_ODDS)) if not monthly else "clean",
        monthly=monthly,
        level=level,
    )


def _present(days: Days, accounts: tuple[Account, ...]) -> Flags:
    years = range(int(str(days[0])[:4]), int(str(days[-1])[:4]) + 1)
    closed = {c: np.isin(days, np.asarray(holidays(c, years), dtype="datetime64[D]")) for c in RATES}
    cycle = cycle_days(days)
    columns = [cycle if a.monthly else ~closed[a.currency] for a in accounts]
    present: Flags = np.stack(columns, axis=1)
    return present


def _balances(rng: np.random.Generator, days: Days, accounts: tuple[Account, ...], present: Flags) -> Units:
    """Jumpy walks: quiet accounts move once in a while, busy ones daily; Student's t for the sizes."""
    shape = (len(days), len(accounts))
    level = np.array([a.level for a in accounts])
    busy = rng.choice((0.04, 0.25, 0.9), size=shape[1], p=(0.35, 0.3, 0.35))
    size = level * np.exp(rng.normal(-4.2, 0.8, shape[1]))
    moves = rng.standard_t(3, shape) * size * (rng.random(shape) < busy) * present
    walk = level + np.cumsum(moves, axis=0)
    walk = np.where(walk < level * 0.05, level * 0.05 + np.abs(walk) * 0.1, walk)
    units = np.rint(walk * 100).astype(np.int64)
    yen = np.array([a.currency == "JPY" for a in accounts])
    whole: Units = np.where(yen, units // 100 * 100, units)
    return whole


def _live(rng: np.random.Generator, books: Books, i: int, account: Account) -> None:
    """The account's ordinary difference, by its manner, and a rare timing break that clears by itself."""
    n = len(books.days)
    match account.manner:
        case "clean":
            _some_timing(rng, books, i, 0.004 if not account.monthly else 0.02)
        case "cents":
            if account.currency != "JPY":
                books.right[:, i] -= rng.integers(-45, 46, n)
            _some_timing(rng, books, i, 0.003)
        case "in_line":
            chronic = account.level * np.exp(rng.normal(-5.5, 0.7)) * rng.choice((-1, 1))
            wobble = chronic * 0.06 * rng.standard_t(4, n)
            books.right[:, i] -= _money(account, chronic + wobble)
            books.cause[:, i] = "in_line"
        case "noisy":
            books.right[:, i] -= _money(account, account.level * 0.004 * rng.standard_t(3, n))
            books.cause[:, i] = "unknown"
        case _:
            when = month_ends(books.days) if rng.random() < 0.5 else _same_weekday(books.days)
            top_side = account.level * 0.03 * np.exp(rng.normal(0, 0.12, n))
            books.left[when, i] += _money(account, top_side)[when]
            books.cause[when, i] = "recurring"


def _same_weekday(days: Days) -> Flags:
    """The days that are the same day of the week as the newest."""
    number = days.astype(np.int64)
    same: Flags = number % 7 == number[-1] % 7
    return same


def _some_timing(rng: np.random.Generator, books: Books, i: int, odds: float) -> None:
    account = books.accounts[i]
    for start in np.flatnonzero(rng.random(len(books.days) - 8) < odds):
        stop = int(start) + int(rng.integers(1, 4))
        amount = int(_money(account, np.array([account.level * 0.02 * rng.standard_t(3)]))[0])
        books.left[start:stop, i] += amount
        books.cause[start:stop, i] = "timing"


def _money(account: Account, amounts: npt.NDArray[np.float64]) -> Units:
    """Cents of what the currency can pay: the yen has none."""
    step = 100 if account.currency == "JPY" else 1
    units: Units = np.rint(amounts * 100 / step).astype(np.int64) * step
    return units


def movement(rng: np.random.Generator, books: Books, i: int, share: float = 0.06) -> int:
    """A fresh odd amount that fits the account, in cents; never near zero, either sign."""
    account = books.accounts[i]
    size = account.level * share * np.exp(rng.normal(0, 0.5)) * rng.choice((-1, 1))
    return int(_money(account, np.array([size]))[0])
