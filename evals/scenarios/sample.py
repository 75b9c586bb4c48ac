"""The demo's sample: two reconciliations with a year of history and a day full of planted problems."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from evals.scenarios import plants as planters
from evals.scenarios.books import RATES, Books, open_books
from evals.scenarios.days import business_days, cycle_days, holidays
from evals.scenarios.ledger_file import ledger_table, whole_yen
from evals.scenarios.planting import GL, SUDDEN, Planting, no_timing_today, plant_causes
from evals.scenarios.plants import CAUSES, NEEDS, Plant
from evals.scenarios.trades import open_blotter, plant_trades, table

TODAY: Final = date(2026, 10, 30)
"""The sample's newest business date where none is asked for: a Friday and a month end."""

TRADES: Final = "meridian-vs-anchor"
YEAR: Final = 261


@dataclass(frozen=True)
class DemoFiles:
    """Where the sample's files are. `truth` is for the evals alone."""

    folder: Path
    gl_history: Path
    gl_current: Path
    gl_recon: Path
    trades_history: Path
    trades_current: Path
    trades_recon: Path
    truth: Path
    today: date


def demo(out: Path, seed: int, today: date = TODAY) -> DemoFiles:
    """Writes the sample under `out`; the same seed and newest business date (a weekday) give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    files = DemoFiles(
        folder=out,
        gl_history=out / "gl-history.csv",
        gl_current=out / "gl-current.csv",
        gl_recon=out / f"{GL}.yaml",
        trades_history=out / "trades-history.csv",
        trades_current=out / "trades-current.csv",
        trades_recon=out / f"{TRADES}.yaml",
        truth=out / "truth.json",
        today=today,
    )
    ledger, ledger_plants = _ledger(np.random.default_rng((seed, 1)), today)
    _split(ledger, "As Of Date", today.strftime("%d/%m/%Y"), files.gl_history, files.gl_current)
    blotter, trade_plants = _blotter(np.random.default_rng((seed, 2)), today)
    _split(blotter, "Report Date", today.isoformat(), files.trades_history, files.trades_current)
    files.gl_recon.write_text(yaml.safe_dump(gl_said(today), sort_keys=False), encoding="utf-8")
    files.trades_recon.write_text(yaml.safe_dump(_trades_said(today), sort_keys=False), encoding="utf-8")
    truth = {"seed": seed, "today": today.isoformat(), "plants": [asdict(p) for p in ledger_plants + trade_plants]}
    files.truth.write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return files


def _split(frame: pd.DataFrame, column: str, today: str, history: Path, current: Path) -> None:
    newest = frame[column] == today
    frame[~newest].to_csv(history, index=False, lineterminator="\n")
    frame[newest].to_csv(current, index=False, lineterminator="\n")


def _ledger(rng: np.random.Generator, today: date) -> tuple[pd.DataFrame, list[Plant]]:
    books = open_books(rng, business_days(today, YEAR), daily=180, monthly=45)
    _precedents(rng, books)
    plants = _plant_ledger(rng, books)
    whole_yen(books)
    return ledger_table(rng, books), plants


def _blotter(rng: np.random.Generator, today: date) -> tuple[pd.DataFrame, list[Plant]]:
    blotter = open_blotter(rng, business_days(today, YEAR), per_day=22)
    plants = plant_trades(rng, blotter, TRADES)
    return table(rng, blotter), plants


def _precedents(rng: np.random.Generator, books: Books) -> None:
    """Past problems of every cause, each solved within days: what operators' comments are about."""
    daily = [i for i, a in enumerate(books.accounts) if not a.monthly and a.manner in ("clean", "cents")]
    for cause, planter in CAUSES.items():
        if cause in ("new", "unknown"):
            continue
        for _ in range(9):
            accounts = [int(i) for i in rng.choice(daily, min(NEEDS.get(cause, 1), 4), replace=False)]
            start = int(rng.integers(20, len(books.days) - 15))
            stop = start + int(rng.integers(1, 4))
            if (books.cause[start:stop, accounts] == "").all():
                planter(rng, books, accounts, slice(start, stop))
                books.cause[start:stop, accounts] = cause


