"""Mechanisms: each planted cause is proved with its numbers, and ordinary differences are left alone."""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from two_sides import Line, panel

from detectors.mechanisms import MECHANISMS, prove, ratios
from detectors.proof import Proof
from recon.panel import Panel
from recon.words import CAUSE_LABELS

DAY = "2024-05-31"
DAYS = [f"2024-05-{d:02d}" for d in (20, 21, 22, 23, 24, 27, 28, 29, 30, 31)]


def proved(*panels: Panel, rates: dict[str, Decimal] | None = None) -> list[dict[int, list[Proof]]]:
    rows = [np.flatnonzero(p.current & p.is_break).astype(np.int64) for p in panels]
    return prove(
        panels,
        rows,
        left_name="GL",
        right_name="IHub",
        currency_column="Currency",
        rates=rates or {},
        calendar=None,
    )


def causes(lines: list[Line], **said: Any) -> dict[str, str]:
    """Key -> first cause, for the newest date's breaks."""
    rates = said.pop("rates", None)
    built = panel(lines, **said)
    found = proved(built, rates=rates)[0]
    series = built.series_of_rows()
    keys = sorted({line[0] for line in lines})
    return {keys[int(series[row])]: proofs[0].cause for row, proofs in found.items()}


def only(left: float | None, right: float | None, **said: Any) -> Proof | None:
    found = proved(panel([("a", DAY, left, right)], **said))[0]
    return next(iter(found.values()))[0] if found else None


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        (5231.44, None, "missing_right"),
        (None, 5231.44, "missing_left"),
        (5231.44, 0.0, "missing_right"),
        (52318.44, -52318.44, "sign_flip"),
        (897040.0, 89704.0, "scale"),
        (8970.44, 89704.37, "scale"),
        (52318.44, 52318440.0, "scale"),
        (104636.88, 52318.44, "duplicate"),
        (52318.44, 53218.44, "digit_slip"),
        (52318.44, 52813.44, "digit_slip"),
        (52318.44, 52918.44, "digit_slip"),
        (52318.44, 5218.44, "digit_slip"),
        (52318.44, 523178.44, "digit_slip"),
        (-52318.44, -53218.44, "digit_slip"),
        (897040.37, 897000.0, "rounding"),
        (897040.37, 897040.38, "rounding"),
        (897040.37, 897040.0, "rounding"),
    ],
)
def test_two_amounts_alone_prove_their_cause(left: float | None, right: float | None, cause: str) -> None:
    proof = only(left, right)
    assert proof is not None
    assert proof.cause == cause


@pytest.mark.parametrize(
    ("left", "right"),
    [(20000, 35000), (100000, 10000), (60000, 10000), (70000, 80000), (20000, 40000), (52318.44, 51977.02)],
)
def test_coincidences_of_round_or_random_amounts_prove_nothing(left: float, right: float) -> None:
    lines = [("a", DAY, float(left), float(right)), ("b", DAY, 30000.0, 30000.0), ("c", DAY, 5000.0, 5000.0)]
    assert causes(lines) == {}


def test_round_amounts_of_a_month_end_ledger_prove_nothing() -> None:
    months = ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]
    lines: list[Line] = []
    for key, right in (("a", 10000.0), ("b", 60000.0), ("c", 30000.0), ("d", 70000.0)):
        lines += [(key, m, right + (0.01 if key == "a" and m == months[0] else 0), right) for m in months]
    lines += [("a", DAY, 100000.0, 10000.0), ("b", DAY, 60000.0, 10000.0), ("c", DAY, 70000.0, 80000.0)]
    lines += [("d", DAY, 20000.0, 35000.0)]
    assert causes(lines, tolerance=1) == {}


def test_a_side_that_often_stands_still_is_not_stale() -> None:
    left = [20000.0] * 6
    right = [20000.0, 20000.0, 40000.0, 60000.0, 41000.0, 35000.0]
    months = [*(f"2024-0{m}-28" for m in range(1, 6)), DAY]
    assert causes([("a", m, x, y) for m, x, y in zip(months, left, right, strict=True)]) == {}


