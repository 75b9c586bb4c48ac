"""Books as a reconciliation file: rows, statuses, and the comments that operators left beside past breaks."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evals.scenarios.books import Books
from evals.scenarios.prose import comment

SIDES: Final = ("GL", "Subledger")


def whole_yen(books: Books) -> None:
    yen = np.array([a.currency == "JPY" for a in books.accounts])
    for side in (books.left, books.right):
        side[:, yen] = (side[:, yen] + 50) // 100 * 100


def ledger_table(rng: np.random.Generator, books: Books) -> pd.DataFrame:
    """The books as a reconciliation file: one row per day and account that is reconciled then, dates dd/mm/yyyy."""
    day, account = np.nonzero(books.present)
    cells = (day, account)
    accounts = books.accounts
    breaks = books.is_break
    yen = np.array([a.currency == "JPY" for a in accounts])[account]
    dates = pd.Series(books.days).dt.strftime("%d/%m/%Y").to_numpy()
    comments = ledger_comments(rng, books, breaks)
    return pd.DataFrame(
        {
            "As Of Date": dates[day],
            "Company": np.array([a.company for a in accounts])[account],
            "Account": np.array([a.account for a in accounts])[account],
            "AU": np.array([a.au for a in accounts])[account],
            "Currency": np.array([a.currency for a in accounts])[account],
            "Primary Account": np.array([a.primary for a in accounts])[account],
            "Secondary Account": np.array([a.secondary for a in accounts])[account],
            "Feed": np.array([a.feed for a in accounts])[account],
            "GL Balance": _amounts(books.left[cells], yen, books.left_missing[cells]),
            "Subledger Balance": _amounts(books.right[cells], yen, books.right_missing[cells]),
            "Balance Difference": _amounts(books.difference[cells], yen, np.zeros(len(day), dtype=np.bool_)),
            "Match Status": np.where(breaks[cells], "Break", "Match"),
            "Comments": comments[cells],
        }
    )


def _amounts(
    units: npt.NDArray[np.int64], yen: npt.NDArray[np.bool_], blank: npt.NDArray[np.bool_]
) -> npt.NDArray[np.str_]:
    whole, cents = np.abs(units) // 100, np.abs(units) % 100
    sign = np.where(units < 0, "-", "")
    text = np.char.add(np.char.add(sign, whole.astype(str)), np.char.add(".", np.char.zfill(cents.astype(str), 2)))
    text = np.where(yen, np.char.add(sign, whole.astype(str)), text)
    return np.where(blank, "", text)


_PROMISING: Final = ("timing", "missing_left", "lag", "stale")
"""Causes whose recent comments promise a day, so that the newest file has promises to check."""


def ledger_comments(rng: np.random.Generator, books: Books, breaks: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    """Per day and account: what an operator wrote; a comment is carried forward while its break stands."""
    texts = np.full(breaks.shape, "", dtype=np.object_)
    odds: dict[str, float] = {"in_line": 0.25, "unknown": 0.2, "": 0.5}
    last = len(books.days) - 1
    for i in range(breaks.shape[1]):
        said, because = "", ""
        for day in np.flatnonzero(breaks[:, i]):
            cause = books.cause[day, i]
            standing = (
                day and breaks[day - 1, i] and cause == because and cause not in ("in_line", "unknown", "recurring")
            )
            because = cause
            if standing and said:
                texts[day, i] = said
                continue
            said = ""
            recent = bool(cause in _PROMISING and day >= last - 8)
            if day < last and (recent or rng.random() < odds.get(cause, 0.75)):
                said = comment(rng, cause or "unknown", books.days[day].astype(object), SIDES, promising=recent)
                texts[day, i] = said
    return texts
