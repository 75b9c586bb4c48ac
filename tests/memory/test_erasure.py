"""Erasing a key: nothing of it is left in the workspace, everything else stands, and the audit still verifies."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from test_main_job import HEADER, MONTHS, SERIES, TODAY, line

from agents.desk import Desk
from agents.run import RunRequest, run
from memory.action import Person
from memory.audit import ERASED
from memory.erasure import GONE, Eraser
from memory.schema import audit, cases, idempotency
from recon.errors import BadInput
from recon.recon_file import parse_recon_file
from recon.settings import Settings

ANN = Person("ann", "admin")
ACCOUNT, OTHER = "1619205", "1618001"
SECRET = "Mrs Miller of Leeds called"
RECON = {
    "name": "loans",
    "approval": {"undo_seconds": 0},
    "allow": {"jira_projects": ["REC"]},
    "routing": [{"when": {}, "jira": {"project": "REC"}}],
}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over four accounts; what a person wrote stands in notes, tags, decisions and the comment column."""
    from server import open_desk

    folder = tmp_path_factory.mktemp("erasure")
    header = f"{HEADER},Comments"
    history = [header]
    for account, points in SERIES.items():
        said = SECRET if account == ACCOUNT else "timing"
        history += [f"{line(d, account, *v)},{said}" for d, v in zip(MONTHS, points, strict=True)]
    (folder / "history.csv").write_text("\n".join(history) + "\n")
    (folder / "current.csv").write_text(
        "\n".join([header, *(f"{line('2024-05-31', a, *v)}," for a, v in TODAY.items())])
    )
    desk = open_desk(Settings(_env_file=None, home=folder / "home"))  # type: ignore[call-arg]
    said = parse_recon_file(RECON, "loans")
    out = folder / "home" / "out" / "loans"
    run(desk, RunRequest((folder / "current.csv",), (folder / "history.csv",), said, "loans", out))
    for action in desk.ledger.list(state="pending", limit=100):
        if ACCOUNT in desk.cases.get(action.case_id).title:
            desk.ledger.decide(action.id, "reject", action.payload_hash, ANN, note=SECRET)
    desk.db.close()
    return folder / "home"


@pytest.fixture
def desk(worked: Path, tmp_path: Path) -> Iterator[Desk]:
    from server import open_desk

    shutil.copytree(worked, tmp_path / "home")
    made = open_desk(Settings(_env_file=None, home=tmp_path / "home"))  # type: ignore[call-arg]
    yield made
    made.db.close()


def eraser(desk: Desk) -> Eraser:
    return Eraser(desk.settings.home, desk.db, desk.lake, desk.audit, desk.resolutions)


def holding(home: Path, text: str) -> list[str]:
    """Every file of the workspace with these bytes in it, whatever kind it is."""
    return [p.name for p in sorted(home.rglob("*")) if p.is_file() and text.encode() in p.read_bytes()]


def test_a_preview_changes_nothing_and_names_what_there_is(desk: Desk) -> None:
    before = desk.audit.head()
    found = eraser(desk).erase("loans", {"Account": ACCOUNT}, ANN, apply=False)
    assert (found.lake_rows, found.items, found.cases) == (7, 1, 1)
    assert found.resolutions > 0
    assert found.audit_rows > 0
    assert any(name.endswith("breaks.csv") for name in found.files)
    assert "Nothing was changed" in found.text()
    assert desk.audit.head() == before
    assert holding(desk.settings.home, SECRET)


def test_nothing_of_the_key_is_left_and_the_rest_stands(desk: Desk) -> None:
    home = desk.settings.home
    titles = {r.case.title for r in desk.cases.page(_every()).records if ACCOUNT not in r.case.title}
    answer = {"key": "k", "who": "ann", "request_hash": "0" * 64, "status": 200, "body": f"of {ACCOUNT}".encode()}
    with desk.db.begin() as connection:
        connection.execute(sa.insert(idempotency).values(**answer, at=desk.clock()))
    found = eraser(desk).erase("loans", {"Account": ACCOUNT}, ANN, apply=True)
    assert found.applied
    desk.db.close()
    assert holding(home, ACCOUNT) == []
    assert holding(home, SECRET) == []
    kept = {r.case.title for r in desk.cases.page(_every()).records}
    assert titles <= kept
    assert GONE in kept
    history = desk.lake.history("loans", desk.lake.layout("loans"))  # type: ignore[arg-type]
    assert history is not None
    assert history.rows.n == 21
    assert eraser(desk).erase("loans", {"Account": ACCOUNT}, ANN, apply=False).lake_rows == 0


def test_the_audit_verifies_and_says_that_it_was_done(desk: Desk) -> None:
    eraser(desk).erase("loans", {"Account": ACCOUNT}, ANN, apply=True)
    verdict = desk.audit.verify()
    assert verdict.ok, verdict.sentence
    last = desk.audit.rows(limit=10_000)[-1]
    assert (last.who, last.what) == ("ann", "erased")
    assert ACCOUNT not in last.body
    assert SECRET not in last.body
    eraser(desk).erase("loans", {"Account": OTHER}, ANN, apply=True)
    assert desk.audit.verify().ok


def test_a_text_that_went_without_being_erased_breaks_the_audit(desk: Desk) -> None:
    with desk.db.begin() as connection:
        connection.execute(audit.update().where(audit.c.n == 2).values(body=ERASED, body_hash="0" * 64))
    assert not desk.audit.verify().ok
    from memory.audit import _digest

    row = desk.audit.rows()[2]
    with desk.db.begin() as connection:
        connection.execute(audit.update().where(audit.c.n == 3).values(body=ERASED, body_hash=_digest(row.body)))
    assert not desk.audit.verify().ok


def test_the_pages_of_an_erased_case_still_open(desk: Desk) -> None:
    eraser(desk).erase("loans", {"Account": ACCOUNT}, ANN, apply=True)
    with desk.db.read() as connection:
        (gone,) = connection.execute(cases.select().where(cases.c.title == GONE)).all()
    assert desk.cases.get(gone.id).summary == GONE
    assert desk.ledger.list(case_id=gone.id)[0].payload == {"erased": True}


def test_who_may_and_what_may_not(desk: Desk) -> None:
    with pytest.raises(BadInput, match="needs the role admin"):
        eraser(desk).erase("loans", {"Account": ACCOUNT}, Person("bob", "approver"), apply=False)
    with pytest.raises(BadInput, match="no key column of loans"):
        eraser(desk).erase("loans", {"Colour": "red"}, ANN, apply=True)
    with pytest.raises(BadInput, match="no rows of a reconciliation of this name"):
        eraser(desk).erase("nope", {"Account": ACCOUNT}, ANN, apply=True)


def _every():  # type: ignore[no-untyped-def]  # noqa: ANN202
    from memory.case_query import CaseQuery

    return CaseQuery(limit=100)