def test_the_sentence_names_amounts_and_side() -> None:
    lines = [("a", d, 89704.0 + k * 911, 89704.0 + k * 911) for k, d in enumerate(DAYS[:-1])]
    lines.append(("a", DAY, 897040.0, 89704.0))
    proof = next(iter(proved(panel(lines))[0].values()))[0]
    assert proof.statement == "897,040 is 89,704 x 10: an extra zero on the GL side."
    assert proof.suspect_side == "left"


def test_every_number_of_a_statement_is_among_its_values_or_the_break() -> None:
    proof = only(52318.44, 52813.44)
    assert proof is not None
    assert proof.values["left"] == "52318.44"
    assert proof.values["right"] == "52813.44"
    assert "52,318.44" in proof.statement
    assert "495" in proof.statement


def test_a_repeated_row_is_a_duplicate_of_the_side_that_stands_twice() -> None:
    found = proved(panel([("a", DAY, 500.25, 500.25), ("a", DAY, 500.25, None)]))[0]
    assert [p[0].cause for p in found.values()] == ["duplicate"]
    assert next(iter(found.values()))[0].suspect_side == "left"


def history(values: list[float], key: str = "a") -> list[Line]:
    return [(key, d, v, v) for d, v in zip(DAYS, values, strict=False)]


WALK = [50123.11, 51299.42, 49871.65, 50611.9, 52310.77, 51877.03, 50990.58, 52001.36, 51433.29, 53120.84]


def test_a_side_that_shows_yesterdays_amount_lags() -> None:
    lines = [*history(WALK[:9]), ("a", DAY, WALK[9], WALK[8])]
    assert causes(lines) == {"a": "lag"}


@pytest.mark.parametrize(("factor", "cause"), [(2, "duplicate"), (-1, "sign_flip"), (10, "scale")])
def test_a_movement_that_went_wrong_over_a_matched_balance_is_named(factor: int, cause: str) -> None:
    wrong = WALK[8] + factor * round(WALK[9] - WALK[8], 2)
    assert causes([*history(WALK[:9]), ("a", DAY, wrong, WALK[9])]) == {"a": cause}


def test_a_side_that_never_moves_does_not_lag() -> None:
    lines = [*history([50000.0] * 9), ("a", DAY, 51222.33, 50000.0)]
    assert causes(lines) == {}


def test_a_side_that_moves_by_as_much_every_time_is_not_late() -> None:
    steady = [round(50000.37 + 1234.56 * n, 2) for n in range(9)]
    lines: list[Line] = [*history(steady[:8]), ("a", DAYS[8], steady[8], round(steady[8] + 0.01, 2))]
    lines += [("a", DAY, round(steady[8] + 1234.57, 2), 71222.33)]
    assert "a" not in causes(lines)


def test_a_movement_that_comes_a_day_late_over_a_standing_difference_is_a_lag() -> None:
    lines = [*history(WALK[:8]), ("a", DAYS[8], WALK[8] + 700.0, WALK[7] + 3200.11)]
    lines += [("a", DAY, WALK[9], round(WALK[7] + 3200.11 + WALK[8] + 700.0 - WALK[7], 2))]
    assert causes(lines) == {"a": "lag"}


def test_todays_difference_undoing_yesterdays_is_a_lag() -> None:
    lines = [*history(WALK[:8]), ("a", DAYS[8], 61433.29, 51433.17), ("a", DAY, 43120.72, 53120.84)]
    assert causes(lines) == {"a": "lag"}


def test_a_side_that_stands_still_while_the_other_moves_is_stale() -> None:
    lines = [*history(WALK[:6]), *(("a", d, v, WALK[5]) for d, v in zip(DAYS[6:], WALK[6:], strict=True))]
    found = proved(panel(lines))[0]
    proof = next(iter(found.values()))[0]
    assert proof.cause == "stale"
    assert proof.suspect_side == "right"
    assert "4 dates" in proof.statement


