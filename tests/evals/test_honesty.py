"""Reasons drawn at random are predicted by nothing here."""

import pytest
from shared import SHARED, needs_shared

from evals.honesty import information, run, table


@needs_shared
@pytest.mark.slow
def test_nothing_claims_to_predict_reasons_that_do_not_depend_on_the_numbers() -> None:
    board = run(SHARED / "real" / "random-reasons-honesty-test.csv")
    assert board["rows"] > 1_000
    for name, told in board["information"].items():
        assert told["chance"] > 0.005, name
    assert table(board).count("no better than chance") == 3


def test_what_does_depend_on_them_is_seen() -> None:
    said = ["fee", "rate", "fee", "timing"] * 30
    assert information(said, [f"{word} it was" for word in said])[1] < 0.01
