"""Payments of many currencies, each with its dollars, none with a past of its own: one problem is one case, and its
money is counted once."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app

TODAY = date(2026, 3, 31)
HEADER = (
    "Payment Reference", "Value Date", "Scheme", "Beneficiary Bank", "Currency",
    "Instructed Amount", "Settled Amount", "Instructed USD", "Settled USD",
)  # fmt: skip
RATES = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27, "JPY": 0.0067}


def _day(number: int, wrong: str) -> list[list[str]]:
    rng = Random(number)
    rows = []
    for n in range(200):
        currency = rng.choice(list(RATES))
        places = 0 if currency == "JPY" else 2
        sent = round(rng.lognormvariate(6, 1.5), places)
        bank, scheme = f"BANK{rng.randint(1, 9)}", rng.choice(["SEPA", "SWIFT", "FPS"])
        paid: float | None = None if rng.random() < 0.01 else sent
        rate, off = RATES[currency], 1.01 if wrong.startswith("rate") and currency == "GBP" else 1.0
        if wrong == "fee" and bank == "BANK4" and paid is not None:
            paid = round(sent * 0.999, places)
        if wrong == "large" and n == 7:
            sent, paid, currency, rate = 48_000_000.0, None, "USD", 1.0
        theirs = None if paid is None else (paid * rate if wrong == "rate, unrounded" else round(paid * rate, 2))
        dollars = "" if theirs is None else f"{theirs * off:.2f}"
        rows.append(
            [
                f"PAY{number:04}{n:04}", f"{TODAY - timedelta(days=number)}", scheme, bank, currency, f"{sent:.2f}",
                "" if paid is None else f"{paid:.2f}", f"{sent * rate:.2f}", dollars,
            ]
        )  # fmt: skip
    return rows


@pytest.fixture
def anomalies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cases out of pattern of a day on which something goes wrong, after 20 days on which only one in a hundred
    payments is late."""
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path / "home"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TIEOUT_DATABASE_URL"):
        monkeypatch.setenv(name, "")

    def run(wrong: str) -> list[dict[str, Any]]:
        past = [row for number in range(20, 0, -1) for row in _day(number, "")]
        for name, rows in (("past", past), ("today", _day(0, wrong))):
            with (tmp_path / f"{name}.csv").open("w", newline="") as sink:
                csv.writer(sink).writerows([HEADER, *rows])
        words = ["run", "today.csv", "--history", "past.csv", "--out", "out", "--no-agents"]
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        cases = json.loads((tmp_path / "out" / "cases.json").read_text())
        return [case for case in cases if case["kind"] == "anomaly"]

    return run


def _scope(case: dict[str, Any]) -> dict[str, str]:
    return {part["column"]: part["value"] for part in case["scope"]}


@pytest.mark.parametrize("wrong", ["rate", "rate, unrounded"])
def test_a_wrong_rate_of_one_currency_is_no_fee_though_nothing_else_breaks(anomalies: Any, wrong: str) -> None:
    """Where both sides round for themselves the small amounts prove nothing, and belong to the others' case."""
    (case,) = anomalies(wrong)
    assert (case["cause"], _scope(case)) == ("fx_rate", {"Currency": "GBP"})


def test_what_both_pairs_show_of_one_bank_is_one_case(anomalies: Any) -> None:
    (case,) = anomalies("fee")
    assert (case["cause"], _scope(case)) == ("fee_or_tax", {"Beneficiary Bank": "BANK4"})


def test_a_payment_and_its_dollars_are_counted_once(anomalies: Any) -> None:
    (case,) = anomalies("large")
    assert (case["cause"], case["break_count"]) == ("missing_right", 2)
    assert (case["amount"], case["currency"]) == ("48000000", "USD")
