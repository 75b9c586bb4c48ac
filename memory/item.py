"""An outstanding item as the desk sees it, what happened to it, and what happened on one business date."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from memory.lives import Happened
from memory.schema import items
from recon.calendar import BusinessCalendar


@dataclass(frozen=True)
class Item:
    """One outstanding break as the desk sees it."""

    id: str
    recon: str
    pair: str
    series_id: int
    key: dict[str, str]
    onset: date | None
    first_seen: date | None
    last_seen: date | None
    cleared_on: date | None
    state: str
    """`open`, `cleared`, or `withdrawn`: a corrected file says it never broke."""
    difference: Decimal
    first_difference: Decimal
    currency: str
    case_id: str | None
    moved_from: dict[str, Any] | None

    def age(self, today: date, calendar: BusinessCalendar) -> int:
        """Business days outstanding in its own currency's calendar; when cleared, until then."""
        if self.onset is None:
            return 0
        return calendar.age(self.onset, min(today, self.cleared_on or today), self.currency or None)


@dataclass(frozen=True)
class ItemEvent:
    """One thing that happened to an item, as told on its day."""

    kind: Happened
    day: date
    item: Item
    difference: Decimal
    """After it."""
    was: Decimal
    why: str
    limit: int
    """For `aged`: the limit passed, in business days."""

    def to_json(self) -> dict[str, Any]:
        """For the API and run.json; amounts as decimal text."""
        return {
            "item_id": self.item.id,
            "case_id": self.item.case_id,
            "kind": self.kind,
            "day": self.day.isoformat(),
            "key": self.item.key,
            "pair": self.item.pair,
            "difference": format(self.difference, "f"),
            "was": format(self.was, "f"),
            "currency": self.item.currency,
            "why": self.why,
            "limit": self.limit,
        }


@dataclass(frozen=True)
class Since:
    """What happened on one business date of one reconciliation: «since yesterday»."""

    recon: str
    day: date
    counts: dict[Happened, int]
    """Every reported kind, zeros too."""
    events: tuple[ItemEvent, ...]
    """The largest of each kind first, at most `limit` of each."""

    def of(self, kind: Happened) -> list[ItemEvent]:
        """The events of one kind."""
        return [event for event in self.events if event.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Counts and events, for the API."""
        return {
            "recon": self.recon,
            "day": self.day.isoformat(),
            "counts": dict(self.counts),
            "events": [event.to_json() for event in self.events],
        }


def item_columns() -> list[Any]:
    """An item's columns beside its event's, as `event_of` reads them."""
    return [column.label(f"i_{column.name}") for column in items.c]


def item_of(row: Any, prefix: str = "") -> Item:
    """A row of the items table, each of its columns under the prefix."""

    def of(name: str) -> Any:
        return getattr(row, prefix + name)

    return Item(
        id=of("id"),
        recon=of("recon"),
        pair=of("pair"),
        series_id=int(of("series_id")),
        key=dict(of("key")),
        onset=of("onset"),
        first_seen=of("first_seen"),
        last_seen=of("last_seen"),
        cleared_on=of("cleared_on"),
        state=of("state"),
        difference=Decimal(of("difference")),
        first_difference=Decimal(of("first_difference")),
        currency=of("currency"),
        case_id=of("case_id"),
        moved_from=of("moved_from"),
    )


def event_of(row: Any) -> ItemEvent:
    """A row of the item's events joined with `item_columns`."""
    return ItemEvent(
        kind=row.kind,
        day=row.business_date,
        item=item_of(row, "i_"),
        difference=Decimal(row.body["to"]),
        was=Decimal(row.body["was"]),
        why=row.body.get("why", ""),
        limit=int(row.body.get("limit", 0)),
    )
