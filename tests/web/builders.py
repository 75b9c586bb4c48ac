"""A workspace with realistic cases, drafts, tags and a conversation, so that a page's test shows only its promise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from agents.desk import Desk
from memory.action import Draft, Person
from memory.cases import CaseWrite
from memory.policy import Policy
from memory.recons import RunStore
from memory.schema import items, messages, promises
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart, Similar
from recon.ids import case_id, item_id, scope_key
from recon.panels import build_panels
from recon.recon_file import parse_recon_file
from recon.rows import Layout, Pair
from recon.settings import Settings
from tests.builders import reading_of

RECON = "gl-vs-ihub"
OPERATOR = Person("olga", "operator")
APPROVER = Person("amir", "approver")
POLICY = Policy(email_domains=("bank.example",), jira_projects=("REC", "TREAS"), four_eyes_over=Decimal(500000))
LAYOUT = Layout(
    key=("Account", "Currency"),
    pairs=(Pair("Balance", "GL Balance", "IHub Balance", None, "number", tolerance="1"),),
    historical=("Desk",),
    date="As of Date",
    currency="Currency",
    comment=("Comments",),
    left_source="GL",
    right_source="IHub",
)
SAID = {
    "name": RECON,
    "sources": {"left": "GL", "right": "IHub"},
    "materiality": {"amount": 10000, "currency": "USD", "rates": {"EUR": 1.08, "GBP": 1.26, "JPY": 0.0067}},
    "allow": {"email_domains": ["bank.example"], "jira_projects": ["REC", "TREAS"]},
    "approval": {"four_eyes_over": 500000, "undo_seconds": 10},
}


@dataclass(frozen=True)
class Plan:
    """One planted problem."""

    account: str
    currency: str
    desk: str
    pattern: str
    cause: str
    title: str
    proof: str
    factor: float
    severity: str
    days: int = 1
    similar: int = 2


PLANS: Sequence[Plan] = (
    Plan(
        "1203-NOSTRO",
        "GBP",
        "Treasury",
        "spike",
        "fx_rate",
        "GBP balances on 1203-NOSTRO use yesterday's rate",
        "373,881.97 is 29,672,378.57 x (1.2642 - 1.2516): the GL side still uses the rate of 19 Nov",
        14.0,
        "high",
        2,
    ),
    Plan(
        "4410-SUSP",
        "USD",
        "Equities",
        "level_shift",
        "duplicate",
        "Settlement 88-20417 is posted twice on 4410-SUSP",
        "184,220.00 appears twice on the GL side on 20 Nov with the same reference 88-20417",
        9.0,
        "high",
        3,
    ),
    Plan(
        "2290-FEES",
        "EUR",
        "Custody",
        "consistent_trend",
        "fee_or_tax",
        "Custody fee is booked net on 2290-FEES",
        "The difference is 0.35% of the IHub side on each of 11 days: the custodian's fee",
        3.0,
        "medium",
        6,
    ),
    Plan(
        "7781-CASH",
        "JPY",
        "Treasury",
        "spike",
        "scale",
        "An extra zero on the GL side of 7781-CASH",
        "897,040 is 89,704 x 10: an extra zero on the GL side",
        11.0,
        "high",
    ),
    Plan(
        "3310-COLL",
        "USD",
        "Derivatives",
        "reversal",
        "sign_flip",
        "Collateral call is booked with the wrong sign",
        "-412,500.00 is 412,500.00 with its sign reversed: the GL side booked a receipt as a payment",
        8.0,
        "high",
    ),
    Plan(
        "5102-ACCR",
        "USD",
        "Custody",
        "recurring",
        "timing",
        "Month-end accrual arrives one day late on 5102-ACCR",
        "The IHub side books 61,004.11 on 21 Nov: the difference closes by itself in one day",
        4.0,
        "low",
    ),
    Plan(
        "6620-DIV",
        "EUR",
        "Equities",
        "new",
        "new",
        "Dividend tax reclaim appears on one side only",
        "No mechanism found among 14 tried",
        5.0,
        "medium",
        1,
        0,
    ),
    Plan(
        "8080-PART",
        "GBP",
        "Equities",
        "in_line",
        "rounding",
        "Partial cents on 8080-PART, in line with every month",
        "Each difference is under 0.01 for each of 312 parts: rounding",
        1.2,
        "low",
        4,
    ),
)


def open_home(home: Path, **settings: Any) -> Desk:
    """An empty, upgraded workspace in a folder."""
    from server import open_desk

    return open_desk(Settings(_env_file=None, home=home, **settings))  # type: ignore[call-arg]


def fill(desk: Desk, plans: Sequence[Plan] = PLANS, *, drafts: bool = True) -> list[str]:
    """Puts the planned problems on the desk, with a quarter of history in the lake; answers the case ids."""
    today = desk.clock().date()
    RunStore(desk.db, desk.clock).keep_recon(RECON, parse_recon_file(SAID, RECON), LAYOUT, "ana")
    days = business_days(today, 90)
    text = history_text(plans, days)
    reading = reading_of(text, LAYOUT)
    desk.lake.append(RECON, reading)
    panel = build_panels(reading, None, parse_recon_file(SAID, RECON))[0]
    series = _series_ids(panel)
    ids = []
    for n, plan in enumerate(plans):
        case, breaks, spark = _case(plan, n, days, text)
        with desk.db.begin() as connection:
            connection.execute(
                sa.insert(items), [_item(b, case, series[(plan.account, plan.currency)]) for b in breaks[:1]]
            )
        write = CaseWrite(case, tuple(breaks), tuple(spark), 0.9 - n / 20, today + timedelta(days=n - 2))
        desk.cases.upsert_many([write], "Rseed")
        if drafts:
            _drafts(desk, plan, case)
        ids.append(case.id)
    _promise_and_talk(desk, ids[0], today)
    return ids


def business_days(last: date, count: int) -> list[date]:
    """The last `count` weekdays up to a day, oldest first."""
    found: list[date] = []
    day = last
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def history_text(plans: Sequence[Plan], days: Sequence[date]) -> str:
    noise = np.random.default_rng(7)
    lines = ["Account,Currency,Desk,As of Date,GL Balance,IHub Balance,Comments"]
    for n, plan in enumerate(plans):
        base = 1000.0 * (n + 2)
        for i, day in enumerate(days):
            usual = base * (0.5 + 0.25 * math.sin(i / 7.0)) + noise.normal(0, base * 0.05)
            diff = usual + (base * plan.factor if i >= len(days) - plan.days else 0.0)
            right = 1_204_118.20 + 40_000 * math.sin(i / 11.0 + n)
            comment = "Accrual clears on the next statement" if i in (41, 63) else ""
            lines.append(f"{plan.account},{plan.currency},{plan.desk},{day},{right + diff:.2f},{right:.2f},{comment}")
    return "\n".join(lines)


def _series_ids(panel: Any) -> dict[tuple[str, str], int]:
    found = {}
    for s in range(panel.s):
        at = int(panel.offsets[s])
        key = tuple(
            str(panel.columns[name].vocabulary[int(panel.columns[name].codes[at])]) for name in ("Account", "Currency")
        )
        found[key] = int(panel.series_id[s])
    return found  # type: ignore[return-value]


def _case(plan: Plan, n: int, days: Sequence[date], text: str) -> tuple[Case, list[BreakRow], list[float]]:
    rows = [line.split(",") for line in text.splitlines()[1:] if line.startswith(plan.account + ",")]
    spark = [round(float(r[4]) - float(r[5]), 2) for r in rows][-30:]
    scope = (ScopePart("Account", plan.account), ScopePart("Currency", plan.currency))
    onset = days[-plan.days]
    ident = case_id(RECON, plan.cause, [(p.column, p.value) for p in scope], onset.isoformat())
    breaks = []
    for i in range(plan.days):
        row = rows[len(rows) - plan.days + i]
        diff = Decimal(row[4]) - Decimal(row[5])
        usual = 1000.0 * (n + 2) * 0.5
        breaks.append(
            BreakRow(
                break_id=f"B{abs(hash((plan.account, i))) % 16**16:016x}",
                item_id=item_id(1000 + n),
                row=100 * n + i + 1,
                business_date=days[len(days) - plan.days + i],
                pair="Balance",
                key={"Account": plan.account, "Currency": plan.currency},
                columns={"Desk": plan.desk},
                left=row[4],
                right=row[5],
                difference=format(diff, "f"),
                currency=plan.currency,
                is_break=True,
                anomaly="no" if plan.pattern == "in_line" else "yes",
                score=round(0.97 - n / 30, 3),
                pvalue=0.0004,
                expected=usual,
                low=usual * 0.4,
                high=usual * 1.7,
                pattern=plan.pattern,
                cause=plan.cause,
                reason=f"{diff:,.2f} against an expected {usual * 0.4:,.0f} to {usual * 1.7:,.0f}",
            )
        )
    amount = sum((abs(Decimal(b.difference)) for b in breaks), Decimal(0))
    rate = {"USD": 1.0, "EUR": 1.08, "GBP": 1.26, "JPY": 0.0067}[plan.currency]
    evidence = (
        Evidence(
            "E1",
            "proof",
            plan.proof + ".",
            {"mechanism": plan.cause, "difference": breaks[-1].difference},
            (breaks[-1].row,),
        ),
        Evidence(
            "E2",
            "band",
            f"The difference is {breaks[-1].difference} on {days[-1]}, outside its band.",
            {"low": breaks[-1].low, "high": breaks[-1].high},
            (breaks[-1].row,),
        ),
        Evidence(
            "E3",
            "slice",
            f"Account {plan.account}, Currency {plan.currency}",
            {"coverage": 1.0 - n / 40, "purity": 0.96 - n / 30},
        ),
        Evidence("E4", "onset", f"It began on {onset}.", {"onset": onset.isoformat()}),
        Evidence("E5", "side", "The GL side moved; the IHub side is as it was.", {"side": "left"}),
    )
    case = Case(
        id=ident,
        kind="document" if plan.pattern == "in_line" else "anomaly",
        state="open",
        title=plan.title,
        recon=RECON,
        pattern=plan.pattern,
        cause=plan.cause,
        cause_detail="Tax reclaim" if plan.cause == "new" else "",
        confidence=0.93 - n / 25,
        severity=plan.severity,  # type: ignore[arg-type]
        scope=scope,
        break_count=len(breaks),
        amount=amount,
        currency=plan.currency,
        onset=onset,
        rows=tuple(b.row for b in breaks),
        evidence=evidence,
        hypotheses=(
            Hypothesis(plan.cause, f"{plan.proof} [E1].", 0.9 - n / 30, ("E1", "E3")),
            Hypothesis("timing", "It closes by itself if the other side books tomorrow.", 0.12, ("E4",)),
        ),
        suspect_side="left",
        similar=tuple(
            Similar(
                f"S{n}{k}",
                0.91 - k / 10,
                "resolved" if k % 2 == 0 else "reopened",
                "FX rate refreshed in GL, balances re-run on the next business day.",
                str(days[-20 - k]),
                "same cause and account",
            )
            for k in range(plan.similar)
        ),
        summary=f"{plan.proof} [E1]. It began on {onset} [E4] and the GL side moved [E5]. "
        f"The breaks share account {plan.account} [E3].",
        pair="Balance",
        key={"Account": plan.account, "Currency": plan.currency},
        amount_base=float(amount) * rate,
        last_date=days[-1],
    )
    return case, breaks, spark


def _item(brk: BreakRow, case: Case, series: int) -> dict[str, Any]:
    return {
        "id": brk.item_id,
        "recon": RECON,
        "pair": brk.pair,
        "series_id": str(series),
        "key": brk.key,
        "onset": case.onset,
        "last_seen": brk.business_date,
        "state": "open",
        "difference": brk.difference,
        "first_difference": brk.difference,
        "currency": brk.currency,
        "case_id": case.id,
        "body": {},
    }


def _drafts(desk: Desk, plan: Plan, case: Case) -> None:
    key = scope_key(RECON, plan.cause, [(p.column, p.value) for p in case.scope])
    shared = {
        "case_id": case.id,
        "recon": RECON,
        "scope_key": key,
        "source_hash": "0" * 64,
        "policy": POLICY,
        "amount_base": Decimal(str(round(case.amount_base, 2))),
        "rationale": "The mechanism is proved [E1]; the route is the recon file's.",
    }
    ids = [b.value for b in case.scope]
    body = (
        f"{plan.title}.\n\nEvidence\n- {plan.proof} (E1)\n- It began on {case.onset} (E4)\n- The GL side moved (E5)\n\n"
        f"Please correct the GL side for {', '.join(ids)} and confirm."
    )
    if plan.pattern != "in_line":
        desk.ledger.draft(
            Draft(
                kind="jira.create",
                **shared,  # type: ignore[arg-type]
                payload={
                    "project": "TREAS",
                    "issuetype": "Task",
                    "summary": plan.title,
                    "description": body,
                    "priority": "High",
                    "assignee": "fx.ops",
                    "labels": ["tieout"],
                    "case_id": case.id,
                },
            )
        )
    if plan.severity == "high":
        desk.ledger.draft(
            Draft(
                kind="email.send",
                **shared,  # type: ignore[arg-type]
                payload={
                    "to": ["fx.ops@bank.example"],
                    "cc": ["rec.control@bank.example"],
                    "subject": plan.title,
                    "body": "Hello,\n\n" + body,
                },
            )
        )
    desk.ledger.draft(
        Draft(
            kind="recon.comment",
            **shared,  # type: ignore[arg-type]
            payload={
                "recon": RECON,
                "breaks": ["B1"],
                "rows": list(case.rows),
                "comment": f"{plan.proof}. Ticket raised.",
            },
        )
    )


def _promise_and_talk(desk: Desk, ident: str, today: date) -> None:
    now = desk.clock()
    with desk.db.begin() as connection:
        connection.execute(
            sa.insert(promises).values(
                id="P1",
                recon=RECON,
                series_id="1",
                case_id=ident,
                text="Custodian will rebook by Tuesday",
                due_on=today,
                condition={},
                state="open",
                made_on=today - timedelta(days=4),
                recorded_at=now,
                body={},
            )
        )
        for role, who, text in (
            ("user", "olga", "Is it timing?"),
            (
                "assistant",
                "tieout",
                "No. The difference equals the balance times the change of the rate [E1]; only the GL side moved [E5].",
            ),
        ):
            connection.execute(
                sa.insert(messages).values(case_id=ident, role=role, who=who, text=text, body={}, at=now)
            )


def noon(day: date) -> datetime:
    """A moment on a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
