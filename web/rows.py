"""One case as a row of the queue: its short title, its money, its age, and what the title does not say."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from agents.desk import Desk
from memory.cases import CaseLine
from recon.case import Case
from web.charts import sparkline
from web.recons import words_of
from web.shown import STATE_LABELS, day, number


@dataclass(frozen=True)
class QueueRow:
    """One case in the list."""

    id: str
    title: str
    short: str
    """The title without what stands beside it: the amount, and the names of the scope's columns."""
    severity: str
    amount: str
    currency: str
    exact: str
    age: int | None
    age_class: str
    age_words: str
    pattern: str
    pattern_whole: str
    cause: str
    """Empty where the title says it."""
    scope: tuple[tuple[str, str], ...]
    """The parts that the title does not say."""
    recon: str
    owner: str
    state: str
    state_words: str
    """Empty for a case that is simply open."""
    breaks: int
    age_title: str
    spark: Markup
    url: str
    provisional: bool


_AMOUNT = re.compile(r", -?\d[\d,]*(\.\d+)?(?![\w.])( [A-Z]{3}\b( and \d+ more currenc(y|ies))?)?")
_BREAKS = re.compile(r" \(\d[\d,]* breaks?\)$")


def headline(case: Case | CaseLine) -> str:
    """The title without its amount and its count, where both stand beside it."""
    return without_amount(case.title)


def without_amount(title: str) -> str:
    """
    >>> without_amount("Rounding: 71025290, 2.00 USD Quantity (3 breaks)")
    'Rounding: 71025290 Quantity'
    >>> without_amount("Posted twice: Trade ID 71025183, 1,050,000 Quantity")
    'Posted twice: Trade ID 71025183 Quantity'
    >>> without_amount("Sign reversed: all over the file, 8,100.00 JPY and 2 more currencies (90 breaks)")
    'Sign reversed: all over the file'
    """
    return _BREAKS.sub("", _AMOUNT.sub("", title, count=1))


def short_title(case: Case | CaseLine) -> str:
    """A title for a narrow place.

    >>> from recon.case import ScopePart
    >>> from types import SimpleNamespace as N
    >>> short_title(N(title="Digit slip: AU 71, Currency EUR, 900.00 EUR (2 breaks)", scope=(ScopePart("AU", "71"),)))
    'Digit slip: 71, Currency EUR'
    """
    short = headline(case)
    for part in case.scope:
        short = short.replace(f"{part.column} {part.value}", part.value)
    return short


def _unsaid(words: str, title: str) -> str:
    return "" if words.casefold() in title.casefold() else words


def brief_amount(amount: Decimal) -> str:
    """An amount for a column: whole from a hundred on, cents below, and never a nought for what is something.

    >>> brief_amount(Decimal("201600960.37")), brief_amount(Decimal("5")), brief_amount(Decimal("0.004343"))
    ('201,600,960', '5.00', '0.0043')
    """
    if abs(amount) >= 100 or not amount:
        return number(amount, 0)
    return number(amount, 2 if abs(amount) >= Decimal("0.01") else 1 - amount.adjusted())


def urgency(due_on: date | None, today: date) -> str:
    """`late` past its day, `near` on it, else nothing."""
    if due_on is None:
        return ""
    return "late" if due_on < today else "near" if due_on == today else ""


def _state_words(case: CaseLine) -> str:
    return "" if case.state == "open" else STATE_LABELS.get(case.state, case.state)


def _age_title(case: CaseLine, age: int | None) -> str:
    if age is None:
        return ""
    due = f", due {day(case.due_on)}" if case.due_on else ""
    return f"{age} business day{'' if age == 1 else 's'} since {day(case.onset)}{due}"


def row_of(desk: Desk, case: CaseLine, url: str, waiting: bool) -> QueueRow:
    """A record as the list shows it.

    The amount is in the materiality currency, without one where it is no money; the exact one stands in its title.
    """
    words = words_of(desk, case.recon)
    now = desk.clock()
    age = words.age(case.onset, now, case.currency)
    state = "waiting" if waiting else case.state
    in_base = case.currency in ("", words.base) or not case.amount_base
    return QueueRow(
        id=case.id,
        title=case.title,
        short=(short := short_title(case)),
        severity=case.severity,
        amount=brief_amount(case.amount if in_base else Decimal(str(case.amount_base)))
        if case.amount
        else number(None),
        currency=case.currency if in_base else words.base,
        exact=f"{number(case.amount)} {case.currency}",
        age=age,
        age_class=urgency(case.due_on, now.date()),
        age_words="" if age is None else "today" if age == 0 else f"{age}d",
        pattern=words.pattern_short(case.pattern),
        pattern_whole=words.pattern(case.pattern),
        cause=_unsaid(words.cause(case.cause, case.cause_detail if len(case.cause_detail) < 40 else ""), short),
        scope=tuple((part.column, part.value) for part in case.scope if part.value not in short),
        recon=case.recon,
        owner=case.owner or "",
        state=state,
        state_words="to decide" if waiting else _state_words(case),
        breaks=case.break_count,
        age_title=_age_title(case, age),
        spark=sparkline(case.spark),
        url=url,
        provisional=case.provisional,
    )
