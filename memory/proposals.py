"""Proposals beyond a ticket: net off breaks that cancel, write off small ones; drafted with their journal lines."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from memory.payloads import attachment
from recon.case import BreakRow, Case
from recon.money import readable
from recon.recon_file import ReconFile, Route
from recon.text import counted

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


def net_off(case: Case, groups: Sequence[Sequence[BreakRow]], said: ReconFile) -> list[Proposal]:
    """A journal for each group of breaks that cancels in one currency; others are left alone.

    What is left over goes to the write-off account, and only if it is under the recon file's limit.
    """
    return [found for group in groups if (found := _net_off(case, group, said)) is not None]


def _net_off(case: Case, group: Sequence[BreakRow], said: ReconFile) -> Proposal | None:
    live = [brk for brk in group if brk.is_break and Decimal(brk.difference) != 0]
    if len(live) < 2 or len({brk.currency for brk in live}) != 1:
        return None
    currency = live[0].currency or ""
    over = sum((Decimal(brk.difference) for brk in live), Decimal(0))
    lines = [_line(brk, _key(brk), f"net off against {counted(len(live) - 1, 'other')}") for brk in live]
    if over:
        rule, rate = said.write_off, _rate(currency, said.write_off.currency if said.write_off else "", said)
        if rule is None or not rule.account or rate is None or abs(over) * rate >= rule.under:
            return None
        rest = replace(lines[0], key="", side="DR" if over > 0 else "CR", amount=abs(over), account=rule.account)
        lines.append(replace(rest, text="what is left over"))
    total = sum((line.amount for line in lines if line.side == "DR"), Decimal(0))
    left = f"; {readable(abs(over), currency or None)} is left over" if over else ""
    said_so = f"{len(live)} breaks cancel out; {readable(total, currency or None)} moves between their keys{left}."
    return Proposal("net_off", case.id, tuple(lines), tuple(b.break_id for b in live), total, currency, said_so)


def cancelling(breaks: Sequence[BreakRow], within: Decimal = Decimal(0)) -> list[list[BreakRow]]:
    """Groups that cancel within one pair, currency and business date: opposite amounts two by two, the nearest
    first; then what is left, if three or more of it cancel together. They add up to `within` at most: what two
    matching keys may differ by, two broken ones may too.
    """
    kinds: dict[tuple[str, str | None, Any], list[BreakRow]] = {}
    for brk in breaks:
        if brk.is_break and Decimal(brk.difference) != 0:
            kinds.setdefault((brk.pair, brk.currency, brk.business_date), []).append(brk)
    found: list[list[BreakRow]] = []
    for alike in kinds.values():
        pairs = _opposites(alike, within)
        paired = {brk.break_id for pair in pairs for brk in pair}
        rest = [brk for brk in alike if brk.break_id not in paired]
        found += pairs
        if len(rest) >= 3 and abs(sum((Decimal(b.difference) for b in rest), Decimal(0))) <= within:
            found.append(rest)
    return found


def _opposites(breaks: Sequence[BreakRow], within: Decimal) -> list[list[BreakRow]]:
    """Pairs of opposite sign; by size, each with the nearest neighbour that is still free."""
    ordered = sorted(breaks, key=lambda b: (abs(Decimal(b.difference)), b.break_id))
    pairs: list[list[BreakRow]] = []
    waiting: list[BreakRow] = []
    for brk in ordered:
        amount = Decimal(brk.difference)
        waiting = [w for w in waiting if abs(amount) - abs(Decimal(w.difference)) <= within]
        other = next((w for w in reversed(waiting) if Decimal(w.difference) * amount < 0), None)
        if other is None:
            waiting.append(brk)
        else:
            waiting.remove(other)
            pairs.append([other, brk])
    return pairs


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
    many = counted(len(breaks), "difference")
    said_so = f"{many} each under {under}, {readable(total, currency or None)} in all, to {account}."
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
