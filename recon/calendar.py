"""The business calendar: which days count, by currency, and what a moment's business date is."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from recon.errors import BadReconFile
from recon.recon_file import CalendarSaid
from recon.rows import EPOCH, NO_DAY, NO_STAMP

Days = npt.NDArray[np.int32]
"""Days since 1970-01-01; NO_DAY where there is none."""

MICROSECONDS_A_DAY = 86_400_000_000


def to_day(value: date) -> int:
    """Days since 1970-01-01.

    >>> to_day(date(1970, 1, 2))
    1
    """
    return (value - EPOCH).days


def to_date(day: int) -> date | None:
    """The date of a day number; None for NO_DAY.

    >>> to_date(1), to_date(int(NO_DAY))
    (datetime.date(1970, 1, 2), None)
    """
    return None if day == int(NO_DAY) else EPOCH + timedelta(days=int(day))


def _as_days(values: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
    return np.asarray(values, dtype=np.int64).astype("datetime64[D]")


@dataclass(frozen=True)
class BusinessCalendar:
    """Monday to Friday without the holidays of the recon file; a currency may add holidays of its own.

    >>> calendar = BusinessCalendar.of(CalendarSaid(holidays=[date(2026, 12, 25)]))
    >>> calendar.is_business_day(date(2026, 12, 25))
    False
    >>> calendar.add_business_days(date(2026, 12, 24), 1)
    datetime.date(2026, 12, 28)
    """

    zone: ZoneInfo
    cut_off: time_of_day | None
    holidays: tuple[date, ...] = ()
    by_currency: dict[str, tuple[date, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, said: CalendarSaid) -> "BusinessCalendar":
        """Raises BadReconFile when the zone or the cut-off is none."""
        try:
            zone = ZoneInfo(said.zone)
        except (KeyError, ValueError, OSError) as error:
            msg = f"calendar.zone: {said.zone!r} is no time zone; write one like Europe/London"
            raise BadReconFile(msg) from error
        cut_off = None
        if said.cut_off is not None:
            try:
                cut_off = time_of_day.fromisoformat(said.cut_off)
            except ValueError as error:
                msg = f"calendar.cut_off: {said.cut_off!r} is no time; write HH:MM"
                raise BadReconFile(msg) from error
        by_currency = {code.upper(): tuple(days) for code, days in said.by_currency.items()}
        return cls(zone, cut_off, tuple(said.holidays), by_currency)

    @cached_property
    def _calendars(self) -> dict[str | None, np.busdaycalendar]:
        own = {None: self.holidays} | {code: (*self.holidays, *days) for code, days in self.by_currency.items()}
        return {code: np.busdaycalendar(holidays=np.array(days, dtype="datetime64[D]")) for code, days in own.items()}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made on first use: numpy's calendars cannot be sent from one worker to another."""
        return {name: value for name, value in vars(self).items() if name != "_calendars"}

    def _of(self, currency: str | None) -> np.busdaycalendar:
        known = self._calendars
        return known.get(currency.upper() if currency else None, known[None])

    def is_business_day(self, day: date, currency: str | None = None) -> bool:
        """True on a weekday that is no holiday, in general or of the currency."""
        return bool(np.is_busday(np.datetime64(day, "D"), busdaycal=self._of(currency)))

    def add_business_days(self, day: date, count: int, currency: str | None = None) -> date:
        """The business day `count` after `day`, or before it if negative; from a day off, 0 is the next one."""
        moved = np.busday_offset(np.datetime64(day, "D"), count, roll="forward", busdaycal=self._of(currency))
        return moved.astype(date)  # type: ignore[no-any-return]

    def business_days_between(self, start: date, end: date, currency: str | None = None) -> int:
        """Business days in [start, end); negative when end comes first."""
        counted = np.busday_count(np.datetime64(start, "D"), np.datetime64(end, "D"), busdaycal=self._of(currency))
        return int(counted)

    def age(self, onset: date, today: date, currency: str | None = None) -> int:
        """Business days that an item has been outstanding: 0 on the day it began, never negative."""
        return max(0, self.business_days_between(onset, today, currency))

    def today(self, now: datetime, currency: str | None = None) -> date:
        """The business date of a moment: its local date; with a cut-off, the open day it still reaches."""
        local = now.astimezone(self.zone)
        if self.cut_off is None:
            return local.date()
        late = local.time() > self.cut_off
        return self.add_business_days(local.date() + timedelta(days=int(late)), 0, currency)

    def business_dates(self, stamps: npt.NDArray[np.int64]) -> Days:
        """`today` for many moments: microseconds UTC in, days out; NO_STAMP becomes NO_DAY."""
        missing = stamps == NO_STAMP
        local = self.to_local(np.where(missing, 0, stamps))
        days = np.floor_divide(local, MICROSECONDS_A_DAY).astype(np.int32)
        if self.cut_off is not None:
            midnight = datetime.combine(EPOCH, time_of_day(), UTC)
            cut = datetime.combine(EPOCH, self.cut_off, UTC) - midnight
            late = local - days.astype(np.int64) * MICROSECONDS_A_DAY > cut // timedelta(microseconds=1)
            days = self.next_open(days + late)
        return np.where(missing, NO_DAY, days).astype(np.int32)

    def next_open(self, days: Days, currency: str | None = None) -> Days:
        """The day itself where it is open, else the next business day."""
        rolled = np.busday_offset(_as_days(days), 0, roll="forward", busdaycal=self._of(currency))
        return rolled.astype(np.int64).astype(np.int32)

    def to_local(self, stamps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Microseconds UTC to microseconds of the zone's own clock."""
        if self.zone.key == "UTC":
            return stamps
        moments = pa.array(stamps).cast(pa.timestamp("us", tz=self.zone.key))
        return _integers(pc.local_timestamp(moments))

    def to_utc(self, local: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Microseconds of the zone's clock to UTC; a doubled hour is its first, a skipped one its end."""
        if self.zone.key == "UTC":
            return local
        moments = pa.array(local).cast(pa.timestamp("us"))
        return _integers(pc.assume_timezone(moments, self.zone.key, ambiguous="earliest", nonexistent="latest"))

    def count_between(self, start: npt.ArrayLike, end: npt.ArrayLike, currency: str | None = None) -> Days:
        """`business_days_between` for arrays of day numbers."""
        counted = np.busday_count(_as_days(start), _as_days(end), busdaycal=self._of(currency))
        return np.asarray(counted, dtype=np.int32)

    def ages(self, onset: npt.ArrayLike, today: npt.ArrayLike, currency: str | None = None) -> Days:
        """`age` for arrays of day numbers."""
        return np.maximum(self.count_between(onset, today, currency), 0)

    def open_days(self, days: Days, currency: str | None = None) -> npt.NDArray[np.bool_]:
        """`is_business_day` for an array of day numbers."""
        return np.asarray(np.is_busday(_as_days(days), busdaycal=self._of(currency)))

    def is_month_end(self, days: Days, currency: str | None = None) -> npt.NDArray[np.bool_]:
        """True from the month's last business day on, so that month-end files dated on a weekend count."""
        last: Days = self._last_open(days, currency)
        return days >= last

    def is_quarter_end(self, days: Days, currency: str | None = None) -> npt.NDArray[np.bool_]:
        """`is_month_end` in March, June, September and December."""
        quarter = _as_days(days).astype("datetime64[M]").astype(np.int64) % 3 == 2
        return np.asarray(quarter & self.is_month_end(days, currency), dtype=np.bool_)

    def business_day_of_month(self, days: Days, currency: str | None = None) -> Days:
        """1 on the month's first business day; a day off has the number of the open day before it."""
        first = _as_days(days).astype("datetime64[M]").astype("datetime64[D]")
        counted = np.busday_count(first, _as_days(days) + 1, busdaycal=self._of(currency))
        return np.asarray(counted, dtype=np.int32)

    def weekday(self, days: Days) -> npt.NDArray[np.int8]:
        """0 on Monday to 6 on Sunday."""
        return ((np.asarray(days, dtype=np.int64) + 3) % 7).astype(np.int8)

    def _last_open(self, days: Days, currency: str | None) -> Days:
        start_of_next = (_as_days(days).astype("datetime64[M]") + 1).astype("datetime64[D]")
        last = np.busday_offset(start_of_next - 1, 0, roll="backward", busdaycal=self._of(currency))
        return np.asarray(last.astype(np.int64), dtype=np.int32)


def _integers(moments: pa.Array) -> npt.NDArray[np.int64]:
    whole: npt.NDArray[np.int64] = moments.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return whole
