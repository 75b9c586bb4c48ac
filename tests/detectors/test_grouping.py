"""One problem, one case: what a proof ties together is together, whether or not each part is strange by itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest
from judged_files import TODAY, judged_on

from detectors.grouping import PATTERN_IDS, Group, Judged, group


def cents(amount: int) -> str:
    return f"{amount / 100:.2f}"


def cases(folder: Path, off: Mapping[str, int], *, noisy: str = "") -> list[Group]:
    return group(judged_accounts(folder, off, noisy=noisy))


def judged_accounts(folder: Path, off: Mapping[str, int], *, noisy: str = "") -> Judged:
    """Accounts that always agree, but for `noisy`, which break by anything; `off`: today's differences in cents."""
    rng = Random(7)
    names = [f"ACC{n:02d}" for n in range(30)]

    def rows(day: date, today: Mapping[str, int] | None) -> list[list[str]]:
        out = []
        for name in names:
            sent = rng.randint(5_000_000, 90_000_000)
            gap = rng.randint(-3_000_000, 3_000_000) if name in noisy else 0
            gap = gap if today is None else today.get(name, 0)
            out.append([name, day.isoformat(), "W", "A", cents(sent), cents(sent - gap)])
        return out

    past = [row for n in range(40, 0, -1) for row in rows(TODAY - timedelta(days=n), None)]
    return judged_on(folder, past, rows(TODAY, off))


def test_both_halves_of_a_misposting_are_one_case_though_each_is_in_line_in_its_own_way(tmp_path: Path) -> None:
    judged = judged_accounts(tmp_path, {"ACC03": 812_345, "ACC11": -812_345}, noisy="ACC03 ACC11")
    (judgement,) = judged.judgements
    halves = np.flatnonzero(judgement.pattern >= 0)
    patterns = judgement.pattern.copy()
    patterns[halves] = [PATTERN_IDS.index("in_line"), PATTERN_IDS.index("high_volatility")]
    (case,) = group(replace(judged, judgements=[replace(judgement, pattern=patterns)]))
    assert (case.kind, case.cause, len(case.members)) == ("document", "misposting", 2)


def test_the_other_half_of_a_misposting_is_in_its_case_though_it_is_in_line(tmp_path: Path) -> None:
    found = cases(tmp_path, {"ACC03": 812_345, "ACC11": -812_345}, noisy="ACC11")
    assert [(case.kind, case.cause, len(case.members)) for case in found] == [("anomaly", "misposting", 2)]


def test_a_charge_that_recurs_is_one_case_over_its_keys(tmp_path: Path) -> None:
    found = cases(tmp_path, {"ACC03": 1735, "ACC11": 1735, "ACC20": 1735, "ACC25": 48_211})
    assert sorted((case.cause, len(case.members)) for case in found) == [("fee_or_tax", 3), ("unknown", 1)]


TRADES = ("Report Date", "Trade Id", "Book", "FO Counterparty", "BO Counterparty", "FO Notional", "BO Notional")


def trades(folder: Path, lacking: set[int], renamed: set[int], *, usual: int = 0) -> list[Group]:
    """400 trades in five books, alike on both sides for 40 days but for `usual` names a day; today some are lacking."""
    rng = Random(11)

    def rows(day: date, lacking: set[int], renamed: set[int]) -> list[list[str]]:
        return [
            [
                day.isoformat(), f"T{n}", f"BOOK{n % 5}", f"BANK {n % 7}",
                "" if n in lacking else "BANK 9" if n in renamed else f"BANK {n % 7}",
                cents(2_500_000 + n * 700), "" if n in lacking else cents(2_500_000 + n * 700),
            ]
            for n in range(400)
        ]  # fmt: skip

    past = [
        row
        for n in range(40, 0, -1)
        for row in rows(TODAY - timedelta(days=n), set(), set(rng.sample(range(400), usual)))
    ]
    return group(judged_on(folder, past, rows(TODAY, lacking, renamed), TRADES))


@pytest.mark.parametrize("usual", [0, 20])
def test_rows_that_a_side_lacks_are_one_case_with_all_their_pairs_and_the_book_they_share(
    tmp_path: Path, usual: int
) -> None:
    lacking = set(range(3, 403, 5)[:9])
    (case,) = trades(tmp_path, lacking, set(), usual=usual)
    assert (case.kind, case.cause, dict(case.scope)) == ("anomaly", "missing_right", {"Book": "BOOK3"})
    assert len(case.members) == 2 * len(lacking)


def test_a_pair_that_never_differed_is_strange_when_it_does(tmp_path: Path) -> None:
    (case,) = trades(tmp_path, set(), {17})
    assert (case.kind, case.cause, len(case.members)) == ("anomaly", "reference_data", 1)
    assert case.proof is not None
    assert case.proof.statement == "Counterparty is «BANK 3» on FO and «BANK 9» on BO."


DEALS = ("Deal", "Trade Date", "FO Settles", "BO Settles", "FO Broker", "BO Broker", "FO Qty", "BO Qty")