def test_an_item_that_arrives_later_is_timing() -> None:
    lines: list[Line] = [
        ("a", "2024-05-29", 812.55, 812.55),
        ("a", "2024-05-30", None, 5231.44),
        ("a", DAY, 5231.44, None),
    ]
    assert causes(lines) == {"a": "timing"}


def test_a_key_whose_one_sided_days_clear_by_themselves_is_timing() -> None:
    lines: list[Line] = []
    for k, d in enumerate(DAYS[:-1]):
        lines.append(("a", d, WALK[k], None if k in (2, 5) else WALK[k]))
    lines.append(("a", DAY, WALK[9], None))
    assert causes(lines) == {"a": "timing"}


def test_a_rate_of_the_recon_file_is_found_either_way_round() -> None:
    lines: list[Line] = [
        ("a/EUR", DAY, 52318.44, 56681.80),
        ("b/EUR", DAY, 9321.77, 8604.18),
    ]
    found = causes(lines, columns=("Account", "Currency"), rates={"EUR": Decimal("1.0834")})
    assert found == {"a/EUR": "fx_rate", "b/EUR": "fx_rate"}


def test_a_rate_of_another_currency_proves_nothing() -> None:
    lines: list[Line] = [("a/USD", DAY, 52318.44, 56681.80)]
    assert causes(lines, columns=("Account", "Currency"), rates={"EUR": Decimal("1.0834")}) == {}


def test_a_ratio_shared_by_one_currency_is_a_rate() -> None:
    amounts = [52318.44, 9321.77, 771204.18, 33210.05]
    lines: list[Line] = [(f"{k}/GBP", DAY, a, round(a * 1.2718, 2)) for k, a in enumerate(amounts)]
    lines += [(f"x{k}/USD", DAY, 1000.11 * (k + 3), 1000.11 * (k + 3) + 37.1 * (k + 1) ** 2) for k in range(9)]
    found = causes(lines, columns=("Account", "Currency"))
    assert {found.get(f"{k}/GBP") for k in range(4)} == {"fx_rate"}
    assert not [key for key in found if key.startswith("x")]


def test_a_share_that_recurs_is_a_fee() -> None:
    amounts = [52318.44, 9321.77, 771204.18, 33210.05]
    lines: list[Line] = [(f"{k}", DAY, a, round(a * 0.9975, 2)) for k, a in enumerate(amounts)]
    found = proved(panel(lines))[0]
    assert {p[0].cause for p in found.values()} == {"fee_or_tax"}
    assert {p[0].values["percent"] for p in found.values()} == {"0.25"}


def test_a_fixed_amount_on_several_keys_is_a_fee() -> None:
    lines: list[Line] = [(f"{k}", DAY, a, a - 17.35) for k, a in enumerate([5231.44, 932.77, 77120.18, 3321.05])]
    assert set(causes(lines).values()) == {"fee_or_tax"}


def test_the_same_difference_standing_on_one_key_is_no_fee() -> None:
    lines = [("a", d, v, v - 17.35) for d, v in zip(DAYS, WALK, strict=True)]
    assert causes(lines, today=DAYS[0]) == {}


def test_the_same_difference_of_the_same_amounts_is_no_fee() -> None:
    assert "fee_or_tax" not in causes([(f"{k}", DAY, 5231.44, 5214.09) for k in range(4)]).values()


def test_no_price_or_quantity_has_a_fixed_charge() -> None:
    lines: list[Line] = [(f"{k}", DAY, a, a - 17.35) for k, a in enumerate([5231.44, 932.77, 77120.18, 3321.05])]
    for unit in ("price", "quantity"):
        assert set(causes(lines, unit=unit).values()) == {unit}


def test_no_price_is_posted_twice() -> None:
    assert set(causes([("a", DAY, 104636.88, 52318.44)], unit="price").values()) == {"price"}


def two_for_one(price: float) -> tuple[Panel, Panel]:
    quantity = panel([("a", DAY, 2700, 5400)], scale=0, unit="quantity", name="Quantity")
    return quantity, panel([("a", DAY, 317.8171, price)], scale=4, unit="price", name="Price")


