"""Files made here: roles of layouts never seen, hostile bytes, and no row lost whatever the file."""

import csv
import io
import random
import time
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.errors import BadInput, TieoutError, UnreadableFile
from recon.panels import build_panels
from recon.reading import profile, read, read_both
from recon.reading.assemble import cast_moments, moments_of
from recon.reading.clean import marks_of
from recon.reading.dates import DateReader, Moments, Status
from recon.recon_file import CalendarSaid, ReconFile, load_recon_file
from recon.rows import ABSENT, BLANK, NO_STAMP, PRESENT, Codes, Reading

TODAY = date(2026, 11, 23)


def write(folder: Path, header: list[str], rows: list[list[object]], name: str = "file.csv") -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def read_bytes(folder: Path, data: bytes, said: ReconFile | None = None, name: str = "file.csv") -> Reading:
    path = folder / name
    path.write_bytes(data)
    return read([path], said or ReconFile(), today=TODAY)


def test_a_univariate_series_keeps_its_full_timestamps(tmp_path: Path) -> None:
    start = datetime(2026, 2, 14, 14, 30)  # noqa: DTZ001
    rows: list[list[object]] = [[start + timedelta(minutes=5 * i), 50 + i % 7 / 10] for i in range(4000)]
    reading = read([write(tmp_path, ["timestamp", "value"], rows)], ReconFile(), today=TODAY)
    assert reading.rows.stamp is not None
    assert (np.diff(reading.rows.stamp) == 300_000_000).all()
    assert reading.layout.key == ()
    assert [(p.left, p.right) for p in reading.layout.pairs] == [("value", None)]


@pytest.mark.parametrize("numeric", ["no", "epoch"])
def test_many_stamps_cast_at_once_are_as_if_read_one_by_one(numeric: Literal["no", "epoch"]) -> None:
    odd = ["", "1900-01-01", "2026-02-30", "31/05/2026 4:05 PM", "2026-05-01T07:00:00+02:00", "nonsense", "2026-05-01"]
    start = datetime(1999, 12, 31, 23, 58)  # noqa: DTZ001
    plain = [str(start + timedelta(seconds=7 * i, microseconds=i % 3)) for i in range(3000)]
    texts = [*odd, *([str(946684800 + 61 * i) for i in range(3000)] if numeric == "epoch" else plain)]
    reader = DateReader("dayfirst", TODAY, numeric=numeric)
    codes = Codes(np.arange(len(texts), dtype=np.int32), pa.array(texts))
    assert np.mean(cast_moments(duckdb.connect(), codes.vocabulary, numeric == "epoch")[0] != NO_STAMP) > 0.99
    fast, slow = moments_of(duckdb.connect(), codes, reader), Moments.of(reader.read_all(texts))
    known = slow.status <= Status.NULL
    assert fast.status.tolist() == slow.status.tolist()
    for name in ("day", "micros", "timed", "zoned", "offset"):
        assert (getattr(fast, name)[known] == getattr(slow, name)[known]).all(), name


def test_stamps_are_utc_and_business_dates_follow_zone_and_cut_off(tmp_path: Path) -> None:
    said = ReconFile(calendar=CalendarSaid(zone="Europe/London", cut_off="17:00"))
    path = write(tmp_path, ["timestamp", "value"], [["2026-07-01 16:59", 1.5], ["2026-07-01 17:01", 2.5]])
    reading = read([path], said, today=TODAY)
    assert reading.rows.stamp is not None
    assert str(np.datetime64(int(reading.rows.stamp[0]), "us")) == "2026-07-01T15:59:00.000000"
    assert reading.rows.day[1] - reading.rows.day[0] == 1


@pytest.mark.parametrize("label", ["label", "anomaly", "is_anomaly", "Anomaly"])
def test_a_truth_label_plays_no_other_role(tmp_path: Path, label: str) -> None:
    rows: list[list[object]] = [[1476460800 + 60 * i, i % 9 / 7, int(i % 50 == 0)] for i in range(300)]
    layout = read([write(tmp_path, ["timestamp", "value", label], rows)], ReconFile(), today=TODAY).layout
    assert layout.label == label
    used = [*layout.key, *layout.historical, *layout.categorical, *(p.left for p in layout.pairs)]
    assert label not in used


