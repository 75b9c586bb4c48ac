"""Proposals beyond a ticket: net off breaks that cancel, write off small ones; drafted with their journal lines."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from memory.payloads import attachment
from recon.case import BreakRow, Case
from recon.money import readable
from recon.recon_file import ReconFile, Route

ProposalKind = Literal["net_off", "write_off"]

_HEADER = ("line", "break", "business_date", "key", "debit_credit", "amount", "currency", "account", "text")


@dataclass(frozen=True)
class JournalLine:
    """One line of a proposed journal. Nothing is posted: a person takes it to the ledger."""

    break_id: str
    business_date: str
    key: str
    side: Literal["DR", "CR"]
    amount: Decimal
    """Never negative."""
    currency: str
    account: str
    text: str


@dataclass(frozen=True)
class Proposal:
    """A journal that would settle breaks, with what it does and why it may be done."""

    kind: ProposalKind
    case_id: str
    lines: tuple[JournalLine, ...]
    breaks: tuple[str, ...]
    total: Decimal
    """Of the debits in their own currency; the journal is balanced."""
    currency: str
    rationale: str

    def csv(self) -> str:
        """The journal as a file: a text that could be read as a formula is put behind an apostrophe."""
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(_HEADER)
        for n, line in enumerate(self.lines, 1):
            cells = (line.break_id, line.business_date, line.key, line.side)
            amount = format(line.amount, "f")
            safe = [_safe(cell) for cell in cells]
            writer.writerow((n, *safe, amount, line.currency, _safe(line.account), _safe(line.text)))
        return sink.getvalue()


def _safe(cell: str) -> str:
    return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def net_off(case: Case, groups: Sequence[Sequence[BreakRow]]) -> list[Proposal]:
    """A journal for each group of breaks that adds up to zero in one currency; others are left alone."""
    found = []
    for group in groups:
        live = [brk for brk in group if brk.is_break and Decimal(brk.difference) != 0]
        currencies = {brk.currency for brk in live}
        if len(live) < 2 or len(currencies) != 1 or sum((Decimal(b.difference) for b in live), Decimal(0)) != 0:
            continue
        currency = live[0].currency or ""
        lines = tuple(_line(brk, _key(brk), f"net off against {len(live) - 1} other(s)") for brk in live)
        total = sum((line.amount for line in lines if line.side == "DR"), Decimal(0))
        ids = tuple(brk.break_id for brk in live)
        said = f"{len(live)} breaks add up to zero; {readable(total, currency or None)} moves between their keys."
        found.append(Proposal("net_off", case.id, lines, ids, total, currency, said))
    return found


def cancelling(breaks: Sequence[BreakRow]) -> list[list[BreakRow]]:
    """Groups that add up to zero within one pair, currency and business date: equal and opposite amounts two by
    two, in the order given; then what is left, if three or more of it add up to zero together.
    """
    kinds: dict[tuple[str, str | None, Any], list[BreakRow]] = {}
    for brk in breaks:
        if brk.is_break and Decimal(brk.difference) != 0:
            kinds.setdefault((brk.pair, brk.currency, brk.business_date), []).append(brk)
    found: list[list[BreakRow]] = []
    for alike in kinds.values():
        waiting: dict[Decimal, list[BreakRow]] = {}
        for brk in alike:
            amount = Decimal(brk.difference)
            if waiting.get(-amount):
                found.append([waiting[-amount].pop(0), brk])
            else:
                waiting.setdefault(amount, []).append(brk)
        rest = [brk for left in waiting.values() for brk in left]
        if len(rest) >= 3 and sum((Decimal(b.difference) for b in rest), Decimal(0)) == 0:
            found.append(rest)
    return found


def write_off(case: Case, breaks: Sequence[BreakRow], said: ReconFile) -> list[Proposal]:
    """A journal, for each currency, for the differences under the recon file's limit, to its named account.

    Nothing where the recon file names no limit or account, or no rate for a currency. One-sided breaks are never
    small differences: a side is missing.
    """
    rule = said.write_off
    if rule is None or not rule.account:
        return []
    by_currency: dict[str, list[BreakRow]] = {}
    for brk in breaks:
        if not brk.is_break or brk.left is None or brk.right is None:
            continue
        rate = _rate(brk.currency, rule.currency, said)
        if rate is not None and Decimal(0) < abs(Decimal(brk.difference)) * rate < rule.under:
            by_currency.setdefault(brk.currency or "", []).append(brk)
    return [_write_off(case, currency, of, said, rule.account) for currency, of in sorted(by_currency.items())]


def _write_off(case: Case, currency: str, breaks: Sequence[BreakRow], said: ReconFile, account: str) -> Proposal:
    rule = said.write_off
    under = readable(rule.under, rule.currency) if rule else ""
    lines: list[JournalLine] = []
    for brk in breaks:
        line = _line(brk, _key(brk), f"small difference under {under}")
        lines += [line, _against(line, account)]
    total = sum((line.amount for line in lines if line.side == "DR"), Decimal(0))
    ids = tuple(brk.break_id for brk in breaks)
    said_so = (
        f"{len(breaks)} difference(s) each under {under}, {readable(total, currency or None)} in all, to {account}."
    )
    return Proposal("write_off", case.id, tuple(lines), ids, total, currency, said_so)


def _rate(currency: str | None, wanted: str, said: ReconFile) -> Decimal | None:
    """Units of `wanted` for one of `currency`, through the materiality currency; None where no rate is given."""
    rates: Mapping[str, Decimal] = {**said.materiality.rates, said.materiality.currency: Decimal(1)}
    if not currency or currency == wanted:
        return Decimal(1)
    if currency not in rates or wanted not in rates:
        return None
    return rates[currency] / rates[wanted]


def _line(brk: BreakRow, account: str, text: str) -> JournalLine:
    """The line that takes the difference off the left side: a left that is too large is credited."""
    difference = Decimal(brk.difference)
    return JournalLine(
        break_id=brk.break_id,
        business_date=brk.business_date.isoformat() if brk.business_date else "",
        key=_key(brk),
        side="CR" if difference > 0 else "DR",
        amount=abs(difference),
        currency=brk.currency or "",
        account=account,
        text=text,
    )


def _against(line: JournalLine, account: str) -> JournalLine:
    return JournalLine(
        line.break_id,
        line.business_date,
        line.key,
        "DR" if line.side == "CR" else "CR",
        line.amount,
        line.currency,
        account,
        line.text,
    )


def _key(brk: BreakRow) -> str:
    return " / ".join(brk.key.values())


def payload_of(proposal: Proposal, case: Case, route: Route | None) -> tuple[str, dict[str, Any]]:
    """The action that carries a proposal: a ticket with the journal attached where a route names a project, else a
    to-do whose text holds the journal. Returns (kind, payload)."""
    what = "Net off" if proposal.kind == "net_off" else "Write off"
    title = f"{what} {readable(proposal.total, proposal.currency or None)}: {case.title}"[:250]
    body = (
        f"{proposal.rationale}\n\nBreaks: {', '.join(proposal.breaks[:50])}\n"
        "The journal is a proposal. Nothing is posted by Tieout; whoever posts it answers for it."
    )
    if route is None or route.jira is None:
        return "task.create", {"title": title, "body": f"{body}\n\n{proposal.csv()}"[:32_000]}
    jira = route.jira
    name = f"journal-{proposal.kind.replace('_', '-')}-{case.id}.csv"
    return "jira.create", {
        "project": jira.project,
        "issuetype": jira.issuetype,
        "summary": title,
        "description": body,
        "priority": jira.priority,
        "assignee": jira.assignee,
        "labels": list(jira.labels),
        "case_id": case.id,
        "attachments": [attachment(name, proposal.csv())],
    }
