"""Journals are proposed under the recon file's limits, balanced, and never posted."""

from decimal import Decimal

from memory.payloads import check_payload
from memory.proposals import cancelling, net_off, payload_of, write_off
from recon.case import BreakRow
from recon.recon_file import ReconFile, Route
from tests.desk.deskkit import SAID, made_break, made_case

CASE = made_case()
ROUTE = Route.model_validate({"jira": {"project": "REC", "issuetype": "Task"}})


def small(identity: str, difference: str, **changes: object) -> BreakRow:
    return made_break(break_id=identity, difference=difference, **changes)


def test_only_differences_under_the_limit_are_written_off_each_currency_in_its_own_journal() -> None:
    breaks = [
        small("B1", "4.99"),
        small("B2", "-5.00"),
        small("B3", "-4.70", currency="EUR"),
        small("B4", "4.60", currency="EUR"),
        small("B5", "1.00", currency="XYZ"),
        small("B6", "2.00", right=None),
    ]
    found = write_off(CASE, breaks, SAID)
    assert [(p.currency, p.breaks) for p in found] == [("EUR", ("B4",)), ("USD", ("B1",))]


def test_nothing_is_written_off_without_a_limit_or_an_account() -> None:
    assert write_off(CASE, [small("B1", "1.00")], ReconFile()) == []
    nameless = ReconFile.model_validate({"write_off": {"under": 5}})
    assert write_off(CASE, [small("B1", "1.00")], nameless) == []


def test_every_journal_is_balanced() -> None:
    proposals = write_off(CASE, [small("B1", "4.99"), small("B2", "-3.10")], SAID)
    proposals += net_off(CASE, [[small("B1", "100.00"), small("B2", "-60.00"), small("B3", "-40.00")]], SAID)
    assert len(proposals) == 2
    for proposal in proposals:
        sides = {"DR": Decimal(0), "CR": Decimal(0)}
        for line in proposal.lines:
            sides[line.side] += line.amount
        assert sides["DR"] == sides["CR"] == proposal.total


def test_what_does_not_cancel_or_differs_in_currency_is_left_alone() -> None:
    assert net_off(CASE, [[small("B1", "100.00"), small("B2", "-94.99")]], SAID) == []
    assert net_off(CASE, [[small("B1", "100.00"), small("B2", "-99.99")]], ReconFile()) == []
    assert net_off(CASE, [[small("B1", "100.00"), small("B2", "-100.00", currency="EUR")]], SAID) == []
    assert net_off(CASE, [[small("B1", "100.00")]], SAID) == []


def test_what_is_left_over_goes_to_the_write_off_account_under_its_limit() -> None:
    (proposal,) = net_off(CASE, [[small("B1", "100.43"), small("B2", "-100.00")]], SAID)
    assert [(line.side, line.amount, line.account) for line in proposal.lines][-1] == ("DR", Decimal("0.43"), "7999")
    assert proposal.total == Decimal("100.43")


def test_the_payload_carries_the_journal_and_passes_the_ledgers_check() -> None:
    (proposal,) = write_off(CASE, [small("B1", "4.99", key={"Account": "=cmd()"})], SAID)
    kind, payload = payload_of(proposal, CASE, ROUTE)
    assert kind == "jira.create"
    checked = check_payload("jira.create", payload)
    text = checked["attachments"][0]["text"]
    assert "'=cmd()" in text
    assert text.count("4.99") == 2
    kind, payload = payload_of(proposal, CASE, None)
    assert kind == "task.create"
    check_payload("task.create", payload)


def test_cancelling_groups_are_pairs_first_and_then_the_rest_if_it_adds_up() -> None:
    breaks = [small(f"B{i}", amount) for i, amount in enumerate(("70", "-70", "100", "-60", "-40", "70"))]
    assert [[b.break_id for b in group] for group in cancelling(breaks)] == [["B0", "B1"]]
    groups = cancelling(breaks[:5])
    assert [[b.break_id for b in group] for group in groups] == [["B0", "B1"], ["B2", "B3", "B4"]]
    assert cancelling([small("B1", "5"), small("B2", "-5", currency="EUR")]) == []
    near = [small("B1", "60366.56"), small("B2", "-60366.13"), small("B3", "-60361.00")]
    assert cancelling(near) == []
    assert [[b.break_id for b in group] for group in cancelling(near, Decimal(2))] == [["B2", "B1"]]
