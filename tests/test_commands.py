"""What an operator meets at the terminal: one sentence and status 2 for wrong words, ids whole, decisions once."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from test_main_job import HEADER, MONTHS, SERIES, TODAY, line, rows_of

import cli
from agents.judging import known_anomalies
from memory.judged import confirmed_days
from recon.calendar import to_day
from recon.settings import read_settings
from server import open_desk
from web import tags
from web.casechart import history_of, main_break

RECON = """
name: loans
approval: {undo_seconds: 0}
allow: {jira_projects: [REC]}
routing: [{when: {}, jira: {project: REC}}]
"""


class Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


Tieout = Callable[..., Said]


def call(words: tuple[object, ...], capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Said:
    patch.setattr("sys.argv", ["tieout", *map(str, words)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return Said(end.value.code, out, err)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files and a workspace in which one reconciliation was run."""
    folder = tmp_path_factory.mktemp("worked")
    history = [HEADER] + [line(d, a, *v) for a, points in SERIES.items() for d, v in zip(MONTHS, points, strict=True)]
    (folder / "history.csv").write_text("\n".join(history) + "\n")
    (folder / "current.csv").write_text("\n".join([HEADER, *(line("2024-05-31", a, *v) for a, v in TODAY.items())]))
    (folder / "loans.yaml").write_text(RECON)
    (folder / "notes.csv").write_text("comment,cause,business_date\nposted late,timing,2024-01-02\n")
    (folder / "list.json").write_text("[1]")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TIEOUT_HOME", "home")
        words = ["run", "current.csv", "--history", "history.csv", "--recon", "loans.yaml", "--out", "out"]
        patch.setattr("sys.argv", ["tieout", *words])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
    return folder


