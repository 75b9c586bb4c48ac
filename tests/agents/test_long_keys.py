"""A key of thousands of characters keeps no case from its approval."""

from datetime import date, timedelta
from pathlib import Path

from agents.run import RunRequest, run
from recon.recon_file import parse_recon_file
from tests.agents.desks import make_desk

HEADER = "Date,Account,Currency,Ledger Amount,Bank Amount"
FIRST = date(2026, 3, 2)


def rows(first: int, last: int, off: int) -> list[str]:
    keys = [*(f"K{n}" for n in range(30)), "L" * 5_000]
    return [
        f"{(FIRST + timedelta(days=day)).isoformat()},{key},USD,{1000 + n + (off if n == 30 else 0)},{1000 + n}"
        for day in range(first, last)
        for n, key in enumerate(keys)
    ]


def test_a_case_whose_key_is_very_long_gets_its_drafts(tmp_path: Path) -> None:
    files = {"past": rows(0, 15, 0), "now": rows(15, 16, 90_000)}
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text(
            "\n".join(["Date,Account,Currency,Ledger Amount,Bank Amount", *lines, ""])
        )
    desk = make_desk(tmp_path / "home")
    said = parse_recon_file({"columns": {"key": ["Account"]}}, "said")
    run(desk, RunRequest((tmp_path / "now.csv",), (tmp_path / "past.csv",), said))
    assert [draft.kind for draft in desk.ledger.list(state=("pending",))] == ["jira.create"]