@pytest.mark.parametrize("usual", [0.0, 0.2])
def test_words_of_deals_of_their_own_are_rare_where_words_like_them_hardly_ever_differ(
    tmp_path: Path, usual: float
) -> None:
    """No deal has a past of its own: how often the others' words differed is what it is held against. What one side
    moved by the same days is one problem."""
    rng = Random(5)

    def deals(number: int, late: set[int]) -> list[list[str]]:
        day = TODAY - timedelta(days=number)
        out = []
        for n in range(40):
            due, size = day + timedelta(days=2 + n % 2), str(rng.randint(1, 500) * 100)
            told = due + timedelta(days=n in late)
            broker = f"BRK{n % 6}"
            other = f"{broker}X" if rng.random() < usual else broker
            out.append([f"D{number}-{n}", f"{day}", f"{due}", f"{told}", broker, other, size, size])
        return out

    past = [row for number in range(40, 0, -1) for row in deals(number, set())]
    found = group(judged_on(tmp_path, past, deals(0, {3, 4, 11}), DEALS))
    late = [g for g in found if g.kind == "anomaly" and g.cause == "reference_data"]
    assert [len(g.members) for g in late] == [3]
    assert late[0].proof is not None
    assert late[0].proof.values["pair"] == "Settles"


@pytest.mark.parametrize(("wrong", "called"), [({8}, 0), ({8, 90}, 2)])
def test_two_words_of_a_pair_that_never_differed_are_rarer_together(
    tmp_path: Path, wrong: set[int], called: int
) -> None:
    """One of 150 deals after 4,500, and of seven pairs that may differ, is no more than chance; two are."""
    pairs = ("Side", "Qty", "Broker", "Book", "Trader", "Region", "Desk")

    def deals(number: int, wrong: set[int]) -> list[list[str]]:
        day = TODAY - timedelta(days=number)
        sides = ["BUY" if (number + n) % 3 else "SELL" for n in range(150)]
        return [
            [f"D{number}-{n}", f"{day}", side, {"BUY": "SELL", "SELL": "BUY"}[side] if n in wrong else side, "7", "7"]
            + [f"{name} {n % 9}" for name in pairs[2:] for _ in range(2)]
            for n, side in enumerate(sides)
        ]

    header = ("Deal", "Date", *(f"{side} {name}" for name in pairs for side in ("FO", "BO")))
    past = [row for number in range(30, 0, -1) for row in deals(number, set())]
    found = group(judged_on(tmp_path, past, deals(0, wrong), header))
    assert sum(len(g.members) for g in found if g.kind == "anomaly") == called


def test_two_small_differences_of_a_row_are_two_problems(tmp_path: Path) -> None:
    """Either is next to nothing of its amount, and they have nothing in common."""

    def rows(day: date, principal: int, interest: int) -> list[list[str]]:
        out = [[f"A{n:02}", f"{day}", *[cents(900_000_000)] * 2, *[cents(7_000_000)] * 2] for n in range(30)]
        out[4] = ["A04", f"{day}", cents(900_000_000), cents(900_000_000 - principal)]
        out[4] += [cents(7_000_000), cents(7_000_000 - interest)]
        return out

    header = ("Account", "Date", "GL Principal", "Bank Principal", "GL Interest", "Bank Interest")
    past = [row for n in range(40, 0, -1) for row in rows(TODAY - timedelta(days=n), 0, 0)]
    found = judged_on(tmp_path, past, rows(TODAY, 111, 61), header)
    causes = [
        np.where(cause == "", "", name) for cause, name in zip(found.causes, ("fee_or_tax", "price"), strict=True)
    ]
    assert sorted(len(g.members) for g in group(replace(found, causes=causes))) == [1, 1]


def test_a_quantity_and_the_money_that_follows_from_it_are_one_case(tmp_path: Path) -> None:
    """One trade is ten times too large, and no trade has a past of its own: counting alone would call nothing."""
    rng = Random(9)

    def trades(number: int, wrong: int | None) -> list[list[str]]:
        day = TODAY - timedelta(days=number)
        out = []
        for n in range(150):
            size, price = rng.randint(1, 500) * 100, rng.randint(1_000, 40_000)
            sent = size - 100 if rng.random() < 0.01 else size * (10 if n == wrong else 1)
            out.append([f"T{number}-{n}", f"{day}", str(size), str(sent), cents(size * price), cents(sent * price)])
        return out

    header = ("Trade", "Date", "OMS Qty", "Bank Qty", "OMS Net", "Bank Net")
    past = [row for number in range(30, 0, -1) for row in trades(number, None)]
    found = group(judged_on(tmp_path, past, trades(0, 17), header))
    (case,) = [g for g in found if g.kind == "anomaly"]
    assert (case.cause, len(case.members)) == ("scale", 2)


def test_a_price_of_one_security_is_one_case_though_there_are_more_securities_than_half_the_rows(
    tmp_path: Path,
) -> None:
    held = [
        (f"FUND{f}", f"SEC{n:02d}")
        for f in range(3)
        for n in range(60)
        if n % 3 == f or (n % 2 and (n + 1) % 3 == f) or n == 7
    ]
    assert len({security for _, security in held}) > len(held) / 2

    def rows(day: date, off: float) -> list[list[str]]:
        return [
            [day.isoformat(), fund, security, f"{price:.4f}", f"{price + (off if security == 'SEC07' else 0):.4f}"]
            for fund, security in held
            for price in [20 + int(security[3:]) * 3.137 + day.toordinal() * 7919 % 1000 / 97]
        ]

    past = [row for n in range(40, 0, -1) for row in rows(TODAY - timedelta(days=n), 0)]
    header = ("NAV Date", "Fund", "Security ID", "Admin Price", "Manager Price")
    (case,) = group(judged_on(tmp_path, past, rows(TODAY, 1.25), header))
    assert (case.cause, dict(case.scope), len(case.members)) == ("price", {"Security ID": "SEC07"}, 3)
