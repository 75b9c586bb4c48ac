"""Amounts are exact in both directions, and text that looks alike is alike."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.money import exact_scale, from_units, parse_amount, plain, readable, to_units
from recon.text import neutralise, neutralise_all, normalise, normalise_all, squash


@given(st.integers(-(10**17), 10**17), st.integers(0, 10))
def test_units_and_decimals_are_the_same_number(units: int, scale: int) -> None:
    assert to_units(from_units(units, scale), scale) == units
    assert to_units(Decimal(plain(units, scale)), scale) == units


@given(st.decimals(-(10**12), 10**12, places=2))
def test_a_readable_amount_reads_back(amount: Decimal) -> None:
    assert parse_amount(readable(amount)) == amount


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(100.50)", "-100.50"),
        ("100.50-", "-100.50"),
        ("−100.50", "-100.50"),
        ("100.50 CR", "-100.50"),
        ("100.50DR", "100.50"),
        ("１２３", "123"),
        ("USD 1,234.50", "1234.50"),
        ("$(1,000.00)", "-1000.00"),
        ("1.2E+6", "1200000"),
        ("12,34,567", "1234567"),
        ("1 234 567", "1234567"),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, value: str) -> None:
    assert parse_amount(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "TXN-0042", "12a", "1..2", "2026-01-31", "5-6", "TRUE", "0,001", "CR"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert parse_amount(text) is None


def test_the_scale_gives_way_to_large_amounts() -> None:
    assert exact_scale(17, 14) == 4
    assert exact_scale(2, 9) == 2


@given(st.text(max_size=30))
def test_normalising_twice_changes_nothing_more_and_arrays_agree(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert normalise_all(pa.array([text])).to_pylist() == [once]


def test_headers_match_over_case_blanks_and_marks() -> None:
    assert squash("As of Date") == squash("AsOfDate") == squash(" as_of\u200bdate ")


@given(st.sampled_from("=+-@\t\r"), st.text(max_size=10))
def test_no_exported_cell_begins_a_formula(start: str, rest: str) -> None:
    safe = neutralise(start + rest)
    assert safe.startswith("'") or parse_amount(safe) is not None
    assert neutralise_all(pa.array([start + rest])).to_pylist() == [safe]
