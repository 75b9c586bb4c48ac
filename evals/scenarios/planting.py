"""Plants problems on books, each on accounts of its own, and writes the truth down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from evals.scenarios.books import Account, Books, open_books
from evals.scenarios.days import business_days
from evals.scenarios.ledger_file import ledger_table, whole_yen
from evals.scenarios.plants import CAUSES, NEEDS, Plant, Planter
from recon.words import Cause

GL: Final = "gl-vs-subledger"

SUDDEN: Final = ("spike", "drop", "level_shift", "inconsistent", "reversal", "repeated", "new")
"""Patterns of which any fits what happens from one day to the next."""


class Planting:
    """Plants one problem after another on accounts that are still free, and writes the truth down."""

    def __init__(self, rng: np.random.Generator, books: Books) -> None:
        self.rng, self.books, self.plants = rng, books, list[Plant]()
        self.last = len(books.days)

    def take(self, count: int, *manners: str, monthly: bool = False) -> list[int]:
        """Free accounts of these manners, reconciled on the newest day, of one company and currency."""
        here = [i for i in sorted(self.books.free) if self.books.present[-1, i]]
        fits = [i for i in here if self._fits(self.books.accounts[i], manners, monthly)]
        homes = sorted({(self.books.accounts[i].company, self.books.accounts[i].currency) for i in fits})
        for k in self.rng.permutation(len(homes)):
            of_home = [i for i in fits if self._home(i) == homes[k]]
            if len(of_home) >= count:
                return [int(i) for i in self.rng.choice(of_home, count, replace=False)]
        msg = f"no {count} free accounts behave like {manners}"
        raise ValueError(msg)

    def _fits(self, account: Account, manners: Sequence[str], monthly: bool) -> bool:
        return account.monthly == monthly and account.manner in (manners or ("clean",))

    def _home(self, i: int) -> tuple[str, str]:
        return (self.books.accounts[i].company, self.books.accounts[i].currency)

    def group(self, least: int, most: int, *columns: str) -> list[int]:
        """All daily accounts that share these columns: a slice of `least` to `most` in which every account is
        free; where there is none, the free accounts of the slice that has most of them."""
        slices: dict[tuple[str, ...], list[int]] = {}
        for i, account in enumerate(self.books.accounts):
            if not account.monthly and self.books.present[-1, i]:
                slices.setdefault(tuple(getattr(account, c) for c in columns), []).append(i)
        for widest in (most, len(self.books.accounts)):
            whole = [v for v in slices.values() if least <= len(v) <= widest and set(v) <= self.books.free]
            if whole:
                return whole[int(self.rng.integers(len(whole)))]
        freest = max(slices.values(), key=lambda v: len(set(v) & self.books.free))
        return [i for i in freest if i in self.books.free]

    def plant(
        self,
        planter: Planter,
        accounts: list[int],
        for_days: int,
        causes: tuple[str, ...],
        patterns: tuple[str, ...],
        **said: Any,
    ) -> None:
        days = slice(self.last - for_days, self.last)
        note = planter(self.rng, self.books, accounts, days)
        self.books.free.difference_update(accounts)
        self.books.cause[days, accounts] = causes[0] if causes else "in_line"
        self.plants.append(
            Plant(
                id=f"G{len(self.plants) + 1:02}",
                recon=GL,
                causes=causes,
                patterns=patterns,
                anomaly=said.get("anomaly", True),
                keys=tuple(self.books.accounts[i].key for i in accounts),
                pair="Balance",
                onset=str(self.books.days[self.last - for_days]),
                scope=said.get("scope", {}),
                note=note,
            )
        )


def no_timing_today(books: Books) -> None:
    """Ordinary timing ends before the newest day, so that its truth is only what is planted."""
    recent = slice(len(books.days) - 4, None)
    ordinary = books.cause[recent] == "timing"
    books.left[recent] = np.where(ordinary, books.right[recent], books.left[recent])
    books.cause[recent] = np.where(ordinary, "", books.cause[recent])


def plant_causes(planting: Planting, causes: Sequence[Cause]) -> None:
    for_days = {"timing": 2, "lag": 4, "stale": 7, "rounding": 1, "missing_left": 2}
    for cause in causes:
        accounts = planting.take(NEEDS.get(cause, 1), "clean", "cents")
        if cause in ("lag", "stale"):
            _keep_moving(planting, accounts)
        planting.plant(CAUSES[cause], accounts, for_days.get(cause, 1), (cause,), SUDDEN)


def _keep_moving(planting: Planting, accounts: list[int]) -> None:
    """Both sides move every day, so that a side that stands still can be told."""
    books, rng = planting.books, planting.rng
    for i in accounts:
        moves = rng.normal(0, books.accounts[i].level * 0.8, len(books.days))
        walk = np.rint(np.cumsum(moves)).astype(np.int64)
        books.left[:, i] += walk
        books.right[:, i] += walk


@dataclass(frozen=True)
class Planted:
    """A reconciliation as two tables of text columns, and its truth."""

    history: pd.DataFrame
    current: pd.DataFrame
    plants: tuple[Plant, ...]


def planted(causes: Sequence[Cause], *, seed: int, today: date, accounts: int = 160, days: int = 130) -> Planted:
    """Books with one problem for each entry of `causes` (repeat one to have more of it) on the day `today`.

    Raises ValueError for a cause that balances cannot have, or when the accounts do not suffice.
    """
    strangers = sorted(set(causes) - set(CAUSES))
    if strangers:
        msg = f"balances cannot have {', '.join(strangers)}; they can have {', '.join(CAUSES)}"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    books = open_books(rng, business_days(today, days), daily=accounts, monthly=0)
    no_timing_today(books)
    planting = Planting(rng, books)
    plant_causes(planting, causes)
    whole_yen(books)
    table = ledger_table(rng, books)
    newest = (table["As Of Date"] == today.strftime("%d/%m/%Y")).to_numpy()
    old, new = table[~newest].reset_index(drop=True), table[newest].reset_index(drop=True)
    return Planted(old, new, tuple(planting.plants))