def test_a_column_named_like_a_side_says_who_the_side_is(tmp_path: Path) -> None:
    header = ["Business Date", "Account", "ISIN", "Custodian", "Book Quantity", "Custodian Quantity"]
    rows: list[list[object]] = [
        [f"2026-11-{day:02d}", f"PB-{a}", f"XS{1000 + i}", ("BNYM", "CITI")[a % 2], 100 * (a + i + day), 100 * (a + i)]
        for day in range(2, 10)
        for a in range(6)
        for i in range(5)
    ]
    layout = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout
    assert layout.categorical == ("Custodian",)
    assert [(pair.left, pair.right) for pair in layout.pairs] == [("Book Quantity", "Custodian Quantity")]


def test_an_account_is_the_key_however_it_is_called(tmp_path: Path) -> None:
    for name, codes in (("Nostro A/C", range(48_201_113, 48_201_143)), ("Konto", range(7_113, 9_543, 81))):
        header = ["Value Dt", "Branch", name, "CCY", "Ledger Bal", "Stmt Bal"]
        rows: list[list[object]] = [
            [f"2026-11-{day:02d}", ("LDN", "NYC", "FRA")[n % 3], code, ("GBP", "USD", "EUR")[n % 3], 91.5 * n, 90.5 * n]
            for day in range(2, 12)
            for n, code in enumerate(codes)
        ]
        layout = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout
        assert name in layout.key
        assert [(pair.left, pair.right) for pair in layout.pairs] == [("Ledger Bal", "Stmt Bal")]


def test_columns_of_any_name_are_in_the_key_when_they_tell_lines_apart_on_every_date(tmp_path: Path) -> None:
    header = ["Report Date", "Entity", "Partner", "Account Group", "Age Band", "Entity Amount", "Partner Amount"]
    rows: list[list[object]] = [
        [f"2026-11-{day:02d}", f"E{e}", f"E{p}", group, f"{(e * day + p) % 5} days", 10.5 * e + day, 10.5 * e + p]
        for day in range(2, 12)
        for e in range(5)
        for p in range(5)
        for group in ("Loans", "Trade", "Fees")
    ]
    layout = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout
    assert layout.key == ("Entity", "Partner", "Account Group")


def test_an_id_named_like_a_side_names_the_line_when_it_is_always_there(tmp_path: Path) -> None:
    header = ["Payment Ref", "Created", "Counterparty", "Payment Amount", "Settled Amount"]

    def layout(blank: bool) -> tuple[str, ...]:
        rows: list[list[object]] = [
            ["" if blank and n % 40 == 3 else f"PAY{day}{n}", f"2026-11-{day:02d} 09:{n:02d}:00", f"B{n % 7}", n * 7.25]
            for day in range(2, 12)
            for n in range(50)
        ]
        rows = [[*row, row[-1]] for row in rows]
        return read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout.key

    assert layout(blank=False) == ("Payment Ref",)
    assert "Payment Ref" not in layout(blank=True)