def test_a_split_on_one_side_explains_quantity_and_price() -> None:
    for found in proved(*two_for_one(158.9086)):
        assert (found[0][0].cause, found[0][0].mechanism) == ("reference_data", "split")
        assert "2,700 at 317.8171 and IHub 5,400 at 158.9086: 2 for 1" in found[0][0].statement
    assert [found[0][0].cause for found in proved(*two_for_one(158.91))] == ["quantity", "price"]


HELD = [("F1/X", 6743, 13486), ("F2/X", 1180, 2360), ("F3/X", 951, 1902), ("F1/Y", 512, 512), ("F2/Z", 7205, 7199)]


def positions(held: list[tuple[str, float, float]], **said: Any) -> dict[str, str]:
    lines: list[Line] = [(key, DAY, left, right) for key, left, right in held]
    return causes(lines, scale=0, unit="quantity", columns=("Fund", "ISIN"), **said)


def test_every_position_of_one_security_in_one_ratio_is_a_split() -> None:
    found = positions(HELD)
    assert {key for key, cause in found.items() if cause == "reference_data"} == {"F1/X", "F2/X", "F3/X"}
    assert found["F2/Z"] == "quantity"


@pytest.mark.parametrize("other", [("F4/X", 300, 300), ("F4/X", 300, 900)])
def test_one_holder_that_does_not_fit_makes_it_no_split(other: tuple[str, float, float]) -> None:
    assert "reference_data" not in positions([*HELD, other]).values()


def test_what_is_doubled_over_a_funds_securities_is_no_split() -> None:
    doubled = [("F1/X", 6743, 13486), ("F1/Y", 1180, 2360), ("F1/Z", 951, 1902)]
    found = positions([(key, left, right) for key, left, right in doubled])
    assert "duplicate" in found.values()
    assert "reference_data" not in found.values()


def test_a_balance_that_comes_back_to_within_the_noise_of_yesterdays_does_not_lag() -> None:
    rng = np.random.default_rng(3)
    noisy = [
        (f"k{k}", d, 50000.0 + k, 50000.0 + k + x) for k in range(60) for d, x in zip(DAYS, _few(rng), strict=True)
    ]
    back = [*history(WALK[:9]), ("a", DAY, WALK[8] + 60.0, WALK[8] + 3.0)]
    assert "a" not in causes([*noisy, *back], tolerance=8.0)


def _few(rng: np.random.Generator) -> list[float]:
    return np.round(rng.uniform(-4, 4, len(DAYS)), 2).tolist()


def test_a_common_rate_is_proved_of_amounts_that_are_both_rounded() -> None:
    """Local amounts x 1.0771334 and x 1.0894334, in cents: two of eight ratios are off by more than half a cent."""
    local = [199087.42, 129832.68, 25432.85, 20506.82, 76008.27, 63819.04, 29979.61, 41749.65]
    lines: list[Line] = [(f"{k}", DAY, round(a * 1.0771334, 2), round(a * 1.0894334, 2)) for k, a in enumerate(local)]
    assert list(causes(lines).values()) == ["fx_rate"] * 8
    assert "x" not in causes([*lines, ("x", DAY, 30184.41, 30529.19)])


def test_a_rate_quoted_the_other_way_round_is_found_with_its_likes() -> None:
    rates = [0.86504, 1.27183, 0.73391]
    built = panel([(f"{k}", DAY, r, round(1 / r, 5)) for k, r in enumerate(rates)], scale=5, unit="rate", name="Rate")
    found = proved(built)[0]
    assert {proofs[0].mechanism for proofs in found.values()} == {"inverse"}
    assert all(len(proofs[0].rows) == 2 for proofs in found.values())
    assert "0.86504 on GL is 1 / 1.15602 on IHub" in found[0][0].statement
    assert only(0.86504, 1.15702, scale=5, unit="rate") is None
    assert only(1.00012, 0.99988, scale=5, unit="rate") is None, "near 1 every rate has its inverse close by"


