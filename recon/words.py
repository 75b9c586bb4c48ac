"""The product's words: patterns, causes and states, each with the label an operator reads."""

from typing import Final, Literal

Pattern = Literal[
    "spike",
    "inconsistent",
    "consistent_trend",
    "in_line",
    "drop",
    "level_shift",
    "high_volatility",
    "reversal",
    "recurring",
    "repeated",
    "drift_within_tolerance",
    "insufficient_history",
    "new",
]

PATTERN_LABELS: Final[dict[str, str]] = {
    "spike": "Huge spike in outstanding balances",
    "inconsistent": "Inconsistent variations in outstanding balances",
    "consistent_trend": "Consistent increase or decrease in outstanding balances",
    "in_line": "Outstanding balances are in line with previous months",
    "drop": "Sudden drop in outstanding balances",
    "level_shift": "Outstanding balances moved to a new level",
    "high_volatility": "Outstanding balances vary more than they used to",
    "reversal": "Outstanding balances reversed",
    "recurring": "Outstanding balances recur by calendar",
    "repeated": "The same key keeps breaking",
    "drift_within_tolerance": "Small differences within tolerance add up",
    "insufficient_history": "Not enough history to judge",
    "new": "New behaviour",
}
"""The first four labels are those of the bank's own sample. A recon file may rename any."""

Cause = Literal[
    "timing",
    "missing_left",
    "missing_right",
    "duplicate",
    "sign_flip",
    "scale",
    "digit_slip",
    "rounding",
    "factor_rounding",
    "fx_rate",
    "fee_or_tax",
    "misposting",
    "aggregation",
    "price",
    "quantity",
    "lag",
    "reference_data",
    "stale",
    "new",
    "unknown",
]

CAUSE_LABELS: Final[dict[str, str]] = {
    "timing": "Timing difference",
    "missing_left": "Missing on the {left} side",
    "missing_right": "Missing on the {right} side",
    "duplicate": "Posted twice",
    "sign_flip": "Sign reversed",
    "scale": "Wrong by a power of ten",
    "digit_slip": "Digit slip",
    "rounding": "Rounding",
    "factor_rounding": "Factor rounding",
    "fx_rate": "FX rate",
    "fee_or_tax": "Fee or tax",
    "misposting": "Misposting",
    "aggregation": "One side is a sum of several",
    "price": "Price difference",
    "quantity": "Quantity difference",
    "lag": "One side is a day behind",
    "reference_data": "Reference data",
    "stale": "Stale side",
    "new": "New cause",
    "unknown": "No mechanism found",
}

Side = Literal["left", "right", "both", "unclear"]

AnomalyAnswer = Literal["yes", "no", "insufficient_history"]

Severity = Literal["high", "medium", "low"]

CaseKind = Literal["anomaly", "document"]

CaseState = Literal[
    "open",
    "in_review",
    "waiting",
    "snoozed",
    "escalated",
    "resolved",
    "cleared",
    "reopened",
    "closed_forced",
]

ActionKind = Literal[
    "jira.create",
    "jira.comment",
    "jira.transition",
    "email.send",
    "webhook.call",
    "recon.comment",
    "task.create",
]

ActionState = Literal[
    "draft",
    "pending",
    "approved",
    "executing",
    "checking",
    "done",
    "rejected",
    "failed",
    "unknown",
    "superseded",
    "expired",
]

DecisionKind = Literal["approve", "edit", "reject", "respond"]

Verdict = Literal["true", "false_positive", "missed", "corrected"]

Role = Literal["viewer", "operator", "approver", "admin"]