@pytest.mark.parametrize(
    ("written", "quarterly"),
    [
        *[(form, False) for form in ("%b-%y", "%B %Y", "%Y-%m", "%Y%m", "%m/%Y", "%Y-%b", "%YM%m", "%b'%y")],
        *[(form, True) for form in ("Q{q} %Y", "%Y-Q{q}")],
    ],
)
def test_a_month_or_a_quarter_stands_for_its_last_day(tmp_path: Path, written: str, quarterly: bool) -> None:
    ends = [date(2025 + (m // 12), m % 12 + 1, 28) for m in range(2, 23, 3 if quarterly else 1)]
    header = ["Period", "Entity", "GL Balance", "IHub Balance"]
    rows: list[list[object]] = [
        [end.strftime(written.replace("{q}", str(end.month // 3))), f"E{n}", 100.5 * n, 100.5 * n + 1]
        for end in ends
        for n in range(8)
    ]
    reading = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY)
    assert (reading.layout.date, reading.layout.key) == ("Period", ("Entity",))
    last = {np.datetime64("1970-01-01") + int(day) for day in reading.rows.day}
    assert last == {np.datetime64(f"{end:%Y-%m}") + 1 - np.timedelta64(1, "D") for end in ends}


def test_months_beside_a_date_are_words_like_any(tmp_path: Path) -> None:
    header = ["As of Date", "Contract", "Front Lots", "Broker Lots"]
    rows: list[list[object]] = [
        [f"2026-11-{day:02d}", month, 10 * day, 10 * day + 1]
        for day in range(2, 12)
        for month in ("Dec-26", "Mar-27", "Jun-27", "Sep-27")
    ]
    layout = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout
    assert (layout.date, layout.key) == ("As of Date", ("Contract",))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_names_that_stand_twice_are_told_apart_by_the_row_above(tmp_path: Path, kind: str) -> None:
    above = ["", "", "", "General Ledger", "", "Custodian", "", ""]
    header = ["As Of", "Account", "Ccy", "Balance", "Units", "Balance", "Units", "Comment"]
    rows: list[list[object]] = [
        [f"2026-11-{day:02d}", f"A{k}", "USD", 100.25 * k + day, 7 * k, 100.25 * k + day, 7 * k + (k == 3), ""]
        for day in range(2, 12)
        for k in range(9)
    ]
    path = write(tmp_path, above, [header, *rows])
    if kind == "xlsx":
        from openpyxl import Workbook

        book = Workbook()
        for line in (above, header, *rows):
            book.worksheets[0].append([None if cell == "" else cell for cell in line])
        path = tmp_path / "file.xlsx"
        book.save(path)
    reading = read([path], ReconFile(), today=TODAY)
    assert [(pair.left, pair.right) for pair in reading.layout.pairs] == [
        ("General Ledger Balance", "Custodian Balance"),
        ("General Ledger Units", "Custodian Units"),
    ]
    assert (reading.rows.n, reading.layout.key) == (90, ("Account", "Ccy"))


def test_leaves_without_a_date_have_all_categories_as_key(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [f"a{i}", f"b{j}", f"c{k}", 10.5 * i + j, 10.5 * i + k] for i in range(4) for j in range(5) for k in range(6)
    ]
    layout = read([write(tmp_path, ["a", "b", "c", "real", "predict"], rows)], ReconFile(), today=TODAY).layout
    assert layout.key == ("a", "b", "c")
    assert [(p.left, p.right) for p in layout.pairs] == [("real", "predict")]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_of_the_difference_is_proved_from_the_rows(tmp_path: Path, sign: int) -> None:
    rows: list[list[object]] = [
        [f"2026-05-{d:02d}", f"A{a}", 100 * a + 0.5, 100 * a + d, round(sign * (0.5 - d), 2)]
        for d in range(1, 9)
        for a in range(5)
    ]
    header = ["Business Date", "Account", "Murex Amount", "Broker Amount", "Variance"]
    (pair,) = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout.pairs
    assert (pair.left, pair.right, pair.derived, pair.sign) == ("Murex Amount", "Broker Amount", "Variance", sign)


def test_german_files_are_read_by_their_own_signs(tmp_path: Path) -> None:
    text = "Datum;Konto;Hauptbuch;Nebenbuch;Differenz\n" + "".join(
        f"{d:02d}.05.2026;K{a};1.{a}00,50;1.{a}00,{d:02d};0,{50 - d:02d}\n" for d in range(10, 28) for a in range(3)
    )
    reading = read_bytes(tmp_path, text.encode())
    pair = reading.rows.pairs[0]
    assert (pair.left[0], pair.right[0], pair.scale) == (100050, 100010, 2)
    assert pair.pair.derived == "Differenz"
    assert reading.rejects == ()


PAYMENT = ["payment_id", "created_at", "ledger_amount", "processor_amount", "ledger_status", "processor_status", "ccy"]


def payments(**also: str) -> list[list[object]]:
    """Ninety payments, each at a moment of its own; every tenth is settled on one side only."""
    start = datetime(2026, 5, 4, 8)  # noqa: DTZ001
    return [
        [
            f"PMT{i:05d}",
            start + timedelta(minutes=7 * i),
            100 + i + 0.5,
            100 + i + 0.5,
            "SETTLED",
            "PENDING" if i % 10 == 0 else "SETTLED",
            also.get("ccy") or ("USD" if i % 3 % 2 else "EUR"),
        ]
        for i in range(90)
    ]


@pytest.mark.parametrize("ccy", ["", "USD"])
def test_payments_each_at_a_moment_of_its_own_are_no_series_of_their_currency(tmp_path: Path, ccy: str) -> None:
    layout = read([write(tmp_path, PAYMENT, payments(ccy=ccy))], ReconFile(), today=TODAY).layout
    assert (layout.key, layout.currency) == (("payment_id",), "ccy")


def test_what_each_side_calls_its_state_is_compared_and_is_not_the_status(tmp_path: Path) -> None:
    reading = read([write(tmp_path, PAYMENT, payments())], ReconFile(), today=TODAY)
    assert reading.layout.status is None
    pair = next(p for p in reading.rows.pairs if p.pair.left == "ledger_status")
    assert (pair.pair.right, pair.pair.kind) == ("processor_status", "text")
    assert int((pair.left != pair.right).sum()) == 9


def test_two_amounts_of_which_one_is_minus_the_other_are_the_two_sides(tmp_path: Path) -> None:
    header = ["Period", "Entity", "Counterparty Entity", "IC Receivable", "IC Payable"]
    rows: list[list[object]] = [
        [f"2026-{m:02d}", f"LE{a}", f"LE{b}", 1000 * a + 10 * b + 0.25, -(1000 * a + 10 * b + 0.25) + (a == m)]
        for m in range(1, 5)
        for a in range(1, 6)
        for b in range(1, 6)
        if a != b
    ]
    (pair,) = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout.pairs
    assert (pair.left, pair.right, pair.mirrored) == ("IC Receivable", "IC Payable", True)


def test_a_currency_of_each_side_is_compared_and_is_still_the_moneys(tmp_path: Path) -> None:
    header = ["Trade ID", "Trade Date", "FO Ccy", "BO Ccy", "FO Notional", "BO Notional"]
    rows: list[list[object]] = [
        [f"T{i}", f"2026-05-{1 + i % 9:02d}", *["USD" if i % 2 else "EUR"] * 2, i, i] for i in range(1000, 1090)
    ]
    rows[7][3] = "CHF"
    reading = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY)
    assert reading.layout.currency == "FO Ccy"
    ccy = next(p for p in reading.rows.pairs if p.pair.left == "FO Ccy")
    assert (ccy.pair.right, ccy.pair.kind, int((ccy.left != ccy.right).sum())) == ("BO Ccy", "text", 1)
    assert next(p for p in reading.layout.pairs if p.left == "FO Notional").currency is None


def test_days_written_as_one_number_are_compared_as_dates(tmp_path: Path) -> None:
    header = ["Announce Date", "Ref", "Ex Date Vendor", "Ex Date Custodian", "Rate Vendor", "Rate Custodian"]
    rows: list[list[object]] = [
        [20261101 + n // 4, f"CA{n}", 20261110 + n % 5, 20261110 + n % 5 + (n == 7), 1.5 + n, 1.5 + n]
        for n in range(40)
    ]
    found = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY)
    pairs = {pair.pair.name: pair for pair in found.rows.pairs}
    assert list(pairs) == ["Ex date", "Rate"]
    assert np.flatnonzero(pairs["Ex date"].left != pairs["Ex date"].right).tolist() == [7]
    assert found.layout.date == "Announce Date"


def test_null_dates_make_a_whole_side_absent(tmp_path: Path) -> None:
    header = ["Trade ID", "Date", "Alpha Price", "Beta Price", "Alpha Trade Date", "Beta Trade Date"]
    rows: list[list[object]] = [[f"T{i}", "2026-05-29", 1.5 + i, 1.5 + i, "2026-05-28", "2026-05-28"] for i in range(9)]
    rows.append(["T9", "2026-05-29", 7.5, 0, "2026-05-28", "1900-01-01"])
    (price,) = [
        p for p in read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).rows.pairs if p.pair.name == "Price"
    ]
    assert price.right_state.tolist() == [PRESENT] * 9 + [ABSENT]


def test_impossible_dates_and_words_for_amounts_are_rejects_with_their_line(tmp_path: Path) -> None:
    data = b"id,date,ledger,statement\n1,2026-02-28,1.5,2\n2,2026-02-30,1,2\n3,2026-02-27,x9,2\n4,2026-02-26,NULL,2\n"
    reading = read_bytes(tmp_path, data)
    assert [(reject.line, reject.row) for reject in reading.rejects] == [(3, 2), (4, 3)]
    assert reading.rows.row.tolist() == [1, 4]
    assert reading.rows.pairs[0].left_state.tolist() == [PRESENT, BLANK]


def test_lines_stay_right_over_quoted_line_ends_blank_lines_and_stray_quotes(tmp_path: Path) -> None:
    data = b'id,date,ledger,statement,memo\n1,2026-02-26,1,2,"a\nb"\n\n2,2026-02-26,1,2,"c\n3,2026-02-26,1,2,d\n'
    reading = read_bytes(tmp_path, data)
    assert reading.rows.line.tolist() == [2, 5, 6]
    assert reading.rows_in == 3


def test_headers_spelt_differently_in_history_are_matched(tmp_path: Path) -> None:
    header = ["As of Date", "Account", "GL Balance", "IHub Balance"]
    days = [f"2026-05-{d:02d}" for d in range(1, 20)]
    past = write(tmp_path, ["AsOfDate", "Acount", "gl_balance ", "IHUB  balance"], [[d, "A", 1.5, 1.5] for d in days])
    now = write(tmp_path, header, [["2026-05-20", "A", 1.5, 2.5]], "now.csv")
    current, history = read_both([now], [past], ReconFile(), today=TODAY)
    assert history is not None
    assert history.rows.n == 19
    assert history.rows.columns["Account"].vocabulary.to_pylist() == ["A"]
    assert [(p.pair.left, p.left[0], p.right[0]) for p in history.rows.pairs] == [("GL Balance", 150, 150)]
    assert "header_variant" in {finding.code for finding in history.findings}
    assert current.layout.left_source == "GL"


def test_the_status_shows_the_tolerance(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for i in range(60):
        size = [0, 0.2, 0.9, 5, 40][i % 5]
        rows.append([f"2026-05-{i % 28 + 1:02d}", f"A{i % 4}", 100, 100 - size, "Match" if size < 1 else "Break"])
    header = ["Date", "Account", "GL Amount", "Bank Amount", "Match Status"]
    (pair,) = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY).layout.pairs
    assert pair.tolerance == "0.9"


@pytest.mark.parametrize(("codes", "told"), [(("USD", "EUR"), True), (("USD", "USD"), False)])
def test_amounts_of_several_currencies_without_a_column_for_them_are_told(
    tmp_path: Path, codes: tuple[str, str], told: bool
) -> None:
    rows: list[list[object]] = [
        [f"2026-05-{i % 28 + 1:02d}", f"C{i % 4}", f"{codes[i % 2]} {i},100.00", f"{codes[i % 2]} {i},100.00"]
        for i in range(1, 60)
    ]
    reading = read([write(tmp_path, ["Date", "Client", "Our Amount", "Their Amount"], rows)], ReconFile(), today=TODAY)
    found = [f for f in reading.findings if f.code == "currency_in_amounts"]
    assert [f.what for f in found] == ["amounts that carry currencies of their own (EUR, USD)"] * told


def test_a_status_of_the_work_draws_no_line_between_matches_and_breaks(tmp_path: Path) -> None:
    """A register of breaks: the closed ones were as large as the open ones, and are breaks as well."""
    rng = random.Random(3)
    sizes = [round(rng.gauss(0, 50), 2) for _ in range(560)]
    sizes[-1] = 45_000.0
    rows: list[list[object]] = [
        [f"BRK{i:05}", f"2026-05-{i % 28 + 1:02d}", f"A{i % 40}", size, "OPEN" if i >= 540 else "CLOSED"]
        for i, size in enumerate(sizes)
    ]
    header = ["Break ID", "Break Date", "Account", "Break Amount", "Break Status"]
    reading = read([write(tmp_path, header, rows)], ReconFile(), today=TODAY)
    (panel,) = build_panels(reading, None, ReconFile())
    assert panel.is_break.all()


def test_a_profile_written_as_recon_file_reads_the_same_layout(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [f"{d:02d}/05/2026", f"A{a}", 100 + a, 100 + d, a - d] for d in range(1, 20) for a in range(3)
    ]
    path = write(tmp_path, ["Date", "Account", "GL Balance", "Hub Balance", "Difference"], rows)
    found = profile([path], ReconFile(), today=TODAY)
    said = tmp_path / "recon.yaml"
    said.write_text(found.recon_yaml("gl"), encoding="utf-8")
    again = read([path], load_recon_file(said), today=TODAY)
    assert again.layout.pairs == found.reading.layout.pairs
    assert (again.layout.key, again.layout.date) == (found.reading.layout.key, found.reading.layout.date)
    assert {c.column: c.role for c in found.columns}["Difference"] == "derived of Balance"
    assert "derived of Balance" in found.text()


def test_a_column_that_the_recon_file_names_and_the_file_lacks_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ["id", "ledger", "statement"], [[1, 2, 3]])
    with pytest.raises(BadInput, match="'Acct'"):
        read([path], ReconFile.model_validate({"columns": {"key": ["Acct"]}}), today=TODAY)


cells = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["1,234.50", "(7)", "0.1", "2026-05-01", "31/05/2026", "", "-", '"', "a\nb", "=1+1", "1e999"]),
    st.floats(allow_nan=False).map(str),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, min_size=4, max_size=6), max_size=12))