def test_two_breaks_that_cancel_are_a_misposting() -> None:
    lines: list[Line] = [("a", DAY, 52318.44 + 8123.45, 52318.44), ("b", DAY, 9321.77 - 8123.45, 9321.77)]
    lines += [(f"x{k}", DAY, 1000.0, 1000.0 + 3.17 * k) for k in range(1, 9)]
    found = causes(lines)
    assert (found.pop("a"), found.pop("b")) == ("misposting", "misposting")
    assert "misposting" not in found.values()


def test_one_side_that_is_the_sum_of_several_is_aggregation() -> None:
    lines: list[Line] = [("a", DAY, 7345.67, None), ("a", DAY, None, 1111.11), ("a", DAY, None, 6234.56)]
    assert {p[0].cause for p in proved(panel(lines))[0].values()} == {"aggregation"}


def test_parts_on_keys_beside_it_are_found_too() -> None:
    lines: list[Line] = [("T1/X", DAY, 7345.67, None), ("T1-1/X", DAY, None, 1111.11), ("T1-2/X", DAY, None, 6234.56)]
    assert set(causes(lines, columns=("Trade", "Book")).values()) == {"aggregation"}


def test_factor_rounding_needs_equal_faces() -> None:
    quantity = panel([("a", DAY, 119966816, 119966813)], scale=0, unit="quantity", name="Quantity")
    face = panel([("a", DAY, 339309261, 339309261)], scale=0, unit="quantity", name="Original Face")
    other = panel([("a", DAY, 339309261, 339309999)], scale=0, unit="quantity", name="Original Face")
    assert proved(quantity, face)[0][0][0].cause == "factor_rounding"
    assert proved(quantity, other)[0][0][0].cause == "rounding"


def test_a_rounded_price_on_a_small_quantity_is_rounding() -> None:
    price = panel([("a", DAY, 98.8512, 98.85)], scale=4, unit="price", name="Price")
    quantity = panel([("a", DAY, 100, 100)], scale=0, unit="quantity", name="Quantity")
    assert proved(price, quantity)[0][0][0].cause == "rounding"


def test_a_price_or_quantity_without_a_finer_reason_is_named_as_such() -> None:
    assert only(131.97, 127.1, unit="price") is not None
    assert only(131.97, 127.1, unit="price").cause == "price"  # type: ignore[union-attr]
    assert only(208.0, 246.0, unit="quantity", scale=0).cause == "quantity"  # type: ignore[union-attr]


def test_money_that_differs_by_price_alone_is_price() -> None:
    money = panel([("a", DAY, 20000 * 101.37, 20000 * 101.52)], unit="money", name="Market Value")
    price = panel([("a", DAY, 101.37, 101.52)], unit="price", name="Price")
    quantity = panel([("a", DAY, 20000, 20000)], scale=0, unit="quantity", name="Quantity")
    assert proved(money, price, quantity)[0][0][0].cause == "price"


@pytest.mark.parametrize("differs", ["price", "quantity", "rate"])
def test_money_in_another_currency_differs_by_the_one_factor_that_does(differs: str) -> None:
    known = {"price": (101.37, 101.52), "quantity": (20_000, 20_500), "rate": (0.006716, 0.006719)}
    sides = [{name: two[k if name == differs else 0] for name, two in known.items()} for k in (0, 1)]
    money = [round(s["price"] * s["quantity"] * s["rate"], 2) for s in sides]
    panels = [panel([("a", DAY, *money)], name="Market Value")]
    scales = {"price": 2, "quantity": 0, "rate": 6}
    panels += [
        panel([("a", DAY, sides[0][name], sides[1][name])], scale=scales[name], unit=name, name=name.title())
        for name in known
    ]
    proof = proved(*panels)[0][0][0]
    assert (proof.cause, proof.mechanism) == (
        "fx_rate" if differs == "rate" else differs,
        "price_times_quantity",
    )
    other = panel([("a", DAY, money[0], money[1] * 1.2)], name="Market Value")
    assert [p.mechanism for p in proved(other, *panels[1:])[0].get(0, [])] != ["price_times_quantity"]