@pytest.fixture
def tieout(worked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tieout:
    """A command in a copy of the worked folder."""
    shutil.copytree(worked, tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    monkeypatch.setenv("TIEOUT_HOME", "home")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TIEOUT_JIRA_URL", "TIEOUT_SMTP_URL", "TIEOUT_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    return lambda *words: call(words, capsys, monkeypatch)


def told(tieout: Tieout, *words: object) -> Any:
    said = tieout(*words, "--json")
    assert said.status == 0, said.err
    return json.loads(said.out)


WRONG: list[tuple[str, str]] = [
    ("run", "Missing argument 'current'"),
    ("run --nope", "No such option: --nope"),
    ("nope", "No such command 'nope'"),
    ("run nothere.csv", "nothere.csv: no such file"),
    ("run home", "home: this is a folder"),
    ("run current.csv --history nothere.csv", "nothere.csv: no such file"),
    ("run current.csv --recon nothere.yaml", "nothere.yaml: no such recon file"),
    ("run current.csv --recon home", "home: this is a folder; --recon takes"),
    ("run current.csv --recon nope", "nope: no reconciliation of this name in this workspace (known: loans)"),
    ("run current.csv --format xml", "--format: 'xml' is none of csv, parquet"),
    ("run current.csv --engine spark", "--engine: 'spark' is none of local, dask"),
    ("run current.csv --out /proc/nope", "--out: /proc/nope: cannot be made a folder"),
    ("cases --state lost", "--state: 'lost' is none of open, "),
    ("cases --limit 0", "Invalid value for '--limit'"),
    ("cases --recon nope", "nope: no reconciliation of this name"),
    ("show nope", "nope: no such case in this workspace; `tieout cases` lists them"),
    ("chat nope what", "nope: no such case"),
    ("actions --case nope", "nope: no such case"),
    ("approve nope", "no action has the id 'nope'; `tieout actions` lists them"),
    ("edit nope", "no action has the id 'nope'"),
    ("found nope REC-1", "no action has the id 'nope'"),
    ("again nope", "no action has the id 'nope'"),
    ("give-up nope", "no action has the id 'nope'"),
    ("undo ev-x", "ev-x: nothing of this id can be undone"),
    ("doors --open nope", "nope: no such door; there are "),
    ("work --once --lease 5", "Invalid value for '--lease'"),
    ("feedback nope true", "nope: no such case"),
    ("feedback Bnope true", "Bnope: no case holds this break"),
    ("learn nothere.csv", "nothere.csv: no such file"),
    ("learn notes.csv", "which reconciliation is it of? Say --recon NAME"),
    ("learn notes.csv --recon nope", "nope: no reconciliation of this name"),
    ("export --format pdf", "--format: 'pdf' is none of xlsx, csv"),
    ("export --out nowhere/queue.xlsx", "--out: nowhere/queue.xlsx: there is no folder nowhere"),
    ("import nothere.xlsx", "nothere.xlsx: this is no Excel workbook"),
    ("import current.csv", "current.csv: this is no Excel workbook"),
    ("backtest nothere.csv", "nothere.csv: no such file"),
    ("backtest history.csv --from yesterday", "--from: 'yesterday' is no day; write YYYY-MM-DD"),
    ("backtest history.csv --from 2024-04-01 --to 2024-01-01", "no rows between 2024-04-01 and 2024-01-01"),
    ("watch nowhere", "nowhere: no such folder to watch"),
    ("profile nothere.csv", "nothere.csv: no such file"),
    ("profile current.csv --write nowhere/r.yaml", "--write: nowhere/r.yaml: there is no folder nowhere"),
    ("token bob --role king", "--role: 'king' is none of viewer, operator, approver, admin"),
    ("eval nope", "eval: 'nope' is no suite"),
    ("erase loans Account", "'Account': write COLUMN=VALUE"),
    ("erase nope Account=1", "nope: no rows of a reconciliation of this name"),
    ("erase loans Colour=red", "Colour: no key column of loans; its key is Company, Account"),
    ("restore nothere.tgz", "nothere.tgz: there is no such archive"),
    ("backup home/b.tgz", "write the archive outside of the workspace"),
    ("backup nowhere/b.tgz", "there is no folder nowhere"),
    ("brief --recon nope", "nope: no reconciliation of this name"),
    ("serve --host 0.0.0.0", "--host 0.0.0.0: without TIEOUT_AUTH=token or proxy"),
]


@pytest.mark.parametrize(("words", "why"), WRONG, ids=[words for words, _ in WRONG])
def test_wrong_words_are_one_sentence_and_status_2(tieout: Tieout, words: str, why: str) -> None:
    said = tieout("--quiet", *words.split())
    assert said.status == 2
    assert said.out == ""
    assert said.err.startswith("tieout: ")
    assert why in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("TIEOUT_AUTH", "nobody", "TIEOUT_AUTH: 'nobody' is refused"),
        ("TIEOUT_LOG_LEVEL", "loud", "TIEOUT_LOG_LEVEL: 'LOUD' is refused"),
        ("TIEOUT_HOME", "/proc/nope", "TIEOUT_HOME: /proc/nope: no workspace can be made here"),
        ("TIEOUT_DATABASE_URL", "mysql://me:a-secret@h/d", "TIEOUT_DATABASE_URL: this is no address"),
        ("TIEOUT_DATABASE_URL", "a-secret", "TIEOUT_DATABASE_URL: this is no address"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not(
    tieout: Tieout, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = tieout("cases")
    assert said.status == 2
    assert why in said.err
    assert "a-secret" not in said.err


def test_a_database_that_does_not_answer_is_named(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://me:a-secret@127.0.0.1:1/none")
    said = tieout("cases")
    assert (said.status, said.out) == (1, "")
    assert "the database does not answer; look at TIEOUT_DATABASE_URL" in said.err
    found = tieout("doctor")
    assert found.status == 1
    assert found.out.startswith("FAIL database: ")
    assert "a-secret" not in said.err + found.out + found.err


DAMAGE = [
    ("home/chroma/chroma.sqlite3", "FAIL memory: Chroma in", "move home/chroma away: it is made anew"),
    ("home/threads.db", "FAIL threads: home/threads.db: the agents' threads cannot be read", "work goes on from there"),
    ("home/lake/*/part-*", "this part of the kept history cannot be read", "run once with the whole history"),
    ("home/lake/*/manifests/*", "not a whole manifest of a lake", "remove it to go back to the one before it"),
    ("home/tieout.db", "FAIL database: It does not answer", "not a database"),
]


@pytest.mark.parametrize(("where", "what", "remedy"), DAMAGE)
def test_what_is_damaged_is_named_with_what_mends_it(tieout: Tieout, where: str, what: str, remedy: str) -> None:
    told(tieout, "chat", told(tieout, "cases")[0]["id"], "what was done before?")  # every store has been opened once
    assert tieout("doctor").status == 0
    path = next(Path().glob(where))
    path.write_bytes(b"not what was kept" * 2000)
    said = tieout("doctor")
    assert said.status == 1
    assert what in said.out
    assert remedy in said.out


def test_a_command_leaves_no_log_of_the_database_behind(tieout: Tieout) -> None:
    tieout("cases")
    assert [path.name for path in Path("home").glob("tieout.db*")] == ["tieout.db"]


def test_a_database_that_only_its_log_answers_for_is_named(tieout: Tieout) -> None:
    """Beside a server at work: SQLite reads what the log holds from there, and never sees the file under it."""
    with contextlib.closing(sqlite3.connect("home/tieout.db", isolation_level=None)) as at_work:
        at_work.execute("PRAGMA wal_autocheckpoint=0")
        at_work.execute("VACUUM")  # every page is in the log
        Path("home/tieout.db").write_bytes(b"not what was kept" * 2000)
        said = tieout("doctor")
    assert said.status == 1
    assert "FAIL database: the file is not a database any more" in said.out


@pytest.mark.parametrize("where", ["home/threads.db", "home/lake/*/part-*"])
def test_a_run_over_what_is_damaged_ends_with_the_sentence(tieout: Tieout, where: str) -> None:
    path = next(Path().glob(where))
    path.write_bytes(b"not what was kept" * 2000)
    Path("other.csv").write_text(Path("current.csv").read_text().replace("2024-05-31", "2024-06-30"))
    said = tieout("run", "other.csv", "--recon", "loans.yaml")
    assert said.status == 2
    assert "cannot be read" in said.err
    assert "a fault of ours" not in said.err


def test_an_error_is_a_json_document_too(tieout: Tieout) -> None:
    said = tieout("show", "nope", "--json")
    assert said.status == 2
    assert json.loads(said.out)["exit_status"] == 2
    assert json.loads(said.out)["error"] in said.err


def test_an_empty_list_says_what_it_is(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_HOME", "elsewhere")
    assert "`tieout run` makes them" in tieout("cases").out
    assert "`tieout run` drafts them" in tieout("actions").out
    assert told(tieout, "cases") == []


def test_the_queue_shows_whole_ids(tieout: Tieout) -> None:
    """Cut to a terminal's width they could not be copied."""
    shown = tieout("cases").out
    ids = [c["id"] for c in told(tieout, "cases")]
    assert len(ids) == 4
    assert all(i in shown for i in ids)
    drafts = tieout("actions").out
    assert all(a["id"] in drafts for a in told(tieout, "actions"))


def test_a_recon_is_known_by_its_name_after_its_first_run(tieout: Tieout) -> None:
    run = told(tieout, "run", "current.csv", "--recon", "loans", "--out", "again", "--no-agents")
    assert run["recon"] == "loans"
    assert {c["recon"] for c in told(tieout, "cases")} == {"loans"}


def test_what_profile_writes_is_a_recon_file_that_runs(tieout: Tieout) -> None:
    assert tieout("profile", "history.csv", "--write", "inferred.yaml").status == 0
    words = ["run", "current.csv", "--history", "history.csv", "--recon", "inferred.yaml", "--no-agents"]
    assert told(tieout, *words)["counts"]["rows_scored"] == 4


def test_approving_twice_changes_nothing_and_waiting_prints_the_receipt(tieout: Tieout) -> None:
    ticket = next(a["id"] for a in told(tieout, "actions", "--pending") if a["kind"] == "jira.create")
    assert tieout("approve", ticket).out.startswith("Approved")
    again = tieout("approve", ticket)
    assert again.status == 0
    assert "already approved" in again.out
    done = tieout("approve", ticket, "--wait")
    assert done.status == 0
    assert 'done: {"reference": "REC-1"' in done.out
    assert "0 action(s) taken up" in tieout("work", "--once").out


def uncertain(tieout: Tieout, state: str) -> str:
    """An approved ticket that came into this state, as after a fault outside."""
    ticket: str = next(a["id"] for a in told(tieout, "actions", "--pending") if a["kind"] == "jira.create")
    tieout("approve", ticket)
    with sqlite3.connect("home/tieout.db") as database:
        database.execute("update actions set state = ? where id = ?", (state, ticket))
    return ticket


def possible(tieout: Tieout, ticket: str) -> list[str]:
    words: list[str] = next(a["possible"] for a in told(tieout, "actions") if a["id"] == ticket)
    return words


def test_an_uncertain_action_is_found_at_the_terminal(tieout: Tieout) -> None:
    ticket = uncertain(tieout, "unknown")
    assert possible(tieout, ticket) == ["found", "again", "give-up"]
    assert tieout("found", ticket, " ").status == 2
    assert "Recorded: it arrived as REC-77." in tieout("found", ticket, "REC-77").out
    done = next(a for a in told(tieout, "actions") if a["id"] == ticket)
    assert (done["state"], done["receipt"]["reference"], done["possible"]) == ("done", "REC-77", [])
    late = tieout("again", ticket)
    assert late.status == 2
    assert tieout("audit", "verify").status == 0


def test_an_uncertain_action_is_given_up_and_may_still_be_sent_again(tieout: Tieout) -> None:
    ticket = uncertain(tieout, "unknown")
    assert "Whether it arrived is not known." in tieout("give-up", ticket, "--note", "the desk called").out
    assert "given up already" in tieout("give-up", ticket).out
    assert possible(tieout, ticket) == ["again"]
    assert tieout("again", ticket).out == "It leaves once more.\n"
    assert possible(tieout, ticket) == ["undo"]
    assert tieout("work", "--once", "--lease", "90").status == 0
    assert next(a["state"] for a in told(tieout, "actions") if a["id"] == ticket) == "done"


def test_an_approval_is_taken_back_at_the_terminal(tieout: Tieout) -> None:
    ticket = uncertain(tieout, "approved")
    assert tieout("undo", ticket).out == "Undone; nothing has left.\n"
    assert possible(tieout, ticket) == ["approve", "edit", "reject", "respond"]


def test_a_shut_door_says_why_and_is_tried_again_at_once(tieout: Tieout) -> None:
    assert {d["name"] for d in told(tieout, "doors")} >= {"mail", "tracker"}
    with sqlite3.connect("home/tieout.db") as database:
        said = "insert into doors (name, paused, sentence, next_at) values ('mail', 1, 'Our password expired.', ?)"
        database.execute(said, ("2999-01-01 00:00:00.000000",))
    assert "mail is shut: Our password expired. `tieout doors --open mail`" in tieout("actions").out
    assert tieout("doors", "--open", "mail").out == "mail is tried again at the next turn.\n"
    assert not any(d["shut"] for d in told(tieout, "doors"))
    assert "there is nothing to do" in tieout("doors", "--open", "mail").out


def test_a_payload_that_is_no_object_changes_nothing(tieout: Tieout) -> None:
    draft = told(tieout, "actions", "--pending")[0]
    for path, why in (("list.json", "a payload is a JSON object"), ("nothere.json", "cannot be read")):
        said = tieout("edit", draft["id"], "--payload", path)
        assert said.status == 2
        assert why in said.err
    assert draft in told(tieout, "actions", "--pending")


def test_a_break_can_be_tagged(tieout: Tieout) -> None:
    break_id = rows_of(Path("out/findings.csv"))[0]["tieout_break_id"]
    assert "Nothing is saved." in tieout("feedback", break_id, "true", "--preview").out
    assert told(tieout, "feedback", break_id, "missed", "--note", "seen by eye")["saved"]


def test_a_baseline_learns_what_nothing_could_be_said_of(tieout: Tieout) -> None:
    """Breaks of a desk's first day, without history, were never found out of pattern: the days after need them."""
    first = [f"2026-06-01,K{i},{100 + i}.00,{100 if i % 4 == 0 else 100 + i}.00" for i in range(40)]
    Path("first.csv").write_text("\n".join(["As of Date,Account,GL Balance,IHub Balance", *first]), encoding="utf-8")
    begun = told(tieout, "run", "first.csv", "--no-agents")["recon"]
    assert any(case["kind"] == "anomaly" for case in told(tieout, "cases") if case["recon"] == begun)
    assert not open_desk(read_settings()).cases.unresolved_anomalies(begun)


@pytest.mark.parametrize(("verdict", "kept_out"), [("missed", True), ("true", True), ("corrected", False)])
def test_no_baseline_learns_what_a_person_called_out_of_pattern(tieout: Tieout, verdict: str, kept_out: bool) -> None:
    """Its case is closed, so that only the tag can keep it out."""
    desk = open_desk(read_settings())
    case = desk.cases.get(told(tieout, "cases")[0]["id"])
    brk = desk.cases.breaks(case.id)[0]
    with sqlite3.connect("home/tieout.db") as database:
        database.execute("update cases set state = 'resolved'")
    assert not desk.cases.unresolved_anomalies(case.recon)
    words = ["--cause", "timing"] if verdict == "corrected" else []
    assert told(tieout, "feedback", brk.break_id, verdict, *words)["saved"]
    days = [day for _, day in confirmed_days(desk.db, desk.feedback.list(recon=case.recon))]
    assert days == [brk.business_date] * kept_out
    assert known_anomalies(desk, case.recon).day.tolist() == [to_day(d) for d in days]


def test_a_day_that_no_case_holds_is_kept_out_once_it_is_called_missed(tieout: Tieout) -> None:
    desk = open_desk(read_settings())
    case = desk.cases.get(told(tieout, "cases")[0]["id"])
    lead = main_break(desk.cases.breaks(case.id))
    assert lead is not None
    series = history_of(desk, case, lead)
    assert series is not None
    on = (np.datetime64("1970-01-01") + int(series.day[0])).astype(date)
    desk.feedback.add(tags.tag_of(desk, case, tags.Said("missed", on=on)), "ana")
    assert confirmed_days(desk.db, desk.feedback.list(recon=case.recon)) == {(series.series_id, on)}


def test_worth_a_look_is_what_was_not_flagged_and_a_tag_on_it_works(tieout: Tieout) -> None:
    """Here one break in line is made as strange as those that are only just not called."""
    case = next(c["id"] for c in told(tieout, "cases") if c["pattern"] == "in_line")
    assert "Nothing that was left unflagged" in tieout("cases", "--worth-a-look", "loans").out
    with sqlite3.connect("home/tieout.db") as database:
        database.execute("update case_breaks set body = json_set(body, '$.pvalue', 0.01)")
    listed = told(tieout, "cases", "--worth-a-look", "loans")
    flagged = {r["tieout_break_id"] for r in rows_of(Path("out/findings.csv")) if r["tieout_anomaly"] == "yes"}
    assert case in [row["case_id"] for row in listed]
    assert not flagged & {row["break_id"] for row in listed}
    assert "outside the promised rate" in tieout("cases", "--worth-a-look", "loans").out
    tagged = listed[0]["break_id"]
    assert told(tieout, "feedback", tagged, "missed")["saved"]
    assert tagged not in [row["break_id"] for row in told(tieout, "cases", "--worth-a-look", "loans")]


def test_a_day_of_the_chart_is_the_break_of_that_day(tieout: Tieout) -> None:
    """What is tagged on the chart and what is tagged in the rows is one thing."""
    desk = open_desk(read_settings())
    found = 0
    for case in told(tieout, "cases"):
        breaks = desk.cases.breaks(case["id"])
        lead = main_break(breaks)
        assert lead is not None
        tag = tags.tag_of(desk, desk.cases.get(case["id"]), tags.Said("missed", on=lead.business_date))
        found += tag.target_id == lead.break_id
        assert tag.features is not None
        assert [abs(float(a)) for a in tag.features["amounts"]] == [abs(float(lead.difference))]
    assert found == 4


def test_the_queue_goes_out_and_comes_back(tieout: Tieout) -> None:
    assert tieout("export", "--out", "queue.xlsx").out == "4 case(s) in queue.xlsx\n"
    assert "0 edits, 0 conflicts" in tieout("import", "queue.xlsx", "--apply").out


def test_help_is_for_people(tieout: Tieout) -> None:
    assert "Usage: tieout" in tieout("--help").out
    alone = tieout()
    assert alone.status == 2
    assert "Commands:" in alone.err