def test_no_row_is_lost_whatever_its_cells(tmp_path: Path, rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["id", "date", "ledger", "statement", "memo"], *rows])
    path = tmp_path / "any.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    try:
        reading = read([path], ReconFile(), today=TODAY)
    except TieoutError:
        return
    assert reading.rows_in == reading.rows.n + len(reading.rejects)
    positions = [*reading.rows.row.tolist(), *(reject.row for reject in reading.rejects)]
    assert sorted(positions) == list(range(1, reading.rows_in + 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='ab1,.;"\n\r\t-/', max_size=300).map(str.encode)))
def test_any_bytes_end_in_rows_or_one_sentence(tmp_path: Path, data: bytes) -> None:
    try:
        reading = read_bytes(tmp_path, data)
    except TieoutError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert reading.rows_in == reading.rows.n + len(reading.rejects)


def test_hostile_shapes_end_quickly(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(20_000)).encode()
    big = b"id,date,ledger,statement,memo\n1,2026-05-01,1,2," + b"x" * 2_000_000 + b"\n"
    quotes = b"id,date,ledger,statement\n" + b'"a\n' * 50_000
    started = time.perf_counter()
    with pytest.raises(UnreadableFile, match="columns"):
        read_bytes(tmp_path, wide + b"\n" + wide + b"\n")
    assert read_bytes(tmp_path, big).rows.n == 1
    with pytest.raises(UnreadableFile):
        read_bytes(tmp_path, b"x" * 3_000_000)
    assert read_bytes(tmp_path, quotes).rows_in > 0
    assert time.perf_counter() - started < 20