def test_one_rate_on_thirty_keys_is_one_coincidence() -> None:
    same: list[Line] = [(f"{k}", DAY, 0.006716, 0.006719) for k in range(30)]
    assert "digit_slip" not in causes(same, scale=6, unit="rate").values()
    apart: list[Line] = [(f"{k}", DAY, 5000 + k * 371.3, 5300 + k * 371.3) for k in range(30)]
    assert "digit_slip" not in causes(apart).values()


def test_a_text_that_differs_is_reference_data() -> None:
    texts = panel([("a", DAY, 3.0, 4.0)], scale=0, kind="text", name="CUSIP")
    assert proved(texts)[0][0][0].cause == "reference_data"


def test_a_file_with_one_value_column_is_not_held_against_nothing() -> None:
    from dataclasses import replace

    built = panel([("a", DAY, 5231.44, 0.0), ("b", DAY, 99.0, 0.0)])
    built = replace(built, pair=replace(built.pair, right=None))
    assert proved(built) == [{}]


def awkward() -> list[Panel]:
    big = 9 * 10**15
    return [
        panel([]) if False else panel([("a", DAY, None, None)]),
        panel([("a", DAY, 0.0, 0.0)]),
        panel([("a", DAY, float(big) / 100, -float(big) / 100)]),
        panel([("a", DAY, 0.01, 0.02), ("a", DAY, 0.02, 0.01)]),
        panel([("a", DAY, 1e12, 1e13), ("b", DAY, 1e13, 1e12)], scale=2),
        panel([(f"{k}", DAY, 100.0, 110.0) for k in range(60)]),
    ]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda m: m.__module__.rsplit(".", 1)[-1])
@pytest.mark.parametrize("built", awkward(), ids=range(6))
def test_every_mechanism_bears_awkward_amounts_and_says_whole_sentences(mechanism: Any, built: Panel) -> None:
    from detectors.mechanisms.table import Bench, lay_out

    rows = np.flatnonzero(built.is_break).astype(np.int64)
    bench = Bench(lay_out([built], [rows], ("GL", "IHub"), "Currency"), {}, None)
    for i, proof in mechanism(bench, bench.tables[0]):
        assert 0 <= i < len(rows)
        assert proof.cause in CAUSE_LABELS
        assert 0.0 <= proof.chance <= 1.0
        assert proof.statement.endswith(".")
        assert not re.search(r"\d{5,}(?!-)", proof.statement.replace(",", "#")), "amounts carry separators"
        assert all(isinstance(v, str | int | bool | list | None) for v in proof.values.values())


def test_no_breaks_at_all_is_an_answer() -> None:
    assert proved(panel([("a", DAY, 1.0, 1.0)])) == [{}]
    assert prove([], [], left_name="a", right_name="b", currency_column=None, rates={}, calendar=None) == []


def test_the_answer_does_not_depend_on_the_order_of_panels_or_runs() -> None:
    lines: list[Line] = [(f"{k}", DAY, a, a - 17.35) for k, a in enumerate([5231.44, 932.77, 77120.18, 3321.05])]
    built = panel(lines)
    assert proved(built) == proved(built)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_ratio_that_recurs_in_a_large_batch_of_near_amounts_proves_nothing(seed: int) -> None:
    """At 30,000 places, and at the edge of what amounts differ by, some forty breaks meet by chance."""
    rng = np.random.default_rng(seed)
    left = np.exp(rng.uniform(np.log(10_000), np.log(99_999), 30_000)).astype(np.int64)
    off = np.exp(rng.uniform(np.log(left / 100), np.log(left / 2))).astype(np.int64)
    right = left + off * rng.choice([-1, 1], 30_000)
    found = ratios._densest(np.maximum(left, right), np.minimum(left, right), 1)
    assert found is None or found[1] > ratios.GATE
