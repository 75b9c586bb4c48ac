"""The audit: any changed byte, row or order shows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from memory.schema import audit
from tests.acting.desk import TestDesk, approve, wanted


@pytest.fixture
def chain(desk: TestDesk) -> TestDesk:
    """Ten rows."""
    for n in range(5):
        approve(desk, desk.ledger.draft(wanted("email.send", case_id=f"C{n}")))
    assert desk.audit.verify().rows == 10
    return desk


def tamper(desk: TestDesk, statement: Any) -> None:
    """As somebody with every right on the database would."""
    with desk.db.begin() as conn:
        if desk.db.is_sqlite:
            conn.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_update")
            conn.exec_driver_sql("DROP TRIGGER IF EXISTS audit_no_delete")
        else:
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        conn.execute(statement)


def test_an_untouched_chain_verifies(chain: TestDesk) -> None:
    verdict = chain.audit.verify()
    assert verdict.ok
    assert (verdict.rows, verdict.head) == chain.audit.head()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("who", "mallory"), ("what", "undone"), ("target", "A0"), ("body", "{}"), ("payload_hash", None),
        ("previous", "0" * 64), ("hash", "0" * 64),
    ],
)  # fmt: skip
def test_a_changed_value_shows(chain: TestDesk, column: str, value: Any) -> None:
    tamper(chain, sa.update(audit).where(audit.c.n == 4).values({column: value}))
    verdict = chain.audit.verify()
    assert not verdict.ok
    assert verdict.first_bad == 4
    assert "row 4" in verdict.sentence or "row 5" in verdict.sentence


def test_a_changed_moment_shows(chain: TestDesk) -> None:
    later = chain.clock() + timedelta(microseconds=1)
    tamper(chain, sa.update(audit).where(audit.c.n == 4).values(at=later))
    assert chain.audit.verify().first_bad == 4


def test_a_removed_row_shows(chain: TestDesk) -> None:
    tamper(chain, sa.delete(audit).where(audit.c.n == 4))
    assert "row 4 is missing" in chain.audit.verify().sentence


def test_two_swapped_rows_show(chain: TestDesk) -> None:
    for old, new in ((4, 99), (5, 4), (99, 5)):
        tamper(chain, sa.update(audit).where(audit.c.n == old).values(n=new))
    assert not chain.audit.verify().ok


def test_a_cut_tail_shows_against_the_exported_head(chain: TestDesk, tmp_path: Path) -> None:
    assert chain.audit.export_head(tmp_path) is not None
    assert chain.audit.verify(tmp_path).ok
    tamper(chain, sa.delete(audit).where(audit.c.n == 10))
    assert chain.audit.verify().ok
    assert "row 10 was exported" in chain.audit.verify(tmp_path).sentence


def test_a_chain_forged_from_the_start_shows_against_the_exported_head(chain: TestDesk, tmp_path: Path) -> None:
    chain.audit.export_head(tmp_path)
    tamper(chain, sa.delete(audit))
    for _ in range(10):
        with chain.db.begin() as conn:
            chain.audit.append(conn, "mallory", "approved", "A1", {})
    assert chain.audit.verify().ok
    assert "not the one whose hash was exported" in chain.audit.verify(tmp_path).sentence


def test_a_days_head_follows_the_chain_and_is_never_painted_over(chain: TestDesk, tmp_path: Path) -> None:
    """The tail is cut and grows again beyond the exported row: the file still names the row that was there."""
    (first,) = [chain.audit.export_head(tmp_path)]
    approve(chain, chain.ledger.draft(wanted("email.send", case_id="C9")))
    assert chain.audit.export_head(tmp_path) == first
    assert chain.audit.verify(tmp_path).sentence.endswith("1 exported heads agree.")
    tamper(chain, sa.delete(audit).where(audit.c.n >= 11))
    assert chain.audit.export_head(tmp_path) is None
    assert "row 12 was exported" in chain.audit.verify(tmp_path).sentence
    for _ in range(3):
        with chain.db.begin() as conn:
            chain.audit.append(conn, "mallory", "approved", "A1", {})
    assert chain.audit.verify().ok
    assert chain.audit.export_head(tmp_path) is None
    assert "not the one whose hash was exported" in chain.audit.verify(tmp_path).sentence


def test_the_head_is_exported_once_a_day(chain: TestDesk, tmp_path: Path) -> None:
    assert chain.audit.export_head(tmp_path) is not None
    assert chain.audit.export_head(tmp_path) is None
    chain.clock.move(86400)
    assert chain.audit.export_head(tmp_path) is not None
    assert len(list(tmp_path.glob("audit-head-*.json"))) == 2


@pytest.mark.parametrize("statement", [sa.update(audit).values(who="mallory"), sa.delete(audit)])
def test_the_database_refuses_to_change_the_past(chain: TestDesk, statement: Any) -> None:
    with pytest.raises(DBAPIError, match="append-only"), chain.db.begin() as conn:
        conn.execute(statement)
    assert chain.audit.verify().ok


def test_the_audit_says_who_decided_what_on_which_hash_with_which_model(desk: TestDesk) -> None:
    meta = {"model": "offline", "prompts": {"planner": "3"}, "evidence": ["E1"], "confidence": 0.9}
    action = desk.ledger.draft(wanted(meta=meta))
    approve(desk, action)
    drafted, approved = (row.to_json() for row in desk.audit.rows(target=action.id))
    assert drafted["body"]["meta"] == {**meta, "confidence": "0.9"}
    assert drafted["body"]["payload"] == action.payload
    assert (approved["who"], approved["what"], approved["payload_hash"]) == ("ann", "approved", action.payload_hash)
    assert approved["body"]["seen_hash"] == action.payload_hash


def test_rows_can_be_read_as_of_a_moment(chain: TestDesk) -> None:
    then = chain.clock()
    chain.clock.move(60)
    approve(chain, chain.ledger.draft(wanted("email.send", case_id="C9")))
    assert len(chain.audit.rows(until=then)) == 10
    assert len(chain.audit.rows()) == 12