@pytest.mark.slow
def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part:
        for _ in range(401):
            part.write(b"\0" * 1_000_000)
    with pytest.raises(UnreadableFile, match="unpacks"):
        read([path], ReconFile(), today=TODAY)


# --- caps: small ones here, the real sizes stand among the bombs ---------------------------------------------

STRAY = b'id,date,left balance,right balance,memo\n1,2026-01-01,1,2,"x\n'
GOOD = b"2,2026-01-01,1,2,y\n"


def test_broken_rows_up_to_the_cap_are_rejects_and_one_more_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.reading.text_file.MAX_BROKEN", 4)
    reading = read_bytes(tmp_path, STRAY + b"a\n" * 3 + GOOD)
    assert (reading.rows_in, reading.rows.n, len(reading.rejects)) == (5, 2, 3)
    with pytest.raises(UnreadableFile, match="line 2 and more than 4 rows in all have a stray quote") as told:
        read_bytes(tmp_path, STRAY + b"a\n" * 4 + GOOD)
    assert "\n" not in str(told.value)


def test_short_rows_are_not_broken_however_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.reading.text_file.MAX_BROKEN", 0)
    reading = read_bytes(tmp_path, b"id,date,left balance,right balance,memo\n" + b"2,2026-01-01,1,2\n" * 20 + GOOD)
    assert (reading.rows_in, reading.rows.n) == (21, 21)


