"""The public files of other projects, when they lie beside this one: what each of them must give, file by file.

They are never copied into the project; a fresh clone has none, and the suite says so and passes.
"""

# ruff: noqa: E501 - an expectation is easier to read on its one line

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from agents.desk import Desk
from agents.run import RunRequest
from agents.run import run as run_job
from evals.desk import eval_desk
from evals.hostile import SHARED
from recon.errors import TieoutError

TODAY: Final = date(2026, 11, 23)
Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What a run left of one file."""

    run: Mapping[str, Any]
    rows: Rows
    rejects: int
    cases: Sequence[Mapping[str, Any]]
    assumed: str
    """Everything that was inferred, as it was said."""

    def all(self, column: str) -> list[str]:
        return [row[column] for row in self.rows]

    def codes(self) -> set[str]:
        """The import findings."""
        return {f["code"] for f in self.run["import_findings"]}

    def count(self, name: str) -> int:
        return int(self.run["counts"][name])


Expect = tuple[str, Callable[[Outcome], bool]]


@dataclass(frozen=True)
class File:
    """One reconciliation and what is expected of it."""

    current: str
    expects: tuple[Expect, ...]
    history: str | None = None


def _says(*parts: str) -> Callable[[Outcome], bool]:
    return lambda o: all(part in o.assumed for part in parts)


def _found(*codes: str) -> Callable[[Outcome], bool]:
    return lambda o: set(codes) <= o.codes()


def _proves(column: str, truth: Mapping[str, str]) -> Callable[[Outcome], bool]:
    """Every row of a status has the cause that this status means."""
    return lambda o: all(row["tieout_cause"] == truth[row[column]] for row in o.rows if row[column] in truth)


PATTERNS: Final = ("spike", "inconsistent", "consistent_trend", "in_line")
FILES: Final = (
    File(
        "official/gl-ihub-current.csv",
        (
            ("4 of 4 anomalies as labelled", lambda o: all(r["Anomaly"].lower() == r["tieout_anomaly"] for r in o.rows)),
            ("each of the four labelled patterns once", lambda o: sorted(o.all("tieout_pattern")) == sorted(PATTERNS)),
            ("key of four columns, date, comment, label", _says("key: Company, Account, AU, Currency", "date: As of Date", "comment: Comments", "label: Anomaly")),
            ("two date orders read as one day", lambda o: o.run["business_date"] == "2024-05-31"),
            ("company 00000 kept as text", lambda o: "00000" in o.all("Company")),
        ),
        "official/gl-ihub-history.csv",
    ),
    File(
        "official/catalyst-impact-current.csv",
        (
            ("10 of 10 not anomalous", lambda o: o.all("tieout_anomaly") == ["no"] * 10),
            ("a missing side is missing, not a price of zero", _proves("MatchStatus", {"Impact_Only": "missing_left", "Catalyst_Only": "missing_right"})),
            ("key and date", _says("key: TRADEID", "date: RECONDATE")),
            ("every break has its comment proposed", lambda o: all(o.all("tieout_comment"))),
        ),
        "official/catalyst-impact-history.csv",
    ),
    File(
        "real/bom-current.csv",
        (
            ("the byte-order mark is no part of a header", lambda o: "As of Date" in o.rows[0]),
            ("ragged rows are read", lambda o: o.count("history_rows") > 0),
            ("the mark, and keys that come twice, are told", _found("byte_order_mark", "duplicate_key")),
        ),
        "real/ragged-history.csv",
    ),
    File(
        "real/three-years-20-series.csv",
        (
            ("all 2,200 rows scored", lambda o: o.count("rows_scored") == 2200),
            ("no more than a tenth is called", lambda o: 0 < o.count("anomalies") <= 220),
        ),
    ),
    File(
        "real/trades-month-ends-current.csv",
        (
            ("pairs of price and quantity", _says("pair Price: left Price Catalyst, right Price Impact", "pair Quantity")),
            ("comments learned from 96 past rows", lambda o: o.count("history_rows") == 96),
        ),
        "real/trades-month-ends-history.csv",
    ),
    File(
        "real/trades-catalyst-reconciled.csv",
        (
            ("without a past, nothing is called", lambda o: set(o.all("tieout_anomaly")) == {"insufficient_history"}),
            ("causes are still proved", lambda o: {"factor_rounding", "rounding"} <= set(o.all("tieout_cause"))),
        ),
    ),
    File("real/trades-source-catalyst.csv", (("read", lambda o: o.count("rows_scored") == 10),)),
    File("real/trades-source-impact.csv", (("read", lambda o: o.count("rows_scored") == 10),)),
    File(
        "real/bank-vs-book-current.csv",
        (
            ("a column of reasons is comment, not truth", _says("comment: Break Reason", "status: Match Status")),
            ("three breaks as the status has them", lambda o: [r["tieout_break"] for r in o.rows].count("yes") == [r["Match Status"] for r in o.rows].count("Break")),
        ),
        "real/bank-vs-book-history.csv",
    ),
    File(
        "real/duplicate-header.csv",
        (
            ("a header twice and two date formats are told", _found("doubled_header", "mixed_dates")),
            ("the doubled column is the date", _says("date: ReconDate")),
        ),
    ),
    File(
        "real/title-row-two-tables.xlsx",
        (
            ("28 rows of two tables below a title", lambda o: o.count("rows_scored") == 28),
            ("a misspelt header is the currency", _says("currency: Cuurency")),
        ),
    ),
    File(
        "real/two-sheets-threshold-labels.xlsx",
        (
            ("all 1,500 rows scored", lambda o: o.count("rows_scored") == 1500),
            ("a label that is only a size is not learned", lambda o: o.count("anomalies") <= 150),
        ),
    ),
    File(
        "real/random-reasons-honesty-test.csv",
        (
            ("reasons that nothing explains are not claimed", lambda o: sum(1 for r in o.rows if r["tieout_cause"] not in ("", "unknown", "timing", "missing_left", "missing_right")) <= 0.02 * len(o.rows)),
            ("no row is lost", lambda o: o.count("rows_scored") + o.rejects == 7000),
        ),
    ),
)  # fmt: skip


def run(quick: bool = False) -> dict[str, Any]:
    """Expectations kept and missed, per file. Quick: without the largest file."""
    files = [f for f in FILES if not (quick and "honesty" in f.current)]
    if not (SHARED / "official").is_dir():
        return {"files": {}, "headline": {}, "skipped": "the shared files are not beside the project: nothing was run"}
    rows: dict[str, dict[str, bool]] = {}
    with eval_desk() as desk:
        for file in files:
            rows[file.current] = _asked(desk, file)
    kept = [good for many in rows.values() for good in many.values()]
    headline = {"expectations": len(kept), "expectations missed": len(kept) - sum(kept)}
    return {"files": rows, "headline": headline, "skipped": ""}


def _asked(desk: Desk, file: File) -> dict[str, bool]:
    history = (SHARED / file.history,) if file.history else ()
    with TemporaryDirectory(prefix="tieout-files-") as folder:
        out = Path(folder) / "out"
        request = RunRequest(
            (SHARED / file.current,), history, recon=Path(file.current).stem, out=out, agents=False, today=TODAY
        )
        try:
            result = run_job(desk, request)
        except TieoutError as no:
            return {f"is read: {no}": False}
        outcome = _outcome(out, result.run)
    same = outcome.count("rows_in") == outcome.count("rows_scored") + outcome.rejects
    return {"rows in = scored + rejected": same, **{words: bool(kept(outcome)) for words, kept in file.expects}}


def _outcome(out: Path, record: Mapping[str, Any]) -> Outcome:
    rows = _table(out / "breaks.csv")
    cases = json.loads((out / "cases.json").read_text(encoding="utf-8"))
    return Outcome(record, rows, len(_table(out / "rejects.csv")), cases, "\n".join(record["layout"]["assumed"]))


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it."""
    lines = [result["skipped"]] if result["skipped"] else []
    for name, expects in result["files"].items():
        lines.append(f"{name:44} {sum(expects.values())} of {len(expects)}")
        lines += [f"    MISSED: {words}" for words, kept in expects.items() if not kept]
    return "\n".join(lines)
