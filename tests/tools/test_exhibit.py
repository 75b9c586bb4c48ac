"""What goes with a ticket: rows that read back, a picture that stands alone, and nothing from data that is markup."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import numpy as np

from recon.case import BreakRow
from recon.rows import NO_DAY, Pair
from recon.series import SeriesHistory
from tools.exhibit import Dot, chart_svg, dots_of, rows_csv

BREAK = BreakRow(
    "B1", "I1", 7, date(2026, 3, 2), "Balance", {"Account": "1607"}, {}, "120.50", None, "120.50", "USD", True, "yes",
    0.9, 0.01, 0.0, -1.0, 1.0, "spike", "missing_right", "IHub has no row.",
)  # fmt: skip


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_rows_read_back_with_both_sides_under_their_names() -> None:
    row = read(rows_csv([BREAK], "GL", "IHub"))[0]
    assert (row["row"], row["Account"], row["GL"], row["IHub"]) == ("7", "1607", "120.50", "")
    assert (row["difference"], row["currency"], row["reason"]) == ("120.50", "USD", "IHub has no row.")


def test_no_cell_is_a_formula_and_negative_amounts_stay_numbers() -> None:
    hostile = replace(BREAK, key={"Account": "=HYPERLINK(1)"}, difference="-120.50")
    row = read(rows_csv([hostile], "GL", "IHub"))[0]
    assert row["Account"] == "'=HYPERLINK(1)"
    assert row["difference"] == "-120.50"


def test_a_picture_stands_alone_and_says_its_exact_ends() -> None:
    dots = [Dot(date(2026, 3, n), Decimal(value), value != "0") for n, value in ((1, "0"), (2, "120.50"), (3, "-3"))]
    picture = ElementTree.fromstring(chart_svg(dots, "Balance of <1607> & co", "three days"))
    said = ["".join(node.itertext()) for node in picture.iter() if node.tag.endswith("text")]
    assert said[0] == "Balance of <1607> & co"
    assert {"-3", "0", "120.50", "2026-03-01", "2026-03-03"} <= set(said)
    assert len([node for node in picture.iter() if node.tag.endswith("circle")]) == 2
    assert not any("href" in name for node in picture.iter() for name in node.attrib)


def test_what_data_says_never_becomes_markup() -> None:
    text = chart_svg([Dot(date(2026, 3, 1), Decimal(1), True)], "</title><script>alert(1)</script>\x00", "]]>&")
    assert "<script" not in text
    ElementTree.fromstring(text)


def test_without_a_history_the_breaks_of_the_strangest_series_are_drawn() -> None:
    other = replace(BREAK, key={"Account": "9"}, difference="5")
    later = replace(BREAK, business_date=date(2026, 3, 4), difference="7.25")
    undated = replace(BREAK, business_date=None)
    worded = replace(BREAK, difference="text")
    assert [d.value for d in dots_of(None, [later, other, undated, worded, BREAK], BREAK)] == [
        Decimal("120.50"),
        Decimal("7.25"),
    ]
    assert chart_svg(dots_of(None, [undated], undated), "t", "w") == ""


def test_days_without_a_date_are_not_drawn() -> None:
    n = np.zeros(2, np.int64)
    flags = np.array([True, True])
    pair = Pair("Balance", "L", "R", None, "number")
    day = np.array([NO_DAY, 20_000], np.int32)
    history = SeriesHistory("r", 1, {}, {}, pair, 2, day, None, n, n, ~flags, ~flags, n + 150, flags, ("", ""))
    assert [(d.day, d.value) for d in dots_of(history, [BREAK], BREAK)] == [(date(2024, 10, 4), Decimal("1.50"))]
    assert dots_of(replace(history, day=np.full(2, NO_DAY)), [BREAK], BREAK) == dots_of(None, [BREAK], BREAK)
