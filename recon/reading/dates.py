"""Dates and times as files write them: which order the parts stand in, and which day a text means."""

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from recon.errors import BadReconFile
from recon.money import is_blank
from recon.reading.words import tokens
from recon.rows import EPOCH

Order = Literal["dayfirst", "monthfirst"]

NULL_DATES: Final = frozenset(
    {
        date(1, 1, 1),
        date(1753, 1, 1),
        date(1899, 12, 30),
        date(1899, 12, 31),
        date(1900, 1, 1),
        date(1901, 1, 1),
        date(1970, 1, 1),
        date(9999, 12, 31),
    }
)
"""Dates that systems write when they have none."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january janvier enero",
            "feb februar february fev fevrier febrero",
            "mar marz march mars marzo mrz",
            "apr april avr avril abril",
            "may mai mayo",
            "jun juni june juin junio",
            "jul juli july juillet julio",
            "aug august aout agosto",
            "sep sept september septembre septiembre",
            "oct okt october oktober octobre octubre",
            "nov november novembre noviembre",
            "dec dez december dezember decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}

_TIME = (
    r"(?:[T ,]+(?P<h>\d{1,2})[:.](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<ap>[AaPp])\.?[Mm]\.?)?(?:\s*(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2}))?)?"
)
_ISO = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME, re.ASCII)
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})" + _TIME, re.ASCII)
_PARTS = re.compile(r"(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<y>\d{4}|\d{2})" + _TIME, re.ASCII)
_DAY_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/ .]*(?P<n>[^\W\d_]{3,9})[-/ .,]*(?P<y>\d{4}|\d{2})" + _TIME
)
_NAMED_DAY = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?(?P<n>[^\W\d_]{3,9})[-/ .]*(?P<d>\d{1,2})(?:st|nd|rd|th)?[-/ .,]+(?P<y>\d{4}|\d{2})" + _TIME
)
_YEAR_NAMED = re.compile(r"(?P<y>\d{4})[-/ .](?P<n>[^\W\d_]{3,9})[-/ .](?P<d>\d{1,2})" + _TIME)
_STYLES: Final = (
    ("iso", _ISO),
    ("parts", _PARTS),
    ("compact", _COMPACT),
    ("named", _DAY_NAMED),
    ("named", _NAMED_DAY),
    ("named", _YEAR_NAMED),
)
_MONTH_STYLES: Final = (
    re.compile(r"(?P<n>[^\W\d_]{3,9})\.?[-/ ,'’]*(?P<y>\d{4}|\d{2})"),
    re.compile(r"(?P<y>\d{4})[-/ ](?P<n>[^\W\d_]{3,9})"),
    re.compile(r"(?P<y>\d{4})[-/ ]?[Mm]?(?P<m>0[1-9]|1[0-2])", re.ASCII),
    re.compile(r"[Mm]?(?P<m>0?[1-9]|1[0-2])[-/ ](?P<y>\d{4})", re.ASCII),
    re.compile(r"(?P<y>\d{4})[-/ ]?[Qq](?P<q>[1-4])", re.ASCII),
    re.compile(r"[Qq](?P<q>[1-4])[-/ '’]*(?P<y>\d{4}|\d{2})", re.ASCII),
)
"""Months and quarters: `Oct-26`, `2026-10`, `202610`, `10/2026`, `Q3 2026`."""
MAX_DATE_TEXT: Final = 48
_DIGITS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_MICROS = 1_000_000
_DAY_MICROS = 86_400 * _MICROS


class Status(IntEnum):
    """What became of a text that should be a date."""

    OK = 0
    BLANK = 1
    NULL = 2
    IMPOSSIBLE = 3
    NO_DATE = 4


@dataclass(frozen=True)
class Moment:
    """A parsed text: the day, and the time of day where it has one."""

    status: Status
    day: int = 0
    micros: int | None = None
    """Microseconds into the day by the text's own clock."""
    offset: int | None = None
    """The text's own distance from UTC in microseconds; None where it names no zone."""


BLANK_MOMENT: Final = Moment(Status.BLANK)


@dataclass(frozen=True)
class Votes:
    """What a column's numeric dates say about the order of their parts."""

    dayfirst: int = 0
    monthfirst: int = 0
    open: int = 0
    """Dates that either order would explain."""
    dates: int = 0
    styles: tuple[tuple[str, int], ...] = ()
    open_example: str = ""
    dayfirst_example: str = ""
    monthfirst_example: str = ""
    first_parts: frozenset[int] = frozenset()
    second_parts: frozenset[int] = frozenset()
    """The numbers met in first and second place of open dates."""

    def order(self) -> Order | None:
        if self.dayfirst > self.monthfirst:
            return "dayfirst"
        return "monthfirst" if self.monthfirst > self.dayfirst else None


def looks_like_date(text: str) -> bool:
    """True for a text written like a date, possible or not; a bare number of eight digits is none."""
    bare = text.strip()
    if not 6 <= len(bare) <= 40 or bare.isdigit():
        return False
    found = _match(bare)
    return found is not None and found[0] != "month"