def test_rejects_up_to_the_cap_are_listed_and_one_more_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.reading.rejected.MAX_REJECTS", 3)
    head = b"id,date,left balance,right balance,memo\n" + GOOD * 9
    assert len(read_bytes(tmp_path, head + b"3,2026-01-01,x,2,y\n" * 3).rejects) == 3
    with pytest.raises(UnreadableFile, match=r"line 11: .*'x' is no number; 4 rows cannot be read, more than the 3"):
        read_bytes(tmp_path, head + b"3,2026-01-01,x,2,y\n" * 4)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_row_longer_than_the_cap_is_a_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr("recon.reading.text_file.MAX_ROW", 100)
    rows = [GOOD] * 4
    rows.insert(at, b"1,2026-01-01,1,2," + b"z" * 100 + b"\n")
    reading = read_bytes(tmp_path, b"id,date,left balance,right balance,memo\n" + b"".join(rows))
    assert (reading.rows_in, reading.rows.n) == (5, 4)
    assert [(reject.row, reject.why) for reject in reading.rejects] == [
        (at + 1, "the row is 117 bytes long; at most 100 are read")
    ]


def test_the_longest_line_is_found_across_chunks() -> None:
    for lines in ([9, 3, 3], [3, 9, 3], [3, 3, 9], [0, 9], [9]):
        data = np.frombuffer(b"\n".join(b"x" * n for n in lines), np.uint8)
        for chunk in (1, 2, 4, 100):
            assert marks_of(data, 0, chunk)[2] == 9, (lines, chunk)
