"""What operators' decisions say of Tieout: precision of each bucket, drafts kept as written, false alarms, cost."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import sqlalchemy as sa

from agents.desk import Desk
from memory.schema import actions, cases, decisions, feedback, model_usage
from memory.usage import Spent

KEPT_SECONDS: Final = 20.0
_kept: dict[int, tuple[float, dict[tuple[str, str, str], "Precision"]]] = {}


@dataclass(frozen=True)
class Precision:
    """How often people agreed with a bucket."""

    kind: Literal["pattern", "cause"]
    bucket: str
    right: int
    wrong: int

    @property
    def total(self) -> int:
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        return self.right / self.total if self.total else None


def _verdicts(desk: Desk) -> dict[tuple[str, str, str], Precision]:
    """For each reconciliation and bucket: tags that confirmed it and tags that did not, the active ones."""
    query = (
        sa.select(
            feedback.c.recon, feedback.c.verdict, feedback.c.pattern, feedback.c.cause, cases.c.pattern, cases.c.cause
        )
        .join(cases, cases.c.id == feedback.c.target_id)
        .where(feedback.c.active.is_(True), feedback.c.target_kind == "case")
    )
    approved = (
        sa.select(cases.c.recon, cases.c.pattern, cases.c.cause, decisions.c.kind)
        .join(cases, cases.c.id == decisions.c.case_id)
        .where(decisions.c.kind.in_(("approve", "reject")))
        .group_by(decisions.c.case_id, cases.c.recon, cases.c.pattern, cases.c.cause, decisions.c.kind)
    )
    counted: dict[tuple[str, str, str], list[int]] = {}

    def count(recon: str, kind: str, bucket: str, right: bool) -> None:
        counted.setdefault((recon, kind, bucket), [0, 0])[0 if right else 1] += 1

    with desk.db.read() as connection:
        for recon, verdict, said_pattern, said_cause, pattern, cause in connection.execute(query):
            if verdict == "corrected":
                if said_pattern:
                    count(recon, "pattern", pattern, said_pattern == pattern)
                if said_cause:
                    count(recon, "cause", cause, said_cause == cause)
            elif verdict in ("true", "false_positive"):
                count(recon, "pattern", pattern, verdict == "true")
                count(recon, "cause", cause, verdict == "true")
        for recon, pattern, cause, kind in connection.execute(approved):
            count(recon, "pattern", pattern, kind == "approve")
            count(recon, "cause", cause, kind == "approve")
    return {
        key: Precision(key[1], key[2], right, wrong)  # type: ignore[arg-type]
        for key, (right, wrong) in counted.items()
    }


def verdicts(desk: Desk) -> dict[tuple[str, str, str], Precision]:
    """`_verdicts`, kept a few seconds."""
    found = _kept.get(id(desk.db))
    if found and time.monotonic() - found[0] < KEPT_SECONDS:
        return found[1]
    counted = _verdicts(desk)
    if len(_kept) > 20:
        _kept.clear()
    _kept[id(desk.db)] = (time.monotonic(), counted)
    return counted


def bucket_precision(desk: Desk, recon: str, kind: Literal["pattern", "cause"], bucket: str) -> Precision | None:
    """The record of one bucket; None when nobody has decided on it yet."""
    return verdicts(desk).get((recon, kind, bucket))


@dataclass(frozen=True)
class FalseAlarms:
    """Cases that were called anomalous and that people then looked at."""

    recon: str
    judged: int
    false: int
    target: float

    @property
    def share(self) -> float | None:
        return self.false / self.judged if self.judged else None


def false_alarms(desk: Desk, targets: dict[str, float]) -> list[FalseAlarms]:
    """The realised share of false alarms per reconciliation, beside the promised one."""
    query = (
        sa.select(feedback.c.recon, feedback.c.verdict, sa.func.count())
        .where(feedback.c.active.is_(True), feedback.c.verdict.in_(("true", "false_positive", "corrected")))
        .group_by(feedback.c.recon, feedback.c.verdict)
    )
    judged: dict[str, list[int]] = {}
    with desk.db.read() as connection:
        for recon, verdict, n in connection.execute(query):
            both = judged.setdefault(recon, [0, 0])
            both[0] += n
            both[1] += n if verdict == "false_positive" else 0
    return [
        FalseAlarms(recon, judged.get(recon, [0, 0])[0], judged.get(recon, [0, 0])[1], target)
        for recon, target in sorted(targets.items())
    ]


def unedited(desk: Desk) -> list[dict[str, Any]]:
    """Per kind of action: how many were decided, approved as drafted, approved after an edit, rejected."""
    query = (
        sa.select(
            actions.c.kind,
            sa.func.count(),
            sa.func.sum(
                sa.case((sa.and_(actions.c.approved_by.is_not(None), actions.c.last_editor.is_(None)), 1), else_=0)
            ),
            sa.func.sum(
                sa.case((sa.and_(actions.c.approved_by.is_not(None), actions.c.last_editor.is_not(None)), 1), else_=0)
            ),
            sa.func.sum(sa.case((actions.c.state == "rejected", 1), else_=0)),
        )
        .where(sa.or_(actions.c.approved_by.is_not(None), actions.c.state == "rejected"))
        .group_by(actions.c.kind)
    )
    with desk.db.read() as connection:
        return [
            {"kind": kind, "decided": n, "as_drafted": int(a or 0), "edited": int(e or 0), "rejected": int(r or 0)}
            for kind, n, a, e, r in connection.execute(query)
        ]


def cost(desk: Desk, days: int = 30) -> list[dict[str, Any]]:
    """Model calls and tokens per model and node over the last days."""
    since: date = desk.clock().date() - timedelta(days=days)
    query = (
        sa.select(
            model_usage.c.model,
            model_usage.c.node,
            sa.func.sum(model_usage.c.calls),
            sa.func.sum(model_usage.c.tokens_in),
            sa.func.sum(model_usage.c.tokens_out),
        )
        .where(model_usage.c.day >= since)
        .group_by(model_usage.c.model, model_usage.c.node)
        .order_by(model_usage.c.model, model_usage.c.node)
    )
    with desk.db.read() as connection:
        return [
            {"model": m, "node": n, "calls": int(c or 0), "tokens_in": int(i or 0), "tokens_out": int(o or 0)}
            for m, n, c, i, o in connection.execute(query)
        ]


def spent(desk: Desk, used: Sequence[Mapping[str, Any]]) -> Decimal | None:
    """What the configured model's tokens cost, in `price_currency`; None where no price is set."""
    ours = [u for u in used if u["model"] == desk.settings.model]
    total = Spent(0, sum(u["tokens_in"] for u in ours), sum(u["tokens_out"] for u in ours)).cost(desk.settings)
    return None if total is None else total.quantize(Decimal("0.01"))