def looks_like_month(text: str) -> bool:
    """True for a text that is a month or a quarter of a year and no day; six bare digits are for the header to say.

    >>> [looks_like_month(text) for text in ("Oct-26", "Q3 2026", "26 Oct 2026", "A-26")]
    [True, True, False, False]
    """
    bare = text.strip()
    if bare.isdigit():
        return False
    found = _match(bare)
    return found is not None and found[0] == "month"


def _match(text: str) -> tuple[str, re.Match[str]] | None:
    if len(text) > MAX_DATE_TEXT:
        return None
    for style, pattern in _STYLES:
        found = pattern.fullmatch(text)
        if found is None:
            continue
        if style != "named" or _month(found["n"]):
            return style, found
    for pattern in _MONTH_STYLES:
        found = pattern.fullmatch(text)
        if found is not None and ("n" not in found.groupdict() or _month(found["n"])):
            return "month", found
    return None


def _month(name: str) -> int | None:
    folded = name.casefold().translate(str.maketrans("äéûô", "aeuo")).rstrip(".")
    return _MONTHS.get(folded)


def votes_of(texts: Iterable[str]) -> Votes:
    """Counts over a column's distinct texts which order each numeric date allows.

    >>> votes = votes_of(["26-02-2025", "03-04-2025", "05-05-2025"])
    >>> votes.dayfirst, votes.open, votes.order()
    (1, 1, 'dayfirst')
    """
    counted: Counter[str] = Counter()
    styles: Counter[str] = Counter()
    examples: dict[str, str] = {}
    firsts: set[int] = set()
    seconds: set[int] = set()
    for text in texts:
        found = _match(text.strip())
        if found is None:
            continue
        style, match = found
        counted["dates"] += 1
        if style == "parts":
            verdict = _order_of(int(match["a"]), int(match["b"]))
            if verdict in ("open", "equal"):
                firsts.add(int(match["a"]))
                seconds.add(int(match["b"]))
            counted[verdict] += 1
            examples.setdefault(verdict, text.strip())
            style += str(len(match["y"]))
        styles[style] += 1
    return Votes(
        counted["dayfirst"],
        counted["monthfirst"],
        counted["open"],
        counted["dates"],
        tuple(styles.most_common()),
        examples.get("open", ""),
        examples.get("dayfirst", ""),
        examples.get("monthfirst", ""),
        frozenset(firsts),
        frozenset(seconds),
    )


def _order_of(first: int, second: int) -> str:
    if first == second:
        return "equal"
    if first > 12 and second <= 12:
        return "dayfirst"
    if second > 12 and first <= 12:
        return "monthfirst"
    return "open" if first <= 12 else "neither"


