"""The queue: what is asked for in the URL, its saved views with counts, and the rows as they are shown."""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode

import sqlalchemy as sa
from markupsafe import Markup

from agents.desk import Desk
from memory.action import Person
from memory.cases import CaseLine, CaseQuery
from memory.schema import actions, saved_views
from recon.case import Case
from recon.errors import BadInput
from web.charts import sparkline
from web.recons import words_of
from web.shown import MINUS, STATE_LABELS, number

View = Literal["open", "mine", "waiting", "promises", "new", "late", "all"]

VIEWS: Final[dict[View, str]] = {
    "open": "Open",
    "waiting": "To decide",
    "mine": "Mine",
    "promises": "Promises",
    "new": "New",
    "late": "Over SLA",
    "all": "All",
}
VIEW_WORDS: Final[dict[View, str]] = {
    "open": "every case still to be worked",
    "waiting": "waiting for my decision",
    "mine": "open cases that I own",
    "promises": "with a promise that falls due",
    "new": "new since yesterday",
    "late": "over their time",
    "all": "every case, closed ones too",
}
SORT_LABELS: Final = {
    "-severity": "Severity",
    "-amount": "Largest amount",
    "onset": "Oldest",
    "due": "Due first",
    "-score": "Strangest",
    "-created": "Newest",
}
COUNTED_TO: Final = 10_000
COUNTS_KEPT: Final = 5.0


@dataclass(frozen=True)
class Asked:
    """What the URL asks for. Empty means any."""

    view: View = "open"
    state: str = ""
    pattern: str = ""
    cause: str = ""
    recon: str = ""
    owner: str = ""
    q: str = ""
    sort: str = "-severity"
    cursor: str = ""
    case: str = ""
    limit: int = 50

    def url(self, path: str = "/", **changes: str) -> str:
        """The address of this question with some words changed; what is not said is left out."""
        asked = replace(self, **changes)  # type: ignore[arg-type]
        plain = Asked()
        said = {
            name: getattr(asked, name)
            for name in ("view", "state", "pattern", "cause", "recon", "owner", "q", "sort", "cursor", "case")
            if getattr(asked, name) != getattr(plain, name)
        }
        return path + ("?" + urlencode(said) if said else "")

    @property
    def filtered(self) -> bool:
        return bool(self.state or self.pattern or self.cause or self.recon or self.owner or self.q)


def parse(params: Mapping[str, str]) -> Asked:
    """The question in a URL; words that make no sense are refused, since a wrong filter hides cases."""
    view = params.get("view") or "open"
    if view not in VIEWS:
        msg = f"view: {view!r} is none of {', '.join(VIEWS)}"
        raise BadInput(msg)
    sort = params.get("sort") or "-severity"
    said = {
        name: params.get(name, "").strip()[:400]
        for name in ("state", "pattern", "cause", "recon", "owner", "q", "case")
    }
    return Asked(view=view, sort=sort, cursor=params.get("cursor", ""), **said)  # type: ignore[arg-type]


def _list(said: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in said.split(",") if part.strip())


def query_of(asked: Asked, person: Person, now: datetime) -> CaseQuery:
    """The store's question for the page's."""
    states = _list(asked.state) or (() if asked.view == "all" else ("open",))
    owner = person.name if asked.view == "mine" and not asked.owner else asked.owner or None
    return CaseQuery(
        state=states,
        pattern=_list(asked.pattern),
        cause=_list(asked.cause),
        recon=asked.recon or None,
        owner=person.name if owner == "me" else owner,
        q=asked.q or None,
        sort=asked.sort,
        cursor=asked.cursor or None,
        limit=asked.limit,
        action_state=("pending", "unknown") if asked.view == "waiting" else (),
        promise_due_by=now.date() if asked.view == "promises" else None,
        created_after=now - timedelta(days=1) if asked.view == "new" else None,
        due_by=now.date() - timedelta(days=1) if asked.view == "late" else None,
    )


