"""The queue: what is asked for in the URL, its saved views with counts, and the rows as they are shown."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from agents.desk import Desk
from memory.action import Person
from memory.case_query import CaseQuery
from memory.schema import actions, saved_views
from recon.errors import BadInput
from web.rows import row_of
from web.shown import MINUS, STATE_LABELS, cause_label, pattern_short

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
    "promises": "with a promise that falls due or was broken",
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

    def of(self, desk: Desk, person: Person, asked: Asked) -> int:
        mine = asked.view == "mine" or asked.owner == "me"
        key = (person.name if mine else "", asked.url())
        found = self._kept.get(key)
        if found is None:
            return self._count(desk, person, asked, key)
        if time.monotonic() - found[0] > COUNTS_KEPT and key not in self._counting:
            # The page shows the number it has; the next one shows the newer.
            self._counting.add(key)
            threading.Thread(target=self._count, args=(desk, person, asked, key), daemon=True).start()
        return found[1]

    def _count(self, desk: Desk, person: Person, asked: Asked, key: tuple[str, str]) -> int:
        try:
            query = replace(query_of(asked, person, desk.clock()), cursor=None)
            count = desk.cases.count(query, at_most=COUNTED_TO)
            if len(self._kept) > 1000:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), count)
        finally:
            self._counting.discard(key)
        return count

    def forget(self) -> None:
        self._kept.clear()


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
            "count": counts.of(desk, person, Asked(view=v)),
            "url": Asked(view=v).url(),
        }
        for v, label in VIEWS.items()
    ]
    here = asked.url(case="")
    to_case = f"{here}{'&' if '?' in here else '?'}case="
    return {
        "asked": asked,
        "rows": [row_of(desk, line, to_case + line.id, line.id in waiting) for line in page.lines],
        "views": views,
        "count": {view["id"]: view["count"] for view in views},
        "own_views": own_views(desk, person, asked, counts),
        "filter_words": filter_words(asked),
        "clear_url": Asked(view=asked.view, sort=asked.sort).url(),
        "sorts": SORT_LABELS,
        "next_url": asked.url(cursor=page.next_cursor, case="") if page.next_cursor else "",
        "first_url": asked.url(cursor="", case="") if asked.cursor else "",
        "as_of": desk.clock().isoformat(),
        "counted_to": COUNTED_TO,
        "minus": MINUS,
    }


def own_views(desk: Desk, person: Person, asked: Asked, counts: Counts) -> list[dict[str, Any]]:
    """The questions this person saved, each with its count; one that no longer makes sense has none."""
    query = sa.select(saved_views).where(saved_views.c.who == person.name).order_by(saved_views.c.name).limit(24)
    with desk.db.read() as connection:
        rows = list(connection.execute(query))
    here = asked.url(cursor="", case="")
    return [
        {
            "id": r.id,
            "name": r.name,
            "url": "/?" + r.query,
            "current": "/?" + r.query == here,
            "count": _own_count(desk, person, r.query, counts),
        }
        for r in rows
    ]


def _own_count(desk: Desk, person: Person, query: str, counts: Counts) -> int | None:
    try:
        return counts.of(desk, person, replace(parse(dict(parse_qsl(query))), sort="-severity", cursor="", case=""))
    except BadInput:
        return None


def filter_words(asked: Asked) -> str:
    """The filter as a sentence, so that nobody takes a part for the whole."""
    said = [
        f"words \u201c{asked.q}\u201d" if asked.q else "",
        f"pattern {pattern_short(asked.pattern).lower()}" if asked.pattern else "",
        f"cause {cause_label(asked.cause).lower()}" if asked.cause else "",
        asked.recon,
        ("nobody's" if asked.owner == "-" else f"of {asked.owner}") if asked.owner else "",
        STATE_LABELS.get(asked.state, asked.state) if asked.state else "",
    ]
    return "Only " + ", ".join(part for part in said if part)


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
