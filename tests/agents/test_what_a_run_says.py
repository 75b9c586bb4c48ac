"""What a run tells of files as banks send them: the right money, the right count, and what could not be read."""

from datetime import date, timedelta
from pathlib import Path
from random import Random

from agents.run import RunRequest, RunResult, run
from recon.case import Case
from tests.agents.desks import make_desk

LAST = date(2026, 5, 29)


def worked(folder: Path, now: list[str], past: list[str] | None = None, encoding: str = "utf-8") -> RunResult:
    for name, lines in (("past", past), ("now", now)):
        if lines:
            (folder / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding=encoding)
    history = (folder / "past.csv",) if past else ()
    return run(make_desk(folder / "home"), RunRequest((folder / "now.csv",), history, out=folder / "out"))


def cases(folder: Path, found: RunResult) -> list[Case]:
    desk = make_desk(folder / "home")
    return [desk.cases.get(ident) for ident in found.case_ids]


def test_money_is_in_the_currency_that_its_headers_name(tmp_path: Path) -> None:
    """A deal in yen, compared in dollar equivalents, is off by dollars and cents."""
    now = ["Deal Id,Currency,Notional,USD Eqv Murex,USD Eqv GL"]
    now += [f"FX{n:05d},JPY,{n}000,{n * 7.31:.2f},{n * 7.31 + (0.42 if n == 77 else 0):.2f}" for n in range(1, 120)]
    (case,) = cases(tmp_path, worked(tmp_path, now))
    assert (str(case.amount), case.currency) == ("0.42", "USD")
    assert "0.42 USD" in case.title


def test_a_value_that_is_quantity_times_price_needs_no_word_for_money(tmp_path: Path) -> None:
    now = ["Part,WMS Qty,WMS Price,WMS Value,SAP Qty,SAP Price,SAP Value"]
    for n in range(1, 60):
        quantity, other, price = 100 + 7 * n, 100 + 7 * n + (12 if n == 40 else 0), 3.17 * n
        now.append(f"P-{n:03d},{quantity},{price:.2f},{quantity * price:.2f},{other},{price:.2f},{other * price:.2f}")
    (case,) = cases(tmp_path, worked(tmp_path, now))
    assert (case.cause, case.break_count, str(case.amount)) == ("quantity", 2, "1521.6")
    assert "Qty is 380 on WMS and 392 on SAP, and the money differs in that proportion" in case.cause_detail


def test_rows_of_one_series_are_not_so_many_keys(tmp_path: Path) -> None:
    values = [5 + n % 3 for n in range(400)]
    values[380:384] = [60, 64, 58, 61]
    now = ["Date,Value", *(f"{LAST - timedelta(days=400 - n)},{value}" for n, value in enumerate(values))]
    told = [c.title for c in cases(tmp_path, worked(tmp_path, now)) if c.break_count > 1]
    assert told
    assert all("rows" in title and "keys" not in title for title in told)


def test_why_rows_could_not_be_read_is_said_of_both_files(tmp_path: Path) -> None:
    def lines(day: date) -> list[str]:
        return [f"{day};K{n};Straße {n};{n},50;{n},50" for n in range(1, 9)]

    header = "Datum;Konto;Ort;Buch Betrag;Bank Betrag"
    past = [header, *(row for n in range(9, 0, -1) for row in lines(LAST - timedelta(days=n)))]
    plain = [f"{LAST};K9;Dorf;1,00;2,00", f"{LAST};K10;Dorf;1,00;1,00"]
    past.append(plain[1].replace(str(LAST), str(LAST - timedelta(days=1))))
    found = worked(tmp_path, [header, *plain, *lines(LAST)], past, encoding="cp1252")
    assert (found.counts["rows_scored"], found.counts["rows_rejected"]) == (2, 8)
    said = found.text().splitlines()
    assert [line.split(",")[1].split(":")[0].strip() for line in said[1:3]] == ["past.csv", "now.csv"]
    assert "(72 times)" in said[1]
    assert all("`encoding: cp1252`" in line for line in said[1:3])
    assert "`encoding: cp1252`".replace("`", "") in (tmp_path / "out" / "summary.md").read_text().replace("\\`", "")


def test_a_rate_that_is_off_is_one_case_of_base_money_and_out_of_pattern(tmp_path: Path) -> None:
    """Both base amounts are rounded from one local amount, so that their ratio is a cent off in one of four."""
    rng = Random(8)
    header = "Period End,Entity,GL Account,Txn Ccy,GL Local Amt,SL Local Amt,GL Base Amt,SL Base Amt"

    def lines(day: date, off: float) -> list[str]:
        out = []
        for n in range(30):
            local, currency = round(rng.lognormvariate(11, 1), 2), ("EUR", "CHF", "USD")[n % 3]
            rate = {"EUR": 1.0771334, "CHF": 1.1213, "USD": 1.0}[currency]
            base, wrong = local * rate, local * (rate + (off if currency == "EUR" else 0))
            out.append(f"{day},ENT{n // 10},A{n:03d},{currency},{local},{local},{base:.2f},{wrong:.2f}")
        return out

    past = [header, *(row for n in range(24, 0, -1) for row in lines(LAST - timedelta(days=n), 0.0))]
    (case,) = cases(tmp_path, worked(tmp_path, [header, *lines(LAST, 0.0123)], past))
    assert (case.kind, case.cause, case.break_count, case.currency) == ("anomaly", "fx_rate", 10, "")
    assert [(part.column, part.value) for part in case.scope] == [("Txn Ccy", "EUR")]
