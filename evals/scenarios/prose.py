"""What operators write beside a break: many wordings, names, tickets, promises, and their typing."""

from datetime import date
from typing import Final

import numpy as np

from evals.scenarios.days import next_business_day

_SAYINGS: Final[dict[str, tuple[str, ...]]] = {
    "timing": (
        "timing diff, {right} posts T+1. will clear {tomorrow}",
        "Timing - late booking in {left} after cut off, to clear on next run",
        "Posted late in {right} ({name} confirmed), expect to drop off {tomorrow}",
        "cut-off timing. Same amt visible in {right} next day",
        "Break to drop off from report at {n} days Age",
        "late feed from {desk}, clears tmrw",
    ),
    "missing_left": (
        "No {left} balance rec'd for this AU, chased {name}",
        "{left} side missing - extract failed overnight, rerun requested {ticket}",
        "{left} line not loaded. GL control to reload by {tomorrow}",
    ),
    "missing_right": (
        "{right} feed did not load for this account, {ticket} raised with IT",
        "Missing in {right}, file not received from {desk}. Chasing",
        "{right} blank - job abended, rerun done and matched next day",
        "not booked in {right} yet, MO ({name}) to book by {tomorrow}",
    ),
    "duplicate": (
        "Posted twice in {left}, {name} to reverse one leg by {tomorrow}",
        "Duplicate journal, reversal passed {ticket}",
        "dup posting - same amount booked 2x, reversed",
        "journal {journal} was uploaded twice by {name}. reversal posted, pls ignore",
    ),
    "sign_flip": (
        "DR/CR reversed in {right}, corrected by {name}",
        "Sign wrong on {right} upload, reposted with correct sign",
        "entry keyed as credit instead of debit. Fixed same day {ticket}",
    ),
    "scale": (
        "extra zero keyed in {right}, fixed",
        "{right} loaded in thousands, mapping corrected {ticket}",
        "Amount out by factor of 10 - fat finger by {desk}, rebooked",
    ),
    "digit_slip": (
        "transposed digits on manual entry, {name} amended",
        "Keying error (two digits swapped), corrected {ticket}",
        "typo in manual journal {journal}, reposted",
    ),
    "rounding": (
        "{right} reports rounded to hundreds, no action",
        "Rounding only - {right} extract is rounded, immaterial",
        "rounding diff, systems in line",
    ),
    "factor_rounding": (
        "Factor rounding causing small delta in qty, original face agrees and systems are in line",
        "minor qty diff due to pool factor rounding, OF same both sides. no action",
        "factor rounded to 7dp in {right}. Original face ties out, no action needed",
        "Qty delta is factor rounding, ignore",
        "Known factor rounding on this pool - face matches",
    ),
    "fx_rate": (
        "{right} used prior day rate, revalued overnight",
        "FX rate mismatch, treasury ({name}) reran reval {ticket}",
        "yesterday's rate picked up in {right}. corrected with EOD reval",
    ),
    "fee_or_tax": (
        "withholding tax not booked in {left}, tax team to post {tomorrow}",
        "Diff is WHT on coupon, {name} to book tax leg",
        "custody fee netted in {right}, journal {journal} passed to expense",
    ),
    "misposting": (
        "Posted to wrong account, nets off with the other line. {name} moving it",
        "mispost between two accts - equal and opposite, transfer journal {journal}",
        "booked to wrong AU, rebooked. both lines clear {tomorrow}",
    ),
    "aggregation": (
        "{left} booked in total, {right} split over sub accounts. Net nil",
        "one journal in {left} vs several lines in {right}, nets to zero - no action",
        "block booked on parent acct, allocations sit on the children",
    ),
    "price": (
        "price break, {desk} marked to different vendor. {name} to agree price by {tomorrow}",
        "Price amended in {left} after allocation, {right} to be rebooked {ticket}",
        "trader corrected px, cxl/correct in progress",
    ),
    "price_rounding": (
        "price break driven by rounding as qty is under 1,000. Total money matches in both",
        "small lot px rounding, principal agrees so no action",
        "px rounded because of tiny quantity. total money ties out",
    ),
    "quantity": (
        "Qty amended post allocation, {right} still on old. {name} rebooking",
        "partial allocation missing in {right}, {ticket}",
        "quantity differs - {desk} confirmed {left} is right, cxl/correct requested",
    ),
    "lag": (
        "{right} is one day behind, feed ran on old business date",
        "stale business date on {right} load, one day lag. IT {ticket}",
        "{right} shows T-1 balances, will catch up {tomorrow}",
    ),
    "reference_data": (
        "CUSIP set up wrong in {right}, ref data ({name}) correcting",
        "static data mismatch - security master updated {ticket}",
        "Settle date convention differs in {right}, ref data to fix by {tomorrow}",
        "booked in wrong inventory, moved",
    ),
    "stale": (
        "{right} balance not refreshed since feed change, {ticket} open with IT",
        "stale balance in {right}, reload requested from {name}",
    ),
    "new": ("looks odd across the whole group, raised with {right} support {ticket}",),
    "unknown": (
        "under investigation",
        "investigating with {desk}",
        "no explanation yet, {name} looking at it",
        "asked {desk} for backup",
    ),
    "in_line": (
        "Known difference, in line with previous months",
        "standing diff, {right} excludes accruals booked at GL level. no action",
        "same as prior days - manual accrual only in {left}",
        "BAU difference, agreed with {name}",
        "in line w/ prior mth, no action",
    ),
    "recurring": (
        "top side accrual booked in {left} only, reverses next bus day",
        "ME accrual - reverses day 1",
        "usual top side entry in {left}, comes every time, reversal {tomorrow}",
    ),
}