def _plant_ledger(rng: np.random.Generator, books: Books) -> list[Plant]:
    no_timing_today(books)
    planting = Planting(rng, books)
    _plant_groups(planting)
    plant_causes(planting, [cause for cause in CAUSES if cause not in ("new", "fx_rate", "missing_right")])
    plant_causes(planting, ("timing", "digit_slip", "misposting"))
    _plant_unconverted(planting)
    _plant_patterns(planting)
    return planting.plants


def _plant_groups(planting: Planting) -> None:
    def scope(accounts: list[int], **columns: str) -> dict[str, str]:
        first = planting.books.accounts[accounts[0]]
        return {header: getattr(first, name) for header, name in _headers(columns).items()}

    feed = planting.group(5, 12, "feed")
    said = {"scope": scope(feed, feed="Feed")}
    planting.plant(planters.missing_right, feed, 1, ("missing_right",), SUDDEN, **said)
    desk = planting.group(4, 12, "company", "primary")
    said = {"scope": scope(desk, company="Company", primary="Primary Account")}
    planting.plant(planters.new, desk, 3, ("new", "unknown"), SUDDEN, **said)
    money = planting.group(3, 14, "company", "currency")
    said = {"scope": scope(money, company="Company", currency="Currency")}
    planting.plant(planters.fx_rate, money, 1, ("fx_rate",), SUDDEN, **said)


def _headers(columns: dict[str, str]) -> dict[str, str]:
    return {header: name for name, header in columns.items()}


def _plant_unconverted(planting: Planting) -> None:
    accounts = enumerate(planting.books.accounts)
    here = planting.books.present[-1]
    foreign = ("EUR", "GBP")
    free = [i for i, a in accounts if here[i] and i in planting.books.free and a.currency in foreign and not a.monthly]
    one = [i for i in free if planting.books.accounts[i].manner == "clean"][:1]
    if one:
        planting.plant(planters.unconverted, one, 1, ("fx_rate",), SUDDEN)


def _plant_patterns(planting: Planting) -> None:
    one = planting.take
    unsaid = ("unknown", "new")
    planting.plant(planters.spike, one(1, "in_line"), 1, unsaid, ("spike",))
    planting.plant(planters.spike, one(1, "noisy"), 1, unsaid, ("spike",))
    planting.plant(planters.drop, one(1, "in_line"), 1, unsaid, ("drop", "reversal", "spike"))
    planting.plant(planters.level_shift, one(1, "in_line"), 5, unsaid, ("level_shift", "spike"))
    trend = one(1, "clean")
    planting.plant(planters.consistent_trend, trend, 25, (), ("consistent_trend",), anomaly=None)
    planting.plant(planters.inconsistent, one(1, "clean"), 6, unsaid, ("inconsistent", "repeated", "high_volatility"))
    planting.plant(planters.high_volatility, one(1, "noisy"), 12, unsaid, ("high_volatility", "spike", "inconsistent"))
    planting.plant(planters.reversal, one(1, "clean"), 2, unsaid, ("reversal", "spike", "drop", "inconsistent"))
    planting.plant(planters.repeated, one(1, "clean"), 18, unsaid, ("repeated", "inconsistent"), anomaly=None)
    drift = one(1, "cents")
    planting.plant(planters.drift_within_tolerance, drift, 60, ("unknown", "rounding"), ("drift_within_tolerance",))
    fresh = one(1, "clean")
    said = {"anomaly": None}
    planting.plant(planters.insufficient_history, fresh, 3, unsaid, ("insufficient_history", "spike"), **said)
    monthly = one(1, "clean", monthly=True)
    _plant_monthly(planting, monthly)


def _plant_monthly(planting: Planting, accounts: list[int]) -> None:
    """The bank's own kind of anomaly: a monthly account that agreed for long and now varies without a rule."""
    (i,) = accounts
    books = planting.books
    ends = np.flatnonzero(cycle_days(books.days))[-4:]
    size = abs(books.accounts[i].level * 6)
    for day, share in zip(ends, (0, 1.0, 2.1, 0.8), strict=True):
        books.right[day, i] += round(size * share)
    planting.plant(
        lambda *_: "monthly, varies without a rule", accounts, 1, ("unknown", "new"), ("inconsistent", "spike", "drop")
    )


