"""An outstanding item lives across days: told once, on its day, under its own id."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from memory.database import Database
from memory.items import Followed, ItemStore
from memory.lives import Items, Rules, live_day
from memory.sighting import Sighting
from recon.calendar import BusinessCalendar, to_day
from recon.ids import number_of
from recon.recon_file import CalendarSaid
from recon.rows import NO_DAY

MON, TUE, WED, THU, FRI = (date(2026, 6, day) for day in (1, 2, 3, 4, 5))
CALENDAR = BusinessCalendar.of(CalendarSaid(by_currency={"JPY": [WED]}))
RULES = Rules("gl", CALENDAR)


@pytest.fixture
def store(any_db: Database) -> ItemStore:
    return ItemStore(any_db, lambda: datetime(2026, 6, 5, tzinfo=UTC))


def seen(day: date, rows: dict[str, int | None], *, currency: str = "USD", every: int = 1) -> Sighting:
    """Account -> difference in cents; None or 0: it matches."""
    lines = sorted((number_of(account), account, units or 0) for account, units in rows.items())
    number = np.array([line[0] for line in lines], np.uint64)
    units = np.array([line[2] for line in lines], np.int64)
    n = len(lines)
    today = np.full(n, to_day(day), np.int32)
    return Sighting(
        pair="Balance",
        scale=2,
        series=number,
        day=today,
        difference=units,
        is_break=units != 0,
        onset=np.where(units != 0, today, NO_DAY).astype(np.int32),
        every=np.full(n, every, np.int32),
        tolerance=np.full(n, 100, np.int64),
        currency=np.full(n, currency, np.object_),
        keys=pa.table({"Account": [line[1] for line in lines], "AU": ["4398"] * n}),
        row=np.arange(n),
    )


def told(followed: Followed) -> list[tuple[str, int]]:
    return [(h.kind, h.units) for h in followed.happenings["Balance"]]


def test_a_break_is_new_once_then_grows_flips_and_clears(store: ItemStore) -> None:
    assert told(store.follow("r1", [seen(MON, {"A": 50_000})], RULES)) == [("new", 50_000)]
    assert told(store.follow("r2", [seen(TUE, {"A": 50_000})], RULES)) == []
    assert told(store.follow("r3", [seen(WED, {"A": 90_000})], RULES)) == [("grew", 90_000)]
    assert told(store.follow("r4", [seen(THU, {"A": -90_000})], RULES)) == [("flipped", -90_000)]
    assert told(store.follow("r5", [seen(FRI, {"A": None})], RULES)) == [("cleared", 0)]
    (item,) = [e.item for e in store.since("gl", FRI).of("cleared")]
    assert (item.state, item.onset, item.cleared_on) == ("cleared", MON, FRI)


def test_the_same_file_again_changes_nothing(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 50_000, "B": 7_000})], RULES)
    store.follow("r2", [seen(TUE, {"A": 50_000, "B": None})], RULES)
    before = store.since("gl", TUE)
    again = store.follow("r3", [seen(TUE, {"A": 50_000, "B": None})], RULES)
    assert again.restated == (TUE,)
    assert store.since("gl", TUE) == before
    assert [i.key["Account"] for i in store.open_items("gl")] == ["A"]


def test_a_corrected_file_takes_back_what_it_says_never_broke_and_tells_what_it_adds(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 50_000})], RULES)
    store.follow("r2", [seen(TUE, {"A": None, "B": 7_000})], RULES)
    store.follow("r3", [seen(TUE, {"A": 50_000, "C": 9_000, "B": None})], RULES)
    assert {i.key["Account"]: i.state for i in store.open_items("gl")} == {"A": "open", "C": "open"}
    since = store.since("gl", TUE)
    assert since.counts["new"] == 1
    assert since.counts["cleared"] == 0
    assert since.of("new")[0].item.key["Account"] == "C"


def test_a_withdrawn_break_that_a_third_file_brings_back_keeps_its_id(store: ItemStore) -> None:
    first = store.follow("r1", [seen(MON, {"B": 7_000})], RULES).happenings["Balance"][0].number
    store.follow("r2", [seen(MON, {"B": None})], RULES)
    assert store.open_items("gl") == []
    again = store.follow("r3", [seen(MON, {"B": 7_000})], RULES).happenings["Balance"][0].number
    assert again == first
    assert len(store.open_items("gl")) == 1


def test_several_days_are_told_again_when_an_older_one_is_restated(store: ItemStore) -> None:
    days = [seen(MON, {"A": 50_000}), seen(TUE, {"A": 90_000}), seen(WED, {"A": None})]
    for n, one in enumerate(days):
        store.follow(f"r{n}", [one], RULES)
    corrected = [seen(TUE, {"A": 50_000}), days[2]]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(one, name) for one in corrected])

    arrays = ("series", "day", "difference", "is_break", "onset", "every", "tolerance", "currency", "row")
    keys = pa.concat_tables([one.keys for one in corrected])
    both = replace(corrected[0], keys=keys, **{name: joined(name) for name in arrays})
    assert told(store.follow("r9", [both], RULES)) == [("cleared", 0)]
    assert store.since("gl", TUE).counts["grew"] == 0
    assert store.since("gl", WED).counts["cleared"] == 1


def test_what_returns_within_ten_business_days_is_the_same_item_and_later_a_new_one(store: ItemStore) -> None:
    first = store.follow("r1", [seen(MON, {"A": 50_000})], RULES).happenings["Balance"][0].number
    store.follow("r2", [seen(TUE, {"A": None})], RULES)
    back = store.follow("r3", [seen(date(2026, 6, 16), {"A": 50_000})], RULES).happenings["Balance"]
    assert [(h.kind, h.number) for h in back] == [("returned", first), ("aged", first)]
    store.follow("r4", [seen(date(2026, 6, 17), {"A": None})], RULES)
    late = store.follow("r5", [seen(date(2026, 7, 2), {"A": 50_000})], RULES).happenings["Balance"]
    assert [h.kind for h in late] == ["new"]
    assert late[0].number != first


def test_ages_are_business_days_of_the_currency_and_a_limit_is_told_when_passed(store: ItemStore) -> None:
    rules = Rules("gl", CALENDAR, limits=(3,))
    store.follow("r1", [seen(MON, {"A": 500, "B": None})], rules)
    for n, day in enumerate((TUE, WED)):
        assert told(store.follow(f"r2{n}", [seen(day, {"A": 500, "B": None})], rules)) == []
    assert told(store.follow("r3", [seen(THU, {"A": 500, "B": None})], rules)) == [("aged", 500)]
    assert told(store.follow("r4", [seen(FRI, {"A": 500, "B": None})], rules)) == []
    (item,) = store.open_items("gl")
    assert item.age(date(2026, 6, 8), CALENDAR) == 5


def test_a_holiday_of_the_currency_and_a_month_end_account_do_not_clear_by_absence(store: ItemStore) -> None:
    store.follow(
        "r1",
        [
            seen(TUE, {"YEN": 500}, currency="JPY"),
        ],
        RULES,
    )
    assert told(store.follow("r2", [seen(WED, {"OTHER": None})], RULES)) == []
    assert told(store.follow("r3", [seen(THU, {"OTHER": None})], RULES)) == [("cleared", 0)]
    store.follow("r4", [seen(date(2026, 6, 30), {"MONTHLY": 500}, every=21)], RULES)
    assert told(store.follow("r5", [seen(date(2026, 7, 1), {"OTHER": None})], RULES)) == []


def test_a_short_file_clears_nothing_that_it_does_not_hold(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 500, "B": 600})], RULES)
    short = Rules("gl", CALENDAR, complete=False)
    assert told(store.follow("r2", [seen(TUE, {"A": None})], short)) == [("cleared", 0)]


def test_a_misspelt_key_is_the_same_item_and_says_why(store: ItemStore) -> None:
    first = store.follow("r1", [seen(MON, {"1619205": 1_234_567, "Z": None})], RULES).happenings["Balance"][0].number
    moved = store.follow("r2", [seen(TUE, {"1619250": 1_234_567, "Z": None})], RULES).happenings["Balance"]
    assert [(h.kind, h.number) for h in moved] == [("moved", first)]
    (item,) = store.open_items("gl")
    assert item.key["Account"] == "1619250"
    assert item.moved_from is not None
    assert "swapped" in item.moved_from["why"]
    store.follow("r3", [seen(TUE, {"1619205": 1_234_567, "Z": None})], RULES)
    (item,) = store.open_items("gl")
    assert (item.key["Account"], item.moved_from) == ("1619205", None)


def test_an_old_key_that_breaks_again_is_not_the_item_that_moved_on_from_it(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"1619205": 50_000})], RULES)
    moved = store.follow("r2", [seen(TUE, {"1619250": 50_000})], RULES)
    assert told(moved) == [("moved", 50_000)]
    again = seen(WED, {"1619205": 700, "1619250": 50_000})
    # the old key's own rows show it broken since Monday
    again = replace(again, onset=np.full(2, to_day(MON), np.int32))
    assert told(followed := store.follow("r3", [again], RULES)) == [("new", 700)]
    assert len(set(followed.owners("Balance", again.series, again.day).tolist())) == 2
    days = [MON + timedelta(days=n) for n in range(3, 160) if (MON + timedelta(days=n)).weekday() < 5]
    for n, day in enumerate(days):
        store.follow(f"s{n}", [seen(day, {"1619205": 700, "1619250": 50_000})], RULES)


def test_an_amount_too_large_for_a_later_files_decimals_is_the_most_there_is(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 10**17, "B": 500})], RULES)
    finer = replace(seen(TUE, {"A": 10**17, "B": 500 * 10**8}), scale=10)
    assert ("shrank", 10**17) in told(store.follow("r2", [finer], RULES))


def test_owners_name_the_item_of_every_breaking_row(store: ItemStore) -> None:
    sighting = seen(MON, {"A": 500, "B": None})
    followed = store.follow("r1", [sighting], RULES)
    owners = followed.owners("Balance", sighting.series, sighting.day)
    assert ((owners != 0) == sighting.is_break).all()
    assert followed.counts()["new"] == 1


def test_a_later_file_with_more_decimals_compares_the_same_amounts(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 500})], RULES)
    finer = seen(TUE, {"A": 50_000})
    assert told(store.follow("r2", [replace(finer, scale=4)], RULES)) == []
    assert store.open_items("gl")[0].difference == Decimal("5.0000")


def test_rows_as_they_happen_touch_their_own_keys_only(store: ItemStore) -> None:
    store.follow("r1", [seen(MON, {"A": 500, "B": 600, "C": None})], RULES)
    store.follow("r2", [seen(TUE, {"A": 500, "B": 600, "C": None})], RULES)
    partial = Rules("gl", CALENDAR, complete=False, partial=True)
    assert told(store.follow("r3", [seen(TUE, {"C": 700})], partial)) == [("new", 700)]
    assert told(store.follow("r4", [seen(TUE, {"A": None})], partial)) == [("cleared", 0)]
    assert sorted(i.key["Account"] for i in store.open_items("gl")) == ["B", "C"]
    full = store.follow("r5", [seen(TUE, {"A": 500, "B": 600, "C": None})], RULES)
    assert told(full) == []
    assert sorted(i.key["Account"] for i in store.open_items("gl")) == ["A", "B"]


def test_what_cleared_long_ago_is_not_carried_through_every_later_date(
    store: ItemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One-off keys over many dates: each date costs what is open or fresh, not all that ever was."""
    days = [MON + timedelta(days=7 * i) for i in range(60)]
    parts = [seen(day, {f"T{i}": 500}) for i, day in enumerate(days)]
    columns = ("series", "day", "difference", "is_break", "onset", "every", "tolerance", "currency", "row")
    whole = replace(
        parts[0],
        keys=pa.concat_tables([part.keys for part in parts]),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns},
    )
    carried: list[int] = []

    def counted(state: Items, *given: Any) -> Any:
        carried.append(state.n)
        return live_day(state, *given)

    monkeypatch.setattr("memory.items.live_day", counted)
    followed = store.follow("r1", [whole], RULES)
    assert followed.counts()["new"] == 60
    assert followed.counts()["cleared"] == 59
    assert max(carried) <= 10
    owners = followed.owners("Balance", whole.series[::-1], whole.day[::-1])
    assert len(set(owners.tolist())) == 60
    assert followed.owners("Balance", whole.series[:1], whole.day[1:2]).tolist() == [0]


def test_where_keys_are_told_once_on_their_own_day_absence_clears_nothing(store: ItemStore) -> None:
    once = replace(seen(MON, {"T1": 500}), come_back=False)
    store.follow("r1", [once], RULES)
    assert told(store.follow("r2", [replace(seen(FRI, {"T2": None}), come_back=False)], RULES)) == []
    assert told(store.follow("r3", [replace(seen(FRI, {"T1": None, "T2": None}), come_back=False)], RULES)) == [
        ("cleared", 0)
    ]