@dataclass(frozen=True)
class DateReader:
    """Turns texts into moments under one order of parts, or under one declared format."""

    order: Order
    today: date
    format: str | None = None
    numeric: Literal["no", "epoch", "serial"] = "no"
    """What a bare number means: nothing, seconds (or finer) since 1970, or Excel's day number."""

    def read(self, text: str) -> Moment:
        bare = text.strip()
        if is_blank(bare) or bare in ("0", "00000000"):
            return BLANK_MOMENT
        if self.format is not None:
            return self._by_format(bare)
        if self.numeric != "no" and _DIGITS.fullmatch(bare):
            return self._by_number(bare)
        found = _match(bare)
        if found is None:
            return Moment(Status.NO_DATE)
        return self._by_parts(*found)

    def read_all(self, texts: Sequence[str]) -> list[Moment]:
        return [self.read(text) for text in texts]

    def _by_format(self, text: str) -> Moment:
        try:
            value = datetime.strptime(text, self.format or "")  # noqa: DTZ007
        except ValueError:
            found = _match(text)
            return Moment(Status.NO_DATE if found is None else Status.IMPOSSIBLE)
        offset = value.utcoffset()
        timed = any(mark in (self.format or "") for mark in ("%H", "%I", "%X", "%c", "%T"))
        return self._moment(
            value.date(),
            _time_of(value.hour, value.minute, value.second, value.microsecond) if timed else None,
            None if offset is None else offset // timedelta(microseconds=1),
        )

    def _by_number(self, text: str) -> Moment:
        value = float(text)
        if self.numeric == "serial":
            days = int(value)
            if not 1 <= days <= 2_958_465:
                return Moment(Status.NO_DATE)
            part = round((value - days) * _DAY_MICROS)
            day = date(1899, 12, 30) + timedelta(days=days)
            return self._moment(day, part or None, None)
        scale = 10 ** max(0, (len(text.partition(".")[0]) - 10) // 3 * 3)
        micros = int(value * (_MICROS / scale))
        if not abs(micros) < 4_102_444_800 * _MICROS:
            return Moment(Status.NO_DATE)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
        return Moment(Status.OK, (moment.date() - EPOCH).days, micros % _DAY_MICROS, 0)

    def _by_parts(self, style: str, match: re.Match[str]) -> Moment:
        year = self._year(match["y"])
        if style == "month":
            return self._moment(_last_day(year, match), None, None)
        if style == "parts":
            first, second = int(match["a"]), int(match["b"])
            order = _order_of(first, second)
            dayfirst = (order if order in ("dayfirst", "monthfirst") else self.order) == "dayfirst"
            day, month = (first, second) if dayfirst else (second, first)
        else:
            day = int(match["d"])
            month = (_month(match["n"]) or 0) if style == "named" else int(match["m"])
        try:
            value = date(year, month, day)
        except ValueError:
            return Moment(Status.IMPOSSIBLE)
        return self._timed(value, match)

    def _timed(self, value: date, match: re.Match[str]) -> Moment:
        if match["h"] is None:
            return self._moment(value, None, None)
        hour, half = int(match["h"]), (match["ap"] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        minute, second = int(match["mi"]), int(match["s"] or 0)
        if hour > 24 or minute > 59 or second > 60:
            return Moment(Status.IMPOSSIBLE)
        micros = _time_of(hour, minute, second, int((match["f"] or "").ljust(6, "0")[:6]))
        return self._moment(value, micros, _offset_of(match["z"]))

    def _moment(self, value: date, micros: int | None, offset: int | None) -> Moment:
        status = Status.NULL if value in NULL_DATES else Status.OK
        return Moment(status, (value - EPOCH).days, micros, offset)

    def _year(self, text: str) -> int:
        year = int(text)
        if len(text) == 4:
            return year
        century = self.today.year // 100 * 100
        return century + year if century + year <= self.today.year + 20 else century - 100 + year


def _last_day(year: int, match: re.Match[str]) -> date:
    """A month or a quarter stands for its last day: what it held when it closed."""
    said = match.groupdict()
    month = 3 * int(said["q"]) if said.get("q") else int(said["m"]) if said.get("m") else _month(said["n"]) or 12
    return date(year, month, monthrange(year, month)[1])


def _time_of(hour: int, minute: int, second: int, micros: int) -> int:
    return ((hour * 60 + minute) * 60 + second) * _MICROS + micros


def _offset_of(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone in ("Z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return (minutes if zone[0] == "+" else -minutes) * 60 * _MICROS


@dataclass(frozen=True)
class Moments:
    """Many moments as arrays, aligned with the texts they came from."""

    status: npt.NDArray[np.uint8]
    day: npt.NDArray[np.int32]
    micros: npt.NDArray[np.int64]
    """Into the day by the text's own clock; 0 where there is no time."""
    timed: npt.NDArray[np.bool_]
    offset: npt.NDArray[np.int64]
    zoned: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, moments: Sequence[Moment]) -> "Moments":
        return cls(
            np.array([m.status for m in moments], dtype=np.uint8),
            np.array([m.day for m in moments], dtype=np.int32),
            np.array([m.micros or 0 for m in moments], dtype=np.int64),
            np.array([m.micros is not None for m in moments], dtype=np.bool_),
            np.array([m.offset or 0 for m in moments], dtype=np.int64),
            np.array([m.offset is not None for m in moments], dtype=np.bool_),
        )

    def put(self, where: npt.NDArray[np.int64], other: "Moments") -> None:
        """Writes other moments over those at the given places."""
        for mine, theirs in (
            (self.status, other.status),
            (self.day, other.day),
            (self.micros, other.micros),
            (self.timed, other.timed),
            (self.offset, other.offset),
            (self.zoned, other.zoned),
        ):
            mine[where] = theirs

    def take(self, codes: npt.NDArray[np.int32]) -> "Moments":
        return Moments(
            self.status[codes],
            self.day[codes],
            self.micros[codes],
            self.timed[codes],
            self.offset[codes],
            self.zoned[codes],
        )


def first_of_month(name: str, votes: Votes) -> Order | None:
    """The order of a column called month or period that holds the first of several months, or None."""
    if not set(tokens(name)) & {"month", "period"}:
        return None
    if votes.first_parts == {1} and len(votes.second_parts) > 2:
        return "dayfirst"
    return "monthfirst" if votes.second_parts == {1} and len(votes.first_parts) > 2 else None


def said_order(dates: str | None) -> tuple[Order | None, str | None]:
    """The order or format that a recon file's `dates` declares. Raises BadReconFile when it is neither."""
    if dates is None:
        return None, None
    folded = dates.strip().casefold().replace("-", "").replace("_", "").replace(" ", "")
    if folded in ("dayfirst", "dmy", "ddmmyyyy"):
        return "dayfirst", None
    if folded in ("monthfirst", "mdy", "mmddyyyy"):
        return "monthfirst", None
    if folded in ("iso", "ymd", "yearfirst"):
        return None, None
    if "%" not in dates:
        msg = f"dates: {dates!r} is no date order; write dayfirst, monthfirst or a format like %d/%m/%Y"
        raise BadReconFile(msg)
    return None, dates
