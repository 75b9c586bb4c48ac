"""The items table read into arrays: the state in which a day's lines meet what is outstanding."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from memory.lives import Items
from memory.schema import items
from memory.sighting import Sighting
from recon.calendar import to_date, to_day
from recon.money import MOST_UNITS
from recon.rows import NO_DAY

RECALLED_DAYS: Final = 45
"""Calendar days for which a cleared item is looked at again: more than ten business days in any calendar."""

_STATE: Final = (
    "id",
    "series_id",
    "onset",
    "first_seen",
    "last_seen",
    "cleared_on",
    "difference",
    "reference",
    "first_difference",
    "every",
    "aged",
    "currency",
)


def load(connection: Connection, recon: str, seen: Sighting) -> Items:
    """The newest item of each series that is open or cleared not long ago, with units in the sighting's scale."""
    since = to_date(int(seen.day.min()) - RECALLED_DAYS)
    query = sa.select(*[items.c[name] for name in _STATE]).where(
        items.c.recon == recon,
        items.c.pair == seen.pair,
        sa.or_(items.c.state == "open", sa.and_(items.c.state == "cleared", items.c.cleared_on >= since)),
    )
    rows = connection.execute(query).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_STATE)
    by = dict(zip(_STATE, columns, strict=True))
    loaded = Items(
        series=np.array([int(s) for s in by["series_id"]], np.uint64),
        number=np.array([int(i[1:], 16) for i in by["id"]], np.uint64),
        onset=_days(by["onset"]),
        first_seen=_days(by["first_seen"]),
        last_seen=_days(by["last_seen"]),
        cleared=_days(by["cleared_on"]),
        units=_units(by["difference"], seen.scale),
        reference=_units(by["reference"], seen.scale),
        first_units=_units(by["first_difference"], seen.scale),
        every=np.array([e or 1 for e in by["every"]], np.int32),
        aged=np.array([a or 0 for a in by["aged"]], np.int32),
        currency=np.array(by["currency"], np.object_),
    )
    return _newest_of_each(loaded)


def _newest_of_each(loaded: Items) -> Items:
    """Open before cleared, later before earlier; sorted by series."""
    order = np.lexsort((loaded.onset, loaded.is_open, loaded.series))
    last = np.ones(len(order), np.bool_)
    last[:-1] = loaded.series[order][1:] != loaded.series[order][:-1]
    take = order[last]
    return replace(loaded, **{name: getattr(loaded, name)[take] for name in Items.__dataclass_fields__})


def _days(dates: Sequence[date | None]) -> npt.NDArray[np.int32]:
    return np.array([NO_DAY if d is None else to_day(d) for d in dates], np.int32)


def _units(texts: Sequence[str | None], scale: int) -> npt.NDArray[np.int64]:
    return np.array([_to_units(text, scale) for text in texts], np.int64)


def _to_units(text: str | None, scale: int) -> int:
    """Units of decimal text; exact where the scale covers it, as it does unless a later file has fewer decimals, and
    the most that can be held where that file has too many."""
    whole, _, part = (text or "0").partition(".")
    digits = part[:scale].ljust(scale, "0")
    return max(-MOST_UNITS, min(int(whole + digits) if digits else int(whole), MOST_UNITS))