_NAMES: Final = ("Priya", "M. Okafor", "Tom H", "Lena", "J. Castillo", "Wei", "Sandeep K", "Aoife", "R. Duarte")
_DESKS: Final = ("treasury ops", "loan servicing", "the desk", "MO", "settlements", "fund accounting")


def comment(rng: np.random.Generator, cause: str, day: date, sides: tuple[str, str], *, promising: bool = False) -> str:
    """One operator's comment on a break of `cause` on business date `day`; sometimes mistyped.

    With `promising`, one that says by when, where the cause has such sayings.
    """
    sayings = _SAYINGS[cause]
    if promising:
        sayings = tuple(s for s in sayings if "{tomorrow}" in s or "{n}" in s) or sayings
    text = sayings[int(rng.integers(len(sayings)))].format(
        left=sides[0],
        right=sides[1],
        name=_NAMES[int(rng.integers(len(_NAMES)))],
        desk=_DESKS[int(rng.integers(len(_DESKS)))],
        ticket=f"REC-{rng.integers(1200, 9800)}",
        journal=f"J{rng.integers(10_000, 99_999)}",
        tomorrow=_promised(rng, day),
        n=int(rng.integers(3, 8)),
    )
    return _mistyped(rng, text) if rng.random() < 0.18 else text


def _promised(rng: np.random.Generator, day: date) -> str:
    due = next_business_day(day, int(rng.integers(1, 4)))
    spellings = (
        "tomorrow",
        "on " + due.strftime("%d-%b"),
        due.strftime("%d/%m"),
        due.strftime("%A"),
        f"T+{rng.integers(1, 4)}",
    )
    return spellings[int(rng.integers(len(spellings)))]


def _mistyped(rng: np.random.Generator, text: str) -> str:
    """Swaps, drops or doubles one letter inside a word, as hurried fingers do."""
    letters = [i for i in range(1, len(text) - 2) if text[i].isalpha() and text[i + 1].isalpha()]
    if not letters:
        return text
    i = letters[int(rng.integers(len(letters)))]
    slip = int(rng.integers(3))
    if slip == 0:
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text[:i] + text[i + 1 :] if slip == 1 else text[:i] + text[i] + text[i:]