def _shared_said(today: date) -> dict[str, Any]:
    years = range(today.year - 1, today.year + 2)
    codes = ("EUR", "GBP", "JPY", "CHF")
    return {
        "materiality": {"amount": 10000, "currency": "USD", "rates": {c: r for c, r in RATES.items() if c != "USD"}},
        "target_fdr": 0.1,
        "allow": {"email_domains": ["bank.example"], "jira_projects": ["REC", "TREAS", "REFD", "MO"], "webhooks": []},
        "approval": {"four_eyes_over": 250000, "undo_seconds": 10},
        "sla": {
            "high": "1d",
            "medium": "3d",
            "low": "5d",
            "escalate_to": "ops.manager@bank.example",
            "escalate_after": "2d",
        },
        "calendar": {
            "zone": "Europe/London",
            "cut_off": "18:00",
            "holidays": [day for y in years for day in (date(y, 1, 1), date(y, 12, 25))],
            "by_currency": {c: holidays(c, years) for c in codes},
        },
        "write_off": {"under": 5, "currency": "USD", "account": "P&L 7999 small differences"},
    }


def _route(causes: str | list[str], project: str, priority: str, assignee: str, mail: str) -> dict[str, Any]:
    return {
        "when": {"cause": causes},
        "jira": {"project": project, "issuetype": "Task", "priority": priority, "assignee": assignee},
        "email": {"to": [mail]},
    }


def gl_said(today: date) -> dict[str, Any]:
    pair = {
        "left": "GL Balance",
        "right": "Subledger Balance",
        "derived": "Balance Difference",
        "tolerance": 1,
        "name": "Balance",
    }
    return {
        "name": GL,
        "sources": {"left": "GL", "right": "Subledger"},
        "columns": {
            "key": ["Company", "Account", "AU", "Currency"],
            "criteria": [pair],
            "historical": ["Primary Account", "Secondary Account", "Feed"],
            "date": "As Of Date",
            "status": "Match Status",
            "comment": "Comments",
        },
        "dates": "dayfirst",
        "currency": "Currency",
        "mask": ["Account"],
        "routing": [
            _route("fx_rate", "TREAS", "High", "fx.ops", "fx.ops@bank.example"),
            _route(["missing_left", "missing_right", "stale", "lag"], "REC", "High", "feeds", "feeds@bank.example"),
            _route(["fee_or_tax"], "REC", "Medium", "tax.ops", "tax.ops@bank.example"),
            _route(list(CAUSES), "REC", "Medium", "gl.control", "gl.control@bank.example"),
        ],
        **_shared_said(today),
    }


def _trades_said(today: date) -> dict[str, Any]:
    def pair(name: str, **more: Any) -> dict[str, Any]:
        return {"left": f"Meridian {name}", "right": f"Anchor {name}", "name": name, **more}

    criteria = [
        pair("Price", derived="Price Difference", tolerance=0.001),
        pair("Quantity", derived="Quantity Difference", tolerance=1),
        pair("CUSIP"),
        pair("Inventory"),
    ]
    return {
        "name": TRADES,
        "sources": {"left": "Meridian", "right": "Anchor"},
        "columns": {
            "key": ["Trade ID"],
            "criteria": criteria,
            "historical": ["CUSIP", "Desk"],
            "date": "Report Date",
            "status": "Match Status",
            "comment": "Comment",
        },
        "currency": "Currency",
        "routing": [
            _route("reference_data", "REFD", "Medium", "ref.data", "ref.data@bank.example"),
            _route(["missing_left", "missing_right", "timing"], "MO", "High", "middle.office", "mo@bank.example"),
            {**_route([], "REC", "Medium", "trade.control", "trade.control@bank.example"), "when": {}},
        ],
        **_shared_said(today),
    }
