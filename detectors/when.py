"""Which day an operator's words name: `month end`, `EOD tomorrow`, `5th of May`, `within 3 days`, `at 7 days age`."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from recon.calendar import BusinessCalendar
from recon.recon_file import CalendarSaid

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_LOOSE: Final = {"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3}
NUMBERS: Final = {word: n for n, word in enumerate(_WORDS)} | _LOOSE
FRIDAY: Final = 4

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?"
    r"|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_COUNT = r"(?P<count>\d{1,3}|(?:a )?couple of|(?:a )?few|an?|one|two|three|four|five|six|seven|eight|nine|ten)"
_WORKING = r"(?P<working>(?:business|working|bus\.?|biz) )?"
_END = r"(?:end[ -]of[ -]|eo|close of )"


@dataclass(frozen=True)
class When:
    """A time that a text names: a due date, or a condition whose date only the item itself tells."""

    start: int
    end: int
    """Where in the text it stands."""
    due: date | None
    age_days: int | None = None
    """Due when the item is so many days old."""
    age_working: bool = False
    event: str = ""
    """Due on an event without a date of its own: `settlement`."""


@dataclass(frozen=True)
class Anchor:
    """What relative words are counted from."""

    day: date
    calendar: BusinessCalendar
    dayfirst: bool | None = None
    """How 03/04/2025 is meant; None: the reading that lies ahead and nearer."""


Meaning = Callable[[re.Match[str], Anchor], date | None]


def anchor(day: date, calendar: BusinessCalendar | None = None, dayfirst: bool | None = None) -> Anchor:
    return Anchor(day, calendar or BusinessCalendar.of(CalendarSaid()), dayfirst)


def times(text: str, at: Anchor) -> Iterator[When]:
    """Every time named in a lower-case text, in order, the longest reading where several overlap.

    >>> at = anchor(date(2025, 5, 7))
    >>> [w.due.isoformat() for w in times("by month end, else next tuesday or 5th of june", at) if w.due]
    ['2025-05-31', '2025-05-13', '2025-06-05']
    >>> [w.age_days for w in times("at 7 days age", at)]
    [7]
    """
    taken: list[When] = []
    for found in ([*_ages(text), *_dates(text, at)], [*_events(text)]):
        for when in sorted(found, key=lambda w: (w.start, w.start - w.end)):
            if all(when.end <= other.start or other.end <= when.start for other in taken):
                taken.append(when)
    yield from sorted(taken, key=lambda w: w.start)


def _ages(text: str) -> Iterator[When]:
    for pattern in AGES:
        for match in pattern.finditer(text):
            yield When(match.start(), match.end(), None, _number(match["count"]), bool(match["working"]))


def _events(text: str) -> Iterator[When]:
    for pattern, event in EVENTS:
        for match in pattern.finditer(text):
            said = event or " ".join(match["what"].split())
            yield When(match.start(), match.end(), None, event=said)


def _dates(text: str, at: Anchor) -> Iterator[When]:
    for pattern, meaning in DATES:
        for match in pattern.finditer(text):
            due = meaning(match, at)
            if due is not None:
                yield When(match.start(), match.end(), due)


# --- what each wording means -------------------------------------------------------------------------------------


def _number(word: str) -> int:
    word = word.strip()
    return int(word) if word.isdigit() else NUMBERS[word]


def _safe(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) + 2000 if len(text) == 2 else int(text)


def _iso(match: re.Match[str], at: Anchor) -> date | None:
    return _safe(int(match["y"]), int(match["m"]), int(match["d"]))


def _numeric(match: re.Match[str], at: Anchor) -> date | None:
    """03/04/2025 or 3/4: by the said order, else the one that is a date, lies ahead and is nearer."""
    first, second, year = int(match["a"]), int(match["b"]), _year(match.groupdict().get("y"))
    years = [year] if year else [at.day.year, at.day.year + 1]
    day_first = [_safe(y, second, first) for y in years]
    month_first = [_safe(y, first, second) for y in years]
    options = {True: day_first, False: month_first, None: day_first + month_first}[at.dayfirst]
    return _ahead([d for d in options if d is not None], at.day)


def _ahead(options: list[date], day: date) -> date | None:
    """The nearest date not before `day`; one up to 60 days before it where none lies ahead within half a year."""
    later = sorted(d for d in options if d >= day)
    earlier = sorted(d for d in options if timedelta(0) < day - d <= timedelta(60))
    if later and (not earlier or later[0] - day <= timedelta(183)):
        return later[0]
    return earlier[-1] if earlier else (later[0] if later else (max(options) if options else None))


def _later(match: re.Match[str]) -> bool:
    """True when the words say the next one."""
    return bool(match.groupdict().get("next"))


def _month_number(text: str) -> int:
    return MONTHS.index(text[:3]) + 1


def _named(match: re.Match[str], at: Anchor) -> date | None:
    month, day, year = _month_number(match["month"]), int(match["d"]), _year(match["y"])
    if year:
        return _safe(year, month, day)
    options = [_safe(y, month, day) for y in (at.day.year - 1, at.day.year, at.day.year + 1)]
    return _ahead([d for d in options if d is not None], at.day)


def _last_of(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _months_on(day: date, months: int) -> tuple[int, int]:
    count = day.year * 12 + day.month - 1 + months
    return count // 12, count % 12 + 1


def _end_of_named(match: re.Match[str], at: Anchor) -> date | None:
    month, year = _month_number(match["month"]), _year(match["y"])
    if year:
        return _last_of(year, month)
    this = _last_of(at.day.year, month)
    return this if this >= at.day else _last_of(at.day.year + 1, month)


def _mid_named(match: re.Match[str], at: Anchor) -> date | None:
    end = _end_of_named(match, at)
    return end.replace(day=15) if end else None


def _month_end(match: re.Match[str], at: Anchor) -> date | None:
    return _last_of(*_months_on(at.day, 1 if _later(match) else 0))


def _quarter_end(match: re.Match[str], at: Anchor) -> date | None:
    ahead = (at.day.month - 1) // 3 * 3 + 3 - at.day.month
    return _last_of(*_months_on(at.day, ahead + (3 if _later(match) else 0)))


def _numbered_quarter(match: re.Match[str], at: Anchor) -> date | None:
    month, year = int(match["q"]) * 3, _year(match["y"])
    end = _last_of(year or at.day.year, month)
    return end if year or end >= at.day else _last_of(at.day.year + 1, month)


def _year_end(match: re.Match[str], at: Anchor) -> date | None:
    return date(at.day.year + (1 if _later(match) else 0), 12, 31)


def _week_end(match: re.Match[str], at: Anchor) -> date | None:
    """Friday of this week, or of the next one; said on a weekend, `this week` is the one that begins."""
    friday = at.day + timedelta(FRIDAY - at.day.weekday())
    if friday < at.day:
        friday += timedelta(7)
    return friday + timedelta(7) if _later(match) else friday


def _on_weekday(match: re.Match[str], at: Anchor) -> date | None:
    target = WEEKDAYS.index(match["weekday"][:3])
    if _later(match):
        monday = at.day - timedelta(at.day.weekday()) + timedelta(7)
        return monday + timedelta(target)
    return at.day + timedelta((target - at.day.weekday()) % 7)


def _today(match: re.Match[str], at: Anchor) -> date | None:
    return at.day


def _tomorrow(match: re.Match[str], at: Anchor) -> date | None:
    return at.day + timedelta(1)


def _next_business_day(match: re.Match[str], at: Anchor) -> date | None:
    return at.calendar.add_business_days(at.day + timedelta(1), 0)


def _day_after_tomorrow(match: re.Match[str], at: Anchor) -> date | None:
    return at.day + timedelta(2)


def _within(match: re.Match[str], at: Anchor) -> date | None:
    count = _number(match["count"])
    unit = match["unit"]
    if unit.startswith("h"):
        return at.day + timedelta(max(1, -(-count // 24)))
    if unit.startswith("w"):
        return at.day + timedelta(7 * count)
    if unit.startswith("m"):
        year, month = _months_on(at.day, count)
        return date(year, month, min(at.day.day, monthrange(year, month)[1]))
    if match["working"]:
        return at.calendar.add_business_days(at.calendar.add_business_days(at.day, 0), count)
    return at.day + timedelta(count)


def _trade_plus(match: re.Match[str], at: Anchor) -> date | None:
    return at.calendar.add_business_days(at.calendar.add_business_days(at.day, 0), int(match["count"]))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w]){pattern}(?![\w])")


_NEXT = r"(?P<next>next |following |coming )?(?:this |the |current )?"
_NTH = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_OF_YEAR = r"(?:[ ,'-]{1,2}(?P<y>\d{4}|\d{2}(?!\d)))?"
_DAY_ENDS = r"(?:eod|cob|end of (?:the )?(?:business )?day|close of business)"
_UNIT = r"(?P<unit>h(?:ou)?rs?|days?|weeks?|wks?|months?)"
DATES: Final[tuple[tuple[re.Pattern[str], Meaning], ...]] = (
    (_compiled(r"(?P<y>20\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"), _iso),
    (_compiled(r"(?P<a>\d{1,2})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<y>20\d\d|\d\d)"), _numeric),
    (_compiled(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})(?![/\d%])"), _numeric),
    (_compiled(rf"{_NTH}[ -]?(?:of )?{_MONTH}\.?{_OF_YEAR}"), _named),
    (_compiled(rf"{_MONTH}\.?[ -]{_NTH}(?:(?:, ?| )(?P<y>20\d\d))?"), _named),
    (
        _compiled(rf"(?:{_END}|late |in |during |by ){_MONTH}(?:[ -](?:month[ -])?end)?(?: (?P<y>20\d\d))?(?! ?\d)"),
        _end_of_named,
    ),
    (_compiled(rf"{_MONTH}[ -](?:month[ -])?(?:end|close)(?: (?P<y>20\d\d))?"), _end_of_named),
    (_compiled(rf"(?:mid|middle of)[ -]{_MONTH}(?: (?P<y>20\d\d))?"), _mid_named),
    (_compiled(rf"{_NEXT}month[ -]?(?:end|close)"), _month_end),
    (_compiled(rf"(?:{_END}{_NEXT}month|eom)"), _month_end),
    (_compiled(r"(?:later |sometime )?(?:in )?(?P<next>next) month"), _month_end),
    (_compiled(r"(?:later )?(?:in )?this month"), _month_end),
    (_compiled(rf"{_NEXT}(?:quarter|qtr)[ -]?(?:end|close)"), _quarter_end),
    (_compiled(rf"(?:{_END}{_NEXT}quarter|eoq)"), _quarter_end),
    (_compiled(r"(?P<next>next) quarter"), _quarter_end),
    (_compiled(r"(?:end of )?q(?P<q>[1-4])(?: (?P<y>20\d\d))?(?: end)?"), _numbered_quarter),
    (_compiled(rf"{_NEXT}year[ -]?(?:end|close)"), _year_end),
    (_compiled(rf"(?:{_END}{_NEXT}year|eoy)"), _year_end),
    (_compiled(rf"(?:{_END}{_NEXT}week|eow)"), _week_end),
    (_compiled(r"(?:early |late |mid |sometime )?(?:the )?(?P<next>next|following|coming) week"), _week_end),
    (_compiled(r"(?:later )?this week"), _week_end),
    (_compiled(rf"(?:{_DAY_ENDS} )?(?:on |by )?(?P<next>next )?(?:this |coming |the )?{_WEEKDAY}"), _on_weekday),
    (_compiled(rf"(?:by )?(?:{_DAY_ENDS} )?(?:tomorrow|tmrw|tmr)(?: {_DAY_ENDS})?"), _tomorrow),
    (_compiled(r"(?:the )?day after tomorrow"), _day_after_tomorrow),
    (
        _compiled(
            r"(?:the )?(?:next|following) (?:business |working |bus\.? )?(?:day|cycle|run|recon|file|feed|batch|load)"
        ),
        _next_business_day,
    ),
    (_compiled(r"overnight|tonight"), _next_business_day),
    (_compiled(rf"(?:{_DAY_ENDS}(?: today)?|(?:later )?today)"), _today),
    (_compiled(rf"(?:within|in|after|over)(?: the)?(?: next)? {_COUNT} ?{_WORKING}{_UNIT}(?:'? time)?"), _within),
    (_compiled(rf"(?:over )?(?:the )?next {_COUNT} {_WORKING}{_UNIT}"), _within),
    (_compiled(rf"{_COUNT} {_WORKING}{_UNIT} (?:from now|later)"), _within),
    (_compiled(r"[td] ?\+ ?(?P<count>\d{1,2})"), _trade_plus),
)
_DAYS_OLD = rf"{_COUNT}[ -]?{_WORKING}days?(?:'|s)? (?:of )?(?:age|old|ageing|aging)"
AGES: Final[tuple[re.Pattern[str], ...]] = (
    _compiled(rf"(?:(?:at|after|on|once|when|upon|by) )?(?:(?:reaching|it is|it's|this is) )?{_DAYS_OLD}"),
    _compiled(
        r"(?:once|when|after|if)(?: it| the break| item| this)?(?: is| has| gets)?"
        rf" (?:aged|age is|ages?) {_COUNT} {_WORKING}days?"
    ),
    _compiled(rf"(?:at|on|upon|by) (?:the )?age (?:of )?{_COUNT}(?: {_WORKING}days?)?"),
    _compiled(rf"(?:at|on) day {_COUNT} ?{_WORKING}"),
)
EVENTS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        _compiled(
            r"(?:on|by|at|upon|after|once|when)(?: the| it| trade| this)*"
            r" (?:settles?|settled|settlement(?: date)?|settle date|sd|value ?date|vd)"
        ),
        "settlement",
    ),
    (_compiled(r"(?:on|at|by|upon) maturity"), "maturity"),
    (re.compile(r"\b(?:once|when|upon|as soon as|after|until)\s+(?!\d)(?P<what>[^.;,\n]{3,60})"), ""),
)