class Counts:
    """How many cases each view holds, kept a few seconds: a number beside a word need not be exact to the moment."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, int]] = {}
        self._counting: set[tuple[str, str]] = set()

    def of(self, desk: Desk, person: Person, view: View) -> int:
        key = (person.name if view == "mine" else "", view)
        found = self._kept.get(key)
        if found is None:
            return self._count(desk, person, view, key)
        if time.monotonic() - found[0] > COUNTS_KEPT and key not in self._counting:
            # The page shows the number it has; the next one shows the newer.
            self._counting.add(key)
            threading.Thread(target=self._count, args=(desk, person, view, key), daemon=True).start()
        return found[1]

    def _count(self, desk: Desk, person: Person, view: View, key: tuple[str, str]) -> int:
        try:
            query = replace(query_of(Asked(view=view), person, desk.clock()), cursor=None)
            count = desk.cases.count(query, at_most=COUNTED_TO)
            self._kept[key] = (time.monotonic(), count)
        finally:
            self._counting.discard(key)
        return count

    def forget(self) -> None:
        self._kept.clear()


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
    spark: Markup
    url: str
    provisional: bool


_AMOUNT = re.compile(r", -?[\d,]+(\.\d+)? [A-Z]{3}\b")


def short_title(case: Case | CaseLine) -> str:
    """A title for a narrow place.

    >>> from recon.case import ScopePart
    >>> from types import SimpleNamespace as N
    >>> short_title(N(title="Digit slip: AU 71, Currency EUR, 900.00 EUR (2 breaks)", scope=(ScopePart("AU", "71"),)))
    'Digit slip: 71, Currency EUR (2 breaks)'
    """
    short = _AMOUNT.sub("", case.title, count=1)
    for part in case.scope:
        short = short.replace(f"{part.column} {part.value}", part.value)
    return short


def _unsaid(words: str, title: str) -> str:
    return "" if words.casefold() in title.casefold() else words


def _age_class(line: CaseLine, today: date) -> str:
    if line.due_on is None:
        return ""
    return "late" if line.due_on < today else "near" if line.due_on == today else ""


def row_of(desk: Desk, case: CaseLine, asked: Asked, waiting: frozenset[str]) -> QueueRow:
    """A record as the list shows it. The amount is in the materiality currency; the exact one stands in its title."""
    words = words_of(desk, case.recon)
    now = desk.clock()
    age = words.age(case.onset, now, case.currency)
    state = "waiting" if case.id in waiting else case.state
    in_base = case.currency == words.base or not case.amount_base
    return QueueRow(
        id=case.id,
        title=case.title,
        short=(short := short_title(case)),
        severity=case.severity,
        amount=number(case.amount if in_base else round(case.amount_base), 0) if case.amount else "0",
        currency=case.currency if in_base else words.base,
        exact=f"{number(case.amount)} {case.currency}",
        age=age,
        age_class=_age_class(case, words.calendar.today(now)),
        age_words="" if age is None else "today" if age == 0 else f"{age}d",
        pattern=words.pattern_short(case.pattern),
        pattern_whole=words.pattern(case.pattern),
        cause=_unsaid(words.cause(case.cause, case.cause_detail if len(case.cause_detail) < 40 else ""), short),
        scope=tuple((part.column, part.value) for part in case.scope if part.value not in short),
        recon=case.recon,
        owner=case.owner or "",
        state=state,
        state_words="to decide" if case.id in waiting else STATE_LABELS.get(case.state, case.state),
        spark=sparkline(case.spark),
        url=asked.url(case=case.id),
        provisional=case.provisional,
    )


def waiting_among(desk: Desk, ids: list[str]) -> frozenset[str]:
    """Which of these cases hold a draft that waits for a decision."""
    query = sa.select(actions.c.case_id).where(actions.c.case_id.in_(ids), actions.c.state.in_(("pending", "unknown")))
    with desk.db.read() as connection:
        return frozenset(connection.execute(query).scalars())


def list_context(desk: Desk, person: Person, asked: Asked, counts: Counts) -> dict[str, Any]:
    """Everything that the list part of the page shows."""
    page = desk.cases.lines(query_of(asked, person, desk.clock()))
    waiting = waiting_among(desk, [line.id for line in page.lines])
    views = [
        {
            "id": v,
            "label": label,
            "words": VIEW_WORDS[v],
            "count": counts.of(desk, person, v),
            "url": Asked(view=v).url(),
        }
        for v, label in VIEWS.items()
    ]
    return {
        "asked": asked,
        "rows": [row_of(desk, line, asked, waiting) for line in page.lines],
        "views": views,
        "own_views": own_views(desk, person),
        "sorts": SORT_LABELS,
        "next_url": asked.url(cursor=page.next_cursor, case="") if page.next_cursor else "",
        "first_url": asked.url(cursor="", case="") if asked.cursor else "",
        "as_of": desk.clock().isoformat(),
        "counted_to": COUNTED_TO,
        "minus": MINUS,
    }


def own_views(desk: Desk, person: Person) -> list[dict[str, str]]:
    """The questions this person saved."""
    query = sa.select(saved_views).where(saved_views.c.who == person.name).order_by(saved_views.c.name)
    with desk.db.read() as connection:
        return [{"id": r.id, "name": r.name, "url": "/?" + r.query} for r in connection.execute(query)]


def next_case(desk: Desk, person: Person, asked: Asked, after: str) -> str:
    """The case that follows one in the queue, or the first that still waits; empty at the queue's end."""
    page = desk.cases.lines(query_of(replace(asked, cursor="", case="", limit=200), person, desk.clock()))
    ids = [line.id for line in page.lines]
    if after in ids:
        following = ids[ids.index(after) + 1 :] or ids[: ids.index(after)]
        return following[0] if following else ""
    return ids[0] if ids else ""


def new_since(desk: Desk, since: datetime) -> int:
    """How many open cases came after a moment: told, not pushed into the list."""
    return desk.cases.count(CaseQuery(state=("open",), created_after=since), at_most=1000)
