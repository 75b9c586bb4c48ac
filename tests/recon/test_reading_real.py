"""The bank's own files and those of others are read with the roles their owners gave them."""

from datetime import date

import numpy as np
import pytest

from recon.errors import TieoutError
from recon.reading import read, read_both
from recon.recon_file import ReconFile
from recon.rows import ABSENT
from tests.shared import SHARED, needs_shared

pytestmark = needs_shared
TODAY = date(2026, 11, 23)
OFFICIAL = SHARED / "official"
REAL = SHARED / "real"


def test_gl_against_ihub_is_read_over_two_date_orders() -> None:
    current, history = read_both(
        [OFFICIAL / "gl-ihub-current.csv"], [OFFICIAL / "gl-ihub-history.csv"], ReconFile(), today=TODAY
    )
    assert history is not None
    assert (current.rows.n, history.rows.n) == (4, 24)
    layout = current.layout
    assert layout.key == ("Company", "Account", "AU", "Currency")
    assert (layout.date, layout.label, layout.comment, layout.currency) == (
        "As of Date",
        "Anomaly",
        ("Comments",),
        "Currency",
    )
    assert {str(np.datetime64(int(day), "D")) for day in current.rows.day} == {"2024-05-31"}
    assert max(history.rows.day) < min(current.rows.day)
    (pair,) = layout.pairs
    assert (pair.sign, pair.derived, pair.kind) == (1, "Balance Difference", "number")
    assert "00000" in current.rows.columns["Company"].vocabulary.to_pylist()
    assert layout.label not in (*layout.key, *layout.historical, *layout.categorical)
    assert history.rows.pairs[0].scale == current.rows.pairs[0].scale


def test_catalyst_against_impact_has_every_pair_and_its_missing_sides() -> None:
    current, history = read_both(
        [OFFICIAL / "catalyst-impact-current.csv"],
        [OFFICIAL / "catalyst-impact-history.csv"],
        ReconFile(),
        today=TODAY,
    )
    assert history is not None
    layout = current.layout
    assert (layout.key, layout.date) == (("TRADEID",), "RECONDATE")
    assert (layout.left_source, layout.right_source) == ("Catalyst", "Impact")
    kinds = {pair.name: pair.kind for pair in layout.pairs}
    assert {name for name, kind in kinds.items() if kind == "number"} == {"Price", "Quantity", "Original face"}
    assert {"CUSIP", "Buy/sell", "Inventory", "Trade date", "Settle date"} <= set(kinds)
    status = current.rows.columns["MatchStatus"]
    words = np.array(status.vocabulary.to_pylist())[status.codes]
    price = next(pair for pair in current.rows.pairs if pair.pair.name == "Price")
    assert (price.left_state == ABSENT).tolist() == (words == "Impact_Only").tolist()
    assert (price.right_state == ABSENT).tolist() == (words == "Catalyst_Only").tolist()
    assert not any(text.startswith(("[", "{")) for text in current.rows.comment.to_pylist())


@pytest.mark.parametrize("path", sorted(REAL.glob("*")) if REAL.is_dir() else [], ids=lambda path: path.name)
def test_every_real_file_ends_in_rows_or_one_sentence(path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    try:
        reading = read([path], ReconFile(), today=TODAY)
    except TieoutError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert reading.rows.n > 0
        assert reading.rows_in == reading.rows.n + len(reading.rejects)


def test_a_history_that_runs_past_the_present_is_cut_and_said() -> None:
    current, history = read_both([REAL / "bom-current.csv"], [REAL / "ragged-history.csv"], ReconFile(), today=TODAY)
    assert history is not None
    assert history.rows.day.max() <= current.rows.day.max()
    assert history.rows_in == 865
    assert {"history_cut", "extra_delimiters"} <= {finding.code for finding in history.findings}


def test_a_doubled_header_of_equal_values_is_kept_once() -> None:
    reading = read([REAL / "duplicate-header.csv"], ReconFile(), today=TODAY)
    codes = {finding.code for finding in reading.findings}
    assert {"doubled_header", "mixed_dates"} <= codes
    assert reading.layout.date == "ReconDate"


def test_two_tables_of_one_sheet_are_one_reading() -> None:
    reading = read([REAL / "title-row-two-tables.xlsx"], ReconFile(), today=TODAY)
    assert reading.rows.n == 28
    assert reading.layout.currency == "Cuurency"
